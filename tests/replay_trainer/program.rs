//! Takes the trainer's place in tests: it plays a script into a run's folder in milliseconds, without libtorch. What it
//! writes are `protocol`'s own types, so that it can't drift from what a trainer writes.
//!
//! `<data>/replay/<run>` names the scripts of a run, one a line for each attempt; the last counts for all further ones. Without
//! that file the run goes well.
#![allow(clippy::disallowed_methods, reason = "a test may wait for the disk")]
#![expect(clippy::print_stderr, reason = "a server reads what a trainer prints, so a script prints")]

use anyhow::{Context as _, bail};
use protocol::event::{
    Batch, BatchItem, ChannelStats, ComputeDevice, Dials, Dtype, Event, Failure, Hello, LayerDial, Record,
    Stage, Started, Values,
};
use protocol::files;
use protocol::sample::{Sample, Split};
use protocol::spec::{RunSpec, Task};
use safetensors::tensor::TensorView;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How the process ends, if it does.
type End = anyhow::Result<ExitCode>;
type Script = fn(&mut Run) -> End;

/// What can be played.
const SCRIPTS: &[(&str, Script)] = &[
    ("happy", happy),
    ("other mistakes", other_mistakes),
    ("better by rate", better_by_rate),
    ("nan", nan),
    ("crash", crash),
    ("killed", killed),
    ("silence", silence),
    ("starved", starved),
    ("mute", mute),
    ("gone", gone),
    ("garbage", garbage),
    ("half a line", half_a_line),
    ("another protocol", another_protocol),
    ("earlier protocol", earlier_protocol),
    ("unknown hello", unknown_hello),
    ("wide predictions", wide_predictions),
    ("no predictions", no_predictions),
];

/// Of the model that it pretends to train.
const LAYERS: [&str; 3] = ["stage1.conv", "stage1.norm", "head"];
/// A script that waits ends by itself after so long: whoever started it is gone.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    match play() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("the replay trainer: {error:#}");
            ExitCode::from(101)
        }
    }
}

fn play() -> End {
    let mut arguments = std::env::args_os().skip(1);
    anyhow::ensure!(arguments.next().is_some_and(|command| command == "train"), "it can only train");
    let directory = PathBuf::from(arguments.next().context("a run's folder is missing")?);
    let name = script(&directory)?;
    let (_, script) =
        SCRIPTS.iter().find(|(known, _)| *known == name).with_context(|| format!("no script “{name}”"))?;
    script(&mut Run::open(directory)?)
}

/// The script of this attempt at this run.
fn script(directory: &Path) -> anyhow::Result<String> {
    let mut attempts = File::options().create(true).append(true).open(directory.join("attempts"))?;
    let before = usize::try_from(attempts.metadata()?.len())?;
    attempts.write_all(b".")?;
    // A run lies in `runs`, a further job of it in `jobs` in the run's folder; its script is called `run-job`.
    let mut places = directory.ancestors();
    let mut next =
        || places.next().and_then(Path::file_name).and_then(|name| name.to_str()).context("a folder");
    let mut name = next()?.to_owned();
    if next()? == files::JOBS {
        name = format!("{}-{name}", next()?);
        next()?;
    }
    let data = places.next().context("a run lies in a data directory")?;
    let Ok(scripts) = std::fs::read_to_string(data.join("replay").join(name)) else {
        return Ok("happy".into());
    };
    let scripts: Vec<&str> = scripts.lines().collect();
    let script = scripts.get(before).or(scripts.last()).context("no script is named")?;
    Ok((*script).to_owned())
}

/// A run's folder and journal.
struct Run {
    directory: PathBuf,
    spec: RunSpec,
    samples: Vec<Sample>,
    journal: File,
    /// Epochs that an earlier attempt finished.
    epochs: u32,
    /// By how many classes the prediction of the sample at this place is beside its own.
    mistake: fn(usize) -> usize,
    /// On the validation split, of every epoch.
    accuracy: f64,
}

