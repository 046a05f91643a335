//! What a data set's images are like: charts whose bars open their images, and each class on average.

mod axis;

use super::format::{counted, link, measured, percent, range_label, thousands};
use super::gallery::class_color;
use super::live::examination_progress;
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::measure::{Measure, Range};
use crate::domain::overview::{Overview, Spread};
use crate::images::mean::MAX_IMAGES;
use crate::jobs::health::Examined;
use crate::store::datasets::Dataset;
use crate::web::api::samples::GalleryQuery;
use crate::web::{AppState, Result};

/// Up to so many classes each has its own line; of more, only the chosen one.
const LINES: usize = 4;
/// From more classes than this on, one is looked for by name.
const SEARCHED: usize = 24;
/// The plot within a box of 320 × 130.
const LEFT: f64 = 38.0;
const WIDTH: f64 = 268.0;
const TOP: f64 = 8.0;
const HEIGHT: f64 = 98.0;

/// The overview's part of a page.
pub(crate) enum Shown {
    /// As it is.
    Ready(Box<Ready>),
    /// It is made together with the health report: percent where known, and words.
    UnderWay(Option<u64>, String),
    /// Why there is none.
    Failed(String),
    /// This page goes on where another ended, which had it.
    LeftOut,
}

pub(crate) struct Ready {
    pub(crate) charts: Vec<Chart>,
    pub(crate) formats: Vec<Format>,
    pub(crate) means: Vec<Mean>,
    /// The most images that a mean is of, where some are of a part of their class.
    pub(crate) most: Option<String>,
    /// Colour and name of each line in the charts.
    pub(crate) legend: Vec<(String, String)>,
}

impl Ready {
    /// What a mean image is.
    pub(crate) fn about_means(&self) -> String {
        let of = self
            .most
            .as_ref()
            .map(|most| format!(" ({most} of them at even distances, where there are more)"));
        format!("over all images of the class{}; beneath it, their mean colour", of.unwrap_or_default())
    }

    /// Whether there are so many classes that one is looked for by name.
    pub(crate) fn is_searched(&self) -> bool {
        self.means.len() > SEARCHED
    }
}

/// One figure's spread.
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) bars: Vec<Bar>,
    /// Colour and `d` of a path.
    pub(crate) lines: Vec<(String, String)>,
    /// Place and label.
    pub(crate) ticks: Vec<(String, String)>,
    /// The share that the top of the plot stands for.
    pub(crate) top: String,
    /// In place of a chart, where there is only one value.
    pub(crate) only: Option<String>,
}

impl Chart {
    /// What the chosen bar holds, where one is chosen.
    pub(crate) fn chosen(&self) -> Option<&str> {
        self.bars.iter().find(|bar| bar.chosen).map(|bar| bar.summary.as_str())
    }
}

/// The images of one bin.
pub(crate) struct Bar {
    pub(crate) x: String,
    pub(crate) width: String,
    pub(crate) y: String,
    pub(crate) height: String,
    pub(crate) summary: String,
    pub(crate) href: String,
    pub(crate) chosen: bool,
}

/// A kind of file.
pub(crate) struct Format {
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) href: String,
    /// Percent.
    pub(crate) share: String,
}

/// A class on average.
pub(crate) struct Mean {
    pub(crate) class: String,
    pub(crate) href: String,
    pub(crate) image: String,
    /// The mean colour, for the style sheet and for people.
    pub(crate) colour: String,
}

/// A class that is drawn over all.
struct Line {
    /// Its place in the overview.
    at: usize,
    class: String,
    colour: String,
}

impl Shown {
    pub(crate) async fn load(
        app: &AppState,
        dataset: &Dataset,
        classes: &[ClassCount],
        query: &GalleryQuery,
    ) -> Result<Shown> {
        if !query.after.is_empty() {
            return Ok(Shown::LeftOut);
        }
        if dataset.state != DatasetState::Ready {
            return Ok(under_way((0, 0)));
        }
        if let Some(overview) = app.store.find_overview(dataset.id).await? {
            return Ok(Shown::Ready(Box::new(ready(dataset, classes, &overview, query))));
        }
        Ok(match app.health.of(dataset).await? {
            Examined::Failed(why) => Shown::Failed(why),
            // Ready since we looked.
            Examined::Ready(_) => match app.store.find_overview(dataset.id).await? {
                Some(overview) => Shown::Ready(Box::new(ready(dataset, classes, &overview, query))),
                None => {
                    // Its report is of this program, but it is of another: both are made anew.
                    app.store.delete_examination(dataset.id).await?;
                    app.health.of(dataset).await?;
                    under_way((0, 0))
                }
            },
            Examined::UnderWay { measured } => under_way(measured),
        })
    }
}

fn under_way(progress: (usize, usize)) -> Shown {
    let (percent, words) = examination_progress(progress);
    Shown::UnderWay(percent, words)
}

