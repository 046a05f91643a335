//! What wants a look in a run, made as its reports come and kept beside it.
//!
//! While a run is followed its findings are made anew now and then: after a report, but for a twentieth of the time at most. What is
//! read for them is of bounded size, see `store/findings.rs`. Whoever asks for those of a run that nobody follows, such as one of an
//! earlier version, has them made then.

use super::Runs;
use crate::domain::findings::split_figures::{OfSplit, SplitFigures, Spread};
use crate::domain::findings::{Finding, detect};
use crate::domain::ids::RunId;
use crate::store::findings::{ImageFigures, KeptFindings};
use crate::store::runs::Run;
use protocol::sample::{Sample, Split};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Findings are made at most so often …
const EVERY: Duration = Duration::from_secs(1);
/// … and for one part in so many of the time.
const SHARE_OF_TIME: u32 = 20;

/// When the findings of a run are due again.
#[derive(Debug)]
pub(super) struct Schedule {
    due: Instant,
    /// Whether anything was reported since they were made.
    has_news: bool,
}

impl Schedule {
    pub(super) fn new() -> Schedule {
        // One that is taken up again may have reported while nobody listened.
        Schedule { due: Instant::now(), has_news: true }
    }

    pub(super) fn tell(&mut self) {
        self.has_news = true;
    }

    /// Makes them where they are due. Findings that can't be made stop no run from being followed.
    pub(super) async fn make_if_due(&mut self, runs: &Runs, id: RunId) {
        if !self.has_news || Instant::now() < self.due {
            return;
        }
        self.has_news = false;
        let begun = Instant::now();
        if let Err(error) = runs.make_findings(id).await {
            tracing::warn!(run.id = %id, error = format!("{error:#}"), "findings could not be made; trying again");
        }
        let end = Instant::now();
        self.due = end + EVERY.max((end - begun) * SHARE_OF_TIME);
    }
}

impl Runs {
    /// What wants a look in a run, the most important first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn findings(&self, run: &Run) -> anyhow::Result<Vec<Finding>> {
        let store = &self.inner.store;
        if let Some(kept) = store.find_findings(run.id).await? {
            let is_followed = run.state.is_active();
            if is_followed || store.find_findings_basis(run.id).await?.as_ref() == Some(&kept.basis) {
                return Ok(kept.findings);
            }
        }
        self.make_findings(run.id).await
    }

    /// Makes them of what is known now, and keeps them.
    pub(super) async fn make_findings(&self, id: RunId) -> anyhow::Result<Vec<Finding>> {
        let store = &self.inner.store;
        // Asked first: what comes meanwhile makes them stale.
        let Some(basis) = store.find_findings_basis(id).await? else { return Ok(Vec::new()) };
        let kept = store.find_findings(id).await?;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.basis == basis) {
            return Ok(kept.findings.clone());
        }
        let Some(run) = store.find_run(id).await? else { return Ok(Vec::new()) };
        if run.event_origin.is_some() {
            // What its series mean, only the tool knows that wrote them.
            return Ok(Vec::new());
        }
        let splits = match kept.and_then(|kept| kept.splits).filter(|splits| splits.is_measured) {
            Some(splits) => Some(splits),
            None => self.split_figures(&run).await,
        };
        let evidence = store.find_evidence(&run, splits.clone()).await?;
        let findings = tokio::task::spawn_blocking(move || detect(&evidence)).await?;
        store.save_findings(id, &KeptFindings { basis, findings: findings.clone(), splits }).await?;
        Ok(findings)
    }

    /// What the images of the run's splits are like; `None` where its list of samples is gone, or it learns nothing.
    async fn split_figures(&self, run: &Run) -> Option<SplitFigures> {
        if !run.spec.trains() {
            return None;
        }
        let samples = self.read_samples(run).await.ok()?;
        let figures = self.inner.store.list_image_figures(run.dataset_id).await.ok()?;
        let classes = run.spec.classes.len();
        tokio::task::spawn_blocking(move || split_figures(&samples, &figures, classes)).await.ok()
    }
}

fn split_figures(samples: &[Sample], figures: &[ImageFigures], classes: usize) -> SplitFigures {
    let figures: HashMap<i64, &ImageFigures> =
        figures.iter().map(|figures| (figures.id.0, figures)).collect();
    let of = |split: Split| {
        let mut counts = vec![0; classes];
        let (mut pixels, mut brightness) = (Vec::new(), Vec::new());
        for sample in samples.iter().filter(|sample| sample.split == split) {
            if let Some(count) = counts.get_mut(sample.label as usize) {
                *count += 1;
            }
            if let Some(figures) = figures.get(&sample.id) {
                pixels.push((figures.width * figures.height) as f64);
                brightness.extend(figures.brightness);
            }
        }
        OfSplit { classes: counts, pixels: Spread::of(pixels), brightness: Spread::of(brightness) }
    };
    let is_measured =
        |sample: &Sample| figures.get(&sample.id).is_some_and(|figures| figures.brightness.is_some());
    SplitFigures {
        is_measured: samples.iter().filter(|sample| sample.split != Split::Test).all(is_measured),
        train: of(Split::Train),
        val: of(Split::Val),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SampleId;

    #[test]
    fn figures_are_those_of_the_runs_own_splits() {
        let sample = |id: i64, label: u32, split: Split| -> Sample {
            serde_json::from_value(
                serde_json::json!({"id": id, "path": "/a.png", "label": label, "split": split}),
            )
            .unwrap()
        };
        let samples = [
            sample(1, 0, Split::Train),
            sample(2, 1, Split::Train),
            sample(3, 1, Split::Val),
            sample(4, 1, Split::Test),
        ];
        let figures = |id: i64, brightness: Option<f64>| ImageFigures {
            id: SampleId(id),
            width: 10,
            height: id,
            brightness,
        };
        let all = [figures(1, Some(5.0)), figures(2, Some(7.0)), figures(3, Some(200.0)), figures(4, None)];
        let found = split_figures(&samples, &all, 2);
        assert!(found.is_measured, "the test split does not count");
        assert_eq!((&found.train.classes, &found.val.classes), (&vec![1, 1], &vec![0, 1]));
        assert_eq!((found.train.pixels.count, found.val.pixels.median()), (2, Some(30.0)));
        assert_eq!(found.val.brightness.median(), Some(200.0));
        assert!(!split_figures(&samples, &all[1..], 2).is_measured);
    }
}
