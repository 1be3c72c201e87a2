//! Stores as operators see them: all of them, with what looks wrong about each; and the changes of one store.

use std::cmp::Ordering;

use super::edit::{Deed, EditError, NewEntry};
use crate::catalog::draft::read_row;
use crate::catalog::suspicion::{TOO_CLOSE_M, suspicions};
use crate::catalog::{
    Catalog, Cells, Change, Found, Mapping, Problem, SheetRules, StoreFilter, StoreRow, misplaced_rows,
};
use crate::group::GroupDefaults;
use crate::id::StoreId;
use crate::store::{Store, StoreStatus, Zone};
use crate::time::Timestamp;

/// A zone that nobody knows; in a sheet that is a warning, here it is a field of its own.
const TIMEZONE_UNKNOWN: &str = crate::catalog::code::TIMEZONE_UNKNOWN;

/// By what a list of stores is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreSort {
    /// The best match first, then the smaller id.
    #[default]
    Match,
    /// By id.
    Id,
    /// By name.
    Name,
    /// By province and city.
    City,
    /// Active ones first.
    Status,
}

impl StoreSort {
    /// Reads `match`, `id`, `name`, `city` or `status`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "match" => Some(Self::Match),
            "id" => Some(Self::Id),
            "name" => Some(Self::Name),
            "city" => Some(Self::City),
            "status" => Some(Self::Status),
            _ => None,
        }
    }
}

/// Which stores are listed, and how.
#[derive(Debug, Clone, Default)]
pub struct StoreQuery {
    /// Words, city, status.
    pub filter: StoreFilter,
    /// Their order.
    pub sort: StoreSort,
    /// The other way round.
    pub is_descending: bool,
    /// Only those that need a person.
    pub is_doubtful: bool,
    /// Stores before the page.
    pub skip: usize,
    /// Stores on the page.
    pub limit: usize,
}

/// Lists stores, whatever their status.
#[must_use]
pub fn list_stores(catalog: &Catalog, query: &StoreQuery, now: Timestamp) -> Found {
    if query.sort == StoreSort::Match && !query.is_descending && !query.is_doubtful {
        return catalog.search(&query.filter, query.skip, query.limit);
    }
    let mut keys = catalog.search(&query.filter, 0, usize::MAX).keys;
    if query.is_doubtful {
        keys.retain(|key| catalog.store(*key).is_some_and(|it| is_doubtful(catalog, *key, it, now)));
    }
    if query.sort != StoreSort::Match {
        keys.sort_unstable_by(|a, b| order(catalog, query.sort, *a, *b).then(a.cmp(b)));
    }
    if query.is_descending {
        keys.reverse();
    }
    Found { total: keys.len(), keys: keys.into_iter().skip(query.skip).take(query.limit).collect() }
}

fn order(catalog: &Catalog, by: StoreSort, a: u32, b: u32) -> Ordering {
    let (Some(a), Some(b)) = (catalog.store(a), catalog.store(b)) else { return Ordering::Equal };
    let place = |it: &Store| match it.status {
        StoreStatus::Active => 0,
        StoreStatus::Paused => 1,
        StoreStatus::Closed => 2,
    };
    match by {
        StoreSort::Match | StoreSort::Id => Ordering::Equal,
        StoreSort::Name => a.name.cmp(&b.name),
        StoreSort::City => (&a.province, &a.city, &a.district).cmp(&(&b.province, &b.city, &b.district)),
        StoreSort::Status => place(a).cmp(&place(b)),
    }
}

/// Whether a person should look at a store.
fn is_doubtful(catalog: &Catalog, key: u32, store: &Store, now: Timestamp) -> bool {
    let needs_code = store.status == StoreStatus::Active && !has_usable_code(catalog, key, now);
    needs_code || !doubts_of(catalog, store).is_empty()
}

/// Whether a store has a group chat or a contact that may be shown at this moment.
#[must_use]
pub fn has_usable_code(catalog: &Catalog, key: u32, now: Timestamp) -> bool {
    catalog.groups_of(key).any(|(_, it)| it.is_offered(now))
        || catalog.contacts_of(key).any(|(_, it)| it.code.is_usable(now))
}

