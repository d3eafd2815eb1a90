const recordings = new Map(), timelines = new Map();

/** The test's history, parsed when it is first needed. */
function recordingOf(test) {
  if (!recordings.has(test)) {
    const text = document.getElementById(`data-${test}`).textContent;
    recordings.set(test, new Recording(JSON.parse(text)));
  }
  return recordings.get(test);
}

/** The timeline in this place of the page, built when it is first needed. */
function timelineIn(host) {
  if (!timelines.has(host)) {
    const recording = recordingOf(host.dataset.test);
    const verdict = recording.verdicts[host.dataset.verdict] ?? null;
    timelines.set(host, new Timeline(host, recording, host.dataset.test, verdict));
  }
  return timelines.get(host);
}

// A closed test has no layout, so its timeline is built when it is opened.
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries)
    if (entry.isIntersecting) { watcher.unobserve(entry.target); timelineIn(entry.target); }
}, {rootMargin: "400px"});
for (const host of document.querySelectorAll(".timeline")) watcher.observe(host);

/** Follow an address of this page: a test, a verdict, its marks, or a line. */
function follow() {
  const address = decodeURIComponent(location.hash.slice(1));
  const [, test, what, number] = /^t(\d+)(?:-(line|marks)-(\d+))?/.exec(address) ?? [];
  const part = test && document.getElementById(`t${test}`);
  if (!part) return;
  part.open = true;
  if (!what) { document.getElementById(address)?.scrollIntoView(); return; }
  const host = part.querySelector(".timeline.whole"), timeline = timelineIn(host);
  host.scrollIntoView({block: "center"});
  if (what === "line") timeline.showLine(Number(number));
  else timeline.showVerdict(timeline.recording.verdicts[number]);
  timeline.view.focus({preventScroll: true});
}
addEventListener("hashchange", follow);
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  if (link && link.hash === location.hash) follow();  // the same link again
});
follow();

for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {  // a page from a file may not write there
      getSelection().selectAllChildren(code);
      button.textContent = "Selected: press Ctrl + C";
    }
  });
}

const dark = matchMedia("(prefers-color-scheme: dark)"), root = document.documentElement;
const repaint = () => timelines.forEach((timeline) => timeline.layout());
const themeButton = document.querySelector(".theme");
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  repaint();
});
dark.addEventListener("change", repaint);

// Paper is light, and has no scroll bars: draw every lane.
let before;
addEventListener("beforeprint", () => {
  before = root.dataset.theme;
  root.dataset.theme = "light";
  root.classList.add("printing");
  for (const host of document.querySelectorAll("details[open] .timeline")) timelineIn(host);
  repaint();
  timelines.forEach(paintTimeline);
});
addEventListener("afterprint", () => {
  if (before) root.dataset.theme = before; else delete root.dataset.theme;
  root.classList.remove("printing");
  repaint();
});
