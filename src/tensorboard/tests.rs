//! What is written of a journal is what is read again, whoever is killed and whenever.

use super::follow::{folder, follow_once};
use super::messages::{Content, Event, HyperParameterData, HyperParameters, SettingValue, Value, What};
use super::read::{Said, read};
use super::record::{Next, next};
use crate::domain::ids::RunId;
use crate::runs::directory::RunDirectory;
use prost::Message as _;
use protocol::spec::RunSpec;
use safetensors::tensor::TensorView;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const RUN: RunId = RunId(7);

fn spec() -> RunSpec {
    serde_json::from_value(json!({
        "dataset": "pets", "fingerprint": "f", "classes": ["cat", "dog"], "model": "small-cnn", "weights": null,
        "image_size": 32, "epochs": 2, "batch_size": 4, "optimizer": "adamw", "learning_rate": 0.002,
        "weight_decay": 0.01, "schedule": "constant", "warmup_epochs": 0.0,
        "train_transforms": [{"name": "normalize", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}],
        "eval_transforms": [], "seed": 3, "device": "cpu", "precision": "f32", "threads": 1, "capture_every_steps": 0,
        "evaluate_splits": ["val"],
    }))
    .unwrap()
}

/// A run that was killed after its fourth step, resumed from its third, and came to its end.
fn journal() -> String {
    let hello = json!({"event": "hello", "protocol": 2, "trainer": "", "torch": "", "device": "cpu", "threads": 1,
                       "precision": "f32", "precision_reason": "", "pid": 1});
    let started = |step: u64| json!({"event": "started", "step": step, "steps_per_epoch": 2, "parameters": 9, "layers": ["stem", "head"]});
    let step = |step: u64, loss: Option<f64>| {
        let values = json!({"train/loss": loss, "learning_rate": 0.1});
        json!({"event": "step", "step": step, "epoch": step / 2 + 1, "values": values})
    };
    let bins = |at: usize| {
        (0..13)
            .map(|bin| {
                if bin == at {
                    0.75
                } else if bin == at + 1 {
                    0.25
                } else {
                    0.0
                }
            })
            .collect::<Vec<f64>>()
    };
    let dials = |step: u64| {
        json!({"event": "dials", "step": step, "layers": {"gradient": [0.5, null]},
               "histograms": {"gradient": [bins(4), []]}, "values": {"time/data": 0.125}})
    };
    let items = [0, 1, 0].map(|label| json!({"sample_id": 1, "label": label, "sampled": []}));
    let channel = json!({"mean": 0.0, "std": 1.0, "min": -1.0, "max": 1.0});
    let batch = json!({"event": "batch", "step": 0, "epoch": 1, "path": "batches/step-00000000.safetensors", "size": 4,
                       "channels": [channel, channel, channel],
                       "items": items});
    let epoch =
        json!({"event": "epoch", "epoch": 2, "step": 3, "values": {"val/accuracy": 0.75}, "best": true});
    let lines = [
        hello.clone(),
        started(0),
        batch,
        step(0, Some(0.1)),
        dials(0),
        step(1, None),
        step(2, Some(7.0)),
        step(3, Some(8.0)),
        json!({"event": "of next year"}),
        hello,
        started(2),
        json!({"event": "note", "text": "It went on."}),
        step(2, Some(0.5)),
        step(3, Some(0.25)),
        json!({"event": "dials", "step": 3, "classes": {"recall": [0.5, null]}}),
        epoch,
        json!({"event": "completed", "step": 4, "best_epoch": 2}),
    ];
    let line = |(at, line): (usize, &serde_json::Value)| {
        let mut line = line.clone();
        line["at_ms"] = json!(1_700_000_000_500_i64 + 1000 * at as i64);
        format!("{line}\n")
    };
    lines.iter().enumerate().map(line).collect()
}

fn run(folder: &Path) -> RunDirectory {
    let directory = RunDirectory::at(folder.to_owned());
    std::fs::create_dir_all(folder.join("batches")).unwrap();
    std::fs::write(folder.join("spec.json"), serde_json::to_vec(&spec()).unwrap()).unwrap();
    let bytes: Vec<u8> = vec![0_f32; 3 * 3 * 32 * 32].iter().flat_map(|value| value.to_le_bytes()).collect();
    let view = TensorView::new(safetensors::Dtype::F32, vec![3, 3, 32, 32], &bytes).unwrap();
    let tensors = safetensors::serialize([("input", view)], None).unwrap();
    std::fs::write(folder.join("batches/step-00000000.safetensors"), tensors).unwrap();
    std::fs::write(directory.journal(), journal()).unwrap();
    directory
}

fn follow(directory: &RunDirectory, until: u64) {
    while follow_once(directory, RUN, until).unwrap() {}
}

