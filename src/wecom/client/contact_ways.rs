//! Contact ways (联系我): codes that lead to members of staff. Documents 92228, 92572 and 96348.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Done, Page, Wecom, next};
use crate::platform::{ApiError, Call};
use crate::time::Timestamp;

static ADD: Call = Call::once("add_contact_way", "/externalcontact/add_contact_way");
static GET: Call = Call::repeatable("get_contact_way", "/externalcontact/get_contact_way");
static LIST: Call = Call::repeatable("list_contact_way", "/externalcontact/list_contact_way");
static UPDATE: Call = Call::repeatable("update_contact_way", "/externalcontact/update_contact_way");
static DELETE: Call = Call::repeatable("del_contact_way", "/externalcontact/del_contact_way");

/// A type: for several members. One for a single member cannot be changed to more, as a change says no type.
const KIND_SEVERAL: u8 = 2;
/// A type: for a single member.
const KIND_ONE: u8 = 1;
/// A scene: a QR code, not a button of a mini-program.
const SCENE_CODE: u8 = 2;
/// Ways that one page lists.
const PAGE: u32 = 1_000;

/// A contact way to be made. It leads to any of its members; they may become more or fewer later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactWayPlan {
    /// For the people who manage it; at most 30 characters.
    pub remark: String,
    /// Comes back in events; at most 30 characters.
    pub state: String,
    /// `userid` of the members; 1 to 100.
    pub staff: Vec<String>,
    /// Whether customers need not be confirmed.
    pub skip_verify: bool,
}

/// What of a contact way becomes different. The members are replaced as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ContactWayChange {
    /// At most 30 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// At most 30 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `userid` of all members.
    #[serde(rename = "user", skip_serializing_if = "Option::is_none")]
    pub staff: Option<Vec<String>>,
    /// Whether customers need not be confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_verify: Option<bool>,
}

/// A contact way that was made. Who loses its id cannot change it any more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ContactWayMade {
    /// Its id.
    pub config_id: String,
    /// The address of the picture of its code.
    #[serde(default)]
    pub qr_code: Option<String>,
}

/// A contact way as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ContactWay {
    /// Its id.
    pub config_id: String,
    /// For one member (1) or several (2); 0 if that is not told.
    #[serde(default, rename = "type")]
    pub kind: u8,
    /// For the people who manage it.
    #[serde(default)]
    pub remark: String,
    /// Comes back in events.
    #[serde(default)]
    pub state: String,
    /// `userid` of the members.
    #[serde(default, rename = "user")]
    pub staff: Vec<String>,
    /// Whether customers need not be confirmed.
    #[serde(default)]
    pub skip_verify: bool,
    /// The address of the picture of its code.
    #[serde(default)]
    pub qr_code: Option<String>,
}

impl ContactWay {
    /// Whether it takes one member and never more.
    #[must_use]
    pub fn leads_to_one(&self) -> bool {
        self.kind == KIND_ONE
    }
}

#[derive(Deserialize)]
struct Got {
    contact_way: ContactWay,
}

#[derive(Deserialize)]
struct Id {
    config_id: String,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    contact_way: Vec<Id>,
    #[serde(default)]
    next_cursor: String,
}

impl Wecom {
    /// Makes a contact way with a code. Not repeated: each call makes one more.
    ///
    /// # Errors
    /// [`ApiError`]; after one that says [`ApiError::may_be_done`] look through [`Wecom::contact_ways`].
    pub fn add_contact_way(&self, plan: &ContactWayPlan) -> Result<ContactWayMade, ApiError> {
        // `style` belongs to mini-programs; with a code it is refused (41040).
        let body = json!({
            "type": KIND_SEVERAL,
            "scene": SCENE_CODE,
            "remark": plan.remark,
            "skip_verify": plan.skip_verify,
            "state": plan.state,
            "user": plan.staff,
        });
        self.post(&ADD, &body)
    }

    /// A contact way that this app made.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn contact_way(&self, config_id: &str) -> Result<ContactWay, ApiError> {
        let got: Got = self.post(&GET, &json!({ "config_id": config_id }))?;
        Ok(got.contact_way)
    }

    /// The ids of contact ways that were made since a moment (none: 90 days ago), a thousand a page.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn contact_ways(&self, since: Option<Timestamp>, cursor: Option<&str>) -> Result<Page<String>, ApiError> {
        let mut body = json!({ "limit": PAGE, "cursor": cursor.unwrap_or_default() });
        if let (Some(since), Some(object)) = (since, body.as_object_mut()) {
            object.insert("start_time".to_owned(), (since.unix_ms() / 1_000).into());
        }
        let listed: Listed = self.post(&LIST, &body)?;
        let items = listed.contact_way.into_iter().map(|it| it.config_id).collect();
        Ok(Page { items, next: next(listed.next_cursor) })
    }

    /// Changes a contact way in place; its code stays what it is.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn update_contact_way(&self, config_id: &str, change: &ContactWayChange) -> Result<(), ApiError> {
        #[derive(Serialize)]
        struct Body<'a> {
            config_id: &'a str,
            #[serde(flatten)]
            change: &'a ContactWayChange,
        }
        self.post::<Done>(&UPDATE, &Body { config_id, change }).map(drop)
    }

    /// Removes a contact way; its code is dead.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn delete_contact_way(&self, config_id: &str) -> Result<(), ApiError> {
        self.post::<Done>(&DELETE, &json!({ "config_id": config_id })).map(drop)
    }
}
