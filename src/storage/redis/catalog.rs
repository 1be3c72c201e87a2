//! The catalog in Redis: versions, and what each of them changed.

use super::super::{Change, EachDifference, EachEntry, EntryKind, PublishInfo, StorageError, Trouble, VersionInfo};
use super::link::Link;

pub(super) fn current_version(_link: &Link) -> Result<u64, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn load(
    _link: &Link,
    _version: u64,
    _kinds: &[EntryKind],
    _each: EachEntry<'_>,
) -> Result<(), StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn last_change(_link: &Link, _kind: EntryKind, _version: u64) -> Result<u64, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn diff(_link: &Link, _before: u64, _after: u64, _each: EachDifference<'_>) -> Result<(), StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn publish(
    _link: &Link,
    _expected: u64,
    _info: &PublishInfo,
    _changes: &mut dyn Iterator<Item = Change>,
) -> Result<u64, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn versions(_link: &Link, _before: Option<u64>, _limit: usize) -> Result<Vec<VersionInfo>, StorageError> {
    Err(Trouble::Unavailable.into())
}
