//! Looks once a second for what changed, and tells it. The database itself says whether it was written to, so nothing that
//! changes a run or a data set has to remember to say so, from whichever tab, terminal or task it comes.

use super::super::run_view::RunViews;
use super::super::weights::fetching_words;
use super::words::{CURVE, ImportWords, examination_progress};
use crate::domain::ids::{DatasetId, JobId, RunId};
use crate::runs::Trouble;
use crate::store::changes::{ChangeDetector, DatasetMark, RunMark};
use crate::store::run_list::{ActiveRun, RunSelection};
use crate::watch::panic_if_asked;
use crate::web::live::Change;
use crate::web::{AppState, Result};
use protocol::weights::WEIGHTS;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

/// No page changes more often than this.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A small curve is sent whole, so it grows by several epochs at a time where epochs are short.
const CURVE_EVERY: Duration = Duration::from_secs(10);

/// What the pages know.
#[derive(Default)]
struct Known {
    runs: BTreeMap<RunId, RunMark>,
    datasets: BTreeMap<DatasetId, DatasetMark>,
    /// Of further jobs, by run.
    jobs: BTreeMap<RunId, String>,
    active: Vec<(RunId, String, bool)>,
    /// Data sets that are being examined.
    examined: Vec<DatasetId>,
    texts: BTreeMap<String, String>,
    /// Which fetches of weights began and ended.
    weights: u64,
    /// Of the server's own tasks.
    incidents: (u64, bool),
    /// Runs that can't be followed.
    troubles: BTreeMap<JobId, Trouble>,
    /// When the curve of a run was told.
    curves_told: BTreeMap<RunId, Instant>,
}

/// Looks and tells for as long as the server lives.
pub(crate) async fn watch(app: AppState) {
    panic_if_asked("changes");
    app.live.begin();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut detector = None;
    let mut known: Option<Known> = None;
    loop {
        ticks.tick().await;
        match look_once(&app, &mut detector, &mut known).await {
            Ok(change) if !change.is_empty() => app.live.publish(&change),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(?error, "it could not be told what changed; trying again");
                detector = None;
            }
        }
    }
}

/// One look. The first one only learns how things are.
async fn look_once(
    app: &AppState,
    detector: &mut Option<ChangeDetector>,
    known: &mut Option<Known>,
) -> Result<Change> {
    let detector = match detector {
        Some(detector) => detector,
        None => detector.insert(app.store.change_detector().await?),
    };
    let is_first = known.is_none();
    let known = known.get_or_insert_default();
    let mut change = Change::default();
    if detector.changed().await? || is_first {
        let to_word = compare_runs(known, app.store.list_run_marks().await?, &mut change);
        compare_datasets(known, app.store.list_dataset_marks().await?, &mut change);
        compare_jobs(known, app.store.list_job_marks().await?, &mut change);
        compare_active(known, app.store.list_active().await?, &mut change);
        word_runs(app, known, &to_word, &mut change).await?;
    }
    word_jobs(app, known, &mut change);
    name_troubles(app, known, &mut change);
    Ok(if is_first { Change::default() } else { change })
}

/// Names the runs that changed; of those whose progress did, the texts have to be worded anew.
fn compare_runs(known: &mut Known, marks: Vec<RunMark>, change: &mut Change) -> Vec<RunId> {
    let mut before = std::mem::take(&mut known.runs);
    let mut to_word = Vec::new();
    for mark in marks {
        let id = mark.id;
        match before.remove(&id) {
            Some(old) => {
                if old.facts != mark.facts {
                    name_run(&mark, change);
                }
                if old.evaluations != mark.evaluations {
                    change.topics.insert(format!("run-{id}-evaluations"));
                }
                if old.findings != mark.findings {
                    change.topics.insert(format!("run-{id}-findings"));
                    change.topics.insert("runs".into());
                }
                if old.captured != mark.captured {
                    change.topics.insert(format!("run-{id}-batches"));
                }
                if old != mark {
                    to_word.push(id);
                }
            }
            None => {
                name_run(&mark, change);
                to_word.push(id);
            }
        }
        known.runs.insert(id, mark);
    }
    for (id, gone) in before {
        name_run(&gone, change);
        let start = format!("run-{id}.");
        known.texts.retain(|name, _| !name.starts_with(&start));
        known.curves_told.remove(&id);
    }
    to_word
}

