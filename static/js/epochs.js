// A row of the by-epoch table puts the charts' cursor at the epoch's last step; all epochs are fetched without leaving the page.

import { refreshNow } from "./live.js";

document.addEventListener("click", event => {
  const row = event.target.closest("#epochs tr[data-step]");
  if (row) document.dispatchEvent(new CustomEvent("epoch", { detail: { step: Number(row.dataset.step) } }));
  if (event.target.closest("#all-epochs")) {
    event.preventDefault();
    showAll(document.querySelector("#by-epoch [data-refresh]"));
  }
});

function showAll(part) {
  const address = new URL(location);
  address.searchParams.set("epochs", "all");
  history.replaceState(history.state, "", address);
  part.dataset.refresh = `${part.dataset.refresh}?epochs=all`;
  refreshNow(part);
}
