const FONT = '12px system-ui, "DejaVu Sans", sans-serif';

/** Draw the visible part: lanes that are in view, marks that are in the window. */
function paintTimeline(timeline) {
  const context = timeline.canvas.getContext("2d");
  const {width, height} = timeline.size, {colours, scale} = timeline;
  context.setTransform(timeline.ratio, 0, 0, timeline.ratio, 0, 0);
  context.fillStyle = colours.card;
  context.fillRect(0, 0, width, height);
  context.font = FONT;
  context.textBaseline = "middle";
  const first = Math.max(0, Math.floor(timeline.view.scrollTop / timeline.height));
  const last = Math.min(timeline.rows.length, first + Math.ceil(height / timeline.height) + 1);

  for (let slot = first; slot < last; slot++)
    if (slot % 2) {
      context.fillStyle = colours.stripe;
      context.fillRect(0, laneTop(timeline, slot), width, timeline.height);
    }
  const ticks = scale.ticks(90);
  paintGrid(context, timeline, ticks);
  context.save();
  context.beginPath();
  context.rect(scale.left - 6, 0, width, height);
  context.clip();
  paintBands(context, timeline);
  for (let slot = first; slot < last; slot++) paintLane(context, timeline, slot);
  context.restore();
  for (let slot = first; slot < last; slot++) paintName(context, timeline, slot);
  if (!timeline.rows.length) {
    context.fillStyle = colours.dim;
    context.fillText("No lane fits these filters.", scale.left + 8, AXIS + 16);
  }
  paintAxis(context, timeline, ticks);
}

function laneTop(timeline, slot) { return AXIS + slot * timeline.height - timeline.view.scrollTop; }

function paintGrid(context, timeline, ticks) {
  const {colours, scale, size} = timeline;
  context.fillStyle = colours.line;
  for (const {t} of ticks) context.fillRect(Math.round(scale.x(t)), AXIS, 1, size.height);
  const end = scale.x(scale.endS);
  if (end < size.width) {
    context.globalAlpha = 0.5;
    context.fillRect(Math.max(end, scale.left), AXIS, size.width - end, size.height);
    context.globalAlpha = 1;
  }
}

function paintAxis(context, timeline, ticks) {
  const {colours, scale, size} = timeline;
  context.fillStyle = colours.card;
  context.fillRect(0, 0, size.width, AXIS);
  context.fillStyle = colours.line;
  context.fillRect(0, AXIS - 1, size.width, 1);
  context.fillStyle = colours.dim;
  for (const {t, text} of ticks) {
    const x = scale.x(t);
    if (x > scale.left + 4 && x + context.measureText(text).width < size.width)
      context.fillText(text, x + 4, AXIS / 2);
  }
}

function paintBands(context, timeline) {
  const {colours, scale, size, recording} = timeline;
  for (const band of recording.bands) {
    const from = scale.x(band.from), to = scale.x(band.to);
    if (to < scale.left - 6 || from > size.width) continue;
    context.fillStyle = colours.fault;
    context.globalAlpha = band.bit ? 0.13 : 0.05;
    context.fillRect(from, AXIS, Math.max(to - from, 1), size.height);
    context.globalAlpha = 0.8;
    context.fillRect(from, AXIS, 1, size.height);
    if (to - from > 2) context.fillRect(to, AXIS, 1, size.height);
    context.globalAlpha = 1;
  }
}

const THICK = {run: 16, wait: 6, watch: 6, life: 4};

function paintLane(context, timeline, slot) {
  const {colours, scale, size} = timeline, lane = timeline.rows[slot], y = timeline.y(slot);
  for (const bar of lane.bars) {
    const from = scale.x(bar.from), to = scale.x(bar.to), thick = THICK[bar.kind];
    if (to < scale.left - 6 || from > size.width) continue;
    context.fillStyle = colours[bar.kind === "watch" ? "wait" : bar.kind];
    context.fillRect(from, y - thick / 2, Math.max(to - from, 1.5), thick);
  }
  for (const limit of lane.limits) paintLimit(context, timeline, limit, y);
  const seen = visibleMarks(timeline, lane);
  const drawn = {};
  for (const mark of seen) {
    const x = scale.x(mark.t), told = timeline.evidence.has(mark.line);
    if (told || mark === timeline.selected) halo(context, colours, x, y, mark === timeline.selected);
    else if (x - drawn[mark.kind] < 1.5) continue;
    drawn[mark.kind] = x;
    paintMark(context, colours, mark, x, y);
  }
  paintLabels(context, timeline, seen, y);
}

