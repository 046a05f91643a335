// The page that makes links: an address in a field is copied by the button beside it.

import { say } from "./say.js";

// Only the browser knows by which address it reached the server.
for (const field of document.querySelectorAll("[data-view]")) field.value = location.origin + field.dataset.view;

async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // A page that came without encryption from another machine may not use the clipboard; the old way still works there.
    return document.execCommand("copy");
  }
}

document.addEventListener("click", async event => {
  const button = event.target.closest("[data-copy-field]");
  if (!button) return;
  const field = button.parentElement.querySelector("input");
  say(await copy(field) ? "Copied." : "The browser would not copy it: the address is selected, copy it by hand.");
});
