//! Tag records and steps in Redis.

use super::super::{EachStep, EachTag, StorageError, TagFilter, Trouble};
use super::link::Link;
use crate::consent::ConsentRecord;
use crate::funnel::StepRecord;
use crate::tag::TagRecord;

pub(super) fn deliver(
    _link: &Link,
    _consents: &[ConsentRecord],
    _tags: &[TagRecord],
    _steps: &[StepRecord],
) -> Result<(), StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn each_tag(_link: &Link, _filter: &TagFilter, _each: EachTag<'_>) -> Result<(), StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn latest_tags(
    _link: &Link,
    _filter: &TagFilter,
    _skip: usize,
    _limit: usize,
) -> Result<Vec<TagRecord>, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn count_tags(_link: &Link, _filter: &TagFilter) -> Result<u64, StorageError> {
    Err(Trouble::Unavailable.into())
}

pub(super) fn each_step(_link: &Link, _filter: &TagFilter, _each: EachStep<'_>) -> Result<(), StorageError> {
    Err(Trouble::Unavailable.into())
}
