//! From a sheet to a catalog that is live: read, check, merge, publish.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Error as JsonError;
use thiserror::Error;

use super::difference::{Difference, differences};
use super::load::{BrokenEntry, load_entries, load_readable};
use crate::catalog::{
    Catalog, Change, Entries, Merge, Merged, Mode, Problem, SheetRules, StoreRow, misplaced_rows, suspicion,
};
use crate::exchange::{self, Listener};
use crate::id::{CampaignSlug, StoreId};
use crate::storage::{self, EntryKind, PublishInfo, Storage, StorageError};

/// Problems that a report lists; the rest is counted.
const PROBLEMS_MAX: usize = 100_000;

/// Why nothing was published.
#[derive(Debug, Error)]
pub enum ImportError {
    /// Storage does not answer, or somebody else published meanwhile.
    #[error("the catalog cannot be read or written")]
    Storage(#[from] StorageError),
    /// An entry in storage is no entry.
    #[error("{kind} {id} in storage cannot be read")]
    Entry {
        /// Its kind.
        kind: &'static str,
        /// Its id.
        id: String,
        /// Why.
        source: JsonError,
    },
    /// The entries make no catalog.
    #[error("the entries make no catalog: {}", .0.iter().map(|it| it.message.as_str()).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
}

/// What an import did, row by row where it matters.
#[derive(Debug, Clone, Default, Serialize, schemars::JsonSchema)]
pub struct ImportReport {
    /// Rows of the sheet that were not blank, or features of the map.
    pub rows: u64,
    /// Stores (campaigns, regions) that were not there before.
    pub created: u64,
    /// Those that changed.
    pub updated: u64,
    /// Those that stay as they were.
    pub unchanged: u64,
    /// Those that went.
    pub removed: u64,
    /// Rows that were refused.
    pub rejected: u64,
    /// The version in which all good rows are live: a new one, or the current one if they changed nothing. None if nothing was published.
    pub version: Option<u64>,
    /// Everything wrong, at most 100,000 entries.
    pub problems: Vec<Problem>,
    /// Everything suspicious, at most 100,000 entries.
    pub warnings: Vec<Problem>,
    /// Problems and warnings beyond the lists above.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlisted: u64,
    /// Of a dry run within a service: what would change, at most [`super::DIFFERENCES_MAX`] entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl ImportReport {
    pub(super) fn problem(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX { self.problems.push(problem) } else { self.unlisted += 1 }
    }

    /// Whether refused rows stop the import.
    pub(super) fn stops(&mut self, options: ImportOptions) -> bool {
        if self.rejected > 0 && options.skip_bad_rows && options.mode == Mode::Replace {
            let message = "replacing with some rows refused would remove what they name; correct the rows, or merge";
            self.problem(Problem::new("replace_needs_every_row", message));
            return true;
        }
        self.rejected > 0 && !options.skip_bad_rows
    }

    fn warning(&mut self, warning: Problem) {
        if self.warnings.len() < PROBLEMS_MAX { self.warnings.push(warning) } else { self.unlisted += 1 }
    }
}

/// How a sheet is to be taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// What happens to stores that the sheet does not name.
    pub mode: Mode,
    /// Report, and change nothing.
    pub dry_run: bool,
    /// Publish the good rows although others are refused.
    pub skip_bad_rows: bool,
}

/// How an import ends.
pub(super) struct End {
    /// Nothing is published.
    pub(super) stops: bool,
    /// In which rows the entries stand, by their ids.
    pub(super) places: HashMap<String, u64>,
}

fn places(rows: &[StoreRow]) -> HashMap<String, u64> {
    rows.iter().map(|it| (it.store.id.to_string(), it.row)).collect()
}

fn entries_of(catalog: &Catalog) -> Entries {
    Entries {
        stores: catalog.stores().to_vec(),
        groups: catalog.groups().to_vec(),
        contacts: catalog.contacts().to_vec(),
        campaigns: catalog.campaigns().cloned().collect(),
        regions: Arc::clone(catalog.regions()),
        service_areas: Arc::clone(catalog.service_areas()),
    }
}

/// Imports into a storage.
pub struct Importer<'a> {
    pub(super) storage: &'a dyn Storage,
    info: PublishInfo,
    /// The catalog that is live, in place of reading it from storage again.
    held: Option<&'a Catalog>,
    /// What was published last.
    published: RefCell<Option<Catalog>>,
}

impl<'a> Importer<'a> {
    /// An importer whose publications bear this information.
    #[must_use]
    pub fn new(storage: &'a dyn Storage, info: PublishInfo) -> Self {
        Self { storage, info, held: None, published: RefCell::new(None) }
    }

    /// The same importer, which compares with a catalog that is held already, if that is the current one.
    #[must_use]
    pub(super) fn comparing_with(self, held: &'a Catalog) -> Self {
        Self { held: Some(held), ..self }
    }

