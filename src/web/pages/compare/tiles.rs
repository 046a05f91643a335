//! Tiles of images on which two runs differ, and what their galleries are called.

use super::super::edited_since::EditedSince;
use super::super::gallery::{Tile, class};
use crate::domain::paired::Churn;
use crate::store::compare::ChurnRow;
use crate::web::api::compare::pair::ComparedPair;
use crate::web::api::compare::query::CompareQuery;

/// What is said of one way of differing.
#[derive(Clone, Copy)]
pub(crate) struct ChurnWords<'a> {
    pub(crate) pair: &'a ComparedPair,
    pub(crate) churn: Churn,
}

impl ChurnWords<'_> {
    /// `Run 7 right, run 3 wrong`.
    pub(crate) fn heading(&self) -> String {
        let (first, second) = (self.pair.of.first, self.pair.of.second);
        match self.churn {
            Churn::OnlyFirst => format!("Run {first} right, run {second} wrong"),
            Churn::OnlySecond => format!("Run {second} right, run {first} wrong"),
            Churn::BothWrong => "Both wrong, each differently".to_owned(),
        }
    }

    /// What is said where there is no such image.
    pub(crate) fn empty(&self) -> String {
        let (first, second) = (self.pair.of.first, self.pair.of.second);
        match self.churn {
            Churn::OnlyFirst => format!("Run {second} gets everything right that run {first} gets right."),
            Churn::OnlySecond => format!("Run {first} gets everything right that run {second} gets right."),
            Churn::BothWrong => "Where both are wrong, both predict the same class.".to_owned(),
        }
    }

    /// `cat → dog 0.93`: the mistake; of two both.
    pub(crate) fn caption(&self, row: &ChurnRow) -> String {
        let actual = class(&self.pair.first_classes, row.actual);
        let first =
            format!("{} {:.2}", class(&self.pair.first_classes, row.first_predicted), row.first_confidence);
        let second = format!(
            "{} {:.2}",
            class(&self.pair.second_classes, row.second_predicted),
            row.second_confidence
        );
        match self.churn {
            Churn::OnlyFirst => format!("{actual} → {second}"),
            Churn::OnlySecond => format!("{actual} → {first}"),
            Churn::BothWrong => {
                format!("{actual} → {}: {first}, {}: {second}", self.pair.of.first, self.pair.of.second)
            }
        }
    }
}

/// The tiles of a gallery, each opening the image's page of this comparison.
pub(crate) fn churn_tiles(
    query: &CompareQuery,
    words: ChurnWords<'_>,
    rows: &[ChurnRow],
    edited: &EditedSince,
) -> Vec<Tile> {
    let tile = |row: &ChurnRow| {
        let edited = edited.words(row.sample_id);
        let caption = words.caption(row);
        let path = format!("/runs/compare/samples/{}", row.sample_id);
        Tile {
            href: query.address(&path, &[("churn", words.churn.as_str())]),
            id: row.sample_id.0,
            hash: row.hash.clone(),
            width: row.width,
            height: row.height,
            alt: match edited {
                Some(now) => format!("{caption}, {now}: {}", row.path),
                None => format!("{caption}: {}", row.path),
            },
            caption,
            edited: edited.map(str::to_owned),
            ..Tile::default()
        }
    };
    rows.iter().map(tile).collect()
}
