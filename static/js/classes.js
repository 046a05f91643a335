// The list of classes beside the gallery: several at once by box, ctrl- or shift-click; sorted and searched here; keys lead through
// it.

import "./tile_size.js";

const list = document.getElementById("classes");
const items = () => [...(list?.querySelectorAll("li") ?? [])];
const linkOf = item => item.querySelector("a:not(.but)");
const boxOf = item => item.querySelector("input");

function remembered(key) { try { return localStorage.getItem(key); } catch { return null; } }
function remember(key, value) { try { localStorage.setItem(key, value); } catch { /* it holds for this page */ } }

// Several at once.
let last = items().find(item => boxOf(item).checked) ?? null;
list?.addEventListener("change", event => { if (event.target.name === "class") list.requestSubmit(); });
list?.addEventListener("click", event => {
  const link = event.target.closest("li > a:not(.but)");
  if (!link || !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
  event.preventDefault();
  choose(link.parentNode, event.shiftKey);
});

function choose(item, range) {
  const all = items().filter(other => !other.hidden);
  if (range && last) {
    const [from, to] = [all.indexOf(last), all.indexOf(item)].sort((a, b) => a - b);
    for (const other of all.slice(Math.max(from, 0), to + 1)) boxOf(other).checked = true;
  } else boxOf(item).checked = !boxOf(item).checked;
  list.requestSubmit();
}

// One class is reached by the tabulator key; arrows lead to the others, the space bar adds one, minus leaves one out.
function rove(reached) {
  for (const item of items()) {
    boxOf(item).tabIndex = -1;
    item.querySelector(".but").tabIndex = -1;
    linkOf(item).tabIndex = item === reached ? 0 : -1;
  }
}
list?.addEventListener("focusin", event => { const item = event.target.closest("li"); if (item) rove(item); });
list?.addEventListener("keydown", event => {
  const item = event.target.closest("li");
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = items().filter(other => !other.hidden);
  const at = all.indexOf(item);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    if (all[to]) linkOf(all[to]).focus();
  } else if (event.key === " " && event.target !== boxOf(item)) {
    event.preventDefault();
    choose(item, event.shiftKey);
  } else if (event.key === "-") location.href = item.querySelector(".but").href;
});

// Sorted as the data set has them, by name or by count.
const sorters = {
  name: (a, b) => a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true, sensitivity: "base" }),
  count: (a, b) => b.dataset.count - a.dataset.count,
};
const asTheyCame = items();
function sort(by) {
  const sorted = sorters[by] ? [...asTheyCame].sort(sorters[by]) : asTheyCame;
  list.querySelector("ul").append(...sorted);
  for (const button of list.querySelectorAll("[data-sort]")) button.setAttribute("aria-pressed", button.dataset.sort === by);
}
list?.addEventListener("click", event => {
  const by = event.target.closest("[data-sort]")?.dataset.sort;
  if (!by) return;
  const next = remembered("classes by") === by ? "" : by;
  remember("classes by", next);
  sort(next);
});

const find = list?.querySelector("[data-find-class]");
find?.addEventListener("input", () => {
  const typed = find.value.trim().toLowerCase();
  for (const item of items()) item.hidden = !item.dataset.name.toLowerCase().includes(typed);
});
// Enter in the search chooses nothing that was not chosen.
find?.addEventListener("keydown", event => {
  if (event.key === "Enter") event.preventDefault();
  if (event.key === "ArrowDown") { event.preventDefault(); const first = items().find(item => !item.hidden); if (first) linkOf(first).focus(); }
});

if (list) {
  list.querySelector(".class-sort").hidden = asTheyCame.length < 3;
  if (find) find.hidden = false;
  sort(remembered("classes by") ?? "");
  rove(last ?? items()[0]);
  // The chosen class is in sight, without moving the page.
  const scroller = list.querySelector("ul");
  if (last) scroller.scrollTop = last.offsetTop - scroller.offsetTop - scroller.clientHeight / 2;
}

// What stands at the top decides where the list begins, and where a tile that is led to comes to stand.
const top = document.querySelector("[data-sticky]");
if (top) {
  const measure = () => {
    const isSticky = getComputedStyle(top).position === "sticky";
    document.documentElement.style.setProperty("--sticky", `${isSticky ? top.offsetHeight : 0}px`);
  };
  new ResizeObserver(measure).observe(top);
  measure();
}
