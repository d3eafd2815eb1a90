const COLOURS = ["page", "card", "ink", "dim", "line", "stripe", "accent", "holds", "violated",
  "inconclusive", "progress", "run", "wait", "life", "fault", "probe", "soft"];

/** The colours of the style sheet as the theme has them now. */
function coloursOf(host) {
  const probe = host.appendChild(document.createElement("span"));
  const found = {};
  for (const name of COLOURS) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

/** How each kind of mark looks: a colour and a shape around (x, y). */
const LOOKS = {
  request: {colour: "ink", shape: triangle},
  progress: {colour: "progress", shape: dot},
  ending: {colour: "holds", shape: diamond},
  execution: {colour: "ink", shape: post},
  fault: {colour: "fault", shape: star},
  process: {colour: "dim", shape: ring},
  probe: {colour: "probe", shape: cross},
  harness: {colour: "dim", shape: square},
};

function paintMark(context, colours, mark, x, y) {
  const look = LOOKS[mark.kind];
  let colour = look.colour;
  if (mark.kind === "ending" && mark.label.startsWith("failed")) colour = "violated";
  if (mark.kind === "ending" && mark.label.startsWith("cancelled")) colour = "inconclusive";
  context.fillStyle = context.strokeStyle = colours[colour];
  context.lineWidth = 1.5;
  context.beginPath();
  look.shape(context, x, y);
}

function polygon(context, points) {
  points.forEach(([x, y], i) => i ? context.lineTo(x, y) : context.moveTo(x, y));
  context.closePath();
  context.fill();
}
function triangle(c, x, y) { polygon(c, [[x - 3, y - 5], [x + 5, y], [x - 3, y + 5]]); }
function diamond(c, x, y) { polygon(c, [[x, y - 7], [x + 6, y], [x, y + 7], [x - 6, y]]); }
function dot(c, x, y) { c.arc(x, y, 3.5, 0, 7); c.fill(); }
function ring(c, x, y) { c.arc(x, y, 4, 0, 7); c.stroke(); }
function post(c, x, y) { c.fillRect(x - 1.5, y - 6, 3, 12); }
function square(c, x, y) { c.strokeRect(x - 3, y - 3, 6, 6); }
function cross(c, x, y) { c.moveTo(x - 4, y); c.lineTo(x + 4, y); c.moveTo(x, y - 4); c.lineTo(x, y + 4); c.stroke(); }
function star(c, x, y) {
  polygon(c, Array.from({length: 12}, (_, i) => {
    const radius = i % 2 ? 3 : 8, angle = i * Math.PI / 6 - Math.PI / 2;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  }));
}

/** The text, cut to fit the width; empty where nothing useful would remain. */
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  const letter = context.measureText("n").width;
  const letters = Math.floor(width / letter) - 1;
  return letters < 3 ? "" : `${text.slice(0, letters)}…`;
}
