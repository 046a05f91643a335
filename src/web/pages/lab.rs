//! `/datasets/{id}/lab`: two ways of loading side by side, on the data set's own pictures, tensor for tensor.

use super::frame::{Frame, page};
use super::inputs::View;
use super::pipeline_words::{drawn_words, pipeline_words};
use super::samples_view::class_of;
use super::words::{self, link};
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::recipe::{Normalization, Preset, defaults};
use crate::lab::{Fed, Subject};
use crate::store::datasets::{Dataset, Sample};
use crate::web::api::find_dataset;
use crate::web::extract::{Path, Query};
use crate::web::{Error, Result, State};
use askama::Template;
use axum::extract::State as Held;
use axum::response::Response;
use base64::Engine as _;
use protocol::sample::Split;
use protocol::transform::catalogue::{Group, TRANSFORMS};
use protocol::transform::{Pipeline, TransformSpec};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::json;
use std::path::Path as FilePath;
use vision::RgbImage;

/// How many samples may stand side by side.
const COUNTS: [usize; 4] = [4, 8, 12, 16];
/// Draws of the chosen sample.
const DRAWS: u32 = 8;
/// Bars of a histogram.
const BINS: usize = 48;

/// The address: all that the page shows follows from it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Asked {
    /// The left pipeline as JSON; empty: the weakest preset.
    #[serde(default)]
    a: String,
    /// The right one; empty: the standard preset.
    #[serde(default)]
    b: String,
    /// Samples by number, with commas; empty: drawn by `pick`.
    #[serde(default)]
    samples: String,
    #[serde(default)]
    pick: u32,
    count: Option<usize>,
    #[serde(default)]
    class: String,
    #[serde(default)]
    split: String,
    #[serde(default)]
    seed: u64,
    epoch: Option<u32>,
    #[serde(default)]
    view: View,
    /// The sample that is looked at closely; the first where it is not among them.
    sample: Option<i64>,
    /// Several draws of it: by `epoch`, under one seed, or by `seed`.
    #[serde(default)]
    vary: String,
}

#[derive(Template)]
#[template(path = "datasets/lab.html")]
struct Lab {
    frame: Frame,
    dataset: Dataset,
    tab: &'static str,
    classes: Vec<ClassCount>,
    asked: Asked,
    count: usize,
    sides: [Side; 2],
    triples: Vec<Triple>,
    close: Option<Close>,
    /// The catalogue, the presets and the saved pipelines, as JSON for the editor.
    editor: String,
}

/// One of the two pipelines.
struct Side {
    letter: &'static str,
    /// As JSON, the way it stands in the address.
    text: String,
    /// Why it can't be carried out.
    error: Option<String>,
    /// Why it could not be used in a run as it is.
    warning: Option<String>,
    words: Vec<String>,
    use_href: Option<String>,
}

/// A sample, as both pipelines would feed it.
struct Triple {
    sample: Sample,
    class: String,
    fed: [Picture; 2],
    href: String,
    chosen: bool,
}

/// What stands where a fed picture would.
struct Picture {
    /// As a `data:` address; empty where there is none.
    data: String,
    width: u32,
    height: u32,
    drawn: Vec<String>,
    error: Option<String>,
}

/// The chosen sample, closely.
struct Close {
    sample: Sample,
    class: String,
    sides: Vec<CloseSide>,
    difference: Option<Difference>,
    draws: [Vec<Picture>; 2],
    by_epoch: bool,
    vary_href: String,
}

struct CloseSide {
    letter: &'static str,
    shape: String,
    picture: Picture,
    channels: Vec<Channel>,
}

struct Channel {
    name: &'static str,
    picture: String,
    stats: vision::Stats,
    /// The outline of its histogram, in a box of 96 × 40.
    outline: String,
    /// The values at the box's left and right.
    from: f64,
    to: f64,
}

/// |A − B| of the denormalised pictures, in grey levels.
struct Difference {
    data: String,
    width: u32,
    height: u32,
    mean: f64,
    most: u8,
}

impl Lab {
    fn href(&self) -> String {
        format!("/datasets/{}/lab", self.dataset.id)
    }

    fn views(&self) -> [&'static str; 4] {
        View::ALL.map(View::as_str)
    }

    fn view(&self) -> &'static str {
        self.asked.view.as_str()
    }

    fn counts(&self) -> [usize; 4] {
        COUNTS
    }

    fn sample_list(&self) -> String {
        let ids: Vec<String> = self.triples.iter().map(|triple| triple.sample.id.to_string()).collect();
        ids.join(",")
    }
}

