//! Room beside the outbox that is given up when the disk is full and what waits could be let go of: letting go of items needs room too.
//!
//! It is held from a hundred waiting items on, so that one that always runs empty costs nothing, and is never given up for items that
//! come: those would use it up before storage is back.

use std::fs::{File, remove_file};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Bytes that are held: as many as lie in the write-ahead log before it is copied, which is what the first step needs.
const BYTES: u64 = 16 * 1024 * 1024;
/// Waiting items from which on it is held.
const FROM_ITEMS: u64 = 100;
/// The part of a small disk that is held.
const PART_OF_SMALL: u64 = 4;
const STEP_BYTES: usize = 65_536;

/// The room that is held.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unmade,
    Held,
    GivenUp,
}

impl Reserve {
    /// The reserve of the outbox at this path, as an earlier run left it.
    pub(super) fn of(outbox: &Path) -> Self {
        let path = outbox.with_extension("reserve");
        let state = if path.exists() { State::Held } else { State::Unmade };
        Self { path, state }
    }

    /// Holds it once that is worth while, and again once everything has been let go of.
    pub(super) fn keep(&mut self, waiting: u64) {
        match self.state {
            State::Unmade if waiting >= FROM_ITEMS => {
                self.state = State::Held;
                if make(&self.path).is_err() {
                    // Without it the disk needs a person when it is full.
                    self.give_up();
                }
            }
            State::GivenUp if waiting == 0 => self.state = State::Unmade,
            State::Unmade | State::Held | State::GivenUp => {}
        }
    }

    /// Gives it up.
    pub(super) fn give_up(&mut self) {
        if self.state == State::Held {
            // What cannot be removed does not help.
            drop(remove_file(&self.path));
            self.state = State::GivenUp;
        }
    }
}

/// Blocks are taken by writing. Where there are not so many, some of what there is stays held.
fn make(path: &Path) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let some = vec![0xA5; STEP_BYTES];
    let mut left = BYTES;
    while left > 0 {
        if file.write_all(&some).is_err() {
            let written = file.metadata()?.len();
            return file.set_len(written / PART_OF_SMALL);
        }
        left = left.saturating_sub(u64::try_from(STEP_BYTES).unwrap_or(left));
    }
    Ok(())
}
