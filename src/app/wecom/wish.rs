//! Which codes of a catalog are to be kept by machine, and who is to stand behind each.

use std::collections::BTreeSet;

use crate::app::entrance::Entrance;
use crate::catalog::Catalog;
use crate::group::{
    CHATS_COLUMNS, CHATS_MAX, Contact, GroupChat, GroupStatus, JoinCode, JoinLink, Owner, STAFF_COLUMNS, STAFF_MAX,
    wecom_ids,
};
use crate::id::{ContactId, GroupId};
use crate::store::{Store, StoreStatus};

/// What stands as a link until the first picture was read. It is never published.
const NO_LINK: &str = "https://work.weixin.qq.com/";

/// A code that is to be kept by machine.
pub(super) struct Wish {
    /// The group or contact as it is, or as it is to be made.
    pub(super) entrance: Entrance,
    /// Whether it is in the catalog.
    pub(super) is_published: bool,
    /// `chat_id` of the chats that are to stand behind it.
    pub(super) chats: Vec<Box<str>>,
    /// `userid` of the staff.
    pub(super) staff: Vec<Box<str>>,
    /// The way that it has.
    pub(super) way: Option<Box<str>>,
}

impl Wish {
    pub(super) fn kind(&self) -> &'static str {
        match self.entrance {
            Entrance::Group(_) => "group",
            Entrance::Contact(_) => "contact",
        }
    }

    pub(super) fn state(&self) -> String {
        match &self.entrance {
            Entrance::Group(it) => it.state(),
            Entrance::Contact(it) => it.state(),
        }
    }
}

/// The ids in a cell; one more than may be, so that it is told of.
fn ids(store: &Store, columns: &[&str], most: usize) -> Vec<Box<str>> {
    let cell = columns.iter().find_map(|it| store.extra.get(*it)).map_or("", |it| &**it);
    wecom_ids(cell).0.into_iter().take(most + 1).map(Box::from).collect()
}

/// All chats that groups of a catalog or its stores' sheet name.
pub(super) fn named_chats(catalog: &Catalog) -> BTreeSet<Box<str>> {
    let of_groups = catalog.groups().iter().flat_map(|it| &it.wecom).flat_map(|it| &it.chats).cloned();
    of_groups.chain(catalog.stores().iter().flat_map(|it| ids(it, &CHATS_COLUMNS, CHATS_MAX))).collect()
}

/// Every code that is to be kept by machine, in the order of groups and contacts of the catalog, new ones of stores behind them.
/// Chats that are `gone` are left out.
pub(super) fn wishes(catalog: &Catalog, capacity: u32, gone: &BTreeSet<String>) -> Vec<Wish> {
    let mut wishes = Vec::new();
    let live = |chats: &[Box<str>]| chats.iter().filter(|it| !gone.contains(&***it)).cloned().collect::<Vec<_>>();
    for group in catalog.groups() {
        let Some(wecom) = group.wecom.as_deref() else { continue };
        if !wecom.chats.is_empty() {
            wishes.push(Wish {
                entrance: Entrance::Group(group.clone()),
                is_published: true,
                chats: live(&wecom.chats),
                staff: wecom.staff.clone(),
                way: wecom.way.clone(),
            });
        }
    }
    for contact in catalog.contacts() {
        let Some(wecom) = contact.wecom.as_deref() else { continue };
        if !wecom.staff.is_empty() {
            wishes.push(Wish {
                entrance: Entrance::Contact(contact.clone()),
                is_published: true,
                chats: Vec::new(),
                staff: wecom.staff.clone(),
                way: wecom.way.clone(),
            });
        }
    }
    for store in catalog.stores().iter().filter(|it| it.status != StoreStatus::Closed) {
        let (chats, staff) = (ids(store, &CHATS_COLUMNS, CHATS_MAX), ids(store, &STAFF_COLUMNS, STAFF_MAX));
        let chats = live(&chats);
        if !chats.is_empty() {
            wish_group(&mut wishes, store, chats, capacity);
        }
        if !staff.is_empty() {
            wish_contact(&mut wishes, store, staff);
        }
    }
    wishes
}

fn is_of(entrance: &Entrance, store: &Store) -> bool {
    matches!(entrance.owner(), Owner::Store(id) if *id == store.id)
}

/// The sheet names the chats that somebody made by hand; those that the platform made beside them are kept.
fn wish_group(wishes: &mut Vec<Wish>, store: &Store, chats: Vec<Box<str>>, capacity: u32) {
    let own = |it: &&mut Wish| matches!(it.entrance, Entrance::Group(_)) && is_of(&it.entrance, store);
    if let Some(wish) = wishes.iter_mut().find(own) {
        for chat in chats {
            if wish.chats.len() < CHATS_MAX && !wish.chats.contains(&chat) {
                wish.chats.push(chat);
            }
        }
        return;
    }
    let Ok(id) = GroupId::parse(&format!("{}.wecom", store.id)) else { return };
    let group = GroupChat {
        id,
        owner: Owner::Store(store.id.clone()),
        name: store.name.clone(),
        code: no_code(),
        // New chats are made when all are full.
        capacity: capacity.saturating_mul(u32::try_from(CHATS_MAX).unwrap_or(1)),
        status: GroupStatus::Active,
        order: -1,
        wecom: None,
    };
    wishes.push(Wish { entrance: Entrance::Group(group), is_published: false, chats, staff: Vec::new(), way: None });
}

fn wish_contact(wishes: &mut Vec<Wish>, store: &Store, staff: Vec<Box<str>>) {
    let own = |it: &&mut Wish| matches!(it.entrance, Entrance::Contact(_)) && is_of(&it.entrance, store);
    if let Some(wish) = wishes.iter_mut().find(own) {
        // Who works in a store changes: the sheet says it.
        wish.staff = staff;
        return;
    }
    let Ok(id) = ContactId::parse(&format!("{}.wecom", store.id)) else { return };
    let contact = Contact {
        id,
        owner: Owner::Store(store.id.clone()),
        name: store.name.clone(),
        code: no_code(),
        order: -1,
        wecom: None,
    };
    wishes.push(Wish {
        entrance: Entrance::Contact(contact),
        is_published: false,
        chats: Vec::new(),
        staff,
        way: None,
    });
}

fn no_code() -> JoinCode {
    let link = JoinLink::parse(NO_LINK, &["work.weixin.qq.com"]).expect("it is an https link to an allowed host");
    JoinCode { link, expires_at: None }
}
