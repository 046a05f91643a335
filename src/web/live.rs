//! The one stream that every page hears: what changed, prepared once for all who listen.
//!
//! A change is a number and a text. The latest ones are kept, so that a page that was made a moment ago, or a browser whose
//! connection broke, gets what it missed; who comes from further back, or from before this server started, is told to ask
//! for its parts anew. What goes into a change is worded by [`super::pages`].

use super::AppState;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;

/// Changes that are kept: some minutes of a busy server.
const KEPT: usize = 300;

tokio::task_local! {
    /// Where the stream was when the request that is being answered came.
    static PLACE: String;
}

/// Remembers where the stream is before anything is read for an answer: what changes meanwhile is told to the page afterwards.
pub(super) async fn remember_place(State(app): State<AppState>, request: Request, next: Next) -> Response {
    PLACE.scope(app.live.place(), next.run(request)).await
}

/// What changed, as pages get it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Change {
    /// Texts by the name that an element bears in `data-live`, such as `run-7.progress`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
    /// Subjects whose parts have to be asked for anew: an element names its own in `data-refresh-on`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub topics: BTreeSet<String>,
}

impl Change {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.topics.is_empty()
    }
}

/// A change as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Sent {
    number: u64,
    /// A whole server-sent event.
    pub bytes: Bytes,
}

/// The stream's handle.
#[derive(Clone, Debug)]
pub struct Live {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Tells this server from the one before it.
    server: u64,
    /// Whether somebody has looked for changes before.
    has_begun: AtomicBool,
    recent: Mutex<RecentEvents>,
    sender: broadcast::Sender<Sent>,
}

#[derive(Debug, Default)]
struct RecentEvents {
    /// Of the latest change.
    number: u64,
    kept: VecDeque<Sent>,
}

impl Default for Live {
    fn default() -> Live {
        let server = u64::try_from(crate::store::now_ms()).unwrap_or(0);
        Live {
            inner: Arc::new(Inner {
                server,
                has_begun: AtomicBool::new(false),
                recent: Mutex::default(),
                sender: broadcast::Sender::new(64),
            }),
        }
    }
}

impl Live {
    /// Where the stream was when the request came that is being answered; its page hears from there on.
    pub fn place_of_request(&self) -> String {
        PLACE.try_with(String::clone).unwrap_or_else(|_| self.place())
    }

    /// Where the stream is.
    pub fn place(&self) -> String {
        self.event_id(self.lock().number)
    }

    /// Somebody begins to look for changes. Whoever did before stopped by mistake, so every page asks for all its parts.
    pub fn begin(&self) {
        if !self.inner.has_begun.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut recent = self.lock();
        recent.number += 1;
        let number = recent.number;
        recent.kept.clear();
        drop(self.inner.sender.send(Sent { number, bytes: self.start_anew(number) }));
    }

    /// Tells everybody.
    pub fn publish(&self, change: &Change) {
        let Ok(json) = serde_json::to_string(change) else { return };
        let mut recent = self.lock();
        recent.number += 1;
        let number = recent.number;
        let bytes = format!("id: {}\ndata: {json}\n\n", self.event_id(number)).into();
        let sent = Sent { number, bytes };
        recent.kept.push_back(sent.clone());
        if recent.kept.len() > KEPT {
            recent.kept.pop_front();
        }
        // Nobody may be listening.
        drop(self.inner.sender.send(sent));
    }

    /// What was missed since a place, and what comes from now on.
    pub fn subscribe(&self, since: Option<&str>) -> (Vec<Bytes>, broadcast::Receiver<Sent>) {
        let recent = self.lock();
        let receiver = self.inner.sender.subscribe();
        let known = since
            .and_then(|place| place.split_once('.'))
            .filter(|(server, _)| *server == self.inner.server.to_string())
            .and_then(|(_, number)| number.parse::<u64>().ok());
        let first_kept = recent.kept.front().map_or(recent.number + 1, |sent| sent.number);
        let missed = match known {
            Some(number) if number + 1 >= first_kept && number <= recent.number => recent
                .kept
                .iter()
                .filter(|sent| sent.number > number)
                .map(|sent| sent.bytes.clone())
                .collect(),
            _ => vec![self.start_anew(recent.number)],
        };
        (missed, receiver)
    }

    /// The event that makes a page ask for all its parts.
    pub fn start_over(&self) -> Bytes {
        self.start_anew(self.lock().number)
    }

    fn start_anew(&self, number: u64) -> Bytes {
        format!("id: {}\nevent: all\ndata: {{}}\n\n", self.event_id(number)).into()
    }

    fn event_id(&self, number: u64) -> String {
        format!("{}.{number}", self.inner.server)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, RecentEvents> {
        self.inner.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(text: &str) -> Change {
        Change { texts: [("run-1.progress".to_owned(), text.to_owned())].into(), ..Change::default() }
    }

    fn texts(missed: &[Bytes]) -> Vec<String> {
        missed.iter().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect()
    }

    #[test]
    fn whoever_comes_back_gets_what_it_missed_and_no_more() {
        let live = Live::default();
        live.publish(&change("one"));
        let place = live.place();
        assert_eq!(live.subscribe(Some(&place)).0, Vec::<Bytes>::new());
        live.publish(&change("two"));
        live.publish(&change("three"));
        let missed = texts(&live.subscribe(Some(&place)).0);
        assert_eq!(missed.len(), 2);
        assert!(missed[0].ends_with("data: {\"texts\":{\"run-1.progress\":\"two\"}}\n\n"), "{missed:?}");
        assert!(missed[1].starts_with(&format!("id: {}\n", live.place())), "{missed:?}");
    }

    #[test]
    fn whoever_was_away_too_long_or_knew_another_server_starts_over() {
        let live = Live::default();
        let place = live.place();
        assert!(texts(&live.subscribe(Some("1.1")).0)[0].contains("event: all\n"));
        assert!(texts(&live.subscribe(None).0)[0].contains("event: all\n"));
        (0..KEPT).for_each(|_| live.publish(&change("on and on")));
        assert_eq!(live.subscribe(Some(&place)).0.len(), KEPT);
        live.publish(&change("one too many"));
        assert!(texts(&live.subscribe(Some(&place)).0)[0].contains("event: all\n"));
    }
}
