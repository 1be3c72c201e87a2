//! Empties the write-ahead log beside the thread that commits, which a checkpoint of its own would hold up.
//!
//! What one checkpoint copies and syncs grows with the load, and everybody whose item comes meanwhile would wait for it. Copying
//! needs no lock that a commit needs; so it is done on a connection of its own, and the thread that commits only finishes the
//! few pages that were written meanwhile, without which the log would never begin again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::error::{OutboxError, Trouble};
use super::file::File;

/// Pages of 4 KiB that are written between two checkpoints, about: 16 MiB. Acknowledged pages are used again, so that fewer of
/// them have to be copied the longer they gather.
const PAGES: usize = 4_000;
/// Pages that a commit writes beside its items.
const PAGES_A_COMMIT: usize = 2;
/// Bytes of items on a page.
const BYTES_A_PAGE: usize = 3_500;

/// What the committing thread holds of it; the other thread ends with this.
pub(super) struct Checkpoints {
    asked: SyncSender<()>,
    is_copied: Arc<AtomicBool>,
    pages: usize,
}

impl Checkpoints {
    /// Starts the thread.
    pub(super) fn start(path: PathBuf) -> Result<Self, OutboxError> {
        let (asked, asks) = sync_channel(1);
        let is_copied = Arc::new(AtomicBool::new(false));
        let copied = Arc::clone(&is_copied);
        thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || copy(&path, &asks, &copied))
            .map_err(|cause| OutboxError::caused(Trouble::Unavailable, cause))?;
        Ok(Self { asked, is_copied, pages: 0 })
    }

    /// After a commit of so many bytes: has the log copied, or finishes what was copied.
    pub(super) fn after(&mut self, file: &File, bytes: usize) {
        self.pages += PAGES_A_COMMIT + bytes / BYTES_A_PAGE;
        if self.is_copied.swap(false, Ordering::AcqRel) {
            file.checkpoint();
        } else if self.pages >= PAGES && self.asked.try_send(()).is_ok() {
            self.pages = 0;
        }
    }
}

fn copy(path: &std::path::Path, asks: &Receiver<()>, copied: &AtomicBool) {
    let mut file = None;
    for () in asks {
        // A file that cannot be opened now is tried at the next turn; the committing thread has its own limit.
        file = file.or_else(|| File::open(path).ok());
        if let Some(file) = &file {
            file.checkpoint();
            copied.store(true, Ordering::Release);
        }
    }
}
