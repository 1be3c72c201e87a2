//! Friendships, welcomes, links and uploads.

use serde_json::{Value, json};

use super::Double;
use super::world::{Answer, Friendship, Refusal, Request, World, page};

/// How long a welcome is taken.
const WELCOME_LASTS_S: i64 = 20;

fn follow(staff: &str, it: &Friendship) -> Value {
    json!({
        "userid": staff, "remark": "", "description": "", "createtime": it.since_s, "add_way": it.add_way,
        "oper_userid": staff, "state": it.state,
    })
}

impl World {
    fn seen_friendships(&self) -> &std::collections::BTreeMap<(String, String), Friendship> {
        self.old_friendships.as_ref().unwrap_or(&self.friendships)
    }

    fn person(&self, customer: &str) -> Value {
        let unionid = self.customers.get(customer).and_then(|it| it.unionid.clone());
        let mut person = json!({ "external_userid": customer, "name": "顾客", "type": 1, "gender": 0 });
        if let Some(unionid) = unionid {
            person["unionid"] = json!(unionid);
        }
        person
    }

    fn tag_named(&self, id: &str) -> Option<(String, String)> {
        let found = self.tag_groups.iter().find_map(|group| Some((group, group.tags.iter().find(|it| it.id == id)?)));
        found.map(|(group, tag)| (group.name.clone(), tag.name.clone()))
    }

    pub(super) fn get_customer(&mut self, request: &Request) -> Answer {
        let customer = request.asked("external_userid");
        if !self.customers.contains_key(customer) {
            return Err(Refusal(40_096));
        }
        let mut follows = Vec::new();
        for ((staff, _), it) in self.seen_friendships().iter().filter(|((_, of), _)| of == customer) {
            let tags: Vec<Value> = it
                .tags
                .iter()
                .filter_map(|id| {
                    let (group, name) = self.tag_named(id)?;
                    Some(json!({ "group_name": group, "tag_name": name, "tag_id": id, "type": 1 }))
                })
                .collect();
            let mut follow = follow(staff, it);
            follow["tags"] = json!(tags);
            follows.push(follow);
        }
        if follows.is_empty() {
            return Err(Refusal(84_061));
        }
        Ok(json!({ "external_contact": self.person(customer), "follow_user": follows }))
    }

    pub(super) fn customers_of(&mut self, request: &Request) -> Answer {
        let staff = request.list("userid_list");
        if staff.is_empty() || staff.len() > 100 {
            return Err(Refusal(40_058));
        }
        let mut rows = Vec::new();
        for ((member, customer), it) in self.seen_friendships().iter().filter(|((of, _), _)| staff.contains(of)) {
            let mut follow = follow(member, it);
            follow["tag_id"] = json!(it.tags);
            rows.push(json!({ "external_contact": self.person(customer), "follow_info": follow }));
        }
        let (items, next) = page(&rows, request, 100);
        Ok(json!({ "external_contact_list": items, "next_cursor": next }))
    }

    pub(super) fn send_welcome(&mut self, request: &Request) -> Answer {
        let now = self.now_s;
        let code = self.welcome_codes.get_mut(request.text("welcome_code")).ok_or(Refusal(40_058))?;
        if code.is_used || now - code.at_s > WELCOME_LASTS_S {
            return Err(Refusal(41_051));
        }
        let text = request.json["text"]["content"].as_str().unwrap_or_default();
        let attachments = request.json["attachments"].as_array().map_or(0, Vec::len);
        if text.is_empty() && attachments == 0 || text.len() > 4_000 || attachments > 9 {
            return Err(Refusal(40_058));
        }
        code.is_used = true;
        self.welcomes.push(request.json.clone());
        Ok(json!({}))
    }

    pub(super) fn create_link(&mut self, request: &Request) -> Answer {
        if request.text("link_name").chars().count() > 30 {
            return Err(Refusal(40_058));
        }
        let id = self.id("cawcde");
        let link = json!({
            "link_id": id, "link_name": request.text("link_name"),
            "url": format!("https://work.weixin.qq.com/ca/{id}"), "create_time": self.now_s,
        });
        self.links.insert(id, link.clone());
        Ok(json!({ "link": link }))
    }

    pub(super) fn list_links(&self, request: &Request) -> Value {
        let all: Vec<String> = self.links.keys().cloned().collect();
        let (items, next) = page(&all, request, 100);
        json!({ "link_id_list": items, "next_cursor": next })
    }

    pub(super) fn get_link(&mut self, request: &Request) -> Answer {
        let mut link = self.links.get(request.text("link_id")).cloned().ok_or(Refusal(40_058))?;
        // The answer to this call names no id.
        link.as_object_mut().and_then(|it| it.remove("link_id"));
        Ok(json!({ "link": link }))
    }

    pub(super) fn list_link_customers(&self, request: &Request) -> Value {
        let of = request.text("link_id");
        let all: Vec<Value> =
            self.link_customers.iter().filter(|(link, _)| link == of).map(|(_, it)| it.clone()).collect();
        let (items, next) = page(&all, request, 1_000);
        json!({ "customer_list": items, "next_cursor": next })
    }

    pub(super) fn upload(&mut self, request: &Request) -> Answer {
        let file = file(request).ok_or(Refusal(40_058))?;
        let id = self.id("media-");
        self.media.insert(id.clone(), file);
        // A text, as the platform has it.
        Ok(json!({ "type": "image", "media_id": id, "created_at": self.now_s.to_string() }))
    }

    pub(super) fn upload_image(&mut self, request: &Request) -> Answer {
        let file = file(request).ok_or(Refusal(40_058))?;
        let id = self.id("image-");
        self.pictures.insert(id.clone(), file);
        Ok(json!({ "url": format!("{}/pictures/{id}", self.base) }))
    }
}

/// The file of a form with one field.
fn file(request: &Request) -> Option<Vec<u8>> {
    let at = |what: &[u8]| request.body.windows(what.len()).position(|it| it == what);
    at(b"name=\"media\"")?;
    let begin = at(b"\r\n\r\n")? + 4;
    let rest = request.body.get(begin..)?;
    let end = rest.windows(4).rposition(|it| it == b"\r\n--")?;
    rest.get(..end).filter(|it| it.len() > 5).map(<[u8]>::to_vec)
}

impl Double {
    /// The welcomes that were taken, as they were sent.
    pub fn welcomes(&self) -> Vec<Value> {
        self.world().welcomes.clone()
    }

    /// An upload.
    pub fn media(&self, id: &str) -> Option<Vec<u8>> {
        self.world().media.get(id).cloned()
    }
}
