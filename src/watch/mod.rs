//! The watch over the server's own tasks: none ends or panics without the log and a page saying so, and what can be started again is.

mod panics;

pub use panics::{caught, log_panics, panic_if_asked, panic_words};

use crate::store::now_ms;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The pause before a task is started again; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A task that worked for so long has recovered.
const CALM: Duration = Duration::from_secs(300);
/// Incidents that are kept.
const KEPT: usize = 50;
/// How long every page speaks of the latest incident.
const TOLD_FOR_MS: i64 = 3_600_000;

/// A task that lives as long as the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Starts runs.
    Queue,
    /// Tells open pages what changed.
    Changes,
    /// Writes event files for TensorBoard.
    EventFiles,
}

impl Task {
    fn label(self) -> &'static str {
        match self {
            Task::Queue => "The queue of runs",
            Task::Changes => "The task that keeps open pages up to date",
            Task::EventFiles => "The task that writes event files for TensorBoard",
        }
    }
}

/// Something that should not have happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// What it happened to, such as `The queue of runs`.
    pub what: String,
    /// Such as `panicked: …`.
    pub why: String,
    /// When it was started again; until then nobody does its work.
    pub restarted_at_ms: Option<i64>,
    /// When it was given up, because it stopped again and again.
    pub given_up_at_ms: Option<i64>,
}

impl Incident {
    fn is_open(&self) -> bool {
        self.restarted_at_ms.is_none() && self.given_up_at_ms.is_none()
    }

    /// What happened, and whether it works again.
    pub fn words(&self, ago: &str) -> String {
        let Incident { what, why, .. } = self;
        let end = match (self.restarted_at_ms, self.given_up_at_ms) {
            (Some(_), _) => "was started again",
            (None, Some(_)) => "was given up",
            (None, None) => "is about to be started again",
        };
        format!("{what} stopped {ago} ({why}) and {end}.")
    }
}

/// The watch's handle.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    inner: Arc<Mutex<Incidents>>,
}

#[derive(Debug, Default)]
struct Incidents {
    kept: VecDeque<Incident>,
    /// Grows with every change.
    news: u64,
}

impl Watch {
    /// Keeps a task alive: one that ends or panics is reported, and started again after a pause that grows.
    pub async fn keep<F: Future<Output = ()>>(self, task: Task, start: impl Fn() -> F) {
        let mut pause = FIRST_PAUSE;
        loop {
            let since = Instant::now();
            let why = match caught(start()).await {
                Ok(()) => "it ended".to_owned(),
                Err(panic) => format!("it panicked: {panic}"),
            };
            if since.elapsed() > CALM {
                pause = FIRST_PAUSE;
            }
            self.report(task.label(), &why);
            tokio::time::sleep(pause).await;
            self.set_restarted(task.label());
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// Notes an incident, and says so in the log. What stopped and stops again before it was at work is one incident.
    pub fn report(&self, what: &str, why: &str) {
        tracing::error!(what, why, "a task of the server stopped");
        let mut incidents = self.lock();
        incidents.news += 1;
        let is_open = |incident: &Incident| incident.what == what && incident.is_open();
        if let Some(at) = incidents.kept.iter().rposition(is_open) {
            incidents.kept.remove(at);
        }
        incidents.kept.push_back(Incident {
            at_ms: now_ms(),
            what: what.to_owned(),
            why: why.to_owned(),
            restarted_at_ms: None,
            given_up_at_ms: None,
        });
        if incidents.kept.len() > KEPT {
            incidents.kept.pop_front();
        }
    }

    /// What was reported is at work again.
    pub fn set_restarted(&self, what: &str) {
        self.close(what, |incident| incident.restarted_at_ms = Some(now_ms()));
    }

    /// What was reported is not started again.
    pub fn set_given_up(&self, what: &str) {
        self.close(what, |incident| incident.given_up_at_ms = Some(now_ms()));
    }

    fn close(&self, what: &str, how: impl Fn(&mut Incident)) {
        let mut incidents = self.lock();
        incidents.news += 1;
        for incident in
            incidents.kept.iter_mut().filter(|incident| incident.what == what && incident.is_open())
        {
            how(incident);
        }
    }

    /// What happened since the server started, newest first.
    pub fn incidents(&self) -> Vec<Incident> {
        self.lock().kept.iter().rev().cloned().collect()
    }

    /// The latest incident, as long as every page speaks of it.
    pub fn latest(&self) -> Option<Incident> {
        self.lock().kept.back().filter(|incident| now_ms() - incident.at_ms < TOLD_FOR_MS).cloned()
    }

    /// Another number whenever [`Watch::latest`] may be another.
    pub fn news(&self) -> (u64, bool) {
        let is_told = self.latest().is_some();
        (self.lock().news, is_told)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Incidents> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_task_that_panics_is_reported_and_started_again() {
        let watch = Watch::default();
        let (started, turns) = tokio::sync::watch::channel(0);
        let count = Arc::new(AtomicUsize::new(0));
        let kept = tokio::spawn(watch.clone().keep(Task::Queue, move || {
            let (started, count) = (started.clone(), count.clone());
            async move {
                let turn = count.fetch_add(1, Ordering::Relaxed) + 1;
                started.send_replace(turn);
                assert!(turn > 1, "on purpose");
                std::future::pending::<()>().await;
            }
        }));
        let mut turns = turns;
        turns.wait_for(|turn| *turn == 2).await.unwrap();
        let incidents = watch.incidents();
        assert_eq!(incidents.len(), 1);
        assert_eq!(
            (incidents[0].what.as_str(), incidents[0].why.as_str()),
            ("The queue of runs", "it panicked: on purpose")
        );
        assert!(incidents[0].restarted_at_ms.is_some());
        assert_eq!(
            watch.latest().unwrap().words("just now"),
            "The queue of runs stopped just now (it panicked: on purpose) and was started again."
        );
        kept.abort();
    }

    #[test]
    fn what_stops_again_and_again_is_one_incident_until_it_is_given_up() {
        let watch = Watch::default();
        watch.report("What follows run 1", "it panicked: first");
        watch.report("What follows run 2", "it panicked");
        watch.report("What follows run 1", "it panicked: second");
        let told =
            watch.incidents().into_iter().map(|incident| incident.words("just now")).collect::<Vec<_>>();
        assert_eq!(
            told,
            [
                "What follows run 1 stopped just now (it panicked: second) and is about to be started again.",
                "What follows run 2 stopped just now (it panicked) and is about to be started again.",
            ]
        );
        watch.set_given_up("What follows run 1");
        watch.set_restarted("What follows run 1");
        let words = watch.latest().unwrap().words("just now");
        assert_eq!(words, "What follows run 1 stopped just now (it panicked: second) and was given up.");
    }

    #[test]
    fn only_so_many_incidents_are_kept() {
        let watch = Watch::default();
        assert_eq!((watch.latest(), watch.news()), (None, (0, false)));
        for number in 0..KEPT + 3 {
            watch.report("Run", &number.to_string());
            watch.set_restarted("Run");
        }
        let incidents = watch.incidents();
        assert_eq!((incidents.len(), incidents[0].why.clone()), (KEPT, (KEPT + 2).to_string()));
    }
}
