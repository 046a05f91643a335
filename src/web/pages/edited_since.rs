//! What was edited in a data set since a run learned from it: the run's pages mark these images, for it was evaluated with the labels
//! of before.

use crate::domain::dataset::{ClassCount, class_of};
use crate::domain::edits::{SampleState, split_title};
use crate::domain::ids::SampleId;
use crate::store::runs::Run;
use crate::web::{AppState, Result};
use protocol::sample::Split;
use std::collections::HashMap;

/// Edits that are looked at; beyond, images are left unmarked.
const MOST_EDITS: i64 = 100_000;

/// What the images of a run became.
#[derive(Default)]
pub(crate) struct EditedSince {
    words: HashMap<SampleId, String>,
    /// The newest version of the data set.
    pub(crate) newest: i64,
}

impl EditedSince {
    pub(crate) async fn load(app: &AppState, run: &Run) -> Result<EditedSince> {
        let newest = app.store.newest_version(run.dataset_id).await?;
        let versions = (run.dataset_version, newest);
        if newest <= run.dataset_version {
            return Ok(EditedSince { newest, ..EditedSince::default() });
        }
        let classes = app.store.list_classes(run.dataset_id).await?;
        let changes = app.store.list_changes_between(run.dataset_id, versions, MOST_EDITS).await?;
        let words =
            changes.iter().map(|change| (change.sample, now(&change.before, &change.after, &classes)));
        Ok(EditedSince { words: words.collect(), newest })
    }

    /// `now: kitten`, of an image that was edited.
    pub(crate) fn words(&self, sample: SampleId) -> Option<&str> {
        self.words.get(&sample).map(String::as_str)
    }

    /// How many of the images that a run predicted on a split were edited.
    pub(crate) async fn count(&self, app: &AppState, run: &Run, split: Split) -> Result<i64> {
        let samples: Vec<SampleId> = self.words.keys().copied().collect();
        if samples.is_empty() {
            return Ok(0);
        }
        Ok(app.store.count_predicted(run.id, split, &samples).await?)
    }
}

fn now(before: &SampleState, after: &SampleState, classes: &[ClassCount]) -> String {
    let mut words = Vec::new();
    if after.excluded && !before.excluded {
        words.push("excluded".to_owned());
    }
    if after.label != before.label {
        words.push(class_of(after.label, classes).to_owned());
    }
    if after.split != before.split {
        words.push(format!("in {}", split_title(after.split)));
    }
    format!("now: {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_marked_by_what_it_is_now() {
        let class = |label, name: &str| ClassCount { label, name: name.into(), by_split: [1, 1, 1] };
        let classes = [class(0, "cat"), class(1, "kitten")];
        let before = SampleState { label: 0, split: Split::Val, excluded: false };
        let now = |after| now(&before, &after, &classes);
        assert_eq!(now(SampleState { label: 1, ..before }), "now: kitten");
        assert_eq!(now(SampleState { split: Split::Train, ..before }), "now: in training");
        assert_eq!(now(SampleState { label: 1, excluded: true, ..before }), "now: excluded, kitten");
    }
}
