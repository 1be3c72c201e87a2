//! What a sheet makes of the entries there are: which nouns change, and how many.

use std::collections::HashMap;

use super::draft::{FirstContact, FirstGroup, StoreRow};
use super::map_merge;
use super::snapshot::Entries;
use crate::campaign::Campaign;
use crate::group::{Contact, GroupChat, GroupStatus, JoinCode, Owner};
use crate::id::{ContactId, GroupId, RegionCode, StoreId};
use crate::store::{Store, StoreStatus};

/// What a sheet means for stores that it does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They stay; and columns that the sheet does not have keep their values.
    #[default]
    Merge,
    /// They go.
    Replace,
}

impl Mode {
    /// Reads `merge` or `replace`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "merge" => Some(Self::Merge),
            "replace" => Some(Self::Replace),
            _ => None,
        }
    }
}

/// An entry that changed or went; what it is by then stands in the merged entries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// A store.
    Store(StoreId),
    /// A group chat.
    Group(GroupId),
    /// A contact.
    Contact(ContactId),
    /// A campaign.
    Campaign(crate::id::CampaignSlug),
    /// A region.
    Region(RegionCode),
    /// The area that a store serves.
    ServiceArea(StoreId),
}

/// The entries after a merge, and what changed on the way.
#[derive(Debug)]
pub struct Merged {
    /// All entries.
    pub entries: Entries,
    /// What changed or went.
    pub changes: Vec<Change>,
    /// Stores that were not there before.
    pub created: u64,
    /// Stores that changed, they themselves or their group or contact.
    pub updated: u64,
    /// Stores that stay as they were.
    pub unchanged: u64,
    /// Stores that went.
    pub removed: u64,
}

/// Which columns a sheet has; none where every row may have its own.
pub type Columns<'a> = Option<&'a dyn Fn(&str) -> bool>;

/// Merges sheets and campaigns into entries.
pub struct Merge<'a> {
    mode: Mode,
    columns: Columns<'a>,
    groups: HashMap<StoreId, usize>,
    contacts: HashMap<StoreId, usize>,
    merged: Merged,
}

impl<'a> Merge<'a> {
    /// Takes the entries that are published.
    #[must_use]
    pub fn new(entries: Entries, mode: Mode, columns: Columns<'a>) -> Self {
        let mut groups = HashMap::new();
        for (place, it) in entries.groups.iter().enumerate() {
            if let Owner::Store(store) = &it.owner {
                first_of(&mut groups, store, place, |a, b| (a.order, &a.id) < (b.order, &b.id), &entries.groups);
            }
        }
        let mut contacts = HashMap::new();
        for (place, it) in entries.contacts.iter().enumerate() {
            if let Owner::Store(store) = &it.owner {
                first_of(&mut contacts, store, place, |a, b| (a.order, &a.id) < (b.order, &b.id), &entries.contacts);
            }
        }
        let merged = Merged { entries, changes: Vec::new(), created: 0, updated: 0, unchanged: 0, removed: 0 };
        Self { mode, columns, groups, contacts, merged }
    }

    /// Merges the rows of a sheet; their ids differ from each other.
    #[must_use]
    pub fn stores(mut self, mut rows: Vec<StoreRow>) -> Merged {
        rows.sort_by(|a, b| a.store.id.cmp(&b.store.id));
        let mut old = std::mem::take(&mut self.merged.entries.stores);
        old.sort_by(|a, b| a.id.cmp(&b.id));
        let mut stores = Vec::with_capacity(old.len().max(rows.len()));
        let mut old = old.into_iter().peekable();
        for row in rows {
            while let Some(before) = old.next_if(|it| it.id < row.store.id) {
                self.unnamed(before, &mut stores);
            }
            let before = old.next_if(|it| it.id == row.store.id);
            let store = self.row(row, before);
            stores.push(store);
        }
        for before in old {
            self.unnamed(before, &mut stores);
        }
        self.merged.entries.stores = stores;
        self.sweep();
        self.merged
    }

    fn unnamed(&mut self, before: Store, stores: &mut Vec<Store>) {
        if self.mode == Mode::Merge {
            stores.push(before);
        } else {
            self.merged.removed += 1;
            self.merged.changes.push(Change::Store(before.id));
        }
    }

