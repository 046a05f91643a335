//! The network waits for images: the loader is slower than it.

use super::words::percent;
use super::{Evidence, Finding, Fix, Kind, Place, median};
use protocol::spec::Training;

/// More than half of the time: the run would be twice as quick with a loader that keeps up. Small networks on small images, whose steps
/// take milliseconds, wait for up to a quarter of the time and are healthy.
const MUCH: f64 = 0.5;
/// The first report holds the loader's start.
const ENOUGH: usize = 6;

pub(super) fn detect(evidence: &Evidence) -> Vec<Finding> {
    // A last layer that learns alone has its inputs in memory, and hardly anything to compute.
    let is_head = matches!(evidence.spec.training, Training::Head { .. });
    if is_head || !evidence.spec.trains() || evidence.waiting.len() < ENOUGH {
        return Vec::new();
    }
    let Some(share) = median(evidence.waiting[1..].iter().copied()) else { return Vec::new() };
    if share < MUCH {
        return Vec::new();
    }
    let quicker = 1.0 / (1.0 - share).max(0.01);
    let fix = if evidence.spec.threads == 1 {
        Fix::new_run("Let it use every processor", &[("threads", "0".to_owned())])
    } else {
        Fix::new_run("Choose fewer transforms", &[])
    };
    let sentence = format!(
        "{} of the time it waits for images; below 10 % is healthy. With a loader that keeps up it would be up to {quicker:.0} times as quick: \
         smaller images on disk, fewer transforms or more threads help.",
        percent(share)
    );
    vec![Finding {
        kind: Kind::SlowLoading,
        // It takes time and spoils nothing.
        stake: share * 0.5,
        certainty: 0.95,
        fix: Some(fix),
        ..Finding::training_alarm("slow_loading", "Loading is slower than the network", sentence, Place::Time)
    }]
}