/// The one event file.
fn event_file(directory: &RunDirectory) -> PathBuf {
    let files =
        std::fs::read_dir(folder(directory, RUN, &spec())).unwrap().map(|entry| entry.unwrap().path());
    let mut files = files.filter(|path| path.to_str().unwrap().contains("tfevents"));
    let file = files.next().unwrap();
    assert_eq!(files.next(), None);
    file
}

fn content(directory: &RunDirectory) -> Vec<u8> {
    std::fs::read(event_file(directory)).unwrap()
}

fn values(directory: &RunDirectory) -> Vec<Value> {
    let (bytes, mut values) = (content(directory), Vec::new());
    let mut rest = &bytes[..];
    while let Next::Event(event) = next(&mut rest).unwrap() {
        if let Some(What::Summary(summary)) = Event::decode(&*event).unwrap().what {
            values.extend(summary.values);
        }
    }
    values
}

#[test]
fn what_is_read_of_a_file_is_what_its_journal_says() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = run(temporary.path());
    follow(&directory, journal().len() as u64);
    assert!(event_file(&directory).parent().unwrap().ends_with("7-small-cnn"));
    let mut said = Vec::new();
    let skipped = read(&mut &*content(&directory), |at, what| {
        said.push((at, what));
        Ok(())
    })
    .unwrap();
    assert_eq!((skipped.damaged, skipped.cut_at), (0, None));
    assert_eq!(said[1].1, Said::RestartedAt(0));
    assert_eq!(said[0], (1_700_000_000.5, Said::Version("brain.Event:2".into())));
    let scalars = |step: i64, scalars: &[(&str, f64)]| {
        let widened = |number: f64| f64::from(number as f32);
        Said::Scalars(
            step,
            scalars.iter().map(|(tag, number)| ((*tag).to_owned(), widened(*number))).collect(),
        )
    };
    let named = |step, loss| scalars(step, &[("learning_rate", 0.1), ("train/loss", loss)]);
    assert_eq!(said[2], (1_700_000_003.5, named(0, 0.1)));
    let Said::Scalars(0, dials) = &said[3].1 else { panic!("{:?}", said[3]) };
    assert_eq!(
        (dials[0].clone(), dials[1].clone()),
        (("time/data".into(), 0.125), ("gradient/stem".into(), 0.5))
    );
    assert!(dials[2].0 == "gradient/head" && dials[2].1.is_nan() && dials.len() == 3, "{dials:?}");
    let Said::Scalars(1, gap) = &said[4].1 else { panic!("{:?}", said[4]) };
    assert!(gap[1].1.is_nan());
    let rest: Vec<Said> = said[7..].iter().map(|(_, what)| what.clone()).collect();
    let expected = [
        Said::RestartedAt(2),
        named(2, 0.5),
        named(3, 0.25),
        scalars(3, &[("recall/cat", 0.5)]),
        scalars(3, &[("val/accuracy", 0.75)]),
    ];
    assert_eq!(rest, expected);
}

#[test]
fn settings_batches_histograms_and_texts_are_there() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = run(temporary.path());
    follow(&directory, journal().len() as u64);
    let values = values(&directory);
    let of = |tag: &str| {
        values
            .iter()
            .filter(|value| value.tag == tag)
            .map(|value| value.content.clone().unwrap())
            .collect::<Vec<_>>()
    };
    let [Content::Image(image)] = &of("input_batch")[..] else { panic!("one batch") };
    assert_eq!((image.width, image.height), (2 * 32 + 2, 2 * 32 + 2));
    let sheet = image::load_from_memory(&image.encoded).unwrap().to_rgb8();
    // A tensor of zeros is its mean's grey; the place of a fourth image stays empty.
    assert!(sheet.pixels().all(|pixel| pixel.0.iter().all(|value| value.abs_diff(128) <= 2)));
    let [Content::Histogram(histogram)] = &of("gradient_log10/stem")[..] else { panic!("one histogram") };
    assert_eq!((histogram.min, histogram.max, histogram.num), (-6.0, -4.0, 100.0));
    assert_eq!((histogram.limits.len(), histogram.buckets[4], histogram.buckets[5]), (13, 75.0, 25.0));
    assert_eq!((of("specification").len(), of("notes").len()), (2, 1));
    let data = |tag: &str| {
        let value = values.iter().find(|value| value.tag == tag).unwrap();
        let plugin = value.metadata.clone().unwrap().plugin.unwrap();
        assert_eq!(plugin.name, "hparams");
        HyperParameters::decode(&*plugin.content).unwrap().data.unwrap()
    };
    let HyperParameterData::Start(start) = data("_hparams_/session_start_info") else { panic!("a start") };
    let setting = |name: &str| start.settings.get(name).and_then(|setting| setting.value.clone());
    assert_eq!(setting("learning_rate"), Some(SettingValue::Number(0.002)));
    assert_eq!(setting("training"), Some(SettingValue::Text("scratch".into())));
    assert_eq!(setting("train_transforms"), Some(SettingValue::Text("normalize".into())));
    assert_eq!((setting("weights"), setting("fingerprint")), (None, None));
    let HyperParameterData::Experiment(experiment) = data("_hparams_/experiment") else {
        panic!("an experiment")
    };
    assert!(start.settings.keys().all(|name| experiment.settings.iter().any(|info| info.name == *name)));
    assert!(matches!(data("_hparams_/session_end_info"), HyperParameterData::End(end) if end.status == 1));
}

