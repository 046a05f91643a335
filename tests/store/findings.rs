//! What was found in a run: its evidence, what is kept of it, and what a person dismisses.

use crate::galleries::pets;
use crate::runs::{OTHER, RUN};
use protocol::sample::Split;
use tintype::domain::findings::{Action, Finding, Fix, Kind, Place};
use tintype::domain::ids::RunId;
use tintype::store::Store;
use tintype::store::findings::KeptFindings;
use tintype::store::run_list::RunSelection;

fn finding(alarm: &str) -> Finding {
    Finding {
        kind: Kind::SplitGap,
        alarm: alarm.to_owned(),
        title: "Other sizes".to_owned(),
        sentence: "They differ.".to_owned(),
        stake: 0.5,
        certainty: 1.0,
        evidence: Place::Images { class: None, split: Some(Split::Val) },
        fix: Some(Fix { label: "Try".to_owned(), action: Action::NewRun { fields: Vec::new() } }),
        samples: Vec::new(),
    }
}

pub(crate) async fn what_was_found_in_a_run(store: &Store) {
    let run = store.find_run(RUN).await.unwrap().unwrap();
    let evidence = store.find_evidence(&run, None).await.unwrap();
    let predicted = evidence.predicted.as_ref().unwrap();
    assert_eq!(predicted.actual.iter().sum::<u64>(), predicted.predicted.iter().sum::<u64>());
    assert!(evidence.epochs.iter().any(|epoch| epoch.val_accuracy.is_some()), "{:?}", evidence.epochs);
    assert!(evidence.dials.values().any(|reports| !reports.is_empty()), "{:?}", evidence.dials);
    assert!(
        evidence.dials.values().flatten().is_sorted_by_key(|report| report.step) || evidence.dials.len() > 1
    );
    let figures = store.list_image_figures(pets(store).await).await.unwrap();
    assert_eq!((figures.len(), figures[0].width), (12, 40));
    assert!(figures[0].brightness.is_some());

    let basis = store.find_findings_basis(RUN).await.unwrap().unwrap();
    assert_eq!(store.find_findings_basis(RunId(999)).await.unwrap(), None);
    assert!(store.find_findings(RUN).await.unwrap().is_none());
    let count = async || {
        let list = store.list_run_rows(RunSelection::One(RUN)).await.unwrap();
        let marks = store.list_run_marks().await.unwrap();
        let mark = marks.into_iter().find(|mark| mark.id == RUN).unwrap();
        (list.runs[0].findings, mark.findings)
    };
    assert_eq!(count().await, (0, 0));
    let keep = async |findings: Vec<Finding>| {
        let kept = KeptFindings { basis: basis.clone(), findings, splits: Some(Default::default()) };
        store.save_findings(RUN, &kept).await.unwrap();
    };
    keep(Vec::new()).await;
    assert_eq!(count().await, (0, 0), "nothing found is nothing new");
    keep(vec![finding("sizes"), finding("brightness")]).await;
    assert_eq!(count().await, (2, 1));
    keep(vec![finding("sizes"), finding("brightness")]).await;
    assert_eq!(count().await, (2, 1), "the same again");
    let kept = store.find_findings(RUN).await.unwrap().unwrap();
    assert_eq!((kept.basis, kept.findings.len()), (basis.clone(), 2));
    assert_eq!(kept.splits, Some(Default::default()));

    store.set_finding_dismissed(RUN, "sizes", true).await.unwrap();
    store.set_finding_dismissed(RUN, "sizes", true).await.unwrap();
    assert_eq!(store.list_dismissed_findings(RUN).await.unwrap().len(), 1);
    assert_eq!(count().await, (1, 3));
    assert!(store.list_dismissed_findings(OTHER).await.unwrap().is_empty());
    store.set_finding_dismissed(RUN, "sizes", false).await.unwrap();
    assert!(store.list_dismissed_findings(RUN).await.unwrap().is_empty());
    assert_eq!(count().await, (2, 4));
    // Of a run that was deleted meanwhile nothing is kept.
    store
        .save_findings(RunId(999), &KeptFindings { basis, findings: Vec::new(), splits: None })
        .await
        .unwrap();
    assert!(store.find_findings(RunId(999)).await.unwrap().is_none());
}
