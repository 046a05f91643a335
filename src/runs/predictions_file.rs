//! Reads the predictions files of a run directory (their layout: [`protocol::files::PREDICTIONS`]).
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use crate::domain::ids::SampleId;
use crate::domain::logits;
use crate::store::prediction_files::NewPrediction;
use anyhow::{Context as _, ensure};
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// The predictions of one epoch on one split.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionsFile {
    /// One a row.
    pub sample_ids: Vec<SampleId>,
    /// One a row.
    pub labels: Vec<u32>,
    /// `[rows, classes]`, row-major.
    pub logits: Vec<f32>,
    /// Columns of `logits`.
    pub classes: usize,
}

/// What was made of images of which nothing is known.
#[derive(Clone, Debug, PartialEq)]
pub struct LogitsFile {
    /// One a row.
    pub sample_ids: Vec<SampleId>,
    /// `[rows, classes]`, row-major.
    pub logits: Vec<f32>,
    /// Columns of `logits`.
    pub classes: usize,
}

impl LogitsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It is missing, damaged, or its tensors do not fit each other.
    pub fn read(path: &Path) -> anyhow::Result<LogitsFile> {
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let read = SafeTensors::deserialize(&bytes).map_err(anyhow::Error::from);
        read.and_then(|tensors| Self::from_tensors(&tensors))
            .with_context(|| format!("reading {}", path.display()))
    }

    fn from_tensors(tensors: &SafeTensors) -> anyhow::Result<LogitsFile> {
        let sample_ids: Vec<SampleId> = numbers(tensors, "sample_id", Dtype::I64, i64::from_le_bytes)?
            .into_iter()
            .map(SampleId)
            .collect();
        let logits = numbers(tensors, "logits", Dtype::F32, f32::from_le_bytes)?;
        let shape = tensors.tensor("logits")?.shape().to_vec();
        ensure!(shape.len() == 2 && shape[0] == sample_ids.len(), "tensors of unlike length");
        Ok(LogitsFile { sample_ids, logits, classes: shape[1] })
    }

    /// The logits of one row.
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        self.logits.get(row * self.classes..(row + 1) * self.classes)
    }
}

impl PredictionsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It is missing, damaged, or its tensors do not fit each other.
    pub fn read(path: &Path) -> anyhow::Result<PredictionsFile> {
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        Self::from_bytes(&bytes).with_context(|| format!("reading {}", path.display()))
    }

    fn from_bytes(bytes: &[u8]) -> anyhow::Result<PredictionsFile> {
        let tensors = SafeTensors::deserialize(bytes)?;
        let LogitsFile { sample_ids, logits, classes } = LogitsFile::from_tensors(&tensors)?;
        let labels = numbers(&tensors, "label", Dtype::I64, i64::from_le_bytes)?
            .into_iter()
            .map(u32::try_from)
            .collect::<Result<Vec<u32>, _>>()?;
        ensure!(labels.len() == sample_ids.len(), "tensors of unlike length");
        ensure!(labels.iter().all(|label| (*label as usize) < classes), "a label beyond the classes");
        Ok(PredictionsFile { sample_ids, labels, logits, classes })
    }

    /// The logits of one row.
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        self.logits.get(row * self.classes..(row + 1) * self.classes)
    }

    /// What the network said, row by row.
    pub fn predictions(&self) -> Vec<NewPrediction> {
        let rows = self.logits.chunks_exact(self.classes.max(1));
        self.sample_ids
            .iter()
            .zip(&self.labels)
            .zip(rows)
            .map(|((sample_id, label), row)| {
                let prediction = logits::predict(row, *label);
                NewPrediction {
                    sample_id: *sample_id,
                    actual: *label,
                    predicted: prediction.predicted,
                    // A network that diverged is sure of nothing.
                    confidence: if prediction.confidence.is_finite() { prediction.confidence } else { 0.0 },
                    loss: prediction.loss.is_finite().then_some(prediction.loss),
                    margin: prediction.margin.is_finite().then_some(prediction.margin),
                }
            })
            .collect()
    }
}

fn numbers<T, const N: usize>(
    tensors: &SafeTensors,
    name: &str,
    dtype: Dtype,
    read: fn([u8; N]) -> T,
) -> anyhow::Result<Vec<T>> {
    let tensor = tensors.tensor(name).with_context(|| format!("tensor “{name}”"))?;
    ensure!(tensor.dtype() == dtype, "tensor “{name}” is {:?}, not {dtype:?}", tensor.dtype());
    let (chunks, _) = tensor.data().as_chunks::<N>();
    Ok(chunks.iter().copied().map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    fn file(labels: [i64; 2]) -> Vec<u8> {
        let bytes =
            |numbers: &[i64]| -> Vec<u8> { numbers.iter().flat_map(|number| number.to_le_bytes()).collect() };
        let (ids, labels) = (bytes(&[7, 9]), bytes(&labels));
        let logits: Vec<u8> =
            [0.0_f32, 2.0, f32::NAN, 0.0].iter().flat_map(|number| number.to_le_bytes()).collect();
        let view = |dtype, shape: &[usize], data| TensorView::new(dtype, shape.to_vec(), data).unwrap();
        safetensors::serialize(
            [
                ("sample_id", view(Dtype::I64, &[2], &ids)),
                ("label", view(Dtype::I64, &[2], &labels)),
                ("logits", view(Dtype::F32, &[2, 2], &logits)),
            ],
            None,
        )
        .unwrap()
    }

    #[test]
    fn predictions_are_read_and_what_is_not_finite_survives() {
        let read = PredictionsFile::from_bytes(&file([1, 0])).unwrap();
        let predictions = read.predictions();
        assert_eq!(predictions[0].sample_id, SampleId(7));
        assert_eq!((predictions[0].actual, predictions[0].predicted), (1, 1));
        assert!((predictions[0].confidence - 1.0 / (1.0 + (-2.0_f64).exp())).abs() < 1e-12);
        assert!((predictions[0].margin.unwrap() - (2.0 * predictions[0].confidence - 1.0)).abs() < 1e-12);
        assert_eq!((predictions[1].loss, predictions[1].margin), (None, None));
        assert_eq!(read.row(1).unwrap()[1], 0.0);
        assert_eq!(read.row(2), None);
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        assert!(PredictionsFile::from_bytes(&file([1, 2])).is_err());
        assert!(PredictionsFile::from_bytes(&file([1, 0])[..40]).is_err());
    }
}