#[test]
fn however_a_writer_is_killed_the_file_becomes_the_same() {
    let temporary = tempfile::tempdir().unwrap();
    let whole = run(&temporary.path().join("whole"));
    follow(&whole, journal().len() as u64);
    let expected = content(&whole);
    for (at, killed) in journal().match_indices('\n').zip(0_u64..) {
        let directory = run(&temporary.path().join(killed.to_string()));
        follow(&directory, at.0 as u64 + 1);
        let kept = content(&directory);
        assert!(expected.starts_with(&kept));
        // It had written on, and did not come to say so; or stopped within an event.
        let further = &expected[kept.len()..(kept.len() + 40 * killed as usize).min(expected.len())];
        std::fs::write(event_file(&directory), [&kept, further].concat()).unwrap();
        follow(&directory, journal().len() as u64);
        assert!(content(&directory) == expected, "killed after line {killed}");
        follow(&directory, journal().len() as u64);
        assert!(content(&directory) == expected, "nothing is added twice");
    }
}

#[test]
fn a_file_that_is_lost_or_of_other_settings_is_written_anew_beside_the_old_name() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = run(temporary.path());
    let until = journal().len() as u64;
    follow(&directory, until);
    let (first, expected) = (event_file(&directory), content(&directory));
    // Shorter than it should be: the disk lost its end.
    std::fs::write(&first, &expected[..99]).unwrap();
    follow(&directory, until);
    let second = event_file(&directory);
    assert!(second != first && content(&directory) == expected);
    std::fs::remove_file(second.with_file_name("position.json")).unwrap();
    follow(&directory, until);
    let third = event_file(&directory);
    assert!(third != second && content(&directory) == expected);
    // It was given more epochs.
    let longer = RunSpec { epochs: 9, ..spec() };
    std::fs::write(temporary.path().join("spec.json"), serde_json::to_vec(&longer).unwrap()).unwrap();
    follow(&directory, until);
    assert!(event_file(&directory) != third && content(&directory) != expected);
    // A run that was deleted meanwhile does not come back.
    std::fs::remove_dir_all(temporary.path()).unwrap();
    assert!(follow_once(&directory, RUN, until).is_err());
    assert!(!temporary.path().exists());
}

/// `tests/reference/make_event_fixtures.py` wrote these with PyTorch and with TensorBoard, and says what TensorBoard reads of them.
#[test]
fn files_of_other_tools_are_read_as_tensorboard_reads_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let expected = std::fs::read(folder.join("events.json")).unwrap();
    type Series<T> = BTreeMap<String, T>;
    type Points = Vec<(i64, Option<f64>)>;
    let expected: BTreeMap<String, Series<Points>> = serde_json::from_slice(&expected).unwrap();
    for (name, series) in &expected {
        let mut found: Series<BTreeMap<i64, Option<f64>>> = Series::new();
        let mut file =
            std::fs::File::open(folder.join("events").join(name).join("events.out.tfevents.0")).unwrap();
        let skipped = read(&mut file, |_, said| {
            match said {
                Said::Version(version) => assert_eq!(version, "brain.Event:2"),
                Said::RestartedAt(step) => {
                    found.values_mut().for_each(|points| points.retain(|at, _| *at < step))
                }
                Said::Scalars(step, values) => {
                    for (tag, value) in values {
                        found.entry(tag).or_default().insert(step, (!value.is_nan()).then_some(value));
                    }
                }
            }
            Ok(())
        })
        .unwrap();
        let expected: Series<BTreeMap<i64, Option<f64>>> =
            series.iter().map(|(tag, points)| (tag.clone(), points.iter().copied().collect())).collect();
        assert_eq!(found, expected, "{name}");
        // A histogram, an image and a text.
        assert_eq!(
            (skipped.damaged, skipped.cut_at, skipped.others),
            (0, None, if name == "torch" { 3 } else { 0 })
        );
    }
}
