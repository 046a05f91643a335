//! Every way in which a request can fail, as a page or as JSON.

use super::access::Refusal;
use crate::actions;
use crate::domain::recipe::FieldErrors;
use crate::runs::MoveError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

/// Why there is no answer.
#[derive(Debug)]
pub enum Error {
    /// There is no such thing; says what kind of thing.
    NotFound(&'static str),
    /// Fields are wrong; says which and why.
    Invalid(FieldErrors),
    /// The thing is not in a state for this.
    Conflict(String),
    /// There is something at this address, but not for this method.
    MethodNotAllowed,
    /// Whoever asks has no key that is good; says why.
    NoKey(Refusal),
    /// The key of whoever asks only lets them look.
    ReadOnly,
    /// Our fault; the cause goes to the log, not to the page.
    Internal(anyhow::Error),
}

impl Error {
    /// One field is wrong.
    pub fn field(name: &str, why: impl Into<String>) -> Error {
        Error::Invalid(FieldErrors::from([(name.to_owned(), why.into())]))
    }

    fn status(&self) -> StatusCode {
        match self {
            Error::NotFound(_) => StatusCode::NOT_FOUND,
            Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Conflict(_) => StatusCode::CONFLICT,
            Error::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Error::NoKey(Refusal::TooMany(_)) => StatusCode::TOO_MANY_REQUESTS,
            Error::NoKey(_) => StatusCode::UNAUTHORIZED,
            Error::ReadOnly => StatusCode::FORBIDDEN,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn body(&self) -> Value {
        match self {
            Error::NotFound(what) => {
                json!({"code": "not_found", "message": format!("There is no such {what}.")})
            }
            Error::Invalid(fields) => {
                let message: Vec<String> =
                    fields.iter().map(|(field, why)| format!("{field}: {why}")).collect();
                json!({
                    "code": "invalid",
                    "message": message.join("; "),
                    "field": fields.keys().next(),
                    "fields": fields,
                })
            }
            Error::Conflict(why) => json!({"code": "conflict", "message": why}),
            Error::MethodNotAllowed => {
                json!({"code": "method_not_allowed", "message": "This address does not take that method; the header “Allow” says which it takes."})
            }
            Error::NoKey(refusal) => json!({"code": "key_needed", "message": refusal.words()}),
            Error::ReadOnly => json!({
                "code": "read_only",
                "message": "Your link is read-only: it lets you look at everything and change nothing, so nothing was changed. Ask whoever sent it for a full one.",
            }),
            Error::Internal(_) => json!({
                "code": "internal",
                "message": "Tintype failed to answer this; its log says why. Nothing of yours was changed by it.",
            }),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Error {
    fn from(error: E) -> Error {
        let error = match error.into().downcast::<actions::Error>() {
            Ok(actions::Error::NotFound(what)) => return Error::NotFound(what),
            Ok(actions::Error::Invalid(fields)) => return Error::Invalid(fields),
            Ok(actions::Error::Conflict(why)) => return Error::Conflict(why),
            Ok(actions::Error::Internal(error)) | Err(error) => error,
        };
        match error.downcast::<MoveError>() {
            Ok(MoveError::NotFound(_)) => Error::NotFound("run"),
            Ok(illegal @ MoveError::Illegal { .. }) => Error::Conflict(illegal.to_string()),
            Ok(MoveError::Store(error)) => Error::Internal(error.into()),
            Err(error) => Error::Internal(error),
        }
    }
}

/// What an answer says in words; kept beside its JSON so that a page can say it too.
#[derive(Clone, Debug)]
pub(super) struct Message(pub(super) String);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Error::Internal(error) = &self {
            tracing::error!(error = format!("{error:#}"), "a request failed");
        }
        let body = self.body();
        let message = Message(body["message"].as_str().unwrap_or_default().to_owned());
        let mut response = (self.status(), Extension(message), Json(json!({"error": body}))).into_response();
        let headers = response.headers_mut();
        match self {
            Error::NoKey(Refusal::TooMany(seconds)) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            Error::NoKey(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}
