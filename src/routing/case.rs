//! What a decision is made from.

use super::policy::Policy;
use crate::campaign::Campaign;
use crate::catalog::Catalog;
use crate::time::Timestamp;
use crate::visitor::Fix;

/// What a decision is made from.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// Where the visitor is.
    pub fix: &'a Fix,
    /// The stores and what they are joined by.
    pub catalog: &'a Catalog,
    /// Through which landing code.
    pub campaign: &'a Campaign,
    /// The thresholds.
    pub policy: &'a Policy,
    /// The moment.
    pub now: Timestamp,
}
