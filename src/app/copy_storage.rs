//! Moves everything from one storage to another: resumable, and counted on both sides at the end.
//!
//! Every step of it can be repeated, so a copy that broke off goes on where its mark in the target says, and nothing is there twice.
//! What somebody writes to the source meanwhile may be missed; the count at the end tells.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::copy_count::{CopyCount, count, filled};
use crate::consent::ConsentRecord;
use crate::storage::{Change, Part, Piece, SeatRules, Storage, StorageError, TagFilter, VersionInfo};
use crate::time::Timestamp;

/// Versions that are read at a time.
const VERSIONS_MAX: usize = 1_000;
/// Records that are read and delivered at a time.
const RECORDS_MAX: usize = 1_000;
/// Pieces that are put in place at a time.
const PIECES_MAX: usize = 500;

/// Why nothing, or not everything, was copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// The source cannot be read.
    #[error("the storage to copy from cannot be read")]
    From(#[source] StorageError),
    /// The target cannot be read or written.
    #[error("the storage to copy to cannot be read or written")]
    To(#[source] StorageError),
    /// The target is in use.
    #[error("the storage to copy to is not empty: it holds {}", .0.join(", "))]
    NotEmpty(Vec<&'static str>),
    /// The target holds a part of another source.
    #[error("the storage to copy to holds an unfinished copy of {0}; empty it first")]
    OtherCopy(String),
    /// The source is itself a target.
    #[error("the storage to copy from holds an unfinished copy of {0}")]
    Unfinished(String),
    /// The source has nothing.
    #[error("the storage to copy from is empty")]
    Nothing,
}

/// What is copied, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyStage {
    /// Versions of the catalog.
    Catalog,
    /// Tag records and their steps.
    Records,
    /// Consents.
    Consents,
    /// What is copied as it lies.
    Part(Part),
    /// Counting both sides.
    Counting,
}

impl CopyStage {
    /// What it is, in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Records => "records",
            Self::Consents => "consents",
            Self::Part(part) => part.as_str(),
            Self::Counting => "counting",
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        [Self::Catalog, Self::Records, Self::Consents].into_iter().chain(Part::ALL.map(Self::Part))
    }
}

/// How far a copy is, kept in the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// The source, without its password.
    from: String,
    /// Stages that are done.
    done: usize,
    /// Of the stage that is not: the records of visits of before this moment are there.
    before: Option<Timestamp>,
}

/// Told of progress: the stage, how much of it is done and of how much (0 where that is not known).
pub type OnCopy<'a> = &'a mut dyn FnMut(CopyStage, u64, u64);

/// A copy of one storage to another.
pub struct StorageCopy<'a> {
    /// From where.
    pub from: &'a dyn Storage,
    /// Its name for the mark, without a password.
    pub from_name: &'a str,
    /// To where.
    pub to: &'a dyn Storage,
    /// How long seats are remembered.
    pub rules: SeatRules,
}

