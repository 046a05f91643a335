// The head of a run's pages: on a narrow window the rail scrolls sideways to the page that one is at, and the menu of *Run again*
// closes as menus do.

const rail = document.getElementById("rail");
const here = rail?.querySelector("[aria-current]");
if (here) {
  const [all, one] = [rail.getBoundingClientRect(), here.getBoundingClientRect()];
  rail.scrollLeft += one.left + one.width / 2 - (all.left + all.width / 2);
}

document.addEventListener("click", event => {
  const menu = document.querySelector("details.again[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", event => {
  const menu = event.key === "Escape" && document.querySelector("details.again[open]");
  if (!menu) return;
  // It closes the menu, and leaves the page where it is.
  event.preventDefault();
  event.stopImmediatePropagation();
  menu.open = false;
  menu.querySelector("summary").focus();
}, true);
