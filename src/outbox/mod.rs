//! A durable local queue of tag records and steps: what was appended survives the process and the power, until it is acknowledged.
//!
//! It delivers nothing itself. The loop of a deliverer is: [`Outbox::appended`], [`Outbox::read`], deliver,
//! [`Outbox::acknowledge`]. Delivery is at least once; the ids of the items make repeats harmless.

mod beside;
mod checkpoint;
mod error;
mod file;
mod heads;
mod item;
mod kept;
mod reserve;
mod writer;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::fs::TryLockError;
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use serde::Deserialize;
use tokio::sync::{Notify, oneshot};

pub use beside::{Forgot, Look, forget_beside, kept_beside, retry_beside};
pub use error::{OutboxError, Trouble};
pub use file::DeadItem;
pub use heads::KeptHead;
pub use item::{Consented, Item, Unconfirmed};
pub use kept::{Forgotten, Kept, KeptPage};
pub use writer::{Commit, OnCommit};

use crate::group::SeatClaim;
use crate::id::{ScanId, VisitorId};
use crate::time::Timestamp;
use beside::{forget, open_kept};
use checkpoint::Checkpoints;
use file::File;
use item::{Row, Whose};
use reserve::Reserve;
use writer::{Answer, Command, Writer};

/// How much the outbox holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Items that may wait in memory for their commit. Beyond that, appending fails at once.
    pub queue_items_max: usize,
    /// Items that share one commit at most.
    pub batch_items_max: usize,
    /// Items that may wait on disk for their delivery, about 600 bytes each. Beyond that, appending fails.
    pub items_max: u64,
    /// Hours for which delivered items are kept, so that they can be delivered again; 0 keeps none.
    pub keep_hours: u32,
    /// Delivered items that are kept, about 700 bytes each; the oldest are let go beyond that. 0 keeps none.
    pub keep_items_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { queue_items_max: 16_384, batch_items_max: 1_024, items_max: 5_000_000, keep_hours: 0, keep_items_max: 0 }
    }
}

/// The queue. One process has it open at a time.
pub struct Outbox {
    commands: SyncSender<Command>,
    writer: Mutex<Option<JoinHandle<()>>>,
    reader: Mutex<File>,
    depth: Arc<AtomicU64>,
    items_max: u64,
    appended: Arc<Notify>,
    kept: Option<Arc<Kept>>,
    /// Dropped last: it keeps other processes out.
    _lock: std::fs::File,
}

impl Outbox {
    /// Opens the queue at `path` and starts its thread. `on_commit` is told after each commit how long it took and how many
    /// items it appended.
    ///
    /// # Errors
    /// [`Trouble::InUse`] if another process has it open, [`Trouble::Corrupt`] or [`Trouble::TooNew`] if the file cannot be
    /// used, [`Trouble::Unavailable`] if it cannot be read or written.
    pub fn open(path: &Path, settings: &Settings, on_commit: Option<OnCommit>) -> Result<Self, OutboxError> {
        let lock = lock(path)?;
        let file = File::open(path)?;
        file.shrink_if_idle()?;
        let depth = Arc::new(AtomicU64::new(file.depth()?));
        let reader = File::open(path)?;
        let appended = Arc::new(Notify::new());
        let kept = open_kept(path, settings)?;
        let (commands, received) = sync_channel(settings.queue_items_max.max(1));
        let writer = Writer {
            path: path.to_owned(),
            file: Some(file),
            commands: received,
            batch_items_max: settings.batch_items_max.max(1),
            items_max: settings.items_max,
            depth: Arc::clone(&depth),
            appended: Arc::clone(&appended),
            on_commit,
            checkpoints: Checkpoints::start(path.to_owned())?,
            removals: VecDeque::new(),
            reserve: Reserve::of(path),
        };
        let thread = thread::Builder::new()
            .name("outbox".to_owned())
            .spawn(|| writer.run())
            .map_err(|cause| OutboxError::caused(Trouble::Unavailable, cause))?;
        Ok(Self {
            commands,
            writer: Mutex::new(Some(thread)),
            reader: Mutex::new(reader),
            depth,
            items_max: settings.items_max,
            appended,
            kept,
            _lock: lock,
        })
    }

