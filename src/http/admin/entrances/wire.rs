//! Groups and contacts as the API writes them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::entrance::{Entrance, owner_words};
use crate::catalog::{Catalog, JoinCodeId};
use crate::group::{CHATS_MAX, GroupStatus, Owner, STAFF_MAX, WECOM_ID_BYTES_MAX, Wecom};
use crate::http::admin::etag;
use crate::storage::HeadCount;
use crate::store::Zone;
use crate::time::Timestamp;

/// Whose it is: one of the three.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum OwnerBody {
    /// A store, by its id.
    Store(String),
    /// A region, by its code.
    Region(String),
    /// A campaign, by its short name.
    Campaign(String),
}

/// A group chat or a contact to be. Contacts have neither capacity nor status nor members.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EntranceInput {
    /// Its id; made from the owner's where a new one names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// Whose it is.
    pub(super) owner: OwnerBody,
    /// The name that customers see.
    pub(super) name: String,
    /// Where the code leads: https, to an allowed host.
    pub(super) url: String,
    /// The moment from which the code no longer works, RFC 3339; null for a code that does not expire.
    pub(super) expires_at: Option<String>,
    /// Members up to which the group is taken to accept scans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capacity: Option<u32>,
    /// `active` or `paused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<String>,
    /// Its place among those of its owner; smaller comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<i32>,
    /// Who stands behind the code in `WeCom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wecom: Option<WecomBody>,
}

/// Who stands behind a code in `WeCom`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WecomBody {
    /// `chat_id` of the group chats behind a group's code, at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) chats: Vec<String>,
    /// `userid` of the members of staff behind a contact's code, or who look after a group; at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) staff: Vec<String>,
    /// `config_id` of the join way or contact way that this service keeps; null for a code that was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) way: Option<String>,
}

impl WecomBody {
    /// How it is told.
    pub(super) fn of(wecom: &Wecom) -> Self {
        let texts = |them: &[Box<str>]| them.iter().map(ToString::to_string).collect();
        Self {
            chats: texts(&wecom.chats),
            staff: texts(&wecom.staff),
            way: wecom.way.as_ref().map(ToString::to_string),
        }
    }

    /// As the catalog keeps it; none if it says nothing. The error is what is wrong with it.
    pub(super) fn read(self) -> Result<Option<Box<Wecom>>, String> {
        let is_id =
            |it: &str| (1..=WECOM_ID_BYTES_MAX).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_graphic());
        if let Some(bad) = self.chats.iter().chain(&self.staff).chain(&self.way).find(|it| !is_id(it)) {
            let head: String = bad.chars().take(WECOM_ID_BYTES_MAX).collect();
            return Err(format!("holds {head:?}, which is no id of WeCom"));
        }
        if self.chats.len() > CHATS_MAX || self.staff.len() > STAFF_MAX {
            return Err(format!("names more than {CHATS_MAX} chats or {STAFF_MAX} members of staff"));
        }
        let boxed = |them: Vec<String>| {
            let mut seen = BTreeSet::new();
            them.into_iter().filter(|it| seen.insert(it.clone())).map(String::into_boxed_str).collect::<Vec<_>>()
        };
        let wecom = Wecom {
            chats: boxed(self.chats),
            staff: boxed(self.staff),
            way: self.way.map(String::into_boxed_str),
            // What a person says of a group holds.
            is_without_chat: false,
        };
        Ok((wecom != Wecom::default()).then(|| Box::new(wecom)))
    }
}

/// Who is taken to be in a group.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Heads {
    /// Members that were counted last; null if nobody ever counted.
    members: Option<u32>,
    /// When they were counted.
    counted_at: Option<String>,
    /// Joins that were seen since.
    confirmed: u32,
    /// Seats that are held.
    held: u32,
    /// The estimate of heads in all.
    estimate: f64,
    /// The share of the capacity that is taken, from 0.
    share: f64,
}

/// A group chat or a contact.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct EntranceView {
    #[serde(flatten)]
    pub(super) input: EntranceInput,
    /// The name of its owner; empty where the owner has gone.
    owner_name: String,
    /// The city of its store; empty for other owners.
    owner_city: String,
    /// The code, drawn by us.
    qr_png: String,
    qr_svg: String,
    /// Seconds until the code expires, negative afterwards; null if it does not.
    expires_in_s: Option<i64>,
    /// Whether the code may be shown now.
    usable: bool,
    /// Who is in; null for contacts, and where storage does not say.
    heads: Option<Heads>,
    /// For `If-Match`.
    etag: String,
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct EntrancePage {
    pub(super) total: usize,
    pub(super) page: usize,
    pub(super) per_page: usize,
    pub(super) items: Vec<EntranceView>,
}

