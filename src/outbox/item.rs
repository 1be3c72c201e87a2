//! What the outbox keeps, and its form on disk; not what storage makes of it.

use crate::funnel::StepRecord;
use crate::tag::TagRecord;
use crate::time::Timestamp;

/// The mark of a tag record in the column `kind`.
const KIND_TAG: i64 = 1;
/// The mark of a step in the column `kind`.
const KIND_STEP: i64 = 2;

/// One thing to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// What is remembered of a visit.
    Tag(TagRecord),
    /// A step that the page saw.
    Step(StepRecord),
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
        Ok(match item {
            Item::Tag(record) => Self {
                kind: KIND_TAG,
                at_ms: Timestamp::from_unix_ms(record.revision / 1_000).unix_ms(),
                body: serde_json::to_vec(record)?,
            },
            Item::Step(record) => {
                Self { kind: KIND_STEP, at_ms: record.at.unix_ms(), body: serde_json::to_vec(record)? }
            }
        })
    }
}

/// Reads an item back; the error is the cause to be kept beside an item that is set aside.
pub(super) fn read(kind: i64, body: &[u8]) -> Result<Item, String> {
    match kind {
        KIND_TAG => serde_json::from_slice(body).map(Item::Tag).map_err(|cause| cause.to_string()),
        KIND_STEP => serde_json::from_slice(body).map(Item::Step).map_err(|cause| cause.to_string()),
        other => Err(format!("kind {other} is not known")),
    }
}