    /// Appends an item; the future resolves when the commit that holds it is on stable storage.
    ///
    /// The item is on its way when this returns: dropping the future does not take it back. Never blocks.
    ///
    /// # Errors
    /// [`Trouble::Full`] at once if too many items wait, in memory or on disk, [`Trouble::Closed`] after [`Outbox::close`],
    /// otherwise what befell the commit.
    #[must_use = "the item is safe only when the future has resolved"]
    pub fn append(&self, item: &Item) -> impl Future<Output = Answer> + Send + use<> {
        let sent = if self.depth() >= self.items_max {
            Err(Trouble::Full.into())
        } else {
            Row::of(item)
                .map_err(|cause| OutboxError::caused(Trouble::Corrupt, cause))
                .and_then(|row| self.send(|asker| Command::Append(row, Instant::now(), asker)))
        };
        wait(sent)
    }

    /// Lets go of every item up to and including this number; resolves when that is on stable storage.
    ///
    /// It shares the commit of the items that are appended meanwhile, so it costs no sync of its own under load.
    ///
    /// # Errors
    /// As [`Outbox::append`]. The items then come again.
    #[must_use = "the items come again unless the future has resolved"]
    pub fn acknowledge(&self, up_to: i64) -> impl Future<Output = Answer> + Send + use<> {
        wait(self.send(|asker| Command::Acknowledge(up_to, asker)))
    }

