//! Group chats and their members.

use serde_json::{Value, json};

use super::Double;
use super::world::{Answer, Chat, Member, Refusal, Request, World, page};

/// Members up to which a group takes scans.
pub(super) const SCANS_UP_TO: usize = 200;

pub(super) fn version(number: u64) -> String {
    format!("{number:032x}")
}

impl World {
    fn seen_chats(&self) -> &std::collections::BTreeMap<String, Chat> {
        self.old_chats.as_ref().unwrap_or(&self.chats)
    }

    pub(super) fn list_chats(&mut self, request: &Request) -> Answer {
        let owners: Vec<String> = request.json["owner_filter"]["userid_list"]
            .as_array()
            .map(|it| it.iter().filter_map(|it| it.as_str().map(ToOwned::to_owned)).collect())
            .unwrap_or_default();
        if owners.is_empty() && self.has_many_staff {
            return Err(Refusal(81_017));
        }
        let limit = request.json["limit"].as_u64().ok_or(Refusal(40_058))?;
        if owners.len() > 100 || !(1..=1_000).contains(&limit) {
            return Err(Refusal(40_058));
        }
        let is_meant = |it: &Chat| !it.is_dismissed && (owners.is_empty() || owners.contains(&it.owner));
        let all: Vec<Value> = self
            .seen_chats()
            .iter()
            .filter(|(_, it)| is_meant(it))
            .map(|(id, _)| json!({ "chat_id": id, "status": 0 }))
            .collect();
        let (items, next) = page(&all, request, 1_000);
        Ok(json!({ "group_chat_list": items, "next_cursor": next }))
    }

    fn member(&self, it: &Member) -> Value {
        let mut member = json!({
            "userid": it.id, "type": if it.is_staff { 1 } else { 2 }, "join_time": it.join_s,
            "join_scene": it.scene, "group_nickname": "",
        });
        if let Some(unionid) = self.customers.get(&it.id).and_then(|it| it.unionid.as_ref()) {
            member["unionid"] = json!(unionid);
        }
        if let Some(state) = it.state.as_ref().filter(|_| self.shows_state) {
            member["state"] = json!(state);
        }
        member
    }

    pub(super) fn get_chat(&mut self, request: &Request) -> Answer {
        let id = request.text("chat_id");
        let chat = self.seen_chats().get(id).filter(|it| !it.is_dismissed).ok_or(Refusal(90_501))?;
        let members: Vec<Value> = chat.members.iter().map(|it| self.member(it)).collect();
        Ok(json!({ "group_chat": {
            "chat_id": id, "name": chat.name, "owner": chat.owner, "create_time": chat.create_s, "notice": "",
            "member_list": members, "admin_list": [], "member_version": version(chat.version),
        } }))
    }

    /// Puts somebody into a group; whether they were not in it.
    pub(super) fn enter(&mut self, chat: &str, id: &str, scene: i64, state: Option<&str>) -> bool {
        let (now, is_staff) = (self.now_s, self.staff.contains_key(id));
        let chat = self.chats.get_mut(chat).filter(|it| !it.is_dismissed).expect("the group is there");
        if chat.members.iter().any(|it| it.id == id) {
            return false;
        }
        let state = state.map(ToOwned::to_owned);
        chat.members.push(Member { id: id.to_owned(), is_staff, join_s: now, scene, state });
        chat.version += 1;
        true
    }
}

impl Double {
    /// A group chat with its owner in it; no event is sent. `wr…` is usual as a name.
    pub fn add_chat(&self, chat: &str, name: &str, owner: &str) {
        let mut world = self.world();
        let create_s = world.now_s;
        let (name, owner) = (name.to_owned(), owner.to_owned());
        let made = Chat { name, owner: owner.clone(), create_s, members: Vec::new(), version: 1, is_dismissed: false };
        world.chats.insert(chat.to_owned(), made);
        world.enter(chat, &owner, 1, None);
    }

    /// So many customers more are in a group, whom nobody has seen come; no event is sent.
    pub fn fill_chat(&self, chat: &str, count: usize) {
        let mut world = self.world();
        for _ in 0..count {
            let customer = world.id("wmfill");
            world.enter(chat, &customer, 1, None);
        }
    }

    /// How many are in a group, staff among them.
    pub fn head_count(&self, chat: &str) -> usize {
        self.world().chats.get(chat).map_or(0, |it| it.members.len())
    }

    /// The ids of all groups that are not dismissed.
    pub fn chats(&self) -> Vec<String> {
        self.world().chats.iter().filter(|(_, it)| !it.is_dismissed).map(|(id, _)| id.clone()).collect()
    }
}
