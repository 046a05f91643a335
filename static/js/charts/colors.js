// Colours of charts, by the theme that holds now.

export const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const channels = hex => hex.slice(1).match(/../g).map(pair => parseInt(pair, 16));

/** Whether the ground is dark now, whoever chose it. */
export function isDark() {
  const [red, green, blue] = channels(css("--ground"));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}

/** The colour of one of `count` lines: the theme's own two, or even steps of hue. */
export function lineColor(at, count, dark = isDark()) {
  if (count <= 2) return dark ? ["#56b4e9", "#e69f00"][at] : ["#0072b2", "#d55e00"][at];
  return `hsl(${Math.round((at / count) * 300)} 65% ${dark ? 65 : 40}%)`;
}

/** The same, fainter: the raw line behind its mean. */
export const faint = color => (color.startsWith("#") ? `${color}55` : color.replace(")", " / 33%)"));

/** Colours of runs on white, for a drawing that leaves the page; those of the page are in compare.css. */
const ON_WHITE = ["#0072b2", "#d55e00", "#007a5a", "#a3447f", "#8a6d00", "#1c1c1c", "#7a4fb5", "#b3261e"];

/** The colour of a run: the page's own, or for a light ground whatever the theme. */
export const styleColor = (style, dark) => (dark === false ? ON_WHITE[style.color] : css(`--run-${style.color}`));
