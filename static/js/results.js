// Predictions, evaluation and lists by class: one tab stop for a table, a matrix or a chart; a range of confidence drawn on its
// histogram; lists that unfold and are copied. All of it is there without a script too.

import { say } from "./main.js";

/** `data-roving` may say which links are meant: a gallery leads through its tiles by itself. */
const linksOf = group => [...group.querySelectorAll(group.dataset.roving || "a[href]")];

/** One link of a group is reached by the tabulator key: the one that was focused last, else the chosen one, else the first. */
function rove(group, focused) {
  const links = linksOf(group);
  const reached = links.includes(focused) ? focused : links.find(link => link.closest(".chosen")) ?? links[0];
  for (const link of links) link.setAttribute("tabindex", link === reached ? 0 : -1);
}

/** The link above or below: of the nearest other line, the one that stands most nearly in the same column. */
function inOtherLine(from, links, down) {
  const middle = box => box.left + box.width / 2;
  const own = from.getBoundingClientRect();
  let best = null;
  for (const link of links) {
    const box = link.getBoundingClientRect();
    const below = (box.top + box.bottom - own.top - own.bottom) / 2;
    if (down ? below < 4 : below > -4) continue;
    const distance = Math.abs(below) * 1000 + Math.abs(middle(box) - middle(own));
    if (!best || distance < best.distance) best = { link, distance };
  }
  return best?.link;
}

document.addEventListener("keydown", event => {
  const group = event.target.closest?.("[data-roving]");
  if (!group || !event.target.matches("a[href]") || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const links = linksOf(group);
  const at = links.indexOf(event.target);
  if (at < 0) return;
  let to = null;
  if (event.key === "ArrowRight") to = links[at + 1];
  else if (event.key === "ArrowLeft") to = links[at - 1];
  else if (event.key === "Home") to = links[0];
  else if (event.key === "End") to = links.at(-1);
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    // Bars of a chart stand beside one another: up and down go along, as left and right do.
    const isChart = group.matches("svg");
    const down = event.key === "ArrowDown";
    to = isChart ? links[at + (down ? 1 : -1)] : inOtherLine(event.target, links, down);
  } else return;
  event.preventDefault();
  to?.focus();
});

document.addEventListener("focusin", event => {
  const group = event.target.closest?.("[data-roving]");
  if (group && linksOf(group).includes(event.target)) rove(group, event.target);
});

for (const group of document.querySelectorAll("[data-roving]")) rove(group, null);

// A browser that can't show what is folded by a style sheet has it unfolded where there is room.
if (!CSS.supports("selector(::details-content)") && innerWidth > 900) {
  for (const fold of document.querySelectorAll(".narrow-fold")) fold.open = true;
}

// What is sticky at the top: the run's head, the filters below it, and below them what scrolls.
const runHead = document.querySelector(".run-head");
const filters = document.querySelector("[data-sticky]");
if (runHead && filters) {
  const height = element => (getComputedStyle(element).position === "sticky" ? element.offsetHeight : 0);
  const measure = () => {
    const style = document.documentElement.style;
    style.setProperty("--run-head", `${height(runHead)}px`);
    style.setProperty("--sticky", `${height(runHead) + height(filters)}px`);
  };
  new ResizeObserver(measure).observe(runHead);
  new ResizeObserver(measure).observe(filters);
  addEventListener("resize", measure);
  measure();
}

/** A range drawn over the histogram opens the images in it. */
function brush(chart) {
  const WIDTH = 200;
  const shareAt = event => {
    const box = chart.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  };
  let from = null;
  let range = null;
  chart.addEventListener("dragstart", event => event.preventDefault());
  chart.addEventListener("pointerdown", event => {
    if (event.button === 0 && event.pointerType !== "touch") from = shareAt(event);
  });
  addEventListener("pointermove", event => {
    if (from === null) return;
    const to = shareAt(event);
    if (!range) {
      if (Math.abs(to - from) < 0.02) return;
      chart.querySelector(".range")?.remove();
      range = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of Object.entries({ class: "range", y: 0, height: 56 })) range.setAttribute(name, value);
      chart.append(range);
    }
    range.setAttribute("x", Math.min(from, to) * WIDTH);
    range.setAttribute("width", Math.abs(to - from) * WIDTH);
  });
  addEventListener("pointerup", event => {
    if (range) {
      const ends = [from, shareAt(event)].sort((a, b) => a - b).map(end => Math.round(end * 100) / 100);
      // The click that ends the drawing opens no bar.
      addEventListener("click", click => { click.preventDefault(); click.stopPropagation(); }, { capture: true, once: true });
      const url = new URL(chart.dataset.brush, location.href);
      url.searchParams.set("confidence", `${ends[0]}..${ends[1]}`);
      if (ends[0] < ends[1]) location.href = url;
    }
    from = null;
    range = null;
  });
}
for (const chart of document.querySelectorAll("[data-brush]")) brush(chart);

for (const part of document.querySelectorAll(".with-script")) part.hidden = false;

/** All paths of a list, with its filter; read from its file, since the page need not hold them all. */
async function copyPaths({ copyPaths: file, class: only, wrong }) {
  const lists = await (await fetch(file)).json();
  const paths = [];
  for (const [name, entries] of Object.entries(lists)) {
    if (only && name !== only) continue;
    for (const entry of entries) if (!wrong || entry.predicted !== name) paths.push(entry.path ?? entry);
  }
  await navigator.clipboard.writeText(paths.join("\n"));
  say(paths.length === 1 ? "1 path copied" : `${paths.length.toLocaleString("en")} paths copied`);
}

document.addEventListener("click", event => {
  const expand = event.target.closest("[data-expand]");
  if (expand) {
    const lists = [...document.querySelectorAll(`${expand.dataset.expand} details`)];
    const open = lists.some(list => !list.open);
    for (const list of lists) list.open = open;
    expand.textContent = open ? "Fold all" : "Expand all";
  }
  const copy = event.target.closest("[data-copy-paths]");
  if (copy) copyPaths(copy.dataset).catch(() => say("The paths could not be copied."));
});
