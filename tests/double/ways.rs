//! Codes: contact ways and join ways.

use serde_json::{Value, json};

use super::world::{Answer, Chat, Refusal, Request, World, page};
use super::{Double, pictures};

const STATE_CHARS_MAX: usize = 30;

impl World {
    fn fits_state(request: &Request) -> Result<(), Refusal> {
        if request.text("state").chars().count() > STATE_CHARS_MAX { Err(Refusal(40_058)) } else { Ok(()) }
    }

    /// The address of the picture of a code that leads to this link.
    fn picture(&mut self, link: &str) -> String {
        let id = self.id("p");
        self.pictures.insert(id.clone(), pictures::code(link));
        format!("{}/pictures/{id}", self.base)
    }

    fn staff_is_good(&self, staff: &[String]) -> Result<(), Refusal> {
        for it in staff {
            let known = self.staff.get(it).ok_or(Refusal(60_111))?;
            if !known.in_range {
                return Err(Refusal(60_011));
            }
            if !known.may_contact {
                return Err(Refusal(84_074));
            }
        }
        Ok(())
    }

    pub(super) fn add_contact_way(&mut self, request: &Request) -> Answer {
        let kind = request.json["type"].as_i64().filter(|it| matches!(it, 1 | 2)).ok_or(Refusal(41_037))?;
        let scene = request.json["scene"].as_i64().filter(|it| matches!(it, 1 | 2)).ok_or(Refusal(41_040))?;
        if scene == 2 && !request.json["style"].is_null() {
            return Err(Refusal(41_040));
        }
        Self::fits_state(request)?;
        let staff = request.list("user");
        if kind == 1 && staff.len() != 1 || staff.is_empty() || staff.len() > 100 {
            return Err(Refusal(40_058));
        }
        self.staff_is_good(&staff)?;
        let id = self.id("contact-way-");
        let number = self.next_id;
        let picture = self.picture(&format!("https://work.weixin.qq.com/u/vc{number:016x}?v=5.0.0"));
        let way = json!({
            "config_id": id, "type": kind, "scene": scene, "remark": request.text("remark"),
            "skip_verify": request.json["skip_verify"].as_bool().unwrap_or(true),
            "state": request.text("state"), "qr_code": picture, "user": staff, "party": [], "is_temp": false,
            "created": self.now_s,
        });
        self.contact_ways.insert(id.clone(), way);
        Ok(json!({ "config_id": id, "qr_code": picture }))
    }

    pub(super) fn get_contact_way(&mut self, request: &Request) -> Answer {
        let way = self.contact_ways.get(request.text("config_id")).ok_or(Refusal(40_058))?;
        Ok(json!({ "contact_way": way }))
    }

    pub(super) fn list_contact_way(&self, request: &Request) -> Value {
        let since = request.json["start_time"].as_i64().unwrap_or(self.now_s - 90 * 86_400);
        let all: Vec<Value> = self
            .contact_ways
            .iter()
            .filter(|(_, it)| it["created"].as_i64() >= Some(since))
            .map(|(id, _)| json!({ "config_id": id }))
            .collect();
        let (items, next) = page(&all, request, 1_000);
        json!({ "contact_way": items, "next_cursor": next })
    }

    pub(super) fn update_contact_way(&mut self, request: &Request) -> Answer {
        Self::fits_state(request)?;
        let staff = request.list("user");
        self.staff_is_good(&staff)?;
        let kind = self.contact_ways.get(request.text("config_id")).map(|it| it["type"].clone());
        // No type can be said here, and one for a single member takes exactly one.
        if !request.json["type"].is_null() || staff.len() > 100 {
            return Err(Refusal(40_058));
        }
        if kind == Some(json!(1)) && !request.json["user"].is_null() && staff.len() != 1 {
            return Err(Refusal(40_058));
        }
        let way = self.contact_ways.get_mut(request.text("config_id")).ok_or(Refusal(40_058))?;
        for name in ["remark", "skip_verify", "state", "user", "party"] {
            if !request.json[name].is_null() {
                way[name] = request.json[name].clone();
            }
        }
        Ok(json!({}))
    }

    pub(super) fn del_contact_way(&mut self, request: &Request) -> Answer {
        self.contact_ways.remove(request.text("config_id")).map(|_| json!({})).ok_or(Refusal(40_058))
    }