/// What became of a code that was set.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct CodeSet {
    /// The group or contact with its new code.
    pub(super) entrance: EntranceView,
    /// Where the code leads.
    pub(super) link: String,
    /// Where it led before.
    pub(super) link_before: String,
    /// `given`, or `assumed` from the settings.
    pub(super) expiry: &'static str,
    /// Days that were assumed; null where the end was given or there is none.
    pub(super) assumed_days: Option<u32>,
    /// In which form the picture was read, and after how many tries; null for a link.
    pub(super) read: Option<HowRead>,
}

/// How a picture was read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct HowRead {
    pub(super) form: String,
    pub(super) tries: u32,
}

/// A link in place of a picture.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes a body that is read field by field")]
pub(super) struct CodeInput {
    /// Where the code leads.
    url: String,
    /// RFC 3339, or `never`; else a group's code is taken to work for the days of the settings.
    expires_at: Option<String>,
}

/// An order.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderInput {
    /// All ids of one owner, the first first.
    pub(super) ids: Vec<String>,
}

/// A count.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes a body that is read field by field")]
pub(super) struct MembersInput {
    /// Members in the group now.
    members: u32,
}

/// What everything is seen by.
pub(super) struct Seen<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) zone: &'a Zone,
    pub(super) now: Timestamp,
    pub(super) join_rate: f64,
}

impl Seen<'_> {
    /// The fields of a group or contact as they may be sent back.
    pub(super) fn input(&self, it: &Entrance) -> EntranceInput {
        let owner = match it.owner() {
            Owner::Store(id) => OwnerBody::Store(id.to_string()),
            Owner::Region(code) => OwnerBody::Region(code.to_string()),
            Owner::Campaign(slug) => OwnerBody::Campaign(slug.to_string()),
        };
        let (capacity, status, order) = match it {
            Entrance::Group(it) => (Some(it.capacity), Some(status_word(it.status).to_owned()), it.order),
            Entrance::Contact(it) => (None, None, it.order),
        };
        let wecom = match it {
            Entrance::Group(it) => it.wecom.as_deref(),
            Entrance::Contact(it) => it.wecom.as_deref(),
        };
        EntranceInput {
            id: Some(it.id().to_owned()),
            owner,
            name: it.name().to_owned(),
            url: it.code().link.as_str().to_owned(),
            expires_at: it.code().expires_at.map(|end| end.in_zone(self.zone.as_jiff())),
            capacity,
            status,
            order: Some(order),
            wecom: wecom.map(WecomBody::of),
        }
    }

    pub(super) fn view(&self, it: &Entrance, count: Option<&HeadCount>) -> EntranceView {
        let code = JoinCodeId::of(it.code().link.as_str());
        let end = it.code().expires_at;
        let store = match it.owner() {
            Owner::Store(id) => self.catalog.store_key(id).and_then(|key| self.catalog.store(key)),
            Owner::Region(_) | Owner::Campaign(_) => None,
        };
        let (usable, heads) = match it {
            Entrance::Group(group) => (group.is_offered(self.now), count.map(|it| self.heads(it, group.capacity))),
            Entrance::Contact(contact) => (contact.code.is_usable(self.now), None),
        };
        EntranceView {
            owner_name: owner_words(self.catalog, it.owner()).1,
            owner_city: store.map(|it| it.city.to_string()).unwrap_or_default(),
            qr_png: format!("/qr/{code}.png"),
            qr_svg: format!("/qr/{code}.svg"),
            expires_in_s: end.map(|it| (it.unix_ms() - self.now.unix_ms()).div_euclid(1_000)),
            usable,
            heads,
            etag: etag::of(&it.body()),
            input: self.input(it),
        }
    }

    fn heads(&self, count: &HeadCount, capacity: u32) -> Heads {
        let estimate = (count.heads(self.join_rate) * 10.0).round() / 10.0;
        Heads {
            members: count.members.map(|it| it.0),
            counted_at: count.members.map(|it| it.1.in_zone(self.zone.as_jiff())),
            confirmed: count.confirmed,
            held: count.held,
            estimate,
            share: (estimate / f64::from(capacity.max(1)) * 1_000.0).round() / 1_000.0,
        }
    }
}

pub(super) fn status_word(status: GroupStatus) -> &'static str {
    match status {
        GroupStatus::Active => "active",
        GroupStatus::Paused => "paused",
    }
}