impl Run {
    fn open(directory: PathBuf) -> anyhow::Result<Run> {
        let spec = serde_json::from_slice(&std::fs::read(directory.join(files::SPEC))?)?;
        let samples = std::fs::read_to_string(directory.join(files::SAMPLES))?;
        let samples = samples.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let path = directory.join(files::JOURNAL);
        let mut journal = File::options().create(true).append(true).read(true).open(path)?;
        let mut before = Vec::new();
        journal.read_to_end(&mut before)?;
        let before = String::from_utf8_lossy(&before);
        // As the trainer does: what an earlier attempt left unfinished gets its end.
        if journal.seek(SeekFrom::End(0))? > 0 && !before.ends_with('\n') {
            journal.write_all(b"\n")?;
        }
        let checkpoint = |line| match serde_json::from_str::<Record>(line).ok()?.event {
            Event::Checkpoint { epoch, .. } => Some(epoch),
            _ => None,
        };
        let epochs = before.lines().filter_map(checkpoint).max().unwrap_or(0);
        Ok(Run {
            directory,
            spec,
            samples,
            journal,
            epochs,
            mistake: |at| usize::from(at % 4 == 3),
            accuracy: 0.75,
        })
    }

    fn say(&mut self, event: Event) -> anyhow::Result<()> {
        let at_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let mut line = serde_json::to_vec(&Record { at_ms: i64::try_from(at_ms.as_millis())?, event })?;
        line.push(b'\n');
        Ok(self.journal.write_all(&line)?)
    }

