// A run's news. The server sends journal records with the journal's offset as id, so that a lost connection goes on where
// it broke and a reload begins where the page was made: nothing is missing and nothing comes twice.

const status = document.getElementById("run-status");
const listeners = [];

/** Calls `listener(record)` for every journal record behind what the page was made with. */
export function onRecord(listener) {
  listeners.push(listener);
}

/** Parts of a run's pages that the server words anew while it learns. */
const PARTS = ["now", "run-status", "rail", "by-epoch"];

async function refresh() {
  let text;
  try { text = await (await fetch(location.href)).text(); } catch { return; /* the stream says that nobody answers */ }
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const id of PARTS) {
    const [old, made] = [document.getElementById(id), fresh.getElementById(id)];
    if (old && made) old.replaceWith(made);
  }
}

/** Follows the run for as long as it is active. */
export function follow() {
  if (status?.dataset.active !== "true") return;
  const away = document.getElementById("away");
  const source = new EventSource(`/api/v1/runs/${status.dataset.run}/events?since=${status.dataset.offset}`);
  let state = null;
  let due = null;
  source.addEventListener("open", () => { away.hidden = true; });
  source.addEventListener("error", () => { away.hidden = false; });
  source.addEventListener("journal", event => {
    for (const record of JSON.parse(event.data)) for (const listener of listeners) listener(record);
  });
  source.addEventListener("run", event => {
    const run = JSON.parse(event.data);
    due ??= setTimeout(() => { due = null; refresh(); }, 700);
    const now = `${run.state} ${run.stopping}`;
    const changed = state !== null && state !== now;
    state = now;
    // Another state has other buttons, notes and tables: the whole page is made anew.
    if (changed || (run.state !== "running" && run.state !== "queued")) { source.close(); location.reload(); }
  });
  addEventListener("pagehide", () => source.close());
}
