// The list of runs: the bar for several of them is there while some are selected, and says how many.

const bar = document.getElementById("selected");
const boxes = () => [...document.querySelectorAll("#runs-table input[name=id]")];

function show() {
  if (!bar) return;
  const count = boxes().filter(box => box.checked).length;
  bar.hidden = count === 0;
  for (const button of bar.querySelectorAll("[data-at-least]")) button.disabled = count < Number(button.dataset.atLeast);
  document.getElementById("selected-count").textContent = `${count} ${count === 1 ? "run" : "runs"} selected`;
}

document.addEventListener("change", event => { if (event.target.matches("#runs-table input[name=id]")) show(); });
// A row may have gone, or the page come back with others ticked.
document.addEventListener("patched", show);
addEventListener("pageshow", show);
show();
