//! Live parts of pages: what changed is looked for once a second ([`watch`]), worded here, and told to every open page; parts
//! whose structure changed are asked for, one by one, and answered from the same templates as the page.
//!
//! In a template `data-live="run-7.progress"` marks an element whose text follows, and `data-refresh="/live/…"` with
//! `data-refresh-on="run-7"` one that is asked for anew when something of that subject changed.

mod parts;
mod watch;
mod words;

pub(crate) use parts::{
    about, checkpoint, dataset, datasets, epochs, head, health, home_runs, incident, notes, now, runs_table,
    settings, started, times,
};
pub(crate) use watch::watch;
pub(crate) use words::{ImportWords, examination_progress};