fn name_run(mark: &RunMark, change: &mut Change) {
    change.topics.insert("runs".into());
    change.topics.insert(format!("run-{}", mark.id));
    change.topics.insert(format!("dataset-{}-runs", mark.dataset_id));
}

fn compare_datasets(known: &mut Known, marks: Vec<DatasetMark>, change: &mut Change) {
    let mut before = std::mem::take(&mut known.datasets);
    for mark in marks {
        let old = before.remove(&mark.id);
        if old.as_ref().map(|old| &old.facts) != Some(&mark.facts) {
            change.topics.insert("datasets".into());
            change.topics.insert(format!("dataset-{}", mark.id));
        }
        // One that is seen for the first time may have been imported and examined between two looks.
        if old.map_or(mark.is_examined, |old| old.is_examined != mark.is_examined) {
            change.topics.insert(format!("dataset-{}-health", mark.id));
        }
        known.datasets.insert(mark.id, mark);
    }
    for id in before.into_keys() {
        change.topics.insert("datasets".into());
        change.topics.insert(format!("dataset-{id}"));
    }
}

/// Names the runs whose further jobs have news.
fn compare_jobs(known: &mut Known, marks: Vec<(RunId, String)>, change: &mut Change) {
    let marks: BTreeMap<RunId, String> = marks.into_iter().collect();
    let all = marks.keys().chain(known.jobs.keys());
    for id in all.filter(|id| marks.get(id) != known.jobs.get(id)) {
        change.topics.insert(format!("run-{id}-jobs"));
        change.topics.insert("now".into());
    }
    known.jobs = marks;
}

/// What the bar of every page names.
fn compare_active(known: &mut Known, active: Vec<ActiveRun>, change: &mut Change) {
    let active: Vec<_> = active.into_iter().map(|run| (run.id, run.name, run.is_running)).collect();
    if active != known.active {
        change.topics.insert("now".into());
        known.active = active;
    }
}

async fn word_runs(app: &AppState, known: &mut Known, to_word: &[RunId], change: &mut Change) -> Result<()> {
    if to_word.is_empty() {
        return Ok(());
    }
    let mut views = RunViews::load(app, RunSelection::Active).await?.runs;
    // One that has just ended is told for the last time.
    for id in to_word {
        let is_listed = views.iter().any(|view| view.run.id == *id);
        let was_told = known.texts.contains_key(&format!("run-{id}.state"));
        if !is_listed && was_told {
            views.extend(RunViews::load(app, RunSelection::One(*id)).await?.runs);
        }
    }
    for view in views.iter().filter(|view| to_word.contains(&view.run.id)) {
        let curve = view.live(CURVE);
        let is_early = view.is_active() && is_early(known, view.run.id, Instant::now());
        for (name, text) in view.live_texts().filter(|(name, _)| !is_early || *name != curve) {
            tell(known, change, name, text);
        }
    }
    Ok(())
}

/// Whether the curve of a run was told a moment ago; if not, now is when it is told.
fn is_early(known: &mut Known, id: RunId, now: Instant) -> bool {
    if known.curves_told.get(&id).is_some_and(|told| now.duration_since(*told) < CURVE_EVERY) {
        return true;
    }
    known.curves_told.insert(id, now);
    false
}

