//! How a job ended, decided from what is left of it.

use crate::domain::run::{RunState, StopRequest};
use protocol::event::{Event, Failure};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// What is known when a trainer is gone.
#[derive(Debug)]
pub struct ExitEvidence<'a> {
    /// Whether a network was to learn; else there are no checkpoints, and it starts from the beginning each time.
    pub trains: bool,
    /// The journal's last event, if it has any that can be read.
    pub last: Option<&'a Event>,
    /// Optimiser steps that all of its epochs have, once that is known.
    pub steps: Option<u64>,
    /// After how many it was to pause by itself, if at all.
    pub pause_after_steps: Option<u64>,
    /// What a person had asked.
    pub request: Option<StopRequest>,
    /// How the process ended, where this server started it.
    pub exit: Option<ExitStatus>,
    /// The end of what it printed.
    pub stderr: &'a str,
}

/// The state that the job is in now, and why where it did not end as it should.
pub fn decide(evidence: &ExitEvidence) -> (RunState, Option<Failure>) {
    match (evidence.last, evidence.request) {
        // A run that was given more epochs and whose trainer died before its first line still has its earlier end there.
        (Some(Event::Completed { step, .. }), _) if evidence.steps.is_none_or(|steps| *step >= steps) => {
            (RunState::Completed, None)
        }
        (Some(Event::Failed(failure)), _) => (RunState::Failed, Some(failure.clone())),
        (_, Some(request)) => (request.outcome(), None),
        (Some(Event::Stopped { step }), None) if Some(*step) == evidence.pause_after_steps => {
            (RunState::Paused, None)
        }
        (Some(Event::Stopped { .. }), None) => (
            RunState::Interrupted,
            Some(failure(
                format!("{} was asked to stop from outside this dashboard.", process(evidence.trains)),
                if evidence.trains {
                    "It wrote a checkpoint before it ended. Resume to continue from it; the result will be identical."
                } else {
                    AGAIN
                },
            )),
        ),
        (last, None) => died_silently(evidence, last.is_some()),
    }
}

/// Of a trainer that speaks another protocol than this server, in place of its word: which program is to be built again.
pub fn foreign_protocol(theirs: u32, ours: u32, trains: bool) -> Failure {
    let again = if trains { "resume this run" } else { "try again" };
    let (older, package) = if theirs < ours { ("trainer", "tintype-trainer") } else { ("server", "tintype") };
    Failure {
        reason: format!(
            "The trainer speaks protocol {theirs} and this server protocol {ours}: they were built from different versions of Tintype, \
             so the trainer was ended and nothing that it said was taken in."
        ),
        advice: Some(format!(
            "The {older} is the older one: rebuild it with `cargo build --release -p {package}`, start the server again, then {again}."
        )),
        ..Failure::default()
    }
}

/// Of a job whose trainer is gone and whose journal can't be taken in.
pub fn unreadable_journal(why: &str, trains: bool) -> Failure {
    failure(
        format!("{} has ended, and what it wrote could not be read in: {why}.", process(trains)),
        if trains {
            "Correct that, then resume the run: it goes on from its last checkpoint."
        } else {
            "Correct that, then try again."
        },
    )
}

fn died_silently(evidence: &ExitEvidence, had_begun: bool) -> (RunState, Option<Failure>) {
    let signal = evidence.exit.and_then(|exit| exit.signal());
    let code = evidence.exit.and_then(|exit| exit.code());
    let (process, trains) = (process(evidence.trains), evidence.trains);
    let identical = if trains {
        "Resume to continue from the last checkpoint; the result will be identical."
    } else {
        AGAIN
    };
    match (signal, code) {
        (None, Some(code)) if code != 0 => (
            RunState::Failed,
            Some(failure(
                format!(
                    "{process} ended with exit status {code}. The end of its log: {}",
                    stderr_tail(evidence.stderr)
                ),
                if had_begun && !trains {
                    AGAIN
                } else if had_begun {
                    "Resume to try again from the last checkpoint."
                } else {
                    "See stderr.log in the run's folder."
                },
            )),
        ),
        (Some(signal), _) => (
            RunState::Interrupted,
            Some(failure(
                match signal {
                    9 => format!("{process} was killed (signal 9), probably because memory ran out."),
                    signal => format!(
                        "{process} died of signal {signal}. The end of its log: {}",
                        stderr_tail(evidence.stderr)
                    ),
                },
                identical,
            )),
        ),
        _ => (
            RunState::Interrupted,
            Some(failure(
                format!("{process} is gone without an error: it was killed, or the machine went down."),
                identical,
            )),
        ),
    }
}