function visibleMarks(timeline, lane) {
  const {scale} = timeline, found = [];
  const least = scale.t(scale.left - 6), most = scale.t(timeline.size.width);
  for (let i = firstAt(lane.marks, least); i < lane.marks.length && lane.marks[i].t <= most; i++)
    if (timeline.shows(lane.marks[i])) found.push(lane.marks[i]);
  return found;
}

function halo(context, colours, x, y, selected) {
  context.strokeStyle = context.fillStyle = colours.accent;
  context.lineWidth = selected ? 3 : 2;
  context.beginPath();
  context.arc(x, y, 11, 0, 7);
  context.globalAlpha = 0.18;
  context.fill();
  context.globalAlpha = 1;
  context.stroke();
}

function paintLimit(context, timeline, limit, y) {
  const {colours, scale} = timeline, x = scale.x(limit.t), half = timeline.narrow ? 12 : timeline.height / 2 - 1;
  context.strokeStyle = context.fillStyle = colours[limit.kind === "soft" ? "soft" : "violated"];
  context.lineWidth = 2;
  context.setLineDash([4, 2]);
  context.beginPath();
  context.moveTo(x, y - half);
  context.lineTo(x, y + half);
  context.stroke();
  context.setLineDash([]);
  context.font = `10px ${FONT.slice(5)}`;
  outlined(context, colours, `${limit.kind} limit ${limit.afterS} s`, x + 4, y - half + 4);
  context.font = FONT;
}

/** Words beside marks, to the right or else to the left, where they cover nothing. */
function paintLabels(context, timeline, seen, y) {
  const {colours, scale, size} = timeline;
  let taken = -Infinity;
  seen.forEach((mark, i) => {
    const x = scale.x(mark.t), told = timeline.evidence.has(mark.line);
    const next = i + 1 < seen.length ? scale.x(seen[i + 1].t) - 9 : size.width;
    const before = Math.max(taken, i ? scale.x(seen[i - 1].t) + 9 : -Infinity, scale.left);
    const off = told || mark === timeline.selected ? 14 : 9;
    taken = Math.max(taken, x + off - 4);
    if (Math.max(next - x, x - before) < 34 || !mark.label) return;
    const text = mark.label, wide = context.measureText(text).width;
    context.fillStyle = told ? colours.ink : colours.dim;
    if (x + off + wide < next) {
      outlined(context, colours, text, x + off, y);
      taken = x + off + wide + 4;
    } else if (x - off - wide > before) {
      outlined(context, colours, text, x - off - wide, y);
    }
  });
}

/** Text that stays readable on bars and lines. */
function outlined(context, colours, text, x, y) {
  context.strokeStyle = colours.card;
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.globalAlpha = 0.75;
  context.strokeText(text, x, y);
  context.globalAlpha = 1;
  context.fillText(text, x, y);
}

function paintName(context, timeline, slot) {
  const {colours, narrow, height} = timeline, lane = timeline.rows[slot], top = laneTop(timeline, slot);
  const indent = lane.kind === "client" ? 14 : 0, wide = (narrow ? timeline.size.width : BESIDE) - 16 - indent;
  const y = narrow ? top + 8 : top + height / 2;
  if (!narrow) {
    context.fillStyle = slot % 2 ? colours.stripe : colours.card;
    context.fillRect(0, top, BESIDE - 6, height);
  }
  context.font = narrow ? `11px ${FONT.slice(5)}` : FONT;
  context.fillStyle = colours.ink;
  const name = fitted(context, lane.label, wide), x = 8 + indent;
  context.fillText(name, x, y);
  const left = wide - context.measureText(name).width - 8;
  context.fillStyle = colours.dim;
  if (lane.note && left > 30) context.fillText(fitted(context, lane.note, left), x + wide - left, y);
  context.font = FONT;
}
