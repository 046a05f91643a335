// Galleries: arrows lead from tile to tile, and one comes back to the place that one left, at the tile that one looked at.

const tiles = () => [...document.querySelectorAll(".gallery .tile")];
const PLACE = "place";
/** While one comes back to the same place, the page stays where it is, whatever gets the focus. */
let isReturning = false;

/** The tile that stands first below whatever is sticky at the top, leaving out samples that are about to change. */
function firstInSight(leaving) {
  const top = document.querySelector("[data-sticky]")?.getBoundingClientRect().bottom ?? 0;
  const inSight = tiles().filter(tile => {
    const box = tile.getBoundingClientRect();
    return box.bottom > top + 8 && box.top < innerHeight;
  });
  const stays = inSight.filter(tile => !leaving.includes(Number(tile.id.slice("tile-".length))));
  return stays[0] ?? inSight[0];
}

/**
 * Remembers where the page stands, for the page that an edit leads back to; gives that page's address, with the tile in sight where
 * the gallery can begin at one. `leaving` are the samples that the edit is about.
 */
export function keepPlace(address, leaving, undoes = false) {
  const tile = firstInSight(leaving);
  try {
    const offset = tile?.getBoundingClientRect().top;
    const focused = document.activeElement?.closest(".gallery .tile");
    sessionStorage.setItem(PLACE, JSON.stringify({ path: location.pathname, tile: tile?.id, focus: focused?.id, undoes, offset, scroll: scrollY }));
  } catch { /* the page begins at its top then */ }
  if (!tile || !document.querySelector(".gallery[data-begins-anywhere]")) return address;
  const url = new URL(address, location.href);
  url.searchParams.set("at", tile.id.slice("tile-".length));
  return url.pathname + url.search;
}

// Undoing an edit keeps the place too.
document.addEventListener("submit", event => {
  if (!event.target.matches(".done form")) return;
  const url = new URL(event.target.action);
  url.searchParams.set("back", keepPlace(url.searchParams.get("back") ?? location.pathname, [], true));
  event.target.action = url.pathname + url.search;
});

/** Back at the place that was kept for this page; true where there was one. */
function returnToPlace() {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(PLACE));
    sessionStorage.removeItem(PLACE);
  } catch { /* nothing was kept */ }
  if (!kept || kept.path !== location.pathname) return false;
  const tile = kept.tile && document.getElementById(kept.tile);
  if (tile) scrollTo(0, scrollY + tile.getBoundingClientRect().top - kept.offset);
  else scrollTo(0, kept.scroll);
  // By key one goes on from the tile that was edited, or from what stands in its place.
  isReturning = true;
  if (kept.focus) (document.getElementById(kept.focus) ?? tile)?.focus({ preventScroll: true });
  // Whoever pressed *Undo* goes on from what takes its place.
  else if (kept.undoes) document.querySelector(".done button, .done a")?.focus({ preventScroll: true });
  isReturning = false;
  return true;
}

/** The sample whose page led here by its link upwards. */
function sampleLeft() {
  const kind = performance.getEntriesByType("navigation")[0]?.type;
  if (kind !== "navigate" || !document.referrer.startsWith(`${location.origin}/`)) return null;
  return /\/samples\/(\d+)$/.exec(new URL(document.referrer).pathname)?.[1] ?? null;
}

/** The tile that the address names, or that one comes from, is focused, and stands in the middle. */
function focusNamed() {
  const name = location.hash.startsWith("#tile-") ? location.hash.slice(1) : `tile-${sampleLeft()}`;
  const tile = document.getElementById(name);
  if (!tile) return;
  tile.scrollIntoView({ block: "center" });
  tile.focus({ preventScroll: true });
}

/** One tile of each gallery, or of galleries that stand in groups, is reached by the tabulator key: the one that was focused last, else the first. */
function rove(focused) {
  for (const gallery of document.querySelectorAll(".groups, .gallery:not(.groups .gallery)")) {
    const own = [...gallery.querySelectorAll(".tile")];
    const reached = own.includes(focused) ? focused : own.find(tile => tile.tabIndex === 0 && tile.hasAttribute("tabindex")) ?? own[0];
    for (const tile of own) tile.setAttribute("tabindex", tile === reached ? 0 : -1);
  }
}

/** The tile above or below: of the next row, the one that stands most nearly in the same column. */
function inNextRow(from, all, down) {
  const own = from.getBoundingClientRect();
  const rows = all.filter(tile => {
    const box = tile.getBoundingClientRect();
    return down ? box.top > own.top + own.height / 2 : box.top < own.top - own.height / 2;
  });
  const distance = tile => {
    const box = tile.getBoundingClientRect();
    return Math.abs(box.top - own.top) * 100 + Math.abs(box.left - own.left);
  };
  return rows.sort((a, b) => distance(a) - distance(b))[0];
}

document.addEventListener("keydown", event => {
  const tile = document.activeElement;
  if (!tile?.matches?.(".gallery .tile") || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const all = tiles();
  const at = all.indexOf(tile);
  let to = null;
  if (event.key === "ArrowRight") to = all[at + 1];
  else if (event.key === "ArrowLeft") to = all[at - 1];
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") to = inNextRow(tile, all, event.key === "ArrowDown");
  else if (event.key === "Home") to = all[0];
  else if (event.key === "End") to = all.at(-1);
  else return;
  event.preventDefault();
  to?.focus();
});

document.addEventListener("focusin", event => {
  if (!event.target.matches(".gallery .tile")) return;
  rove(event.target);
  if (!isReturning) uncover(event.target);
});

/** What gets the focus stands neither beneath the head nor beneath the bar at the bottom. */
function uncover(tile) {
  const box = tile.getBoundingClientRect();
  const top = document.querySelector("[data-sticky]")?.getBoundingClientRect().bottom ?? 0;
  const bar = [...document.querySelectorAll("#edit, .done")].find(element => !element.hidden && element.offsetHeight > 0);
  const bottom = bar && getComputedStyle(bar).position === "sticky" ? innerHeight - bar.offsetHeight : innerHeight;
  if (box.bottom > bottom - 4) scrollBy(0, box.bottom - bottom + 8);
  else if (box.top < top + 4) scrollBy(0, box.top - top - 8);
}

// Of the address of an edit only the view is kept: a reload or a shared link tells of no edit.
const url = new URL(location.href);
const passing = ["done", "unchanged", "at"].filter(name => url.searchParams.has(name));
for (const name of passing) url.searchParams.delete(name);
if (passing.length > 0) history.replaceState(history.state, "", url);

if (!returnToPlace()) focusNamed();
rove();
document.addEventListener("htmx:afterSettle", () => rove(document.activeElement));
