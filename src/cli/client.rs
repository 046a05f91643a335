//! Speaks to a server.

use crate::app::Endpoint;
use anyhow::{Context as _, bail};
use serde_json::Value;

/// A server's address and a connection to it.
pub(super) struct Client {
    url: String,
    /// The value of the header that says who asks.
    authorization: Option<String>,
    agent: ureq::Agent,
}

impl Client {
    pub(super) fn new(endpoint: &Endpoint) -> Client {
        // An answer that is an error has a body that says why.
        // A proxy that the environment names is for other machines: it would be handed the key, and may not reach this one.
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        let authorization = endpoint.key.as_ref().map(|key| format!("Bearer {key}"));
        Client { url: endpoint.url.clone(), authorization, agent: config.into() }
    }

    pub(super) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.with_key(self.agent.get(format!("{}{path}", self.url))).call();
        Self::read(answer, &self.url)
    }

    pub(super) fn get_text(&self, path: &str) -> anyhow::Result<String> {
        let mut answer = self
            .with_key(self.agent.get(format!("{}{path}", self.url)))
            .call()
            .context("asking the server")?;
        let text = answer.body_mut().with_config().limit(u64::MAX).read_to_string()?;
        if !answer.status().is_success() {
            bail!("{}", serde_json::from_str(&text).map_or(text, |body: Value| message(&body)));
        }
        Ok(text)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.with_key(self.agent.post(format!("{}{path}", self.url))).send_json(body);
        Self::read(answer, &self.url)
    }

    /// Asks that something be removed.
    pub(super) fn delete(&self, path: &str) -> anyhow::Result<()> {
        let mut answer = self
            .with_key(self.agent.delete(format!("{}{path}", self.url)))
            .call()
            .context("asking the server")?;
        if answer.status().is_success() {
            return Ok(());
        }
        let body: Value = answer.body_mut().read_json().context("reading the server's answer")?;
        bail!("{}", message(&body))
    }

    fn with_key<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        }
    }

    fn read(
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
        url: &str,
    ) -> anyhow::Result<Value> {
        let mut answer = answer.with_context(|| format!("asking the server at {url}"))?;
        let body: Value = answer
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_json()
            .context("reading the server's answer")?;
        if !answer.status().is_success() {
            bail!("{}", message(&body));
        }
        Ok(body)
    }
}

fn message(body: &Value) -> String {
    body["error"]["message"].as_str().unwrap_or("the server gave no reason").to_owned()
}
