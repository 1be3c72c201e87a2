//! What a sheet of groups or contacts makes of the entries there are.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{CodeKind, OwnedRow, OwnerCell};
use crate::catalog::{Change, Entries, Merged, Mode, Problem, SheetRules, code};
use crate::group::{Contact, GroupChat, GroupStatus, JoinCode, Owner};
use crate::id::{ContactId, GroupId};
use crate::time::Timestamp;

/// Rows, and what they are read by.
pub struct OwnedRows<'a> {
    /// The rows; of two with one id the second is refused.
    pub rows: Vec<OwnedRow>,
    /// Whether entries that no row names stay.
    pub mode: Mode,
    /// The sheet's rules.
    pub rules: &'a SheetRules<'a>,
}

/// Joins rows of groups into the entries.
#[must_use]
pub fn join_groups(mut entries: Entries, sheet: &OwnedRows<'_>, problems: &mut Vec<Problem>) -> Merged {
    let old = std::mem::take(&mut entries.groups);
    let owners = Owners::of(&entries);
    let rules = sheet.rules;
    let make = |row: &OwnedRow, before: Option<&GroupChat>, problems: &mut Vec<Problem>| {
        let base = Base::of(row, before.map(|it| (&it.owner, &*it.name, &it.code)), &owners, rules, problems)?;
        Some(GroupChat {
            id: GroupId::parse(&row.id).ok()?,
            owner: base.owner,
            name: base.name,
            code: base.code,
            capacity: row.capacity.or(before.map(|it| it.capacity)).unwrap_or(rules.groups.capacity),
            status: row.status.or(before.map(|it| it.status)).unwrap_or(GroupStatus::Active),
            order: row.order.or(before.map(|it| it.order)).unwrap_or(0),
            wecom: before.and_then(|it| it.wecom.clone()).map(|mut it| {
                it.is_without_chat &= row.status != Some(GroupStatus::Active);
                it
            }),
        })
    };
    let id = |it: &GroupChat| it.id.as_str().to_owned();
    let joined = join(old, sheet, &id, &make, problems);
    drop(owners);
    let changes = joined.changed.iter().filter_map(|it| GroupId::parse(it).ok()).map(Change::Group).collect();
    entries.groups = joined.all;
    joined.counts.merged(entries, changes)
}

/// Joins rows of contacts into the entries.
#[must_use]
pub fn join_contacts(mut entries: Entries, sheet: &OwnedRows<'_>, problems: &mut Vec<Problem>) -> Merged {
    let old = std::mem::take(&mut entries.contacts);
    let owners = Owners::of(&entries);
    let rules = sheet.rules;
    let make = |row: &OwnedRow, before: Option<&Contact>, problems: &mut Vec<Problem>| {
        let base = Base::of(row, before.map(|it| (&it.owner, &*it.name, &it.code)), &owners, rules, problems)?;
        Some(Contact {
            id: ContactId::parse(&row.id).ok()?,
            owner: base.owner,
            name: base.name,
            code: base.code,
            order: row.order.or(before.map(|it| it.order)).unwrap_or(0),
            wecom: before.and_then(|it| it.wecom.clone()),
        })
    };
    let id = |it: &Contact| it.id.as_str().to_owned();
    let joined = join(old, sheet, &id, &make, problems);
    drop(owners);
    let changes = joined.changed.iter().filter_map(|it| ContactId::parse(it).ok()).map(Change::Contact).collect();
    entries.contacts = joined.all;
    joined.counts.merged(entries, changes)
}

/// Who may own something, and by which name customers know them.
struct Owners<'a> {
    entries: &'a Entries,
    names: BTreeMap<Owner, &'a str>,
}

impl<'a> Owners<'a> {
    fn of(entries: &'a Entries) -> Self {
        let stores = entries.stores.iter().map(|it| (Owner::Store(it.id.clone()), &*it.name));
        let campaigns = entries.campaigns.iter().map(|it| (Owner::Campaign(it.slug.clone()), &*it.name));
        Self { entries, names: stores.chain(campaigns).collect() }
    }

    /// The owner with its name, or why there is none.
    fn find(&self, cell: &OwnerCell) -> Result<(Owner, Box<str>), (&'static str, &'static str, String)> {
        let known = |owner: Owner, column, code, what: String| match self.names.get(&owner) {
            Some(name) => Ok((owner, Box::from(*name))),
            None => Err((column, code, format!("there is no {what}"))),
        };
        match cell {
            OwnerCell::Store(id) => {
                known(Owner::Store(id.clone()), "store", code::UNKNOWN_STORE, format!("store {id}"))
            }
            // The default campaign is there even if nobody has made one.
            OwnerCell::Campaign(slug) if slug.as_str() == "default" => {
                let owner = Owner::Campaign(slug.clone());
                let name = self.names.get(&owner).copied().unwrap_or(slug.as_str()).into();
                Ok((owner, name))
            }
            OwnerCell::Campaign(slug) => {
                known(Owner::Campaign(slug.clone()), "campaign", code::UNKNOWN_CAMPAIGN, format!("campaign {slug}"))
            }
            OwnerCell::Region(text) => match self.entries.regions.find(text) {
                Ok(region) => Ok((Owner::Region(region.code.clone()), region.name.clone())),
                Err(error) => Err(("region", error.code(), error.to_string())),
            },
        }
    }
}

