//! `/datasets/{id}/health`: what is wrong with a data set before anything is learned from it.

use super::dataset_head::DatasetHead;
use super::edit_bar::{Done, Flash};
use super::format::{self, ago, counted, duration, link, percent, thousands};
use super::frame::{Frame, page};
use super::gallery::Tile;
use super::live::examination_progress;
use super::samples_view::tile;
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::health::{Group, IssueKind, Report, Severity, Shortcut, ShortcutFeature};
use crate::domain::ids::SampleId;
use crate::jobs::health::Examined;
use crate::store::datasets::Dataset;
use crate::store::measures::StoredReport;
use crate::web::api::find_dataset;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

/// Sets of duplicates on the page at a time.
const GROUPS_SHOWN: usize = 24;
/// Members of a set that are shown.
const MEMBERS_SHOWN: usize = 8;
/// Images beside an issue's count.
const STRIP_TILES: usize = 6;
/// From so many times as many samples in the largest class as in the smallest on, a run sees one class far more often.
const IMBALANCE: f64 = 3.0;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthQuery {
    /// Where the list of duplicates begins.
    #[serde(default)]
    from: usize,
    /// Which duplicates: empty, `exact_duplicate`, `near_duplicate`, `across_classes`, `across_splits`.
    #[serde(default)]
    duplicates: String,
}

#[derive(Template)]
#[template(path = "datasets/health.html")]
struct Health {
    frame: Frame,
    dataset: Dataset,
    head: DatasetHead,
    report: Option<Shown>,
    /// Images measured of those that have to be, while there is no report.
    measured: (usize, usize),
    done: Option<Done>,
}

impl Health {
    fn progress(&self) -> (Option<u64>, String) {
        examination_progress(self.measured)
    }
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
    shortcuts: Vec<ShortcutView>,
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
    summary: &'static str,
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
struct ShortcutView {
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

impl ShortcutView {
    /// Percent of the bar's width.
    fn at(&self, share: f64) -> String {
        format!("{:.1}", share.clamp(0.0, 1.0) * 100.0)
    }

