const AXIS = 26, BESIDE = 190, NARROW = 640, NEAR = 10, CROWDED = 4, LONGEST = 16000;

/** A timeline that can be filtered, zoomed, panned and asked; drawn on a canvas. */
class Timeline {
  /** `verdict`: draw only what it speaks about; null draws the whole recording. */
  constructor(host, recording, test, verdict) {
    Object.assign(this, {host, recording, test, verdict});
    this.filter = {job: -1, lane: "", hidden: new Set(), evidence: false};
    this.evidence = verdict ? new Set(verdict.evidence) : recording.evidence;
    this.scale = new Scale(recording.endS);
    this.selected = null;
    this.build();
    this.fit();
    this.refilter();
    this.listen();
  }

  build() {
    this.tools = toolbar(this);
    this.canvas = element("canvas");
    this.spacer = element("div");
    const name = this.verdict ? `Timeline of ${this.verdict.contract}` : "Timeline of the test";
    this.view = element("div", {className: "view", tabIndex: 0, role: "group", ariaLabel: name}, this.canvas, this.spacer);
    this.detail = element("div", {className: "detail", role: "status", hidden: true});
    this.host.append(this.tools, this.view, this.detail, barLegend());
    if (!this.verdict) this.host.append(element("p", {className: "hint"},
      "Drag or ← → to move · Ctrl + wheel or + − to zoom · N P next and previous mark · E next evidence · 0 fit"));
  }

  fit() {
    if (this.verdict) this.scale.show(this.verdict.from, this.verdict.to);
    else this.scale.fit();
    this.draw();
  }

  zoom(factor, t = (this.scale.from + this.scale.to) / 2) {
    this.scale.zoom(factor, t);
    this.draw();
  }

  /** Choose lanes and marks again after a filter has changed. */
  refilter() {
    const {job, lane: text, hidden, evidence} = this.filter;
    this.shows = (mark) => !hidden.has(mark.kind) && (!evidence || this.evidence.has(mark.line));
    this.rows = this.recording.lanes.filter((lane) =>
      (!this.verdict || this.verdict.lanes.includes(lane.index))
      && (job < 0 || lane.jobs.has(job) || lane.kind === "fault")
      && (!text || `${lane.kind} ${lane.label} ${lane.note}`.toLowerCase().includes(text))
      && (!evidence || lane.marks.some(this.shows)));
    this.layout();
  }

  layout() {
    const width = this.view.clientWidth;
    this.narrow = width < NARROW;
    this.height = this.narrow ? 40 : 28;
    this.scale.left = this.narrow ? 8 : BESIDE;
    this.scale.right = width - 8;
    const content = AXIS + Math.max(1, this.rows.length) * this.height + 4;
    this.spacer.style.height = `${Math.min(content, LONGEST)}px`;
    this.canvas.style.height = "0";
    const height = Math.min(this.view.clientHeight, content);
    this.canvas.style.height = `${height}px`;
    this.spacer.style.height = `${content - height}px`;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.style.width = `${width}px`;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    this.ratio = ratio;
    this.size = {width, height};
    this.colours = coloursOf(this.host);
    paintLegend(this.tools, this.colours);
    this.draw();
  }

