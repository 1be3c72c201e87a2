//! What happens, and the callbacks that tell of it.

use std::fmt::Write as _;

use super::chats::{SCANS_UP_TO, version};
use super::world::{Friendship, WelcomeCode, World};
use super::{AGENT, CORP, Double, seal};

/// What becomes of callbacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Each is sent before the method that causes it returns.
    #[default]
    Now,
    /// They wait in [`Double::take_held`], to be sent in any order, twice or never.
    Held,
    /// They are lost.
    Lost,
}

/// Where callbacks go.
#[derive(Default)]
pub(super) struct Mail {
    to: Option<String>,
    delivery: Delivery,
    held: Vec<SentEvent>,
    nonce: u64,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentEvent {
    /// The message inside the envelope.
    pub xml: String,
    /// The code that a welcome may be sent with.
    pub welcome_code: Option<String>,
    /// The status of the answer; none if it was not sent.
    pub status: Option<u16>,
}

/// A message with the fields that all have; the values are ours and need no escapes.
fn message(now_s: i64, event: &str, fields: &[(&str, &str)]) -> String {
    let mut xml = format!(
        "<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>\
         <CreateTime>{now_s}</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{event}]]></Event>"
    );
    for (name, value) in fields {
        write!(xml, "<{name}><![CDATA[{value}]]></{name}>").unwrap();
    }
    xml.push_str("</xml>");
    xml
}

impl World {
    fn chat_change(&mut self, chat: &str, detail: &str, scene: (&str, i64), members: &[&str]) -> SentEvent {
        let now_s = self.now_s;
        let number = self.chats.get(chat).map_or(1, |it| it.version);
        let mut xml = message(
            now_s,
            "change_external_chat",
            &[("ChatId", chat), ("ChangeType", "update"), ("UpdateDetail", detail)],
        );
        let list = members.iter().flat_map(|it| ["<Item>", it, "</Item>"]).collect::<String>();
        let rest = format!(
            "<{name}>{scene}</{name}><MemChangeCnt>{count}</MemChangeCnt><MemChangeList>{list}</MemChangeList>\
             <LastMemVer><![CDATA[{last}]]></LastMemVer><CurMemVer><![CDATA[{now}]]></CurMemVer></xml>",
            name = scene.0,
            scene = scene.1,
            count = members.len(),
            last = version(number.saturating_sub(1)),
            now = version(number),
        );
        xml.truncate(xml.len() - "</xml>".len());
        xml.push_str(&rest);
        SentEvent { xml, welcome_code: None, status: None }
    }
}

impl Double {
    /// Callbacks go to this address, such as `http://…/wecom/callback`.
    pub fn callback_to(&self, url: impl Into<String>) {
        self.world().mail.to = Some(url.into());
    }

    /// What becomes of callbacks from now on.
    pub fn deliver(&self, delivery: Delivery) {
        self.world().mail.delivery = delivery;
    }

    /// The events that were held back, oldest first.
    pub fn take_held(&self) -> Vec<SentEvent> {
        std::mem::take(&mut self.world().mail.held)
    }

    /// Sends an event, once more if it was sent before, and returns the status of the answer.
    pub fn send(&self, event: &SentEvent) -> u16 {
        self.send_xml(&event.xml)
    }

    /// Sends any message in a good envelope.
    pub fn send_xml(&self, xml: &str) -> u16 {
        let (to, now_s, nonce) = {
            let mut world = self.world();
            world.mail.nonce += 1;
            (world.mail.to.clone().expect("the address of the callback is set"), world.now_s, world.mail.nonce)
        };
        let encrypt = seal::seal(xml, u128::from(nonce).to_be_bytes());
        let (timestamp, nonce) = (now_s.to_string(), nonce.to_string());
        let url = format!(
            "{to}?msg_signature={}&timestamp={timestamp}&nonce={nonce}",
            seal::sign(&timestamp, &nonce, &encrypt)
        );
        let body = format!(
            "<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><AgentID><![CDATA[{AGENT}]]></AgentID>\
             <Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>"
        );
        agent().post(url).send(body).unwrap().status().as_u16()
    }

