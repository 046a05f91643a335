//! Who asks. Every page and every part of one may want to know, down to a macro of a template, so it is told by the task that
//! answers, not handed from function to function; outside of one nobody may change anything.

use crate::domain::access::Role;
use crate::store::Store;
use crate::store::access_keys::AccessKey;
use crate::web::pages::format::ago;
use std::sync::Arc;
use std::time::Duration;

/// How soon a stream notices that its key was revoked.
const LOOK_EVERY: Duration = Duration::from_secs(10);

tokio::task_local! {
    static VISITOR: Arc<Visitor>;
    /// Path and query of what they asked for.
    static VIEW: String;
}

/// Who asks.
#[derive(Clone, Debug)]
pub enum Visitor {
    /// Somebody at this machine.
    Owner,
    /// Somebody with a key.
    Key(AccessKey),
    /// Somebody without one that is good.
    Nobody(Refusal),
}

/// Why somebody is not let in.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// No key was shown.
    Missing,
    /// There is no such key.
    Unknown,
    /// It was revoked: its name, and when.
    Revoked(String, i64),
    /// It has expired: its name, and when.
    Expired(String, i64),
    /// There were so many wrong ones that none is looked at for some seconds.
    TooMany(u64),
}

impl Refusal {
    /// What a page is called that says so.
    pub fn title(&self) -> &'static str {
        match self {
            Refusal::Missing => "A key is needed",
            Refusal::Unknown => "This key is not valid",
            Refusal::Revoked(..) => "This link was revoked",
            Refusal::Expired(..) => "This link has expired",
            Refusal::TooMany(_) => "Too many wrong keys",
        }
    }

    /// Why, and what to do now.
    pub fn words(&self) -> String {
        match self {
            Refusal::Missing => "Open the link that you were sent, or the address that the server printed when it started. \
                 Scripts send the key as “Authorization: Bearer KEY”."
                .into(),
            Refusal::Unknown => "There is no such key. Check that the whole link was copied, or ask whoever sent it for another.".into(),
            Refusal::Revoked(name, at_ms) => {
                format!("The link “{name}” was revoked {}. Ask whoever sent it for another.", ago(*at_ms))
            }
            Refusal::Expired(name, at_ms) => {
                format!("The link “{name}” expired {}. Ask whoever sent it for another.", ago(*at_ms))
            }
            Refusal::TooMany(seconds) => {
                format!("Too many wrong keys came from your address. Wait {seconds} seconds, then try again.")
            }
        }
    }
}

impl Visitor {
    /// What they may do; `None`: nothing.
    pub fn role(&self) -> Option<Role> {
        match self {
            Visitor::Owner => Some(Role::Full),
            Visitor::Key(key) => Some(key.role),
            Visitor::Nobody(_) => None,
        }
    }

    /// Answers something for this visitor.
    pub(super) async fn scope<F: Future>(self: Arc<Self>, view: String, work: F) -> F::Output {
        VIEW.scope(view, VISITOR.scope(self, work)).await
    }
}

/// Who asked for what is being answered.
pub fn current() -> Option<Arc<Visitor>> {
    VISITOR.try_with(Arc::clone).ok()
}

/// Path and query of the page that is being answered.
pub fn current_view() -> String {
    VIEW.try_with(String::clone).unwrap_or_else(|_| "/".to_owned())
}

/// Whether who asks may change something; where nobody does, no.
pub fn can_edit() -> bool {
    current().is_some_and(|visitor| visitor.role() == Some(Role::Full))
}

/// What the top bar says of a key that only reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// What the link is called.
    pub name: String,
    /// When it expires.
    pub expires_at_ms: Option<i64>,
}

/// The badge of who asks; `None` for those who may change things.
pub fn badge() -> Option<Badge> {
    match current()?.as_ref() {
        Visitor::Key(key) if key.role == Role::ReadOnly => {
            Some(Badge { name: key.name.clone(), expires_at_ms: key.expires_at_ms })
        }
        _ => None,
    }
}

/// Ends when the key of who asks is no longer good. For answers that never end by themselves.
pub fn until_refused(store: &Store) -> impl Future<Output = ()> + Send + 'static {
    let (visitor, store) = (current(), store.clone());
    async move {
        let key = match visitor.as_deref() {
            Some(Visitor::Owner) => return std::future::pending().await,
            Some(Visitor::Key(key)) => key.id,
            Some(Visitor::Nobody(_)) | None => return,
        };
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let found = store.list_access_keys().await.unwrap_or_default();
            if !found.iter().any(|other| other.id == key && other.is_valid()) {
                return;
            }
        }
    }
}
