//! Which group, contact and store of the catalog news belongs to; not which visit.

use super::facts::{News, With};
use crate::catalog::{Catalog, Joinable};
use crate::group::{Contact, GroupChat, Owner};
use crate::id::StoreId;
use crate::region::RegionNames;

/// What news belongs to.
#[derive(Debug, Default)]
pub(super) struct Belongs<'a> {
    pub group: Option<&'a GroupChat>,
    pub contact: Option<&'a Contact>,
    pub store: Option<StoreId>,
}

fn store_of(owner: &Owner) -> Option<StoreId> {
    match owner {
        Owner::Store(id) => Some(id.clone()),
        Owner::Region(_) | Owner::Campaign(_) => None,
    }
}

impl<'a> Belongs<'a> {
    /// Finds it by the `state` of the code, else by the chat or the member of staff. Who stands behind several contacts counts for
    /// the first that is a store's.
    pub(super) fn find(catalog: &'a Catalog, news: &News<'_>) -> Self {
        let by_state = catalog.by_state(news.state);
        match news.with {
            With::Staff(staff) => {
                let named = match by_state {
                    Some(Joinable::Contact(place)) => catalog.contact(place),
                    Some(Joinable::Group(_)) | None => None,
                };
                let of_staff = || {
                    let is_stores = |it: &&Contact| matches!(it.owner, Owner::Store(_));
                    let first = catalog.contacts_of_staff(staff).find(is_stores);
                    first.or_else(|| catalog.contacts_of_staff(staff).next())
                };
                let contact = named.or_else(of_staff);
                Self { group: None, contact, store: contact.and_then(|it| store_of(&it.owner)) }
            }
            With::Chat { chat, .. } => {
                let named = match by_state {
                    Some(Joinable::Group(place)) => catalog.group(place),
                    Some(Joinable::Contact(_)) | None => None,
                };
                let group = named.or_else(|| catalog.group_of_chat(chat));
                Self { group, contact: None, store: group.and_then(|it| store_of(&it.owner)) }
            }
        }
    }

    /// Whether it is anything of ours.
    pub(super) fn is_ours(&self) -> bool {
        self.group.is_some() || self.contact.is_some()
    }

    /// The member of staff that a membership counts for: the chat's owner, else who looks after the group.
    pub(super) fn looks_after(&self, owner: &str) -> Option<String> {
        let named = || self.group?.wecom.as_ref()?.staff.first().map(ToString::to_string);
        Some(owner.to_owned()).filter(|it| !it.is_empty()).or_else(named)
    }

    /// The kind and the id of what a visit has shown.
    pub(super) fn shown(&self) -> Option<(&'static str, &str)> {
        let group = self.group.map(|it| ("group", it.id.as_str()));
        group.or_else(|| self.contact.map(|it| ("contact", it.id.as_str())))
    }
}

/// The names of the region that a store lies in.
pub(super) fn region_of(catalog: &Catalog, store: &StoreId) -> RegionNames {
    let Some(store) = catalog.store_key(store).and_then(|it| catalog.store(it)) else {
        return RegionNames::default();
    };
    let map = catalog.regions();
    let names = map.names(&map.place(store.at.position()));
    if names.names_a_region() {
        return names;
    }
    RegionNames { areas: names.areas, ..Catalog::region_columns(store) }
}