    fn width(&self) -> String {
        format!("{:.1}", (self.upper - self.lower).clamp(0.0, 1.0) * 100.0)
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<HealthQuery>,
    flash: Flash,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” is not ready to be examined", dataset.name)));
    }
    let (report, measured) = match app.health.of(&dataset).await? {
        Examined::Ready(kept) => (Some(shown(&app, &dataset, &kept, &query).await?), (0, 0)),
        Examined::UnderWay { measured } => (None, measured),
        Examined::Failed(why) => return Err(Error::Conflict(format!("The examination failed: {why}."))),
    };
    let href = format!("/datasets/{}", dataset.id);
    let done = Done::load(&app, &dataset, &flash, &format!("{href}/health")).await?;
    page(&Health {
        frame: Frame::load(&app, "Health", &[("Data sets", "/datasets"), (&dataset.name, &href)]).await?,
        head: DatasetHead::load(&app, &dataset, "health").await?,
        report,
        measured,
        done,
        dataset,
    })
}

async fn shown(app: &AppState, dataset: &Dataset, kept: &StoredReport, query: &HealthQuery) -> Result<Shown> {
    let report = &kept.report;
    let classes = app.store.list_class_counts(dataset.id).await?;
    let mut rows = Vec::new();
    let rejected = app.store.count_rejected(dataset.id).await?;
    rows.push(Row {
        title: "Unreadable files",
        summary: "Skipped at import, each with its reason.",
        count: usize::try_from(rejected).unwrap_or(0),
        href: format!("/datasets/{}#rejected", dataset.id),
        strip: Vec::new(),
        serious: false,
    });
    for (word, title, summary, ids) in issues(report) {
        let first: Vec<SampleId> = ids.iter().take(STRIP_TILES).copied().map(SampleId).collect();
        let strip = app.store.find_samples(&first).await?;
        rows.push(Row {
            title,
            summary,
            count: ids.len(),
            href: link(&format!("/datasets/{}", dataset.id), &[("issue", word)]) + "#gallery",
            strip: strip.iter().map(|sample| Tile { sample: None, ..tile(sample, &classes) }).collect(),
            serious: matches!(word, "leaked" | "mislabelled"),
        });
    }
    let (rows, clear): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.count > 0);
    let wanted: Vec<&Group> = report.groups.iter().filter(|group| fits(group, &query.duplicates)).collect();
    let mut sets = Vec::new();
    for group in wanted.iter().skip(query.from).take(GROUPS_SHOWN) {
        sets.push(set(app, group, &classes).await?);
    }
    let base = format!("/datasets/{}/health", dataset.id);
    let next = (query.from < wanted.len().saturating_sub(GROUPS_SHOWN)).then(|| {
        let from = (query.from + GROUPS_SHOWN).to_string();
        link(&base, &[("duplicates", &query.duplicates), ("from", &from)]) + "#duplicates"
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
        (label, link(&base, &[("duplicates", word)]) + "#duplicates", count, word == query.duplicates)
    });
    let spare =
        |kind: IssueKind, words| Spare { kind: kind.as_str(), words, count: report.spare_copies(kind).len() };
    Ok(Shown {
        when: format!("{}, in {}", ago(kept.made_at_ms), short_duration(kept.seconds)),
        samples: counted(report.samples, "image", "images"),
        rows,
        clear: clear.iter().map(|row| row.title).collect(),
        sets,
        tabs: tabs.into(),
        next,
        spare: [spare(IssueKind::ExactDuplicate, "exact"), spare(IssueKind::NearDuplicate, "near")],
        leaked: report.leaked().len(),
        balance: balance(report),
        shortcuts: report.shortcuts.iter().map(describe_shortcut).collect(),
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
            "The same image is learned from and evaluated by, so the figures flatter.",
            report.leaked(),
        ),
        (
            "mislabelled",
            "Copies in different classes",
            "The same image has two labels: one of them must be wrong.",
            report.mislabelled(),
        ),
    ];
    issues.extend(IssueKind::ALL.map(|kind| {
        let (title, summary) = describe_issue(kind);
        let ids = report.found(kind).iter().map(|finding| finding.id).collect();
        (kind.as_str(), title, summary, ids)
    }));
    issues
}

fn describe_issue(kind: IssueKind) -> (&'static str, &'static str) {
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

async fn set(app: &AppState, group: &Group, classes: &[ClassCount]) -> Result<Set> {
    let first: Vec<SampleId> = group.ids.iter().take(MEMBERS_SHOWN).copied().map(SampleId).collect();
    let samples = app.store.find_samples(&first).await?;
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
    let mut sentences = Vec::new();
    if let (Some(largest), Some(smallest), Some(ratio)) =
        (&report.balance.largest, &report.balance.smallest, report.balance.ratio)
        && ratio >= IMBALANCE
    {
        sentences.push(format!(
            "“{}” has {} training images, “{}” {}: {ratio:.1} times as many. Accuracy will speak of the large class; look at the figures by class.",
            largest.class,
            thousands(largest.count),
            smallest.class,
            thousands(smallest.count),
        ));
    }
    for missing in &report.balance.missing {
        let splits: Vec<&str> = missing.splits.iter().map(|split| split.as_str()).collect();
        sentences.push(format!("“{}” has no images in {}.", missing.class, splits.join(" and ")));
    }
    sentences
}

fn describe_shortcut(shortcut: &Shortcut) -> ShortcutView {
    let (title, cue) = match shortcut.cue {
        ShortcutFeature::Colour => ("Mean colour", "the mean colour"),
        ShortcutFeature::Brightness => ("Brightness", "brightness"),
        ShortcutFeature::Size => ("Size and shape", "width and height"),
        ShortcutFeature::File => ("File size and type", "the file's size and type"),
        ShortcutFeature::Border => ("Border pixels", "the colour of the border"),
    };
    let (grade, prediction) = match shortcut.grade {
        Severity::None => ("none", "tells nothing that could not be chance"),
        Severity::Weak => ("weak", "gives a little away"),
        Severity::Strong => {
            ("strong", "alone tells the classes apart: a network may learn that and nothing else")
        }
    };
    let mut sentence = format!("{}{} {prediction}.", cue[..1].to_uppercase(), &cue[1..]);
    if shortcut.grade == Severity::Strong
        && let Some(most) = shortcut.classes.iter().max_by(|a, b| a.recall.total_cmp(&b.recall))
    {
        sentence += &format!(" “{}” is told by it in {} of cases.", most.class, percent(most.recall));
    }
    let is_colour = matches!(shortcut.cue, ShortcutFeature::Colour | ShortcutFeature::Border);
    let rows = shortcut.classes.iter().map(|class| Evidence {
        class: class.class.clone(),
        recall: percent(class.recall),
        means: class.means.iter().map(|mean| super::format::number(*mean)).collect(),
        swatch: (is_colour && class.means.len() >= 3)
            .then(|| format!("rgb({:.0} {:.0} {:.0})", class.means[0], class.means[1], class.means[2])),
    });
    ShortcutView {
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
