//! Event files for TensorBoard, and series as tables.

use crate::replay::{play, start, until, with_data};
use crate::support::{Server, wait_until};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tintype::tensorboard::read::{Said, Skipped, read};

/// What an event file says in the end, by tag and step; what was taken back by a resume is not in it.
type Scalars = BTreeMap<String, BTreeMap<i64, f64>>;

fn event_files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect());
    let files: Vec<PathBuf> = entries.unwrap_or_default();
    files.into_iter().filter(|path| path.to_str().unwrap().contains("tfevents")).collect()
}

/// The scalars of the run's one file, and how many of them the file has.
fn scalars(folder: &Path) -> (Scalars, usize) {
    let (mut scalars, mut written) = (Scalars::new(), 0);
    for file in event_files(folder) {
        let take = |_, said| {
            match said {
                Said::RestartedAt(step) => {
                    scalars.values_mut().for_each(|points| points.retain(|at, _| *at < step));
                }
                Said::Scalars(step, values) => {
                    written += values.len();
                    for (tag, value) in values {
                        scalars.entry(tag).or_default().insert(step, value);
                    }
                }
                Said::Version(_) => {}
            }
            Ok(())
        };
        let skipped = read(&mut std::fs::File::open(file).unwrap(), take).unwrap();
        assert_eq!(Skipped { others: 0, ..skipped }, Skipped::default());
    }
    (scalars, written)
}

/// Every series of a run in all its points, as the API has them.
fn series(server: &Server, run: &Value) -> Scalars {
    let series = server.get(&format!("/api/v1/runs/{}/series?points=10000", run["id"]));
    let points = |series: &Value| {
        let points = series["points"].as_array().unwrap().iter();
        points.map(|point| (point[0].as_i64().unwrap(), point[1].as_f64().unwrap_or(f64::NAN))).collect()
    };
    series["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| (series["key"].as_str().unwrap().to_owned(), points(series)))
        .collect()
}

fn equal(of_file: &Scalars, of_api: &Scalars) -> Result<(), String> {
    for (key, points) in of_api {
        let Some(found) = of_file.get(key) else { return Err(format!("{key} is missing")) };
        // TensorBoard's scalars are of 32 bits.
        let same = |(step, value): (&i64, &f64)| {
            found
                .get(step)
                .is_some_and(|found| *found as f32 == *value as f32 || (found.is_nan() && value.is_nan()))
        };
        if found.len() != points.len() || !points.iter().all(same) {
            return Err(format!("{key}: {found:?} is not {points:?}"));
        }
    }
    Ok(())
}

#[test]
fn a_run_has_an_event_file_that_says_what_its_series_say() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    play(folder.path(), 1, &["nan", "happy"]);
    let run = until(&server, &start(&server, 3), "failed");
    assert_eq!(server.post(&format!("/api/v1/runs/{}/resume", run["id"]), &serde_json::json!({})).0, 200);
    let run = until(&server, &run, "completed");
    let of_api = series(&server, &run);
    assert!(of_api.len() > 8 && of_api["train/loss"].len() == 12, "{of_api:?}");
    let events = folder.path().join("runs/1/1-small-cnn");
    wait_until("the event file", || equal(&scalars(&events).0, &of_api));
}

#[test]
fn a_server_that_was_killed_goes_on_with_the_file_and_says_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    play(folder.path(), 1, &["silence", "happy"]);
    let run = start(&server, 3);
    let events = folder.path().join("runs/1/1-small-cnn");
    wait_until("the first events", || (scalars(&events).1 > 0).then_some(()).ok_or("none"));
    let path = format!("/api/v1/runs/{}", run["id"]);
    server.kill();
    // As if it had been killed between writing events and noting how far they are.
    let file = event_files(&events).remove(0);
    let before = std::fs::read(&file).unwrap();
    std::fs::write(&file, [before.clone(), before[..before.len() / 2].to_vec()].concat()).unwrap();
    let server = Server::start_with_replay(folder.path());
    server.post(&format!("{path}/cancel"), &serde_json::json!({}));
    until(&server, &run, "cancelled");
    let second = until(&server, &start(&server, 2), "completed");
    let events_of_second = folder.path().join("runs/2/2-small-cnn");
    wait_until("the second run's events", || equal(&scalars(&events_of_second).0, &series(&server, &second)));
    let run = server.get(&path);
    wait_until("the first run's events", || equal(&scalars(&events).0, &series(&server, &run)));
    let (found, written) = scalars(&events);
    assert_eq!(written, found.values().map(BTreeMap::len).sum::<usize>(), "each scalar once");
    assert_eq!(event_files(&events), [file]);
}

#[test]
fn series_are_tables_with_every_point() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let run = until(&server, &start(&server, 3), "completed");
    let of_api = series(&server, &run);
    let path = format!("/api/v1/runs/{}/series", run["id"]);

    let text = server.get_text(&format!("{path}.csv"));
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some("key,step,epoch,value"));
    let mut of_csv = Scalars::new();
    for row in rows {
        let [key, step, epoch, value] = row.split(',').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let step: i64 = step.parse().unwrap();
        assert_eq!(epoch, (step / 4 + 1).to_string(), "{row}");
        of_csv.entry(key.to_owned()).or_default().insert(step, value.parse().unwrap_or(f64::NAN));
    }
    assert_eq!(format!("{of_csv:?}"), format!("{of_api:?}"));

    let file = folder.path().join("series.parquet");
    std::fs::write(&file, server.get_bytes(&format!("{path}.parquet"))).unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(file).unwrap()).unwrap();
    let mut of_parquet = Scalars::new();
    for row in reader.get_row_iter(None).unwrap().map(Result::unwrap) {
        let points = of_parquet.entry(row.get_string(0).unwrap().clone()).or_default();
        points.insert(row.get_long(1).unwrap(), row.get_double(3).unwrap_or(f64::NAN));
    }
    assert_eq!(format!("{of_parquet:?}"), format!("{of_api:?}"));

    let one = server.get_text(&format!("{path}.csv?keys=val/loss"));
    assert_eq!(one.lines().count(), 1 + 3, "{one}");
    assert_eq!(server.status(&format!("{path}.csv?keys=val/loss,none")), 422);
    assert_eq!(server.status("/api/v1/runs/99/series.parquet"), 404);
    let page = server.get_text(&format!("/runs/{}", run["id"]));
    assert!(
        page.contains(&format!("href=\"{path}.parquet\"")) && page.contains("tensorboard --logdir "),
        "{page}"
    );
}