    /// The catalog that was published last, to make it live.
    pub(super) fn take_published(&self) -> Option<Catalog> {
        self.published.take()
    }

    /// The catalog that is held, if it is of this version.
    fn held_at(&self, version: u64) -> Option<&'a Catalog> {
        self.held.filter(|it| it.version() == version && version > 0)
    }

    /// All entries of the current version.
    pub(super) fn entries(&self, version: u64) -> Result<Entries, ImportError> {
        match self.held_at(version) {
            Some(held) => Ok(entries_of(held)),
            None => load_entries(self.storage, version),
        }
    }

    /// Reads a sheet of stores and publishes it; the report says everything. Blocks.
    ///
    /// # Errors
    /// [`ImportError`] if storage fails; what is wrong with the sheet stands in the report.
    pub fn stores(
        &self,
        bytes: &[u8],
        file_name: &str,
        rules: &SheetRules<'_>,
        options: ImportOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<ImportReport, ImportError> {
        let mut report = ImportReport::default();
        let mut rows: Vec<StoreRow> = Vec::new();
        let read = {
            let mut each = |row: Result<StoreRow, Vec<Problem>>, warnings: Vec<Problem>| {
                match row {
                    Ok(row) => rows.push(row),
                    Err(problems) => {
                        report.rejected += 1;
                        for it in problems {
                            report.problem(it);
                        }
                    }
                }
                for it in warnings {
                    report.warning(it);
                }
            };
            exchange::read_stores(bytes, file_name, rules, &mut Listener { each: &mut each, progress })
        };
        let summary = match read {
            Ok(summary) => summary,
            Err(problems) => {
                return Ok(ImportReport { problems, ..ImportReport::default() });
            }
        };
        report.rows = summary.rows;
        for it in summary.warnings {
            report.warning(it);
        }
        for duplicate in suspicion::take_duplicates(&mut rows) {
            report.rejected += 1;
            report.problem(duplicate);
        }
        let version = self.storage.current_version()?;
        // Replacing is also the way out of a catalog that cannot be read.
        let (mut entries, broken) = match options.mode {
            _ if self.held_at(version).is_some() => (self.entries(version)?, Vec::new()),
            Mode::Merge => (load_entries(self.storage, version)?, Vec::new()),
            Mode::Replace => load_readable(self.storage, version, None)?,
        };
        entries.stores.sort_by(|a, b| a.id.cmp(&b.id));
        let previous = |id: &StoreId| {
            let place = entries.stores.binary_search_by(|it| it.id.cmp(id)).ok()?;
            entries.stores.get(place).map(|it| it.at.position())
        };
        for it in suspicion::suspicions(&rows, previous).into_iter().chain(misplaced_rows(&rows, &entries.regions)) {
            report.warning(it);
        }
        let stops = report.stops(options);
        let has = |column: &str| summary.columns.iter().any(|(name, header)| *name == column || header == column);
        let columns: Option<&dyn Fn(&str) -> bool> = if summary.columns.is_empty() { None } else { Some(&has) };
        let places = if options.dry_run { places(&rows) } else { HashMap::new() };
        let merged = Merge::new(entries, options.mode, columns).stores(rows);
        self.finish(version, merged, &broken, report, &End { stops: options.dry_run || stops, places })
    }

    /// Where this imports to.
    pub(super) fn storage(&self) -> &'a dyn Storage {
        self.storage
    }

    /// Merges campaigns and publishes them. Blocks.
    ///
    /// # Errors
    /// [`ImportError`] if storage fails; what is wrong with the campaigns stands in the report.
    pub fn campaigns(
        &self,
        rows: Vec<crate::catalog::CampaignRow>,
        dry_run: bool,
    ) -> Result<ImportReport, ImportError> {
        let report = ImportReport { rows: u64::try_from(rows.len()).unwrap_or(u64::MAX), ..ImportReport::default() };
        let version = self.storage.current_version()?;
        let entries = load_entries(self.storage, version)?;
        let slugs: Vec<CampaignSlug> = rows.iter().map(|it| it.campaign.slug.clone()).collect();
        let merged = Merge::new(entries, Mode::Merge, None)
            .campaigns(rows.into_iter().map(|it| (it.campaign, it.group)).collect());
        let mut report = self.finish(version, merged, &[], report, &End { stops: dry_run, places: HashMap::new() })?;
        for problem in &mut report.problems {
            // A problem of the whole catalog that concerns a campaign of the file stands in that campaign's place.
            let of = problem.campaign.as_ref().and_then(|slug| slugs.iter().position(|it| it == slug));
            problem.row = problem.row.or(of.and_then(|it| u64::try_from(it + 1).ok()));
        }
        Ok(report)
    }

    pub(super) fn finish(
        &self,
        version: u64,
        merged: Merged,
        broken: &[BrokenEntry],
        mut report: ImportReport,
        end: &End,
    ) -> Result<ImportReport, ImportError> {
        let Merged { entries, changes, created, updated, unchanged, removed } = merged;
        (report.created, report.updated, report.unchanged, report.removed) = (created, updated, unchanged, removed);
        match Catalog::build(version + 1, entries) {
            Err(problems) => {
                for it in problems {
                    report.problem(it);
                }
                Ok(report)
            }
            Ok(catalog) if end.stops => {
                if let Some(held) = self.held {
                    report.differences = differences(held, &catalog, &changes, &end.places);
                }
                Ok(report)
            }
            Ok(_) if changes.is_empty() && broken.is_empty() && version > 0 => {
                // Where every row was refused, nothing of the input is live.
                let version = (report.rejected == 0 || unchanged > 0).then_some(version);
                Ok(ImportReport { version, ..report })
            }
            Ok(catalog) => {
                // Of two changes of one entry the later one stands.
                let removed = broken.iter().map(|it| stored(it.kind, &it.id, None));
                let mut changes = removed.chain(bodies(&catalog, &changes));
                report.version = Some(self.storage.publish(version, &self.info, &mut changes)?);
                drop(changes);
                self.published.replace(Some(catalog));
                Ok(report)
            }
        }
    }
}

