//! Pages for people. Each is a struct beside its handler, with what its template shows as methods; the templates
//! hold no arithmetic. A page reads the same functions as the JSON twin under `api/`.

mod charts;
mod checkpoint;
mod dataset_head;
pub(super) mod dataset_images;
pub(super) mod dataset_overview;
pub(super) mod dataset_sample;
pub(super) mod datasets;
mod describe_pipeline;
mod edit_bar;
pub(super) mod edits;
pub(super) mod evaluation;
pub(super) mod failure;
mod format;
mod frame;
mod gallery;
pub(super) mod gradients;
pub(super) mod health;
pub(super) mod home;
pub(super) mod import;
pub(super) mod inputs;
pub(super) mod lab;
pub(super) mod live;
pub(super) mod maps;
mod overview;
pub(super) mod predictions;
pub(super) mod run_form;
mod run_view;
pub(super) mod runs;
pub(super) mod samples;
pub(super) mod samples_view;
pub(super) mod search;
mod sparkline;
pub(super) mod versions;
