/** One test's history as the page carries it, with what belongs together joined. */
class Recording {
  constructor(raw) {
    this.raw = raw;
    this.endS = raw.end;
    this.kinds = raw.kinds;
    this.jobs = raw.jobs;
    this.lanes = raw.lanes.map(([kind, label, note, jobs], index) => (
      {index, kind, label, note, jobs: new Set(jobs), bars: [], marks: [], limits: []}));
    for (const [lane, kind, from, to, line, label] of raw.bars)
      this.lanes[lane].bars.push({lane, kind, from, to, line, label});
    for (const [lane, t, kind, afterS] of raw.limits)
      this.lanes[lane].limits.push({lane, t, kind, afterS});
    this.bands = raw.bands.map(([from, to, line, label, bit]) => ({from, to, line, label, bit}));
    this.verdicts = raw.verdicts;
    this.evidence = new Set(raw.verdicts.flatMap((verdict) => verdict.evidence));
    this.marks = raw.marks.map(([lane, line, kind, label]) => (
      {lane, line, kind: raw.kinds[kind], label, t: raw.seen[line - 1][0]}));
    this.marks.sort((a, b) => a.t - b.t);
    for (const mark of this.marks) this.lanes[mark.lane].marks.push(mark);
  }

  /** Everything that was written down about one line of the history. */
  observation(line) {
    const [t, name, job, data] = this.raw.seen[line - 1];
    return {line, t, name: this.raw.names[name], job: this.jobs[job] ?? null, data};
  }
}

/** The index of the first item whose `t` is not below `t`; items are in order. */
function firstAt(items, t) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].t < t) low = middle + 1; else high = middle;
  }
  return low;
}
