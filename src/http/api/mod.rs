//! The public API: scans, look-ups and choosers.

pub(super) mod funnel;
pub(super) mod nearest;
pub(super) mod scans;
pub(super) mod stores;
pub(super) mod visitors;