    fn send(
        &self,
        command: impl FnOnce(oneshot::Sender<Answer>) -> Command,
    ) -> Result<oneshot::Receiver<Answer>, OutboxError> {
        let (asker, answer) = oneshot::channel();
        match self.commands.try_send(command(asker)) {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(_)) => Err(Trouble::Full.into()),
            Err(TrySendError::Disconnected(_)) => Err(Trouble::Closed.into()),
        }
    }

    /// The oldest items with a number greater than `after`, at most `limit`. Empty means that nothing waits.
    ///
    /// Blocks on the disk. Rows that are no items are set aside with the cause and skipped.
    ///
    /// # Errors
    /// [`Trouble::Corrupt`] if the file is damaged, otherwise [`Trouble::Unavailable`].
    pub fn read(&self, after: i64, limit: usize) -> Result<Vec<(i64, Item)>, OutboxError> {
        let mut after = after;
        loop {
            let page = self.reader().read(after, limit)?;
            if !page.broken.is_empty() {
                self.set_aside(page.broken)?;
            }
            match page.last {
                // A page of nothing but broken rows is not the end.
                Some(last) if page.items.is_empty() => after = last,
                _ => return Ok(page.items),
            }
        }
    }

    /// The claims to seats among the oldest items of that kind with a number greater than `after`, looking at `limit` at most, and
    /// the number of the last one; none at the end. Costs nothing for items of other kinds. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Outbox::dead`].
    pub fn claims(&self, after: i64, limit: usize) -> Result<(Vec<SeatClaim>, Option<i64>), OutboxError> {
        self.reader().claims(after, limit)
    }

    /// Moves items that cannot be delivered out of the queue, each with its cause, for a person to look at.
    ///
    /// Blocks on the disk.
    ///
    /// # Errors
    /// [`Trouble::Closed`], or what befell the commit.
    pub fn set_aside(&self, items: Vec<(i64, String)>) -> Result<(), OutboxError> {
        let (asker, answer) = sync_channel(1);
        let closed = || OutboxError::from(Trouble::Closed);
        self.commands.send(Command::SetAside(items, asker)).map_err(|_command| closed())?;
        answer.recv().map_err(|_gone| closed())?
    }

    /// The items that were set aside, latest first, at most `limit`. Blocks on the disk.
    ///
    /// # Errors
    /// [`Trouble::Corrupt`] if the file is damaged, otherwise [`Trouble::Unavailable`].
    pub fn dead(&self, limit: usize) -> Result<Vec<DeadItem>, OutboxError> {
        self.dead_page(0, limit)
    }

    /// The items that were set aside, latest first, at most `limit` after the first `skip`. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Outbox::dead`].
    pub fn dead_page(&self, skip: usize, limit: usize) -> Result<Vec<DeadItem>, OutboxError> {
        self.reader().dead(skip, limit)
    }

    /// Puts items that were set aside back into the queue, all or that of one number; says how many. They come last. Blocks on the
    /// disk.
    ///
    /// # Errors
    /// As [`Outbox::forget`].
    pub fn retry(&self, seq: Option<i64>) -> Result<u64, OutboxError> {
        let retried = self.reader().retry(seq)?;
        // The thread that writes counts too; where both do at once the number is right again once the queue has run empty.
        self.depth.fetch_add(retried, Ordering::AcqRel);
        self.appended.notify_one();
        Ok(retried)
    }

    /// How many items were set aside. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Outbox::dead`].
    pub fn dead_count(&self) -> Result<u64, OutboxError> {
        self.reader().dead_count()
    }

    /// Forgets what waits, was set aside or is kept of a visitor, and of these visits of theirs. Blocks on the disk.
    ///
    /// # Errors
    /// [`Trouble::Corrupt`] if the file is damaged, otherwise [`Trouble::Unavailable`].
    pub fn forget(&self, visitor: VisitorId, scans: BTreeSet<ScanId>) -> Result<Forgot, OutboxError> {
        let mut whose = Whose { visitor, scans };
        let forgot = forget(&self.reader(), &mut whose)?;
        let kept = self.kept.as_ref().map(|it| it.forget(visitor, whose.scans)).transpose()?;
        Ok(Forgot { kept: kept.unwrap_or(0), ..forgot })
    }

    /// What was delivered and is kept; none if nothing is to be.
    #[must_use]
    pub fn kept(&self) -> Option<&Arc<Kept>> {
        self.kept.as_ref()
    }

    /// Deletes at most so many delivered items that are too old: visits and steps of before these moments, and what was delivered too
    /// long ago; says how many. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Outbox::forget`].
    pub fn purge_kept(
        &self,
        (tags, steps): (Timestamp, Timestamp),
        now: Timestamp,
        limit: usize,
    ) -> Result<u64, OutboxError> {
        self.kept.as_ref().map_or(Ok(0), |it| it.purge(tags, steps, now, limit))
    }

    /// The numbers of the oldest and the newest item that wait; none if nothing waits. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Outbox::dead`].
    pub fn span(&self) -> Result<Option<(i64, i64)>, OutboxError> {
        self.reader().span()
    }

    /// Deletes at most `limit` items that were set aside and are of before this moment; says how many. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Outbox::forget`].
    pub fn purge_dead(&self, before: Timestamp, limit: usize) -> Result<u64, OutboxError> {
        self.reader().purge_dead(before, limit)
    }

    /// How many items wait for their delivery. Costs one atomic load.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.depth.load(Ordering::Acquire)
    }

    /// When the oldest waiting item was decided or seen. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Outbox::dead`].
    pub fn oldest_at(&self) -> Result<Option<Timestamp>, OutboxError> {
        self.reader().oldest_at()
    }

    /// Waits until something has been appended since the last call; for one deliverer.
    ///
    /// What is appended between an empty [`Outbox::read`] and this call is not missed: then this resolves at once.
    pub async fn appended(&self) {
        self.appended.notified().await;
    }

    /// Commits what waits in memory and ends the thread. Blocks until then; later appends fail with [`Trouble::Closed`].
    pub fn close(&self) {
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Both fail only if the thread has ended already.
            drop(self.commands.send(Command::Close));
            drop(thread.join());
        }
    }

    fn reader(&self) -> MutexGuard<'_, File> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbox({} items)", self.depth())
    }
}

/// Two processes would each count only their own items, so the second one is kept out. The lock goes with the process.
fn lock(path: &Path) -> Result<std::fs::File, OutboxError> {
    let unavailable = |cause| OutboxError::caused(Trouble::Unavailable, cause);
    let file = std::fs::File::create(path.with_extension("lock")).map_err(unavailable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Trouble::InUse.into()),
        Err(TryLockError::Error(cause)) => Err(unavailable(cause)),
    }
}

async fn wait(sent: Result<oneshot::Receiver<Answer>, OutboxError>) -> Answer {
    match sent?.await {
        Ok(answer) => answer,
        Err(_ended) => Err(Trouble::Closed.into()),
    }
}