/// What is suspicious about the place of a store, whether it is published or about to be: by field, in the words of the sheet.
#[must_use]
pub fn doubts_of(catalog: &Catalog, store: &Store) -> Vec<Problem> {
    let row = StoreRow { row: 0, store: store.clone(), group: None, contact: None };
    let rows = std::slice::from_ref(&row);
    let published = catalog.store_key(&store.id);
    let before = |_: &StoreId| published.and_then(|key| catalog.position(key));
    let mut doubts = suspicions(rows, before);
    doubts.extend(misplaced_rows(rows, catalog.regions()));
    let at = store.at.position();
    let near = catalog.nearest().nearest_one(at, Some(TOO_CLOSE_M), |key| Some(key) != published);
    if let Some(other) = near.and_then(|it| catalog.store(it.key)) {
        let message = format!("{} ({}) stands within {TOO_CLOSE_M} m", other.id, other.name);
        doubts.push(Problem::new(crate::catalog::code::TOO_CLOSE, message).in_column("lat", store.id.as_str()));
    }
    doubts.into_iter().map(|it| Problem { row: None, ..it }).collect()
}

/// Reads a store out of cells as a row of a sheet is read, with the same checks and the same words.
///
/// # Errors
/// All problems, by field.
pub fn read_store(cells: &Cells<'_>, zone: &Zone, now: Timestamp) -> Result<Store, Vec<Problem>> {
    let rules = SheetRules {
        datum: None,
        link_hosts: &[],
        zone: zone.clone(),
        mapping: Mapping::default(),
        groups: GroupDefaults::default(),
        now,
    };
    let mut warnings = Vec::new();
    let row = read_row(0, cells, &rules, &mut warnings);
    let (store, mut problems) = match row {
        Ok(row) => (Some(row.store), Vec::new()),
        Err(problems) => (None, problems),
    };
    problems.extend(warnings.into_iter().filter(|it| it.code == TIMEZONE_UNKNOWN));
    match store {
        Some(store) if problems.is_empty() => Ok(store),
        _ => Err(problems.into_iter().map(|it| Problem { row: None, ..it }).collect()),
    }
}

/// The change that puts a store beside the others or in place of itself.
#[must_use]
pub fn put_store(before: Option<&Store>, store: Store) -> (Vec<NewEntry>, Deed) {
    let deed = Deed {
        action: if before.is_some() { "store.update" } else { "store.create" },
        target: store.id.to_string(),
        before: before.map(stored),
        after: Some(stored(&store)),
    };
    let entries = if before == Some(&store) { Vec::new() } else { vec![NewEntry::Store(Box::new(store))] };
    (entries, deed)
}

/// The change that removes a store; with what belongs to it only if that is wanted.
///
/// # Errors
/// [`EditError::InUse`] if something belongs to it, and nobody said that it goes as well.
pub fn remove_store(catalog: &Catalog, store: &Store, with_groups: bool) -> Result<(Vec<NewEntry>, Deed), EditError> {
    let key = catalog.store_key(&store.id).unwrap_or(u32::MAX);
    let groups = catalog.groups_of(key).map(|(_, it)| Change::Group(it.id.clone()));
    let contacts = catalog.contacts_of(key).map(|(_, it)| Change::Contact(it.id.clone()));
    let area = catalog.service_areas().of(&store.id).map(|it| Change::ServiceArea(it.store.clone()));
    let owned: Vec<Change> = groups.chain(contacts).chain(area).collect();
    if !owned.is_empty() && !with_groups {
        let count = |is: fn(&Change) -> bool| owned.iter().filter(|it| is(it)).count();
        let message = format!(
            "store {} has {} groups, {} contacts and {} service areas; say with_groups=true to remove them too, or pause the store",
            store.id,
            count(|it| matches!(it, Change::Group(_))),
            count(|it| matches!(it, Change::Contact(_))),
            count(|it| matches!(it, Change::ServiceArea(_))),
        );
        return Err(EditError::InUse(message));
    }
    let deed = Deed { action: "store.delete", target: store.id.to_string(), before: Some(stored(store)), after: None };
    let gone = owned.into_iter().chain([Change::Store(store.id.clone())]);
    Ok((gone.map(NewEntry::Gone).collect(), deed))
}

/// A store as storage keeps it; entity tags are made of it.
#[must_use]
pub fn stored(store: &Store) -> String {
    super::publish::json(store)
}
