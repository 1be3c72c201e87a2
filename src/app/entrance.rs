//! Group chats and contacts as the operations team changes them, one at a time and in their order.

use super::App;
use super::edit::{Deed, EditError, NewEntry};
use crate::catalog::owned::OwnedKind;
use crate::catalog::{Catalog, Change, Problem};
use crate::group::{Contact, GroupChat, GroupStatus, JoinCode, Owner};
use crate::id::{ContactId, GroupId};
use crate::staff::Actor;
use crate::storage::{HeadCount, StorageError};
use crate::time::Timestamp;

/// Entries that may be put into an order at once.
pub const ORDERED_MAX: usize = 500;

/// What a customer comes in by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entrance {
    /// A group chat.
    Group(GroupChat),
    /// A contact.
    Contact(Contact),
}

impl Entrance {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Group(it) => it.id.as_str(),
            Self::Contact(it) => it.id.as_str(),
        }
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        match self {
            Self::Group(it) => &it.owner,
            Self::Contact(it) => &it.owner,
        }
    }

    /// The name that customers see.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Group(it) => &it.name,
            Self::Contact(it) => &it.name,
        }
    }

    /// What leads in.
    #[must_use]
    pub fn code(&self) -> &JoinCode {
        match self {
            Self::Group(it) => &it.code,
            Self::Contact(it) => &it.code,
        }
    }

    /// The same with another code.
    #[must_use]
    pub fn with_code(mut self, code: JoinCode) -> Self {
        match &mut self {
            Self::Group(it) => it.code = code,
            Self::Contact(it) => it.code = code,
        }
        self
    }

    fn set_order(&mut self, order: i32) {
        match self {
            Self::Group(it) => it.order = order,
            Self::Contact(it) => it.order = order,
        }
    }

    /// Its JSON as storage keeps it.
    #[must_use]
    pub fn body(&self) -> String {
        let body = match self {
            Self::Group(it) => serde_json::to_string(it),
            Self::Contact(it) => serde_json::to_string(it),
        };
        // Groups and contacts have text keys and whole numbers, which JSON can hold.
        body.unwrap_or_default()
    }

    pub(super) fn into_entry(self) -> NewEntry {
        match self {
            Self::Group(it) => NewEntry::Group(Box::new(it)),
            Self::Contact(it) => NewEntry::Contact(Box::new(it)),
        }
    }

    fn gone(&self) -> NewEntry {
        NewEntry::Gone(match self {
            Self::Group(it) => Change::Group(it.id.clone()),
            Self::Contact(it) => Change::Contact(it.id.clone()),
        })
    }
}

/// Which groups or contacts.
#[derive(Debug, Clone, Default)]
pub struct EntranceFilter {
    /// Of this owner.
    pub owner: Option<Owner>,
    /// With this in the id, the name, or the id or name of the owner; in small letters.
    pub text: Option<String>,
    /// With this status.
    pub status: Option<GroupStatus>,
    /// Whose code expires before this moment, or has.
    pub expiring: Option<Timestamp>,
}

impl EntranceFilter {
    fn lets(&self, catalog: &Catalog, it: &Entrance) -> bool {
        let status = match it {
            Entrance::Group(group) => group.status,
            Entrance::Contact(_) => GroupStatus::Active,
        };
        self.owner.as_ref().is_none_or(|owner| owner == it.owner())
            && self.status.is_none_or(|wanted| wanted == status)
            && self.expiring.is_none_or(|end| it.code().expires_at.is_some_and(|at| at < end))
            && self.text.as_ref().is_none_or(|text| {
                let (owner, name) = owner_words(catalog, it.owner());
                [it.id(), it.name(), &owner, &name].iter().any(|word| word.to_lowercase().contains(text))
            })
    }
}

/// The id of an owner, and its name where it has one.
#[must_use]
pub fn owner_words(catalog: &Catalog, owner: &Owner) -> (String, String) {
    match owner {
        Owner::Store(id) => {
            let store = catalog.store_key(id).and_then(|key| catalog.store(key));
            (id.to_string(), store.map(|it| it.name.to_string()).unwrap_or_default())
        }
        Owner::Region(code) => {
            let region = catalog.regions().key(code).and_then(|key| catalog.regions().region(key));
            (code.to_string(), region.map(|it| it.name.to_string()).unwrap_or_default())
        }
        Owner::Campaign(slug) => {
            (slug.to_string(), catalog.campaign(slug).map(|it| it.name.to_string()).unwrap_or_default())
        }
    }
}

/// One page of the groups or contacts that pass the filter, and how many pass it. Those of one owner stand together, in their order.
#[must_use]
pub fn entrances(
    catalog: &Catalog,
    kind: OwnedKind,
    filter: &EntranceFilter,
    skip: usize,
    limit: usize,
) -> (Vec<Entrance>, usize) {
    let groups = catalog.groups().iter().filter(|_| kind == OwnedKind::Groups).cloned().map(Entrance::Group);
    let contacts = catalog.contacts().iter().filter(|_| kind == OwnedKind::Contacts).cloned().map(Entrance::Contact);
    let mut total = 0;
    let mut page = Vec::new();
    for it in groups.chain(contacts).filter(|it| filter.lets(catalog, it)) {
        if total >= skip && page.len() < limit {
            page.push(it);
        }
        total += 1;
    }
    (page, total)
}