impl Asked {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let number = |value: u64| if value == 0 { String::new() } else { value.to_string() };
        vec![
            ("a", self.a.clone()),
            ("b", self.b.clone()),
            ("samples", self.samples.clone()),
            ("pick", number(u64::from(self.pick))),
            ("count", self.count.map_or_else(String::new, |count| count.to_string())),
            ("class", self.class.clone()),
            ("split", self.split.clone()),
            ("seed", number(self.seed)),
            ("epoch", self.epoch.map_or_else(String::new, |epoch| epoch.to_string())),
            ("view", if self.view == View::Picture { String::new() } else { self.view.as_str().to_owned() }),
            ("sample", self.sample.map_or_else(String::new, |sample| sample.to_string())),
            ("vary", self.vary.clone()),
        ]
    }

    /// The same page with one thing changed.
    fn with(&self, path: &str, key: &str, value: &str) -> String {
        let pairs = self.pairs();
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, kept)| (*name, if *name == key { value } else { kept.as_str() }))
            .collect();
        link(path, &pairs)
    }
}

pub(in crate::web) async fn show(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let dataset = find_dataset(&state, id).await?;
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” has no pictures to look at yet", dataset.name)));
    }
    let facts = state.store.dataset_facts(&dataset).await?;
    let classes = facts.classes.clone();
    let size =
        defaults(&facts)["image_size"].as_u64().and_then(|size| u32::try_from(size).ok()).unwrap_or(64);
    let count = asked.count.unwrap_or(8).clamp(1, COUNTS[3]);
    let samples = find_samples(&state, &dataset, &classes, &asked, count).await?;
    let read = [("A", &asked.a, Preset::None), ("B", &asked.b, Preset::Standard)]
        .map(|(letter, text, preset)| read_side(letter, text, preset.pipeline(size), dataset.id.0));
    let base = format!("/datasets/{}/lab", dataset.id);
    let chosen = samples.iter().position(|sample| Some(sample.id.0) == asked.sample).unwrap_or(0);
    let look = Look {
        lab: state.lab.clone(),
        root: dataset.root.clone().unwrap_or_default(),
        pipelines: [read[0].1.clone(), read[1].1.clone()],
        view: asked.view,
        seed: asked.seed,
        epoch: asked.epoch.unwrap_or(1).max(1),
        by_epoch: asked.vary != "seed",
    };
    let (triples, close) = {
        let (asked, classes) = (asked.clone(), classes.clone());
        let base = base.clone();
        tokio::task::spawn_blocking(move || {
            let triples = look.triples(&samples, &classes, chosen, |sample| {
                asked.with(&base, "sample", &sample.to_string())
            });
            let close = samples.get(chosen).map(|sample| {
                let vary = if look.by_epoch { "seed" } else { "" };
                look.close(sample, class_of(sample.label, &classes), asked.with(&base, "vary", vary))
            });
            (triples, close)
        })
        .await?
    };
    let normalizations: Vec<_> = Normalization::ALL
        .into_iter()
        .filter_map(|normalization| Some((normalization.label(), normalization.step(facts.channels)?)))
        .collect();
    let saved: Vec<_> = state.store.list_pipelines().await?;
    let editor = json!({
        "transforms": TRANSFORMS,
        "groups": Group::ALL.map(|group| (group, group.label())),
        "presets": Preset::ALL.map(|preset| (preset.as_str(), preset.pipeline(size))),
        "saved": saved.iter().map(|saved| (&saved.name, &saved.steps)).collect::<Vec<_>>(),
        "normalizations": normalizations,
        "size": size,
    })
    .to_string()
    // The only thing that could end a script element early.
    .replace('<', "\\u003c");
    let [a, b] = read;
    let crumbs = [("Data sets", "/"), (dataset.name.as_str(), &*format!("/datasets/{}", dataset.id))];
    page(&Lab {
        frame: Frame::load(&state, "Loading lab", &crumbs).await?,
        tab: "lab",
        classes,
        count,
        sides: [a.0, b.0],
        triples,
        close,
        editor,
        asked,
        dataset,
    })
}

