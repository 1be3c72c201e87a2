//! The address that calls go to; not what is called there.

use std::fmt;

use thiserror::Error;

/// The longest address, in bytes.
const BASE_BYTES_MAX: usize = 512;
/// Hosts that may be spoken to without encryption.
const HERE: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// An address is none that calls may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not an https:// address such as https://api.example.com; http:// is for this machine only")]
pub struct BaseError;

/// Where an interface is: `https://host/path`, or `http://` on this machine; without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiBase(String);

impl ApiBase {
    /// Reads an address.
    ///
    /// # Errors
    /// [`BaseError`] if it is none, or one that would send secrets in the clear.
    pub fn parse(text: &str) -> Result<Self, BaseError> {
        let text = text.trim().trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").ok_or(BaseError)?;
        let authority = rest.split('/').next().unwrap_or_default();
        let host = host_of(authority);
        let is_plain = text.len() <= BASE_BYTES_MAX
            && rest.bytes().all(|it| it.is_ascii_graphic())
            && !rest.contains(['?', '#', '@', '"', '<', '>', '\\']);
        let is_safe = scheme == "https" || scheme == "http" && HERE.contains(&host);
        if host.is_empty() || !is_plain || !is_safe { Err(BaseError) } else { Ok(Self(text.to_owned())) }
    }

    /// The same address, with this path if it has none.
    #[must_use]
    pub fn or_path(self, path: &str) -> Self {
        let has_path = self.0.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        if has_path { self } else { Self(format!("{}{path}", self.0)) }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its host with the port, if it names one.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// Whether it is on this machine, so that no proxy stands between.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.0.starts_with("http://")
    }
}

impl fmt::Display for ApiBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The host of an authority, without its port.
pub(super) fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_leave_this_machine_encrypted_only() {
        for good in
            ["https://qyapi.weixin.qq.com/cgi-bin/", "http://127.0.0.1:81/x", "http://[::1]:81", "http://localhost"]
        {
            assert_eq!(ApiBase::parse(good).map(|it| it.to_string()), Ok(good.trim_end_matches('/').to_owned()));
        }
        for bad in [
            "",
            "x",
            "http://a.example.com",
            "https://",
            "https://u@h",
            "https://h/?a",
            "ftp://h",
            "http://127.0.0.1.a",
        ] {
            assert_eq!(ApiBase::parse(bad), Err(BaseError), "{bad}");
        }
    }

    #[test]
    fn a_bare_host_gets_the_path() {
        let with = |text| ApiBase::parse(text).map(|it| it.or_path("/cgi-bin").to_string());
        assert_eq!(with("http://127.0.0.1:81"), Ok("http://127.0.0.1:81/cgi-bin".to_owned()));
        assert_eq!(with("http://127.0.0.1:81/"), Ok("http://127.0.0.1:81/cgi-bin".to_owned()));
        assert_eq!(with("http://127.0.0.1:81/relay"), Ok("http://127.0.0.1:81/relay".to_owned()));
    }
}
