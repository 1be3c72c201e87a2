//! What the feed is told of who came and who went; not who reads it.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::customer::person_of;
use crate::id::VisitorId;
use crate::storage::{FeedEntry, Storage, StorageError};
use crate::time::Timestamp;

/// Somebody came, and went again if `until` says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// `contact` or `group`.
    pub kind: &'a str,
    /// `external_userid`.
    pub customer: &'a str,
    /// `userid` of the member of staff; may be empty.
    pub staff: &'a str,
    /// `chat_id` of a group.
    pub chat: Option<&'a str>,
    pub store: Option<&'a str>,
    pub visitor: Option<VisitorId>,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
    /// When they came back, having been away for less than a day; 1970 if never.
    pub back_at: Timestamp,
}

#[derive(Serialize)]
struct Body<'a> {
    kind: &'a str,
    external_userid: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    staff: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<VisitorId>,
    at: String,
}

/// Adds to the feed that somebody came, and that they went. Telling again is harmless.
pub(super) fn tell(storage: &dyn Storage, told: &Told<'_>) -> Result<(), StorageError> {
    let came = entry("customer.joined", told, told.since.max(told.back_at));
    let went = told.until.map(|at| entry("customer.left", told, at));
    let entries: Vec<FeedEntry> = std::iter::once(came).chain(went).collect();
    storage.append_feed(&entries)
}

fn entry(kind: &str, told: &Told<'_>, at: Timestamp) -> FeedEntry {
    let body = Body {
        kind: told.kind,
        external_userid: told.customer,
        staff: told.staff,
        chat: told.chat,
        store: told.store,
        visitor: told.visitor,
        at: at.to_string(),
    };
    // The end of a stay may become known more exactly; that it ended is told once. Who comes back stays once more.
    let since = told.since.unix_ms().to_string();
    let back = told.back_at.unix_ms().to_string();
    let mut words = vec![kind, told.kind, told.customer, told.chat.unwrap_or(told.staff), &since];
    if told.back_at != Timestamp::EPOCH {
        words.push(&back);
    }
    let digest = Sha256::digest(words.join("\n").as_bytes());
    FeedEntry {
        id: format!("{kind}.{}", data_encoding::HEXLOWER.encode(digest.get(..16).unwrap_or_default())),
        at,
        kind: kind.to_owned(),
        visitor: Some(person_of(told.customer)),
        body: serde_json::to_string(&body).unwrap_or_default(),
    }
}