    /// What a join way is from now on.
    fn join_way(&self, request: &Request, id: &str, picture: &str) -> Answer {
        let scene = request.json["scene"].as_i64().filter(|it| matches!(it, 1 | 2)).ok_or(Refusal(40_058))?;
        Self::fits_state(request)?;
        let chats = request.list("chat_id_list");
        if !(1..=5).contains(&chats.len()) || request.text("room_base_name").chars().count() > 40 {
            return Err(Refusal(40_058));
        }
        if chats.iter().any(|it| self.chats.get(it).is_none_or(|it| it.is_dismissed)) {
            return Err(Refusal(90_501));
        }
        let remark: String = request.text("remark").chars().take(30).collect();
        Ok(json!({
            "config_id": id, "scene": scene, "remark": remark,
            "auto_create_room": request.json["auto_create_room"].as_i64().unwrap_or(1),
            "room_base_name": request.text("room_base_name"),
            "room_base_id": request.json["room_base_id"].as_i64().unwrap_or(0),
            "chat_id_list": chats, "qr_code": picture, "state": request.text("state"), "mark_source": true,
        }))
    }

    pub(super) fn add_join_way(&mut self, request: &Request) -> Answer {
        let way = self.join_way(request, "", "")?;
        let id = self.id("join-way-");
        let number = self.next_id;
        let picture = self.picture(&format!("https://work.weixin.qq.com/gm/{number:032x}"));
        let mut way = way;
        way["config_id"] = json!(id);
        way["qr_code"] = json!(picture);
        self.join_ways.insert(id.clone(), way);
        Ok(json!({ "config_id": id }))
    }

    pub(super) fn get_join_way(&mut self, request: &Request) -> Answer {
        let way = self.join_ways.get(request.text("config_id")).ok_or(Refusal(40_058))?;
        Ok(json!({ "join_way": way }))
    }

    pub(super) fn update_join_way(&mut self, request: &Request) -> Answer {
        let id = request.text("config_id").to_owned();
        let picture = self.join_ways.get(&id).ok_or(Refusal(40_058))?["qr_code"].clone();
        let way = self.join_way(request, &id, picture.as_str().unwrap_or_default())?;
        self.join_ways.insert(id, way);
        Ok(json!({}))
    }

    pub(super) fn del_join_way(&mut self, request: &Request) -> Answer {
        self.join_ways.remove(request.text("config_id")).map(|_| json!({})).ok_or(Refusal(40_058))
    }

    /// The group that a join way leads to now: the first with room, or a new one.
    pub(super) fn group_of_way(&mut self, id: &str, most: usize) -> Option<(String, String)> {
        let way = self.join_ways.get(id)?.clone();
        let state = way["state"].as_str().unwrap_or_default().to_owned();
        let chats: Vec<String> =
            way["chat_id_list"].as_array()?.iter().filter_map(|it| it.as_str().map(ToOwned::to_owned)).collect();
        let has_room = |it: &&String| self.chats.get(*it).is_some_and(|it| !it.is_dismissed && it.members.len() < most);
        if let Some(chat) = chats.iter().find(has_room) {
            return Some((chat.clone(), state));
        }
        if way["auto_create_room"] != json!(1) {
            return None;
        }
        let owner = chats.iter().find_map(|it| self.chats.get(it)).map(|it| it.owner.clone())?;
        let chat = self.id("wr");
        let number = way["room_base_id"].as_i64().unwrap_or(0);
        let name = format!("{}{number}", way["room_base_name"].as_str().unwrap_or_default());
        let (create_s, members) = (self.now_s, Vec::new());
        self.chats.insert(chat.clone(), Chat { name, owner, create_s, members, version: 1, is_dismissed: false });
        if let Some(way) = self.join_ways.get_mut(id) {
            way["room_base_id"] = json!(number + 1);
            if let Some(list) = way["chat_id_list"].as_array_mut() {
                list.push(json!(chat));
            }
        }
        Some((chat, state))
    }
}

impl Double {
    /// All contact ways, as `get_contact_way` shows them.
    pub fn contact_ways(&self) -> Vec<Value> {
        self.world().contact_ways.values().cloned().collect()
    }

    /// All join ways, as `get_join_way` shows them.
    pub fn join_ways(&self) -> Vec<Value> {
        self.world().join_ways.values().cloned().collect()
    }

    /// The picture at an address of a way becomes this: a code that leads elsewhere, or no picture at all.
    pub fn replace_picture(&self, address: &str, bytes: &[u8]) {
        let id = address.rsplit('/').next().unwrap_or_default().to_owned();
        self.world().pictures.insert(id, bytes.to_vec());
    }

    /// A picture of a code that leads to this link.
    pub fn draw(link: &str) -> Vec<u8> {
        pictures::code(link)
    }
}
