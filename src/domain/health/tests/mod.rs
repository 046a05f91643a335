//! The report on data sets made for it.

mod drawn;
mod planted;

use super::*;
use vision::{Features, RgbImage};

/// A sample that owns what a [`Subject`] borrows.
#[derive(Clone)]
struct Sample {
    id: i64,
    label: u32,
    split: Split,
    width: u32,
    height: u32,
    bytes: u64,
    format: &'static str,
    orientation: u8,
    file_hash: String,
    features: Features,
}

impl Sample {
    /// As if stored without compression in a file of its own.
    fn of(id: i64, label: u32, split: Split, image: &RgbImage) -> Sample {
        Sample {
            id,
            label,
            split,
            width: image.width(),
            height: image.height(),
            bytes: image.as_raw().len() as u64,
            format: "png",
            orientation: 1,
            file_hash: format!("file {id}"),
            features: vision::features(image),
        }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            id: self.id,
            path: &self.file_hash,
            label: self.label,
            split: self.split,
            width: self.width,
            height: self.height,
            bytes: self.bytes,
            format: self.format,
            orientation: self.orientation,
            file_hash: &self.file_hash,
            features: &self.features,
        }
    }
}

fn report(samples: &[Sample], classes: &[&str]) -> Report {
    let subjects: Vec<Subject> = samples.iter().map(Sample::subject).collect();
    let classes: Vec<String> = classes.iter().map(|class| (*class).to_owned()).collect();
    examine(&subjects, &classes)
}

/// The ids found to have an issue, ascending.
fn found(report: &Report, kind: IssueKind) -> Vec<i64> {
    let mut ids: Vec<i64> = report.found(kind).iter().map(|finding| finding.id).collect();
    ids.sort_unstable();
    ids
}
