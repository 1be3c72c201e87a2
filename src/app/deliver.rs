//! The worker that hands records from the outbox to storage, at least once and in order.

mod sift;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use self::sift::Sieve;
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
    /// The outbox cannot be read.
    #[error("the outbox cannot be read")]
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

/// The last item of a batch and how many there were; none if nothing waited.
type Handed = Result<Option<(i64, usize)>, DeliverError>;

/// Hands records over, on a thread of its own that gives way to visits.
#[derive(Clone)]
pub struct Deliverer {
    batches: SyncSender<oneshot::Sender<Handed>>,
    outbox: Arc<Outbox>,
    metrics: Arc<Metrics>,
}

impl Deliverer {
    /// A deliverer from an outbox to a storage, which tells `seats` what was counted; its thread ends with the last clone.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn new(
        outbox: Arc<Outbox>,
        storage: Arc<dyn Storage>,
        seats: Arc<KnownSeats>,
        after: Vec<Arc<dyn AfterDelivery>>,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let (batches, asked) = sync_channel::<oneshot::Sender<Handed>>(1);
        let (from, counted) = (Arc::clone(&outbox), Arc::clone(&metrics));
        thread::Builder::new().name("deliver".to_owned()).spawn(move || {
            // Nobody waits for a delivery. Where the system does not allow it, deliveries merely cost visits more.
            let _ = rustix::process::nice(NICE);
            let mut sieve = Sieve::default();
            for answer in asked {
                // An asker that has gone will ask again.
                let _ = answer.send(paced(|| hand_over(&mut sieve, &from, &*storage, (&seats, &after), &counted)));
            }
        })?;
        Ok(Self { batches, outbox, metrics })
    }

    /// Works for ever; dropping the future stops it between two batches or leaves one to be handed over again.
    pub async fn run(&self) {
        let mut backoff = BACKOFF_MIN;
        loop {
            let batch = self.batch().await;
            self.metrics.delivery_failing.set(i64::from(batch.is_err()));
            match batch {
                Ok(0) => {
                    // The time limit only guards against a lost sign.
                    let _ = tokio::time::timeout(IDLE_WAIT, self.outbox.appended()).await;
                    tokio::time::sleep(GATHER).await;
                }
                Ok(count) => {
                    backoff = BACKOFF_MIN;
                    // Without a pause every few records would be a commit of their own.
                    if count < BATCH_MAX {
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
        while self.batch().await? > 0 {}
        Ok(())
    }

    async fn batch(&self) -> Result<usize, DeliverError> {
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
        let handed = answered.await.map_err(|_gone| DeliverError::Ended)??;
        let Some((last, count)) = handed else { return Ok(0) };
        self.outbox.acknowledge(last).await?;
        self.metrics.delivered.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

/// Hands the oldest batch over; what storage refuses as such is set aside.
fn hand_over(
    sieve: &mut Sieve,
    outbox: &Outbox,
    storage: &dyn Storage,
    (seats, after): (&KnownSeats, &[Arc<dyn AfterDelivery>]),
    metrics: &Metrics,
) -> Handed {
    let batch = outbox.read(0, BATCH_MAX)?;
    let Some((last, _)) = batch.last() else {
        seats.nothing_waits();
        return Ok(None);
    };
    let sifted = sieve.hand_over(&batch, storage, seats.rules_and_now())?;
    for it in after {
        it.delivered(&batch)?;
    }
    seats.reconciled(&sifted.claims);
    if !sifted.refused.is_empty() {
        for (seq, cause) in &sifted.refused {
            tracing::error!(seq, cause, "storage refuses a record; it is set aside, see the dead letters");
        }
        metrics.set_aside.inc_by(u64::try_from(sifted.refused.len()).unwrap_or(u64::MAX));
        outbox.set_aside(sifted.refused)?;
    }
    Ok(Some((*last, batch.len())))
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
