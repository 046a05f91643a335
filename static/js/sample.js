// One image's page: it fits its box; a click shows it in its actual size, wheel and keys zoom, the pointer drags it.

const viewer = document.querySelector("[data-viewer]");
const image = viewer?.querySelector("img");
const says = viewer?.querySelector("[data-zoom]");
const [width, height] = [Number(image?.dataset.width), Number(image?.dataset.height)];
const isSmall = Math.max(width, height) <= 64;
/** Pixels of the screen for one of the image; `null`: as it fits. */
let zoom = null;

/** By a whole number where it is small, up to twice otherwise. */
function fitting() {
  const room = Math.min(viewer.clientWidth / width, viewer.clientHeight / height);
  if (isSmall) return Math.max(1, Math.floor(room));
  return Math.min(room, 2);
}

function draw() {
  const scale = zoom ?? fitting();
  viewer.classList.toggle("zoomed", zoom !== null);
  viewer.classList.toggle("fitted", zoom === null);
  image.style.width = `${width * scale}px`;
  image.style.height = `${height * scale}px`;
  image.classList.toggle("pixels", isSmall || scale >= 4);
  says.textContent = `${Math.round(scale * 100)} %`;
  // The thumbnail has 1,024 pixels at most; more are in the file itself, if the browser knows its kind.
  if (scale * Math.max(width, height) > 1024 && Math.max(width, height) > 1024 && !image.dataset.asked) {
    image.dataset.asked = "1";
    const full = new Image();
    full.onload = () => { image.src = full.src; };
    full.src = image.dataset.original;
  }
}

/** Zooms about a point of the box, which keeps its place. */
function zoomTo(scale, x = viewer.clientWidth / 2, y = viewer.clientHeight / 2) {
  const before = zoom ?? fitting();
  const box = image.getBoundingClientRect();
  const around = viewer.getBoundingClientRect();
  const at = { x: (around.left + x - box.left) / before, y: (around.top + y - box.top) / before };
  zoom = scale === null ? null : Math.min(Math.max(scale, 0.05), 64);
  draw();
  if (zoom === null) return;
  const now = image.getBoundingClientRect();
  viewer.scrollLeft += now.left + at.x * zoom - around.left - x;
  viewer.scrollTop += now.top + at.y * zoom - around.top - y;
}

let drag = null;
viewer?.addEventListener("click", event => {
  if (drag?.moved) return;
  const around = viewer.getBoundingClientRect();
  zoomTo(zoom === null && fitting() !== 1 ? 1 : zoom === null ? 2 : null, event.clientX - around.left, event.clientY - around.top);
});
viewer?.addEventListener("wheel", event => {
  event.preventDefault();
  const around = viewer.getBoundingClientRect();
  zoomTo((zoom ?? fitting()) * 1.0015 ** -event.deltaY, event.clientX - around.left, event.clientY - around.top);
}, { passive: false });
viewer?.addEventListener("pointerdown", event => {
  drag = { x: event.clientX, y: event.clientY, left: viewer.scrollLeft, top: viewer.scrollTop, moved: false, down: true };
});
addEventListener("pointermove", event => {
  if (!drag?.down || zoom === null) return;
  const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
  if (Math.hypot(dx, dy) > 4) drag.moved = true;
  viewer.scrollLeft = drag.left - dx;
  viewer.scrollTop = drag.top - dy;
});
addEventListener("pointerup", () => { if (drag) drag.down = false; });
viewer?.addEventListener("dragstart", event => event.preventDefault());

document.addEventListener("keydown", event => {
  if (!viewer || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const scale = zoom ?? fitting();
  if (event.key === "+" || event.key === "=") zoomTo(scale * 1.5);
  else if (event.key === "-") zoomTo(scale / 1.5);
  else if (event.key === "0") zoomTo(null);
  // Left and right lead on, as j and k do.
  else if (event.key === "ArrowRight" && zoom === null) document.querySelector("a[rel=next]")?.click();
  else if (event.key === "ArrowLeft" && zoom === null) document.querySelector("a[rel=prev]")?.click();
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      // Without leave to copy, the path is selected, for a key.
      getSelection().selectAllChildren(document.querySelector("[data-path]"));
    }
  });
}

if (viewer) {
  draw();
  new ResizeObserver(() => { if (zoom === null) draw(); }).observe(viewer);
}
