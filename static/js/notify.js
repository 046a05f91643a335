// Tells that a run has ended, where a person asked for it: one notification, however many tabs are open. Without a browser that can,
// there is no button.

import { onChange } from "./events.js";
import { say } from "./say.js";

const ENDED = /completed|failed|interrupted|cancelled/;
const keyOf = id => `notify of run ${id}`;
const notifier = () => (isSecureContext ? globalThis.Notification : undefined);

function stored(id) { try { return localStorage.getItem(keyOf(id)); } catch { return null; } }
function store(id, name) { try { localStorage.setItem(keyOf(id), name); return true; } catch { return false; } }
function forget(id) { try { localStorage.removeItem(keyOf(id)); } catch { /* nothing is kept */ } }

/** Buttons say whether it was asked for. */
function show() {
  for (const button of document.querySelectorAll("[data-notify]")) {
    button.hidden = !notifier();
    button.setAttribute("aria-pressed", stored(button.dataset.notify) !== null);
  }
}

document.addEventListener("click", async event => {
  const button = event.target.closest("[data-notify]");
  if (!button) return;
  const id = button.dataset.notify;
  if (stored(id) !== null) {
    forget(id);
    say("You will not be notified.");
  } else if (await notifier().requestPermission() !== "granted") say("This browser does not allow notifications from this page.");
  else if (store(id, button.dataset.name)) say("You will be notified when this run ends, while a page of Tintype is open.");
  show();
});

function tell(id, words) {
  const name = stored(id);
  if (name === null) return;
  // The first tab that gets here takes it.
  forget(id);
  try {
    const told = new (notifier())(name, { body: words, tag: `tintype-run-${id}` });
    told.onclick = () => { focus(); location.href = `/runs/${id}`; };
  } catch { /* some browsers have the name and not the thing */ }
}

onChange(({ kind, change }) => {
  if (kind !== "change" || !change.texts) return;
  for (const [text, words] of Object.entries(change.texts)) {
    const id = /^run-(\d+)\.state$/.exec(text)?.[1];
    if (!id || !ENDED.test(words) || stored(id) === null) continue;
    if (navigator.locks) navigator.locks.request("tintype-notify", () => tell(id, words));
    else tell(id, words);
  }
});
document.addEventListener("patched", show);
show();
