//! The thread that owns the write connection: it takes whatever waits, commits it at once, and answers everybody.
//!
//! A sync costs the same for one item as for a thousand, so the items that arrive during one commit share the next one.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use super::checkpoint::Checkpoints;
use super::error::{OutboxError, Trouble};
use super::file::{File, Writing};
use super::item::Row;
use super::reserve::Reserve;

/// Acknowledged items that one commit deletes at least, if there are so many. Thousands at once would hold up the items that come
/// meanwhile for milliseconds.
const REMOVALS_MIN: usize = 128;

/// What a commit was like.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// How long it took.
    pub took: Duration,
    /// How long each item that it put on disk had waited since it was handed over.
    pub waits: &'a [Duration],
}

/// Told after every commit.
pub type OnCommit = Arc<dyn Fn(Commit<'_>) + Send + Sync>;

pub(super) type Answer = Result<(), OutboxError>;

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    Append(Row, Instant, oneshot::Sender<Answer>),
    Acknowledge(i64, oneshot::Sender<Answer>),
    /// From the reading side, which has no runtime to wait with.
    SetAside(Vec<(i64, String)>, SyncSender<Answer>),
    /// Finish what waits and end.
    Close,
}

impl Command {
    /// The bytes that it puts on disk.
    fn bytes(&self) -> usize {
        match self {
            Self::Append(row, ..) => row.body.len(),
            Self::Acknowledge(..) | Self::SetAside(..) | Self::Close => 0,
        }
    }

    fn answer(self, answer: Answer) {
        // Whoever no longer waits does not care; the item is on disk or is not.
        match self {
            Self::Append(_, _, asker) | Self::Acknowledge(_, asker) => drop(asker.send(answer)),
            Self::SetAside(_, asker) => drop(asker.send(answer)),
            Self::Close => {}
        }
    }
}

pub(super) struct Writer {
    pub(super) path: PathBuf,
    /// None after a failure, until the file can be opened again.
    pub(super) file: Option<File>,
    pub(super) commands: Receiver<Command>,
    pub(super) batch_items_max: usize,
    pub(super) items_max: u64,
    pub(super) depth: Arc<AtomicU64>,
    pub(super) appended: Arc<Notify>,
    pub(super) on_commit: Option<OnCommit>,
    pub(super) checkpoints: Checkpoints,
    /// What was acknowledged and is not deleted yet: up to which number, and who waits for it.
    pub(super) removals: VecDeque<(i64, oneshot::Sender<Answer>)>,
    /// Room for letting go of items when there is no other.
    pub(super) reserve: Reserve,
}

impl Writer {
    pub(super) fn run(mut self) {
        let mut batch = Vec::new();
        let mut is_closing = false;
        loop {
            if !is_closing && self.removals.is_empty() {
                match self.commands.recv() {
                    Ok(command) => batch.push(command),
                    Err(_all_gone) => return,
                }
            }
            let waiting = self.commands.try_iter();
            batch.extend(waiting.take(self.batch_items_max.saturating_sub(batch.len())));
            if is_closing && batch.is_empty() && self.removals.is_empty() {
                return;
            }
            is_closing |= batch.iter().any(|it| matches!(it, Command::Close));
            let bytes = batch.iter().map(Command::bytes).sum();
            self.settle(&mut batch);
            if let Some(file) = &self.file {
                self.checkpoints.after(file, bytes);
            }
        }
    }

