// What every page has: theme, sharing, keys, questions before what can't be undone, forms that send themselves.

/** Says something for a moment, aloud too. */
export function say(words) {
  const said = document.getElementById("said");
  said.textContent = words;
  setTimeout(() => { if (said.textContent === words) said.textContent = ""; }, 4000);
}

const THEMES = [null, "dark", "light"];

function nextTheme() {
  const now = document.documentElement.dataset.theme ?? null;
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  if (next) document.documentElement.dataset.theme = next;
  else delete document.documentElement.dataset.theme;
  try {
    if (next) localStorage.setItem("theme", next);
    else localStorage.removeItem("theme");
  } catch { /* it holds for this page */ }
  say(`Theme: ${next ?? "as the system has it"}`);
  document.dispatchEvent(new CustomEvent("theme"));
}

async function copyAddress() {
  try {
    await navigator.clipboard.writeText(location.href);
    say("The address is copied: whoever opens it sees this view.");
  } catch {
    say(location.href);
  }
}

document.addEventListener("click", event => {
  const target = event.target.closest("[data-theme-toggle], [data-copy-address], [data-open-keys], [data-back]");
  if (!target) return;
  if ("themeToggle" in target.dataset) nextTheme();
  else if ("copyAddress" in target.dataset) copyAddress();
  else if ("openKeys" in target.dataset) document.getElementById("keys").showModal();
  else if (history.length > 1) { event.preventDefault(); history.back(); }
});

document.addEventListener("submit", event => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("change", event => {
  if (!event.target.matches("[data-submit]")) return;
  // What is left empty would only lengthen the address.
  for (const field of event.target.form.elements) if (field.name && field.value === "") field.disabled = true;
  event.target.form.requestSubmit();
});

const tiles = () => [...document.querySelectorAll(".gallery .tile")];

function step(by) {
  const link = document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]");
  if (link) { location.href = link.href; return; }
  const all = tiles();
  if (all.length === 0) return;
  const at = all.indexOf(document.activeElement);
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

let before = "";
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const go = { h: "/", d: "/datasets", r: "/runs", n: "/runs/new" }[event.key];
  if (before === "g" && go) location.href = go;
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "/") { event.preventDefault(); document.getElementById("search").select(); }
  else if (event.key === "?") document.getElementById("keys").showModal();
  else if (event.key === "Escape") { const up = document.querySelector("[data-up]"); if (up) location.href = up.href; }
  before = event.key;
});

// A request of htmx that fails because nobody answers is tried again by its own trigger; the page says so meanwhile.
const away = document.getElementById("away");
document.addEventListener("htmx:sendError", () => { away.hidden = false; });
document.addEventListener("htmx:afterOnLoad", () => { away.hidden = true; });
