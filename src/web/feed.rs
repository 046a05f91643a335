//! A run's journal for all who watch it: read once, prepared once, sent to each.
//!
//! A piece of the feed begins and ends at offsets of the journal, and the end is the event's id. Who joins late, falls behind or
//! comes back reads what it lacks from the journal itself, so that nobody misses a point or gets one twice.

use crate::domain::ids::RunId;
use crate::runs::Runs;
use crate::runs::follower::read_lines;
use crate::store::Store;
use crate::store::runs::Run;
use axum::body::Bytes;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::broadcast;

/// No chart is drawn more often than this.
const AT_MOST_EVERY: Duration = Duration::from_millis(250);
/// How much of the journal goes into one message.
const CHUNK_BYTES: u64 = 1 << 18;

/// Which records somebody wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// Every one.
    #[default]
    All,
    /// What the charts of a run's page are drawn from.
    Charts,
    /// What the page of the layers is drawn from.
    Gradients,
}

impl Wanted {
    const EACH: [Wanted; 3] = [Wanted::All, Wanted::Charts, Wanted::Gradients];

    fn includes(self, event: &str) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Charts => matches!(event, "hello" | "started" | "step" | "epoch"),
            Wanted::Gradients => matches!(event, "hello" | "epoch" | "gradients" | "dials"),
        }
    }
}

/// A stretch of a journal, ready to be sent.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Where in the journal it begins.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    messages: [Bytes; 3],
}

impl Piece {
    /// Whether it is no part of the journal, but tells the state of the run at that place.
    pub fn is_about_run(&self) -> bool {
        self.from == self.to
    }

    /// Whole server-sent events; empty where there is nothing for this reader.
    pub fn message(&self, wanted: Wanted) -> Bytes {
        self.messages[wanted as usize].clone()
    }
}

/// What the feed of a run says of the run itself, worded by whoever knows the contract.
type Describe = fn(&Run) -> serde_json::Value;

/// The feeds that somebody reads.
#[derive(Clone)]
pub struct Feeds {
    store: Store,
    runs: Runs,
    describe: Describe,
    open: Arc<Mutex<HashMap<RunId, Arc<Feed>>>>,
}

struct Feed {
    sender: broadcast::Sender<Piece>,
    /// Everything before this was sent.
    position: Mutex<u64>,
}

impl Feeds {
    /// Makes the handle.
    pub fn new(store: Store, runs: Runs, describe: Describe) -> Feeds {
        Feeds { store, runs, describe, open: Arc::default() }
    }

    /// What comes of a run's journal from a place on, and that place.
    pub fn join(&self, run: &Run) -> (broadcast::Receiver<Piece>, u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let feed = open.entry(run.id).or_insert_with(|| {
            let position = Mutex::new(u64::try_from(run.journal_offset).unwrap_or(0));
            let feed = Arc::new(Feed { sender: broadcast::Sender::new(64), position });
            let open = Open { feeds: self.clone(), id: run.id, feed: Arc::downgrade(&feed) };
            tokio::spawn(open.work(feed.clone()));
            feed
        });
        let position = feed.position.lock().unwrap_or_else(PoisonError::into_inner);
        (feed.sender.subscribe(), *position)
    }

    /// The whole lines of a stretch of a journal, as pieces.
    ///
    /// # Errors
    /// The journal can't be read.
    pub async fn read(&self, run: RunId, from: u64, to: u64) -> std::io::Result<Vec<Piece>> {
        let journal = self.runs.directory(run).journal();
        tokio::task::spawn_blocking(move || read_pieces(&journal, from, to)).await?
    }

    /// The run as one server-sent event.
    pub fn run_event(&self, run: &Run, offset: u64) -> Bytes {
        format!("event: run\nid: {offset}\ndata: {}\n\n", (self.describe)(run)).into()
    }

    fn close_if_unread(&self, id: RunId, feed: &Feed) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let unread = feed.sender.receiver_count() == 0;
        if unread {
            open.remove(&id);
        }
        unread
    }
}

