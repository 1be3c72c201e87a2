//! Records that could not be delivered: kept by this instance, shown, and sent again.

use super::App;
use crate::outbox::{DeadItem, OutboxError};

/// Some of the records that could not be delivered.
#[derive(Debug)]
pub struct DeadLetters {
    /// How many there are.
    pub total: u64,
    /// Those asked for, latest first.
    pub items: Vec<DeadItem>,
}

impl App {
    /// Some of the records that could not be delivered, latest first. Blocks on the disk.
    ///
    /// # Errors
    /// The outbox's.
    pub fn dead_letters(&self, skip: usize, limit: usize) -> Result<DeadLetters, OutboxError> {
        let outbox = &self.parts.outbox;
        Ok(DeadLetters { total: outbox.dead_count()?, items: outbox.dead_page(skip, limit)? })
    }

    /// Sends one of them again, or all; says how many. What is refused once more comes back. Blocks on the disk.
    ///
    /// # Errors
    /// The outbox's; then some may be on their way.
    pub fn retry_dead_letters(&self, seq: Option<i64>) -> Result<u64, OutboxError> {
        self.parts.outbox.retry(seq)
    }
}
