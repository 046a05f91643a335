//! `/datasets/{id}/health`: what is wrong with a data set before anything is learnt from it.

use super::frame::{Frame, page};
use super::gallery::Tile;
use super::samples_view::tile;
use super::words::{self, ago, counted, duration, link, percent, thousands};
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::health::{Cue, Grade, Group, IssueKind, Report, Shortcut};
use crate::domain::ids::SampleId;
use crate::health::Examined;
use crate::store::datasets::Dataset;
use crate::store::measures::KeptReport;
use crate::web::api::find_dataset;
use crate::web::extract::{Path, Query};
use crate::web::{Error, Result, State};
use askama::Template;
use axum::extract::State as Held;
use axum::response::Response;
use serde::Deserialize;

/// Sets of duplicates on the page at a time.
const GROUPS_SHOWN: usize = 24;
/// Members of a set that are shown.
const MEMBERS_SHOWN: usize = 8;
/// Pictures beside an issue's count.
const STRIP_TILES: usize = 6;
/// From so many times as many samples in the largest class as in the smallest on, a run sees one class far more often.
const IMBALANCE: f64 = 3.0;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Asked {
    /// Where the list of duplicates begins.
    #[serde(default)]
    from: usize,
    /// Which duplicates: empty, `exact_duplicate`, `near_duplicate`, `across_classes`, `across_splits`.
    #[serde(default)]
    duplicates: String,
    /// A version that was just made.
    #[serde(default)]
    done: String,
}

#[derive(Template)]
#[template(path = "datasets/health.html")]
struct Health {
    frame: Frame,
    dataset: Dataset,
    tab: &'static str,
    report: Option<Shown>,
    /// Pictures measured of those that have to be, while there is no report.
    measured: (usize, usize),
    done: Option<crate::store::versions::Version>,
}

/// The report in words.
struct Shown {
    when: String,
    samples: String,
    rows: Vec<Row>,
    /// What was looked for and not found.
    clear: Vec<&'static str>,
    sets: Vec<Set>,
    tabs: Vec<(&'static str, String, usize, bool)>,
    next: Option<String>,
    spare: [Spare; 2],
    leaked: usize,
    balance: Vec<String>,
    shortcuts: Vec<Told>,
}

/// Duplicates that could be dropped.
struct Spare {
    kind: &'static str,
    words: &'static str,
    count: usize,
}

/// One line of the report.
struct Row {
    title: &'static str,
    says: &'static str,
    count: usize,
    href: String,
    strip: Vec<Tile>,
    serious: bool,
}

/// A set of duplicates.
struct Set {
    words: String,
    serious: bool,
    tiles: Vec<Tile>,
    more: usize,
}

/// A shortcut test in words.
struct Told {
    title: &'static str,
    grade: &'static str,
    sentence: String,
    accuracy: f64,
    lower: f64,
    upper: f64,
    chance: f64,
    rows: Vec<Evidence>,
    columns: Vec<String>,
}

struct Evidence {
    class: String,
    recall: String,
    means: Vec<String>,
    /// The class's mean colour, where that is what the cue is.
    swatch: Option<String>,
}

impl Told {
    /// Percent of the bar's width.
    fn at(&self, share: f64) -> String {
        format!("{:.1}", share.clamp(0.0, 1.0) * 100.0)
    }

    fn width(&self) -> String {
        format!("{:.1}", (self.upper - self.lower).clamp(0.0, 1.0) * 100.0)
    }
}

pub(in crate::web) async fn show(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let dataset = find_dataset(&state, id).await?;
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” is not ready to be examined", dataset.name)));
    }
    let (report, measured) = match state.health.of(&dataset).await? {
        Examined::Ready(kept) => (Some(shown(&state, &dataset, &kept, &asked).await?), (0, 0)),
        Examined::UnderWay { measured } => (None, measured),
        Examined::Failed(why) => return Err(Error::Conflict(format!("The examination failed: {why}."))),
    };
    let done = match asked.done.parse() {
        Ok(number) => crate::web::api::versions::find_version(&state, &dataset, number).await.ok(),
        Err(_) => None,
    };
    let href = format!("/datasets/{}", dataset.id);
    page(&Health {
        frame: Frame::load(&state, "Health", &[("Data sets", "/"), (&dataset.name, &href)]).await?,
        tab: "health",
        report,
        measured,
        done,
        dataset,
    })
}

