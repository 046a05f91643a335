//! Tiles of predictions, and the mistakes of each class as the predictions page shows them first.

use super::edited_since::EditedSince;
use super::format::{link, thousands};
use super::gallery::{Tile, class};
use crate::domain::confusion_cells::ConfusionCells;
use crate::domain::ids::SampleId;
use crate::store::predictions::{Order, Prediction};
use crate::store::runs::Run;
use crate::web::api::predictions::PredictionsQuery;
use crate::web::{AppState, Result};
use protocol::sample::Split;

/// Tiles of a class in the overview.
const GROUP_TILES: i64 = 12;
/// Classes in the overview, those with most mistakes first.
const GROUPS: usize = 24;

/// What a gallery's tiles have in common, so that no caption repeats it.
pub(crate) struct Shown {
    /// The gallery's query, which an image's page keeps.
    pairs: Vec<(&'static str, String)>,
    /// Whether a heading or a filter names the true class.
    actual_named: bool,
    order: Order,
}

impl Shown {
    /// The gallery of a query.
    pub(crate) fn of(query: &PredictionsQuery, order: Order) -> Shown {
        Shown { pairs: query.pairs().to_vec(), actual_named: !query.actual.is_empty(), order }
    }

    /// An image of the gallery, opening its page.
    pub(crate) fn tile(
        &self,
        base: &str,
        classes: &[String],
        item: &Prediction,
        edited: &EditedSince,
    ) -> Tile {
        let wrong = item.actual != item.predicted;
        let (actual, predicted) = (class(classes, item.actual), class(classes, item.predicted));
        let value = match self.order {
            Order::Loss => item.loss.map_or("loss ∞".to_owned(), |loss| format!("loss {loss:.2}")),
            Order::Margin => item.margin.map_or(String::new(), |margin| format!("margin {margin:.2}")),
            Order::Confidence | Order::LeastConfident | Order::Class => format!("{:.2}", item.confidence),
        };
        // ✗ and ✓ stand in a corner, drawn by the style sheet.
        let caption = match (wrong, self.actual_named) {
            (true, false) => format!("{actual} → {predicted} {value}"),
            (true, true) => format!("{predicted} {value}"),
            (false, false) => format!("{actual} {value}"),
            (false, true) => value,
        };
        let pairs: Vec<(&str, &str)> = self.pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let mark = if wrong { "wrong" } else { "correct" };
        let edited = edited.words(item.sample_id);
        Tile {
            href: link(&format!("{base}/samples/{}", item.sample_id), &pairs),
            id: item.sample_id.0,
            sample: Some(item.sample_id.0),
            hash: item.hash.clone(),
            width: item.width,
            height: item.height,
            alt: match edited {
                Some(now) => format!("{mark}: {actual}, predicted as {predicted}, {now}: {}", item.path),
                None => format!("{mark}: {actual}, predicted as {predicted}: {}", item.path),
            },
            caption,
            wrong,
            edited: edited.map(str::to_owned),
            ..Tile::default()
        }
    }
}

/// The mistakes of a class.
pub(crate) struct MistakeGroup {
    pub(crate) class: String,
    pub(crate) wrong: u64,
    total: u64,
    pub(crate) tiles: Vec<Tile>,
    pub(crate) href_wrong: String,
    pub(crate) href_all: String,
}

impl MistakeGroup {
    /// `1 of 106 wrong`.
    pub(crate) fn summary(&self) -> String {
        format!("{} of {} wrong", thousands(self.wrong), thousands(self.total))
    }

    /// `show all 106`.
    pub(crate) fn all_label(&self) -> String {
        format!("show all {}", thousands(self.total))
    }

    /// How many mistakes have no tile here.
    pub(crate) fn left_out(&self) -> u64 {
        self.wrong - self.tiles.len() as u64
    }

    /// How many tiles wide it is.
    pub(crate) fn span(&self) -> usize {
        self.tiles.len().clamp(2, 6)
    }
}

/// The classes with mistakes, those with most first.
fn order_of_groups(cells: &ConfusionCells) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..cells.classes()).filter(|class| cells.wrong(*class) > 0).collect();
    classes.sort_by_key(|class| (std::cmp::Reverse(cells.wrong(*class)), *class));
    classes.truncate(GROUPS);
    classes
}

/// The most confident mistakes of each class; classes with most mistakes first.
pub(crate) async fn mistakes_by_class(
    app: &AppState,
    run: &Run,
    split: Split,
    cells: &ConfusionCells,
    edited: &EditedSince,
) -> Result<Vec<MistakeGroup>> {
    let mistakes = app.store.list_mistakes_by_class(run.id, split, GROUP_TILES).await?;
    let base = format!("/runs/{}", run.id);
    let here = format!("{base}/predictions");
    let shown = Shown {
        pairs: vec![("split", split.as_str().to_owned())],
        actual_named: true,
        order: Order::Confidence,
    };
    let groups = order_of_groups(cells).into_iter().map(|label| {
        let class = run.spec.classes[label].clone();
        let pairs = [("split", split.as_str()), ("actual", class.as_str()), ("correct", "false")];
        let own = mistakes.iter().filter(|item| usize::try_from(item.actual) == Ok(label));
        MistakeGroup {
            wrong: cells.wrong(label),
            total: cells.row_sum(label),
            tiles: own.map(|item| shown.tile(&base, &run.spec.classes, item, edited)).collect(),
            href_wrong: link(&here, &pairs),
            href_all: link(&here, &[pairs[0], pairs[1], ("correct", "all")]),
            class,
        }
    });
    Ok(groups.collect())
}

/// The overview's images in the order in which they stand there.
pub(crate) async fn overview_walk(app: &AppState, run: &Run, split: Split) -> Result<Vec<SampleId>> {
    let cells = ConfusionCells::new(run.spec.classes.len(), app.store.list_cells(run.id, split).await?);
    let mistakes = app.store.list_mistakes_by_class(run.id, split, GROUP_TILES).await?;
    let groups = order_of_groups(&cells).into_iter();
    let walk = groups
        .flat_map(|label| mistakes.iter().filter(move |item| usize::try_from(item.actual) == Ok(label)));
    Ok(walk.map(|item| item.sample_id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(actual_named: bool, order: Order, predicted: i64) -> String {
        let classes = ["cat".to_owned(), "dog".to_owned()];
        let item = Prediction {
            sample_id: SampleId(7),
            path: "cat/7.png".into(),
            hash: String::new(),
            width: 32,
            height: 32,
            actual: 0,
            predicted,
            confidence: 0.934,
            loss: Some(2.72),
            margin: Some(0.868),
        };
        Shown { pairs: Vec::new(), actual_named, order }
            .tile("/runs/1", &classes, &item, &EditedSince::default())
            .caption
    }

    #[test]
    fn a_caption_says_what_no_heading_says_and_what_the_order_goes_by() {
        assert_eq!(tile(true, Order::Confidence, 1), "dog 0.93");
        assert_eq!(tile(false, Order::Confidence, 1), "cat → dog 0.93");
        assert_eq!(tile(true, Order::Confidence, 0), "0.93");
        assert_eq!(tile(false, Order::Loss, 0), "cat loss 2.72");
        assert_eq!(tile(true, Order::Margin, 1), "dog margin 0.87");
    }
}
