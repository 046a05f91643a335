//! How a run ended, decided from what is left of it.

use crate::domain::run::{RunState, StopRequest};
use protocol::event::{Event, Failure};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// What is known when a trainer is gone.
#[derive(Debug)]
pub struct ExitEvidence<'a> {
    /// The journal's last event, if it has any that can be read.
    pub last: Option<&'a Event>,
    /// What a person had asked.
    pub request: Option<StopRequest>,
    /// How the process ended, where this server started it.
    pub exit: Option<ExitStatus>,
    /// The end of what it printed.
    pub stderr: &'a str,
}

/// The state that the run is in now, and why where it did not end as it should.
pub fn decide(evidence: &ExitEvidence) -> (RunState, Option<Failure>) {
    match (evidence.last, evidence.request) {
        (Some(Event::Completed { .. }), _) => (RunState::Completed, None),
        (Some(Event::Failed(failure)), _) => (RunState::Failed, Some(failure.clone())),
        (_, Some(request)) => (request.outcome(), None),
        (Some(Event::Stopped { .. }), None) => (
            RunState::Interrupted,
            Some(failure(
                "The trainer was told to stop by somebody else than this dashboard.".into(),
                "It wrote a checkpoint before it ended. Resume it to go on to the same result.",
            )),
        ),
        (last, None) => died_silently(evidence, last.is_some()),
    }
}

fn died_silently(evidence: &ExitEvidence, had_begun: bool) -> (RunState, Option<Failure>) {
    let signal = evidence.exit.and_then(|exit| exit.signal());
    let code = evidence.exit.and_then(|exit| exit.code());
    match (signal, code) {
        (None, Some(code)) if code != 0 => (
            RunState::Failed,
            Some(failure(
                format!(
                    "The trainer ended with exit status {code}. Its last words: {}",
                    stderr_tail(evidence.stderr)
                ),
                if had_begun {
                    "Resume it to try again from its last checkpoint."
                } else {
                    "See stderr.log in the run's folder."
                },
            )),
        ),
        (Some(signal), _) => (
            RunState::Interrupted,
            Some(failure(
                match signal {
                    9 => "The trainer was killed (signal 9), as a system short of memory does, or a person."
                        .to_owned(),
                    signal => format!(
                        "The trainer died of signal {signal}. Its last words: {}",
                        stderr_tail(evidence.stderr)
                    ),
                },
                "Resume it to go on from its last checkpoint, to the same result.",
            )),
        ),
        _ => (
            RunState::Interrupted,
            Some(failure(
                "The trainer is gone without a word: it was killed, or the machine went down.".into(),
                "Resume it to go on from its last checkpoint, to the same result.",
            )),
        ),
    }
}

fn failure(reason: String, advice: &str) -> Failure {
    Failure { reason, advice: Some(advice.to_owned()), step: None, layer: None }
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
        let (state, failure) = decide(&ExitEvidence { last, request, exit, stderr: "oh\n" });
        (state, failure.map(|failure| failure.reason).unwrap_or_default())
    }

    #[test]
    fn the_journal_speaks_first_then_the_wish_then_the_process() {
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
        assert_eq!(outcome(None, Some(StopRequest::Cancel), Some(15)).0, RunState::Cancelled);
        assert_eq!(outcome(Some(&checkpoint), None, Some(9)).0, RunState::Interrupted);
        assert_eq!(outcome(Some(&checkpoint), None, None).0, RunState::Interrupted);
        let (state, reason) = outcome(None, None, Some(127 << 8));
        assert_eq!(state, RunState::Failed);
        assert_eq!(reason, "The trainer ended with exit status 127. Its last words: oh");
    }
}
