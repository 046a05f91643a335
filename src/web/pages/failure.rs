//! An error as a page, with a way back.

use super::frame::{Frame, page_with};
use super::key::key_page;
use crate::web::access::{Visitor, current};
use crate::web::edge::request_id::RequestId;
use crate::web::error::Message;
use crate::web::{AppState, Result};
use askama::Template;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

#[derive(Template)]
#[template(path = "error.html")]
struct Failure {
    frame: Frame,
    message: String,
    request_id: String,
    /// It is ours: the log says more.
    is_ours: bool,
}

/// For those who are turned away before it is known who they are: it tells nothing of what is inside, not even what is running.
#[derive(Template)]
#[template(path = "refused.html")]
struct Refused {
    title: &'static str,
    message: String,
    request_id: String,
}

/// What was asked, as far as an error's page needs it.
struct FailedRequest {
    path: String,
    /// The address, where it can be opened again.
    view: Option<String>,
    request_id: String,
}

/// Gives every error the id of its request, and turns it into a page wherever a person, not a script, asked.
pub(crate) async fn answer_errors(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_read = request.method() == Method::GET;
    let view = request.uri().path_and_query().filter(|_| is_read).map(|whole| whole.as_str().to_owned());
    let accepts_json = |value: &HeaderValue| value.as_bytes().starts_with(b"application/json");
    let for_scripts =
        ["/api/", "/live/", "/static/", "/thumbnails/"].iter().any(|room| path.starts_with(room))
            || request.headers().get(header::ACCEPT).is_some_and(accepts_json);
    let id = request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned()).unwrap_or_default();
    let failed = FailedRequest { path, view, request_id: id };
    let mut response = next.run(request).await;
    // Taken out: the same layer stands further out too, for what was refused before it was known who asks.
    let Some(message) = response.extensions_mut().remove::<Message>() else {
        return response;
    };
    let page =
        if for_scripts { None } else { error_page(&app, response.status(), &message, &failed).await.ok() };
    let answer = page.unwrap_or_else(|| Json(message.json(&failed.request_id)).into_response());
    // What the answer says besides, such as “Allow”, stays.
    let (mut head, _) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    let (new, body) = answer.into_parts();
    head.headers.extend(new.headers);
    Response::from_parts(head, body)
}

async fn error_page(
    app: &AppState,
    status: StatusCode,
    message: &Message,
    request: &FailedRequest,
) -> Result<Response> {
    let (text, request_id) = (message.text(), request.request_id.clone());
    match current().as_deref() {
        // Nothing of what is here is for somebody without a key.
        Some(Visitor::Nobody(refusal)) => key_page(status, refusal, text, request.view.clone(), &request_id),
        None => {
            let title = match status.as_u16() {
                403 => "This was not done",
                421 => "Not this server’s name",
                _ => "Something failed",
            };
            page_with(status, &Refused { title, message: text.to_owned(), request_id })
        }
        Some(_) => {
            let way_back = way_back(&request.path);
            let crumbs: Vec<(&str, &str)> =
                way_back.iter().map(|(label, href)| (label.as_str(), href.as_str())).collect();
            let frame = Frame::load(app, title(status), &crumbs).await?;
            let is_ours = status.is_server_error();
            page_with(status, &Failure { frame, message: text.to_owned(), request_id, is_ours })
        }
    }
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        403 => "Your link is read-only",
        404 => "Page not found",
        405 => "Not possible here",
        408 => "This took too long to arrive",
        409 => "This can’t be done now",
        413 => "This is too large",
        415 | 422 => "This can’t be read",
        503 => "No answer in time",
        _ => "Something failed",
    }
}

/// What lies around an address that leads nowhere: the data set or the run that it names.
fn way_back(path: &str) -> Vec<(String, String)> {
    let mut parts = path.split('/').skip(1);
    let (room, number) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (all, one, list) = match room {
        "datasets" => ("Data sets", "Data set", "/"),
        "runs" => ("Runs", "Run", "/runs"),
        _ => return Vec::new(),
    };
    let mut around = vec![(all.to_owned(), list.to_owned())];
    // The page itself was not found where the address ends here.
    if number.parse::<i64>().is_ok() && parts.next().is_some() {
        around.push((format!("{one} {number}"), format!("/{room}/{number}")));
    }
    around
}

#[cfg(test)]
mod tests {
    use super::way_back;

    #[test]
    fn an_address_that_leads_nowhere_names_what_it_is_about() {
        let labels =
            |path: &str| -> Vec<String> { way_back(path).into_iter().map(|(label, _)| label).collect() };
        assert_eq!(labels("/runs/8/maps"), ["Runs", "Run 8"]);
        assert_eq!(way_back("/datasets/2/edits")[1].1, "/datasets/2");
        assert_eq!(labels("/datasets/2"), ["Data sets"]);
        assert_eq!(labels("/nowhere").len(), 0);
    }
}