/// A feed whose task lives. Whatever ends that, a panic too, closes the feed: whoever listens is let go and comes back to a new one.
struct Open {
    feeds: Feeds,
    id: RunId,
    feed: Weak<Feed>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.feeds.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&self.id).is_some_and(|feed| std::ptr::eq(Arc::as_ptr(feed), self.feed.as_ptr())) {
            open.remove(&self.id);
        }
    }
}

impl Open {
    async fn work(self, feed: Arc<Feed>) {
        let (id, feeds) = (self.id, &self.feeds);
        let mut doorbell = feeds.runs.doorbell(id);
        let mut told = None;
        loop {
            doorbell.mark_unchanged();
            let Ok(Some(run)) = feeds.store.find_run(id).await else { break };
            let committed = u64::try_from(run.journal_offset).unwrap_or(0);
            let from = *feed.position.lock().unwrap_or_else(PoisonError::into_inner);
            match feeds.read(id, from, committed).await {
                Ok(pieces) => pieces.into_iter().for_each(|piece| feed.send(piece)),
                Err(error) => {
                    tracing::warn!(run.id = %id, %error, "the journal can't be read for those who watch");
                }
            }
            // Every step is in the journal's records; the run itself is told when it is another.
            let state = (run.state, run.stop_request, run.epoch, run.best_epoch);
            if told.replace(state) != Some(state) {
                let at = *feed.position.lock().unwrap_or_else(PoisonError::into_inner);
                let event = feeds.run_event(&run, at);
                feed.send(Piece { from: at, to: at, messages: [event.clone(), event.clone(), event] });
            }
            tokio::select! {
                changed = doorbell.changed() => if changed.is_err() { break },
                () = feed.sender.closed() => {}
            }
            if feeds.close_if_unread(id, &feed) {
                return;
            }
            tokio::time::sleep(AT_MOST_EVERY).await;
        }
    }
}

impl Feed {
    fn send(&self, piece: Piece) {
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        *position = piece.to;
        // Nobody may be listening.
        drop(self.sender.send(piece));
    }
}

fn read_pieces(journal: &Path, mut from: u64, to: u64) -> std::io::Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    while from < to {
        let lines = read_lines(journal, from, CHUNK_BYTES.min(to - from))?;
        if lines.is_empty() {
            break;
        }
        let behind = from + lines.len() as u64;
        let messages = Wanted::EACH.map(|wanted| message(&lines, wanted, behind));
        pieces.push(Piece { from, to: behind, messages });
        from = behind;
    }
    Ok(pieces)
}

#[derive(serde::Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    event: &'a str,
}

fn message(lines: &[u8], wanted: Wanted, behind: u64) -> Bytes {
    let records: Vec<&RawValue> = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| {
            wanted == Wanted::All
                || serde_json::from_slice::<Kind>(line).is_ok_and(|kind| wanted.includes(kind.event))
        })
        .filter_map(|line| serde_json::from_slice::<&RawValue>(line).ok())
        .collect();
    match serde_json::to_string(&records) {
        Ok(json) if !records.is_empty() => format!("event: journal\nid: {behind}\ndata: {json}\n\n").into(),
        _ => Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_has_for_each_reader_what_it_wants() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.jsonl");
        let lines = [
            "{\"at_ms\":1,\"event\":\"step\",\"step\":0}",
            "{\"at_ms\":2,\"event\":\"dials\",\"step\":0}",
            "not a record",
            "{\"at_ms\":3,\"event\":\"batch\"}",
        ];
        let text = lines.join("\n") + "\n";
        std::fs::write(&journal, &text).unwrap();
        let pieces = read_pieces(&journal, 0, text.len() as u64).unwrap();
        assert_eq!(pieces.len(), 1);
        let end = text.len();
        let of = |wanted| String::from_utf8(pieces[0].message(wanted).to_vec()).unwrap();
        assert_eq!(of(Wanted::Charts), format!("event: journal\nid: {end}\ndata: [{}]\n\n", lines[0]));
        assert_eq!(of(Wanted::Gradients), format!("event: journal\nid: {end}\ndata: [{}]\n\n", lines[1]));
        assert_eq!(
            of(Wanted::All),
            format!("event: journal\nid: {end}\ndata: [{},{},{}]\n\n", lines[0], lines[1], lines[3])
        );
        assert_eq!((pieces[0].from, pieces[0].to), (0, end as u64));
    }
}
