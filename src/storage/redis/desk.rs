//! Documents, the audit trail and the secret in Redis.

use super::super::{AuditFilter, AuditRecord, DeskEntry, DeskKind, StorageError, Trouble};
use super::link::Link;

pub(super) fn read(_link: &Link, _kind: DeskKind, _id: &str) -> Result<Option<DeskEntry>, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn all(_link: &Link, _kind: DeskKind) -> Result<Vec<DeskEntry>, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn put(
    _link: &Link,
    _kind: DeskKind,
    _id: &str,
    _body: Option<&str>,
    _expected: Option<u64>,
) -> Result<u64, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn append_audit(_link: &Link, _record: &AuditRecord) -> Result<(), StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn audit(
    _link: &Link,
    _filter: &AuditFilter,
    _limit: usize,
) -> Result<Vec<(u64, AuditRecord)>, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn secret(_link: &Link, _make: &dyn Fn() -> [u8; 32]) -> Result<[u8; 32], StorageError> {
    Err(Trouble::Unavailable.into())
}
