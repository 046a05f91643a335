//! What a line of the journal is to TensorBoard. Nothing but the journal, the specification and the captured batches has a say, so a
//! file that was lost is written again to the same bytes.

use super::messages::{Content, Event, Histogram, Image, SessionLog, SessionStatus, Summary, Value, What};
use super::{record, settings};
use crate::runs::batch_file::read_item;
use crate::runs::directory::RunDirectory;
use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};
use prost::Message as _;
use protocol::event::{
    self, Batch, Dials, HISTOGRAM_EDGES, Hello, HistogramDial, LayerDial, MaybeFinite, Record, Values,
};
use protocol::spec::RunSpec;
use protocol::transform::TransformSpec;
use serde::{Deserialize, Serialize};

/// The sides of the images of a batch are brought to this many pixels where they are longer: TensorBoard shows a batch at a glance, and the run's own
/// page to the bit.
const MAX_SIDE: u32 = 96;
/// Of the JPEG, 1 to 100.
const QUALITY: u8 = 90;
/// Pixels between two images of a batch.
const GAP: u32 = 2;

/// What of earlier lines later ones need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Context {
    /// Whether the first event of the file is written.
    has_begun: bool,
    /// Whether a trainer has begun.
    has_started: bool,
    /// The trainer's own word: what the specification leaves open, it knows.
    hello: Option<Hello>,
    /// As the trainer called them.
    layers: Vec<String>,
    /// The last step.
    step: u64,
}

/// Turns records into the bytes of an event file.
pub(super) struct Writer<'a> {
    pub(super) directory: &'a RunDirectory,
    pub(super) spec: &'a RunSpec,
    pub(super) context: Context,
    /// What is to be added to the file.
    pub(super) bytes: Vec<u8>,
}

impl Writer<'_> {
    /// Adds what a record says.
    pub(super) fn add(&mut self, record: &Record) {
        let at_ms = record.at_ms;
        if !self.context.has_begun {
            self.context.has_begun = true;
            self.push(at_ms, 0, What::FileVersion("brain.Event:2".to_owned()));
        }
        match &record.event {
            event::Event::Started(started) => {
                self.context.layers.clone_from(&started.layers);
                self.context.step = started.step;
                let spec = self
                    .context
                    .hello
                    .as_ref()
                    .map_or_else(|| self.spec.clone(), |hello| hello.resolve(self.spec));
                let mut values = vec![settings::specification(&spec)];
                // What was said of this step and later ones is void: they are done again. Also at the first start, since TensorBoard takes the
                // first of these events for that and not for a restart.
                let log = SessionLog { status: SessionStatus::Start.into() };
                self.push(at_ms, started.step, What::SessionLog(log));
                if !self.context.has_started {
                    values.extend(settings::hyper_parameters(&spec, seconds(at_ms)));
                }
                self.context.has_started = true;
                self.push_values(at_ms, started.step, values);
            }
            event::Event::Step { step, values, .. } | event::Event::Epoch { step, values, .. } => {
                self.push_values(at_ms, *step, scalars(values));
            }
            event::Event::Dials(dials) => {
                let values = self.dials(dials);
                self.push_values(at_ms, dials.step, values);
            }
            event::Event::Gradients { step, norms } => {
                let values = self.of_layers(LayerDial::Gradient, norms).collect();
                self.push_values(at_ms, *step, values);
            }
            event::Event::Batch(batch) => {
                if let Some(image) = self.batch(batch) {
                    self.push_values(at_ms, batch.step, vec![image]);
                }
            }
            event::Event::Note { text } => {
                self.push_values(at_ms, self.context.step, vec![settings::text("notes", text.clone())]);
            }
            event::Event::Failed(failure) => {
                let advice =
                    failure.advice.as_ref().map(|advice| format!("\n\n{advice}")).unwrap_or_default();
                let text = settings::text("failure", format!("{}{advice}", failure.reason));
                self.push_values(at_ms, self.context.step, vec![text]);
            }
            event::Event::Completed { step, .. } => {
                self.push_values(at_ms, *step, vec![settings::completed(seconds(at_ms))]);
            }
            event::Event::Hello(hello) => self.context.hello = Some(hello.clone()),
            event::Event::Progress { .. }
            | event::Event::Predictions { .. }
            | event::Event::Predicted { .. }
            | event::Event::LearningRates { .. }
            | event::Event::Checkpoint { .. }
            | event::Event::Stopped { .. } => {}
        }
    }

    fn push_values(&mut self, at_ms: i64, step: u64, values: Vec<Value>) {
        if !values.is_empty() {
            self.context.step = step;
            self.push(at_ms, step, What::Summary(Summary { values }));
        }
    }

    fn push(&mut self, at_ms: i64, step: u64, what: What) {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let event = Event { wall_time: seconds(at_ms), step, what: Some(what) };
        record::append(&mut self.bytes, &event.encode_to_vec());
    }

    fn of_layers<'b>(
        &'b self,
        dial: LayerDial,
        numbers: &'b [MaybeFinite],
    ) -> impl Iterator<Item = Value> + 'b {
        let named = self.context.layers.iter().zip(numbers);
        named.map(move |(layer, number)| scalar(&format!("{}/{layer}", dial.as_str()), *number))
    }

    fn dials(&self, dials: &Dials) -> Vec<Value> {
        let mut values = scalars(&dials.values);
        for (dial, numbers) in &dials.layers {
            values.extend(self.of_layers(*dial, numbers));
        }
        for (dial, numbers) in &dials.classes {
            let named = self.spec.classes.iter().zip(numbers);
            // A class without an image in the validation split has no figure.
            let there = named.filter_map(|(class, number)| number.map(|number| (class, number)));
            values.extend(
                there.map(|(class, number)| scalar(&format!("{}/{class}", dial.as_str()), Some(number))),
            );
        }
        for (dial, layers) in &dials.histograms {
            let named = self.context.layers.iter().zip(layers);
            values.extend(named.filter_map(|(layer, shares)| histogram(*dial, layer, shares)));
        }
        values
    }

    /// All images of a batch in one, as the network got them but for the normalisation, which is undone.
    fn batch(&self, batch: &Batch) -> Option<Value> {
        let file = self.directory.file(&batch.path)?;
        let normalize = self.spec.train_transforms.iter().find_map(|step| match step {
            TransformSpec::Normalize { mean, std } => Some((*mean, *std)),
            _ => None,
        });
        let read = |at: usize| {
            let tensor = read_item(&file, at)?;
            let image = vision::image_from_tensor(&tensor.data, tensor.height, tensor.width, normalize);
            anyhow::Ok(shrunk(image))
        };
        let images: Vec<RgbImage> = match (0..batch.items.len()).map(read).collect() {
            Ok(images) => images,
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "a captured batch is left out of a run's event file"
                );
                return None;
            }
        };
        let sheet = sheet(&images)?;
        let image = Image {
            height: i32::try_from(sheet.height()).ok()?,
            width: i32::try_from(sheet.width()).ok()?,
            colorspace: 3,
            encoded: jpeg(&sheet)?,
        };
        let content = Some(Content::Image(image));
        Some(Value { tag: "input_batch".to_owned(), metadata: None, content })
    }
}

