//! Webhooks: an address that takes messages, and one way to hand a message over. What a message says is not known here.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// How long a webhook has to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// The longest address, in bytes.
const URL_BYTES_MAX: usize = 2_048;
/// The host of `WeCom`'s group robots.
const WECOM_HOST: &str = "qyapi.weixin.qq.com";

/// What a webhook understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookFormat {
    /// The messages of a group robot of `WeCom`, which answers with an `errcode`.
    Wecom,
    /// Plain JSON; any `2xx` is a yes.
    Json,
}

/// Calls a webhook; connections are kept for the next message.
#[derive(Debug, Clone)]
pub struct Caller(ureq::Agent);

/// Where messages go. Its address holds a key, so it prints without path and query.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    url: String,
    format: WebhookFormat,
}

/// Why a message did not arrive.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// Nobody answered in time.
    #[error("{webhook} cannot be reached: {kind}")]
    Unreachable {
        /// Whose, without its key.
        webhook: String,
        /// What hindered it, without the address.
        kind: &'static str,
    },
    /// The answer is a no.
    #[error("{webhook} refuses the message ({word})")]
    Refused {
        /// Whose, without its key.
        webhook: String,
        /// The status or the `errcode`.
        word: String,
        /// The status of the answer.
        status: u16,
    },
}

impl Webhook {
    /// Reads an address: `https://…`, or `http://` on this machine. `wecom+` or `json+` before it says what it understands; without
    /// them it is a group robot if it is on `WeCom`'s host.
    ///
    /// # Errors
    /// What is wrong with it, without the address, which may hold a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (said, url) = match text.split_once('+') {
            Some(("wecom", url)) => (Some(WebhookFormat::Wecom), url),
            Some(("json", url)) => (Some(WebhookFormat::Json), url),
            _ => (None, text),
        };
        if url.len() > URL_BYTES_MAX || !url.bytes().all(|it| it.is_ascii_graphic()) {
            return Err("holds an address that is too long or holds characters that no address may hold".to_owned());
        }
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host_of(authority);
        let is_here = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
        if host.is_empty() || authority.contains('@') || !(scheme == "https" || scheme == "http" && is_here) {
            return Err("holds something that is no https:// address".to_owned());
        }
        let is_wecom = host.eq_ignore_ascii_case(WECOM_HOST);
        let format = said.unwrap_or(if is_wecom { WebhookFormat::Wecom } else { WebhookFormat::Json });
        Ok(Self { url: url.to_owned(), format })
    }

    /// What it understands.
    #[must_use]
    pub fn format(&self) -> WebhookFormat {
        self.format
    }

    /// The whole address; it holds a key.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address without what may be a key.
    #[must_use]
    pub fn masked(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or_default();
        format!("{scheme}://{}/…", rest.split(['/', '?', '#']).next().unwrap_or_default())
    }

    /// What calls this webhook, with connections that are used again.
    #[must_use]
    pub fn caller(&self) -> Caller {
        let builder = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_WAIT));
        let config = if self.url.starts_with("http://") { builder.proxy(None) } else { builder }.build();
        Caller(config.new_agent())
    }

    /// Hands a message over, with the signature of a receiver who asks for one. Blocks for at most ten seconds.
    ///
    /// # Errors
    /// [`WebhookError`] if it did not arrive.
    pub fn post(&self, body: &str, signature: Option<&str>) -> Result<(), WebhookError> {
        let headers: Vec<_> = signature.map(|it| ("Jinqun-Signature", it)).into_iter().collect();
        self.post_by(&self.caller(), body, &headers)
    }

    /// Hands a message over with these headers, by a caller of [`Webhook::caller`]. Blocks for at most ten seconds.
    ///
    /// # Errors
    /// [`WebhookError`] if it did not arrive.
    pub fn post_by(&self, caller: &Caller, body: &str, headers: &[(&str, &str)]) -> Result<(), WebhookError> {
        let mut request = caller.0.post(&self.url).header("Content-Type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request
            .send(body)
            .map_err(|error| WebhookError::Unreachable { webhook: self.masked(), kind: kind(&error) })?;
        let status = answer.status().as_u16();
        let refused = |word: String| Err(WebhookError::Refused { webhook: self.masked(), word, status });
        if !answer.status().is_success() {
            return refused(format!("status {status}"));
        }
        if self.format == WebhookFormat::Json {
            return Ok(());
        }
        let read = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().unwrap_or_default();
        let said: serde_json::Value = serde_json::from_str(&read).unwrap_or_default();
        match said.get("errcode").and_then(serde_json::Value::as_i64) {
            Some(0) => Ok(()),
            Some(code) => refused(format!("errcode {code}")),
            None => refused("no errcode".to_owned()),
        }
    }
}

/// The host of an authority, without its port.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// What hindered a call, in a word: the error itself may name the address.
#[expect(clippy::wildcard_enum_match_arm, reason = "the list of another crate, which grows")]
fn kind(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::Timeout(_) => "no answer in time",
        ureq::Error::HostNotFound => "no such host",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "its certificate is not good",
        ureq::Error::ConnectionFailed | ureq::Error::Io(_) => "no connection",
        _ => "the call failed",
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses_are_webhooks() {
        let good = |text| Webhook::parse(text).unwrap().format();
        assert_eq!(good("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"), WebhookFormat::Wecom);
        assert_eq!(good("https://ops.example.com/hook"), WebhookFormat::Json);
        assert_eq!(good("wecom+https://relay.example.com/hook"), WebhookFormat::Wecom);
        assert_eq!(good("json+http://127.0.0.1:8000/hook"), WebhookFormat::Json);
        for bad in [
            "",
            "ops.example.com",
            "http://ops.example.com/hook",
            "http://127.0.0.1.example.com/",
            "https://user:pass@ops.example.com/",
            "ftp://ops.example.com/",
            "https:///hook",
        ] {
            assert!(Webhook::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_prints_without_its_key() {
        let webhook = Webhook::parse("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=s3cret").unwrap();
        assert_eq!(format!("{webhook:?}"), "Webhook(https://qyapi.weixin.qq.com/…)");
    }
}