    /// Writes as it is, whole line or not.
    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.journal.write_all(bytes)?)
    }

    fn hello(&mut self, protocol: u32) -> anyhow::Result<()> {
        let hello = Hello {
            protocol,
            trainer: "replay".into(),
            torch: "none".into(),
            device: ComputeDevice::Cpu,
            threads: 1,
            precision: Dtype::F32,
            precision_reason: "Nothing is computed.".into(),
            pid: std::process::id(),
        };
        self.say(Event::Hello(hello))
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        self.hello(protocol::PROTOCOL)?;
        self.say(Event::Started(Started {
            step: u64::from(self.epochs) * self.steps(),
            steps_per_epoch: self.steps(),
            parameters: 1234,
            layers: LAYERS.map(str::to_owned).to_vec(),
        }))
    }

    fn of(&self, split: Split) -> Vec<Sample> {
        self.samples.iter().filter(|sample| sample.split == split).cloned().collect()
    }

    fn steps(&self) -> u64 {
        (self.of(Split::Train).len() as u64).div_ceil(u64::from(self.spec.batch_size)).max(1)
    }

    /// A step; the loss falls as one over the steps taken.
    fn step(&mut self, step: u64, epoch: u32, loss: Option<f64>) -> anyhow::Result<()> {
        if step == 0 {
            self.batch()?;
        }
        let values = Values::from([
            ("train/loss".to_owned(), loss),
            ("train/accuracy".to_owned(), Some(0.5)),
            ("learning_rate".to_owned(), Some(self.spec.learning_rate)),
            ("images_per_second".to_owned(), Some(1000.0)),
        ]);
        self.say(Event::Step { step, epoch, values })?;
        let norms = vec![Some(0.5), Some(0.25), loss];
        let layers = BTreeMap::from([(LayerDial::Gradient, norms.clone()), (LayerDial::Weight, norms)]);
        self.say(Event::Dials(Dials { step, layers, ..Dials::default() }))
    }

    fn batch(&mut self) -> anyhow::Result<()> {
        let samples: Vec<Sample> = self.of(Split::Train).into_iter().take(4).collect();
        let side = self.spec.image_size as usize;
        let input: Vec<u8> = (0..samples.len() * 3 * side * side)
            .flat_map(|at| ((at % 7) as f32 / 7.0).to_le_bytes())
            .collect();
        let view = TensorView::new(safetensors::Dtype::F32, vec![samples.len(), 3, side, side], &input)?;
        let path = format!("{}/step-00000000.safetensors", files::BATCHES);
        self.keep(&path, &safetensors::serialize([("input", view)], None)?)?;
        let channel = ChannelStats { mean: Some(0.0), std: Some(1.0), min: Some(-2.0), max: Some(2.0) };
        let item = |sample: Sample| BatchItem {
            sample_id: sample.id,
            label: sample.label,
            sampled: vec![],
            mixed: None,
        };
        let items = samples.into_iter().map(item).collect();
        let size = self.spec.batch_size;
        self.say(Event::Batch(Batch { step: 0, epoch: 1, path, size, channels: [channel; 3], items }))
    }

    /// One epoch with its figures, predictions and checkpoint. Every one is better than the one before.
    fn epoch(&mut self, epoch: u32, columns: usize) -> anyhow::Result<()> {
        let begun = u64::from(epoch - 1) * self.steps();
        for step in begun..begun + self.steps() {
            self.step(step, epoch, Some(1.0 / (step + 1) as f64))?;
        }
        let step = begun + self.steps() - 1;
        let loss = Some(1.0 / f64::from(epoch + 1));
        let values = [
            ("val/loss", loss),
            ("val/accuracy", Some(self.accuracy)),
            ("epoch/train_loss", loss),
            ("epoch/train_accuracy", Some(0.8)),
        ];
        let values = values.map(|(key, value)| (key.to_owned(), value)).into();
        self.say(Event::Epoch { epoch, step, values, best: true })?;
        self.predict(Split::Val, epoch, &format!("val-{epoch:04}"), columns)?;
        self.checkpoint(step + 1, epoch)
    }

    fn checkpoint(&mut self, step: u64, epoch: u32) -> anyhow::Result<()> {
        let weight = step.to_le_bytes();
        let view = TensorView::new(safetensors::Dtype::I64, vec![1], &weight)?;
        let weights = safetensors::serialize([("step", view)], None)?;
        for name in ["best", "last"] {
            self.keep(&format!("{}/{name}.safetensors", files::CHECKPOINTS), &weights)?;
        }
        self.say(Event::Checkpoint { step, epoch })
    }

    /// Every fourth sample is predicted as the class behind its own, unless a script says otherwise; the rest are right.
    fn predict(&mut self, split: Split, epoch: u32, name: &str, columns: usize) -> anyhow::Result<()> {
        let samples = self.of(split);
        let numbers = |number: fn(&Sample) -> i64| -> Vec<u8> {
            samples.iter().flat_map(|sample| number(sample).to_le_bytes()).collect()
        };
        let (ids, labels) = (numbers(|sample| sample.id), numbers(|sample| i64::from(sample.label)));
        let (mut logits, mut loss) = (Vec::new(), Vec::new());
        for (at, sample) in samples.iter().enumerate() {
            let said = (sample.label as usize + (self.mistake)(at)) % columns;
            let row = (0..columns).map(|column| if column == said { 2.0 + at as f32 / 100.0 } else { 0.0 });
            logits.extend(row.flat_map(f32::to_le_bytes));
            loss.extend(0.5_f32.to_le_bytes());
        }
        let count = samples.len();
        let tensor = |kind, shape: &[usize], data| TensorView::new(kind, shape.to_vec(), data);
        let tensors = BTreeMap::from([
            ("sample_id", tensor(safetensors::Dtype::I64, &[count], &ids)?),
            ("label", tensor(safetensors::Dtype::I64, &[count], &labels)?),
            ("logits", tensor(safetensors::Dtype::F32, &[count, columns], &logits)?),
            ("loss", tensor(safetensors::Dtype::F32, &[count], &loss)?),
            ("embedding", tensor(safetensors::Dtype::F32, &[count, 1], &loss)?),
        ]);
        let path = format!("{}/{name}.safetensors", files::PREDICTIONS);
        self.keep(&path, &safetensors::serialize(tensors, None)?)?;
        self.say(Event::Predictions { split, epoch, path, best: true })
    }

    /// Writes a file whole or not at all.
    fn keep(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.directory.join(name);
        std::fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        let part = path.with_extension("part");
        std::fs::write(&part, bytes)?;
        Ok(std::fs::rename(part, path)?)
    }

    /// What is done before it ends badly.
    fn a_part(&mut self) -> anyhow::Result<()> {
        if self.spec.trains() {
            return self.epoch(1, self.classes());
        }
        self.say(Event::Progress { stage: Stage::Evaluate, done: 1, total: self.samples.len() as u64 })
    }

    /// The more surely of the last class, the later an image comes.
    fn predict_unknown(&mut self, columns: usize) -> anyhow::Result<()> {
        let ids: Vec<u8> = self.samples.iter().flat_map(|sample| sample.id.to_le_bytes()).collect();
        let row =
            |at: usize| (0..columns).map(move |column| if column + 1 == columns { at as f32 } else { 0.5 });
        let logits: Vec<u8> = (0..self.samples.len()).flat_map(row).flat_map(f32::to_le_bytes).collect();
        let count = self.samples.len();
        let tensors = [
            ("sample_id", TensorView::new(safetensors::Dtype::I64, vec![count], &ids)?),
            ("logits", TensorView::new(safetensors::Dtype::F32, vec![count, columns], &logits)?),
        ];
        let path = format!("{}/images.safetensors", files::PREDICTIONS);
        self.keep(&path, &safetensors::serialize(tensors, None)?)?;
        self.say(Event::Predicted { path })
    }

    /// All that is left of the run.
    fn rest(&mut self, columns: usize) -> End {
        match self.spec.task.clone() {
            Task::Train => {}
            Task::Evaluate { splits } => {
                for split in splits {
                    let name = if split == Split::Test { "test".into() } else { format!("{split}-0000") };
                    self.predict(split, 0, &name, columns)?;
                }
            }
            Task::FindLearningRate { steps } => {
                // It falls by one around a hundredth and explodes near the end.
                let loss = |rate: f64| 1.0 + 1.0 / (1.0 + (rate / 0.01).powi(2)) + (rate / 2.0).powi(4);
                let rates = (0..u64::from(steps)).map(|step| protocol::learning_rates::rate(step, steps));
                let points = rates.map(|rate| (rate, Some(loss(rate)))).collect();
                self.say(Event::LearningRates { points })?;
            }
            Task::Predict => self.predict_unknown(columns)?,
        }
        if !self.spec.trains() {
            self.say(Event::Completed { step: 0, best_epoch: 0 })?;
            return Ok(ExitCode::SUCCESS);
        }
        for epoch in self.epochs + 1..=self.spec.epochs {
            self.epoch(epoch, columns)?;
            if self.spec.pause_after_epoch == Some(epoch) && epoch < self.spec.epochs {
                self.say(Event::Stopped { step: u64::from(epoch) * self.steps() })?;
                return Ok(ExitCode::SUCCESS);
            }
        }
        let best_epoch = self.spec.epochs;
        if !self.of(Split::Test).is_empty() {
            self.predict(Split::Test, best_epoch, "test", columns)?;
        }
        self.say(Event::Completed { step: u64::from(best_epoch) * self.steps(), best_epoch })?;
        Ok(ExitCode::SUCCESS)
    }

    fn classes(&self) -> usize {
        self.spec.classes.len()
    }
}

