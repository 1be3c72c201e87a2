//! A catalog with changes that nobody has published, to look at and throw away.

use std::sync::Arc;

use super::CatchmentError;
use crate::catalog::{Catalog, Entries};
use crate::group::{CAPACITY_DEFAULT, GroupChat, GroupStatus, JoinCode, JoinLink, LINK_HOSTS_DEFAULT, Owner};
use crate::id::{GroupId, StoreId};
use crate::store::{Located, Store, StoreStatus};

/// Changes in one draft.
pub const CHANGES_MAX: usize = 50;

/// A change to look at.
#[derive(Debug, Clone, PartialEq)]
pub enum DraftChange {
    /// The store stands elsewhere.
    Move(StoreId, Located),
    /// The store takes part or not.
    Status(StoreId, StoreStatus),
    /// There is one more store, with a group of its own.
    Add(Box<str>, Located),
}

/// The catalog with the changes in it.
///
/// # Errors
/// [`CatchmentError`] for stores that are not there, and for what makes no catalog.
pub(super) fn drafted(live: &Catalog, changes: Vec<DraftChange>) -> Result<Catalog, CatchmentError> {
    let mut entries = Entries {
        stores: live.stores().to_vec(),
        groups: live.groups().to_vec(),
        contacts: live.contacts().to_vec(),
        campaigns: live.campaigns().cloned().collect(),
        regions: Arc::clone(live.regions()),
        service_areas: Arc::clone(live.service_areas()),
    };
    for (number, change) in (1..).zip(changes) {
        match change {
            DraftChange::Move(id, at) => found(&mut entries, &id)?.at = at,
            DraftChange::Status(id, status) => found(&mut entries, &id)?.status = status,
            DraftChange::Add(name, at) => add(&mut entries, number, name, at),
        }
    }
    Catalog::build(live.version() + 1, entries).map_err(CatchmentError::Invalid)
}

fn found<'a>(entries: &'a mut Entries, id: &StoreId) -> Result<&'a mut Store, CatchmentError> {
    // The stores of a catalog are sorted by id, and additions come last.
    let place = entries.stores.iter().position(|it| it.id == *id);
    let store = place.and_then(|it| entries.stores.get_mut(it));
    store.ok_or_else(|| CatchmentError::UnknownStore(id.clone()))
}

fn add(entries: &mut Entries, number: usize, name: Box<str>, at: Located) {
    let (Ok(id), Ok(group), Ok(link)) = (
        StoreId::parse(&format!("DRAFT-{number}")),
        GroupId::parse(&format!("DRAFT-{number}.group")),
        JoinLink::parse("https://work.weixin.qq.com/gm/draft", &LINK_HOSTS_DEFAULT),
    ) else {
        return;
    };
    entries.groups.push(GroupChat {
        id: group,
        owner: Owner::Store(id.clone()),
        name: name.clone(),
        code: JoinCode { link, expires_at: None },
        capacity: CAPACITY_DEFAULT,
        status: GroupStatus::Active,
        order: 0,
        wecom: None,
    });
    entries.stores.push(Store {
        id,
        name,
        address: "".into(),
        province: "".into(),
        city: "".into(),
        district: "".into(),
        at,
        status: StoreStatus::Active,
        hours: None,
        closures: crate::store::Closures::default(),
        zone: None,
        tags: Box::default(),
        extra: std::collections::BTreeMap::new(),
    });
}