    /// Asks the address of the callback to prove itself, as the console does; what it answers.
    pub fn verify_callback(&self, echo: &str) -> (u16, String) {
        let (to, now_s) = {
            let world = self.world();
            (world.mail.to.clone().expect("the address of the callback is set"), world.now_s)
        };
        let encrypt = seal::seal(echo, [7; 16]);
        let timestamp = now_s.to_string();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("msg_signature", &seal::sign(&timestamp, "99", &encrypt))
            .append_pair("timestamp", &timestamp)
            .append_pair("nonce", "99")
            .append_pair("echostr", &encrypt)
            .finish();
        let mut answer = agent().get(format!("{to}?{query}")).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// The message in an envelope that the program sealed.
    pub fn open(encrypt: &str) -> String {
        seal::open(encrypt)
    }

    fn tell(&self, mut event: SentEvent) -> SentEvent {
        let (delivery, has_address) = {
            let world = self.world();
            (world.mail.delivery, world.mail.to.is_some())
        };
        match delivery {
            Delivery::Now if has_address => event.status = Some(self.send(&event)),
            Delivery::Held => self.world().mail.held.push(event.clone()),
            Delivery::Now | Delivery::Lost => {}
        }
        event
    }

    fn contact_event(&self, change: &str, staff: &str, customer: &str, more: &[(&str, &str)]) -> SentEvent {
        let mut fields = vec![("ChangeType", change), ("UserID", staff), ("ExternalUserID", customer)];
        fields.extend(more);
        let xml = message(self.now_s(), "change_external_contact", &fields);
        self.tell(SentEvent { xml, welcome_code: None, status: None })
    }

    /// Member and customer become friends, by a contact way or link with this state. The event has a code for a welcome.
    pub fn add_friend(&self, staff: &str, customer: &str, state: Option<&str>) -> SentEvent {
        self.befriend("add_external_contact", staff, customer, state)
    }

    /// The customer added the member, who has not confirmed it yet.
    pub fn add_half_friend(&self, staff: &str, customer: &str, state: Option<&str>) -> SentEvent {
        self.befriend("add_half_external_contact", staff, customer, state)
    }

    fn befriend(&self, change: &str, staff: &str, customer: &str, state: Option<&str>) -> SentEvent {
        let code = {
            let mut world = self.world();
            let (code, now_s) = (world.id("welcome-"), world.now_s);
            world.welcome_codes.insert(code.clone(), WelcomeCode { at_s: now_s, is_used: false });
            world.customers.entry(customer.to_owned()).or_insert(super::world::CustomerHere { unionid: None });
            let friendship = Friendship {
                since_s: now_s,
                state: state.map(ToOwned::to_owned),
                add_way: 1,
                tags: std::collections::BTreeSet::new(),
            };
            world.friendships.entry((staff.to_owned(), customer.to_owned())).or_insert(friendship);
            code
        };
        let mut fields = vec![("ChangeType", change), ("UserID", staff), ("ExternalUserID", customer)];
        fields.extend(state.map(|it| ("State", it)));
        fields.push(("WelcomeCode", &code));
        let xml = message(self.now_s(), "change_external_contact", &fields);
        self.tell(SentEvent { xml, welcome_code: Some(code.clone()), status: None })
    }

    /// The member changed the customer's remark or tags.
    pub fn edit_friend(&self, staff: &str, customer: &str) -> SentEvent {
        self.contact_event("edit_external_contact", staff, customer, &[])
    }

    /// The member removed the customer.
    pub fn delete_friend(&self, staff: &str, customer: &str) -> SentEvent {
        self.world().friendships.remove(&(staff.to_owned(), customer.to_owned()));
        self.contact_event("del_external_contact", staff, customer, &[])
    }

    /// The customer removed the member.
    pub fn delete_follow(&self, staff: &str, customer: &str) -> SentEvent {
        self.world().friendships.remove(&(staff.to_owned(), customer.to_owned()));
        self.contact_event("del_follow_user", staff, customer, &[])
    }

    /// A group chat is made; the event tells of it.
    pub fn create_chat(&self, chat: &str, name: &str, owner: &str) -> SentEvent {
        self.add_chat(chat, name, owner);
        let fields = [("ChatId", chat), ("ChangeType", "create")];
        let xml = message(self.now_s(), "change_external_chat", &fields);
        self.tell(SentEvent { xml, welcome_code: None, status: None })
    }

    /// A customer joins a group: scene 1 invited, 2 by an invitation's link, 3 by a code with this state.
    pub fn join_group(&self, chat: &str, customer: &str, scene: i64, state: Option<&str>) -> SentEvent {
        let event = {
            let mut world = self.world();
            world.customers.entry(customer.to_owned()).or_insert(super::world::CustomerHere { unionid: None });
            world.enter(chat, customer, scene, state);
            // The event knows scanned and everything else.
            world.chat_change(chat, "add_member", ("JoinScene", if scene == 3 { 3 } else { 0 }), &[customer])
        };
        self.tell(event)
    }

    /// A customer scans the code of a join way; the group they came into. None if all are full and no new one is made.
    pub fn join_by_way(&self, config_id: &str, customer: &str) -> Option<(String, SentEvent)> {
        let (chat, state) = self.world().group_of_way(config_id, SCANS_UP_TO)?;
        let event = self.join_group(&chat, customer, 3, Some(&state).filter(|it| !it.is_empty()).map(String::as_str));
        Some((chat, event))
    }

    /// Somebody leaves a group.
    pub fn leave_group(&self, chat: &str, member: &str) -> SentEvent {
        self.part(chat, member, 0)
    }

    /// Somebody is removed from a group by its owner.
    pub fn remove_from_group(&self, chat: &str, member: &str) -> SentEvent {
        self.part(chat, member, 1)
    }

    fn part(&self, chat: &str, member: &str, scene: i64) -> SentEvent {
        let event = {
            let mut world = self.world();
            let found = world.chats.get_mut(chat).expect("the group is there");
            found.members.retain(|it| it.id != member);
            found.version += 1;
            world.chat_change(chat, "del_member", ("QuitScene", scene), &[member])
        };
        self.tell(event)
    }

    /// A group is called otherwise.
    pub fn rename_group(&self, chat: &str, name: &str) -> SentEvent {
        let event = {
            let mut world = self.world();
            name.clone_into(&mut world.chats.get_mut(chat).expect("the group is there").name);
            world.chat_change(chat, "change_name", ("JoinScene", 0), &[])
        };
        self.tell(event)
    }

    /// A group is dissolved.
    pub fn dismiss(&self, chat: &str) -> SentEvent {
        self.world().chats.get_mut(chat).expect("the group is there").is_dismissed = true;
        let fields = [("ChatId", chat), ("ChangeType", "dismiss")];
        let xml = message(self.now_s(), "change_external_chat", &fields);
        self.tell(SentEvent { xml, welcome_code: None, status: None })
    }

    /// A tag was made, changed or deleted by somebody.
    pub fn change_tag(&self, change: &str, tag: &str) -> SentEvent {
        let fields = [("Id", tag), ("TagType", "tag"), ("ChangeType", change)];
        let xml = message(self.now_s(), "change_external_tag", &fields);
        self.tell(SentEvent { xml, welcome_code: None, status: None })
    }

    /// A customer came by a link with this channel: they become friends, and the link's list names them.
    pub fn come_by_link(&self, link: &str, staff: &str, customer: &str, channel: &str) -> SentEvent {
        let row = serde_json::json!({
            "external_userid": customer, "userid": staff, "chat_status": 0, "state": channel,
        });
        self.world().link_customers.push((link.to_owned(), row));
        self.add_friend(staff, customer, Some(channel))
    }
}

/// Speaks to the program's callback, any status being an answer.
fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent()
}