/// The samples that the address names, else some drawn by its `pick`.
async fn find_samples(
    state: &State,
    dataset: &Dataset,
    classes: &[ClassCount],
    asked: &Asked,
    count: usize,
) -> Result<Vec<Sample>> {
    if !asked.samples.is_empty() {
        let mut samples = Vec::new();
        for text in asked.samples.split(',').take(COUNTS[3]) {
            let id: i64 = text
                .trim()
                .parse()
                .map_err(|_| Error::field("samples", format!("“{text}” is not a sample's number")))?;
            // One that is gone (or of another data set) is passed over: an address outlives what it shows.
            let found = state.store.find_sample(crate::domain::ids::SampleId(id)).await?;
            samples.extend(found.filter(|sample| sample.dataset_id == dataset.id));
        }
        return Ok(samples);
    }
    let label =
        match asked.class.as_str() {
            "" => None,
            class => {
                Some(classes.iter().find(|other| other.name == class).map(|other| other.label).ok_or_else(
                    || Error::field("class", format!("“{class}” is not a class of this data set")),
                )?)
            }
        };
    let split: Option<Split> = match asked.split.as_str() {
        "" => None,
        split => Some(split.parse().map_err(|why: String| Error::field("split", why))?),
    };
    Ok(state.store.pick_samples(dataset.id, label, split, asked.pick, count as i64).await?)
}

fn read_side(letter: &'static str, text: &str, preset: Pipeline, dataset: i64) -> (Side, Option<Pipeline>) {
    let parsed = match text {
        "" => Ok(preset),
        text => serde_json::from_str::<Pipeline>(text).map_err(|error| error.to_string()),
    };
    let checked = parsed.and_then(|steps| {
        vision::check_steps(&steps).map_err(|error| error.to_string())?;
        Ok(steps)
    });
    let mut side =
        Side { letter, text: text.to_owned(), error: None, warning: None, words: Vec::new(), use_href: None };
    match checked {
        Err(why) => {
            side.error = Some(why);
            (side, None)
        }
        Ok(steps) => {
            side.text = serde_json::to_string(&steps).unwrap_or_default();
            side.words = pipeline_words(&steps);
            match vision::check(&steps).map(|()| vision::output_side(&steps)) {
                Ok(Some(size)) => {
                    side.use_href = Some(link(
                        "/runs/new",
                        &[
                            ("dataset", &dataset.to_string()),
                            ("image_size", &size.to_string()),
                            ("train_transforms", &side.text),
                        ],
                    ));
                }
                Ok(None) => {}
                Err(why) => side.warning = Some(format!("Not for a run yet: {why}.")),
            }
            (side, Some(steps))
        }
    }
}

/// What is looked at, and how.
struct Look {
    lab: crate::lab::Lab,
    root: String,
    pipelines: [Option<Pipeline>; 2],
    view: View,
    seed: u64,
    epoch: u32,
    by_epoch: bool,
}

impl Look {
    fn subject(&self, sample: &Sample, seed: u64, epoch: u32) -> Subject {
        let path = FilePath::new(&self.root).join(&sample.path);
        Subject { id: sample.id.0, path, hash: sample.hash.clone(), seed, epoch }
    }

    fn feed(&self, side: usize, subjects: &[Subject]) -> Vec<Result<Fed, String>> {
        match &self.pipelines[side] {
            Some(pipeline) => self.lab.feed(subjects, pipeline),
            None => subjects.iter().map(|_| Err(String::new())).collect(),
        }
    }

    fn pictures(&self, side: usize, subjects: &[Subject]) -> Vec<Picture> {
        self.feed(side, subjects).par_iter().map(|fed| self.picture(side, fed)).collect()
    }

    fn picture(&self, side: usize, fed: &Result<Fed, String>) -> Picture {
        match fed {
            Ok(fed) => Picture {
                data: tile_url(&fed_picture(fed, self.pipelines[side].as_deref(), self.view)),
                width: fed.tensor.width,
                height: fed.tensor.height,
                drawn: fed.drawn.iter().map(drawn_words).collect(),
                error: None,
            },
            Err(why) => Picture {
                data: String::new(),
                width: 0,
                height: 0,
                drawn: Vec::new(),
                error: Some(why.clone()).filter(|why| !why.is_empty()),
            },
        }
    }

    fn triples(
        &self,
        samples: &[Sample],
        classes: &[ClassCount],
        chosen: usize,
        href: impl Fn(i64) -> String,
    ) -> Vec<Triple> {
        let subjects: Vec<Subject> =
            samples.iter().map(|sample| self.subject(sample, self.seed, self.epoch)).collect();
        let (a, b) = rayon::join(|| self.pictures(0, &subjects), || self.pictures(1, &subjects));
        let fed = a.into_iter().zip(b).map(|(a, b)| [a, b]);
        samples
            .iter()
            .zip(fed)
            .enumerate()
            .map(|(at, (sample, fed))| Triple {
                class: class_of(sample.label, classes).to_owned(),
                href: href(sample.id.0) + "#close",
                sample: sample.clone(),
                fed,
                chosen: at == chosen,
            })
            .collect()
    }

