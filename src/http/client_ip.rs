//! The client's address: the peer's, or what trusted proxies say of it.

use std::fmt;
use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// Hops that are read at the most; a longer chain of trusted proxies does not exist.
const HOPS_MAX: usize = 32;

/// A set of networks.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// A set of these networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether an address lies in one of them.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|it| it.contains(&ip))
    }
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(ToString::to_string)).finish()
    }
}

/// The client's address: starts with the peer and, while the address in hand is a trusted proxy, takes one hop from the right
/// end of `X-Forwarded-For`; stops at the first that does not parse. Never starts from the left, and never reads the
/// header from an untrusted peer, because anybody may write it.
#[must_use]
pub fn client_ip(peer: IpAddr, hops_from_right: impl Iterator<Item = Option<IpAddr>>, trusted: &Networks) -> IpAddr {
    let mut ip = peer.to_canonical();
    for hop in hops_from_right.take(HOPS_MAX) {
        if !trusted.contains(ip) {
            break;
        }
        let Some(next) = hop else { break };
        ip = next.to_canonical();
    }
    ip
}

/// An address as proxies write it: bare, with a port, or bracketed with or without one.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|it| it.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

/// The client's address of a request.
pub(super) fn of(request: &HttpRequest, trusted: &Networks) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    if trusted.0.is_empty() {
        return Some(peer.to_canonical());
    }
    let lines: Vec<&str> = request.headers().get_all("x-forwarded-for").map(|it| it.to_str().unwrap_or("")).collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(',')).map(parse_hop);
    Some(client_ip(peer, hops, trusted))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(list: &[&str]) -> Networks {
        Networks::new(list.iter().map(|it| it.parse().unwrap()).collect())
    }

    fn from(peer: &str, header: &str, trusted: &[&str]) -> String {
        let hops = header.rsplit(',').map(parse_hop);
        client_ip(peer.parse().unwrap(), hops, &networks(trusted)).to_string()
    }

    #[test]
    fn the_header_is_walked_from_the_right_while_proxies_are_trusted() {
        for (peer, header, trusted, expected) in [
            ("203.0.113.9", "198.51.100.1", &[][..], "203.0.113.9"),
            ("203.0.113.9", "198.51.100.1", &["10.0.0.0/8"][..], "203.0.113.9"),
            ("10.0.0.1", "198.51.100.1", &["10.0.0.0/8"], "198.51.100.1"),
            ("10.0.0.1", "1.1.1.1, 198.51.100.1", &["10.0.0.0/8"], "198.51.100.1"),
            ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", &["10.0.0.0/8"], "198.51.100.1"),
            ("10.0.0.1", " 198.51.100.1 ,10.0.0.2 ", &["10.0.0.0/8"], "198.51.100.1"),
            ("10.0.0.1", "198.51.100.1, unknown", &["10.0.0.0/8"], "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1:4711", &["10.0.0.0/8"], "198.51.100.1"),
            ("10.0.0.1", "[2001:db8::1]:4711", &["10.0.0.0/8"], "2001:db8::1"),
            ("10.0.0.1", "[2001:db8::1]", &["10.0.0.0/8"], "2001:db8::1"),
            ("::ffff:10.0.0.1", "::ffff:198.51.100.1", &["10.0.0.0/8"], "198.51.100.1"),
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", &["10.0.0.0/8"], "10.0.0.3"),
            ("10.0.0.1", "", &["10.0.0.0/8"], "10.0.0.1"),
        ] {
            assert_eq!(from(peer, header, trusted), expected, "{peer} with {header:?}");
        }
    }

    proptest! {
        #[test]
        fn an_untrusted_peer_is_always_the_answer(peer: [u8; 4], header in "[ -~]{0,200}") {
            let peer = IpAddr::from(peer);
            prop_assume!(!networks(&["10.0.0.0/8"]).contains(peer));
            prop_assert_eq!(from(&peer.to_string(), &header, &["10.0.0.0/8"]), peer.to_string());
        }
    }
}
