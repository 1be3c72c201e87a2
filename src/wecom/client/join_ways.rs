//! Join ways (加入群聊): codes that lead into group chats. Documents 92229 and 99547.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Done, Wecom};
use crate::platform::{ApiError, Call};

static ADD: Call = Call::once("add_join_way", "/externalcontact/groupchat/add_join_way");
static GET: Call = Call::repeatable("get_join_way", "/externalcontact/groupchat/get_join_way");
static UPDATE: Call = Call::repeatable("update_join_way", "/externalcontact/groupchat/update_join_way");
static DELETE: Call = Call::repeatable("del_join_way", "/externalcontact/groupchat/del_join_way");

/// A scene: a QR code, not a plug-in of a mini-program.
const SCENE_CODE: u8 = 2;

/// A join way to be made, or what it is from now on: an update replaces all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JoinWayPlan {
    /// For the people who manage it; cut after 30 characters.
    pub remark: String,
    /// `chat_id` of the groups; 1 to 5.
    pub chats: Vec<String>,
    /// Comes back with each member; at most 30 characters.
    pub state: String,
    /// What new groups are called that are made when all are full, and the number of the first; none makes no new ones.
    pub new_groups: Option<NewGroups>,
}

/// What groups are called that the platform makes by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewGroups {
    /// In front of the number; at most 40 characters.
    pub name: String,
    /// The number of the first.
    pub first: u32,
}

/// A join way as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JoinWay {
    /// Its id.
    pub config_id: String,
    /// For the people who manage it.
    #[serde(default)]
    pub remark: String,
    /// 1 if new groups are made when all are full.
    #[serde(default)]
    pub auto_create_room: u8,
    /// What they are called.
    #[serde(default)]
    pub room_base_name: String,
    /// The number of the first.
    #[serde(default)]
    pub room_base_id: u32,
    /// `chat_id` of the groups, new ones among them.
    #[serde(default, rename = "chat_id_list")]
    pub chats: Vec<String>,
    /// The address of the picture of its code.
    #[serde(default)]
    pub qr_code: Option<String>,
    /// Comes back with each member.
    #[serde(default)]
    pub state: String,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    config_id: Option<&'a str>,
    scene: u8,
    remark: &'a str,
    auto_create_room: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_base_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_base_id: Option<u32>,
    chat_id_list: &'a [String],
    state: &'a str,
}

fn body<'a>(config_id: Option<&'a str>, plan: &'a JoinWayPlan) -> Body<'a> {
    Body {
        config_id,
        scene: SCENE_CODE,
        remark: &plan.remark,
        auto_create_room: u8::from(plan.new_groups.is_some()),
        room_base_name: plan.new_groups.as_ref().map(|it| it.name.as_str()),
        room_base_id: plan.new_groups.as_ref().map(|it| it.first),
        chat_id_list: &plan.chats,
        state: &plan.state,
    }
}

#[derive(Deserialize)]
struct Made {
    config_id: String,
}

#[derive(Deserialize)]
struct Got {
    join_way: JoinWay,
}

impl Wecom {
    /// Makes a join way and returns its id; its picture is in [`Wecom::join_way`]. Not repeated: each call makes one more.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn add_join_way(&self, plan: &JoinWayPlan) -> Result<String, ApiError> {
        let made: Made = self.post(&ADD, &body(None, plan))?;
        Ok(made.config_id)
    }

    /// A join way that this app made.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn join_way(&self, config_id: &str) -> Result<JoinWay, ApiError> {
        let got: Got = self.post(&GET, &json!({ "config_id": config_id }))?;
        Ok(got.join_way)
    }

    /// Replaces all of a join way but its code.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn update_join_way(&self, config_id: &str, plan: &JoinWayPlan) -> Result<(), ApiError> {
        self.post::<Done>(&UPDATE, &body(Some(config_id), plan)).map(drop)
    }

    /// Removes a join way; its code is dead.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn delete_join_way(&self, config_id: &str) -> Result<(), ApiError> {
        self.post::<Done>(&DELETE, &json!({ "config_id": config_id })).map(drop)
    }
}
