//! What customers join: group chats and contacts, each with a join code that may expire.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::id::{CampaignSlug, ContactId, GroupId, RegionCode, ScanId, StoreId, VisitorId};
use crate::time::Timestamp;

/// Members up to which a group is taken to accept scans, unless it says otherwise. `WeCom`'s own limit has changed before,
/// so it is a default and not a rule.
pub const CAPACITY_DEFAULT: u32 = 200;
/// Days for which an uploaded code works from when it is set, unless it says otherwise: what `WeCom` gives a group's own code.
pub const VALIDITY_DAYS_DEFAULT: u32 = 7;
/// No group chat of any kind holds more.
pub const CAPACITY_MAX: u32 = 100_000;
/// The longest join link, in bytes; far below what a QR code at level M holds.
pub const LINK_BYTES_MAX: usize = 512;
/// Hosts that join links may point to, unless the settings name others.
pub const LINK_HOSTS_DEFAULT: [&str; 3] = ["work.weixin.qq.com", "weixin.qq.com", "u.wechat.com"];

/// What a group has that says nothing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupDefaults {
    /// Members up to which it is taken to accept scans.
    pub capacity: u32,
    /// Days for which an uploaded code works from when it is set.
    pub validity_days: u32,
}

impl Default for GroupDefaults {
    fn default() -> Self {
        Self { capacity: CAPACITY_DEFAULT, validity_days: VALIDITY_DAYS_DEFAULT }
    }
}

impl GroupDefaults {
    /// When a code that is set at this moment expires.
    #[must_use]
    pub fn expiry(&self, set_at: Timestamp) -> Timestamp {
        Timestamp::from_unix_ms(set_at.unix_ms().saturating_add(i64::from(self.validity_days) * 86_400_000))
    }
}

/// Why a text is no join link.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JoinLinkError {
    /// Not `https://` with a host behind it.
    #[error("is not an https:// link")]
    NotHttps,
    /// A host that is not on the allow-list.
    #[error("points to {0}, which is not on the list of allowed hosts")]
    HostNotAllowed(String),
    /// Longer than [`LINK_BYTES_MAX`].
    #[error("has {0} bytes, at most {LINK_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// White space, a control character or something else that a link may not hold.
    #[error("holds the character {0:?}, which a link may not hold")]
    BadCharacter(char),
}

/// What acquisition links begin with.
const ACQUISITION: &str = "https://work.weixin.qq.com/ca/";
/// The word in their query that `WeCom` gives back.
const CHANNEL: &str = "customer_channel=";

/// The link inside a join code: `https`, to an allowed host.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JoinLink(Box<str>);

impl JoinLink {
    /// Reads a link and checks it against the allowed hosts (exact names, lower case).
    ///
    /// # Errors
    /// [`JoinLinkError`] says what is wrong with the link.
    pub fn parse<S: AsRef<str>>(text: &str, hosts: &[S]) -> Result<Self, JoinLinkError> {
        let text = text.trim();
        if text.len() > LINK_BYTES_MAX {
            return Err(JoinLinkError::TooLong(text.len()));
        }
        let unfit =
            |c: &char| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
        if let Some(c) = text.chars().find(unfit) {
            return Err(JoinLinkError::BadCharacter(c));
        }
        let rest = text.strip_prefix("https://").ok_or(JoinLinkError::NotHttps)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        if host.is_empty() {
            return Err(JoinLinkError::NotHttps);
        }
        if hosts.iter().any(|allowed| allowed.as_ref() == host) {
            Ok(Self(text.into()))
        } else {
            Err(JoinLinkError::HostNotAllowed(host))
        }
    }

    /// The link as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link with a word that comes back with the friendship it leads to; none if it is no acquisition link (获客链接) of `WeCom`,
    /// or one that bears somebody's word already.
    #[must_use]
    pub fn with_channel(&self, channel: &str) -> Option<String> {
        let rest = self.0.strip_prefix(ACQUISITION)?;
        let is_free = !rest.is_empty() && !rest.contains('#') && !rest.contains(CHANNEL);
        let mark = if rest.contains('?') { '&' } else { '?' };
        is_free.then(|| format!("{}{mark}{CHANNEL}{channel}", self.0))
    }
}

