//! What becomes of people's records in the end: forgotten on demand, removed with time, and counted; as plain values.

use crate::time::{Day, Timestamp};

/// For how many days what is on its way for a forgotten visitor is let go of. An outbox that could not reach storage for longer
/// has been looked at by a person.
pub const FORGOTTEN_DAYS: i64 = 30;

/// How much was removed about a visitor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Tag records.
    pub tags: u64,
    /// Steps.
    pub steps: u64,
    /// Consents.
    pub consents: u64,
    /// Seats in groups.
    pub seats: u64,
    /// Cards, jobs and entries of the feed.
    pub book: u64,
}

/// What is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// Tag records of visits of before this day, and their steps.
    Tags(Day),
    /// Steps of before this moment.
    Steps(Timestamp),
    /// Consents that were given last before this moment.
    Consents(Timestamp),
    /// Tallies of before this day.
    Tallies(Day),
    /// The marks of visitors that were forgotten before this moment.
    Forgotten(Timestamp),
}

/// What a count from the beginning came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TallyCheck {
    /// Visits that were counted.
    pub visits: u64,
    /// Cells that were compared.
    pub cells: u64,
    /// Cells that differ.
    pub differing: u64,
    /// The first of them, in words.
    pub examples: Vec<String>,
}

impl TallyCheck {
    /// How many differing cells are told of.
    pub const EXAMPLES_MAX: usize = 20;
}
