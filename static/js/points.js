// A run's new points for its charts. The server sends journal records with the journal's offset as id, so that a lost connection
// goes on where it broke and a reload begins where the page was made: nothing is missed and nothing comes twice.

const listeners = [];

/** Calls `listener(record)` for every record behind what the page was made with. */
export function onRecord(listener) {
  listeners.push(listener);
}

/** Hears a run's records behind an offset, `only` of one kind. A hidden page draws nothing, and so hears nothing. */
export function followRun(run, since, only, listener) {
  let [offset, source] = [since, null];
  const stop = () => {
    source?.close();
    source = null;
  };
  const listen = () => {
    source = new EventSource(`/api/v1/runs/${run}/events?only=${only}&since=${offset}`);
    source.addEventListener("journal", event => {
      offset = event.lastEventId;
      JSON.parse(event.data).forEach(listener);
    });
  };
  const go = () => { if (document.hidden) stop(); else if (!source) listen(); };
  document.addEventListener("visibilitychange", go);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", go);
  go();
}

/** Follows the run of the page, also where it rests: it may be resumed from anywhere. */
export function follow() {
  const status = document.getElementById("run-status");
  if (!status || listeners.length === 0) return;
  const only = document.querySelector("[data-gradients]") ? "gradients" : "charts";
  followRun(status.dataset.run, status.dataset.offset, only, record => listeners.forEach(listener => listener(record)));
}
