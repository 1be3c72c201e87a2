//! The threads that ask storage for seats: one takes whatever wishes wait and gives them to storage together, one keeps what this
//! instance knows of groups up to date.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::known::KnownSeats;
use crate::app::deliver::{heads, whole_chain};
use crate::catalog::Catalog;
use crate::live::Live;
use crate::outbox::{Kept, Outbox};
use crate::storage::{Seat, SeatAsk, Storage};

/// Wishes that may wait for the thread.
const WAITING_MAX: usize = 8_192;
/// Wishes in one call: enough to make the commit cheap, few enough to stay short.
const BATCH_MAX: usize = 256;
/// How often counts of groups are asked for.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// Groups in one question: short, because with a file as storage seats wait for it.
const COUNT_PAGE: usize = 50;
/// Groups of the catalog that are asked for each time, one after the other, whether or not seats were given in them here.
const COUNT_ROLLING: usize = 200;
/// Claims of before the start that are counted again.
const RESTORED_MAX: usize = 200_000;
const RESTORE_PAGE: usize = 2_000;

struct Waiting {
    ask: SeatAsk,
    answer: oneshot::Sender<Option<Seat>>,
}

/// Takes seats on threads of its own, which end with this.
pub struct Seater {
    waiting: SyncSender<Waiting>,
    known: Arc<KnownSeats>,
    /// Dropped, it ends the thread that counts.
    _counting: SyncSender<()>,
}

impl Seater {
    /// A seater for a storage, the groups of a catalog and the seats that wait in an outbox.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn new(
        (storage, outbox): (Arc<dyn Storage>, Arc<Outbox>),
        catalog: Arc<Live<Catalog>>,
        known: Arc<KnownSeats>,
    ) -> io::Result<Self> {
        let (waiting, asked) = sync_channel(WAITING_MAX);
        let (counting, ended) = sync_channel(1);
        let served = (Arc::clone(&storage), Arc::clone(&known));
        thread::Builder::new().name("seats".to_owned()).spawn(move || serve(&asked, &*served.0, &served.1))?;
        let counted = Arc::clone(&known);
        thread::Builder::new().name("seat-counts".to_owned()).spawn(move || {
            let kept = outbox.kept().cloned();
            if let Some(kept) = &kept {
                remember(kept, &counted);
            }
            restore(&outbox, &counted);
            drop(outbox);
            count(&ended, &*storage, &catalog, (&counted, kept.as_deref()));
        })?;
        Ok(Self { waiting, known, _counting: counting })
    }

    /// What this instance knows of seats.
    pub(in crate::app) fn known(&self) -> &KnownSeats {
        &self.known
    }

    /// A seat, or none if storage does not answer by then.
    pub(super) async fn ask(&self, ask: SeatAsk, until: Instant) -> Option<Seat> {
        let (answer, answered) = oneshot::channel();
        self.waiting.try_send(Waiting { ask, answer }).ok()?;
        tokio::time::timeout_at(until.into(), answered).await.ok()?.ok()?
    }
}

fn serve(asked: &Receiver<Waiting>, storage: &dyn Storage, known: &KnownSeats) {
    let mut fails = false;
    while let Ok(first) = asked.recv() {
        let batch = std::iter::once(first).chain(asked.try_iter().take(BATCH_MAX - 1));
        // Whoever has stopped waiting was answered without a seat and takes none now.
        let (asks, answers): (Vec<_>, Vec<_>) =
            batch.filter(|it| !it.answer.is_closed()).map(|it| (it.ask, it.answer)).unzip();
        if asks.is_empty() {
            continue;
        }
        if !known.gate.may_take() {
            for answer in answers {
                let _ = answer.send(None);
            }
            continue;
        }
        let started = Instant::now();
        let seats = storage.take_seats(&asks, known.rules(), known.now());
        known.metrics().seat_seconds.observe(started.elapsed().as_secs_f64());
        match seats {
            Ok(seats) => {
                if fails {
                    tracing::info!("storage gives seats again");
                }
                fails = false;
                known.note(&asks, &seats);
                for (answer, seat) in answers.into_iter().zip(seats) {
                    // A visit that has gone meanwhile has claimed another seat, and the later one stands.
                    let _ = answer.send(Some(seat));
                }
            }
            Err(error) => {
                if !fails {
                    tracing::warn!(error = whole_chain(&error), "storage gives no seats; groups are shown unconfirmed");
                }
                fails = true;
                known.gate.gives_none();
                for answer in answers {
                    let _ = answer.send(None);
                }
            }
        }
    }
}

/// Counts the claims that wait in the outbox from before the start.
fn restore(outbox: &Outbox, known: &KnownSeats) {
    let (mut after, mut found) = (0, 0);
    while found < RESTORED_MAX {
        match outbox.claims(after, RESTORE_PAGE) {
            Ok((claims, Some(last))) => {
                known.restore(&claims);
                (after, found) = (last, found + claims.len());
            }
            Ok((_, None)) => return,
            Err(error) => {
                tracing::warn!(error = whole_chain(&error), "seats that wait in the outbox are not known");
                return;
            }
        }
    }
}

/// How full groups were before the start.
fn remember(kept: &Kept, known: &KnownSeats) {
    let each = &mut |heads: Vec<_>| {
        known.remember_heads(heads.into_iter());
        Ok(())
    };
    if let Err(error) = heads::each_page(kept, each) {
        tracing::warn!(error = whole_chain(&error), "it is not known how full groups were");
    }
}

fn count(
    ended: &Receiver<()>,
    storage: &dyn Storage,
    catalog: &Live<Catalog>,
    (known, kept): (&KnownSeats, Option<&Kept>),
) {
    let (mut next, mut fails) = (0, false);
    while ended.recv_timeout(COUNT_EVERY) == Err(RecvTimeoutError::Timeout) {
        let mut groups = known.recent();
        let held = catalog.snapshot();
        let all = held.value().groups();
        let rolling = (0..COUNT_ROLLING.min(all.len())).filter_map(|step| all.get((next + step) % all.len()));
        groups.extend(rolling.map(|it| it.id.clone()));
        next = next.checked_rem(all.len()).map_or(0, |it| it + COUNT_ROLLING);
        drop(held);
        // What a storage says that has lost something would replace what is known.
        if !known.gate.may_count() {
            continue;
        }
        for page in groups.chunks(COUNT_PAGE) {
            match storage.head_counts(page, known.now()) {
                Ok(counts) => {
                    known.counted(page, &counts);
                    let done = kept.map(|it| heads::keep(it, page, &counts, known.now())).transpose();
                    if let (Err(error), false) = (&done, fails) {
                        tracing::warn!(error = whole_chain(error), "it cannot be kept how full groups are");
                    }
                    fails = done.is_err();
                }
                // The last counts stay.
                Err(_unavailable) => break,
            }
        }
    }
}
