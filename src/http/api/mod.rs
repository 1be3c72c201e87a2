//! The public API: scans, look-ups and choosers.

pub(super) mod nearest;
pub(super) mod scans;
pub(super) mod stores;
