//! Who asks, and what they may do. A server that only this computer reaches lets everybody do everything; at any other address
//! whoever asks needs a key: in the link that they were sent, then in a cookie, or as a bearer token from a script.
//!
//! [`identify`] finds out who asks, outside of everything that makes pages; [`permit`] compares that with what the address needs
//! ([`crate::web::routes`]), right before the handler. Pages ask [`can_edit`] what to offer.

mod addresses;
mod cookie;
mod hide_paths;
mod identify;
mod known_keys;
mod links;
mod permit;
mod slow_down;
mod visitor;

pub use addresses::{Address, list_addresses};
pub use hide_paths::hide_paths;
pub use identify::identify;
pub use links::{links, qr_code};
pub use permit::{check, permit};
pub use visitor::{Badge, Refusal, Visitor, badge, can_edit, current, current_view, until_refused};

use crate::domain::access::hash_key;
use known_keys::KnownKeys;
use slow_down::SlowDown;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Whether a key is needed, and what keys are compared with besides those of the database.
#[derive(Clone, Debug)]
pub struct Access {
    bound: SocketAddr,
    guard: Option<Arc<Guard>>,
}

#[derive(Debug)]
struct Guard {
    /// Of the key of this process, which the command line on the same machine uses.
    own_hash: String,
    slow_down: SlowDown,
    known: KnownKeys,
    /// Held while a key is looked up that was not good before: one at a time, so that many guesses sent together are counted
    /// like guesses sent one after another.
    new_key: Mutex<()>,
}

impl Guard {
    fn new(own_key: &str) -> Guard {
        Guard {
            own_hash: hash_key(own_key),
            slow_down: SlowDown::default(),
            known: KnownKeys::default(),
            new_key: Mutex::default(),
        }
    }
}

impl Access {
    /// Of a server that is bound to this address. `own_key` is the key of this process; `None` where no other machine reaches it.
    pub fn new(bound: SocketAddr, own_key: Option<&str>) -> Access {
        Access { bound, guard: own_key.map(Guard::new).map(Arc::new) }
    }

    /// Whether only this machine reaches the server, so that no key is needed.
    pub fn is_local(&self) -> bool {
        self.guard.is_none()
    }

    /// The port that it answers at.
    pub fn port(&self) -> u16 {
        self.bound.port()
    }

    /// Where team-mates reach it, or only this machine does.
    pub async fn list_addresses(&self) -> Vec<Address> {
        let bound = self.bound;
        tokio::task::spawn_blocking(move || list_addresses(bound)).await.unwrap_or_default()
    }
}
