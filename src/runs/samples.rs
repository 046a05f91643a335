//! The images of a run: those of the data set's newest version, or those of a run that is repeated; with a validation split held
//! out where there is none.

use super::Runs;
use crate::domain::dataset::ClassCount;
use crate::domain::holdout::{self, Shares};
use crate::domain::ids::SampleId;
use crate::store::datasets::Dataset;
use crate::store::runs::Run;
use crate::store::samples::Sample as Row;
use anyhow::Context as _;
use protocol::sample::{Sample, Split};
use protocol::spec::{RunSpec, SampleKeys};
use std::path::PathBuf;

/// The share of each class that is held out of training where a data set has no validation split.
const HELD_OUT: f64 = 0.1;

/// What was asked for is not there any more, and what to do now.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ImagesChanged(String);

impl ImagesChanged {
    pub(super) fn error(why: impl Into<String>) -> anyhow::Error {
        ImagesChanged(why.into()).into()
    }
}

/// The images of a run to be.
#[derive(Debug)]
pub struct RunSamples {
    /// By number.
    pub samples: Vec<Sample>,
    /// How a validation split was held out, where the data set has none, in words.
    pub held_out: Option<String>,
    /// The version of the data set that they are of.
    pub version: i64,
}

impl Runs {
    /// The images of a run. With `images_of` they are those of that run, labelled and split as they were then, whatever was
    /// edited since.
    ///
    /// # Errors
    /// The data set changed meanwhile, the other run's files are gone, or the database fails.
    pub async fn samples(
        &self,
        dataset: &Dataset,
        spec: &RunSpec,
        images_of: Option<&Run>,
    ) -> anyhow::Result<RunSamples> {
        let (rows, mut samples, version) = match images_of {
            Some(run) => self.samples_of(run).await?,
            None => self.newest_samples(dataset, spec).await?,
        };
        locate(dataset, &rows, &mut samples)?;
        for (sample, row) in samples.iter_mut().zip(&rows) {
            sample.key = (spec.sample_keys == SampleKeys::Path).then(|| row.draw_key(spec.sample_keys));
        }
        let trains = spec.trains();
        // What that run held out stays held out, where seed and purpose are the same.
        let held_before = images_of.and_then(|run| run.held_out.clone());
        let stays = trains && images_of.is_some_and(|run| run.spec.seed == spec.seed);
        if held_before.is_some() && stays {
            return Ok(RunSamples { samples, held_out: held_before, version });
        }
        if held_before.is_some() {
            give_back(&mut samples);
        }
        let lacks_validation = trains && samples.iter().all(|sample| sample.split != Split::Val);
        let held_out = lacks_validation.then(|| hold_out(&mut samples, &rows, spec.seed));
        Ok(RunSamples { samples, held_out, version })
    }

    /// The images of a run as it had them: labels, splits and all. Where the files are, the data set knows.
    pub(super) async fn samples_as_then(&self, dataset: &Dataset, run: &Run) -> anyhow::Result<Vec<Sample>> {
        let (rows, mut samples, _) = self.samples_of(run).await?;
        locate(dataset, &rows, &mut samples)?;
        Ok(samples)
    }

    /// How many images each class of a run had, as the data set had them: what the run itself held out counts as training.
    ///
    /// # Errors
    /// Its folder can't be read.
    pub async fn class_counts_of(&self, run: &Run) -> anyhow::Result<Vec<ClassCount>> {
        let mut samples = self.read_samples(run).await?;
        if run.held_out.is_some() {
            give_back(&mut samples);
        }
        let class =
            |(label, name): (i64, &String)| ClassCount { label, name: name.clone(), by_split: [0; 3] };
        let mut counts: Vec<ClassCount> = (0..).zip(&run.spec.classes).map(class).collect();
        for sample in samples {
            if let Some(class) = counts.get_mut(sample.label as usize) {
                class.by_split[sample.split as usize] += 1;
            }
        }
        Ok(counts)
    }

    pub(super) async fn read_samples(&self, run: &Run) -> anyhow::Result<Vec<Sample>> {
        let directory = self.directory(run.id);
        tokio::task::spawn_blocking(move || super::directory::read_samples(&directory)).await?
    }

    /// Labels and splits stand in the run's folder; where the files are, the data set knows.
    async fn samples_of(&self, run: &Run) -> anyhow::Result<(Vec<Row>, Vec<Sample>, i64)> {
        let samples = self.read_samples(run).await?;
        let ids: Vec<SampleId> = samples.iter().map(|sample| SampleId(sample.id)).collect();
        let rows = self.inner.store.find_samples(&ids).await?;
        if rows.len() != samples.len() || rows.iter().any(|row| row.dataset_id != run.dataset_id) {
            return Err(ImagesChanged::error(format!(
                "some of the images that run {} learned from are no longer in its data set: start a run on the data set as it is today",
                run.id
            )));
        }
        Ok((rows, samples, run.dataset_version))
    }