fn happy(run: &mut Run) -> End {
    run.begin()?;
    run.rest(run.classes())
}

/// As well as the others, but not on the same samples: the fourth is right, the others that they get wrong are predicted as the class
/// two behind their own, and every fifth is wrong too.
/// The greater its learning rate, the better it gets.
fn better_by_rate(run: &mut Run) -> End {
    run.accuracy = 0.5 + run.spec.learning_rate;
    happy(run)
}

fn other_mistakes(run: &mut Run) -> End {
    run.mistake = |at| match at {
        3 => 0,
        at if at % 4 == 3 => 2,
        at => usize::from(at % 5 == 0),
    };
    happy(run)
}

/// The loss is no number any more.
fn nan(run: &mut Run) -> End {
    run.begin()?;
    run.step(0, 1, Some(1.0))?;
    run.step(1, 1, None)?;
    let batch: Vec<i64> = run.of(Split::Train).iter().take(4).map(|sample| sample.id).collect();
    run.say(Event::Failed(Failure {
        reason: "The loss is not finite at step 1: layer head gave infinity.".into(),
        advice: Some("Lower the learning rate.".into()),
        step: Some(1),
        layer: Some("head".into()),
        batch: batch.clone(),
        not_finite: batch[..1].to_vec(),
    }))?;
    Ok(ExitCode::FAILURE)
}

/// It ends by an error of its own that only its standard error tells.
fn crash(run: &mut Run) -> End {
    run.begin()?;
    run.a_part()?;
    eprintln!("thread 'main' panicked: no space left for <tensors>");
    Ok(ExitCode::from(101))
}

