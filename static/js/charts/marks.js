// What is drawn around the lines of a chart: the ends of epochs, the checkpoint that is kept, and values that no line can show.

import { css } from "./colors.js";

/** As wide as its longest label. */
export function axisWidth({ ctx }, words, font) {
  ctx.save();
  ctx.font = font;
  const widest = Math.max(0, ...(words ?? []).map(word => ctx.measureText(word).width));
  ctx.restore();
  return Math.ceil(widest) + 12;
}

/** Ends of epochs as light lines, and the epoch whose checkpoint is kept. */
export function markEpochs(plot, { axis, page }) {
  const { ctx, bbox, scales: { x } } = plot;
  if (x.min == null) return;
  const pixels = devicePixelRatio;
  const most = Math.max(Math.floor(bbox.width / pixels / 12), 1);
  const upright = step => {
    const at = Math.round(plot.valToPos(axis.of(step), "x", true));
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    return at;
  };
  ctx.save();
  ctx.lineWidth = pixels;
  ctx.strokeStyle = css("--line");
  axis.epochEnds(axis.step(x.min), axis.step(x.max), most).forEach(upright);
  const best = page.bestStep();
  if (best !== null && axis.of(best) >= x.min && axis.of(best) <= x.max) {
    ctx.strokeStyle = ctx.fillStyle = css("--quiet");
    ctx.setLineDash([4 * pixels, 3 * pixels]);
    const at = upright(best);
    ctx.font = `${10 * pixels}px system-ui, sans-serif`;
    const left = at > bbox.left + bbox.width / 2;
    ctx.textAlign = left ? "right" : "left";
    ctx.fillText(`best checkpoint, epoch ${page.bestEpoch}`, at + (left ? 3 : -3) * pixels, bbox.top - 4 * pixels);
  }
  ctx.restore();
}

/** A cross at the axis wherever a value was not finite: a line can't show it. */
export function markLost(plot, chart) {
  const { ctx, bbox, scales: { x } } = plot;
  const arm = 3.5 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = css("--bad");
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.beginPath();
  for (const step of chart.lostSteps()) {
    const place = chart.axis.of(step);
    if (place < x.min || place > x.max) continue;
    const [at, on] = [plot.valToPos(place, "x", true), bbox.top + bbox.height];
    ctx.moveTo(at - arm, on - arm); ctx.lineTo(at + arm, on + arm);
    ctx.moveTo(at - arm, on + arm); ctx.lineTo(at + arm, on - arm);
  }
  ctx.stroke();
  ctx.restore();
}