    fn row(&mut self, row: StoreRow, before: Option<Store>) -> Store {
        let StoreRow { mut store, group, contact, .. } = row;
        let is_new = before.is_none();
        if let (Some(before), Mode::Merge) = (&before, self.mode) {
            self.keep_absent(&mut store, before);
        }
        let mut changed = before.is_none_or(|it| it != store);
        if changed {
            self.merged.changes.push(Change::Store(store.id.clone()));
        }
        changed |= group.is_some_and(|it| self.group(&store, it));
        changed |= contact.is_some_and(|it| self.contact(&store, it));
        let count = match (is_new, changed) {
            (true, _) => &mut self.merged.created,
            (false, true) => &mut self.merged.updated,
            (false, false) => &mut self.merged.unchanged,
        };
        *count += 1;
        store
    }

    /// Whether a value that is as nobody gave it means "not in this sheet".
    fn is_absent(&self, column: &str) -> bool {
        self.columns.is_none_or(|has| !has(column))
    }

    fn keep_absent(&self, store: &mut Store, before: &Store) {
        let keep = |column: &str, new: &mut Box<str>, old: &str| {
            if new.is_empty() && self.is_absent(column) {
                *new = old.into();
            }
        };
        keep("address", &mut store.address, &before.address);
        keep("province", &mut store.province, &before.province);
        keep("city", &mut store.city, &before.city);
        keep("district", &mut store.district, &before.district);
        if store.status == StoreStatus::Active && self.is_absent("status") {
            store.status = before.status;
        }
        if store.hours.is_none() && self.is_absent("hours") {
            store.hours.clone_from(&before.hours);
        }
        if store.closures.is_empty() && self.is_absent("closures") {
            store.closures.clone_from(&before.closures);
        }
        if store.zone.is_none() && self.is_absent("time_zone") {
            store.zone.clone_from(&before.zone);
        }
        if store.tags.is_empty() && self.is_absent("tags") {
            store.tags.clone_from(&before.tags);
        }
        for (name, value) in &before.extra {
            if !store.extra.contains_key(name) && self.is_absent(name) {
                store.extra.insert(name.clone(), value.clone());
            }
        }
    }

    /// Sets a store's first group; true if that changes anything.
    fn group(&mut self, store: &Store, given: FirstGroup) -> bool {
        let absent = |column: &str| self.mode == Mode::Merge && self.is_absent(column);
        let code = JoinCode { link: given.link, expires_at: given.expires_at };
        let place = self.groups.get(&store.id).copied();
        let before = place.and_then(|it| self.merged.entries.groups.get(it));
        let name = Some(given.name).filter(|it| !it.is_empty());
        let group = match before {
            Some(before) => GroupChat {
                name: name.unwrap_or_else(|| before.name.clone()),
                capacity: if absent("group_capacity") { before.capacity } else { given.capacity },
                code: if before.code.link == code.link
                    && (absent("group_expires") && code.expires_at.is_none()
                        || given.expires_by_default && before.code.expires_at.is_some())
                {
                    before.code.clone()
                } else {
                    code
                },
                ..before.clone()
            },
            None => GroupChat {
                id: owned_id(&store.id, "group", GroupId::parse),
                owner: Owner::Store(store.id.clone()),
                name: name.unwrap_or_else(|| store.name.clone()),
                code,
                capacity: given.capacity,
                status: GroupStatus::Active,
                order: 0,
                wecom: None,
            },
        };
        if before == Some(&group) {
            return false;
        }
        self.merged.changes.push(Change::Group(group.id.clone()));
        put(&mut self.merged.entries.groups, place, group);
        true
    }

    /// Sets a store's first contact; true if that changes anything.
    fn contact(&mut self, store: &Store, given: FirstContact) -> bool {
        let place = self.contacts.get(&store.id).copied();
        let before = place.and_then(|it| self.merged.entries.contacts.get(it));
        let name = Some(given.name).filter(|it| !it.is_empty());
        let code = JoinCode { link: given.link, expires_at: None };
        let contact = match before {
            Some(before) => Contact { name: name.unwrap_or_else(|| before.name.clone()), code, ..before.clone() },
            None => Contact {
                id: owned_id(&store.id, "contact", ContactId::parse),
                owner: Owner::Store(store.id.clone()),
                name: name.unwrap_or_else(|| store.name.clone()),
                code,
                order: 0,
                wecom: None,
            },
        };
        if before == Some(&contact) {
            return false;
        }
        self.merged.changes.push(Change::Contact(contact.id.clone()));
        put(&mut self.merged.entries.contacts, place, contact);
        true
    }