    async fn newest_samples(
        &self,
        dataset: &Dataset,
        spec: &RunSpec,
    ) -> anyhow::Result<(Vec<Row>, Vec<Sample>, i64)> {
        let store = &self.inner.store;
        let version = store.newest_version(dataset.id).await?;
        let classes = store.list_class_counts(dataset.id).await?;
        let labels: Vec<i64> = classes.iter().map(|class| class.label).collect();
        if !classes.iter().map(|class| &class.name).eq(&spec.classes) {
            return Err(ImagesChanged::error("the classes changed while the run was made; start it again"));
        }
        let rows = store.list_samples(dataset.id).await?;
        let samples = read_rows(&rows, &labels)?;
        if version != store.newest_version(dataset.id).await? {
            return Err(ImagesChanged::error(
                "the data set was changed while the run was made; start it again",
            ));
        }
        Ok((rows, samples, version))
    }
}

/// Says where the files are.
fn locate(dataset: &Dataset, rows: &[Row], samples: &mut [Sample]) -> anyhow::Result<()> {
    let root = PathBuf::from(dataset.root.as_deref().context("the data set has no folder")?);
    for (sample, row) in samples.iter_mut().zip(rows) {
        root.join(&row.path).to_str().context("a path is not Unicode")?.clone_into(&mut sample.path);
    }
    Ok(())
}

/// A run's labels are places in `labels`, the data set's labels that are in use: a network has no output for a
/// class without samples. Path and key are left open.
fn read_rows(rows: &[Row], labels: &[i64]) -> anyhow::Result<Vec<Sample>> {
    rows.iter()
        .map(|row| {
            Ok(Sample {
                id: row.id.0,
                path: String::new(),
                label: labels.binary_search(&row.label).map_err(|_| {
                    let why = format!("class {} came up while the run was made; start it again", row.label);
                    ImagesChanged::error(why)
                })? as u32,
                split: row.split.parse().map_err(anyhow::Error::msg)?,
                key: None,
            })
        })
        .collect()
}

/// Moves a share of every class from training to validation, and says so. `rows` have the paths within the data set: where it
/// lies doesn't count.
fn hold_out(samples: &mut [Sample], rows: &[Row], seed: u64) -> String {
    let mut train: Vec<(&mut Sample, &str)> = samples
        .iter_mut()
        .zip(rows)
        .filter(|(sample, _)| sample.split == Split::Train)
        .map(|(sample, row)| (sample, row.path.as_str()))
        .collect();
    let shares = Shares { val: HELD_OUT, test: 0.0 };
    let splits = holdout::split(train.iter().map(|(sample, path)| (sample.label, *path)), shares, seed);
    let held = splits.iter().filter(|split| **split == Split::Val).count();
    for ((sample, _), split) in train.iter_mut().zip(splits) {
        sample.split = split;
    }
    format!(
        "The data set has no validation split, so {held} of its training images ({:.0} % of each class, \
         drawn by seed {seed}) are held out of training in this run and evaluated after every epoch.",
        HELD_OUT * 100.0,
    )
}

/// Takes a hold-out back.
fn give_back(samples: &mut [Sample]) {
    for sample in samples.iter_mut().filter(|sample| sample.split == Split::Val) {
        sample.split = Split::Train;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::DatasetId;

    fn row(id: i64) -> Row {
        Row {
            id: SampleId(id),
            dataset_id: DatasetId(1),
            path: format!("train/{}/{}.png", id % 2, id % 100),
            label: id % 2,
            split: "train".into(),
            width: 1,
            height: 1,
            bytes: 1,
            format: "png".into(),
            orientation: 1,
            hash: String::new(),
            excluded: false,
            metadata: None,
        }
    }

    #[test]
    fn the_numbers_of_images_have_no_say_in_what_is_held_out() {
        let held = |first: i64, seed: u64| {
            let rows: Vec<Row> = (first..first + 60).map(row).collect();
            let mut samples = read_rows(&rows, &[0, 1]).unwrap();
            let words = hold_out(&mut samples, &rows, seed);
            assert!(words.contains("6 of its training images (10 %"), "{words}");
            let held = rows.iter().zip(&samples).filter(|(_, sample)| sample.split == Split::Val);
            let held: Vec<String> = held.map(|(row, _)| row.path.clone()).collect();
            give_back(&mut samples);
            assert_eq!(samples, read_rows(&rows, &[0, 1]).unwrap());
            held
        };
        assert_eq!(held(0, 3).len(), 6);
        assert_eq!(held(0, 3), held(1000, 3));
        assert_ne!(held(0, 3), held(0, 4));
    }

    #[test]
    fn draws_are_keyed_by_path_and_in_older_runs_by_number() {
        let (here, there) = (row(1), row(1001));
        assert_eq!(here.draw_key(SampleKeys::Path), there.draw_key(SampleKeys::Path));
        assert_ne!(here.draw_key(SampleKeys::Path), row(2).draw_key(SampleKeys::Path));
        assert_eq!(there.draw_key(SampleKeys::Id), 1001);
    }
}