impl fmt::Debug for JoinLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a customer scans to join: a link, and how long it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinCode {
    /// Where it leads.
    pub link: JoinLink,
    /// The moment from which it no longer works; none for a live code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl JoinCode {
    /// Whether the code still works at this moment.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Whose group or contact it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// A store's own.
    Store(StoreId),
    /// A region's: a district's, city's or province's, or that of an area of the operator's own.
    Region(RegionCode),
    /// The campaign's, shown where no store's may be.
    Campaign(CampaignSlug),
}

/// Whether a group chat takes visitors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupStatus {
    /// It is offered.
    #[default]
    Active,
    /// It is not offered for a while.
    Paused,
}

/// The longest id in `WeCom` that is kept: of a chat, a member of staff or a way, in bytes.
pub const WECOM_ID_BYTES_MAX: usize = 64;
/// Group chats behind one join way, by the platform's own limit (document 99547).
pub const CHATS_MAX: usize = 5;
/// Members of staff behind one contact way, by the platform's own limit (document 92228).
pub const STAFF_MAX: usize = 100;
/// The columns of the store sheet that name a store's chats, in both languages.
pub const CHATS_COLUMNS: [&str; 3] = ["wecom_chats", "企微群ID", "企微群id"];
/// The columns of the store sheet that name a store's staff, in both languages.
pub const STAFF_COLUMNS: [&str; 2] = ["wecom_staff", "企微成员"];

/// The ids in a cell of these columns, joined by `;`, `,` or white space: each once, and what can be no id.
#[must_use]
pub fn wecom_ids(cell: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut ids, mut unfit) = (Vec::new(), Vec::new());
    for id in cell.split([';', '；', ',', '，', '、', ' ', '\n', '\t']).map(str::trim).filter(|it| !it.is_empty()) {
        let is_id = id.len() <= WECOM_ID_BYTES_MAX && id.bytes().all(|it| it.is_ascii_graphic());
        let list = if is_id { &mut ids } else { &mut unfit };
        if !list.contains(&id) {
            list.push(id);
        }
    }
    (ids, unfit)
}

/// Characters of a `state`, by the platform's own limit (documents 92228 and 99547).
const STATE_CHARS_MAX: usize = 30;

/// What a join code is in `WeCom`: who stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wecom {
    /// `chat_id` of the group chats behind a group's code, at most [`CHATS_MAX`]; empty for a contact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chats: Vec<Box<str>>,
    /// `userid` of the members of staff: those behind a contact's code, at most [`STAFF_MAX`], or who looks after a group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub staff: Vec<Box<str>>,
    /// `config_id` of the join way or contact way that this service made and keeps; none for an uploaded code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Box<str>>,
    /// Whether a group pauses because all its chats were dissolved, and not because a person wishes so: then it goes on by itself
    /// once it has another chat.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_without_chat: bool,
}

/// The `state` of a code: a short word that events bear. Ids that fit stand in it as they are, others as a hash.
fn state(kind: char, id: &str) -> String {
    let is_plain = id.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'));
    if is_plain && id.len() + 2 <= STATE_CHARS_MAX {
        return format!("{kind}_{id}");
    }
    let digest = Sha256::digest(id.as_bytes());
    let hash = data_encoding::HEXLOWER.encode(digest.get(..13).unwrap_or_default());
    format!("{kind}~{hash}")
}

