//! What the outbox keeps, and its form on disk; not what storage makes of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::consent::ConsentRecord;
use crate::funnel::StepRecord;
use crate::group::SeatClaim;
use crate::id::{ScanId, VisitorId};
use crate::job::Job;
use crate::tag::TagRecord;
use crate::time::Timestamp;

/// The mark of an item that was forgotten, in the column `kind`.
pub(super) const KIND_FORGOTTEN: i64 = 0;
/// The mark of a tag record.
const KIND_TAG: i64 = 1;
/// The mark of a step.
pub(super) const KIND_STEP: i64 = 2;
/// The mark of a tag record that rests on a consent.
const KIND_CONSENTED: i64 = 3;
/// The mark of a tag record with a seat that storage has not counted. A version of this program that does not know it sets such items
/// aside; they are sent again by one that does.
pub(super) const KIND_UNCONFIRMED: i64 = 4;

/// The mark of a job.
const KIND_JOB: i64 = 5;

/// One thing to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// What is remembered of a visit.
    Tag(TagRecord),
    /// What is remembered of a visit with a measured position, and the consent to its use. They are one item, so that a power cut
    /// never leaves the one without the other.
    Consented(Consented),
    /// What is remembered of a visit whose seat storage has not counted, and the claim to the seat. They are one item, so that the
    /// one never goes without the other.
    Unconfirmed(Unconfirmed),
    /// A step that the page saw.
    Step(StepRecord),
    /// Work for the world outside.
    Job(Job),
    /// An item of a visitor who was forgotten before it was delivered. It keeps its number, and nothing else.
    Forgotten,
}

/// A consent, and the record that rests on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consented {
    /// The consent; it comes first.
    pub consent: ConsentRecord,
    /// The record.
    pub record: TagRecord,
}

/// A seat that was shown while storage did not answer, and the record of its visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unconfirmed {
    /// The seat; it comes first.
    pub claim: SeatClaim,
    /// The consent that the record rests on, if it rests on one.
    pub consent: Option<ConsentRecord>,
    /// The record.
    pub record: TagRecord,
}

/// An item as it lies on disk.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) kind: i64,
    /// When it was decided or seen, for telling how old the oldest item is.
    pub(super) at_ms: i64,
    /// JSON: an item that cannot be delivered has to be read by a person, and an update of this program has to read what
    /// the version before it wrote.
    pub(super) body: Vec<u8>,
}

impl Row {
    pub(super) fn of(item: &Item) -> Result<Self, serde_json::Error> {
        let decided = |record: &TagRecord| Timestamp::from_unix_ms(record.revision / 1_000).unix_ms();
        Ok(match item {
            Item::Tag(record) => Self { kind: KIND_TAG, at_ms: decided(record), body: serde_json::to_vec(record)? },
            Item::Consented(it) => {
                Self { kind: KIND_CONSENTED, at_ms: decided(&it.record), body: serde_json::to_vec(it)? }
            }
            Item::Unconfirmed(it) => {
                Self { kind: KIND_UNCONFIRMED, at_ms: decided(&it.record), body: serde_json::to_vec(it)? }
            }
            Item::Step(record) => {
                Self { kind: KIND_STEP, at_ms: record.at.unix_ms(), body: serde_json::to_vec(record)? }
            }
            Item::Job(job) => Self { kind: KIND_JOB, at_ms: job.ready_at.unix_ms(), body: serde_json::to_vec(job)? },
            Item::Forgotten => Self { kind: KIND_FORGOTTEN, at_ms: 0, body: Vec::new() },
        })
    }
}

/// What items of a kind are of.
pub(super) fn word(kind: i64) -> Option<&'static str> {
    match kind {
        KIND_TAG | KIND_CONSENTED | KIND_UNCONFIRMED => Some("visit"),
        KIND_STEP => Some("step"),
        KIND_JOB => Some("job"),
        _ => None,
    }
}

/// Reads an item back; the error is the cause to be kept beside an item that is set aside.
pub(super) fn read(kind: i64, body: &[u8]) -> Result<Item, String> {
    let read = match kind {
        KIND_FORGOTTEN => return Ok(Item::Forgotten),
        KIND_TAG => serde_json::from_slice(body).map(Item::Tag),
        KIND_STEP => serde_json::from_slice(body).map(Item::Step),
        KIND_JOB => serde_json::from_slice(body).map(Item::Job),
        KIND_CONSENTED => serde_json::from_slice(body).map(Item::Consented),
        KIND_UNCONFIRMED => serde_json::from_slice(body).map(Item::Unconfirmed),
        other => return Err(format!("kind {other} is not known")),
    };
    read.map_err(|cause| cause.to_string())
}

/// Whose items are to be forgotten.
#[derive(Debug)]
pub(super) struct Whose {
    pub(super) visitor: VisitorId,
    /// Visits of the visitor, whose steps name no visitor.
    pub(super) scans: BTreeSet<ScanId>,
}

impl Whose {
    /// Whether an item as it lies on disk, readable or not, says anything of the visitor. Notes the visits that it finds.
    pub(super) fn holds(&mut self, kind: i64, body: &[u8]) -> bool {
        match read(kind, body) {
            Ok(
                Item::Tag(it)
                | Item::Consented(Consented { record: it, .. })
                | Item::Unconfirmed(Unconfirmed { record: it, .. }),
            ) => {
                let is_theirs = it.visitor == self.visitor;
                if is_theirs {
                    self.scans.insert(it.scan);
                }
                is_theirs
            }
            Ok(Item::Step(it)) => self.scans.contains(&it.scan),
            Ok(Item::Job(it)) => it.visitor == Some(self.visitor),
            Ok(Item::Forgotten) => false,
            Err(_unreadable) => {
                let names = |id: String| body.windows(id.len()).any(|it| it == id.as_bytes());
                names(self.visitor.to_string()) || self.scans.iter().any(|it| names(it.to_string()))
            }
        }
    }
}
