//! `jinqun health`: does the service on this machine turn? For containers, which hold no other program that could ask.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::{Common, End, Printer};
use crate::config::{Config, Flags};

/// How long the service may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(3);
/// Bytes of the answer that are shown at the most.
const SHOWN_BYTES_MAX: u64 = 4_096;

/// Ask a running service whether it turns; exit 0 if it does
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  jinqun health\n  jinqun health http://127.0.0.1:8080/readyz")]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// What to ask, instead of /healthz where the settings listen
    #[arg(value_name = "URL")]
    url: Option<String>,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let url = match self.url {
            Some(url) => url,
            None => own_url(&self.common.load(Flags::new())?)?,
        };
        // The certificate names the public host, and this asks the machine it runs on: encrypted, the name not looked at.
        let tls = ureq::tls::TlsConfig::builder().disable_verification(is_local(&url)).build();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(ANSWER_WAIT))
            .tls_config(tls)
            .build()
            .new_agent();
        let mut answer = agent.get(&url).call().with_context(|| format!("{url} does not answer"))?;
        let text = answer.body_mut().with_config().limit(SHOWN_BYTES_MAX).read_to_string().unwrap_or_default();
        if !answer.status().is_success() {
            bail!("{url} answers {}: {text}", answer.status());
        }
        printer.line(text)?;
        Ok(End::Success)
    }
}

/// `/healthz` where the settings listen, on this machine.
fn own_url(config: &Config) -> anyhow::Result<String> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    if config.listen.port() == 0 {
        bail!("the settings listen on a port that is picked at the start; name the address");
    }
    Ok(format!("{scheme}://{}/healthz", reachable(config.listen)))
}

/// Where a socket that is bound to this address is reached from the same machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Whether an address is this machine's loopback.
fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.parse::<SocketAddr>().is_ok_and(|it| it.ip().is_loopback())
        || authority.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_asked_on_the_loopback() {
        for (listen, expected) in
            [("0.0.0.0:8080", "127.0.0.1:8080"), ("[::]:443", "[::1]:443"), ("10.0.0.7:8080", "10.0.0.7:8080")]
        {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn only_the_loopback_is_asked_without_looking_at_the_name() {
        for (url, expected) in [
            ("https://127.0.0.1:8443/healthz", true),
            ("https://127.0.0.1", true),
            ("https://[::1]:8443/healthz", true),
            ("https://join.example.com/healthz", false),
            ("https://127.0.0.1.example.com/healthz", false),
            ("https://127.0.0.1@example.com/", false),
            ("https://10.0.0.7:8443/", false),
        ] {
            assert_eq!(is_local(url), expected, "{url}");
        }
    }
}
