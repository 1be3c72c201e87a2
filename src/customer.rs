//! What is known of people in `WeCom`: customers, their contacts with staff and their group chats; and who of them is a visitor.
//!
//! These are what stands on the cards of the book. Nothing here is sure to be complete: callbacks may be lost or late.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::id::{ContactId, GroupId, ScanId, StoreId, VisitorId};
use crate::time::Timestamp;

/// Contacts and chats of one customer that are kept; those that ended longest ago give way.
pub const TIES_MAX: usize = 500;

/// A customer, by `external_userid`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// `unionid`, where the corporation is bound to an open platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unionid: Option<String>,
    /// The contacts with members of staff, by `userid`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub friends: BTreeMap<String, Friendship>,
    /// The group chats, by `chat_id`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub chats: BTreeMap<String, Membership>,
    /// Where the customer is, as far as that is to be told to `WeCom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Whether the customer wishes not to be tagged, or was forgotten: then nothing is sent, and what was sent is taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_silent: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this form")]
fn is_never(at: &Timestamp) -> bool {
    *at == Timestamp::EPOCH
}

/// A contact between a customer and a member of staff.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Friendship {
    /// Since when; of several times the last.
    pub since: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When they came for the last time, whatever is known of when they went.
    #[serde(default)]
    pub came_at: Timestamp,
    /// When they went for the last time, whatever is known of when they came.
    #[serde(default)]
    pub went_at: Timestamp,
    /// Whether nobody said that they went: they were missing where they were looked for, which may lag behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_presumed: bool,
    /// When they came back for the last time, having been away for less than a day; 1970 if never.
    #[serde(default, skip_serializing_if = "is_never")]
    pub back_at: Timestamp,
    /// Whether it counts for nobody: its beginning is not known, or lies long before it was heard of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_old: bool,
    /// The contact whose code was used, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// The store that it counts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// The visit that led to it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<ScanId>,
    /// The labels that were set by this service, with the ids of their tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marked: BTreeMap<String, String>,
    /// A call about these tags whose outcome is not known yet; noted before it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marking: Option<Marking>,
}

/// A call that sets and takes away the tags of a friendship, and of which nobody knows yet what it did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marking {
    /// Who makes it: a number by chance.
    pub by: u64,
    /// From when on it is over, whatever became of it.
    pub until: Timestamp,
    /// The number of the first of the calls that did not come to an end.
    pub first: u64,
    /// The ids of the tags that it may have set, with their labels.
    pub sets: BTreeMap<String, String>,
}

/// A customer's membership in a group chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Since when; of several times the last.
    pub since: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When they came for the last time, whatever is known of when they went.
    #[serde(default)]
    pub came_at: Timestamp,
    /// When they went for the last time, whatever is known of when they came.
    #[serde(default)]
    pub went_at: Timestamp,
    /// Whether nobody said that they went: they were missing where they were looked for, which may lag behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_presumed: bool,
    /// When they came back for the last time, having been away for less than a day; 1970 if never.
    #[serde(default, skip_serializing_if = "is_never")]
    pub back_at: Timestamp,
    /// Whether it counts for nobody: its beginning is not known, or lies long before it was heard of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_old: bool,
    /// Whether it ended because the chat was dissolved; nobody left then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_dissolved: bool,
    /// The group whose code was used, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The store that it counts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// The member of staff that it counts for: the chat's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// The visit that led to it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<ScanId>,
}

/// Where a customer is, in labels: never on a map.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Of when this is; a later one replaces it.
    pub at: Timestamp,
    /// Province, city, district, areas, from the widest on.
    pub regions: Vec<String>,
    /// The store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
}

/// A group chat, by `chat_id`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    /// Its name; may be empty.
    #[serde(default)]
    pub name: String,
    /// `userid` of its owner.
    #[serde(default)]
    pub owner: String,
    /// When the platform says it was made.
    #[serde(default)]
    pub made_at: Timestamp,
    /// The version of its list of members that was read last; may be empty.
    #[serde(default)]
    pub member_version: String,
    /// When its members were read last.
    #[serde(default)]
    pub read_at: Timestamp,
    /// All members at that moment, staff included.
    #[serde(default)]
    pub members: u32,
    /// The customers among them, by `external_userid`.
    #[serde(default)]
    pub customers: Vec<String>,
    /// Customers who came by what events say, and whom no reading has shown so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
    /// When it was dissolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dismissed_at: Option<Timestamp>,
    /// Who came and went by the last reading and is still to be noted on cards of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Moved>,
}

/// A customer who came into a chat or went out of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// `external_userid`.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Whether they came.
    pub came: bool,
    /// The `state` of the code that they used, if that is told; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// `unionid`, if that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unionid: Option<String>,
}

/// Who a visitor is elsewhere, and what they wish.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitorLink {
    /// `external_userid`, if the visitor is known to be a customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// `unionid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unionid: Option<String>,
    /// `openid` of the official account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openid: Option<String>,
    /// Whether the visitor wishes that nothing is told to `WeCom`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_silent: bool,
}

/// Whose an identity is, such as `unionid:…`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The visitor who showed it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<VisitorId>,
    /// `external_userid` of the customer who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
}

/// Under which id storage keeps what happened to a customer, and what waits to be done about them: made of the `external_userid`, so
/// that all of it is forgotten together, whether or not a visitor is known.
///
/// # Panics
/// Never: a digest has 32 bytes.
#[must_use]
pub fn person_of(customer: &str) -> VisitorId {
    let digest: [u8; 32] = Sha256::digest(format!("customer:{customer}").as_bytes()).into();
    let (head, _) = digest.split_first_chunk().expect("32 bytes hold 16");
    VisitorId::from_bytes(*head)
}

impl Friendship {
    /// Whether they are contacts now.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.until.is_none()
    }
}

impl Membership {
    /// Whether the customer is in the chat now.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.until.is_none()
    }
}