/// What to do where nothing is lost but the time.
const AGAIN: &str = "Try again: it starts from the beginning, and takes as long as it took before.";

fn process(trains: bool) -> &'static str {
    if trains { "The training process" } else { "The process" }
}

fn failure(reason: String, advice: &str) -> Failure {
    Failure { reason, advice: Some(advice.to_owned()), ..Failure::default() }
}

fn stderr_tail(stderr: &str) -> &str {
    let lines = stderr.trim();
    if lines.is_empty() { "(none)" } else { lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(
        last: Option<&Event>,
        request: Option<StopRequest>,
        raw_status: Option<i32>,
    ) -> (RunState, String) {
        let exit = raw_status.map(ExitStatus::from_raw);
        let (state, failure) = decide(&ExitEvidence {
            trains: true,
            last,
            steps: Some(3),
            pause_after_steps: Some(2),
            request,
            exit,
            stderr: "oh\n",
        });
        (state, failure.map(|failure| failure.reason).unwrap_or_default())
    }

    #[test]
    fn the_older_program_is_named_for_rebuilding() {
        let older_trainer = foreign_protocol(1, 2, true);
        assert!(older_trainer.reason.starts_with("The trainer speaks protocol 1 and this server protocol 2"));
        assert!(
            older_trainer
                .advice
                .unwrap()
                .contains("rebuild it with `cargo build --release -p tintype-trainer`")
        );
        assert!(foreign_protocol(3, 2, true).advice.unwrap().contains("`cargo build --release -p tintype`"));
    }

    #[test]
    fn the_journal_counts_first_then_the_request_then_the_process() {
        let completed = Event::Completed { step: 3, best_epoch: 1 };
        let stopped = Event::Stopped { step: 3 };
        let checkpoint = Event::Checkpoint { step: 3, epoch: 1 };
        let diverged = Event::Failed(failure("loss is not finite".into(), "lower the learning rate"));
        assert_eq!(outcome(Some(&completed), Some(StopRequest::Cancel), Some(0)).0, RunState::Completed);
        assert_eq!(
            outcome(Some(&diverged), None, Some(256)),
            (RunState::Failed, "loss is not finite".into())
        );
        assert_eq!(outcome(Some(&stopped), Some(StopRequest::Pause), Some(0)).0, RunState::Paused);
        assert_eq!(outcome(Some(&stopped), Some(StopRequest::Cancel), Some(0)).0, RunState::Cancelled);
        assert_eq!(outcome(Some(&stopped), None, Some(0)).0, RunState::Interrupted);
        let planned = Event::Stopped { step: 2 };
        assert_eq!(outcome(Some(&planned), None, Some(0)), (RunState::Paused, String::new()));
        assert_eq!(outcome(Some(&planned), Some(StopRequest::Cancel), Some(0)).0, RunState::Cancelled);
        assert_eq!(outcome(None, Some(StopRequest::Cancel), Some(15)).0, RunState::Cancelled);
        assert_eq!(outcome(Some(&checkpoint), None, Some(9)).0, RunState::Interrupted);
        assert_eq!(outcome(Some(&checkpoint), None, None).0, RunState::Interrupted);
        // An end of before it was given more epochs is not its end.
        let earlier = Event::Completed { step: 2, best_epoch: 1 };
        assert_eq!(outcome(Some(&earlier), None, Some(9)).0, RunState::Interrupted);
        let (state, reason) = outcome(None, None, Some(127 << 8));
        assert_eq!(state, RunState::Failed);
        assert_eq!(reason, "The training process ended with exit status 127. The end of its log: oh");
    }
}
