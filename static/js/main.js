// What every page has: theme, sharing, forms, keys.

import "./forms.js";
import "./notify.js";
import "./run_head.js";
import "./said.js";
import { say } from "./say.js";
import { nextTheme } from "./themes.js";

export { say };

// The view that is shared is the one in the address now: filters and charts change it while the page is open.
document.addEventListener("click", event => {
  const link = event.target.closest("[data-share]");
  if (link) link.href = `/share?${new URLSearchParams({ view: location.pathname + location.search })}`;
}, true);

/** Lists the keys that work on this page: those whose thing is there. */
function showKeys() {
  const dialog = document.getElementById("keys");
  for (const entry of dialog.querySelectorAll("[data-where]")) entry.hidden = document.querySelector(entry.dataset.where) === null;
  dialog.showModal();
}

document.addEventListener("click", event => {
  const target = event.target.closest("[data-theme-toggle], [data-open-keys], [data-back]");
  if (!target) return;
  if ("themeToggle" in target.dataset) nextTheme();
  else if ("openKeys" in target.dataset) showKeys();
  else if (history.length > 1) { event.preventDefault(); history.back(); }
});

const tiles = () => [...document.querySelectorAll(".gallery .tile")];

function step(by) {
  const link = document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]");
  if (link) { location.href = link.href; return; }
  const all = tiles();
  if (all.length === 0) return;
  const at = all.indexOf(document.activeElement);
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** The same page of the next run or the one before. */
async function walkRuns(by) {
  const [, id, page] = location.pathname.match(/^\/runs\/(\d+)(?:\/([a-z-]+))?/) ?? [];
  if (!id) return;
  const answer = await fetch(`/api/v1/runs/${id}/neighbours`).catch(() => null);
  if (!answer?.ok) return;
  const { previous, next } = await answer.json();
  const to = by > 0 ? next : previous;
  if (to === null) say(by > 0 ? "This is the newest run." : "This is the first run.");
  else location.href = `/runs/${to}${page && page !== "samples" ? `/${page}` : ""}`;
}

const PLACES = { h: "/", d: "/datasets", r: "/runs", n: "/runs/new" };
const SPACES = "input, select, textarea, dialog, [contenteditable]";
let before = "";
document.addEventListener("keydown", event => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(SPACES)) return;
  const place = before === "g" && PLACES[event.key];
  before = event.key;
  if (place && document.querySelector(`.bar-main a[href="${place}"]`)) location.href = place;
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "]") walkRuns(1);
  else if (event.key === "[") walkRuns(-1);
  else if (event.key === "/") { event.preventDefault(); document.getElementById("search").select(); }
  else if (event.key === "?") showKeys();
  else if (event.key === "Escape") { const up = document.querySelector("[data-up]"); if (up) location.href = up.href; }
});

// On a narrow screen the tabs scroll: the one that is open is in sight.
for (const tab of document.querySelectorAll(".dataset-tabs [aria-current]")) {
  const tabs = tab.parentNode;
  tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
}

// Whoever comes back to a tile by its address goes on from there.
addEventListener("pageshow", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches(".tile, .pickable")) (target.matches("a") ? target : target.querySelector("a"))?.focus();
});

// A request of htmx that fails because nobody answers is tried again by its own trigger; the page says so meanwhile.
const away = document.getElementById("away");
document.addEventListener("htmx:sendError", () => { away.hidden = false; });
document.addEventListener("htmx:afterOnLoad", () => { away.hidden = true; });
