//! A group or contact with the code that is kept for it, and how it goes into a catalog that changed meanwhile.

use crate::app::edit::NewEntry;
use crate::app::entrance::Entrance;
use crate::catalog::Catalog;
use crate::group::Wecom as Behind;

/// The entry as it is in a later catalog, with our code; none if its owner is gone.
pub(super) fn merged(catalog: &Catalog, ours: &Entrance) -> Option<Entrance> {
    let now = Entrance::find(catalog, ours);
    let base = match now {
        Some(now) => now,
        None if Entrance::has_owner(catalog, ours.owner()) => ours.clone(),
        None => return None,
    };
    let behind = ours.behind().cloned().unwrap_or_default();
    // A group that paused because it had no chat has one now.
    let base = match base {
        Entrance::Group(group) => Entrance::Group(group.resumed()),
        contact @ Entrance::Contact(_) => contact,
    };
    Some(base.with_code(ours.code().clone()).with_behind(behind))
}

impl Entrance {
    /// Who stands behind the code in `WeCom`.
    #[must_use]
    pub fn behind(&self) -> Option<&Behind> {
        match self {
            Self::Group(it) => it.wecom.as_deref(),
            Self::Contact(it) => it.wecom.as_deref(),
        }
    }

    pub(super) fn with_behind(mut self, behind: Behind) -> Self {
        match &mut self {
            Self::Group(it) => it.wecom = Some(Box::new(behind)),
            Self::Contact(it) => it.wecom = Some(Box::new(behind)),
        }
        self
    }

    /// The group or contact of a catalog with the same id.
    fn find(catalog: &Catalog, other: &Self) -> Option<Self> {
        match other {
            Self::Group(group) => catalog.groups().iter().find(|it| it.id == group.id).cloned().map(Self::Group),
            Self::Contact(contact) => {
                catalog.contacts().iter().find(|it| it.id == contact.id).cloned().map(Self::Contact)
            }
        }
    }

    fn has_owner(catalog: &Catalog, owner: &crate::group::Owner) -> bool {
        match owner {
            crate::group::Owner::Store(id) => catalog.store_key(id).is_some(),
            crate::group::Owner::Region(_) | crate::group::Owner::Campaign(_) => true,
        }
    }
}

/// A new entry, as storage takes it.
impl From<Entrance> for NewEntry {
    fn from(entrance: Entrance) -> Self {
        entrance.into_entry()
    }
}