/// Imports, examinations and fetches of weights, whose progress is in memory.
fn word_jobs(app: &AppState, known: &mut Known, change: &mut Change) {
    let importing: Vec<DatasetId> =
        known.datasets.values().filter(|mark| mark.is_importing).map(|mark| mark.id).collect();
    for id in importing {
        let words = ImportWords::new(app.imports.status(id).as_ref());
        tell(known, change, format!("dataset-{id}.stage"), words.stage.into());
        tell(known, change, format!("dataset-{id}.percent"), number(words.percent));
        tell(known, change, format!("dataset-{id}.details"), words.details);
    }
    let candidates: Vec<DatasetId> =
        known.datasets.values().filter(|mark| !mark.is_importing).map(|mark| mark.id).collect();
    let mut examined = Vec::new();
    for id in candidates {
        let Some(progress) = app.health.progress(id) else { continue };
        examined.push(id);
        let (percent, words) = examination_progress(progress);
        tell(known, change, format!("dataset-{id}.examination"), words);
        tell(known, change, format!("dataset-{id}.examination_percent"), number(percent));
    }
    for entry in &WEIGHTS {
        let Some(fetching) = app.weights.fetching(entry.name) else { continue };
        tell(known, change, format!("weights-{}.percent", entry.name), fetching.percent().to_string());
        tell(known, change, format!("weights-{}.words", entry.name), fetching_words(&fetching));
    }
    if app.weights.news() != known.weights {
        known.weights = app.weights.news();
        change.topics.insert("weights".into());
    }
    for id in known.examined.iter().filter(|id| !examined.contains(id)) {
        change.topics.insert(format!("dataset-{id}-health"));
    }
    known.examined = examined;
}

/// What went wrong in the server itself is in memory too.
fn name_troubles(app: &AppState, known: &mut Known, change: &mut Change) {
    let incidents = app.watch.news();
    if incidents != known.incidents {
        change.topics.insert("incident".into());
        known.incidents = incidents;
    }
    let troubles = app.runs.list_troubles();
    let all = troubles.keys().chain(known.troubles.keys());
    for id in all.filter(|id| troubles.get(id) != known.troubles.get(id)) {
        let what = if id.is_own() { "" } else { "-jobs" };
        change.topics.insert(format!("run-{}{what}", id.run));
    }
    known.troubles = troubles;
}

fn tell(known: &mut Known, change: &mut Change, name: String, text: String) {
    if known.texts.get(&name) != Some(&text) {
        known.texts.insert(name.clone(), text.clone());
        change.texts.insert(name, text);
    }
}

/// Empty where it is not known.
fn number(percent: Option<u64>) -> String {
    percent.map_or_else(String::new, |percent| percent.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(id: i64, offset: i64, evaluations: i64, facts: &str) -> RunMark {
        RunMark {
            id: RunId(id),
            dataset_id: DatasetId(1),
            journal_offset: offset,
            evaluations,
            captured: None,
            findings: 0,
            facts: facts.into(),
        }
    }

    fn topics(known: &mut Known, marks: Vec<RunMark>) -> (Vec<String>, Vec<RunId>) {
        let mut change = Change::default();
        let to_word = compare_runs(known, marks, &mut change);
        (change.topics.into_iter().collect(), to_word)
    }

    #[test]
    fn a_curve_is_told_every_ten_seconds_at_most() {
        let mut known = Known::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let early = [0, 1, 9, 10, 11, 25].map(|seconds| is_early(&mut known, RunId(1), at(seconds)));
        assert_eq!(early, [false, true, true, false, true, false]);
        assert!(!is_early(&mut known, RunId(2), at(25)), "each run by itself");
    }

    #[test]
    fn only_what_changed_is_named() {
        let mut known = Known::default();
        topics(&mut known, vec![mark(1, 0, 0, "queued"), mark(2, 0, 0, "paused")]);
        assert_eq!(
            topics(&mut known, vec![mark(1, 0, 0, "queued"), mark(2, 0, 0, "paused")]),
            (vec![], vec![])
        );
        assert_eq!(
            topics(&mut known, vec![mark(1, 9, 0, "queued"), mark(2, 0, 0, "paused")]),
            (vec![], vec![RunId(1)]),
            "a step is a text and no more"
        );
        assert_eq!(
            topics(&mut known, vec![mark(1, 20, 1, "queued"), mark(2, 0, 0, "queued")]),
            (
                ["dataset-1-runs", "run-1-evaluations", "run-2", "runs"].map(String::from).into(),
                vec![RunId(1), RunId(2)]
            )
        );
        let (gone, to_word) = topics(&mut known, vec![mark(2, 0, 0, "queued")]);
        assert_eq!((gone, to_word), (["dataset-1-runs", "run-1", "runs"].map(String::from).into(), vec![]));
    }
}