/// A group chat that visitors may join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChat {
    /// Its id, unique in a catalog.
    pub id: GroupId,
    /// Whose it is.
    pub owner: Owner,
    /// The name that customers see.
    pub name: Box<str>,
    /// What leads into it.
    pub code: JoinCode,
    /// Members up to which it is taken to accept scans, at least 1.
    pub capacity: u32,
    /// Whether it takes visitors.
    #[serde(default)]
    pub status: GroupStatus,
    /// Its place among the groups of its owner; smaller comes first, then the smaller id.
    #[serde(default)]
    pub order: i32,
    /// What it is in `WeCom`, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wecom: Option<Box<Wecom>>,
}

impl GroupChat {
    /// The `state` of its join way: at most 30 characters, no other code of a catalog has it.
    #[must_use]
    pub fn state(&self) -> String {
        state('g', self.id.as_str())
    }

    /// Whether the group may be offered at this moment, as far as the catalog knows.
    #[must_use]
    pub fn is_offered(&self, now: Timestamp) -> bool {
        self.status == GroupStatus::Active && self.code.is_usable(now)
    }
}

/// Somebody customers may add, most often the store's manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Its id, unique in a catalog.
    pub id: ContactId,
    /// Whose contact it is.
    pub owner: Owner,
    /// The name that customers see.
    pub name: Box<str>,
    /// What leads to it.
    pub code: JoinCode,
    /// Its place among the contacts of its owner; smaller comes first, then the smaller id.
    #[serde(default)]
    pub order: i32,
    /// Who it is in `WeCom`, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wecom: Option<Box<Wecom>>,
}

impl Contact {
    /// The `state` of its contact way: at most 30 characters, no other code of a catalog has it.
    #[must_use]
    pub fn state(&self) -> String {
        state('c', self.id.as_str())
    }
}

/// A seat that a visitor was shown while storage did not answer, to be counted afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatClaim {
    /// Whose.
    pub visitor: VisitorId,
    /// At which visit.
    pub scan: ScanId,
    /// In which group.
    pub group: GroupId,
    /// What the visitor wanted, as in a wish for a seat.
    pub wanted: Box<str>,
    /// When the group was shown.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_an_allowed_host_is_kept_letter_by_letter() {
        let text = "https://work.weixin.qq.com/gm/0123456789abcdef0123456789abcdef";
        assert_eq!(JoinLink::parse(text, &LINK_HOSTS_DEFAULT).unwrap().as_str(), text);
    }

    #[test]
    fn links_elsewhere_are_refused_whatever_their_disguise() {
        let host = |text: &str| JoinLink::parse(text, &LINK_HOSTS_DEFAULT).unwrap_err();
        assert_eq!(host("http://work.weixin.qq.com/gm/1"), JoinLinkError::NotHttps);
        assert_eq!(host("javascript:alert(1)"), JoinLinkError::NotHttps);
        assert_eq!(host("https:///gm/1"), JoinLinkError::NotHttps);
        assert_eq!(host("https://evil.example/gm/1"), JoinLinkError::HostNotAllowed("evil.example".into()));
        for disguise in [
            "https://work.weixin.qq.com@evil.example/",
            "https://work.weixin.qq.com.evil.example/",
            "https://evil.example#work.weixin.qq.com",
            "https://work.weixin.qq.com:444/",
        ] {
            assert!(matches!(host(disguise), JoinLinkError::HostNotAllowed(_)), "{disguise}");
        }
        assert_eq!(host("https://work.weixin.qq.com/\u{202e}"), JoinLinkError::BadCharacter('\u{202e}'));
        assert_eq!(host("https://work.weixin.qq.com\\@evil.example/"), JoinLinkError::BadCharacter('\\'));
    }

    #[test]
    fn a_code_works_until_it_expires() {
        let link = JoinLink::parse("https://work.weixin.qq.com/gm/1", &LINK_HOSTS_DEFAULT).unwrap();
        let code = JoinCode { link, expires_at: Some(Timestamp::from_unix_ms(100)) };
        assert!(code.is_usable(Timestamp::from_unix_ms(99)));
        assert!(!code.is_usable(Timestamp::from_unix_ms(100)));
    }
}
