//! Names inside the directory of a run or of a further job of it, and the layout of the binary files in it.
//!
//! Every file but the journal and the logs is written under a temporary name and renamed, so that whoever sees
//! a name sees a whole file.

/// All that is needed to train again: a [`crate::spec::RunSpec`].
pub const SPEC: &str = "spec.json";
/// The images: one [`crate::sample::Sample`] a line.
pub const SAMPLES: &str = "samples.jsonl";
/// Versions, device, threads: what [`crate::event::Event::Hello`] holds, kept for people.
pub const ENVIRONMENT: &str = "environment.json";
/// What happened: one [`crate::event::Record`] a line, append-only.
pub const JOURNAL: &str = "journal.jsonl";
/// Whatever the trainer printed; read when it dies.
pub const STDERR: &str = "stderr.log";
/// Locked (`flock`) for as long as a trainer lives.
pub const LOCK: &str = "lock";
/// Folder of `best.safetensors` and `last.safetensors` (weights by parameter name) and `last.optimizer.safetensors`
/// (the optimiser's state by parameter name) with `last.json` (where in the run it was taken).
pub const CHECKPOINTS: &str = "checkpoints";
/// Folder of captured input batches: `step-00000000.safetensors` holds `input`, f32 `[n, 3, height, width]`,
/// the network input to the bit.
pub const BATCHES: &str = "batches";
/// Folder of the run's further jobs by number; each is a directory such as this one.
pub const JOBS: &str = "jobs";
/// Folder of predictions: `val-0003.safetensors` is the validation split after epoch 3 (1-based), `test.safetensors`
/// the test split. Tensors: `sample_id` i64 `[n]`, `label` i64 `[n]`, `logits` f32 `[n, classes]`, `loss` f32 `[n]`
/// (cross-entropy, nats), `embedding` f32 `[n, features]` (what goes into the last layer). `images.safetensors` is of images of which
/// nothing is known, and has neither `label` nor `loss`.
pub const PREDICTIONS: &str = "predictions";
