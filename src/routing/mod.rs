//! The decision: from where a visitor is to the store, the join code and the reasons. A pure function of its inputs.

mod area;
mod decide;
mod decision;
mod eligible;
mod ladder;
mod open;
mod policy;
mod region;
mod walk;

pub use decide::decide;
pub use decision::{Candidate, Decision, Outcome, Pick, Verdict};
pub use ladder::{Fallback, Reason, Rung};
pub use policy::{Policy, PolicyError};
pub use region::codes as region_codes;

#[cfg(test)]
mod tests;