async fn shown(state: &State, dataset: &Dataset, kept: &KeptReport, asked: &Asked) -> Result<Shown> {
    let report = &kept.report;
    let classes = state.store.list_class_counts(dataset.id).await?;
    let mut rows = Vec::new();
    let rejected = state.store.count_rejected(dataset.id).await?;
    rows.push(Row {
        title: "Unreadable files",
        says: "Passed over at import, each with its reason.",
        count: usize::try_from(rejected).unwrap_or(0),
        href: format!("/datasets/{}#rejected", dataset.id),
        strip: Vec::new(),
        serious: false,
    });
    for (word, title, says, ids) in issues(report) {
        let first: Vec<SampleId> = ids.iter().take(STRIP_TILES).copied().map(SampleId).collect();
        let strip = state.store.find_samples(&first).await?;
        rows.push(Row {
            title,
            says,
            count: ids.len(),
            href: link(&format!("/datasets/{}", dataset.id), &[("issue", word)]) + "#gallery",
            strip: strip.iter().map(|sample| Tile { sample: None, ..tile(sample, &classes) }).collect(),
            serious: matches!(word, "leaked" | "mislabelled"),
        });
    }
    let (rows, clear): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.count > 0);
    let wanted: Vec<&Group> = report.groups.iter().filter(|group| fits(group, &asked.duplicates)).collect();
    let mut sets = Vec::new();
    for group in wanted.iter().skip(asked.from).take(GROUPS_SHOWN) {
        sets.push(set(state, group, &classes).await?);
    }
    let base = format!("/datasets/{}/health", dataset.id);
    let next = (asked.from < wanted.len().saturating_sub(GROUPS_SHOWN)).then(|| {
        let from = (asked.from + GROUPS_SHOWN).to_string();
        link(&base, &[("duplicates", &asked.duplicates), ("from", &from)]) + "#duplicates"
    });
    let tabs = [
        ("all", ""),
        ("exact", "exact_duplicate"),
        ("near", "near_duplicate"),
        ("across classes", "across_classes"),
        ("across splits", "across_splits"),
    ];
    let tabs = tabs.map(|(label, word)| {
        let count = report.groups.iter().filter(|group| fits(group, word)).count();
        (label, link(&base, &[("duplicates", word)]) + "#duplicates", count, word == asked.duplicates)
    });
    let spare =
        |kind: IssueKind, words| Spare { kind: kind.as_str(), words, count: report.spare_copies(kind).len() };
    Ok(Shown {
        when: format!("{}, in {}", ago(kept.made_at_ms), short_duration(kept.seconds)),
        samples: counted(report.samples, "picture", "pictures"),
        rows,
        clear: clear.iter().map(|row| row.title).collect(),
        sets,
        tabs: tabs.into(),
        next,
        spare: [spare(IssueKind::ExactDuplicate, "exact"), spare(IssueKind::NearDuplicate, "near")],
        leaked: report.leaked().len(),
        balance: balance(report),
        shortcuts: report.shortcuts.iter().map(told).collect(),
    })
}

fn short_duration(seconds: f64) -> String {
    match seconds {
        ..0.1 => "less than 0.1 s".to_owned(),
        0.1..10.0 => format!("{seconds:.1} s"),
        _ => duration(seconds),
    }
}

fn fits(group: &Group, word: &str) -> bool {
    match word {
        "across_classes" => group.across_classes,
        "across_splits" => group.across_splits,
        "" => true,
        word => group.kind.as_str() == word,
    }
}

