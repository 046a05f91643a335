// The size of a gallery's tiles: chosen by a slider, remembered for every gallery. `theme.js` sets it before a page is drawn.

const KEY = "tile size";
const size = document.getElementById("size-of-tiles");

function remembered() { try { return localStorage.getItem(KEY); } catch { return null; } }
function remember(value) { try { localStorage.setItem(KEY, value); } catch { /* it holds for this page */ } }

if (size) {
  const root = document.documentElement;
  size.closest("label").hidden = false;
  size.value = remembered() ?? Number.parseInt(getComputedStyle(root).getPropertyValue("--tile"), 10);
  size.addEventListener("input", () => {
    root.style.setProperty("--tile", `${size.value}px`);
    remember(size.value);
  });
}
