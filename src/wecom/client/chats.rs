//! Group chats of customers and who is in them. Documents 92120 and 92122.

use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::{Page, Wecom, next};
use crate::platform::{ApiError, Call};

static LIST: Call = Call::repeatable("groupchat_list", "/externalcontact/groupchat/list");
static GET: Call = Call::repeatable("groupchat_get", "/externalcontact/groupchat/get");

/// Chats that one page lists.
const PAGE: u32 = 1_000;

/// Which group chats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatQuery {
    /// Of these owners; empty for all, which is refused beyond 1,000 members in range (81017). At most 100.
    pub owners: Vec<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// A group chat in a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChatListed {
    /// `chat_id`.
    #[serde(rename = "chat_id")]
    pub chat: String,
    /// 0 with its owner, 1 to be inherited, 2 being inherited, 3 inherited.
    #[serde(default)]
    pub status: i64,
}

/// A group chat. What it shows may lag behind the event that led here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GroupChat {
    /// `chat_id`.
    #[serde(rename = "chat_id")]
    pub chat: String,
    /// Its name; may be empty.
    #[serde(default)]
    pub name: String,
    /// `userid` of its owner.
    #[serde(default)]
    pub owner: String,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub create_time: i64,
    /// Changes with the members; events name it.
    #[serde(default)]
    pub member_version: String,
    /// Who is in it.
    #[serde(default, rename = "member_list")]
    pub members: Vec<ChatMember>,
}

/// What kind of member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A member of the corporation's staff.
    Staff,
    /// A customer.
    Customer,
}

impl<'de> Deserialize<'de> for MemberKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(if i64::deserialize(deserializer)? == 1 { Self::Staff } else { Self::Customer })
    }
}

/// A member of a group chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChatMember {
    /// `userid` of staff, `external_userid` of a customer.
    #[serde(rename = "userid")]
    pub id: String,
    /// Which of them.
    #[serde(rename = "type")]
    pub kind: MemberKind,
    /// Who it is at the open platform, if the corporation has bound its account there.
    #[serde(default)]
    pub unionid: Option<String>,
    /// When they joined, in seconds since 1970.
    #[serde(default)]
    pub join_time: i64,
    /// 1 invited, 2 by an invitation's link, 3 by a code.
    #[serde(default)]
    pub join_scene: i64,
    /// The state of the join way that they came by; the platform does not always tell it.
    #[serde(default)]
    pub state: Option<String>,
    /// Who invited them, if it was staff.
    #[serde(default, rename = "invitor")]
    pub inviter: Option<Inviter>,
}

/// Who invited a member.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Inviter {
    /// `userid`.
    #[serde(default, rename = "userid")]
    pub staff: String,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    group_chat_list: Vec<ChatListed>,
    #[serde(default)]
    next_cursor: String,
}

#[derive(Deserialize)]
struct Got {
    group_chat: GroupChat,
}

impl Wecom {
    /// Group chats, a thousand a page.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn group_chats(&self, query: &ChatQuery) -> Result<Page<ChatListed>, ApiError> {
        let mut body =
            json!({ "status_filter": 0, "limit": PAGE, "cursor": query.cursor.as_deref().unwrap_or_default() });
        if let Some(object) = body.as_object_mut().filter(|_| !query.owners.is_empty()) {
            object.insert("owner_filter".to_owned(), json!({ "userid_list": query.owners }));
        }
        let listed: Listed = self.post(&LIST, &body)?;
        Ok(Page { items: listed.group_chat_list, next: next(listed.next_cursor) })
    }

    /// A group chat with its members, without their names.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn group_chat(&self, chat: &str) -> Result<GroupChat, ApiError> {
        let got: Got = self.post(&GET, &json!({ "chat_id": chat, "need_name": 0 }))?;
        Ok(got.group_chat)
    }
}
