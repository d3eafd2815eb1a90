/** Make an element; text goes in as text, never as markup. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** The row of controls above a timeline. */
function toolbar(timeline) {
  const button = (text, title, act) =>
    element("button", {type: "button", title, ariaLabel: title, onclick: act}, text);
  const zooming = [
    button("−", "Zoom out", () => timeline.zoom(1.6)),
    button("+", "Zoom in", () => timeline.zoom(1 / 1.6)),
    button("Fit", "Show everything", () => timeline.fit()),
  ];
  if (timeline.verdict) {
    const place = timeline.recording.verdicts.indexOf(timeline.verdict);
    const whole = element("a", {href: `#t${timeline.test}-marks-${place}`}, "Show in the whole timeline");
    return element("div", {className: "tools"}, whole, element("span", {className: "gap"}), ...zooming);
  }
  return element("div", {className: "tools"},
    ...filters(timeline), element("span", {className: "gap"}), ...zooming);
}

function filters(timeline) {
  const {recording, filter} = timeline;
  const change = (act) => (event) => { act(event.target); timeline.refilter(); };
  const jobs = element("select", {onchange: change((box) => { filter.job = Number(box.value); })},
    element("option", {value: -1}, "all jobs"),
    ...recording.jobs.map((job, i) => element("option", {value: i}, job.slice(0, 8))));
  const lane = element("input", {type: "search", placeholder: "find a lane", ariaLabel: "Only lanes with this text",
    oninput: change((box) => { filter.lane = box.value.toLowerCase(); })});
  const evidence = element("input", {type: "checkbox", className: "only-evidence",
    onchange: change((box) => { filter.evidence = box.checked; })});
  const present = new Set(recording.marks.map((mark) => mark.kind));
  const kinds = recording.kinds.filter((kind) => present.has(kind)).map((kind) =>
    element("label", {className: "kind"},
      element("input", {type: "checkbox", checked: true, value: kind, onchange: change((box) => {
        if (box.checked) filter.hidden.delete(kind); else filter.hidden.add(kind);
      })}),
      element("canvas", {width: 28, height: 28, className: `look-${kind}`}), kind));
  return [
    element("label", {}, "Job", jobs), lane, ...kinds,
    ...(recording.evidence.size ? [element("label", {}, evidence, "only evidence")] : []),
  ];
}

/** The small picture of each kind beside its switch. */
function paintLegend(tools, colours) {
  for (const kind of Object.keys(LOOKS)) {
    const canvas = tools.querySelector(`.look-${kind}`);
    if (!canvas) continue;
    const context = canvas.getContext("2d");
    context.setTransform(2, 0, 0, 2, 0, 0);
    context.clearRect(0, 0, 14, 14);
    paintMark(context, colours, {kind, label: ""}, 7, 7);
  }
}

/** What the bars, bands and rings mean. */
function barLegend() {
  const words = [["run", "runs"], ["wait", "waits or is watched"], ["life", "process lives"],
    ["damage", "damage until healed"], ["limit", "limit reached"], ["proof", "evidence"]];
  return element("p", {className: "hint legend"}, ...words.map(([look, text]) =>
    element("span", {}, element("span", {className: `swatch ${look}`}), text)));
}

/** Everything about one observation, as a small table. */
function describe(recording, line, test, extra = []) {
  const seen = recording.observation(line);
  const rows = [["time", `${seen.t.toFixed(6)} s`], ["line", `${line} of history.jsonl`]];
  if (seen.job) rows.push(["job", seen.job]);
  rows.push(...extra);
  for (const [key, value] of Object.entries(seen.data))
    rows.push([key, typeof value === "string" ? value : JSON.stringify(value, null, 1)]);
  const proven = recording.verdicts.filter((verdict) => verdict.evidence.includes(line));
  return [
    element("h5", {}, seen.name),
    element("table", {}, ...rows.map(([key, value]) =>
      element("tr", {}, element("td", {}, key), element("td", {}, element("pre", {}, value))))),
    ...proven.map((verdict) => element("p", {}, "evidence of ",
      element("a", {href: `#t${test}-${verdict.contract}`}, `${verdict.contract} (${verdict.status})`))),
  ];
}