fn ready(dataset: &Dataset, classes: &[ClassCount], overview: &Overview, query: &GalleryQuery) -> Ready {
    let path = format!("/datasets/{}", dataset.id);
    let gallery = |key: &'static str, value: &str| query.with(&path, key, value);
    let label = |name: &str| classes.iter().find(|class| class.name == name).map(|class| class.label);
    let colour = |name: &str| class_color(usize::try_from(label(name).unwrap_or(0)).unwrap_or(0));
    let has_line = |name: &str| match &query.class[..] {
        [] => overview.classes.len() <= LINES,
        chosen => chosen.iter().any(|other| other == name),
    };
    let lines: Vec<Line> = (overview.classes.iter().enumerate())
        .filter(|(_, class)| has_line(&class.class))
        .map(|(at, class)| Line { at, colour: colour(&class.class), class: class.class.clone() })
        .collect();
    let charts = Measure::ALL.into_iter().filter_map(|measure| {
        let chosen = Range::from_text(&query.range).filter(|range| range.measure == measure);
        let href = |range: Range| gallery("range", &range.to_text());
        Some(chart(measure, overview.spread(measure)?, &lines, chosen, &href))
    });
    let total: u64 = overview.classes.iter().map(|class| class.samples).sum();
    let formats = overview.formats.iter().map(|format| {
        let count: u64 = format.counts.iter().map(|count| u64::from(*count)).sum();
        Format {
            name: format.format.clone(),
            summary: counted(count, "image", "images"),
            href: gallery("format", &format.format),
            share: format!("{:.2}", count as f64 * 100.0 / total.max(1) as f64),
        }
    });
    let means = overview.classes.iter().filter_map(|class| {
        let [red, green, blue] = class.mean?.map(|level| level.round() as u8);
        let fingerprint = dataset.fingerprint.as_deref().unwrap_or_default();
        Some(Mean {
            class: class.class.clone(),
            href: link(&path, &[("class", &class.class)]),
            image: link(&format!("{path}/means/{fingerprint}"), &[("class", &class.class)]),
            colour: format!("#{red:02x}{green:02x}{blue:02x}"),
        })
    });
    Ready {
        charts: charts.collect(),
        formats: formats.collect(),
        means: means.collect(),
        most: (overview.classes.iter().any(|class| class.samples > MAX_IMAGES as u64))
            .then(|| thousands(MAX_IMAGES)),
        legend: lines.into_iter().map(|line| (line.colour, line.class)).collect(),
    }
}

fn chart(
    measure: Measure,
    spread: &Spread,
    lines: &[Line],
    chosen: Option<Range>,
    href: &dyn Fn(Range) -> String,
) -> Chart {
    let totals = spread.totals();
    let (bins, samples) = (totals.len(), totals.iter().sum::<u64>());
    let share = |count: u64, of: u64| count as f64 / of.max(1) as f64;
    let of_class = |at: usize| spread.counts[at].iter().map(|count| u64::from(*count)).sum::<u64>();
    let class_share = |at: usize, bin: usize| share(u64::from(spread.counts[at][bin]), of_class(at));
    let most_of_all = totals.iter().map(|count| share(*count, samples)).fold(0.0, f64::max);
    let most = lines
        .iter()
        .flat_map(|line| (0..bins).map(|bin| class_share(line.at, bin)))
        .fold(most_of_all, f64::max)
        .max(1e-9);
    let step = WIDTH / bins as f64;
    let height = |share: f64| share / most * HEIGHT;
    let range = |bin: usize| Range {
        measure,
        from: (bin > 0).then(|| spread.edges[bin]),
        to: (bin + 1 < bins).then(|| spread.edges[bin + 1]),
    };
    let bars = (0..bins).filter(|bin| totals[*bin] > 0).map(|bin| {
        let tall = height(share(totals[bin], samples)).max(1.0);
        Bar {
            x: format!("{:.1}", LEFT + bin as f64 * step),
            width: format!("{:.1}", (step - 1.0).max(1.0)),
            y: format!("{:.1}", TOP + HEIGHT - tall),
            height: format!("{tall:.1}"),
            summary: format!(
                "{}: {} ({}{})",
                range_label(range(bin)),
                counted(totals[bin], "image", "images"),
                percent(share(totals[bin], samples)),
                lines
                    .iter()
                    .map(|line| format!("; {} {}", line.class, percent(class_share(line.at, bin))))
                    .collect::<String>()
            ),
            href: href(range(bin)),
            chosen: chosen == Some(range(bin)),
        }
    });
    let drawn = lines.iter().map(|line| {
        let mut path = String::new();
        for bin in 0..bins {
            let (left, y) = (LEFT + bin as f64 * step, TOP + HEIGHT - height(class_share(line.at, bin)));
            path += &format!("{}{left:.1} {y:.1}H{:.1}", if bin == 0 { 'M' } else { 'L' }, left + step);
        }
        (line.colour.clone(), path)
    });
    Chart {
        title: measure.title(),
        unit: measure.unit(),
        bars: bars.collect(),
        lines: drawn.collect(),
        ticks: ticks(measure, spread, step),
        top: format!("{:.0} %", most * 100.0),
        only: match (samples, bins) {
            (0, _) => Some("none could be measured".to_owned()),
            (_, 1) if measure == Measure::Pixels => {
                Some(format!("all {} pixels", measured(measure, spread.edges[0])))
            }
            (_, 1) => Some(format!("all {}", measured(measure, spread.edges[0]))),
            _ => None,
        },
    }
}

/// A few labels beneath the axis, at round numbers where they fall.
fn ticks(measure: Measure, spread: &Spread, step: f64) -> Vec<(String, String)> {
    if measure == Measure::Aspect {
        // Halves of a doubling lie in the middle of every third bin.
        let ratios = ["1 : 4", "1 : 2", "1 : 1", "2 : 1", "4 : 1"];
        return ratios
            .into_iter()
            .zip(0..)
            .map(|(label, at)| {
                (format!("{:.1}", LEFT + (f64::from(at) * 6.0 + 0.5) * step), label.to_owned())
            })
            .collect();
    }
    axis::ticks(measure, &spread.edges)
        .into_iter()
        .map(|(bins, label)| (format!("{:.1}", LEFT + bins * step), label))
        .collect()
}