    /// Lets go of the groups, contacts and service areas of stores that went.
    fn sweep(&mut self) {
        if self.mode == Mode::Merge {
            return;
        }
        let Merged { entries, changes, .. } = &mut self.merged;
        changes.extend(map_merge::sweep(entries));
        let Entries { stores, groups, contacts, .. } = entries;
        let lives = |owner: &Owner| match owner {
            Owner::Store(id) => stores.binary_search_by(|it| it.id.cmp(id)).is_ok(),
            Owner::Region(_) | Owner::Campaign(_) => true,
        };
        let gone = groups.extract_if(.., |it| !lives(&it.owner));
        changes.extend(gone.map(|it| Change::Group(it.id)));
        let gone = contacts.extract_if(.., |it| !lives(&it.owner));
        changes.extend(gone.map(|it| Change::Contact(it.id)));
    }

    /// Merges campaigns, each with its own group or none; the others stay.
    #[must_use]
    pub fn campaigns(mut self, rows: Vec<(Campaign, Option<FirstGroup>)>) -> Merged {
        for (campaign, group) in rows {
            let entries = &mut self.merged.entries;
            let place = entries.campaigns.iter().position(|it| it.slug == campaign.slug);
            let same = place.and_then(|it| entries.campaigns.get(it)) == Some(&campaign);
            let owner = Owner::Campaign(campaign.slug.clone());
            let own = entries.groups.iter().enumerate().filter(|(_, it)| it.owner == owner);
            let group_place = own.min_by_key(|(_, it)| (it.order, it.id.clone())).map(|(place, _)| place);
            let before = group_place.and_then(|it| entries.groups.get(it));
            let group = group.map(|it| GroupChat {
                id: before
                    .map_or_else(|| owned_id(&campaign.slug, "campaign-group", GroupId::parse), |it| it.id.clone()),
                owner,
                name: if it.name.is_empty() { campaign.name.clone() } else { it.name },
                code: JoinCode { link: it.link, expires_at: it.expires_at },
                capacity: it.capacity,
                status: before.map_or(GroupStatus::Active, |it| it.status),
                order: before.map_or(0, |it| it.order),
                wecom: before.and_then(|it| it.wecom.clone()),
            });
            let group = group.filter(|it| group_place.and_then(|place| entries.groups.get(place)) != Some(it));
            let count = match (place, same && group.is_none()) {
                (None, _) => &mut self.merged.created,
                (Some(_), true) => &mut self.merged.unchanged,
                (Some(_), false) => &mut self.merged.updated,
            };
            *count += 1;
            if !same {
                self.merged.changes.push(Change::Campaign(campaign.slug.clone()));
                put(&mut entries.campaigns, place, campaign);
            }
            if let Some(group) = group {
                self.merged.changes.push(Change::Group(group.id.clone()));
                put(&mut entries.groups, group_place, group);
            }
        }
        self.merged
    }
}

fn first_of<T>(
    firsts: &mut HashMap<StoreId, usize>,
    store: &StoreId,
    place: usize,
    before: impl Fn(&T, &T) -> bool,
    all: &[T],
) {
    let held = firsts.get(store).and_then(|it| all.get(*it));
    let is_first = match (held, all.get(place)) {
        (Some(held), Some(it)) => before(it, held),
        _ => true,
    };
    if is_first {
        firsts.insert(store.clone(), place);
    }
}

/// An id for something that belongs to an id of at most 64 characters.
fn owned_id<T, E: std::fmt::Debug>(
    owner: &impl std::fmt::Display,
    what: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> T {
    parse(&format!("{owner}.{what}")).expect("64 characters and a suffix of 15 are an id of at most 80")
}

fn put<T>(all: &mut Vec<T>, place: Option<usize>, it: T) {
    match place.and_then(|place| all.get_mut(place)) {
        Some(held) => *held = it,
        None => all.push(it),
    }
}
