// Before the first paint, so that nothing flashes: the theme that was chosen here, else the system's; and the size of the tiles.
{
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* storage may be forbidden; the system's choice stands */ }
  if (chosen) document.documentElement.dataset.theme = chosen;
  let size = null;
  try { size = localStorage.getItem("tile size"); } catch { /* the usual size stands */ }
  if (/^\d+$/.test(size ?? "")) document.documentElement.style.setProperty("--tile", `${size}px`);
}
