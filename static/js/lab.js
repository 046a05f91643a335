// The loading lab: keeps two pipelines in the address, and brings what the server makes of them.

import { say } from "./main.js";
import { Side } from "./lab-side.js";

const form = document.getElementById("lab");
/** While a slider moves, images are brought when it rests for so long, but at least … */
const REST_MS = 150;
/** … every so often. */
const AT_LEAST_MS = 600;

/** The page's address for what the form holds; `keep`: the images stay the same ones. */
function address(keep) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "" && !(name === "pick" && value === "0")) query.set(name, value);
  const now = new URLSearchParams(location.search);
  for (const name of ["sample", "vary"]) if (now.has(name)) query.set(name, now.get(name));
  if (keep) query.set("samples", document.getElementById("lab-result").dataset.samples);
  return `${location.pathname}?${query}`;
}

/** What of a page follows from the pipelines. */
const PARTS = ["lab-result", "use-a", "use-b", "evaluation-a", "evaluation-b"];

/** Puts the fresh parts in their places; the keyboard stays where it was. */
function exchange(fresh) {
  for (const id of PARTS) {
    const [old, part] = [document, fresh].map(page => page.getElementById(id));
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceWith(document.adoptNode(part));
    if (!focused) continue;
    const again = focused.dataset.sample ? `[data-sample="${focused.dataset.sample}"]` : "a, button";
    part.querySelector(again)?.focus({ preventScroll: true });
  }
}

/** With the preset that each pipeline comes from, so that a reload still says which one was changed. */
function withOrigins(address) {
  const url = new URL(address, location);
  for (const { letter, origin } of Object.values(page.sides)) if (origin) url.searchParams.set(`origin_${letter}`, origin);
  return url.pathname + url.search;
}

let wanted = null;
let busy = false;
let rest = null;
let waitingSince = null;
/** The place of a link that was clicked while it was older than its pipeline. */
let toFollow = null;

/** Brings the result of the form as it stands; while one is on its way, only the newest wish is kept. */
async function bring(plain) {
  clearTimeout(rest);
  waitingSince = null;
  const url = withOrigins(plain);
  history.replaceState(null, "", url);
  wanted = url;
  if (busy) return;
  busy = true;
  const away = document.getElementById("away");
  while (wanted) {
    const asked = wanted;
    wanted = null;
    try {
      const fresh = new DOMParser().parseFromString(await (await fetch(asked)).text(), "text/html");
      // The images first, so that nothing flickers.
      const images = [...fresh.querySelectorAll("#lab-result img")].map(({ src }) => {
        const image = new Image();
        image.src = src;
        return image.decode().catch(() => {});
      });
      await Promise.all(images);
      if (fresh.getElementById("lab-result")) exchange(fresh);
      else say(fresh.querySelector("main")?.textContent.trim() ?? "The server did not answer with a page.");
      away.hidden = true;
    } catch { away.hidden = false; }
  }
  busy = false;
  if (toFollow) document.querySelector(`#${toFollow} a`)?.click();
  toFollow = null;
}

const show = () => bring(address(true));

function showSoon() {
  clearTimeout(rest);
  const now = performance.now();
  waitingSince ??= now;
  if (now - waitingSince >= AT_LEAST_MS && !busy) show();
  else rest = setTimeout(show, REST_MS);
}

const page = { sides: {}, show, showSoon };
for (const section of form.querySelectorAll(".side")) page.sides[section.dataset.side] = new Side(section, page);
form.addEventListener("submit", event => { event.preventDefault(); show(); });
form.addEventListener("change", event => {
  if (["count", "class", "split"].includes(event.target.name)) bring(address(false));
  else if (["view", "seed", "epoch"].includes(event.target.name)) show();
});
form.querySelector("[data-shuffle]").addEventListener("click", () => {
  form.elements.pick.value = Number(form.elements.pick.value) + 1;
  bring(address(false));
});
form.querySelector("[data-redraw]").addEventListener("click", () => {
  form.elements.epoch.value = Number(form.elements.epoch.value) + 1;
  show();
});
// A run takes the pipeline as it stands: a link that is about to be exchanged is followed when it has been.
form.addEventListener("click", event => {
  const link = event.target.closest(".use a");
  if (!link || (!busy && waitingSince === null)) return;
  event.preventDefault();
  toFollow = link.closest(".use").id;
  if (!busy) show();
});
document.addEventListener("click", event => {
  const link = event.target.closest("#lab-result .comparison, #lab-result .detail h3 a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  bring(link.getAttribute("href").split("#")[0]);
});
