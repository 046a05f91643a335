//! A run from the lock to its last event in the journal: everything that can go wrong ends here, in words.

use crate::averages::Averages;
use crate::checkpoint::{self, Learned};
use crate::dials::Meter;
use crate::directory::{Directory, Samples, SharedFiles};
use crate::environment;
use crate::fault::Fault;
use crate::features::Features;
use crate::find_learning_rate::Search;
use crate::loader::Loader;
use crate::loss::LossFunction;
use crate::models;
use crate::optimizer::{Optimizer, Part};
use crate::report::Report;
use crate::selection::is_patience_spent;
use crate::train::{End, Trainer};
use crate::weights::{self, OtherHead};
use protocol::event::{Event, Started};
use protocol::files;
use protocol::sample::Split;
use protocol::spec::{RunSpec, Task, Training};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Does all that is left to do in the run directory `root`, from the start or from its last checkpoint. A completed run
/// whose spec has been given more epochs goes on from its last checkpoint, too.
///
/// The error has been written to the journal too, unless another trainer holds the directory.
///
/// What the run shares with others is in `shared`.
pub fn run(root: &Path, lock_inherited: bool, shared: &SharedFiles) -> Result<End, Fault> {
    let directory = Directory::lock(root, lock_inherited)?;
    let mut report = Report::open(&directory.path(files::JOURNAL))?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop))
            .map_err(|error| Fault::new(format!("Could not listen for signals: {error}.")))?;
    }
    let end = catch_unwind(AssertUnwindSafe(|| work(&directory, &mut report, &stop, shared)))
        .unwrap_or_else(|panic| Err(Fault::from_panic(&*panic)));
    if let Err(fault) = &end {
        if !report.has_hello() {
            report.append(Event::Hello(environment::before(&directory)))?;
        }
        report.append(Event::Failed(fault.clone().into_failure()))?;
    }
    end
}

fn work(
    directory: &Directory,
    report: &mut Report,
    stop: &AtomicBool,
    shared: &SharedFiles,
) -> Result<End, Fault> {
    let mut spec = directory.spec()?;
    let samples = directory.samples(spec.classes.len())?;
    check(&spec, &samples)?;
    let device = environment::device(spec.device)?;
    let hello = environment::settle(directory, &mut spec, device, shared.decisions.as_deref())?;
    let dtype = environment::tensor_dtype(hello.precision);
    let threads = hello.threads;
    report.append(Event::Hello(hello))?;

    tch::manual_seed(spec.seed.cast_signed());
    let mut network = models::build(spec.model, spec.image_size, spec.classes.len(), device)?;
    if matches!(spec.training, Training::Head { .. }) {
        network.learn_head_only();
    }
    let network = network;
    let mut optimizer = Optimizer::new(
        spec.optimizer,
        spec.weight_decay,
        spec.decay_scope,
        &network.leaf,
        Part::all_of(&network),
    );
    let mut averages = (spec.trains() && spec.updates.average_decay > 0.0).then(|| {
        let buffers = network.buffers.iter().map(|(_, buffer)| buffer.shallow_clone());
        let live = std::iter::once(network.leaf.detach()).chain(buffers).collect();
        Averages::new(spec.updates.average_decay, live)
    });
    let resumed = if spec.trains() {
        let learned = Learned { network: &network, optimizer: &mut optimizer, averages: averages.as_mut() };
        checkpoint::resume(directory, learned)?
    } else {
        None
    };
    if let (None, Some(name)) = (&resumed, &spec.weights) {
        let other_head = if spec.learns() { OtherHead::Replace } else { OtherHead::Refuse };
        if let Some(text) = weights::find(name, shared.weights.as_deref())?.load(&network, other_head)? {
            report.append(Event::Note { text })?;
        }
    }
    let loader = Loader {
        samples: Arc::clone(&samples.all),
        image_size: spec.image_size,
        seed: spec.seed,
        threads: threads as usize,
        images: Arc::default(),
    };
    let features = matches!(spec.training, Training::Head { .. })
        .then(|| Features::new(&spec, &loader, &network, dtype, shared.features.as_deref()));
    let labels = samples.of(Split::Train).iter().map(|&place| samples.all[place].label);
    let loss = LossFunction::new(spec.loss, labels, spec.classes.len(), device);
    let mut trainer = Trainer {
        features,
        spec: &spec,
        directory,
        report,
        samples: &samples,
        loader: &loader,
        network: &network,
        optimizer: &mut optimizer,
        loss,
        averages,
        dtype,
        meter: Meter::new(device),
        search: match spec.task {
            Task::FindLearningRate { steps } => Some(Search::new(steps)),
            _ => None,
        },
        progress: resumed.unwrap_or_default(),
        stop,
    };
    let planned_before = std::mem::replace(&mut trainer.progress.planned_epochs, spec.epochs);
    if planned_before > 0
        && spec.epochs > planned_before
        && is_patience_spent(spec.selection, &trainer.progress)
    {
        // Whoever gives a run that ended early more epochs wants it to go on.
        trainer.progress.patience_from = trainer.progress.epochs;
    }
    let started = Started {
        step: trainer.progress.step,
        steps_per_epoch: trainer.steps_per_epoch(),
        parameters: network.leaf.numel() as u64,
        layers: network.learning_layers().map(|layer| layer.name.clone()).collect(),
    };
    trainer.report.append(Event::Started(started))?;
    if let Some(text) = raised_epochs(&trainer, planned_before) {
        trainer.report.append(Event::Note { text })?;
    }
    match &spec.task {
        Task::Train => trainer.train(),
        Task::Evaluate { splits } => trainer.evaluate_only(splits),
        Task::FindLearningRate { .. } => trainer.find_learning_rate(),
        Task::Predict => trainer.predict(),
    }
}

