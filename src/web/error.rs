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
    /// It was turned away before anything was done.
    Refused(Rejection),
    /// Our fault; the cause goes to the log, not to the page.
    Internal(anyhow::Error),
}

/// Why a request was turned away.
#[derive(Clone, Debug)]
pub struct Rejection {
    status: StatusCode,
    /// For scripts.
    code: &'static str,
    /// What happened, and what to do now.
    message: String,
}

impl Error {
    /// Turned away before anything was done.
    pub fn refused(status: StatusCode, code: &'static str, message: impl Into<String>) -> Error {
        Error::Refused(Rejection { status, code, message: message.into() })
    }

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
            Error::Refused(rejection) => rejection.status,
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
                "message": "Your link is read-only: it shows data sets, runs and predictions, and changes nothing. This here needs a full one: ask whoever sent yours.",
            }),
            Error::Refused(rejection) => json!({"code": rejection.code, "message": rejection.message}),
            Error::Internal(_) => json!({
                "code": "internal",
                "message": "Tintype failed to answer this; its log says why, beside the id of the request. If you asked for a change, look whether it was made before you ask for it again.",
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
            Ok(refused) => Error::from(actions::Error::from(refused)),
            Err(error) => Error::Internal(error),
        }
    }
}

/// What an answer says of an error, kept beside its JSON: the edge adds the request's id, and makes a page of it for a person.
#[derive(Clone, Debug)]
pub(super) struct Message(Value);

impl Message {
    /// In words.
    pub(super) fn text(&self) -> &str {
        self.0["message"].as_str().unwrap_or_default()
    }

    /// As JSON, with the name by which the log knows the request.
    pub(super) fn json(&self, request_id: &str) -> Value {
        let mut body = self.0.clone();
        body["request_id"] = json!(request_id);
        json!({"error": body})
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Error::Internal(error) = &self {
            tracing::error!(error = format!("{error:#}"), "a request failed");
        }
        let body = self.body();
        let mut response =
            (self.status(), Extension(Message(body.clone())), Json(json!({"error": body}))).into_response();
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
