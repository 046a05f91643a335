//! How the samples are spread over classes and splits.

use super::Subject;
use super::report::{Balance, MissingClass, TrainCount};
use protocol::sample::Split;

pub(super) fn of(subjects: &[&Subject], classes: &[String]) -> Balance {
    let mut counts = vec![[0_usize; 3]; classes.len()];
    for subject in subjects {
        counts[subject.label as usize][subject.split as usize] += 1;
    }
    let in_train = |label: usize| counts[label][Split::Train as usize];
    let of = |label: usize| TrainCount { class: classes[label].clone(), count: in_train(label) };
    // Of equal counts the first label wins, in both directions.
    let present = || (0..classes.len()).filter(|&label| in_train(label) > 0);
    let largest = present().rev().max_by_key(|&label| in_train(label)).map(of);
    let smallest = present().min_by_key(|&label| in_train(label)).map(of);
    let ratio =
        largest.as_ref().zip(smallest.as_ref()).map(|(most, least)| most.count as f64 / least.count as f64);

    let is_used = |split: &Split| counts.iter().any(|class| class[*split as usize] > 0);
    let used: Vec<Split> = Split::ALL.into_iter().filter(is_used).collect();
    let missing = counts.iter().zip(classes).filter_map(|(count, class)| {
        let splits: Vec<Split> = used.iter().copied().filter(|&split| count[split as usize] == 0).collect();
        (!splits.is_empty()).then(|| MissingClass { class: class.clone(), splits })
    });
    Balance { largest, smallest, ratio, missing: missing.collect() }
}
