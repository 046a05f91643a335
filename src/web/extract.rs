//! axum's extractors with our errors: what can't be read is a refusal in words, not axum's own line of text. A body is read only
//! under the content type that it has to have: see `edge/guard.rs`.

use super::Error;
use axum::body::Bytes;
use axum::extract::{
    FromRequest, FromRequestParts, Multipart as AxumMultipart, Path as AxumPath, Query as AxumQuery, Request,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A path's parameters; one that can't be read names nothing that is there.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let AxumPath(value) =
            AxumPath::from_request_parts(parts, state).await.map_err(|_| Error::NotFound("page"))?;
        Ok(Path(value))
    }
}

/// JSON, in or out. What comes in has to say that it is JSON: a form of another site's page can't.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let kind = content_type(request.headers());
        if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json")) {
            return Err(wrong_type("JSON", "application/json", &kind));
        }
        let bytes = read(request, state).await?;
        serde_json::from_slice(&bytes).map(Json).map_err(|why| Error::field("body", why.to_string()))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The fields of a form without files, in their order; some may come more than once. Nothing at all is a form without fields.
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let kind = content_type(request.headers());
        let bytes = read(request, state).await?;
        if !bytes.is_empty() && kind != FORM {
            return Err(wrong_type("a form", FORM, &kind));
        }
        Ok(Fields(form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

impl Fields {
    /// The first of this name, without the space around it; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// All of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A form whose fields are those of a type.
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let kind = content_type(request.headers());
        if kind != FORM {
            return Err(wrong_type("a form", FORM, &kind));
        }
        let read = axum::Form::from_request(request, state).await;
        read.map(|axum::Form(value)| Form(value)).map_err(|why| Error::field("form", why.body_text()))
    }
}

/// A form with files.
pub(super) struct Multipart(pub(super) AxumMultipart);

impl<S: Send + Sync> FromRequest<S> for Multipart {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let kind = content_type(request.headers());
        if kind != "multipart/form-data" {
            return Err(wrong_type("a form with files", "multipart/form-data", &kind));
        }
        let form = AxumMultipart::from_request(request, state).await;
        form.map(Multipart).map_err(|why| Error::field("file", why.body_text()))
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// What a request says its body is, without parameters, in lower case.
pub(super) fn content_type(headers: &HeaderMap) -> String {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_lowercase()
}

fn wrong_type(what: &str, wanted: &str, given: &str) -> Error {
    let given = if given.is_empty() { "nothing".to_owned() } else { format!("“{given}”") };
    let message = format!(
        "This address takes {what}, which the header “Content-Type” has to call {wanted}; it says {given}."
    );
    Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_content_type", message)
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Error> {
    Bytes::from_request(request, state).await.map_err(|why| Error::field("body", why.body_text()))
}

/// What an edit leaves in the address that it comes back to; no page's own query knows it.
const OF_AN_EDIT: [&str; 2] = ["done", "unchanged"];

/// A query string's parameters.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let mut query = form_urlencoded::Serializer::for_suffix("/?".to_owned(), 2);
        for (key, value) in pairs.filter(|(key, _)| !OF_AN_EDIT.contains(&&**key)) {
            query.append_pair(&key, &value);
        }
        let address: Uri = query.finish().parse().map_err(|_| Error::field("query", "is too long"))?;
        let AxumQuery(value) =
            AxumQuery::try_from_uri(&address).map_err(|why| Error::field("query", why.body_text()))?;
        Ok(Query(value))
    }
}
