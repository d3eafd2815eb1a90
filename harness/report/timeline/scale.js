const SMALLEST_S = 0.0005;

/** Seconds to pixels and back, within what the history covers. */
class Scale {
  constructor(endS) {
    this.endS = endS;
    this.left = 0;
    this.right = 100;
    this.fit();
  }

  get span() { return this.to - this.from; }
  get margin() { return Math.max(0.02, this.endS * 0.02); }
  x(t) { return this.left + (t - this.from) / this.span * (this.right - this.left); }
  t(x) { return this.from + (x - this.left) / (this.right - this.left) * this.span; }

  fit() { this.show(-this.margin, this.endS + this.margin * 3); }

  show(from, to) {
    const widest = this.endS + this.margin * 4;
    const span = Math.min(Math.max(to - from, SMALLEST_S), widest);
    this.from = Math.min(Math.max(from, -this.margin), this.endS + this.margin * 3 - span);
    this.to = this.from + span;
  }

  zoom(factor, t) {
    const span = Math.min(Math.max(this.span * factor, SMALLEST_S), this.endS + this.margin * 4);
    const part = (t - this.from) / this.span;
    this.show(t - part * span, t + (1 - part) * span);
  }

  pan(seconds) { this.show(this.from + seconds, this.to + seconds); }

  /** Round times for the axis, at least `apart` pixels apart. */
  ticks(apart) {
    const least = this.span * apart / (this.right - this.left);
    const power = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((n) => n * power).find((s) => s >= least);
    const found = [];
    for (let n = Math.ceil(Math.max(this.from, 0) / step); n * step <= this.to; n++)
      found.push(n * step);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return found.map((t) => ({t, text: `${t.toFixed(digits)} s`}));
  }
}
