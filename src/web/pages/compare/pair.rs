//! The pair that is compared in detail: in a sentence, by class, and the images on which the two differ.

use super::super::edited_since::EditedSince;
use super::super::format::{counted, link, percent, thousands};
use super::super::gallery::{Tile, class};
use super::tiles::{ChurnWords, churn_tiles};
use super::words;
use crate::domain::edits::split_title;
use crate::domain::ids::RunId;
use crate::domain::paired::{Churn, Paired};
use crate::store::compare::PairedClass;
use crate::web::api::compare::find_churn;
use crate::web::api::compare::found::ComparedRuns;
use crate::web::api::compare::pair::{ComparedPair, count, paired};
use crate::web::api::compare::query::CompareQuery;
use crate::web::{AppState, Result};

/// Tiles of each way of differing on the page itself.
const TILES: i64 = 12;
/// The width of a class's interval, in the drawing's units.
const PLOT: f64 = 160.0;

/// The pair, as its part of the page shows it.
pub(crate) struct PairView {
    pub(crate) first: RunId,
    pub(crate) second: RunId,
    /// Why the two can't be compared by images.
    pub(crate) why: Option<String>,
    pub(crate) sentence: String,
    pub(crate) method: String,
    pub(crate) left_out: Option<String>,
    /// Splits that both evaluated: label, address, whether it is the one shown.
    pub(crate) splits: Vec<(&'static str, String, bool)>,
    pub(crate) classes: Vec<ClassRow>,
    /// The half width of the intervals' scale, in points.
    pub(crate) scale: String,
    pub(crate) churn: Vec<ChurnGroup>,
}

/// A class, with what each run recalls of it.
pub(crate) struct ClassRow {
    pub(crate) class: String,
    pub(crate) images: String,
    pub(crate) first_recall: String,
    pub(crate) first_href: String,
    pub(crate) second_recall: String,
    pub(crate) second_href: String,
    /// `+3.1`.
    pub(crate) difference: String,
    /// `1.0 to 5.3`.
    pub(crate) interval: String,
    pub(crate) plot: Plot,
    pub(crate) better: Count,
    pub(crate) worse: Count,
    pub(crate) both_wrong: Count,
}

/// How many images, and where they are.
pub(crate) struct Count {
    pub(crate) text: String,
    /// `None` where there are none.
    pub(crate) href: Option<String>,
}

/// A difference with its interval, drawn about zero in the middle.
pub(crate) struct Plot {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) at: String,
    pub(crate) label: String,
}

/// The images on which the two differ in one way.
pub(crate) struct ChurnGroup {
    pub(crate) heading: String,
    pub(crate) total: i64,
    pub(crate) tiles: Vec<Tile>,
    pub(crate) href: String,
    pub(crate) empty: String,
}

impl ChurnGroup {
    /// `31 images`.
    pub(crate) fn summary(&self) -> String {
        counted(self.total, "image", "images")
    }

    /// `show all 31`, where not all are shown already.
    pub(crate) fn all_label(&self) -> String {
        match self.total > self.tiles.len() as i64 {
            true => format!("show all {}", thousands(self.total)),
            false => "open".to_owned(),
        }
    }
}

impl PairView {
    pub(crate) async fn load(
        app: &AppState,
        query: &CompareQuery,
        found: &ComparedRuns,
    ) -> Result<Option<PairView>> {
        let Some(((first, second), outcome)) = ComparedPair::load(app, query, found).await? else {
            return Ok(None);
        };
        let mut view = PairView {
            first,
            second,
            why: None,
            sentence: String::new(),
            method: String::new(),
            left_out: None,
            splits: Vec::new(),
            classes: Vec::new(),
            scale: String::new(),
            churn: Vec::new(),
        };
        match outcome {
            Err(why) => view.why = Some(why),
            Ok(pair) => view.fill(app, query, found, &pair).await?,
        }
        Ok(Some(view))
    }