    fn close(&self, sample: &Sample, class: &str, vary_href: String) -> Close {
        let subject = [self.subject(sample, self.seed, self.epoch)];
        let fed = [0, 1].map(|side| self.feed(side, &subject).remove(0));
        let pictures = [0, 1].map(|side| {
            let fed = fed[side].as_ref().ok()?;
            Some(fed_picture(fed, self.pipelines[side].as_deref(), View::Picture))
        });
        let sides = (0..2).filter_map(|side| {
            let fed_side = fed[side].as_ref().ok()?;
            let (from, to) = value_range(&fed);
            Some(CloseSide {
                letter: ["A", "B"][side],
                shape: format!("3 × {} × {}", fed_side.tensor.height, fed_side.tensor.width),
                picture: Picture {
                    data: pictures[side].as_ref().map(data_url).unwrap_or_default(),
                    ..self.picture(side, &fed[side])
                },
                channels: channels(&fed_side.tensor, from, to),
            })
        });
        let keys = (0..DRAWS).map(|at| match self.by_epoch {
            true => self.subject(sample, self.seed, self.epoch.saturating_add(at)),
            false => self.subject(sample, self.seed.saturating_add(u64::from(at)), self.epoch),
        });
        let subjects: Vec<Subject> = keys.collect();
        Close {
            sample: sample.clone(),
            class: class.to_owned(),
            sides: sides.collect(),
            difference: difference(&pictures),
            draws: [0, 1].map(|side| self.pictures(side, &subjects)),
            by_epoch: self.by_epoch,
            vary_href: vary_href + "#close",
        }
    }
}

/// The tensor as a picture: all channels with the normalisation undone, or one channel as grey.
fn fed_picture(fed: &Fed, pipeline: Option<&[TransformSpec]>, view: View) -> RgbImage {
    let vision::Tensor { data, height, width } = &fed.tensor;
    let normalize = pipeline.unwrap_or_default().iter().find_map(|step| match step {
        TransformSpec::Normalize { mean, std } => Some((*mean, *std)),
        _ => None,
    });
    match view.channel() {
        None => vision::picture_from_tensor(data, *height, *width, normalize),
        Some(channel) => vision::channel_picture(&fed.tensor, channel),
    }
}

fn channels(tensor: &vision::Tensor, from: f64, to: f64) -> Vec<Channel> {
    let stats = vision::channel_stats(tensor);
    let histograms = vision::histogram(tensor, BINS, [from as f32, to as f32]);
    ["Red", "Green", "Blue"]
        .into_iter()
        .enumerate()
        .map(|(channel, name)| Channel {
            name,
            picture: data_url(&vision::channel_picture(tensor, channel)),
            stats: stats[channel],
            outline: outline(&histograms[channel]),
            from,
            to,
        })
        .collect()
}

/// One range for all, so that histograms can be held against each other.
fn value_range(fed: &[Result<Fed, String>; 2]) -> (f64, f64) {
    let values = fed.iter().flatten().flat_map(|fed| vision::channel_stats(&fed.tensor));
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

fn difference(pictures: &[Option<RgbImage>; 2]) -> Option<Difference> {
    let [Some(a), Some(b)] = pictures else { return None };
    if a.dimensions() != b.dimensions() {
        return None;
    }
    let levels: Vec<u8> = a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).collect();
    let mean = levels.iter().map(|level| f64::from(*level)).sum::<f64>() / levels.len().max(1) as f64;
    let most = levels.iter().copied().max().unwrap_or(0);
    let (width, height) = a.dimensions();
    let image = RgbImage::from_raw(width, height, levels)?;
    Some(Difference { data: data_url(&image), width, height, mean, most })
}

/// Larger pictures are shown reduced in a tile, where a JPEG a tenth the size looks the same.
const EXACT_TILE_SIDE: u32 = 96;
/// Pixels of the longer side of a reduced one.
const TILE_SIDE: u32 = 224;

/// A picture for a tile: exact where it is shown enlarged.
fn tile_url(image: &RgbImage) -> String {
    let side = image.width().max(image.height());
    if side <= EXACT_TILE_SIDE {
        return data_url(image);
    }
    let tile = vision::thumbnail(image, TILE_SIDE);
    encoded(tile.mime, &tile.bytes)
}

/// A picture to the level: a pixel a tensor element.
fn data_url(image: &RgbImage) -> String {
    encoded("image/png", &vision::quick_png(image))
}

fn encoded(mime: &str, bytes: &[u8]) -> String {
    let mut text = format!("data:{mime};base64,");
    base64::engine::general_purpose::STANDARD.encode_string(bytes, &mut text);
    text
}
