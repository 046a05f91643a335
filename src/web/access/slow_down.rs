//! Wrong keys: each makes whoever tried it wait, longer every time, and too many in a minute are not looked at any more.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong keys from one address within [`WINDOW`] that are looked at.
const ALLOWED: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Addresses that are remembered at a time.
const REMEMBERED: usize = 1000;

/// Who tried how often.
#[derive(Debug, Default)]
pub(super) struct SlowDown {
    peers: Mutex<HashMap<IpAddr, Tries>>,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    since: Instant,
    wrong: u32,
}

impl SlowDown {
    /// For how many seconds no key of this address is looked at; `None`: it may try.
    pub(super) fn seconds_to_wait(&self, peer: IpAddr, now: Instant) -> Option<u64> {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = peers.get(&network(peer))?;
        let left = WINDOW.checked_sub(now.saturating_duration_since(tries.since))?;
        (tries.wrong >= ALLOWED).then_some(left.as_secs() + 1)
    }

    /// A key was wrong: for how long its answer is kept back.
    pub(super) fn count_wrong(&self, peer: IpAddr, now: Instant) -> Duration {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let network = network(peer);
        if peers.len() >= REMEMBERED && !peers.contains_key(&network) {
            peers.retain(|_, tries| now.saturating_duration_since(tries.since) < WINDOW);
        }
        if peers.len() >= REMEMBERED && !peers.contains_key(&network) {
            let oldest = peers.iter().min_by_key(|(_, tries)| tries.since).map(|(peer, _)| *peer);
            oldest.map(|peer| peers.remove(&peer));
        }
        let tries = peers.entry(network).or_insert(Tries { since: now, wrong: 0 });
        if now.saturating_duration_since(tries.since) >= WINDOW {
            *tries = Tries { since: now, wrong: 0 };
        }
        tries.wrong += 1;
        FIRST_WAIT.saturating_mul(1 << (tries.wrong - 1).min(10)).min(LONGEST_WAIT)
    }
}

/// Whoever has an IPv6 address has a whole network of them.
pub(super) fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) => {
            let mut parts = ip.segments();
            parts[4..].fill(0);
            IpAddr::from(parts)
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_key_waits_longer_and_too_many_are_not_looked_at() {
        let (slow_down, now) = (SlowDown::default(), Instant::now());
        let (peer, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let waits: Vec<Duration> = (0..ALLOWED).map(|_| slow_down.count_wrong(peer, now)).collect();
        assert!(waits.is_sorted() && waits[0] < waits[4] && waits[9] == LONGEST_WAIT, "{waits:?}");
        assert_eq!(slow_down.seconds_to_wait(peer, now), Some(61));
        assert_eq!(slow_down.seconds_to_wait(other, now), None);
        assert_eq!(slow_down.seconds_to_wait(peer, now + WINDOW + Duration::from_secs(1)), None);
        assert_eq!(slow_down.count_wrong(peer, now + WINDOW), FIRST_WAIT, "a minute later it is as at first");
    }

    #[test]
    fn a_network_of_many_addresses_is_one_and_memory_is_bounded() {
        let (slow_down, now) = (SlowDown::default(), Instant::now());
        for last in 0..ALLOWED as u16 {
            slow_down.count_wrong(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]), now);
        }
        assert!(slow_down.seconds_to_wait(IpAddr::from([0x2001, 0xdb8, 0, 0, 9, 9, 9, 9]), now).is_some());
        for at in 0..3 * REMEMBERED as u32 {
            slow_down.count_wrong(IpAddr::from(at.to_be_bytes()), now);
        }
        assert!(slow_down.peers.lock().unwrap().len() <= REMEMBERED);
    }
}
