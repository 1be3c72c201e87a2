//! What a CRM is told: the feed, which may be read, and webhooks, which follow it; not what happens.

mod feed;
mod hooks;

pub use feed::{FEED_LIMIT_MAX, FeedKind, FeedPage, after_delivery};
pub use hooks::{HookState, Hooks, Sent};

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::webhook::Webhook;

/// What signs messages (Standard Webhooks, "whsec_…"): 24 to 64 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct HookSecret(Arc<[u8]>);

impl HookSecret {
    /// Reads `whsec_` and base64, as the Standard Webhooks specification writes symmetric secrets.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence; never the secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "is not whsec_ and the base64 of 24 to 64 bytes".to_owned();
        let base64 = text.trim().strip_prefix("whsec_").ok_or_else(wrong)?;
        let bytes = data_encoding::BASE64.decode(base64.as_bytes()).map_err(|_cause| wrong())?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes.into())) } else { Err(wrong()) }
    }

    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for HookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HookSecret(***)")
    }
}

/// What a CRM is told, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmSettings {
    /// Whether visits are told at all.
    pub has_feed: bool,
    /// Who is told by message.
    pub webhooks: Vec<Webhook>,
    /// What signs the messages.
    pub secret: Option<HookSecret>,
    /// Of what messages tell.
    pub kinds: BTreeSet<FeedKind>,
}

impl Default for CrmSettings {
    fn default() -> Self {
        Self { has_feed: true, webhooks: Vec::new(), secret: None, kinds: FeedKind::ALL.into() }
    }
}
