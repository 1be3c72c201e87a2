//! How full groups are, between storage and the disk of this instance: kept while storage says so, put back when it has lost it.

use crate::id::GroupId;
use crate::outbox::{Kept, KeptHead, OutboxError};
use crate::storage::{HeadCount, Storage};
use crate::time::Timestamp;

use super::DeliverError;

/// Groups that are read and put back at a time.
const PAGE: u32 = 500;

/// Puts back what is kept of groups, before visits are delivered again. Blocks.
///
/// # Errors
/// Storage's or the disk's; doing it again is harmless.
pub(super) fn put_back(storage: &dyn Storage, kept: &Kept) -> Result<(), DeliverError> {
    each_page(kept, &mut |heads| Ok(storage.raise_heads(&heads)?))
}

/// Hands over what is kept of groups, page by page. Seats that were held and those that were given back are not told apart.
///
/// # Errors
/// The disk's, and those of `each`.
pub(in crate::app) fn each_page(
    kept: &Kept,
    each: &mut dyn FnMut(Vec<(GroupId, HeadCount)>) -> Result<(), DeliverError>,
) -> Result<(), DeliverError> {
    let mut after: Option<GroupId> = None;
    loop {
        let page = kept.heads(after.as_ref(), PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        let count =
            |it: KeptHead| HeadCount { members: it.members, confirmed: it.joined, held: 0, given_back: it.seats };
        each(page.into_iter().map(|(group, it)| (group, count(it))).collect())?;
    }
}

/// Keeps what storage says of groups. Blocks on the disk.
///
/// # Errors
/// The disk's.
pub(in crate::app) fn keep(
    kept: &Kept,
    groups: &[GroupId],
    counts: &[HeadCount],
    now: Timestamp,
) -> Result<(), OutboxError> {
    let head = |it: &HeadCount| KeptHead {
        members: it.members,
        joined: it.confirmed,
        seats: it.held.saturating_add(it.given_back),
    };
    let heads: Vec<_> = groups.iter().cloned().zip(counts.iter().map(head)).collect();
    kept.keep_heads(&heads, now)
}