/// What groups and contacts have in common.
struct Base {
    owner: Owner,
    name: Box<str>,
    code: JoinCode,
}

impl Base {
    fn of(
        row: &OwnedRow,
        before: Option<(&Owner, &str, &JoinCode)>,
        owners: &Owners<'_>,
        rules: &SheetRules<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let mut fail = |column: &'static str, code, message: String| {
            problems.push(Problem::new(code, message).in_row(row.row).in_column(column, ""));
        };
        let found = row.owner.as_ref().map(|it| owners.find(it));
        let given = match found {
            Some(Err((column, code, message))) => {
                fail(column, code, message);
                return None;
            }
            Some(Ok(found)) => Some(found),
            None => None,
        };
        let owner = given.as_ref().map(|it| it.0.clone()).or_else(|| before.map(|it| it.0.clone()));
        if owner.is_none() {
            fail(
                "store",
                code::MISSING,
                "it belongs to a store, a region or a campaign: fill in one of them".to_owned(),
            );
        }
        let link = row.link.clone().or_else(|| before.map(|it| it.2.link.clone()));
        if link.is_none() {
            fail("url", code::MISSING, "a join code needs its link".to_owned());
        }
        let (owner, link) = (owner?, link?);
        let before_code = before.map(|it| it.2).filter(|it| it.link == link);
        let expires_at = expiry(row, before_code, rules);
        let named = row.name.clone().or_else(|| before.map(|it| it.1.into()));
        let name = named.unwrap_or_else(|| given.map_or_else(|| row.id.as_str().into(), |it| it.1));
        Some(Self { owner, name, code: JoinCode { link, expires_at } })
    }
}

/// When the code expires; `before` is the code that was there, if it leads to the same place.
fn expiry(row: &OwnedRow, before: Option<&JoinCode>, rules: &SheetRules<'_>) -> Option<Timestamp> {
    let had = before.and_then(|it| it.expires_at);
    match (row.expires_at, row.code) {
        (Some(moment), _) => Some(moment),
        (None, Some(CodeKind::Live)) => None,
        // From when it was set: the same sheet once more sets nothing.
        (None, Some(CodeKind::Uploaded)) => had.or_else(|| Some(rules.groups.expiry(rules.now))),
        (None, None) => had,
    }
}

#[derive(Default)]
struct Counts {
    created: u64,
    updated: u64,
    unchanged: u64,
    removed: u64,
}

impl Counts {
    fn merged(self, entries: Entries, changes: Vec<Change>) -> Merged {
        let Self { created, updated, unchanged, removed } = self;
        Merged { entries, changes, created, updated, unchanged, removed }
    }
}

struct Joined<T> {
    all: Vec<T>,
    /// Ids of what changed or went.
    changed: Vec<String>,
    counts: Counts,
}

type Make<'a, T> = &'a dyn Fn(&OwnedRow, Option<&T>, &mut Vec<Problem>) -> Option<T>;

fn join<T: PartialEq>(
    mut all: Vec<T>,
    sheet: &OwnedRows<'_>,
    id: &dyn Fn(&T) -> String,
    make: Make<'_, T>,
    problems: &mut Vec<Problem>,
) -> Joined<T> {
    let mut places: HashMap<String, usize> = all.iter().enumerate().map(|(place, it)| (id(it), place)).collect();
    let mut named = HashSet::new();
    let (mut changed, mut counts) = (Vec::new(), Counts::default());
    for row in &sheet.rows {
        if !named.insert(row.id.clone()) {
            let problem = Problem::new(code::DUPLICATE_ID, format!("the id {} stands twice", row.id));
            problems.push(problem.in_row(row.row).in_column("id", &row.id));
            continue;
        }
        let place = places.get(&row.id).copied();
        let before = place.and_then(|it| all.get(it));
        let known = before.filter(|_| sheet.mode == Mode::Merge);
        let Some(entry) = make(row, known, problems) else { continue };
        if before == Some(&entry) {
            counts.unchanged += 1;
            continue;
        }
        changed.push(row.id.clone());
        if let Some(slot) = place.and_then(|it| all.get_mut(it)) {
            counts.updated += 1;
            *slot = entry;
        } else {
            counts.created += 1;
            places.insert(row.id.clone(), all.len());
            all.push(entry);
        }
    }
    if sheet.mode == Mode::Replace {
        for gone in all.extract_if(.., |it| !named.contains(&id(it))) {
            counts.removed += 1;
            changed.push(id(&gone));
        }
    }
    Joined { all, changed, counts }
}
