// The theme: the system's, or one that was chosen here (see theme.js, which sets it before the first paint). Whatever
// draws by itself hears `theme` whenever colours have changed, whoever changed them.

import { say } from "./say.js";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const changed = () => document.dispatchEvent(new CustomEvent("theme"));

function use(theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  changed();
}

/** From the system's theme first to the other one, so that the first click is seen; then to the same, chosen; then back. */
export function nextTheme() {
  const [same, other] = dark.matches ? ["dark", "light"] : ["light", "dark"];
  const next = { [other]: same, [same]: null }[root.dataset.theme] ?? (root.dataset.theme ? null : other);
  use(next);
  try {
    if (next) localStorage.setItem("theme", next);
    else localStorage.removeItem("theme");
  } catch { /* it holds for this page */ }
  say(`Theme: ${next ?? "system"}`);
}

dark.addEventListener("change", changed);

// Paper is light; what is drawn on a canvas can't know that by style sheets.
let chosen = null;
addEventListener("beforeprint", () => { chosen = root.dataset.theme ?? null; use("light"); });
addEventListener("afterprint", () => use(chosen));
