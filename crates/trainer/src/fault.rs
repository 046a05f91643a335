//! Why a run ends early, as a value that travels up by `?` and becomes the journal's last word.
//! It must not know where it is written.

use protocol::event::Failure;
use std::fmt;
use std::path::Path;

/// A fault that ends the run: what happened, to what, and what to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault(Box<Failure>);

impl Fault {
    /// A fault with its reason: what happened, to what, in words.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(Box::new(Failure { reason: reason.into(), ..Failure::default() }))
    }

    /// A file that could not be read, written or renamed.
    pub fn file(what: &str, path: &Path, error: impl fmt::Display) -> Self {
        Self::new(format!("Could not {what} {}: {error}.", path.display()))
    }

    /// Adds what to try.
    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// Adds the step that was under way.
    pub fn at_step(mut self, step: u64) -> Self {
        self.0.step = Some(step);
        self
    }

    /// Adds the layer that is to blame.
    pub fn in_layer(mut self, layer: impl Into<String>) -> Self {
        self.0.layer = Some(layer.into());
        self
    }

    /// Adds the samples of the batch that was under way, and those of them that are to blame.
    pub fn with_batch(mut self, batch: Vec<i64>, not_finite: Vec<i64>) -> Self {
        (self.0.batch, self.0.not_finite) = (batch, not_finite);
        self
    }

    /// The message of a panic. libtorch's errors arrive this way too: their first line is the error, the rest a C++ trace.
    pub fn from_panic(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without a message");
        let line = text.split("\\n").next().unwrap_or(text).lines().next().unwrap_or(text);
        let advice = if line.to_lowercase().contains("memory") {
            "Memory ran out: try a smaller batch, smaller images or a smaller model."
        } else {
            "This is a fault of the program, not of the data; stderr.log in the run directory has the details."
        };
        Self::new(format!("The trainer broke off: {line}")).advice(advice)
    }

    /// The journal's form.
    pub fn into_failure(self) -> Failure {
        *self.0
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.reason)?;
        match &self.0.advice {
            Some(advice) => write!(f, " {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}
