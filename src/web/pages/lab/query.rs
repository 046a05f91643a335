//! The lab's address.

use crate::web::pages::batch_image::View;
use crate::web::pages::format::link;
use serde::Deserialize;

/// The address: all that the page shows follows from it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabQuery {
    /// The left pipeline as JSON; empty: the default for evaluation.
    #[serde(default)]
    pub(super) a: String,
    /// The right one; empty: the default for training.
    #[serde(default)]
    pub(super) b: String,
    /// Samples by number, with commas; empty: drawn by `pick`.
    #[serde(default)]
    pub(super) samples: String,
    #[serde(default)]
    pub(super) pick: u32,
    pub(super) count: Option<usize>,
    #[serde(default)]
    pub(super) class: String,
    #[serde(default)]
    pub(super) split: String,
    #[serde(default)]
    pub(super) seed: u64,
    pub(super) epoch: Option<u32>,
    #[serde(default)]
    pub(super) view: View,
    /// The sample that is shown in detail; the first where it is not among them.
    pub(super) sample: Option<i64>,
    /// Repeated draws of it: by `epoch`, under one seed, or by `seed`.
    #[serde(default)]
    pub(super) vary: String,
    /// The preset or saved pipeline that each side was made from, for the page's script.
    #[serde(default)]
    pub(super) origin_a: String,
    #[serde(default)]
    pub(super) origin_b: String,
}

impl LabQuery {
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
            ("view", if self.view == View::Image { String::new() } else { self.view.as_str().to_owned() }),
            ("sample", self.sample.map_or_else(String::new, |sample| sample.to_string())),
            ("vary", self.vary.clone()),
            ("origin_a", self.origin_a.clone()),
            ("origin_b", self.origin_b.clone()),
        ]
    }

    /// The same page with one thing changed.
    pub(super) fn with(&self, path: &str, key: &str, value: &str) -> String {
        let pairs = self.pairs();
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, kept)| (*name, if *name == key { value } else { kept.as_str() }))
            .collect();
        link(path, &pairs)
    }
}
