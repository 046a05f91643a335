// Selecting images, to edit them together: click the box, shift-click a range, draw a frame, or by keys; then the edit bar. Works on
// every page that includes partials/edit_bar.html and shows tiles with a box, in one gallery or in several.

import { keepPlace } from "./gallery.js";

const bar = document.getElementById("edit");
const boxes = () => [...document.querySelectorAll(".pick input")];
const part = selector => bar?.querySelector(selector);
let last = null;

const isOfOne = bar?.classList.contains("of-one") ?? false;
const chosen = () => boxes().filter(box => box.checked);
const isAll = () => part("[name=all]")?.checked ?? false;

/** Brings bar and tiles to what is selected. */
function show() {
  if (!bar || isOfOne) return;
  const selected = chosen().length;
  for (const box of boxes()) {
    box.tabIndex = -1;
    box.closest(".pickable").classList.toggle("picked", box.checked);
  }
  const count = isAll() ? Number(bar.dataset.total) : selected;
  bar.hidden = count === 0;
  part("[data-clear]").hidden = false;
  part("output").textContent = `${count.toLocaleString("en")} selected`;
  document.documentElement.classList.toggle("editing", !bar.hidden);
  if (bar.hidden) return;
  // What the last edit did makes room for the next.
  document.querySelector(".done")?.setAttribute("hidden", "");
}

function clear() {
  for (const box of boxes()) box.checked = false;
  const all = part("[name=all]");
  if (all) all.checked = false;
  tell("");
  show();
}

/** Says in the bar why nothing happened. */
function tell(words) {
  const said = part(".edit-said");
  said.textContent = words;
  said.hidden = words === "";
}

function pick(box, on, range) {
  const all = boxes();
  if (range && last && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const other of all.slice(from, to + 1)) other.checked = on;
  }
  box.checked = on;
  // Without one of them it is not all of them.
  const every = part("[name=all]");
  if (!on && every) every.checked = false;
  last = box;
  show();
}

const boxOf = element => element?.closest(".pickable")?.querySelector(".pick input");

document.addEventListener("click", event => {
  const box = boxOf(event.target);
  if (box && event.target === box) pick(box, box.checked, event.shiftKey);
  else if (box && (event.shiftKey || event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    pick(box, !box.checked, event.shiftKey);
  }
});
document.addEventListener("change", event => { if (event.target.matches("#edit [name=all]")) show(); });
part("[data-clear]")?.addEventListener("click", clear);
for (const button of document.querySelectorAll("[data-select-all]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    part("[name=all]").checked = true;
    for (const box of boxes()) box.checked = true;
    show();
  });
}

document.addEventListener("keydown", event => {
  if (!bar || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("select, textarea, dialog, input:not([type=checkbox])")) return;
  const box = boxOf(document.activeElement);
  if (event.key === "x" && box) pick(box, !box.checked, event.shiftKey);
  else if (event.key === "X" && box) pick(box, true, true);
  else if (event.key === "a" && boxes().length > 0) { for (const other of boxes()) other.checked = true; show(); }
  else if (/^[1-9]$/.test(event.key)) relabelByKey(Number(event.key));
  else if (event.key === "Escape" && !isOfOne && !bar.hidden) {
    clear();
    event.stopImmediatePropagation();
  }
}, true);

/** The nth class for what is selected, or for the one image of the page. Asks nothing: it can be undone. */
function relabelByKey(key) {
  if (bar.hidden) return;
  const button = bar.querySelectorAll(".edit-keys button")[key - 1];
  if (button) bar.requestSubmit(button);
}

// The button says what it is about to do: a name that no class has makes one.
const field = part("[name=class]");
field?.addEventListener("input", () => {
  const names = [...bar.querySelectorAll("datalist option")].map(option => option.value);
  const typed = field.value.trim();
  part("[value=relabel]").textContent = typed === "" || names.includes(typed) ? "Relabel" : "Make class";
});

bar?.addEventListener("submit", async event => {
  event.preventDefault();
  // Enter in a field chooses nothing.
  const button = event.submitter;
  if (!button?.name || button.disabled) return;
  if (button.value === "relabel" && field.value.trim() === "") {
    tell("Choose a class, or type the name of a new one.");
    field.focus();
    return;
  }
  const form = new FormData(bar, button);
  form.set("back", keepPlace(bar.elements.back.value, chosen().map(box => Number(box.value))));
  if (isAll()) form.delete("id");
  bar.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(bar.getAttribute("action"), {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(form),
    });
    const said = await answer.json();
    if (answer.ok) {
      if (isOfOne) location.replace(said.location);
      else location.assign(said.location);
      return;
    }
    tell(Object.values(said.error.fields ?? { message: said.error.message }).join("; "));
  } catch {
    tell("The server did not answer. Nothing was changed; the selection is kept.");
  }
  bar.removeAttribute("aria-busy");
});

// One menu is open at a time, and a click elsewhere closes it.
document.addEventListener("click", event => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A frame drawn with the pointer selects what it touches.
let frame = null;
document.addEventListener("dragstart", event => { if (event.target.closest(".pickable")) event.preventDefault(); });
document.addEventListener("pointerdown", event => {
  if (!bar || event.button !== 0 || event.pointerType === "touch") return;
  if (event.target.matches("input") || !event.target.closest(".gallery")) return;
  frame = { x: event.pageX, y: event.pageY, band: null, kept: chosen() };
});
addEventListener("pointermove", event => {
  if (!frame) return;
  const [dx, dy] = [event.pageX - frame.x, event.pageY - frame.y];
  if (!frame.band) {
    if (Math.hypot(dx, dy) < 8) return;
    const band = Object.assign(document.createElement("div"), { className: "band" });
    frame.band = document.body.appendChild(band);
  }
  const [left, top] = [Math.min(frame.x, event.pageX), Math.min(frame.y, event.pageY)];
  const [width, height] = [Math.abs(dx), Math.abs(dy)];
  Object.assign(frame.band.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  const area = frame.band.getBoundingClientRect();
  for (const box of boxes()) {
    const tile = box.closest(".pickable").getBoundingClientRect();
    const across = tile.left < area.right && tile.right > area.left;
    box.checked = (across && tile.top < area.bottom && tile.bottom > area.top) || frame.kept.includes(box);
  }
  show();
});
addEventListener("pointerup", () => {
  if (frame?.band) {
    frame.band.remove();
    // The click that ends the frame opens no image.
    const swallow = click => { click.preventDefault(); click.stopPropagation(); };
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
  }
  frame = null;
});

document.addEventListener("htmx:afterSettle", show);
// A page that comes back from the browser's memory may have other boxes ticked.
addEventListener("pageshow", show);
show();