  draw() {
    if (this.waiting || !this.size) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      paintTimeline(this);
      this.host.dataset.drawn = this.rows.length;
      this.view.setAttribute("aria-description", `${this.rows.length} lanes, from ${this.scale.from.toFixed(4)} s to ${this.scale.to.toFixed(4)} s`);
    });
  }

  /** The lane's middle on the canvas; `slot` is its place among the rows. */
  y(slot) {
    const top = AXIS + slot * this.height - this.view.scrollTop;
    return top + (this.narrow ? this.height - 13 : this.height / 2);
  }

  /** What is under a point of the canvas: a mark, else a bar, else damage. */
  at(x, y) {
    if (y < AXIS) return null;
    const lane = this.rows[Math.floor((y - AXIS + this.view.scrollTop) / this.height)];
    if (!lane || x < this.scale.left - NEAR) return null;
    const t = this.scale.t(x), near = this.scale.t(x + NEAR) - t;
    const {marks} = lane;
    let best = null;
    for (let i = firstAt(marks, t - near); i < marks.length && marks[i].t <= t + near; i++)
      if (this.shows(marks[i]) && (!best || Math.abs(marks[i].t - t) < Math.abs(best.t - t))) best = marks[i];
    if (best) return best;
    const bars = lane.bars.filter((bar) => bar.from <= t && t <= bar.to);
    return bars.find((bar) => bar.kind === "run") ?? bars[0]
      ?? this.recording.bands.find((band) => band.from - near <= t && t <= band.to + near) ?? null;
  }

  /** How many more marks lie where this one does. */
  crowd(mark) {
    const {marks} = this.recording.lanes[mark.lane], near = this.scale.t(CROWDED) - this.scale.t(0);
    let count = -1;
    for (let i = firstAt(marks, mark.t - near); i < marks.length && marks[i].t <= mark.t + near; i++)
      if (this.shows(marks[i])) count++;
    return count;
  }

  /** Show all about `thing` beside the point; pinned it stays until it is closed. */
  tell(thing, x, y, pinned) {
    const extra = [];
    if (thing.from !== undefined)
      extra.push([thing.kind ?? "damage", `${thing.from.toFixed(3)} s to ${thing.to.toFixed(3)} s (${(thing.to - thing.from).toFixed(3)} s)`]);
    const crowd = thing.t === undefined ? 0 : this.crowd(thing);
    if (crowd) extra.push(["near", `${crowd} more ${crowd === 1 ? "mark" : "marks"}: zoom in`]);
    const close = element("button", {type: "button", className: "close", title: "Close", onclick: () => this.hush()}, "×");
    this.detail.replaceChildren(...(pinned ? [close] : []), ...describe(this.recording, thing.line, this.test, extra));
    this.detail.classList.toggle("pinned", pinned);
    this.detail.hidden = false;
    const room = this.host.clientWidth - this.detail.offsetWidth;
    this.detail.style.left = `${Math.max(0, Math.min(x + 14, room))}px`;
    this.detail.style.top = `${this.view.offsetTop + y + 16}px`;
  }

  hush() {
    this.selected = null;
    this.detail.hidden = true;
    this.draw();
  }

  select(thing) {
    const slot = this.rows.findIndex((lane) => lane.index === thing.lane);
    if (thing.t !== undefined && (thing.t < this.scale.from || thing.t > this.scale.to)) {
      const half = this.scale.span / 2;
      this.scale.show(thing.t - half, thing.t + half);
    }
    const top = slot * this.height, room = this.size.height - AXIS - this.height;
    if (top < this.view.scrollTop || top > this.view.scrollTop + room)
      this.view.scrollTop = top - room / 2;
    this.selected = thing;
    this.tell(thing, this.scale.x(thing.t ?? thing.from), this.y(Math.max(slot, 0)), true);
    this.draw();
  }

  /** Show one line of the history, whatever the filters hide. */
  showLine(line) {
    const mark = this.recording.marks.find((one) => one.line === line);
    if (!mark) return;
    if (!this.shows(mark) || !this.rows.some((lane) => lane.index === mark.lane)) this.unfilter();
    this.select(mark);
  }

  /** Show what a verdict rests on. */
  showVerdict(verdict) {
    this.unfilter();
    this.scale.show(verdict.from, verdict.to);
    this.showLine(verdict.evidence[0]);
  }

  unfilter() {
    this.filter = Object.assign(this.filter, {job: -1, lane: "", evidence: false});
    this.filter.hidden.clear();
    for (const box of this.tools.querySelectorAll("select")) box.value = -1;
    for (const box of this.tools.querySelectorAll("input[type=search]")) box.value = "";
    for (const box of this.tools.querySelectorAll("input[type=checkbox]"))
      box.checked = !box.classList.contains("only-evidence");
    this.refilter();
  }

  /** Select the next mark in time (or the previous); with `only` among some of them. */
  step(direction, only = () => true) {
    const lanes = new Set(this.rows.map((lane) => lane.index));
    const order = this.recording.marks.filter((mark) => lanes.has(mark.lane) && this.shows(mark) && only(mark));
    if (!order.length) return;
    const here = order.indexOf(this.selected);
    const next = here >= 0 ? here + direction : firstAt(order, this.scale.from);
    this.select(order[Math.min(Math.max(next, 0), order.length - 1)]);
  }

  listen() {
    const {view} = this;
    const point = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    let drag = null;
    view.addEventListener("scroll", () => this.draw());
    view.addEventListener("wheel", (event) => {
      const zooming = event.ctrlKey || event.metaKey, sideways = event.deltaX || (event.shiftKey ? event.deltaY : 0);
      if (zooming) this.zoom(1.002 ** event.deltaY, this.scale.t(point(event)[0]));
      else if (sideways) this.pan(sideways / this.size.width);
      if (zooming || sideways) event.preventDefault();
    }, {passive: false});
    view.addEventListener("pointerdown", (event) => {
      if (event.button === 0) drag = {x: event.clientX, moved: false};
    });
    view.addEventListener("pointermove", (event) => {
      if (drag && (drag.moved || Math.abs(event.clientX - drag.x) > 3)) {
        if (!drag.moved) view.setPointerCapture(event.pointerId);
        drag.moved = true;
        view.classList.add("dragging");
        this.pan((drag.x - event.clientX) / (this.scale.right - this.scale.left));
        drag.x = event.clientX;
      } else if (!this.selected) {
        const [x, y] = point(event), thing = this.at(x, y);
        if (thing) this.tell(thing, x, y, false); else this.detail.hidden = true;
      }
    });
    view.addEventListener("pointerup", (event) => {
      view.classList.remove("dragging");
      if (drag && !drag.moved) {
        const thing = this.at(...point(event));
        if (thing) this.select(thing); else this.hush();
      }
      drag = null;
    });
    view.addEventListener("pointercancel", () => { drag = null; });
    view.addEventListener("pointerleave", () => { if (!this.selected) this.detail.hidden = true; });
    view.addEventListener("keydown", (event) => this.key(event));
    this.detail.addEventListener("keydown", (event) => { if (event.key === "Escape") this.hush(); });
    new ResizeObserver(() => {
      if (this.view.clientWidth && this.view.clientWidth !== this.size.width) this.layout();
    }).observe(view);
  }

  pan(part) {
    this.scale.pan(part * this.scale.span);
    this.draw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowLeft: () => this.pan(-0.1),
      ArrowRight: () => this.pan(0.1),
      "+": () => this.zoom(1 / 1.6),
      "=": () => this.zoom(1 / 1.6),
      "-": () => this.zoom(1.6),
      0: () => this.fit(),
      n: () => this.step(1),
      p: () => this.step(-1),
      e: () => this.step(1, (mark) => this.evidence.has(mark.line)),
      Escape: () => this.hush(),
    };
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (act) { act(); event.preventDefault(); }
  }
}
