//! When a run took its steps, read from its journal. Time is the trainer's own: what passes between two of its starts (a
//! pause, a crash, a wait in the queue) is nobody's work and counts for nothing.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::path::Path;

/// Steps whose time is told; between two of them time passes evenly enough for a chart.
const TOLD: usize = 1000;

/// The steps of a run by the clock.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Step and milliseconds of work before it was taken, ascending.
    pub points: Vec<(u64, i64)>,
    /// When the trainer last spoke, in milliseconds since 1970-01-01 UTC; later words go on from here.
    pub at_ms: i64,
}

/// What of a record tells the time.
#[derive(Deserialize)]
struct Moment {
    at_ms: i64,
    event: String,
    step: Option<u64>,
}

/// Reads the first `bytes` of a journal. A journal that is not there has told nothing yet.
///
/// # Errors
/// The file can't be read.
pub fn read(journal: &Path, bytes: u64) -> std::io::Result<Clock> {
    let file = match File::open(journal) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Clock::default()),
        Err(error) => return Err(error),
    };
    let mut clock = Clock::default();
    let mut worked_ms = 0;
    for line in BufReader::new(file.take(bytes)).split(b'\n') {
        let Ok(moment) = serde_json::from_slice::<Moment>(&line?) else { continue };
        // A trainer begins with `hello`.
        if moment.event != "hello" {
            worked_ms += (moment.at_ms - clock.at_ms).max(0);
        }
        clock.at_ms = moment.at_ms;
        if let (true, Some(step)) = (matches!(moment.event.as_str(), "step" | "epoch"), moment.step) {
            // A resumed run says its last steps again: the later word counts.
            while clock.points.last().is_some_and(|(last, _)| *last >= step) {
                clock.points.pop();
            }
            clock.points.push((step, worked_ms));
        }
    }
    thin_out(&mut clock.points);
    Ok(clock)
}

/// Evenly chosen points, the first and the last among them.
fn thin_out(points: &mut Vec<(u64, i64)>) {
    let count = points.len();
    if count > TOLD {
        *points = (0..TOLD).map(|at| points[at * (count - 1) / (TOLD - 1)]).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(lines: &str) -> Clock {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.jsonl");
        std::fs::write(&journal, lines).unwrap();
        read(&journal, u64::MAX).unwrap()
    }

    #[test]
    fn breaks_don_t_count_and_repeated_steps_count_once() {
        let clock = clock(
            r#"{"at_ms":1000,"event":"hello"}
{"at_ms":1500,"event":"step","step":0,"values":{}}
{"at_ms":1700,"event":"step","step":1}
{"at_ms":1800,"event":"step","step":2}
{"at_ms":9000,"event":"hello"}
torn {
{"at_ms":9100,"event":"step","step":1}
{"at_ms":9150,"event":"gradients","step":1}
{"at_ms":9300,"event":"epoch","step":2}
"#,
        );
        assert_eq!(clock, Clock { points: vec![(0, 500), (1, 900), (2, 1100)], at_ms: 9300 });
    }

    #[test]
    fn a_long_run_keeps_its_ends() {
        let lines: String = (0..2500)
            .map(|step| format!("{{\"at_ms\":{step},\"event\":\"step\",\"step\":{step}}}\n"))
            .collect();
        let points = clock(&lines).points;
        assert_eq!((points.len(), points[0].0, points[TOLD - 1].0), (TOLD, 0, 2499));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_journal_that_is_not_there_yet_tells_nothing() {
        assert_eq!(read(Path::new("/nowhere/journal.jsonl"), 9).unwrap(), Clock::default());
    }
}
