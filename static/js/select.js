// Selecting images of a gallery, to edit them together: click the box, shift-click a range, draw a frame, or by keys.

const gallery = document.getElementById("gallery");
const bar = document.getElementById("edit");
const boxes = () => [...document.querySelectorAll("#gallery .pick input")];
let last = null;

// A form that is sent comes back to the page as it stands.
for (const field of document.querySelectorAll("[data-here]")) field.value = location.pathname + location.search;

function show() {
  if (!bar) return;
  const chosen = boxes().filter(box => box.checked);
  for (const box of boxes()) box.closest(".pickable").classList.toggle("picked", box.checked);
  const all = bar.querySelector("[name=all]");
  const count = all?.checked ? Number(bar.dataset.total) : chosen.length;
  bar.hidden = chosen.length === 0 && !all?.checked;
  bar.querySelector("output").textContent = count === 1 ? "1 image selected" : `${count.toLocaleString("en")} images selected`;
}

function pick(box, on, range) {
  const all = boxes();
  if (range && last && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const other of all.slice(from, to + 1)) other.checked = on;
  }
  box.checked = on;
  // Without one of them it is not all of them.
  const every = bar?.querySelector("[name=all]");
  if (!on && every) every.checked = false;
  last = box;
  show();
}

const boxOf = element => element?.closest(".pickable")?.querySelector(".pick input");

gallery?.addEventListener("click", event => {
  const box = boxOf(event.target);
  if (!box) return;
  if (event.target === box) pick(box, box.checked, event.shiftKey);
  else if (event.shiftKey || event.ctrlKey || event.metaKey) {
    event.preventDefault();
    pick(box, !box.checked, event.shiftKey);
  }
});
document.addEventListener("change", event => { if (event.target.matches("#edit [name=all]")) show(); });

document.addEventListener("keydown", event => {
  if (!bar || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, textarea, dialog, input:not([type=checkbox])")) return;
  const box = boxOf(document.activeElement);
  if (event.key === "x" && box) pick(box, !box.checked, event.shiftKey);
  else if (event.key === "X" && box) pick(box, true, true);
  else if (event.key === "a" && boxes().length > 0) { for (const other of boxes()) other.checked = true; show(); }
  else if (event.key === "Escape" && !bar.hidden) {
    for (const other of boxes()) other.checked = false;
    const all = bar.querySelector("[name=all]");
    if (all) all.checked = false;
    event.stopImmediatePropagation();
    show();
  }
}, true);

// A frame drawn with the pointer selects what it touches.
let frame = null;
gallery?.addEventListener("dragstart", event => event.preventDefault());
gallery?.addEventListener("pointerdown", event => {
  if (event.button !== 0 || event.pointerType === "touch" || event.target.matches("input")) return;
  frame = { x: event.pageX, y: event.pageY, band: null, kept: boxes().filter(box => box.checked) };
});
addEventListener("pointermove", event => {
  if (!frame) return;
  const [dx, dy] = [event.pageX - frame.x, event.pageY - frame.y];
  if (!frame.band) {
    if (Math.hypot(dx, dy) < 8) return;
    frame.band = document.body.appendChild(Object.assign(document.createElement("div"), { className: "band" }));
  }
  const [left, top] = [Math.min(frame.x, event.pageX), Math.min(frame.y, event.pageY)];
  Object.assign(frame.band.style, { left: `${left}px`, top: `${top}px`, width: `${Math.abs(dx)}px`, height: `${Math.abs(dy)}px` });
  const area = frame.band.getBoundingClientRect();
  for (const box of boxes()) {
    const tile = box.closest(".pickable").getBoundingClientRect();
    const touched = tile.left < area.right && tile.right > area.left && tile.top < area.bottom && tile.bottom > area.top;
    box.checked = touched || frame.kept.includes(box);
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
show();
