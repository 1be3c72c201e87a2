//! Tag records as operators ask for them: page by page, as a table, and all that is held about one visitor.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use std::thread;

use thiserror::Error;

use super::App;
use crate::consent::Consent;
use crate::customer::{VisitorLink, person_of};
use crate::exchange::{Cell, TAG_HEADERS, TableFormat, WriteError, tag_row, write_table};
use crate::funnel::StepRecord;
use crate::id::VisitorId;
use crate::storage::{Card, FeedEntry, SeatKept, StorageError, TagFilter};
use crate::tag::TagRecord;

/// Records between reading and writing at a time.
const RECORDS_WAITING_MAX: usize = 1_024;
/// Records of each kind that are shown of one visitor.
const OF_ONE_MAX: usize = 1_000;

/// Why a table was not written to its end.
#[derive(Debug, Error)]
pub enum ExportError {
    /// Storage does not answer.
    #[error("the records cannot be read")]
    Storage(#[from] StorageError),
    /// The table cannot be written.
    #[error("the table cannot be written")]
    Write(#[from] WriteError),
    /// The thread that reads has died.
    #[error("reading the records was broken off")]
    BrokenOff,
}

/// What is held about a visitor.
#[derive(Debug, Default)]
pub struct Held {
    /// Their visits, the latest first.
    pub tags: Vec<TagRecord>,
    /// Steps of their visits.
    pub steps: Vec<StepRecord>,
    /// What they agreed to.
    pub consents: Vec<Consent>,
    /// Their seats, by group.
    pub seats: Vec<SeatKept>,
    /// Who they are elsewhere, and what they wish.
    pub link: VisitorLink,
    /// The cards of the customers they are known to be.
    pub customers: Vec<Card>,
    /// Entries of the feed that are about them.
    pub feed: Vec<(u64, FeedEntry)>,
}

impl App {
    /// How many records pass the filter, and some of them, the latest first. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn tags(&self, filter: &TagFilter, skip: usize, limit: usize) -> Result<(u64, Vec<TagRecord>), StorageError> {
        let storage = &self.parts.storage;
        Ok((storage.count_tags(filter)?, storage.latest_tags(filter, skip, limit)?))
    }

    /// Writes all records that pass the filter; any number of them passes through little memory. Returns how many. Blocks.
    ///
    /// # Errors
    /// [`ExportError`]; then what was written is no whole table.
    pub fn export_tags(
        &self,
        filter: &TagFilter,
        format: TableFormat,
        out: &mut dyn Write,
    ) -> Result<u64, ExportError> {
        let storage = &*self.parts.storage;
        thread::scope(|scope| {
            let (send, receive) = sync_channel(RECORDS_WAITING_MAX);
            let reader = scope.spawn(move || {
                storage.each_tag(filter, &mut |record| match send.send(record) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_writer_is_gone) => ControlFlow::Break(()),
                })
            });
            let mut rows = receive.into_iter().map(|it| tag_row(&it).into_iter().map(Cell::into_owned).collect());
            let written = write_table(format, &TAG_HEADERS, &mut rows, out);
            // A reader that nobody listens to ends.
            drop(rows);
            reader.join().map_err(|_panic| ExportError::BrokenOff)??;
            Ok(written?)
        })
    }

    /// All that is held about a visitor, up to a thousand records of each kind. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn held_about(&self, visitor: VisitorId) -> Result<Held, StorageError> {
        let storage = &self.parts.storage;
        let theirs = TagFilter { visitor: Some(visitor), ..TagFilter::default() };
        let mut held = Held { tags: storage.latest_tags(&theirs, 0, OF_ONE_MAX)?, ..Held::default() };
        storage.each_step(&theirs, &mut |step| {
            held.steps.push(step);
            if held.steps.len() < OF_ONE_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        held.consents = storage.consents_of(visitor)?;
        held.consents.truncate(OF_ONE_MAX);
        held.seats = storage.seats_of(visitor)?;
        (held.link, held.customers) = self.known_as(visitor)?;
        held.feed = storage.feed_of(visitor, OF_ONE_MAX)?;
        for it in &held.customers {
            held.feed.extend(storage.feed_of(person_of(&it.id), OF_ONE_MAX)?);
        }
        held.feed.sort_unstable_by_key(|(number, _)| *number);
        held.feed.truncate(OF_ONE_MAX);
        Ok(held)
    }

    /// The visitor of a token or of a plain id, as operators have them.
    #[must_use]
    pub fn visitor_named(&self, text: &str) -> Option<VisitorId> {
        super::find_visitor(text.trim(), &self.parts.signer)
    }
}
