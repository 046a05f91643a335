// A run's new points for its charts. The server sends journal records with the journal's offset as id, so that a lost connection
// goes on where it broke and a reload begins where the page was made: nothing is missed and nothing comes twice.

const listeners = [];
let offset = null;
let source = null;

/** Calls `listener(record)` for every record behind what the page was made with. */
export function onRecord(listener) {
  listeners.push(listener);
}

function listen() {
  const { run } = document.getElementById("run-status").dataset;
  const only = document.querySelector("[data-gradients]") ? "gradients" : "charts";
  source = new EventSource(`/api/v1/runs/${run}/events?only=${only}&since=${offset}`);
  source.addEventListener("journal", event => {
    offset = event.lastEventId;
    for (const record of JSON.parse(event.data)) for (const listener of listeners) listener(record);
  });
}

function stop() {
  source?.close();
  source = null;
}

/** Follows the run's points, also where it rests: it may be resumed from anywhere. A hidden page draws nothing, and so hears nothing. */
export function follow() {
  const status = document.getElementById("run-status");
  if (!status || listeners.length === 0) return;
  offset = status.dataset.offset;
  const go = () => { if (document.hidden) stop(); else if (!source) listen(); };
  document.addEventListener("visibilitychange", go);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", go);
  go();
}
