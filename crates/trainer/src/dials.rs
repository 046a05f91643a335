//! The dials: what of each layer, of the clock and of the process is read now and then while a network learns.
//!
//! What is read when depends on the number of the step alone, so that a resumed run reads the same. All of it together must stay
//! under 2 % of the time of the steps.

use crate::gradients;
use crate::layers::{Activation, Network, Tap};
use protocol::event::{Dials, HISTOGRAM_EDGES, HistogramDial, LayerDial, MaybeFinite, Values, finite};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};
use tch::{Device, Kind, Tensor};

/// What costs more than norms is read at every so manieth report.
const DETAIL_EVERY: u64 = 5;
/// Numbers of a layer that a histogram is made of, at most about; they are spread evenly.
const SAMPLE: i64 = 8_192;

/// How much is read at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Norms, times and the process.
    Brief,
    /// Dead activations and histograms too.
    Detailed,
}

/// What is read at `step` of so many.
pub fn depth_at(step: u64, total_steps: u64) -> Option<Depth> {
    let every = gradients::record_every(total_steps);
    if !step.is_multiple_of(every) {
        return None;
    }
    Some(if step.is_multiple_of(every * DETAIL_EVERY) { Depth::Detailed } else { Depth::Brief })
}

/// The dials of each layer before the optimiser's step.
pub struct Before {
    weights: Option<Tensor>,
    dials: Dials,
}

/// Reads what is there before the optimiser's step: the gradient, what `activations` saw, and the weights.
pub fn before(network: &Network, gradient: &Tensor, step: u64, activations: Option<&Activations>) -> Before {
    let mut dials = Dials { step, ..Dials::default() };
    if let Some(activations) = activations {
        activations.read(network, &mut dials);
        let histograms = network.learning_layers().map(|layer| {
            let start = layer.range.start - network.learning.start;
            histogram(&gradient.narrow(0, start, layer.range.end - layer.range.start), 1)
        });
        dials.histograms.insert(HistogramDial::Gradient, histograms.collect());
    }
    dials.layers.insert(LayerDial::Gradient, gradients::norms(network, &[gradient]).swap_remove(0));
    Before { weights: Some(network.leaf.detach().copy()), dials }
}

impl Before {
    /// Where no step is taken any more.
    pub fn only(self) -> Dials {
        self.dials
    }

    /// Reads what the optimiser's step has changed.
    pub fn after(mut self, network: &Network) -> Dials {
        let Some(weights) = self.weights.take() else { return self.dials };
        let change = tch::no_grad(|| &network.leaf - &weights);
        let mut norms = gradients::norms(network, &[&weights, &change]);
        let changes = norms.pop().unwrap_or_default();
        let weights = norms.pop().unwrap_or_default();
        let ratio = |(change, weight): (MaybeFinite, &MaybeFinite)| finite(change? / (*weight)?);
        let updates = changes.into_iter().zip(&weights).map(ratio).collect();
        self.dials.layers.insert(LayerDial::Update, updates);
        self.dials.layers.insert(LayerDial::Weight, weights);
        self.dials
    }
}

/// Looks at what each layer of a training pass gives behind its activation.
#[derive(Default)]
pub struct Activations {
    head: String,
    dead: RefCell<HashMap<String, Tensor>>,
    histograms: RefCell<HashMap<String, Vec<f64>>>,
}

impl Activations {
    /// For the passes of a network.
    pub fn of(network: &Network) -> Self {
        Self { head: network.head().to_owned(), ..Self::default() }
    }

    fn read(&self, network: &Network, dials: &mut Dials) {
        let (dead, histograms) = (self.dead.borrow(), self.histograms.borrow());
        let share = |name: &str| dead.get(name).and_then(|share| finite(share.double_value(&[])));
        let layers = || network.learning_layers().map(|layer| layer.name.as_str());
        dials.layers.insert(LayerDial::Dead, layers().map(share).collect());
        let bins = layers().map(|name| histograms.get(name).cloned().unwrap_or_default()).collect();
        dials.histograms.insert(HistogramDial::Activation, bins);
    }
}

