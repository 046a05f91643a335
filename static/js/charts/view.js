// How charts are looked at: axis, smoothing, zoom, what is logarithmic, hidden or in full size. All of it stands in the
// address, so that a reload, a second tab and whoever gets the link see the same.

const AXES = ["step", "epoch", "time"];
const finite = text => (text !== null && text !== "" && Number.isFinite(Number(text)) ? Number(text) : null);

/** `from~to` as a pair that ascends, else null. */
function range(text) {
  const [from, to, ...more] = (text ?? "").split("~").map(finite);
  return from !== null && to != null && more.length === 0 && from < to ? [from, to] : null;
}

const written = range => range.map(value => +value.toPrecision(6)).join("~");
const list = text => new Set((text ?? "").split(",").filter(Boolean));

export class View {
  constructor(charts) {
    this.charts = charts;
    this.read();
  }

  /** What the address says; null or nothing where the charts' own defaults hold. */
  read() {
    const query = new URLSearchParams(location.search);
    this.axis = AXES.includes(query.get("axis")) ? query.get("axis") : null;
    const smoothing = finite(query.get("smoothing"));
    this.smoothing = smoothing !== null && smoothing >= 0 && smoothing < 1 ? smoothing : null;
    /** Zoom along the steps, in steps, so that it outlives a change of the axis. */
    this.steps = range(query.get("steps"));
    /** Zoom of each chart's values. */
    this.values = new Map(this.charts.map(id => [id, range(query.get(`${id}.range`))]).filter(([, zoom]) => zoom));
    /** Charts whose axis is the other than at first: logarithmic or not. */
    this.scaled = list(query.get("log"));
    /** Lines that are the other than at first: hidden or shown. */
    this.lines = list(query.get("lines"));
    /** Of several runs: each seed by itself rather than the mean of all. */
    this.eachSeed = query.get("seeds") === "each";
    this.full = this.charts.includes(query.get("chart")) ? query.get("chart") : null;
  }

  /** Puts the view into the address; what the charts don't know of stays there. */
  write({ anew = false } = {}) {
    const query = new URLSearchParams(location.search);
    const put = (name, value) => (value ? query.set(name, value) : query.delete(name));
    put("axis", this.axis);
    put("smoothing", this.smoothing === null ? null : String(this.smoothing));
    put("steps", this.steps && written(this.steps));
    for (const id of this.charts) put(`${id}.range`, this.values.has(id) ? written(this.values.get(id)) : null);
    put("log", [...this.scaled].join(","));
    put("lines", [...this.lines].join(","));
    put("seeds", this.eachSeed ? "each" : null);
    put("chart", this.full);
    const text = query.toString().replaceAll("%2C", ",").replaceAll("%2F", "/").replaceAll("%7E", "~");
    const address = location.pathname + (text && `?${text}`) + location.hash;
    if (anew) history.pushState(history.state, "", address);
    else history.replaceState(history.state, "", address);
  }

  get isZoomed() {
    return this.steps !== null || this.values.size > 0;
  }
}

/** Takes a member out of a set, or puts it in. */
export function toggle(set, member) {
  if (!set.delete(member)) set.add(member);
}