/// The group or contact with an id.
#[must_use]
pub fn entrance(catalog: &Catalog, kind: OwnedKind, id: &str) -> Option<Entrance> {
    match kind {
        OwnedKind::Groups => catalog.groups().iter().find(|it| it.id.as_str() == id).cloned().map(Entrance::Group),
        OwnedKind::Contacts => {
            catalog.contacts().iter().find(|it| it.id.as_str() == id).cloned().map(Entrance::Contact)
        }
    }
}

/// An id that no group or contact of this kind has, made from its owner's.
#[must_use]
pub fn free_id(catalog: &Catalog, kind: OwnedKind, owner: &Owner) -> String {
    let (owner, _) = owner_words(catalog, owner);
    let letter = if kind == OwnedKind::Groups { 'g' } else { 'c' };
    // An owner's id has 64 characters at most, which leaves room for the ending.
    (1..=u32::MAX)
        .map(|number| format!("{owner}-{letter}{number}"))
        .find(|id| entrance(catalog, kind, id).is_none())
        .unwrap_or_default()
}

fn word(kind: OwnedKind) -> &'static str {
    if kind == OwnedKind::Groups { "group" } else { "contact" }
}

/// Makes what an entrance is to be of the catalog and what it was; nothing means that it goes.
pub type Changing<'a> = &'a mut dyn FnMut(&Catalog, Option<&Entrance>) -> Result<Option<Entrance>, EditError>;

impl App {
    /// Changes, makes or removes one group or contact, publishes it, and returns it with the version that is live. Blocks.
    ///
    /// # Errors
    /// What `change` says, and as [`App::edit`].
    pub fn change_entrance(
        &self,
        actor: &Actor,
        (kind, id): (OwnedKind, &str),
        change: Changing<'_>,
    ) -> Result<(Option<Entrance>, u64), EditError> {
        let mut made = None;
        let note = format!("{} {id}", word(kind));
        let version = self.edit(actor, &note, &mut |catalog| {
            let before = entrance(catalog, kind, id);
            let after = change(catalog, before.as_ref())?;
            made.clone_from(&after);
            let action = match (kind, &before, &after) {
                (OwnedKind::Groups, None, _) => "group.create",
                (OwnedKind::Groups, Some(_), Some(_)) => "group.update",
                (OwnedKind::Groups, Some(_), None) => "group.delete",
                (OwnedKind::Contacts, None, _) => "contact.create",
                (OwnedKind::Contacts, Some(_), Some(_)) => "contact.update",
                (OwnedKind::Contacts, Some(_), None) => "contact.delete",
            };
            let deed = Deed {
                action,
                target: id.to_owned(),
                before: before.as_ref().map(Entrance::body),
                after: after.as_ref().map(Entrance::body),
            };
            let new = match (before, after) {
                (before, Some(after)) if before.as_ref() == Some(&after) => Vec::new(),
                (_, Some(after)) => vec![after.into_entry()],
                (Some(before), None) => vec![before.gone()],
                (None, None) => Vec::new(),
            };
            Ok((new, deed))
        })?;
        Ok((made, version))
    }

    /// Puts groups or contacts of one owner into this order. Blocks.
    ///
    /// # Errors
    /// [`EditError::Missing`] for an id that is none, [`EditError::Invalid`] where owners differ or an id stands twice.
    pub fn order_entrances(&self, actor: &Actor, kind: OwnedKind, ids: &[String]) -> Result<u64, EditError> {
        let note = format!("order of {}s", word(kind));
        self.edit(actor, &note, &mut |catalog| {
            let mut new = Vec::new();
            let mut owner: Option<Owner> = None;
            let (mut before, mut seen) = (Vec::new(), std::collections::HashSet::new());
            for (order, id) in (1_i32..).zip(ids) {
                let Some(mut it) = entrance(catalog, kind, id) else {
                    return Err(EditError::Missing(format!("{} {id}", word(kind))));
                };
                if owner.get_or_insert_with(|| it.owner().clone()) != it.owner() || !seen.insert(id) {
                    let problem = Problem::new("other_owner", "ids are those of one owner, each once");
                    return Err(EditError::Invalid(vec![problem.in_column("ids", id)]));
                }
                before.push(id.clone());
                let old = it.clone();
                it.set_order(order);
                if it != old {
                    new.push(it.into_entry());
                }
            }
            before.sort_unstable();
            let list = |ids: &[String]| serde_json::to_string(ids).ok();
            let action = if kind == OwnedKind::Groups { "group.order" } else { "contact.order" };
            let target = owner.map(|it| owner_words(catalog, &it).0).unwrap_or_default();
            Ok((new, Deed { action, target, before: list(&before), after: list(ids) }))
        })
    }

    /// Who is taken to be in these groups, in their order. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn head_counts(&self, groups: &[GroupId]) -> Result<Vec<HeadCount>, StorageError> {
        self.parts.storage.head_counts(groups, self.now())
    }

    /// The share of seats that were given back which count as heads.
    #[must_use]
    pub fn join_rate(&self) -> f64 {
        self.parts.seat_rules.join_rate
    }

    /// Notes how many members a group has. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn count_members(&self, actor: &Actor, group: &GroupId, members: u32) -> Result<(), StorageError> {
        self.parts.storage.set_members(&[(group.clone(), members)], self.now())?;
        let deed = Deed {
            action: "group.members",
            target: group.to_string(),
            before: None,
            after: Some(format!("{{\"members\":{members}}}")),
        };
        self.record(actor, deed, None)
    }
}

/// Reads the id of a group or contact; both are of one form.
///
/// # Errors
/// What is wrong with it.
pub fn read_entrance_id(text: &str) -> Result<(GroupId, ContactId), crate::id::IdError> {
    Ok((GroupId::parse(text)?, ContactId::parse(text)?))
}
