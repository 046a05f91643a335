// A data set's overview: arrows lead from bar to bar, and a class is found by its name.

document.addEventListener("keydown", event => {
  const bar = event.target.closest?.(".spread svg a");
  if (!bar || event.ctrlKey || event.metaKey || event.altKey) return;
  const bars = [...bar.parentNode.querySelectorAll("a")];
  const at = bars.indexOf(bar);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: bars.length - 1 }[event.key];
  if (to === undefined || !bars[to]) return;
  event.preventDefault();
  bar.setAttribute("tabindex", -1);
  bars[to].setAttribute("tabindex", 0);
  bars[to].focus();
});

/** One bar of each chart is reached by the tabulator key: the chosen one, else the first. */
function rove() {
  for (const chart of document.querySelectorAll(".spread svg")) {
    const bars = [...chart.querySelectorAll("a")];
    const reached = bars.find(bar => bar.hasAttribute("aria-current")) ?? bars[0];
    for (const bar of bars) bar.setAttribute("tabindex", bar === reached ? 0 : -1);
  }
}

/** Classes by name, where there are many. */
document.addEventListener("input", event => {
  if (!event.target.matches("[data-find-class]")) return;
  const wanted = event.target.value.trim().toLowerCase();
  let shown = 0;
  for (const mean of document.querySelectorAll(".means .mean")) {
    mean.hidden = !mean.dataset.class.toLowerCase().includes(wanted);
    shown += Number(!mean.hidden);
  }
  event.target.closest("p").querySelector("output").textContent = wanted === "" ? "" : `${shown} found`;
});

rove();
document.addEventListener("htmx:afterSettle", event => { if (event.detail.elt.id === "overview") rove(); });
