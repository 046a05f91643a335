// A row of the by-epoch table puts the charts' cursor at the epoch's last step.

document.addEventListener("click", event => {
  const row = event.target.closest("#epochs tr[data-step]");
  if (!row) return;
  document.dispatchEvent(new CustomEvent("epoch", { detail: { step: Number(row.dataset.step) } }));
});
