//! What the web is set to.

use super::bearer::TokenDigest;
use super::client_ip::Networks;
use super::privacy::PrivacySettings;
use crate::app::Retention;
use crate::group::GroupDefaults;

/// What the web is set to, ready for use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where customers reach this service, without a trailing slash.
    pub public_url: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
    /// Origins whose own pages may call the API; each as a browser sends it.
    pub allowed_origins: Vec<String>,
    /// Lets operators in; none means nobody.
    pub admin_token: Option<TokenDigest>,
    /// What the operator says in the privacy notice.
    pub privacy: PrivacySettings,
    /// For how long records are kept, as the notice says.
    pub retention: Retention,
    /// Hosts that join links may point to.
    pub join_link_hosts: Vec<String>,
    /// What a group has that says nothing itself.
    pub groups: GroupDefaults,
    /// Worker threads.
    pub workers: usize,
    /// Seconds that requests under way get to finish at a stop.
    pub shutdown_s: u64,
}

impl Settings {
    /// Whether customers come over TLS, so that cookies may be bound to it.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
