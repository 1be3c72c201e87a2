//! People in Redis: their consents, what is forgotten on demand, and what is removed with time.

use super::super::{EachConsent, Purge, Removed, StorageError, Trouble};
use super::link::Link;
use crate::id::VisitorId;
use crate::time::Timestamp;

pub(super) fn each_consent(_link: &Link, _each: EachConsent<'_>) -> Result<(), StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn forget(_link: &Link, _visitor: VisitorId, _now: Timestamp) -> Result<Removed, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn purge(_link: &Link, _what: Purge, _limit: usize) -> Result<u64, StorageError> {
    Err(Trouble::Unavailable.into())
}
