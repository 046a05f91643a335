//! Names of hosts, as they come in headers and from the command line.

use axum::http::uri::Authority;
use std::net::IpAddr;

/// A host's name in lower case, without an IPv6 address's brackets and the dot that ends a full name.
pub fn bare(host: &str) -> String {
    let host = host.trim();
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_lowercase()
}

/// Whether this host, with a port or without, is this machine as it calls itself alone.
pub fn is_loopback(host: &str) -> bool {
    let is_own = |name: &str| {
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    };
    is_own(&bare(host)) || host.trim().parse::<Authority>().is_ok_and(|whole| is_own(&bare(whole.host())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_known_however_it_calls_itself() {
        for own in [
            "localhost",
            "LOCALHOST:8431",
            "localhost.",
            "127.0.0.1:80",
            "127.1.2.3",
            "[::1]",
            "[::1]:8431",
            "::1",
        ] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["tint.example", "localhost.example", "192.0.2.5:8431", "[2001:db8::5]", "0.0.0.0", ""] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
