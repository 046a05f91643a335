//! What the lab shows of samples: as both pipelines would feed them, side by side, and one in detail.

use crate::domain::dataset::ClassCount;
use crate::domain::dataset::class_of;
use crate::lab::{self, Lab, NetworkInput, Subject, Tile};
use crate::store::samples::Sample;
use crate::web::pages::batch_image::View;
use crate::web::pages::describe_pipeline::describe_sampled;
use crate::web::pages::format::number;
use protocol::spec::SampleKeys;
use protocol::transform::Pipeline;
use std::path::Path as FilePath;
use std::sync::Arc;
use vision::RgbImage;

/// Draws of the chosen sample.
const DRAWS: u32 = 8;
/// Bars of a histogram.
const BINS: usize = 48;

/// A sample, as both pipelines would feed it.
pub(super) struct ComparisonTile {
    pub(super) sample: Sample,
    pub(super) class: String,
    pub(super) inputs: [Image; 2],
    pub(super) href: String,
    pub(super) chosen: bool,
}

impl ComparisonTile {
    pub(super) fn is_small(&self) -> bool {
        self.sample.width.max(self.sample.height) <= 64
    }
}

/// What stands in the place of a network input.
pub(super) struct Image {
    /// Its address; empty where there is none.
    pub(super) src: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) sampled: Vec<String>,
    pub(super) error: Option<String>,
}

impl Image {
    /// An empty error: there is nothing to say that has not been said.
    fn of(tile: Result<Arc<Tile>, String>) -> Image {
        match tile {
            Ok(tile) => Image {
                src: address(&tile.key),
                width: tile.width,
                height: tile.height,
                sampled: tile.sampled.iter().map(describe_sampled).collect(),
                error: None,
            },
            Err(why) => Image {
                src: String::new(),
                width: 0,
                height: 0,
                sampled: Vec::new(),
                error: Some(why).filter(|why| !why.is_empty()),
            },
        }
    }
}

impl Image {
    pub(super) fn is_small(&self) -> bool {
        self.width.max(self.height) <= lab::EXACT_SIDE
    }

    pub(super) fn sampled_line(&self) -> String {
        self.sampled.join("; ")
    }
}

/// The chosen sample in detail.
pub(super) struct DetailView {
    pub(super) sample: Sample,
    pub(super) class: String,
    pub(super) sides: Vec<DetailSide>,
    pub(super) difference: Option<Difference>,
    pub(super) draws: [Vec<Image>; 2],
    pub(super) by_epoch: bool,
    pub(super) vary_href: String,
}

impl DetailView {
    pub(super) fn has_both_sides(&self) -> bool {
        self.sides.len() == 2
    }
}

pub(super) struct DetailSide {
    pub(super) letter: &'static str,
    pub(super) shape: String,
    /// The exact one.
    pub(super) image: String,
    pub(super) sampled: Vec<String>,
    pub(super) channels: Vec<Channel>,
}

pub(super) struct Channel {
    pub(super) name: &'static str,
    pub(super) image: String,
    pub(super) stats: vision::Stats,
    /// The outline of its histogram, in a box of 96 × 40.
    pub(super) outline: String,
    /// The values at the box's left and right.
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Channel {
    pub(super) fn histogram_label(&self) -> String {
        format!("Histogram of {} from {} to {}", self.name, number(self.from), number(self.to))
    }
}

/// |A − B| of the denormalised images, in grey levels.
pub(super) struct Difference {
    pub(super) src: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) mean: f64,
    pub(super) most: u8,
}

/// What is looked at, and how.
pub(super) struct PreviewView {
    pub(super) lab: Lab,
    pub(super) root: String,
    pub(super) pipelines: [Option<Pipeline>; 2],
    pub(super) view: View,
    pub(super) seed: u64,
    pub(super) epoch: u32,
    pub(super) by_epoch: bool,
}

impl PreviewView {
    fn subject(&self, sample: &Sample, seed: u64, epoch: u32) -> Subject {
        let path = FilePath::new(&self.root).join(&sample.path);
        let key = sample.draw_key(SampleKeys::Path);
        Subject { key, path, hash: sample.hash.clone(), seed, epoch }
    }

    fn preprocess(&self, side: usize, subjects: &[Subject]) -> Vec<Result<NetworkInput, String>> {
        match &self.pipelines[side] {
            Some(pipeline) => self.lab.preprocess(subjects, pipeline),
            None => subjects.iter().map(|_| Err(String::new())).collect(),
        }
    }

    fn tiles(&self, side: usize, subjects: &[Subject]) -> Vec<Image> {
        match &self.pipelines[side] {
            Some(pipeline) => {
                let tiles = self.lab.tiles(subjects, pipeline, self.view.channel());
                tiles.into_iter().map(Image::of).collect()
            }
            None => subjects.iter().map(|_| Image::of(Err(String::new()))).collect(),
        }
    }

