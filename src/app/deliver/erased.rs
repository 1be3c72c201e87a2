//! The marks of the forgotten, on the disk of every instance: so that a storage that has lost them gets them back before any record.
//!
//! A mark names nobody: it is made of an id with a key that lies beside it, and a storage that has the key knows it again.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::app::ForgetError;
use crate::outbox::{Forgotten, Kept};
use crate::storage::{FORGOTTEN_DAYS, Part, Piece, SeatRules, Storage, StorageError};
use crate::time::Timestamp;

/// Marks that are put back at a time.
const MARKS_MAX: usize = 500;
const DAY_MS: i64 = 86_400_000;

/// Puts back the marks that storage has lost, and keeps those that it has. Blocks.
///
/// # Errors
/// Storage's or the disk's; doing it again is harmless.
pub(in crate::app) fn align(storage: &dyn Storage, kept: &Kept, now: Timestamp) -> Result<(), ForgetError> {
    let (there, before) = restore(storage, kept, now)?;
    kept.keep_forgotten(&there, before)?;
    Ok(())
}

/// Puts back the marks that storage has lost. Returns those that it has, and the moment before which a mark is too old to be kept.
/// Blocks; writes nothing here.
///
/// # Errors
/// As [`align`].
pub(super) fn restore(
    storage: &dyn Storage,
    kept: &Kept,
    now: Timestamp,
) -> Result<(Forgotten, Timestamp), ForgetError> {
    let mut there = read(storage)?;
    let here = kept.forgotten()?;
    let before = now.plus_ms(-FORGOTTEN_DAYS * DAY_MS);
    if here.key.is_some() {
        // Another key was made by somebody who found storage empty; marks that were made with it since say nothing any more.
        let is_other = here.key != there.key;
        let known: HashMap<_, _> = there.marks.iter().copied().collect();
        let lost = here
            .marks
            .iter()
            .filter(|(mark, at)| *at >= before && (is_other || known.get(mark).is_none_or(|known| known < at)));
        let lost: Vec<_> = lost.map(|(mark, at)| Piece::Forgotten(*mark, *at)).collect();
        if let Some(key) = here.key.filter(|_| is_other) {
            storage.copy_in(&[Piece::ForgottenKey(key)], &SeatRules::default())?;
            there.key = Some(key);
        }
        for some in lost.chunks(MARKS_MAX) {
            storage.copy_in(some, &SeatRules::default())?;
        }
    }
    Ok((there, before))
}

fn read(storage: &dyn Storage) -> Result<Forgotten, StorageError> {
    let mut found = Forgotten::default();
    for part in [Part::ForgottenKey, Part::Forgotten] {
        storage.copy_out(part, &mut |piece| {
            match piece {
                Piece::ForgottenKey(key) => found.key = Some(key),
                Piece::Forgotten(mark, at) => found.marks.push((mark, at)),
                Piece::Secret(_)
                | Piece::Kept(..)
                | Piece::EarlyStep(_)
                | Piece::Head(..)
                | Piece::Seat(_)
                | Piece::Document(..)
                | Piece::Audit(..)
                | Piece::Delivered(..)
                | Piece::Card(..)
                | Piece::Counter(_)
                | Piece::Job(_)
                | Piece::Feed(..)
                | Piece::FeedEnd(_) => {}
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(found)
}