/// A batch is noise to a PNG, and four times as large.
fn jpeg(image: &RgbImage) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(image).ok()?;
    Some(bytes)
}

fn seconds(at_ms: i64) -> f64 {
    at_ms as f64 / 1000.0
}

fn scalars(values: &Values) -> Vec<Value> {
    values.iter().map(|(key, value)| scalar(key, *value)).collect()
}

fn scalar(tag: &str, value: MaybeFinite) -> Value {
    let value = value.map_or(f32::NAN, |value| value as f32);
    Value { tag: tag.to_owned(), metadata: None, content: Some(Content::Scalar(value)) }
}

/// Percent of a layer's numbers by their size, without sign, which TensorBoard is given as powers of ten: side by side on a line, since all of them
/// would lie at its zero otherwise.
fn histogram(dial: HistogramDial, layer: &str, shares: &[f64]) -> Option<Value> {
    let (edges, ends) = (HISTOGRAM_EDGES.map(f64::from), HISTOGRAM_EDGES.len());
    let first = shares.iter().position(|share| *share > 0.0)?;
    let last = shares.iter().rposition(|share| *share > 0.0)?;
    if shares.len() != ends + 1 {
        return None;
    }
    // The outermost bins, of all that is smaller (0 too) and of all that is larger or not finite, are drawn as wide as the others.
    let limits: Vec<f64> = edges.into_iter().chain([edges[ends - 1] + 1.0]).collect();
    let content = Histogram {
        min: limits[first] - 1.0,
        max: limits[last],
        num: shares.iter().sum::<f64>() * 100.0,
        limits,
        buckets: shares.iter().map(|share| share * 100.0).collect(),
    };
    Some(Value {
        tag: format!("{}_log10/{layer}", dial.as_str()),
        metadata: None,
        content: Some(Content::Histogram(content)),
    })
}

fn shrunk(image: RgbImage) -> RgbImage {
    let longer = image.width().max(image.height());
    if longer <= MAX_SIDE {
        return image;
    }
    let side = |length: u32| (length * MAX_SIDE / longer).max(1);
    imageops::thumbnail(&image, side(image.width()), side(image.height()))
}

/// Images of one size in a grid.
fn sheet(images: &[RgbImage]) -> Option<RgbImage> {
    let (width, height) = images.first()?.dimensions();
    let count = u32::try_from(images.len()).ok()?;
    let columns = count.isqrt() + u32::from(count.isqrt().pow(2) < count);
    let (across, down) = (width + GAP, height + GAP);
    let mut sheet = RgbImage::from_pixel(
        columns * across - GAP,
        count.div_ceil(columns) * down - GAP,
        image::Rgb([128; 3]),
    );
    for (at, image) in (0..).zip(images) {
        imageops::replace(
            &mut sheet,
            image,
            i64::from(at % columns * across),
            i64::from(at / columns * down),
        );
    }
    Some(sheet)
}