/// As `kill -9` or the system does when memory runs out.
fn killed(run: &mut Run) -> End {
    run.begin()?;
    run.a_part()?;
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
    bail!("a killed process goes on");
}

/// It has begun and says no more; on request it writes a checkpoint and ends.
fn silence(run: &mut Run) -> End {
    until_stopped(run, |run| match run.spec.trains() {
        true => run.step(0, 1, Some(1.0)).map(|()| 1),
        false => run.a_part().map(|()| 0),
    })
}

/// Nine tenths of the time it waits for images, and then it says no more.
fn starved(run: &mut Run) -> End {
    const STEPS: u64 = 12;
    until_stopped(run, |run| {
        for step in 0..STEPS {
            run.step(step, 1, Some(1.0 / (step + 1) as f64))?;
            let shares = [
                ("time/data", 0.9),
                ("time/forward", 0.04),
                ("time/backward", 0.04),
                ("time/optimizer", 0.01),
                ("time/other", 0.01),
            ];
            let values = shares.map(|(key, share)| (key.to_owned(), Some(share))).into();
            run.say(Event::Dials(Dials { step, values, ..Dials::default() }))?;
        }
        Ok(STEPS)
    })
}

/// Does some work, as many steps as that says, and waits for a request to stop.
fn until_stopped(run: &mut Run, work: fn(&mut Run) -> anyhow::Result<u64>) -> End {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Listened to before anybody can know of this process.
        let mut stop = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        run.begin()?;
        let step = work(run)?;
        tokio::time::timeout(PATIENCE, stop.recv()).await?;
        if run.spec.trains() {
            run.checkpoint(step, 0)?;
        }
        run.say(Event::Stopped { step })?;
        Ok(ExitCode::SUCCESS)
    })
}

/// It never says anything, and a request to stop ends it without a word.
fn mute(_: &mut Run) -> End {
    std::thread::sleep(PATIENCE);
    bail!("nobody has ended it")
}

/// It ends as if all were well, with nothing said.
fn gone(_: &mut Run) -> End {
    Ok(ExitCode::SUCCESS)
}

/// What can't be read stands between lines that can.
fn garbage(run: &mut Run) -> End {
    run.begin()?;
    run.write(b"this is <b>no</b> JSON\n")?;
    run.write(b"{\"at_ms\":1,\"event\":\"levitated\",\"step\":3}\n")?;
    run.write(b"\xff\xfe\x00\n\n")?;
    run.rest(run.classes())
}

/// It dies in the middle of a line.
fn half_a_line(run: &mut Run) -> End {
    run.begin()?;
    run.a_part()?;
    run.write(b"{\"at_ms\":1,\"event\":\"st")?;
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
    bail!("a killed process goes on");
}

/// A trainer of a later version: the rest of what it says would be misread.
fn another_protocol(run: &mut Run) -> End {
    run.hello(protocol::PROTOCOL + 1)?;
    mute(run)
}

/// The program of an earlier version.
fn earlier_protocol(run: &mut Run) -> End {
    run.hello(protocol::PROTOCOL - 1)?;
    mute(run)
}

/// One whose first line this version can't even read.
fn unknown_hello(run: &mut Run) -> End {
    let line = format!(
        "{{\"at_ms\":1,\"event\":\"hello\",\"protocol\":{},\"who\":\"me\"}}\n",
        protocol::PROTOCOL + 1
    );
    run.write(line.as_bytes())?;
    mute(run)
}

/// Predictions with more columns than the run has classes.
fn wide_predictions(run: &mut Run) -> End {
    run.begin()?;
    run.rest(run.classes() + 1)
}

/// A file is announced that is not there.
fn no_predictions(run: &mut Run) -> End {
    run.begin()?;
    let path = format!("{}/val-0001.safetensors", files::PREDICTIONS);
    run.say(Event::Predictions { split: Split::Val, epoch: 1, path, best: true })?;
    let step = u64::from(run.spec.epochs) * run.steps();
    run.say(Event::Completed { step, best_epoch: 1 })?;
    Ok(ExitCode::SUCCESS)
}
