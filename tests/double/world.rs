//! What the double knows: the corporation and everything in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::events::Mail;
use super::faults::Faults;

/// A call that was made.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// Null if there was none, or it was no JSON.
    pub json: Value,
    /// As it came.
    pub body: Vec<u8>,
    /// In seconds since 1970, by the double's clock.
    pub at_s: i64,
}

/// Why a call is refused.
#[derive(Debug)]
pub(super) struct Refusal(pub i64);

pub(super) type Answer = Result<Value, Refusal>;

/// Who sits in front of the browser.
#[derive(Debug, Clone, Default)]
pub struct Person {
    pub openid: String,
    pub unionid: Option<String>,
    /// The page was opened as a preview.
    pub is_snapshot: bool,
    /// They are staff.
    pub staff: Option<String>,
    /// They are a customer already.
    pub customer: Option<String>,
}

/// A code that a person came back with.
pub(super) struct SignIn {
    pub person: Person,
    pub app: String,
    pub scope: String,
    pub at_s: i64,
    pub is_used: bool,
}

pub(super) struct Staff {
    pub may_contact: bool,
    pub in_range: bool,
}

pub(super) struct CustomerHere {
    pub unionid: Option<String>,
}

#[derive(Clone)]
pub(super) struct Friendship {
    pub since_s: i64,
    pub state: Option<String>,
    pub add_way: i64,
    pub tags: BTreeSet<String>,
}

#[derive(Clone)]
pub(super) struct Member {
    pub id: String,
    pub is_staff: bool,
    pub join_s: i64,
    pub scene: i64,
    pub state: Option<String>,
}

#[derive(Clone)]
pub(super) struct Chat {
    pub name: String,
    pub owner: String,
    pub create_s: i64,
    pub members: Vec<Member>,
    pub version: u64,
    pub is_dismissed: bool,
}

pub(super) struct Tag {
    pub id: String,
    pub name: String,
    pub order: u64,
    pub is_ours: bool,
}

pub(super) struct TagGroup {
    pub id: String,
    pub name: String,
    pub order: u64,
    pub is_ours: bool,
    pub tags: Vec<Tag>,
}

pub(super) struct WelcomeCode {
    pub at_s: i64,
    pub is_used: bool,
}

pub(super) struct World {
    pub base: String,
    pub now_s: i64,
    pub next_id: u64,
    pub calls: Vec<Call>,
    pub faults: Faults,
    pub mail: Mail,
    /// Tokens with the moment of their end; of `WeCom` and of `WeChat`.
    pub tokens: BTreeMap<String, i64>,
    pub app_tokens: BTreeMap<String, i64>,
    pub token_lasts_s: i64,
    pub is_trusted: bool,
    /// Answers by path how often it may be called in a minute.
    pub limits: BTreeMap<String, u32>,
    pub spent: BTreeMap<(String, i64), u32>,
    /// Paths that the app has no permission for.
    pub forbidden: BTreeSet<String>,
    pub staff: BTreeMap<String, Staff>,
    pub has_many_staff: bool,
    pub customers: BTreeMap<String, CustomerHere>,
    pub friendships: BTreeMap<(String, String), Friendship>,
    pub chats: BTreeMap<String, Chat>,
    /// What readers see instead, while data lags.
    pub old_chats: Option<BTreeMap<String, Chat>>,
    pub old_friendships: Option<BTreeMap<(String, String), Friendship>>,
    /// Whether members show the state of the way they came by.
    pub shows_state: bool,
    pub contact_ways: BTreeMap<String, Value>,
    pub join_ways: BTreeMap<String, Value>,
    pub links: BTreeMap<String, Value>,
    pub link_customers: Vec<(String, Value)>,
    pub pictures: BTreeMap<String, Vec<u8>>,
    pub media: BTreeMap<String, Vec<u8>>,
    pub tag_groups: Vec<TagGroup>,
    pub welcome_codes: BTreeMap<String, WelcomeCode>,
    pub welcomes: Vec<Value>,
    pub person: Person,
    pub sign_ins: BTreeMap<String, SignIn>,
}

/// A request as handlers see it.
pub(super) struct Request {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub json: Value,
    pub body: Vec<u8>,
}

impl Request {
    pub(super) fn text(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let items = self.json[name].as_array().cloned().unwrap_or_default();
        items.iter().map(|it| it.as_str().unwrap_or_default().to_owned()).collect()
    }