    /// Commits one batch and answers everybody in it; what is acknowledged is deleted little by little, and answered then.
    fn settle(&mut self, batch: &mut Vec<Command>) {
        let started = Instant::now();
        let result = self.commit(batch);
        match &result {
            Ok(done) => {
                self.depth.store(done.depth, Ordering::Release);
                self.reserve.keep(done.depth);
            }
            Err(_cause) => {
                // The connection is not trusted any further: a failed sync leaves it unclear what is on disk.
                self.file = None;
                if !self.removals.is_empty() || batch.iter().any(|it| matches!(it, Command::Acknowledge(..))) {
                    self.make_room();
                }
            }
        }
        let mut appends_left = result.as_ref().map_or(0, |done| done.appended);
        if appends_left > 0 {
            self.appended.notify_one();
        }
        if let (Ok(done), Some(on_commit)) = (&result, &self.on_commit) {
            let now = Instant::now();
            let handed_over = batch.iter().filter_map(|it| match it {
                Command::Append(_, at, _) => Some(now.duration_since(*at)),
                Command::Acknowledge(..) | Command::SetAside(..) | Command::Close => None,
            });
            let waits: Vec<Duration> = handed_over.take(done.appended).collect();
            on_commit(Commit { took: now.duration_since(started), waits: &waits });
        }
        let removed = match &result {
            Ok(done) => usize::from(done.is_removed),
            Err(_cause) => self.removals.len(),
        };
        let answer = || result.as_ref().map(|_| ()).map_err(Clone::clone);
        for (_, asker) in self.removals.drain(..removed.min(self.removals.len())) {
            // Whoever no longer waits does not care.
            let _ = asker.send(answer());
        }
        for command in batch.drain(..) {
            let is_refused = matches!(command, Command::Append(..)) && {
                let is_refused = appends_left == 0;
                appends_left = appends_left.saturating_sub(1);
                is_refused
            };
            if let (Command::Acknowledge(..), Err(_))
            | (Command::Append(..) | Command::SetAside(..) | Command::Close, _) = (&command, &result)
            {
                let is_full = is_refused && result.is_ok();
                command.answer(if is_full { Err(Trouble::Full.into()) } else { answer() });
            } else if let Command::Acknowledge(up_to, asker) = command {
                self.removals.push_back((up_to, asker));
            }
        }
    }

    /// Storage has what waits here, and the disk does not take that. With the room that is given up the write-ahead log can be copied;
    /// then it begins again in the place that it has, and letting go of items needs no more.
    fn make_room(&mut self) {
        self.reserve.give_up();
        // Whatever hinders it, the next one to fail tries again.
        if let Ok(file) = File::open(&self.path) {
            file.checkpoint();
        }
    }

    fn commit(&mut self, batch: &[Command]) -> Result<Done, OutboxError> {
        let file = match &mut self.file {
            Some(file) => file,
            closed => {
                let file = File::open(&self.path)?;
                self.depth.store(file.depth()?, Ordering::Release);
                closed.insert(file)
            }
        };
        let depth = self.depth.load(Ordering::Acquire);
        let room = usize::try_from(self.items_max.saturating_sub(depth)).unwrap_or(usize::MAX);
        let writing = file.begin()?;
        let (appended, mut removed) = write(&writing, batch, room)?;
        let mut is_removed = false;
        if let Some((up_to, _)) = self.removals.front() {
            // More than is appended, so that the file empties however slow a commit is.
            let deleted = writing.acknowledge(*up_to, REMOVALS_MIN.max(2 * appended))?;
            is_removed = deleted.1;
            removed += deleted.0;
        }
        let is_empty = is_removed && writing.is_empty()?;
        writing.commit()?;
        let count = |items| u64::try_from(items).unwrap_or(u64::MAX);
        // Where another process has put items back the sum is wrong until then.
        let depth = if is_empty { 0 } else { depth.saturating_add(count(appended)).saturating_sub(count(removed)) };
        Ok(Done { appended, depth, is_removed })
    }
}

/// What a commit did.
struct Done {
    /// Items that it appended: the first ones of the batch; the others found no room.
    appended: usize,
    /// Items that wait after it.
    depth: u64,
    /// Whether all of the first removal is deleted.
    is_removed: bool,
}

/// Appends as many items as there is room for, then sets aside; returns the number of both.
fn write(writing: &Writing<'_>, batch: &[Command], room: usize) -> Result<(usize, usize), OutboxError> {
    let rows = batch.iter().filter_map(|command| match command {
        Command::Append(row, ..) => Some(row),
        Command::Acknowledge(..) | Command::SetAside(..) | Command::Close => None,
    });
    let mut appended = 0;
    writing.append(rows.take(room).inspect(|_| appended += 1))?;
    let mut removed = 0;
    for command in batch {
        match command {
            Command::SetAside(items, _) => {
                for (seq, cause) in items {
                    removed += writing.set_aside(*seq, cause)?;
                }
            }
            Command::Append(..) | Command::Acknowledge(..) | Command::Close => {}
        }
    }
    Ok((appended, removed))
}