impl Tap for Activations {
    fn output(&self, layer: &str, output: &Tensor) {
        if layer == self.head {
            let bins = tch::no_grad(|| histogram(&output.detach(), 1));
            self.histograms.borrow_mut().insert(layer.to_owned(), bins);
        }
    }

    fn activation(&self, layer: &str, activation: Activation, output: &Tensor) {
        tch::no_grad(|| {
            let output = output.detach();
            let channels = output.size().last().copied().unwrap_or(1);
            let flat = output.reshape([-1, channels]);
            if activation.can_be_dead() {
                let dead = flat.eq(0.0).all_dim(0, false).to_kind(Kind::Float).mean(Kind::Float);
                self.dead.borrow_mut().insert(layer.to_owned(), dead);
            }
            self.histograms.borrow_mut().insert(layer.to_owned(), histogram(&flat, channels));
        });
    }
}

/// What share of the numbers is of which size, by [`HISTOGRAM_EDGES`]; `period`: how many numbers on the next one of the same
/// channel is, so that all channels are among those that are looked at.
fn histogram(numbers: &Tensor, period: i64) -> Vec<f64> {
    let flat = numbers.reshape([-1]);
    let mut stride = (flat.size()[0] / SAMPLE).max(1);
    while greatest_divisor(stride, period) > 1 {
        stride += 1;
    }
    let sample = flat.slice(0, None, None, stride).to_kind(Kind::Float).to_device(Device::Cpu);
    let sample: Vec<f32> = Vec::try_from(sample.contiguous()).unwrap_or_default();
    let mut counts = vec![0_u32; HISTOGRAM_EDGES.len() + 1];
    let edges = HISTOGRAM_EDGES.map(|power| 10_f32.powi(power));
    for number in &sample {
        let size = if number.is_nan() { f32::INFINITY } else { number.abs() };
        counts[edges.partition_point(|edge| *edge <= size)] += 1;
    }
    counts.into_iter().map(|count| f64::from(count) / sample.len().max(1) as f64).collect()
}

fn greatest_divisor(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { greatest_divisor(other, one % other) }
}

/// What the time of training steps goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Waiting for the next batch.
    Data,
    /// From the batch to the loss.
    Forward,
    /// From the loss to the gradient.
    Backward,
    /// From the gradient to new weights.
    Optimizer,
    /// Everything else, such as capturing a batch, or the dials.
    Other,
}

const PHASES: [(Phase, &str); 5] = [
    (Phase::Data, "time/data"),
    (Phase::Forward, "time/forward"),
    (Phase::Backward, "time/backward"),
    (Phase::Optimizer, "time/optimizer"),
    (Phase::Other, "time/other"),
];

/// Measures where the time of training steps goes, and what the process takes.
pub struct Meter {
    device: Device,
    /// Whether the step under way is measured.
    counts: bool,
    since: Instant,
    spent: BTreeMap<Phase, Duration>,
    process: Option<(Instant, f64)>,
}

impl Meter {
    /// For a network that computes there.
    pub fn new(device: Device) -> Self {
        let counts = !device.is_cuda();
        Self { device, counts, since: Instant::now(), spent: BTreeMap::new(), process: None }
    }

    /// What was before this is nobody's time.
    pub fn restart(&mut self) {
        self.since = Instant::now();
    }

    /// A GPU works on while the program goes on. To measure it the program has to wait for it, so only steps that are reported are
    /// measured there; without one every step is.
    pub fn begin_step(&mut self, is_reported: bool) {
        self.counts = is_reported || !self.device.is_cuda();
    }

    /// The time since the last lap went into `phase`.
    pub fn lap(&mut self, phase: Phase) {
        if let (true, Device::Cuda(index)) = (self.counts, self.device) {
            tch::Cuda::synchronize(index as i64);
        }
        let now = Instant::now();
        if self.counts {
            *self.spent.entry(phase).or_default() += now - self.since;
        }
        self.since = now;
    }