    async fn fill(
        &mut self,
        app: &AppState,
        query: &CompareQuery,
        found: &ComparedRuns,
        pair: &ComparedPair,
    ) -> Result<()> {
        self.sentence = words::sentence(pair);
        self.method = words::method(pair.paired());
        self.left_out = words::left_out(pair);
        let split = pair.of.split;
        self.splits = (pair.splits.iter())
            .map(|other| {
                let href = query.address("/runs/compare", &[("split", other.as_str())]) + "#pair";
                (split_title(*other), href, *other == split)
            })
            .collect();
        // Galleries speak of this pair, whatever the address left open.
        let query = query.with_pair(self.first, self.second);
        let rows: Vec<(&PairedClass, Paired)> = pair.classes.iter().map(|row| (row, paired(row))).collect();
        let widest = rows.iter().filter_map(|(_, paired)| paired.interval());
        let widest = widest.map(|(low, high)| low.abs().max(high.abs())).fold(0.01, f64::max);
        self.scale = format!("{:.0}", widest * 100.0);
        let mut sized: Vec<(f64, ClassRow)> = rows
            .iter()
            .filter(|(_, paired)| paired.total > 0)
            .map(|(row, paired)| {
                (paired.difference().unwrap_or(0.0).abs(), class_row(&query, pair, row, *paired, widest))
            })
            .collect();
        sized.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.classes = sized.into_iter().map(|(_, row)| row).collect();
        let whole = CompareQuery { class: String::new(), cursor: None, ..query.clone() };
        let edited = EditedSince::load(app, older(found, pair)).await?;
        for churn in Churn::ALL {
            let page = find_churn(app, pair, &whole, churn, TILES).await?;
            let words = ChurnWords { pair, churn };
            self.churn.push(ChurnGroup {
                heading: words.heading(),
                total: page.total,
                tiles: churn_tiles(&whole, words, &page.rows, &edited),
                href: whole.address("/runs/compare/churn", &[("churn", churn.as_str())]),
                empty: words.empty(),
            });
        }
        Ok(())
    }
}

/// The run of the pair that knows the older version of the data.
pub(crate) fn older<'a>(found: &'a ComparedRuns, pair: &ComparedPair) -> &'a crate::store::runs::Run {
    let runs = found.runs.iter().map(|listed| &listed.run);
    let own = runs.filter(|run| run.id == pair.of.first || run.id == pair.of.second);
    own.min_by_key(|run| run.dataset_version).unwrap_or(&found.runs[0].run)
}

fn class_row(
    query: &CompareQuery,
    pair: &ComparedPair,
    row: &PairedClass,
    paired: Paired,
    widest: f64,
) -> ClassRow {
    let name = class(&pair.first_classes, row.class).to_owned();
    let split = pair.of.split.as_str();
    let of_run = |run: RunId| {
        let pairs = [("split", split), ("actual", name.as_str()), ("correct", "all")];
        link(&format!("/runs/{run}/predictions"), &pairs)
    };
    let share = |correct: i64| percent(correct as f64 / paired.total as f64);
    let count = |churn: Churn| {
        let count = count(row, churn);
        let href = query.address("/runs/compare/churn", &[("churn", churn.as_str()), ("class", &name)]);
        Count { text: thousands(count), href: (count > 0).then_some(href) }
    };
    let (difference, (low, high)) =
        (paired.difference().unwrap_or(0.0), paired.interval().unwrap_or((0.0, 0.0)));
    let place = |value: f64| format!("{:.1}", PLOT / 2.0 * (1.0 + value / widest));
    ClassRow {
        images: thousands(paired.total),
        first_recall: share(row.both_correct + row.only_first),
        first_href: of_run(pair.of.first),
        second_recall: share(row.both_correct + row.only_second),
        second_href: of_run(pair.of.second),
        difference: words::points(difference),
        interval: words::span((low, high)),
        plot: Plot {
            from: place(low),
            to: place(high),
            at: place(difference),
            label: format!("{} points, {}", words::points(difference), words::span((low, high))),
        },
        better: count(Churn::OnlySecond),
        worse: count(Churn::OnlyFirst),
        both_wrong: count(Churn::BothWrong),
        class: name,
    }
}