impl StorageCopy<'_> {
    /// Copies everything, or what is left of a copy that broke off, and counts both sides.
    ///
    /// Where they differ the copy is not done: the next run goes through everything again.
    ///
    /// # Errors
    /// [`CopyError`]; what was copied until then stays, and the next run goes on there.
    pub fn run(&self, on: OnCopy<'_>) -> Result<Vec<CopyCount>, CopyError> {
        let mut mark = self.begin()?;
        for (at, stage) in CopyStage::all().enumerate().skip(mark.done) {
            on(stage, 0, 0);
            match stage {
                CopyStage::Catalog => self.catalog(on)?,
                CopyStage::Records => self.records(&mut mark, on)?,
                CopyStage::Consents => self.consents(on)?,
                CopyStage::Part(part) => self.part(part, on)?,
                CopyStage::Counting => {}
            }
            mark = Mark { done: at + 1, before: None, ..mark };
            self.note(&mark)?;
        }
        on(CopyStage::Counting, 0, 0);
        let counts = self.count()?;
        if counts.iter().all(CopyCount::is_same) {
            self.to.set_copy_mark(None).map_err(CopyError::To)?;
        } else {
            self.note(&Mark { done: 0, ..mark })?;
        }
        Ok(counts)
    }

    fn begin(&self) -> Result<Mark, CopyError> {
        if let Some(mark) = self.from.copy_mark().map_err(CopyError::From)? {
            return Err(CopyError::Unfinished(source(&mark)));
        }
        if let Some(text) = self.to.copy_mark().map_err(CopyError::To)? {
            return match serde_json::from_str::<Mark>(&text) {
                Ok(mark) if mark.from == self.from_name => Ok(mark),
                Ok(_) | Err(_) => Err(CopyError::OtherCopy(source(&text))),
            };
        }
        if filled(self.from).map_err(CopyError::From)?.is_empty() {
            return Err(CopyError::Nothing);
        }
        let filled = filled(self.to).map_err(CopyError::To)?;
        if !filled.is_empty() {
            return Err(CopyError::NotEmpty(filled));
        }
        let mark = Mark { from: self.from_name.to_owned(), done: 0, before: None };
        self.note(&mark)?;
        Ok(mark)
    }

    fn note(&self, mark: &Mark) -> Result<(), CopyError> {
        let text = serde_json::to_string(mark).expect("texts and numbers are JSON");
        self.to.set_copy_mark(Some(&text)).map_err(CopyError::To)
    }

    /// Version by version, so that history, diffs and roll back stay.
    fn catalog(&self, on: OnCopy<'_>) -> Result<(), CopyError> {
        let last = self.from.current_version().map_err(CopyError::From)?;
        let done = self.to.current_version().map_err(CopyError::To)?;
        let mut before = 0;
        for info in self.versions()? {
            // Numbers may be missing: a catalog that was put back begins above every number given out.
            let version = info.version;
            if version > done {
                let mut changes = Vec::new();
                self.from
                    .diff(before, version, &mut |kind, id, _was, body| {
                        changes.push(Change { kind, id: id.to_owned(), body: body.map(str::to_owned) });
                    })
                    .map_err(CopyError::From)?;
                let changes = &mut changes.into_iter();
                let published = if version == before + 1 {
                    self.to.publish(before, &info.info, changes)
                } else {
                    self.to.put_back(before, version, &info.info, changes)
                };
                published.map_err(CopyError::To)?;
                on(CopyStage::Catalog, version, last);
            }
            before = version;
        }
        Ok(())
    }

    /// All versions of the source, the first one first.
    fn versions(&self) -> Result<Vec<VersionInfo>, CopyError> {
        let mut versions: Vec<VersionInfo> = Vec::new();
        loop {
            let before = versions.last().map(|it| it.version);
            let page = self.from.versions(before, VERSIONS_MAX).map_err(CopyError::From)?;
            if page.is_empty() {
                versions.reverse();
                return Ok(versions);
            }
            versions.extend(page);
        }
    }

    /// In the order of time, with the steps of the same visits.
    fn records(&self, mark: &mut Mark, on: OnCopy<'_>) -> Result<(), CopyError> {
        let all = TagFilter { from: mark.before, ..TagFilter::default() };
        let total = self.from.count_tags(&all).map_err(CopyError::From)?;
        let mut done: u64 = 0;
        loop {
            let mut tags = Vec::with_capacity(RECORDS_MAX);
            let rest = TagFilter { from: mark.before, ..TagFilter::default() };
            let mut last = None;
            let each = &mut |record: crate::tag::TagRecord| {
                // A page ends between two moments, so that the next one begins there.
                if tags.len() >= RECORDS_MAX && last != Some(record.at) {
                    return ControlFlow::Break(());
                }
                last = Some(record.at);
                tags.push(record);
                ControlFlow::Continue(())
            };
            self.from.each_tag(&rest, each).map_err(CopyError::From)?;
            let Some(last) = last else { return Ok(()) };
            let end = Timestamp::from_unix_ms(last.unix_ms().saturating_add(1));
            let mut steps = Vec::new();
            let page = TagFilter { from: tags.first().map(|it| it.at), to: Some(end), ..TagFilter::default() };
            let each = &mut |record| {
                steps.push(record);
                ControlFlow::Continue(())
            };
            self.from.each_step(&page, each).map_err(CopyError::From)?;
            self.to.deliver(&[], &tags, &steps).map_err(CopyError::To)?;
            mark.before = Some(end);
            self.note(mark)?;
            done += u64::try_from(tags.len()).unwrap_or(u64::MAX);
            on(CopyStage::Records, done, total);
        }
    }

    fn consents(&self, on: OnCopy<'_>) -> Result<(), CopyError> {
        let mut done = 0;
        in_pages(&mut |each| self.from.each_consent(&mut |it| each(it)), &mut |page| {
            let twice = page.iter().flat_map(|it| [it.first_at, it.last_at].map(|at| (it, at)));
            let records: Vec<ConsentRecord> =
                twice.map(|(it, at)| ConsentRecord { visitor: it.visitor, notice: it.notice.clone(), at }).collect();
            self.to.deliver(&records, &[], &[])?;
            done += u64::try_from(page.len()).unwrap_or(u64::MAX);
            on(CopyStage::Consents, done, 0);
            Ok(())
        })
    }

    fn part(&self, part: Part, on: OnCopy<'_>) -> Result<(), CopyError> {
        let mut done = 0;
        in_pages(&mut |each| self.from.copy_out(part, &mut |it: Piece| each(it)), &mut |page| {
            self.to.copy_in(page, &self.rules)?;
            done += u64::try_from(page.len()).unwrap_or(u64::MAX);
            on(CopyStage::Part(part), done, 0);
            Ok(())
        })
    }

    fn count(&self) -> Result<Vec<CopyCount>, CopyError> {
        let from = count(self.from).map_err(CopyError::From)?;
        let to = count(self.to).map_err(CopyError::To)?;
        let counts = from.into_iter().zip(to).map(|((what, from), (_, to))| CopyCount { what, from, to });
        // A target may be made with a key although the source never needed one.
        Ok(counts.filter(|it| it.what != Part::ForgottenKey.as_str() || it.from.count > 0).collect())
    }
}

/// The source that a mark names.
fn source(mark: &str) -> String {
    serde_json::from_str::<Mark>(mark).map_or_else(|_cause| "another version of this program".to_owned(), |it| it.from)
}

/// Receives things, and says whether to go on.
type Each<'a, T> = &'a mut dyn FnMut(T) -> ControlFlow<()>;

/// Reads things from the source and puts them into the target page by page.
fn in_pages<T>(
    read: &mut dyn FnMut(Each<'_, T>) -> Result<(), StorageError>,
    put: &mut dyn FnMut(&[T]) -> Result<(), StorageError>,
) -> Result<(), CopyError> {
    let mut page = Vec::with_capacity(PIECES_MAX);
    let mut failed = None;
    read(&mut |it| {
        page.push(it);
        if page.len() >= PIECES_MAX {
            if let Err(error) = put(&page) {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            page.clear();
        }
        ControlFlow::Continue(())
    })
    .map_err(CopyError::From)?;
    match failed {
        Some(error) => Err(CopyError::To(error)),
        None if page.is_empty() => Ok(()),
        None => put(&page).map_err(CopyError::To),
    }
}