/// What a person should know where the spec has more epochs than the run was planned for before (0: not known).
fn raised_epochs(trainer: &Trainer, planned_before: u32) -> Option<String> {
    let (done, planned) = (trainer.progress.epochs, trainer.spec.epochs);
    (planned_before > 0 && planned > planned_before && planned > done).then(|| {
        let before = if planned_before == 1 { "1 epoch".to_owned() } else { format!("{planned_before} epochs") };
        format!(
            "This run was planned for {before} and now has {planned}. It goes on after epoch {done} with the \
             weights and the optimiser's state of its last checkpoint. The learning-rate schedule is that of {planned} \
             epochs, so the next step has a learning rate of {:.3e}.",
            trainer.learning_rate(trainer.progress.step)
        )
    })
}

/// Refuses what no network could be made of, before anything is spent on it.
fn check(spec: &RunSpec, samples: &Samples) -> Result<(), Fault> {
    let refuse = |what: String| Err(Fault::new(what).advice("Start a new run with another value."));
    if spec.classes.len() < 2 {
        return refuse(format!(
            "A classifier needs two classes or more; the data set has {}.",
            spec.classes.len()
        ));
    }
    if spec.batch_size == 0 {
        return refuse("The batch size is 0.".to_owned());
    }
    if spec.learns() && samples.of(Split::Train).is_empty() {
        return refuse("There is no image in the train split.".to_owned());
    }
    for (name, value) in [
        ("learning rate", spec.learning_rate),
        ("weight decay", spec.weight_decay),
        ("number of warm-up epochs", spec.warmup_epochs),
        ("focal loss’s gamma", spec.loss.focal_gamma),
        ("norm that gradients are clipped to", spec.updates.clip_norm),
    ] {
        if !value.is_finite() || value < 0.0 {
            return refuse(format!("The {name} is {value}."));
        }
    }
    for (name, share) in [
        ("label smoothing", spec.loss.label_smoothing),
        ("share of the average of the weights that is kept", spec.updates.average_decay),
    ] {
        if !(0.0..1.0).contains(&share) {
            return refuse(format!("The {name} is {share}; it must be 0 or more and less than 1."));
        }
    }
    for (name, pipeline) in [("training", &spec.train_transforms), ("evaluation", &spec.eval_transforms)] {
        if let Err(problem) = vision::check(pipeline) {
            return refuse(format!("The transforms for {name} can't be used: {problem}."));
        }
        match vision::output_side(pipeline) {
            Some(side) if side == spec.image_size => {}
            Some(side) => {
                return refuse(format!(
                    "The transforms for {name} make {side} pixels a side where the image size is {}.",
                    spec.image_size
                ));
            }
            None => {
                return refuse(format!(
                    "The transforms for {name} leave images of different shapes; end them with a crop or an exact resize to {} pixels.",
                    spec.image_size
                ));
            }
        }
    }
    Ok(())
}