    pub(super) fn asked(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

impl World {
    pub(super) fn new(base: String) -> Self {
        Self {
            base,
            now_s: super::NOW,
            next_id: 1,
            calls: Vec::new(),
            faults: Faults::default(),
            mail: Mail::default(),
            tokens: BTreeMap::new(),
            app_tokens: BTreeMap::new(),
            token_lasts_s: 7_200,
            is_trusted: true,
            limits: BTreeMap::new(),
            spent: BTreeMap::new(),
            forbidden: BTreeSet::new(),
            staff: BTreeMap::new(),
            has_many_staff: false,
            customers: BTreeMap::new(),
            friendships: BTreeMap::new(),
            chats: BTreeMap::new(),
            old_chats: None,
            old_friendships: None,
            shows_state: true,
            contact_ways: BTreeMap::new(),
            join_ways: BTreeMap::new(),
            links: BTreeMap::new(),
            link_customers: Vec::new(),
            pictures: BTreeMap::new(),
            media: BTreeMap::new(),
            tag_groups: Vec::new(),
            welcome_codes: BTreeMap::new(),
            welcomes: Vec::new(),
            person: Person { openid: "openid-1".to_owned(), ..Person::default() },
            sign_ins: BTreeMap::new(),
        }
    }

    /// An id with a prefix and as many digits as real ones have, about.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        let number = self.next_id;
        self.next_id += 1;
        format!("{prefix}{number:06}")
    }

    /// What is answered to a call of the interface, errors as `WeCom` says them.
    pub(super) fn answer(&mut self, request: &Request) -> Value {
        match self.route(request) {
            Ok(mut value) => {
                if let Some(object) = value.as_object_mut() {
                    object.entry("errcode").or_insert(json!(0));
                    object.entry("errmsg").or_insert(json!("ok"));
                }
                value
            }
            Err(Refusal(code)) => refusal(code),
        }
    }

    /// Whether a call may be made at all: how often, with which token, from where, with which permission.
    fn admit(&mut self, request: &Request, path: &str) -> Result<(), Refusal> {
        let spent = self.spent.entry((path.to_owned(), self.now_s.div_euclid(60))).or_default();
        *spent += 1;
        if self.limits.get(path).is_some_and(|limit| *spent > *limit) {
            return Err(Refusal(45_009));
        }
        if path == "/gettoken" || path.starts_with("/sns/") || path == "/stable_token" {
            return Ok(());
        }
        let tokens = if path == "/ticket/getticket" { &self.app_tokens } else { &self.tokens };
        match request.query.get("access_token") {
            None => return Err(Refusal(41_001)),
            Some(token) => match tokens.get(token) {
                None => return Err(Refusal(40_014)),
                Some(until) if *until <= self.now_s => return Err(Refusal(42_001)),
                Some(_) => {}
            },
        }
        if !self.is_trusted {
            return Err(Refusal(60_020));
        }
        if self.forbidden.contains(path) { Err(Refusal(48_002)) } else { Ok(()) }
    }

    fn route(&mut self, request: &Request) -> Answer {
        let path = request.path.strip_prefix("/cgi-bin").unwrap_or(&request.path).to_owned();
        self.admit(request, &path)?;
        let is_text = !path.starts_with("/media/");
        if is_text && request.method == "POST" && request.body.windows(2).any(|it| it == br"\u") {
            return Err(Refusal(40_033));
        }
        match path.as_str() {
            "/gettoken" => self.get_token(request),
            "/getcallbackip" => Ok(json!({ "ip_list": ["127.0.0.1"] })),
            "/get_jsapi_ticket" | "/ticket/get" | "/ticket/getticket" => {
                Ok(json!({ "ticket": format!("{}-ticket", self.id("t")), "expires_in": 7_200 }))
            }
            "/stable_token" => self.stable_token(request),
            "/sns/oauth2/access_token" => self.sns_sign_in(request),
            "/sns/userinfo" => self.sns_user(request),
            "/auth/getuserinfo" => self.user_info(request),
            "/externalcontact/get_follow_user_list" => {
                let all = self.staff.iter().filter(|(_, it)| it.may_contact).map(|(id, _)| id.clone());
                Ok(json!({ "follow_user": all.collect::<Vec<_>>() }))
            }
            "/externalcontact/add_contact_way" => self.add_contact_way(request),
            "/externalcontact/get_contact_way" => self.get_contact_way(request),
            "/externalcontact/list_contact_way" => Ok(self.list_contact_way(request)),
            "/externalcontact/update_contact_way" => self.update_contact_way(request),
            "/externalcontact/del_contact_way" => self.del_contact_way(request),
            "/externalcontact/groupchat/add_join_way" => self.add_join_way(request),
            "/externalcontact/groupchat/get_join_way" => self.get_join_way(request),
            "/externalcontact/groupchat/update_join_way" => self.update_join_way(request),
            "/externalcontact/groupchat/del_join_way" => self.del_join_way(request),
            "/externalcontact/groupchat/list" => self.list_chats(request),
            "/externalcontact/groupchat/get" => self.get_chat(request),
            "/externalcontact/get" => self.get_customer(request),
            "/externalcontact/batch/get_by_user" => self.customers_of(request),
            "/externalcontact/get_corp_tag_list" => Ok(self.list_tags(request)),
            "/externalcontact/add_corp_tag" => self.add_tags(request),
            "/externalcontact/edit_corp_tag" => self.edit_tag(request),
            "/externalcontact/del_corp_tag" => self.delete_tags(request),
            "/externalcontact/mark_tag" => self.mark_tags(request),
            "/externalcontact/send_welcome_msg" => self.send_welcome(request),
            "/externalcontact/customer_acquisition/create_link" => self.create_link(request),
            "/externalcontact/customer_acquisition/list_link" => Ok(self.list_links(request)),
            "/externalcontact/customer_acquisition/get" => self.get_link(request),
            "/externalcontact/customer_acquisition/customer" => Ok(self.list_link_customers(request)),
            "/media/upload" => self.upload(request),
            "/media/uploadimg" => self.upload_image(request),
            _ => Err(Refusal(40_058)),
        }
    }
}

/// An error as the platform says it, with all that it appends to the text.
pub(super) fn refusal(code: i64) -> Value {
    let text = match code {
        60_020 => {
            "not allow to access from your ip, hint: [1784088000], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com/devtool/query?e=60020"
        }
        _ => "refused, hint: [1784088000], from ip: 203.0.113.7, Warning: wrong json format. ",
    };
    json!({ "errcode": code, "errmsg": text })
}

/// A page of a list: the cursor is where it begins.
pub(super) fn page<T: Clone>(all: &[T], request: &Request, most: usize) -> (Vec<T>, String) {
    let begin: usize = request.text("cursor").parse().unwrap_or(0);
    let limit = request.json["limit"].as_u64().and_then(|it| usize::try_from(it).ok()).unwrap_or(most).min(most);
    let items: Vec<T> = all.iter().skip(begin).take(limit).cloned().collect();
    let end = begin + items.len();
    (items, if end < all.len() { end.to_string() } else { String::new() })
}
