//! From which checkpoint the predictions on a page are, and whether there are newer ones by now.

use super::format::link;
use super::run_view::RunView;
use askama::Template;
use protocol::sample::Split;

/// A line for every page that shows predictions: `{{ view.checkpoint(split) }}`. While the page is open it follows the run: it never
/// changes what is shown, but offers the newer checkpoint.
#[derive(Template)]
#[template(path = "partials/newer.html")]
pub(crate) struct Checkpoint {
    run: i64,
    split: Split,
    /// The epoch that the page shows; `None` where it shows that there is nothing yet.
    pub(crate) shown: Option<u32>,
    /// The epoch whose predictions there are.
    pub(crate) newest: Option<u32>,
    epochs: u32,
    /// Whether the run learned; else it evaluated the weights that it was given.
    trains: bool,
    is_active: bool,
}

impl askama::filters::HtmlSafe for Checkpoint {}

impl Checkpoint {
    fn address(&self) -> String {
        let shown = self.shown.map_or_else(String::new, |epoch| epoch.to_string());
        let path = format!("/live/runs/{}/checkpoint", self.run);
        link(&path, &[("split", self.split.as_str()), ("shown", &shown)])
    }

    fn words(&self) -> String {
        match self.shown {
            None => String::new(),
            Some(_) if !self.trains => "Evaluated with the given weights; nothing was trained.".into(),
            Some(epoch) if self.newer().is_some() => format!("Checkpoint of epoch {epoch}."),
            Some(epoch) if self.is_active => format!("Checkpoint of epoch {epoch} (best so far)."),
            Some(epoch) => format!("Checkpoint of epoch {epoch} (the best of {}).", self.epochs),
        }
    }

    fn newer(&self) -> Option<u32> {
        self.newest.filter(|newest| self.shown.is_some_and(|shown| shown != *newest))
    }

    /// Whether the page said that there is nothing, and now there is.
    pub(crate) fn fills_page(&self) -> bool {
        self.shown.is_none() && self.newest.is_some()
    }
}

impl RunView {
    /// The checkpoint that the predictions of a split are from.
    pub(crate) fn checkpoint(&self, split: &str) -> Checkpoint {
        let split = split.parse().unwrap_or(Split::Val);
        let found = self.checkpoints.iter().find(|evaluated| evaluated.split == split);
        let newest = found.map(|evaluated| evaluated.epoch);
        Checkpoint {
            run: self.run.id.0,
            split,
            shown: newest,
            newest,
            epochs: self.run.spec.epochs,
            trains: self.trains(),
            is_active: self.is_active(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(shown: Option<u32>, newest: Option<u32>) -> Checkpoint {
        Checkpoint { run: 7, split: Split::Val, shown, newest, epochs: 60, trains: true, is_active: true }
    }

    #[test]
    fn what_is_shown_keeps_its_epoch_and_what_is_newer_is_offered() {
        let same = checkpoint(Some(42), Some(42)).to_string();
        assert!(same.contains("Checkpoint of epoch 42 (best so far)."), "{same}");
        assert!(!same.contains("is newer"), "{same}");
        let newer = checkpoint(Some(42), Some(53)).to_string();
        assert!(newer.contains("Checkpoint of epoch 42."), "{newer}");
        assert!(newer.contains("Epoch 53 is newer: show it"), "{newer}");
        assert!(newer.contains("shown=42"), "{newer}");
    }

    #[test]
    fn an_empty_page_fills_by_itself_and_no_other() {
        assert!(checkpoint(None, Some(1)).fills_page());
        assert!(!checkpoint(None, None).fills_page());
        assert!(!checkpoint(Some(1), Some(2)).fills_page());
    }
}
