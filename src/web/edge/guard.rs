//! Whom a request is for, and which page asked for it. Two attacks go by way of a browser that means no harm:
//!
//! * *DNS rebinding*: a page of `evil.example` lets its name point to this machine, so that the browser takes our answers for that
//!   page's own. It can't hide the name: it stands in `Host`. So we answer to our own names alone.
//! * *Forged requests* (CSRF): another site's page sends a form to us. The browser says where the page came from.
//!
//! The rule, for every request:
//!
//! 1. `Host` is one of this server's names, else 421. On a loopback address those are `localhost`, `127.0.0.0/8` and `[::1]`, with any
//!    port, since a person may forward one through ssh. On other addresses they are also the machine's name (also with `.local`) and any
//!    IP address, by which no foreign page can be called. Each `--host NAME` adds one.
//! 2. For methods other than GET and HEAD: where there is an `Origin`, it is `http(s)://` and this very host, and where there is a
//!    `Sec-Fetch-Site`, it is `same-origin` or `none`; else 403. `Origin: null` is nobody's.
//! 3. Where both are absent, no browser of today sent it: they all send `Origin` with such a request. A script did, and goes on, unless
//!    it has what browsers have (a cookie, or `Mozilla/` as its name): an old browser does not say whose page it was, so 403.
//! 4. JSON is read under its content type alone, and a form under a form's (`extract.rs`), so that no page can send JSON as if it
//!    were a form.

use crate::web::Error;
use crate::web::host::bare;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The names that this server answers to.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// Reached from this machine alone.
    is_loopback: bool,
    /// In lower case.
    names: Vec<String>,
}

impl Hosts {
    /// Of a server that listens at `bound` on a machine of the name `machine`, and was given `more` names.
    pub fn new(bound: SocketAddr, machine: Option<&str>, more: &[String]) -> Hosts {
        let is_loopback = bound.ip().is_loopback();
        let mut names = vec!["localhost".to_owned()];
        if let Some(machine) = machine.filter(|_| !is_loopback) {
            names.extend([machine.to_lowercase(), format!("{}.local", machine.to_lowercase())]);
        }
        names.extend(more.iter().map(|name| bare(name)));
        Hosts { is_loopback, names }
    }

    /// Whether a host – without its port – is one of them.
    fn include(&self, host: &str) -> bool {
        let host = bare(host);
        match host.parse::<IpAddr>() {
            Ok(ip) => !self.is_loopback || ip.to_canonical().is_loopback() || self.names.contains(&host),
            Err(_) => self.names.contains(&host),
        }
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    /// It names no host, or more than one.
    NoHost,
    ForeignHost(String),
    ForeignPage,
    /// A browser that doesn't say whose page it was.
    UnknownPage,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        let foreign = |message| Error::refused(StatusCode::FORBIDDEN, "foreign_origin", message);
        match refusal {
            Refusal::NoHost => Error::refused(
                StatusCode::MISDIRECTED_REQUEST,
                "foreign_host",
                "This request does not say which host it is for; exactly one “Host” header has to.",
            ),
            Refusal::ForeignHost(host) => Error::refused(
                StatusCode::MISDIRECTED_REQUEST,
                "foreign_host",
                format!(
                    "This server does not answer to the name “{host}”, so that no other site can pass for it. \
                     If it is your name for this machine, start Tintype with --host {host}."
                ),
            ),
            Refusal::ForeignPage => foreign(
                "Another site’s page asked for this, so it was not done. If you meant it, do it on Tintype’s own page; \
                 if a proxy in between changes “Host”, let it pass that header on.",
            ),
            Refusal::UnknownPage => foreign(
                "This browser does not say which page asked for this, so it was not done. Use a current browser; \
                 a script sends neither cookies nor a browser’s name.",
            ),
        }
    }
}

/// Refuses what is not for us, or not from our pages.
pub(super) async fn check(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    match decide(&hosts, request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            tracing::warn!(?refusal, "refused");
            Error::from(refusal).into_response()
        }
    }
}

/// The rule that stands at the top of this file.
fn decide(hosts: &Hosts, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let host = only_host(headers).ok_or(Refusal::NoHost)?;
    // A request to a proxy names its host in the address as well.
    for host in [Some(&host), uri.authority()].into_iter().flatten().map(Authority::host) {
        if !hosts.include(host) {
            return Err(Refusal::ForeignHost(host.chars().take(100).collect()));
        }
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next();
    if origins.next().is_some() || origin.is_some_and(|origin| !is_of(origin.as_bytes(), &host)) {
        return Err(Refusal::ForeignPage);
    }
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    if sites.any(|site| site != "same-origin" && site != "none") {
        return Err(Refusal::ForeignPage);
    }
    let is_said = origin.is_some() || headers.contains_key(SEC_FETCH_SITE);
    let is_browser = headers.contains_key(header::COOKIE)
        || headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"));
    if !is_said && is_browser { Err(Refusal::UnknownPage) } else { Ok(()) }
}

/// The one `Host` of a request.
fn only_host(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?.parse::<Authority>().ok()?;
    // `user@host` is for addresses, not for this header.
    (hosts.next().is_none() && !host.as_str().contains('@')).then_some(host)
}

/// Whether a page of this origin is one of the host's own.
fn is_of(origin: &[u8], host: &Authority) -> bool {
    let Ok(origin) = std::str::from_utf8(origin) else { return false };
    let (port, rest) = match (origin.strip_prefix("http://"), origin.strip_prefix("https://")) {
        (Some(rest), _) => (80, rest),
        (_, Some(rest)) => (443, rest),
        _ => return false,
    };
    let Ok(theirs) = rest.parse::<Authority>() else { return false };
    theirs.host().eq_ignore_ascii_case(host.host())
        && theirs.port_u16().unwrap_or(port) == host.port_u16().unwrap_or(port)
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
