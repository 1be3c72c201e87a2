//! What the web is set to.

use std::sync::Arc;

use super::bearer::TokenDigest;
use super::client_ip::Networks;
use super::landing::privacy::Sharing;
use super::privacy::PrivacySettings;
use crate::app::Retention;
use crate::geo::Datum;
use crate::group::GroupDefaults;
use crate::live::Live;
use crate::platform::ApiBase;
use crate::wechat::Scope;

/// Where the maps of the operations team get their background from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapTiles {
    /// An address with `{x}`, `{y}` and `{z}` in it.
    url: String,
    /// Whose tiles they are, as their terms want it shown.
    pub attribution: String,
    /// What they are drawn in.
    pub datum: Datum,
}

impl MapTiles {
    /// Reads an address of tiles.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn parse(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let host = rest.and_then(|it| it.split('/').next()).unwrap_or_default();
        let is_host = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | ':');
        if host.is_empty() || !host.chars().all(is_host) {
            return Err("does not begin with https:// and a host".to_owned());
        }
        let is_plain = url.chars().all(|it| it.is_ascii_graphic() && !matches!(it, '"' | '\'' | '<' | '>' | ';' | ','));
        if !is_plain || !["{x}", "{y}", "{z}"].iter().all(|it| url.contains(it)) {
            return Err("is not an address such as https://tiles.example.com/{z}/{x}/{y}.png".to_owned());
        }
        Ok(Self { url: url.to_owned(), attribution: String::new(), datum: Datum::Wgs84 })
    }

    /// The same tiles, of somebody and in a datum.
    #[must_use]
    pub fn drawn(self, attribution: String, datum: Datum) -> Self {
        Self { attribution, datum, ..self }
    }

    /// The address, with `{x}`, `{y}` and `{z}` in it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Scheme and host, as a Content-Security-Policy names them.
    #[must_use]
    pub fn host(&self) -> String {
        self.url.split('/').take(3).collect::<Vec<_>>().join("/")
    }
}

/// By what customers may be recognised, if they wish.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignInWays {
    /// By the official account; how much of them is asked for.
    pub wechat: Option<Scope>,
    /// By the corporation, which knows those who are contacts already.
    pub wecom: bool,
}

/// The address of the script by which pages in `WeChat` use what it offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WechatScript(String);

impl WechatScript {
    /// Reads an address: `https://`, or `http://` on this machine, of plain characters.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn parse(url: &str) -> Result<Self, String> {
        let base = ApiBase::parse(url).map_err(|_cause| "is not the https:// address of a script".to_owned())?;
        let is_plain = |it: char| it.is_ascii_alphanumeric() || "-._~/:[]".contains(it);
        if !base.as_str().chars().all(is_plain) {
            return Err("is not the plain https:// address of a script".to_owned());
        }
        Ok(Self(base.as_str().to_owned()))
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0
    }
}

/// What the web is set to and may be set to anew while it runs.
#[derive(Debug, Clone)]
pub struct Swapped {
    /// Lets operators in; none means nobody.
    pub admin_token: Option<TokenDigest>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
    /// The background of maps; none: outlines alone.
    pub map_tiles: Option<MapTiles>,
}

/// What the web is set to, ready for use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where customers reach this service, without a trailing slash.
    pub public_url: String,
    /// What may change while the service runs.
    pub swapped: Arc<Live<Swapped>>,
    /// Origins whose own pages may call the API; each as a browser sends it.
    pub allowed_origins: Vec<String>,
    /// What the operator says in the privacy notice.
    pub privacy: PrivacySettings,
    /// For how long records are kept, as the notice says.
    pub retention: Retention,
    /// Who else is told something of a visitor, as the notice says.
    pub sharing: Sharing,
    /// Hosts that join links may point to.
    pub join_link_hosts: Vec<String>,
    /// What a group has that says nothing itself.
    pub groups: GroupDefaults,
    /// By what customers may be recognised.
    pub sign_in: SignInWays,
    /// The script by which pages in `WeChat` ask for the position; none if no official account is set.
    pub wechat_script: Option<WechatScript>,
    /// Worker threads.
    pub workers: usize,
    /// Seconds that requests under way get to finish at a stop.
    pub shutdown_s: u64,
}

impl Settings {
    /// The background of maps.
    #[must_use]
    pub fn map_tiles(&self) -> Option<MapTiles> {
        self.swapped.load().map_tiles.clone()
    }

    /// Whether customers come over TLS, so that cookies may be bound to it.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
