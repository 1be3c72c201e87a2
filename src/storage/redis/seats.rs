//! Seats in Redis.

use super::super::{HeadCount, Seat, SeatAsk, SeatRules, StorageError, Trouble};
use super::link::Link;
use crate::id::{GroupId, VisitorId};
use crate::time::Timestamp;

pub(super) fn take(
    _link: &Link,
    _asks: &[SeatAsk],
    _rules: &SeatRules,
    _now: Timestamp,
) -> Result<Vec<Seat>, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn confirm(
    _link: &Link,
    _visitor: VisitorId,
    _group: &GroupId,
    _now: Timestamp,
) -> Result<(), StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn set_members(_link: &Link, _members: &[(GroupId, u32)], _at: Timestamp) -> Result<(), StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn head_counts(_link: &Link, _groups: &[GroupId], _now: Timestamp) -> Result<Vec<HeadCount>, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn forget(_link: &Link, _visitor: VisitorId) -> Result<u64, StorageError> {
    Err(Trouble::Unavailable.into())
}
