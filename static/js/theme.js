// Before the first paint, so that nothing flashes: the theme that was chosen here, else the system's.
{
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* storage may be forbidden; the system's choice stands */ }
  if (chosen) document.documentElement.dataset.theme = chosen;
}
