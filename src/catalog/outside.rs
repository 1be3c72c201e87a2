//! Which group or contact of the catalog something in `WeCom` belongs to: found by the `state` of a code, a chat or a member of staff.

use std::collections::HashMap;

use super::snapshot::{Catalog, Joinable};
use crate::group::{Contact, GroupChat};

/// The places of groups and contacts, by what events call them. Made when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct Outside {
    states: HashMap<String, Joinable>,
    chats: HashMap<Box<str>, u32>,
    staff: HashMap<Box<str>, Vec<u32>>,
}

impl Outside {
    fn of(catalog: &Catalog) -> Self {
        let mut outside = Self::default();
        for (place, group) in (0_u32..).zip(catalog.groups()) {
            outside.states.insert(group.state(), Joinable::Group(place));
            for chat in group.wecom.iter().flat_map(|it| &it.chats) {
                outside.chats.entry(chat.clone()).or_insert(place);
            }
        }
        for (place, contact) in (0_u32..).zip(catalog.contacts()) {
            outside.states.insert(contact.state(), Joinable::Contact(place));
            for staff in contact.wecom.iter().flat_map(|it| &it.staff) {
                outside.staff.entry(staff.clone()).or_default().push(place);
            }
        }
        outside
    }
}

impl Catalog {
    fn outside(&self) -> &Outside {
        self.outside.get_or_init(|| Outside::of(self))
    }

    /// The group or contact whose way bears this `state`.
    #[must_use]
    pub fn by_state(&self, state: &str) -> Option<Joinable> {
        self.outside().states.get(state).copied()
    }

    /// The group that a chat of `WeCom` stands behind, by its `chat_id`.
    #[must_use]
    pub fn group_of_chat(&self, chat: &str) -> Option<&GroupChat> {
        let place = *self.outside().chats.get(chat)?;
        self.groups().get(usize::try_from(place).ok()?)
    }

    /// The contacts that a member of staff stands behind, by `userid`.
    pub fn contacts_of_staff(&self, staff: &str) -> impl Iterator<Item = &Contact> {
        let places = self.outside().staff.get(staff).into_iter().flatten();
        places.filter_map(|it| self.contacts().get(usize::try_from(*it).ok()?))
    }
}