/// The changes as storage takes them: the new value of each entry, or none for those that went. One body is in memory at a time.
pub(super) fn bodies<'a>(catalog: &'a Catalog, changes: &'a [Change]) -> impl Iterator<Item = storage::Change> + 'a {
    let mut gone: HashSet<Change> = changes.iter().filter(|it| !matches!(it, Change::Store(_))).cloned().collect();
    let mut alive = HashSet::new();
    let mut living = |change: Change| {
        if let Some(change) = gone.take(&change) {
            alive.insert(change);
        }
    };
    catalog.groups().iter().for_each(|it| living(Change::Group(it.id.clone())));
    catalog.contacts().iter().for_each(|it| living(Change::Contact(it.id.clone())));
    catalog.campaigns().for_each(|it| living(Change::Campaign(it.slug.clone())));
    catalog.regions().regions().iter().for_each(|it| living(Change::Region(it.code.clone())));
    catalog.service_areas().areas().iter().for_each(|it| living(Change::ServiceArea(it.store.clone())));
    let alive = Rc::new(alive);
    let (of_contacts, of_campaigns) = (Rc::clone(&alive), Rc::clone(&alive));
    let (of_regions, of_areas) = (Rc::clone(&alive), Rc::clone(&alive));
    let stores = changes.iter().filter_map(|change| {
        let Change::Store(id) = change else { return None };
        let body = catalog.store_key(id).and_then(|key| catalog.store(key)).map(json);
        Some(stored(EntryKind::Store, id, body))
    });
    let groups = catalog.groups().iter().filter(move |it| alive.contains(&Change::Group(it.id.clone())));
    let contacts = catalog.contacts().iter().filter(move |it| of_contacts.contains(&Change::Contact(it.id.clone())));
    let campaigns = catalog.campaigns().filter(move |it| of_campaigns.contains(&Change::Campaign(it.slug.clone())));
    let regions =
        catalog.regions().regions().iter().filter(move |it| of_regions.contains(&Change::Region(it.code.clone())));
    let areas = catalog.service_areas().areas().iter();
    let areas = areas.filter(move |it| of_areas.contains(&Change::ServiceArea(it.store.clone())));
    let gone = gone.into_iter().map(|it| self::gone(&it));
    stores
        .chain(groups.map(|it| stored(EntryKind::Group, &it.id, Some(json(it)))))
        .chain(contacts.map(|it| stored(EntryKind::Contact, &it.id, Some(json(it)))))
        .chain(campaigns.map(|it| stored(EntryKind::Campaign, &it.slug, Some(json(it)))))
        .chain(regions.map(|it| stored(EntryKind::Region, &it.code, Some(json(it)))))
        .chain(areas.map(|it| stored(EntryKind::ServiceArea, &it.store, Some(json(it)))))
        .chain(gone)
}

/// The removal of an entry.
pub(super) fn gone(change: &Change) -> storage::Change {
    match change {
        Change::Region(code) => stored(EntryKind::Region, code, None),
        Change::ServiceArea(id) => stored(EntryKind::ServiceArea, id, None),
        Change::Store(id) => stored(EntryKind::Store, id, None),
        Change::Group(id) => stored(EntryKind::Group, id, None),
        Change::Contact(id) => stored(EntryKind::Contact, id, None),
        Change::Campaign(slug) => stored(EntryKind::Campaign, slug, None),
    }
}

pub(super) fn stored(kind: EntryKind, id: &impl ToString, body: Option<String>) -> storage::Change {
    storage::Change { kind, id: id.to_string(), body }
}

pub(super) fn json<T: Serialize>(noun: &T) -> String {
    serde_json::to_string(noun).expect("nouns have text keys and finite numbers, which JSON can hold")
}
