// The stream of changes, heard once for all tabs of this browser: browsers allow six connections to a server, and a stream holds one
// for as long as it is heard. The tab that has the lock listens and passes on what it hears; when it goes, the next takes over.

const LOCK = "tintype-changes";
const listeners = [];
const channel = new BroadcastChannel(LOCK);
/** This tab, among the others. */
const tab = Math.random();
/** Behind which change this page stands. */
let place = document.body.dataset.livePlace;
let source = null;
let release = null;

/** Calls `listener({kind, change})`: `change` with what changed, `all` when everything may have, `away` and `back`. */
export function onChange(listener) {
  listeners.push(listener);
}

function hear(message) {
  if (message.place) {
    // A tab that passes on may be behind this page.
    if (message.kind === "change" && isBehind(message.place, place)) return;
    place = message.place;
  }
  for (const listener of listeners) listener(message);
}

function isBehind(theirs, ours) {
  const [[server, number], [ourServer, ourNumber]] = [theirs.split("."), ours.split(".")];
  return server === ourServer && Number(number) <= Number(ourNumber);
}

function pass(message) {
  channel.postMessage(message);
  hear(message);
}

function listen() {
  source = new EventSource(`/api/v1/events?since=${encodeURIComponent(place)}`);
  source.addEventListener("open", () => pass({ kind: "back" }));
  source.addEventListener("error", () => {
    pass({ kind: "away" });
    // A browser gives up where something else than a stream answered, such as a proxy's error page.
    if (source.readyState === EventSource.CLOSED) setTimeout(listenAgain, 2000);
  });
  source.addEventListener("message", event => pass({ kind: "change", place: event.lastEventId, change: JSON.parse(event.data) }));
  source.addEventListener("all", event => pass({ kind: "all", place: event.lastEventId }));
}

/** A page whose key is no longer good says so, which it does when it is loaded anew. */
async function listenAgain() {
  const answer = await fetch("/live/now").catch(() => null);
  if (answer?.status === 401) location.reload();
  else listen();
}

function start() {
  const listenUntilReleased = () => new Promise(resolve => { release = resolve; listen(); });
  // Without locks (a page that is not served from this computer or by HTTPS) each tab listens for itself.
  if (!navigator.locks) { listen(); return; }
  const stop = new AbortController();
  release = () => stop.abort();
  navigator.locks.request(LOCK, { signal: stop.signal }, listenUntilReleased).catch(() => { /* the page went first */ });
  // Whoever listens already may be further than this page.
  channel.postMessage({ kind: "ask", place, tab });
}

channel.addEventListener("message", ({ data }) => {
  if (data.kind !== "ask") {
    if (!data.to || data.to === tab) hear(data);
    return;
  }
  // A page was made before changes that were passed on already: it asks for its parts.
  const isNewer = data.place !== place && !isBehind(place, data.place);
  if (source && isNewer) channel.postMessage({ kind: "all", place, to: data.tab });
});

addEventListener("pagehide", () => {
  source?.close();
  source = null;
  release?.();
});
// A page that comes back from the browser's memory hears what it missed.
addEventListener("pageshow", event => { if (event.persisted) start(); });

start();