    pub(super) fn comparisons(
        &self,
        samples: &[Sample],
        classes: &[ClassCount],
        chosen: usize,
        href: impl Fn(i64) -> String,
    ) -> Vec<ComparisonTile> {
        let subjects: Vec<Subject> =
            samples.iter().map(|sample| self.subject(sample, self.seed, self.epoch)).collect();
        let (a, b) = rayon::join(|| self.tiles(0, &subjects), || self.tiles(1, &subjects));
        let inputs = a.into_iter().zip(b).map(|(a, b)| [a, b]);
        samples
            .iter()
            .zip(inputs)
            .enumerate()
            .map(|(at, (sample, inputs))| ComparisonTile {
                class: class_of(sample.label, classes).to_owned(),
                href: href(sample.id.0) + "#detail",
                sample: sample.clone(),
                inputs,
                chosen: at == chosen,
            })
            .collect()
    }

    pub(super) fn detail(&self, sample: &Sample, class: &str, vary_href: String) -> DetailView {
        let subject = [self.subject(sample, self.seed, self.epoch)];
        let inputs = [0, 1].map(|side| self.preprocess(side, &subject).remove(0));
        let (from, to) = value_range(&inputs);
        let side = |side: usize| {
            let (inputs, pipeline) = (inputs[side].as_ref().ok()?, self.pipelines[side].as_deref()?);
            let image = lab::image(&inputs.tensor, pipeline, None);
            let shown = DetailSide {
                letter: ["A", "B"][side],
                shape: format!("3 × {} × {}", inputs.tensor.height, inputs.tensor.width),
                image: address(&self.lab.publish_exact(&image)),
                sampled: inputs.sampled.iter().map(describe_sampled).collect(),
                channels: channels(&self.lab, &inputs.tensor, from, to),
            };
            Some((shown, image))
        };
        let (a, b) = rayon::join(|| side(0), || side(1));
        let difference = a.as_ref().zip(b.as_ref()).and_then(|((_, a), (_, b))| difference(&self.lab, a, b));
        let keys = (0..DRAWS).map(|at| match self.by_epoch {
            true => self.subject(sample, self.seed, self.epoch.saturating_add(at)),
            false => self.subject(sample, self.seed.saturating_add(u64::from(at)), self.epoch),
        });
        let subjects: Vec<Subject> = keys.collect();
        DetailView {
            sample: sample.clone(),
            class: class.to_owned(),
            sides: [a, b].into_iter().flatten().map(|(shown, _)| shown).collect(),
            difference,
            draws: [0, 1].map(|side| self.tiles(side, &subjects)),
            by_epoch: self.by_epoch,
            vary_href: vary_href + "#detail",
        }
    }
}

fn channels(lab: &Lab, tensor: &vision::Tensor, from: f64, to: f64) -> Vec<Channel> {
    let stats = vision::channel_stats(tensor);
    let histograms = vision::histogram(tensor, BINS, [from as f32, to as f32]);
    ["Red", "Green", "Blue"]
        .into_iter()
        .enumerate()
        .map(|(channel, name)| Channel {
            name,
            image: address(&lab.publish_small(&vision::channel_image(tensor, channel))),
            stats: stats[channel],
            outline: outline(&histograms[channel]),
            from,
            to,
        })
        .collect()
}

/// One range for all, so that histograms can be held against each other.
fn value_range(inputs: &[Result<NetworkInput, String>; 2]) -> (f64, f64) {
    let values = inputs.iter().flatten().flat_map(|inputs| vision::channel_stats(&inputs.tensor));
    let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), stats| {
        (least.min(stats.min), most.max(stats.max))
    });
    if least < most { (least, most) } else { (least - 0.5, least + 0.5) }
}

/// A histogram as an SVG path in a box of 96 × 40, its highest bar as high as the box.
fn outline(bins: &[u32]) -> String {
    let most = f64::from(bins.iter().copied().max().unwrap_or(0).max(1));
    let width = 96.0 / bins.len().max(1) as f64;
    let mut path = String::from("M0 40");
    for (at, count) in bins.iter().enumerate() {
        let (left, top) = (at as f64 * width, 40.0 - f64::from(*count) / most * 40.0);
        path += &format!("L{left:.1} {top:.1}H{:.1}", left + width);
    }
    path + "V40Z"
}

fn difference(lab: &Lab, a: &RgbImage, b: &RgbImage) -> Option<Difference> {
    if a.dimensions() != b.dimensions() {
        return None;
    }
    let levels: Vec<u8> = a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).collect();
    let mean = levels.iter().map(|level| f64::from(*level)).sum::<f64>() / levels.len().max(1) as f64;
    let most = levels.iter().copied().max().unwrap_or(0);
    let (width, height) = a.dimensions();
    let image = RgbImage::from_raw(width, height, levels)?;
    Some(Difference { src: address(&lab.publish_exact(&image)), width, height, mean, most })
}

/// Where an image that the lab keeps is fetched from.
fn address(key: &str) -> String {
    format!("/lab/images/{key}")
}
