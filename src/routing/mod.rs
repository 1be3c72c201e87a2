//! The decision: from where a visitor is to the store, the join code and the reasons. A pure function of its inputs.

mod area;
mod case;
mod decide;
mod decision;
mod eligible;
mod ladder;
mod open;
mod policy;
mod region;
mod settle;
mod steps;
mod walk;

pub use crate::campaign::Rung;
pub use case::Case;
pub use decide::{decide, decide_for, list_others, route};
pub use decision::{Candidate, Decision, Outcome, Pick, Verdict, is_blind};
pub use ladder::{Fallback, Reason, Room, Wish};
pub use policy::{Policy, PolicyError};
pub use region::codes as region_codes;
pub use steps::{Extent, Offer, Step, steps};

#[cfg(test)]
mod tests;