type IssueWords = (&'static str, &'static str, &'static str, Vec<i64>);

/// Word in an address, title, what it means, samples.
fn issues(report: &Report) -> Vec<IssueWords> {
    let mut issues: Vec<IssueWords> = vec![
        (
            "leaked",
            "Leaked across splits",
            "The same picture is learnt from and judged by, so the figures flatter.",
            report.leaked(),
        ),
        (
            "mislabelled",
            "Copies in different classes",
            "The same picture has two labels: one of them must be wrong.",
            report.mislabelled(),
        ),
    ];
    issues.extend(IssueKind::ALL.map(|kind| {
        let (title, says) = kind_words(kind);
        let ids = report.found(kind).iter().map(|finding| finding.id).collect();
        (kind.as_str(), title, says, ids)
    }));
    issues
}

fn kind_words(kind: IssueKind) -> (&'static str, &'static str) {
    match kind {
        IssueKind::ExactDuplicate => ("Exact duplicates", "The same pixels more than once."),
        IssueKind::NearDuplicate => ("Near-duplicates", "Saved again, resized or slightly changed."),
        IssueKind::Dark => ("Dark", "Hardly any pixel is light."),
        IssueKind::Bright => ("Bright", "Hardly anything but white."),
        IssueKind::Blurry => ("Blurry", "Not even the sharpest parts are sharp."),
        IssueKind::Blank => ("Blank", "The same all over."),
        IssueKind::OddSize => ("Odd sizes", "Far larger, smaller, wider or narrower than the others."),
        IssueKind::Grey => ("Grey among colour", "Without colour, where most have colour."),
        IssueKind::ExifTurned => {
            ("Turned by EXIF", "Upright only for programs that read EXIF; Tintype does.")
        }
    }
}

async fn set(state: &State, group: &Group, classes: &[ClassCount]) -> Result<Set> {
    let first: Vec<SampleId> = group.ids.iter().take(MEMBERS_SHOWN).copied().map(SampleId).collect();
    let samples = state.store.find_samples(&first).await?;
    let mut words = vec![match (group.same_file, group.kind) {
        (true, _) => "the same file".to_owned(),
        (false, IssueKind::ExactDuplicate) => "the same pixels".to_owned(),
        _ => format!("alike to {:.3}", group.score),
    }];
    words.push(match (group.across_classes, group.across_splits) {
        (false, false) => "within one class and split".to_owned(),
        (true, false) => "across classes: a label must be wrong".to_owned(),
        (false, true) => "across splits: leakage".to_owned(),
        (true, true) => "across classes and splits".to_owned(),
    });
    let tiles = samples.iter().map(|sample| {
        let tile = tile(sample, classes);
        Tile { sample: None, caption: format!("{} · {}", tile.caption, sample.split), ..tile }
    });
    Ok(Set {
        words: words.join(", "),
        serious: group.across_classes || group.across_splits,
        tiles: tiles.collect(),
        more: group.ids.len() - samples.len(),
    })
}

fn balance(report: &Report) -> Vec<String> {
    let mut says = Vec::new();
    if let (Some(largest), Some(smallest), Some(ratio)) =
        (&report.balance.largest, &report.balance.smallest, report.balance.ratio)
        && ratio >= IMBALANCE
    {
        says.push(format!(
            "“{}” has {} training pictures, “{}” {}: {ratio:.1} times as many. Accuracy will speak of the large class; look at the figures by class.",
            largest.class,
            thousands(largest.count),
            smallest.class,
            thousands(smallest.count),
        ));
    }
    for missing in &report.balance.missing {
        let splits: Vec<&str> = missing.splits.iter().map(|split| split.as_str()).collect();
        says.push(format!("“{}” has no pictures in {}.", missing.class, splits.join(" and ")));
    }
    says
}

fn told(shortcut: &Shortcut) -> Told {
    let (title, cue) = match shortcut.cue {
        Cue::Colour => ("Mean colour", "the mean colour"),
        Cue::Brightness => ("Brightness", "brightness"),
        Cue::Size => ("Size and shape", "width and height"),
        Cue::File => ("File size and type", "the file's size and type"),
        Cue::Border => ("Border pixels", "the colour of the border"),
    };
    let (grade, verdict) = match shortcut.grade {
        Grade::None => ("none", "tells nothing that could not be chance"),
        Grade::Weak => ("weak", "gives a little away"),
        Grade::Strong => {
            ("strong", "alone tells the classes apart: a network may learn that and nothing else")
        }
    };
    let mut sentence = format!("{}{} {verdict}.", cue[..1].to_uppercase(), &cue[1..]);
    if shortcut.grade == Grade::Strong
        && let Some(most) = shortcut.classes.iter().max_by(|a, b| a.recall.total_cmp(&b.recall))
    {
        sentence += &format!(" “{}” is told by it in {} of cases.", most.class, percent(most.recall));
    }
    let is_colour = matches!(shortcut.cue, Cue::Colour | Cue::Border);
    let rows = shortcut.classes.iter().map(|class| Evidence {
        class: class.class.clone(),
        recall: percent(class.recall),
        means: class.means.iter().map(|mean| super::words::number(*mean)).collect(),
        swatch: (is_colour && class.means.len() >= 3)
            .then(|| format!("rgb({:.0} {:.0} {:.0})", class.means[0], class.means[1], class.means[2])),
    });
    Told {
        title,
        grade,
        sentence,
        accuracy: shortcut.balanced_accuracy,
        lower: shortcut.lower,
        upper: shortcut.upper,
        chance: shortcut.chance,
        rows: rows.collect(),
        columns: shortcut.columns.clone(),
    }
}
