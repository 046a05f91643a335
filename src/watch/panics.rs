//! Panics: caught where a task has to go on, logged wherever they happen, and made on purpose for tests.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::task::Poll;

/// Where a test has the server panic: names separated by commas, one for each time.
const PANIC_VARIABLE: &str = "TINTYPE_PANIC_IN";

/// What comes of some work; a panic in it is an error with the panic's words.
///
/// # Errors
/// It panicked. What it held is dropped, so whatever others see has to be put right by guards.
pub async fn caught<F: Future>(work: F) -> Result<F::Output, String> {
    let mut work = Box::pin(work);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic_words(panic.as_ref()))),
    })
    .await
}

/// What a panic says.
pub fn panic_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word").to_owned()
}

/// Has every panic of the process in the log, with its place; within a request also with the request's id.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        let why = panic_words(panic.payload());
        tracing::error!(place, thread, "panicked: {why}");
    }));
}

/// For tests of the watch: panics where the variable `TINTYPE_PANIC_IN` names this place, as often as it does so. Without the
/// variable it does nothing.
pub fn panic_if_asked(place: &str) {
    static LEFT: LazyLock<Option<Mutex<BTreeMap<String, usize>>>> = LazyLock::new(|| {
        let places = std::env::var(PANIC_VARIABLE).ok()?;
        let mut left = BTreeMap::new();
        for place in places.split(',') {
            *left.entry(place.trim().to_owned()).or_default() += 1;
        }
        Some(Mutex::new(left))
    });
    let Some(left) = &*LEFT else { return };
    let is_asked = match left.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    };
    assert!(!is_asked, "{PANIC_VARIABLE} asked for a panic in the {place}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_with_its_words() {
        assert_eq!(caught(async { 3 }).await, Ok(3));
        let number = 4;
        let panic = caught(async { assert_eq!(number, 5, "a sentence") }).await.unwrap_err();
        assert!(panic.contains("a sentence"), "{panic}");
        // Also behind an await.
        let panic = caught(async {
            tokio::task::yield_now().await;
            std::panic::panic_any(7_u8);
        });
        assert_eq!(panic.await, Err::<(), _>("without a word".to_owned()));
    }
}
