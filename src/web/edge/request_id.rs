//! A name for each request: on its answer, in its errors, and beside every line of the log that it caused.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// A request's name. A script may give its own; one that is not well formed is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Not chosen by anybody, and never twice.
    fn new() -> RequestId {
        // Without the system's random numbers the clock will do: it is a name, not a secret.
        let number = getrandom::u64().unwrap_or_else(|_| crate::store::now_ms().unsigned_abs());
        RequestId(format!("{number:016x}"))
    }

    /// The one that came with the request, where it can stand in a log and on a page as it is.
    fn read(given: &HeaderValue) -> Option<RequestId> {
        let text = given.to_str().ok()?;
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        ((8..=64).contains(&text.len()) && text.chars().all(is_plain)).then(|| RequestId(text.to_owned()))
    }
}

/// Names a request, and puts the name on its answer.
pub(super) async fn name(mut request: Request, next: Next) -> Response {
    let id = request.headers().get(HEADER).and_then(RequestId::read).unwrap_or_else(RequestId::new);
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_formed_id_is_kept_and_another_is_not() {
        let read = |text: &str| RequestId::read(&HeaderValue::from_bytes(text.as_bytes()).unwrap());
        assert_eq!(read("script-7.step_2"), Some(RequestId("script-7.step_2".to_owned())));
        for wrong in ["", "short", "with a blank", "<script>alert</script>", "ümlaute-äöü", &"x".repeat(65)]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_ne!(RequestId::new(), RequestId::new());
        let made = HeaderValue::from_str(RequestId::new().as_str()).unwrap();
        assert!(RequestId::read(&made).is_some(), "one of ours is well formed");
    }
}
