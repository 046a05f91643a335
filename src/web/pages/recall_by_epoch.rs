//! How the recall of each class came about, epoch by epoch, for the page of the evaluation.

use super::format::percent;
use super::sparkline::Sparkline;
use crate::store::runs::Run;
use crate::web::{AppState, Result};
use protocol::event::{ClassDial, MaybeFinite};

/// A class's recall on the validation split.
pub(crate) struct RecallRow {
    pub(crate) class: String,
    pub(crate) curve: Sparkline,
    pub(crate) first: String,
    /// The greatest, with the epoch that had it first.
    pub(crate) best: String,
    pub(crate) last: String,
}

/// A row a class; none where fewer than two epochs were measured, as in runs of earlier versions.
pub(crate) async fn load(app: &AppState, run: &Run) -> Result<Vec<RecallRow>> {
    let reports = app.store.list_class_reports(run.id, ClassDial::Recall).await?;
    Ok(rows(&run.spec.classes, &reports))
}

fn rows(classes: &[String], reports: &[(u64, Vec<MaybeFinite>)]) -> Vec<RecallRow> {
    if reports.len() < 2 {
        return Vec::new();
    }
    let row = |(label, class): (usize, &String)| {
        let by_epoch: Vec<(u64, MaybeFinite)> = (1..)
            .zip(reports)
            .map(|(epoch, (_, recalls))| (epoch, recalls.get(label).copied().flatten()))
            .collect();
        let known = || by_epoch.iter().filter_map(|(epoch, recall)| Some((*epoch, (*recall)?)));
        let best = known().fold(None, |best: Option<(u64, f64)>, (epoch, recall)| match best {
            Some((_, most)) if most >= recall => best,
            _ => Some((epoch, recall)),
        });
        RecallRow {
            class: class.clone(),
            curve: Sparkline::new(&format!("recall of {class} by epoch"), &by_epoch),
            first: percent(known().next().map(|(_, recall)| recall)),
            best: best.map_or_else(String::new, |(epoch, recall)| {
                format!("{} (epoch {epoch})", percent(Some(recall)))
            }),
            last: percent(known().next_back().map(|(_, recall)| recall)),
        }
    };
    classes.iter().enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn a_row_has_the_first_the_best_and_the_last() {
        let classes = ["cat", "dog"].map(str::to_owned);
        let reports = [(4, vec![Some(0.5), None]), (9, vec![Some(0.75), None]), (14, vec![Some(0.75), None])];
        let rows_ = rows(&classes, &reports);
        let said = |text: &str| text.replace('\u{a0}', " ");
        let cat = &rows_[0];
        assert_eq!(
            [&cat.first, &cat.best, &cat.last].map(|text| said(text)),
            ["50.0 %", "75.0 % (epoch 2)", "75.0 %"].map(str::to_owned)
        );
        assert!(!cat.curve.path.is_empty() && rows_[1].curve.path.is_empty(), "no dog is in validation");
        assert!(rows(&classes, &reports[..1]).is_empty());
    }
}
