//! Keys that were good before, so that whoever has one goes on while somebody else at the same address – behind the same proxy –
//! tries wrong ones.

use super::slow_down::network;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Pairs of address and key that are remembered at a time.
const REMEMBERED: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct KnownKeys {
    /// From which network a key of which hash was good; the oldest first. By network, so that nobody elsewhere can try keys against
    /// those that are in use without being slowed down.
    good: Mutex<VecDeque<(IpAddr, String)>>,
    /// When the use of a key, by its number, was last noted or about to be.
    noted: Mutex<HashMap<i64, i64>>,
}

impl KnownKeys {
    pub(super) fn contains(&self, peer: IpAddr, hash: &str) -> bool {
        let peer = network(peer);
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.iter().any(|(from, known)| *from == peer && known == hash)
    }

    pub(super) fn remember(&self, peer: IpAddr, hash: &str) {
        let pair = (network(peer), hash.to_owned());
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.contains(&pair) {
            return;
        }
        if good.len() >= REMEMBERED {
            good.pop_front();
        }
        good.push_back(pair);
    }

    /// Whether the use of a key is to be noted now: whoever is told so does it.
    pub(super) fn is_note_due(&self, key: i64, now_ms: i64, every_ms: i64) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = noted.get(&key).is_none_or(|last| last + every_ms <= now_ms);
        if is_due {
            noted.insert(key, now_ms);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_from_where_it_was_good_and_memory_is_bounded() {
        let known = KnownKeys::default();
        let (here, there) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        known.remember(here, "aa");
        assert!(known.contains(here, "aa") && !known.contains(there, "aa") && !known.contains(here, "ab"));
        for at in 0..2 * REMEMBERED {
            known.remember(there, &at.to_string());
        }
        assert_eq!(known.good.lock().unwrap().len(), REMEMBERED);
        assert!(!known.contains(here, "aa"), "the oldest is forgotten first");
    }

    #[test]
    fn a_use_is_noted_once_in_a_while() {
        let known = KnownKeys::default();
        let due: Vec<bool> = [0, 5, 9, 10, 11].map(|now| known.is_note_due(1, now, 10)).into();
        assert_eq!(due, [true, false, false, true, false]);
        assert!(known.is_note_due(2, 5, 10), "each key for itself");
    }
}
