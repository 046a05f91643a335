//! An error as a page, with a way back.

use super::frame::{Frame, page_with};
use super::key::key_page;
use crate::web::AppState;
use crate::web::access::{Visitor, current};
use crate::web::error::Message;
use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;

#[derive(Template)]
#[template(path = "error.html")]
struct Failure {
    frame: Frame,
    message: String,
}

/// Turns errors into pages wherever people, not scripts, asked.
pub(crate) async fn as_page(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_read = request.method() == Method::GET;
    let view = request.uri().path_and_query().filter(|_| is_read).map(|whole| whole.as_str().to_owned());
    let accepts_json = |value: &HeaderValue| value.as_bytes().starts_with(b"application/json");
    let for_scripts =
        ["/api/", "/live/", "/static/", "/thumbnails/"].iter().any(|room| path.starts_with(room))
            || request.headers().get(header::ACCEPT).is_some_and(accepts_json);
    let response = next.run(request).await;
    let Some(message) = response.extensions().get::<Message>().filter(|_| !for_scripts) else {
        return response;
    };
    // Nothing of what is here, not even what is running, is for somebody without a key.
    if let Some(Visitor::Nobody(refusal)) = current().as_deref() {
        return match key_page(response.status(), refusal, &message.0, view) {
            Some(page) => with_headers_of(&response, page),
            None => response,
        };
    }
    let title = match response.status().as_u16() {
        403 => "Your link is read-only",
        404 => "Page not found",
        405 => "Not possible here",
        409 => "This can’t be done now",
        422 => "This can’t be read",
        _ => "Something failed",
    };
    let way_back = way_back(&path);
    let crumbs: Vec<(&str, &str)> =
        way_back.iter().map(|(label, href)| (label.as_str(), href.as_str())).collect();
    let Ok(frame) = Frame::load(&app, title, &crumbs).await else { return response };
    let failure = Failure { frame, message: message.0.clone() };
    page_with(response.status(), &failure).unwrap_or(response)
}

/// What an error says in its headers, such as when to try again, its page says too.
fn with_headers_of(error: &Response, mut page: Response) -> Response {
    for name in [header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = error.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
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