    /// The shares of time since the last report, and what the process takes.
    pub fn read(&mut self) -> Values {
        let total: Duration = self.spent.values().sum();
        let mut values = Values::new();
        if !total.is_zero() {
            for (phase, key) in PHASES {
                let spent = self.spent.get(&phase).copied().unwrap_or_default();
                values.insert(key.to_owned(), finite(spent.as_secs_f64() / total.as_secs_f64()));
            }
        }
        self.spent.clear();
        if let Some(bytes) = memory_bytes() {
            values.insert("process/memory_bytes".to_owned(), Some(bytes));
        }
        let now = Instant::now();
        let used = processor_seconds();
        if let (Some((then, before)), Some(used)) = (self.process, used) {
            let share = (used - before) / (now - then).as_secs_f64();
            values.insert("process/processors".to_owned(), finite(share));
        }
        self.process = used.map(|used| (now, used));
        values
    }
}

/// What the process has in memory; `None` where the system does not say so as Linux does.
fn memory_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// Processor time of all threads so far.
fn processor_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_when_depends_on_the_step_alone() {
        let at = |steps: &[u64], total| steps.iter().map(|&step| depth_at(step, total)).collect::<Vec<_>>();
        let (brief, detailed) = (Some(Depth::Brief), Some(Depth::Detailed));
        assert_eq!(at(&[0, 1, 4, 5, 10], 100), [detailed, brief, brief, detailed, detailed]);
        assert_eq!(at(&[0, 1, 9, 10, 50], 3_000), [detailed, None, None, brief, detailed]);
    }

    #[test]
    fn a_histogram_counts_sizes_without_sign() {
        let numbers = [0.0, 1e-12, -5e-9, 0.5, -0.5, 1.0, 99.0, 100.0, f32::NAN, f32::NEG_INFINITY];
        let bins = histogram(&Tensor::from_slice(&numbers), 1);
        assert_eq!(bins, [0.2, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.1, 0.1, 0.3]);
        // Of 64 channels one in two is always 1: a stride of 64 would see one channel alone.
        let channels = Tensor::from_slice(&[0.0_f32, 1.0]).repeat([64 * SAMPLE]);
        let bins = histogram(&channels, 64);
        assert!((bins[0] - 0.5).abs() < 0.01 && (bins[10] - 0.5).abs() < 0.01, "{bins:?}");
    }

    #[test]
    fn dead_is_a_channel_that_is_zero_for_the_whole_batch() {
        let tap = Activations::default();
        // Two images, three channels, one by two pixels.
        let values = [0.0_f32, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        let output = Tensor::from_slice(&values).view([2, 3, 1, 2]).permute([0, 2, 3, 1]);
        tap.activation("norm", Activation::Relu, &output);
        let dead = tap.dead.borrow()["norm"].double_value(&[]);
        assert!((dead - 1.0 / 3.0).abs() < 1e-6, "{dead}");
        // A channel more that only the second image has, below 0: hard-swish gives that, and learns there.
        let more = output.copy();
        let _ = more.narrow(0, 1, 1).narrow(3, 0, 1).fill_(-0.1);
        tap.activation("norm", Activation::HardSwish, &more);
        assert_eq!(tap.dead.borrow()["norm"].double_value(&[]), 0.0);
        // What is never quite 0 has no dead channels to count, but sizes.
        tap.activation("smooth", Activation::Silu, &more);
        assert!(!tap.dead.borrow().contains_key("smooth") && tap.histograms.borrow().contains_key("smooth"));
    }

    #[test]
    fn shares_of_time_add_up_to_one_and_begin_anew_with_each_report() {
        let mut meter = Meter::new(Device::Cpu);
        assert!(meter.read().keys().all(|key| key.starts_with("process/")), "nothing was measured yet");
        for (phase, _) in PHASES {
            std::thread::sleep(Duration::from_millis(2));
            meter.lap(phase);
        }
        let values = meter.read();
        let shares: Vec<f64> = PHASES.iter().map(|(_, key)| values[*key].unwrap()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9 && shares.iter().all(|share| *share > 0.0));
        meter.lap(Phase::Data);
        assert_eq!(meter.read()["time/data"], Some(1.0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_says_what_it_takes() {
        let mut meter = Meter::new(Device::Cpu);
        assert!(meter.read()["process/memory_bytes"].unwrap() > 1e6);
        assert!(meter.read()["process/processors"].unwrap() >= 0.0);
    }
}
