//! Where the time of training goes, and what the trainer's process takes, as the run's page says it.

use super::format;
use crate::store::runs::Run;
use crate::web::{AppState, Result};

/// From the series of a run; the parts of all its steps.
pub(crate) struct TimeShares {
    pub(crate) parts: Vec<Part>,
    /// What the shares say, in a sentence.
    pub(crate) words: String,
    /// Memory and processors, where they were measured.
    pub(crate) process: Option<String>,
}

/// A part of the bar, which is 100 wide.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) x: f64,
    pub(crate) width: f64,
}

impl Part {
    pub(crate) fn percent(&self) -> String {
        format::percent(Some(self.width / 100.0))
    }
}

const PARTS: [(&str, &str); 5] = [
    ("data", "waiting for images"),
    ("forward", "forward"),
    ("backward", "backward"),
    ("optimizer", "optimiser"),
    ("other", "other: captured batches, dials"),
];

impl TimeShares {
    /// `None` where nothing was measured: the run is of an earlier version, or has not begun.
    pub(crate) async fn load(app: &AppState, run: &Run) -> Result<Option<TimeShares>> {
        let mut means = Vec::new();
        for (name, _) in PARTS {
            let points = app.store.list_points(run.id, &format!("time/{name}")).await?;
            let shares: Vec<f64> = points.into_iter().filter_map(|(_, share)| share).collect();
            if shares.is_empty() {
                return Ok(None);
            }
            means.push(shares.iter().sum::<f64>() / shares.len() as f64);
        }
        let latest = |key: &str| run.summary.get(key).copied().flatten();
        let process = latest("process/memory_bytes").map(|bytes| {
            let processors = latest("process/processors")
                .map_or_else(String::new, |count| format!(" and keeps {count:.1} processors busy"));
            format!(
                "At its last report the trainer takes {} of memory{processors}.",
                format::bytes(bytes as i64)
            )
        });
        Ok(Some(TimeShares::of(&means, process)))
    }

    fn of(means: &[f64], process: Option<String>) -> TimeShares {
        let total = means.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let mut parts = Vec::new();
        let mut x = 0.0;
        for ((name, label), mean) in PARTS.into_iter().zip(means) {
            let width = mean / total * 100.0;
            parts.push(Part { name, label, x, width });
            x += width;
        }
        let waits = parts[0].width;
        let advice = if waits < 10.0 {
            "That is healthy: loading keeps up with the network."
        } else {
            "Healthy is below 10 %: loading is slower than the network. Smaller images on disk, fewer transforms or more threads help."
        };
        TimeShares {
            words: format!("{} of the time waits for images. {advice}", parts[0].percent()),
            parts,
            process,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TimeShares;

    #[test]
    fn the_bar_is_full_and_a_starved_network_is_told_of() {
        let times = TimeShares::of(&[0.3, 0.2, 0.4, 0.05, 0.05], None);
        let last = times.parts.last().unwrap();
        assert!((last.x + last.width - 100.0).abs() < 1e-9);
        assert!(
            times.words.starts_with("30") && times.words.contains("slower than the network"),
            "{}",
            times.words
        );
        let fed = TimeShares::of(&[0.02, 0.3, 0.6, 0.04, 0.04], None);
        assert!(fed.words.contains("healthy"), "{}", fed.words);
    }
}
