//! Run directories with drawn images, and the program run in them.

use image::{Rgb, RgbImage};
use protocol::event::{Event, Record, Values};
use protocol::sample::{Sample, Split};
use protocol::spec::{
    DecayScope, Device, Loss, Mixing, Model, Optimizer, Precision, RunSpec, SampleKeys, Sampling, Schedule,
    Selection, Task, Training, Updates,
};
use protocol::transform::TransformSpec;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long an event is waited for: long, since other tests train on the same cores.
const PATIENCE: Duration = Duration::from_secs(150);

pub(crate) const SIDE: u32 = 32;

/// A run directory with its images; gone when dropped.
pub(crate) struct Run {
    folder: TempDir,
}

impl Run {
    /// 64 training, 16 validation and 16 test images: discs on the left against squares, on coloured noise.
    pub(crate) fn new(change: impl FnOnce(&mut RunSpec)) -> Self {
        let run = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(run.path("images")).unwrap();
        let mut samples = Vec::new();
        for id in 0..96_u32 {
            let path = run.path(&format!("images/{id}.png"));
            draw(id).save(&path).unwrap();
            let split = [(64, Split::Train), (80, Split::Val), (96, Split::Test)];
            let split = split.into_iter().find(|(end, _)| id < *end).unwrap().1;
            samples.push(Sample {
                id: i64::from(id) + 100,
                path: path.display().to_string(),
                label: id % 2,
                split,
                key: None,
            });
        }
        run.write_samples(&samples);
        let mut spec = spec();
        change(&mut spec);
        std::fs::write(run.path("spec.json"), serde_json::to_vec(&spec).unwrap()).unwrap();
        run
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn samples(&self) -> Vec<Sample> {
        let text = std::fs::read_to_string(self.path("samples.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn write_samples(&self, samples: &[Sample]) {
        let lines: Vec<String> =
            samples.iter().map(|sample| serde_json::to_string(sample).unwrap()).collect();
        std::fs::write(self.path("samples.jsonl"), lines.join("\n") + "\n").unwrap();
    }

    /// Writes the specification anew.
    pub(crate) fn change_spec(&self, change: impl FnOnce(&mut RunSpec)) {
        let mut spec: RunSpec = serde_json::from_slice(&read(&self.path("spec.json"))).unwrap();
        change(&mut spec);
        std::fs::write(self.path("spec.json"), serde_json::to_vec(&spec).unwrap()).unwrap();
    }

    /// Runs the trainer to its end.
    pub(crate) fn train(&self) -> Output {
        program().arg("train").arg(self.folder.path()).output().unwrap()
    }

    /// Runs the trainer to its end, which must be a good one.
    pub(crate) fn complete(&self) {
        let output = self.train();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.is_empty());
        assert!(matches!(self.events().last(), Some(Event::Completed { .. })));
    }

    /// Runs the trainer to its end, which must be a failure.
    pub(crate) fn fail(&self) -> protocol::event::Failure {
        let output = self.train();
        assert_eq!(output.status.code(), Some(1));
        let events = self.events();
        assert!(matches!(events.first(), Some(Event::Hello(_))));
        let Some(Event::Failed(failure)) = events.last() else { panic!("{:?}", events.last()) };
        assert!(String::from_utf8_lossy(&output.stderr).contains(&failure.reason));
        failure.clone()
    }

    /// Starts the trainer.
    pub(crate) fn start(&self) -> Child {
        program().arg("train").arg(self.folder.path()).stdin(Stdio::null()).spawn().unwrap()
    }

    /// Waits until the journal holds an event for which `until` is true, while `child` lives. Only whole lines that were not
    /// read before are read, so that waiting takes no core from the trainer.
    pub(crate) fn wait_for(&self, child: &mut Child, until: impl Fn(&Event) -> bool) {
        let begun = Instant::now();
        let (mut read, mut last) = (0, None);
        loop {
            // Asked before the journal is read: what was written before the end then counts.
            let ended = child.try_wait().unwrap();
            let text = std::fs::read(self.path("journal.jsonl")).unwrap_or_default();
            let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            for line in text[read..whole].split(|byte| *byte == b'\n') {
                let Ok(record) = serde_json::from_slice::<Record>(line) else { continue };
                if until(&record.event) {
                    return;
                }
                last = Some(record.event);
            }
            read = whole;
            assert!(ended.is_none(), "the trainer ended first ({ended:?}): {last:?}");
            assert!(
                begun.elapsed() < PATIENCE,
                "waited in vain for an event of the journal; at last: {last:?}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Every whole record of the journal so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        let text = std::fs::read_to_string(self.path("journal.jsonl")).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .filter_map(|line| serde_json::from_str::<Record>(line).ok())
            .map(|record| record.event)
            .collect()
    }

    /// What must not depend on when and how often a run was interrupted: all values by kind and place, without
    /// those that measure time. A place that was reached twice must have had the same values both times.
    pub(crate) fn values(&self) -> BTreeMap<(String, u64), Values> {
        let mut all = BTreeMap::new();
        for event in self.events() {
            let (key, values) = match event {
                Event::Step { step, mut values, .. } => {
                    values.remove("images_per_second").expect("every step has a rate");
                    (("step".to_owned(), step), values)
                }
                Event::Epoch { epoch, values, .. } => (("epoch".to_owned(), u64::from(epoch)), values),
                Event::Dials(dials) => {
                    let mut values = Values::new();
                    for (dial, numbers) in &dials.layers {
                        let number =
                            |(at, number): (usize, &Option<f64>)| (format!("{dial:?} {at}"), *number);
                        values.extend(numbers.iter().enumerate().map(number));
                    }
                    for (dial, layers) in &dials.histograms {
                        for (layer, bins) in layers.iter().enumerate() {
                            let bin =
                                |(at, bin): (usize, &f64)| (format!("{dial:?} {layer} {at}"), Some(*bin));
                            values.extend(bins.iter().enumerate().map(bin));
                        }
                    }
                    for numbers in dials.classes.values() {
                        values.extend(
                            (0..).zip(numbers).map(|(at, number): (u32, _)| (at.to_string(), *number)),
                        );
                    }
                    let kind = if dials.classes.is_empty() { "layers" } else { "classes" };
                    ((kind.to_owned(), dials.step), values)
                }
                Event::Completed { step, best_epoch } => (
                    ("completed".to_owned(), step),
                    Values::from([("best".to_owned(), Some(f64::from(best_epoch)))]),
                ),
                _ => continue,
            };
            if let Some(before) = all.insert(key.clone(), values.clone()) {
                assert_eq!(before, values, "{key:?} came out differently the second time");
            }
        }
        all
    }

    /// Every file of numbers that the run has left, by name.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for folder in ["checkpoints", "predictions", "batches"] {
            for entry in std::fs::read_dir(self.path(folder)).unwrap() {
                let path = entry.unwrap().path();
                files.insert(
                    path.strip_prefix(self.folder.path()).unwrap().display().to_string(),
                    read(&path),
                );
            }
        }
        files
    }

    /// Asserts that two runs have come to the same, to the bit.
    pub(crate) fn assert_same(&self, other: &Self) {
        assert_eq!(self.values(), other.values());
        let (own, others) = (self.files(), other.files());
        assert_eq!(own.keys().collect::<Vec<_>>(), others.keys().collect::<Vec<_>>());
        for (name, bytes) in &own {
            assert!(bytes == &others[name], "{name} differs");
        }
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// The trainer.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tintype-trainer"))
}

/// Three epochs of the small network, with random transforms.
fn spec() -> RunSpec {
    let normalize = TransformSpec::Normalize { mean: [0.5; 3], std: [0.25; 3] };
    RunSpec {
        task: Task::Train,
        dataset: "drawn".to_owned(),
        fingerprint: "none".to_owned(),
        classes: vec!["disc".to_owned(), "square".to_owned()],
        model: Model::SmallCnn,
        weights: None,
        training: Training::Scratch,
        image_size: SIDE,
        epochs: 3,
        pause_after_epoch: None,
        batch_size: 12,
        optimizer: Optimizer::Adamw,
        learning_rate: 2e-3,
        weight_decay: 0.01,
        decay_scope: DecayScope::All,
        loss: Loss::default(),
        sampling: Sampling::Shuffled,
        updates: Updates::default(),
        selection: Selection::default(),
        schedule: Schedule::Cosine,
        warmup_epochs: 0.5,
        train_transforms: vec![
            TransformSpec::random_crop(SIDE, 2),
            TransformSpec::HorizontalFlip { probability: 0.5 },
            normalize.clone(),
        ],
        mixing: Mixing::default(),
        eval_transforms: vec![TransformSpec::resize_exact(SIDE), normalize],
        seed: 7,
        sample_keys: SampleKeys::Id,
        device: Device::Cpu,
        precision: Precision::F32,
        threads: 2,
        capture_every_steps: 5,
    }
}

/// Chooses a model, and larger images where it needs them.
pub(crate) fn set_model(spec: &mut RunSpec, model: Model) {
    spec.model = model;
    let size = model.min_image_size();
    if size > spec.image_size {
        spec.image_size = size;
        for transforms in [&mut spec.train_transforms, &mut spec.eval_transforms] {
            let end = transforms.len() - 1;
            transforms.insert(end, TransformSpec::resize_exact(size));
        }
    }
}

/// A disc (even `id`) or a square (odd) of some size, place and colour on noise.
fn draw(id: u32) -> RgbImage {
    let mut state = id.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let radius = i64::from(6 + random(5));
    let (x0, y0) = (i64::from(12 + random(9)), i64::from(12 + random(9)));
    let colour = [0; 3].map(|_| 120 + random(130) as u8);
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (dx, dy) = (i64::from(x) - x0, i64::from(y) - y0);
        let inside = if id.is_multiple_of(2) {
            dx * dx + dy * dy <= radius * radius
        } else {
            dx.abs().max(dy.abs()) <= radius
        };
        if inside { Rgb(colour) } else { Rgb([0; 3].map(|_| random(100) as u8)) }
    })
}
