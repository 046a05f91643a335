//! The addresses at which a server is reached.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Such as `http://192.168.1.5:8431`.
    pub url: String,
    /// The network card, such as `eth0`; empty where one address alone was bound.
    pub interface: String,
}

/// Names of network cards that exist within a machine alone: containers and virtual machines are behind them.
const VIRTUAL: [&str; 6] = ["docker", "br-", "veth", "virbr", "vmnet", "cni"];

/// Where a server that is bound to this address is reached, the likeliest first. A server that listens everywhere is reached at
/// each address of the machine's network cards; where it has none but its own, at that.
pub fn list_addresses(bound: SocketAddr) -> Vec<Address> {
    if !bound.ip().is_unspecified() {
        return vec![Address { url: url(bound.ip(), bound.port()), interface: String::new() }];
    }
    let cards = if_addrs::get_if_addrs().unwrap_or_default();
    let cards = cards.into_iter().map(|card| (card.ip(), card.name)).collect();
    let mut found = order(cards, bound.is_ipv4());
    if found.is_empty() {
        let own = if bound.is_ipv4() { IpAddr::from([127, 0, 0, 1]) } else { Ipv6Addr::LOCALHOST.into() };
        found.push((own, String::new()));
    }
    found.into_iter().map(|(ip, interface)| Address { url: url(ip, bound.port()), interface }).collect()
}

fn order(mut cards: Vec<(IpAddr, String)>, only_v4: bool) -> Vec<(IpAddr, String)> {
    cards.retain(|(ip, _)| !ip.is_loopback() && !is_link_local(*ip) && (ip.is_ipv4() || !only_v4));
    let is_virtual = |name: &str| VIRTUAL.iter().any(|start| name.starts_with(start));
    cards.sort_by_key(|(ip, name)| (is_virtual(name), ip.is_ipv6()));
    cards
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn url(ip: IpAddr, port: u16) -> String {
    format!("http://{}", SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_that_was_bound_is_the_only_one() {
        let found = list_addresses("192.0.2.7:8431".parse().unwrap());
        assert_eq!(
            found.iter().map(|address| address.url.as_str()).collect::<Vec<_>>(),
            ["http://192.0.2.7:8431"]
        );
    }

    #[test]
    fn what_nobody_else_reaches_is_left_out_and_what_is_likeliest_comes_first() {
        let card = |ip: &str, name: &str| (ip.parse::<IpAddr>().unwrap(), name.to_owned());
        let cards = vec![
            card("127.0.0.1", "lo"),
            card("172.17.0.1", "docker0"),
            card("2001:db8::5", "eth0"),
            card("fe80::1", "eth0"),
            card("169.254.3.4", "eth1"),
            card("192.0.2.5", "eth0"),
        ];
        let ips = |only_v4| -> Vec<String> {
            order(cards.clone(), only_v4).into_iter().map(|(ip, _)| ip.to_string()).collect()
        };
        assert_eq!(ips(false), ["192.0.2.5", "2001:db8::5", "172.17.0.1"]);
        assert_eq!(ips(true), ["192.0.2.5", "172.17.0.1"]);
    }

    #[test]
    fn a_server_that_listens_everywhere_is_reached_somewhere() {
        assert!(!list_addresses("0.0.0.0:8431".parse().unwrap()).is_empty());
        assert!(
            list_addresses("[::]:8431".parse().unwrap()).iter().all(|found| found.url.ends_with(":8431"))
        );
    }
}
