// Keeps an open page true. Texts follow the stream of changes; parts whose structure may have changed are asked for, at most once a
// second, and patched in place. The page itself is never fetched again.

import { onChange } from "./events.js";
import { setContent, setTexts } from "./patch.js";

const away = document.getElementById("away");
const title = document.title;
/** When a part was last made anew, for those that ask to be left alone for a while. */
const madeAt = new WeakMap();
/** Parts that are due. */
const due = new Set();
let timer = null;
let busy = false;

function setTitle() {
  const prefix = document.getElementById("title-prefix")?.textContent.trim();
  const words = prefix ? `${prefix} · ${title}` : title;
  if (document.title !== words) document.title = words;
}

const topicsOf = part => part.dataset.refreshOn.split(" ");

/** Asks for a part now, when a person wants something else of it. */
export function refreshNow(part) {
  madeAt.delete(part);
  refresh([part]);
}

function parts() {
  return [...document.querySelectorAll("[data-refresh]")];
}

function refresh(chosen) {
  chosen.forEach(part => due.add(part));
  if (due.size === 0 || timer !== null || busy) return;
  // A little later, and not all pages at the same moment.
  timer = setTimeout(fetchDue, 150 + Math.random() * 850);
}

async function fetchDue() {
  timer = null;
  busy = true;
  const wanted = [...due].filter(part => !part.isConnected || !isEarly(part));
  wanted.forEach(part => due.delete(part));
  const answers = await Promise.all(wanted.map(ask));
  // All at once, so that no two parts speak of different moments.
  answers.forEach((answer, at) => use(wanted[at], answer));
  wanted.forEach(part => madeAt.set(part, performance.now()));
  setTitle();
  document.dispatchEvent(new CustomEvent("patched"));
  setTimeout(() => { busy = false; refresh([]); }, 1000);
}

/** `data-refresh-every` says how many seconds a part stays as it is, for somebody to look at. */
function isEarly(part) {
  const rest = Number(part.dataset.refreshEvery ?? 0) * 1000;
  return performance.now() - (madeAt.get(part) ?? 0) < rest;
}

async function ask(part) {
  try {
    const answer = await fetch(part.dataset.refresh, { headers: { accept: "text/html" } });
    return { status: answer.status, text: answer.status === 200 ? await answer.text() : "" };
  } catch {
    // Nobody answers: the stream says so, and everything is asked for when it is back.
    return { status: 0, text: "" };
  }
}

function use(part, { status, text }) {
  if (!part.isConnected) return;
  if (status === 200) setContent(part, text);
  else if (status === 205) location.reload();
  else if (status === 404) document.getElementById("gone").hidden = false;
}

onChange(({ kind, change }) => {
  if (kind === "away") away.hidden = false;
  if (kind === "back") away.hidden = true;
  if (kind === "all") refresh(parts());
  if (kind !== "change") return;
  if (change.texts) setTexts(change.texts);
  setTitle();
  if (change.topics) {
    const named = new Set(change.topics);
    // For what htmx asks for by itself.
    for (const topic of named) document.body.dispatchEvent(new Event(topic));
    const concerned = parts().filter(part => topicsOf(part).some(topic => named.has(topic)));
    // A change of state, such as a pause, doesn't wait.
    const isUrgent = topic => named.has(topic) && !/-(evaluations|batches)$/.test(topic);
    concerned.filter(part => topicsOf(part).some(isUrgent)).forEach(part => madeAt.delete(part));
    refresh(concerned);
  }
});

document.addEventListener("click", event => {
  if (!event.target.closest("[data-reload]")) return;
  event.preventDefault();
  location.reload();
});

setTitle();

export { follow, onRecord } from "./points.js";
