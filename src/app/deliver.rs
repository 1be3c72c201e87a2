//! The worker that hands records from the outbox to storage, at least once and in order.

pub(super) mod erased;
pub(super) mod heads;
mod lost;
mod sift;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use self::lost::{Guard, Ready};
use self::sift::{Seats, Sieve};
use super::ForgetError;
use super::seat::KnownSeats;
use crate::metrics::Metrics;
use crate::outbox::{Item, Outbox, OutboxError};
use crate::pace::paced;
use crate::storage::{Storage, StorageError};

/// Records in one delivery: enough to make the commit cheap, few enough to stay short.
const BATCH_MAX: usize = 2_000;
/// How long the worker waits for a sign of new records before it looks by itself.
const IDLE_WAIT: Duration = Duration::from_secs(1);
/// How long records may gather before they are handed over: nobody waits for this, and larger batches cost less.
const GATHER: Duration = Duration::from_millis(100);
/// How long one asker waits for the turn of another.
const TURN_WAIT: Duration = Duration::from_millis(20);
/// How far the thread steps back behind those that answer visits (`nice(2)`).
const NICE: i32 = 10;
const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// Storage that is back gets what waits within seconds.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Why records could not be handed over.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The outbox cannot be read, or let go of what was delivered.
    #[error("the outbox cannot be read or written")]
    Outbox(#[from] OutboxError),
    /// Storage does not take them.
    #[error("storage does not take records")]
    Storage(#[from] StorageError),
    /// The thread that worked on it ended.
    #[error("the delivery was broken off")]
    Ended,
}

/// Somebody who is told what storage has: at least once, and before the outbox lets go of it.
pub trait AfterDelivery: Send + Sync {
    /// Takes note of these. Blocks.
    ///
    /// # Errors
    /// Storage's: then the same is delivered and told again.
    fn delivered(&self, items: &[(i64, Item)]) -> Result<(), StorageError>;
}

impl From<ForgetError> for DeliverError {
    fn from(error: ForgetError) -> Self {
        match error {
            ForgetError::Storage(error) => Self::Storage(error),
            ForgetError::Outbox(error) => Self::Outbox(error),
        }
    }
}

/// What one turn of the thread handed over.
#[derive(Debug)]
struct Turn {
    /// The last item of a batch and how many there were; none if nothing waited.
    batch: Option<(i64, usize)>,
    /// Whether something is delivered again, so that there is more to do.
    is_again: bool,
    /// Whether the disk took what is to be kept of it.
    is_kept: bool,
}

type Answer = Result<Turn, DeliverError>;

/// As [`Turn`], once the outbox has let go of the batch.
struct Handed {
    count: usize,
    is_again: bool,
    is_kept: bool,
}

/// Hands records over, on a thread of its own that gives way to visits.
#[derive(Clone)]
pub struct Deliverer {
    batches: SyncSender<oneshot::Sender<Answer>>,
    outbox: Arc<Outbox>,
    metrics: Arc<Metrics>,
}

impl Deliverer {
    /// A deliverer from an outbox to a storage, which tells `seats` what was counted; its thread ends with the last clone.
    ///
    /// With the secret of the installation it delivers again what a storage of that installation has lost, as far as the outbox keeps
    /// it.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn new(
        (outbox, storage): (Arc<Outbox>, Arc<dyn Storage>),
        seats: Arc<KnownSeats>,
        after: Vec<Arc<dyn AfterDelivery>>,
        (metrics, secret): (Arc<Metrics>, Option<[u8; 32]>),
    ) -> io::Result<Self> {
        let (batches, asked) = sync_channel::<oneshot::Sender<Answer>>(1);
        let (from, counted) = (Arc::clone(&outbox), Arc::clone(&metrics));
        if from.kept().is_some() {
            seats.gate.watch();
        }
        thread::Builder::new().name("deliver".to_owned()).spawn(move || {
            // Nobody waits for a delivery. Where the system does not allow it, deliveries merely cost visits more.
            let _ = rustix::process::nice(NICE);
            let guard = from.kept().map(|kept| Guard::new(Arc::clone(kept), secret));
            let mut hands =
                Hands { sieve: Sieve::default(), guard, outbox: from, storage, seats, after, metrics: counted };
            for answer in asked {
                // An asker that has gone will ask again.
                let _ = answer.send(paced(|| hands.hand_over()));
            }
        })?;
        Ok(Self { batches, outbox, metrics })
    }

    /// Works for ever; dropping the future stops it between two batches or leaves one to be handed over again.
    pub async fn run(&self) {
        let mut backoff = BACKOFF_MIN;
        loop {
            let batch = self.batch().await;
            self.note_failing(&batch);
            match batch {
                Ok(Handed { count: 0, is_again: false, .. }) => {
                    // The time limit only guards against a lost sign.
                    let _ = tokio::time::timeout(IDLE_WAIT, self.outbox.appended()).await;
                    tokio::time::sleep(GATHER).await;
                }
                Ok(Handed { count, is_again, .. }) => {
                    backoff = BACKOFF_MIN;
                    // Without a pause every few records would be a commit of their own.
                    if count < BATCH_MAX && !is_again {
                        tokio::time::sleep(GATHER).await;
                    }
                }
                Err(error) => {
                    self.metrics.delivery_failures.inc();
                    let retry = backoff.mul_f64(0.5 + fastrand::f64());
                    let cause = whole_chain(&error);
                    tracing::warn!(error = cause, retry_ms = retry.as_millis(), "records wait in the outbox");
                    tokio::time::sleep(retry).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
            self.metrics.outbox_depth.set(i64::try_from(self.outbox.depth()).unwrap_or(i64::MAX));
        }
    }

    /// Hands over everything that waits.
    ///
    /// # Errors
    /// [`DeliverError`]; what was not handed over waits for the next start.
    pub async fn drain(&self) -> Result<(), DeliverError> {
        while self.batch().await?.count > 0 {}
        Ok(())
    }

    /// Shows whose fault it is where something fails. While storage is away nothing is known of the disk that was not known before.
    fn note_failing(&self, batch: &Result<Handed, DeliverError>) {
        let is_disk = match batch {
            Ok(handed) => Some(!handed.is_kept),
            Err(DeliverError::Outbox(_)) => Some(true),
            Err(DeliverError::Storage(_) | DeliverError::Ended) => None,
        };
        self.metrics.delivery_failing.set(i64::from(batch.is_err() && is_disk.is_none()));
        if let Some(is_disk) = is_disk {
            self.metrics.standing.disk_failing.set(i64::from(is_disk));
        }
    }

    /// What one turn handed over and the outbox let go of.
    async fn batch(&self) -> Result<Handed, DeliverError> {
        let (answer, answered) = oneshot::channel();
        // One batch is under way at a time; at a stop the last one of the worker may still be.
        let mut answer = Some(answer);
        while let Some(waiting) = answer.take() {
            match self.batches.try_send(waiting) {
                Ok(()) => {}
                Err(TrySendError::Full(waiting)) => {
                    answer = Some(waiting);
                    tokio::time::sleep(TURN_WAIT).await;
                }
                Err(TrySendError::Disconnected(_)) => return Err(DeliverError::Ended),
            }
        }
        let turn = answered.await.map_err(|_gone| DeliverError::Ended)??;
        let handed = |count| Handed { count, is_again: turn.is_again, is_kept: turn.is_kept };
        let Some((last, count)) = turn.batch else { return Ok(handed(0)) };
        self.outbox.acknowledge(last).await?;
        self.metrics.delivered.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(handed(count))
    }
}

/// What the thread works with.
struct Hands {
    sieve: Sieve,
    /// Where delivered items are kept.
    guard: Option<Guard>,
    outbox: Arc<Outbox>,
    storage: Arc<dyn Storage>,
    seats: Arc<KnownSeats>,
    after: Vec<Arc<dyn AfterDelivery>>,
    metrics: Arc<Metrics>,
}

impl Hands {
    /// Hands the oldest batch over, and beside it some of what storage has lost.
    fn hand_over(&mut self) -> Answer {
        let Some(guard) = &mut self.guard else { return self.hand_over_batch(Seats::Counted).map(Turn::of) };
        let prepared = guard.prepare(&self.outbox, &*self.storage, &self.seats, &self.metrics);
        if !matches!(prepared, Ok(Ready::Well)) {
            self.seats.gate.is_away();
        }
        let ready = match prepared {
            // Storage that is away is told of once something waits for it.
            Err(DeliverError::Storage(_)) if self.outbox.depth() == 0 => {
                self.seats.nothing_waits();
                return Ok(Turn::of(None));
            }
            ready => ready?,
        };
        if ready == Ready::NotYet {
            return Ok(Turn::of(None));
        }
        let seats = guard.seats_of_next(&self.outbox)?;
        let batch = self.hand_over_batch(seats)?;
        if ready == Ready::Well && batch.is_none_or(|(_, count)| count < BATCH_MAX) {
            self.seats.gate.open();
        }
        let is_kept = self.guard.as_ref().is_none_or(Guard::is_kept);
        Ok(Turn { batch, is_again: ready == Ready::Again, is_kept })
    }

    /// Hands the oldest batch over; what storage refuses as such is set aside.
    fn hand_over_batch(&mut self, seats: Seats) -> Result<Option<(i64, usize)>, DeliverError> {
        let Self { sieve, guard, outbox, storage, seats: known, after, metrics } = self;
        loop {
            let erasures = guard.as_ref().map(Guard::erasures).transpose()?;
            let batch = outbox.read(0, BATCH_MAX)?;
            let Some((last, _)) = batch.last() else {
                known.nothing_waits();
                return Ok(None);
            };
            let sifted = sieve.hand_over(&batch, &**storage, (seats, known.rules_and_now()))?;
            for it in after.iter() {
                it.delivered(&batch)?;
            }
            if let (Some(guard), Some(erasures)) = (guard.as_mut(), erasures) {
                let taken = batch.iter().filter(|(seq, _)| !sifted.refused.iter().any(|(refused, _)| refused == seq));
                let items = taken.map(|(_, item)| item);
                // Somebody was forgotten meanwhile; what is theirs is blank now.
                if !guard.delivered(items, erasures, &**storage, known, metrics)? {
                    continue;
                }
            }
            known.reconciled(&sifted.claims);
            if !sifted.refused.is_empty() {
                for (seq, cause) in &sifted.refused {
                    tracing::error!(seq, cause, "storage refuses a record; it is set aside, see the dead letters");
                }
                metrics.set_aside.inc_by(u64::try_from(sifted.refused.len()).unwrap_or(u64::MAX));
                outbox.set_aside(sifted.refused)?;
            }
            return Ok(Some((*last, batch.len())));
        }
    }
}

impl Turn {
    fn of(batch: Option<(i64, usize)>) -> Self {
        Self { batch, is_again: false, is_kept: true }
    }
}

/// An error with its causes, in one line.
pub(crate) fn whole_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
