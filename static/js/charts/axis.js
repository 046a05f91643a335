// The horizontal axis: a step's place on it, and back, by step, epoch or time.

import { between } from "./series.js";
import { clock as clockWords, evenTicks, number, timeTicks } from "./values.js";

export class Axis {
  /** `clock` holds pairs of step and milliseconds of work. */
  constructor(kind, stepsPerEpoch, clock) {
    this.kind = kind;
    this.stepsPerEpoch = stepsPerEpoch;
    this.clock = clock;
  }

  get label() {
    return { step: "step", epoch: "epoch", time: "training time (min:s)" }[this.kind];
  }

  /** Steps count from 0, so an epoch has passed when its last step has been taken. */
  of(step) {
    if (this.kind === "epoch") return (step + 1) / this.stepsPerEpoch;
    if (this.kind === "time") return between(this.clock, step) / 1000;
    return step;
  }

  step(place) {
    if (this.kind === "epoch") return place * this.stepsPerEpoch - 1;
    if (this.kind === "time") return between(this.clock, place * 1000, 1, 0);
    return place;
  }

  /** The step that a pointer at a place means. */
  stepAt(place) { return Math.round(this.step(place)); }

  /** How far behind a step a value may lie and still be that step's. */
  get slack() { return 0.5; }

  /** A step, in a sentence. */
  name(step) { return `step ${step}`; }

  ticks(min, max, width) {
    const count = Math.max(Math.floor(width / 70), 2);
    if (this.kind === "time") return timeTicks(min, max, count);
    // Part of an epoch is one where somebody has zoomed in, or the first has not passed.
    return evenTicks(min, max, count, this.kind === "step" || max - min > 2);
  }

  words(tick) {
    return this.kind === "time" ? clockWords(tick) : number(tick);
  }

  /** Where a step is, in words: `step 320, epoch 4, 1:05`. */
  describe(step) {
    const words = [`step ${Math.round(step).toLocaleString("en-GB")}`];
    if (this.stepsPerEpoch > 0) words.push(`epoch ${Math.floor(Math.max(step, 0) / this.stepsPerEpoch) + 1}`);
    if (this.kind === "time") words.push(clockWords(this.of(step)));
    return words.join(", ");
  }

  /** Last steps of the epochs between two steps: at most `most` of them, evenly chosen. */
  epochEnds(from, to, most) {
    const spe = this.stepsPerEpoch;
    if (!spe) return [];
    const [first, last] = [Math.max(Math.ceil((from + 1) / spe), 1), Math.floor((to + 1) / spe)];
    const every = Math.ceil((last - first + 1) / most);
    const ends = [];
    for (let epoch = Math.ceil(first / every) * every; epoch <= last; epoch += every) ends.push(epoch * spe - 1);
    return ends;
  }
}

/** The axis of several runs, whose steps are of different length: everything on it is given by its place. */
export class SharedAxis extends Axis {
  constructor(kind) {
    super(kind, 0, []);
  }

  of(place) { return place; }
  step(place) { return place; }
  stepAt(place) { return this.kind === "step" ? Math.round(place) : place; }
  get slack() { return this.kind === "step" ? 0.5 : 1e-9; }
  name(place) { return this.describe(place); }

  describe(place) {
    if (this.kind === "time") return clockWords(place);
    return this.kind === "epoch" ? `epoch ${number(+place.toFixed(2))}` : `step ${Math.round(place).toLocaleString("en-GB")}`;
  }
}
