//! Workers that do jobs one lane at a time: every instance has some, and storage gives each job to one of them; not what is done.

use std::sync::Arc;
use std::time::Duration;

use super::dead_jobs::plain;
use super::deliver::whole_chain;
use crate::job::{Job, Lane};
use crate::storage::{LeasedJob, Settled, Storage, StorageError};
use crate::time::{Clock, Timestamp};

/// Jobs of a lane that one instance works on at a time.
const AT_A_TIME: usize = 4;
/// For how long a job is one worker's: longer than any work takes, as every call has a limit. After a crash somebody else takes it then.
const LEASE_MS: i64 = 120_000;
/// How often an idle lane looks for jobs.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a lane waits where storage does not answer.
const AWAY_WAIT: Duration = Duration::from_secs(1);
/// The waits between tries double from the first to the longest, with jitter.
const RETRY_FIRST_MS: i64 = 1_000;
const RETRY_LONGEST_MS: i64 = 3_600_000;

/// What is done with the jobs of a lane.
pub trait Work: Send + Sync {
    /// The lane.
    fn lane(&self) -> Lane;

    /// Works on a job, which was taken for the `tries`-th time. Blocks, for less than two minutes. Doing it twice does no harm.
    fn work(&self, job: &Job, tries: u32) -> Settled;
}

/// Does the jobs of one lane.
#[derive(Clone)]
pub struct JobRunner {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    work: Arc<dyn Work>,
}

impl JobRunner {
    /// A runner of this work.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, work: Arc<dyn Work>) -> Self {
        Self { storage, clock, work }
    }

    /// Works for ever; dropping the future leaves what is under way to somebody else. Returns only if a worker was broken off.
    pub async fn run(&self) {
        loop {
            let this = self.clone();
            let wait = match tokio::task::spawn_blocking(move || this.round()).await {
                Ok(Ok(0)) => LOOK_EVERY.mul_f64(0.5 + fastrand::f64()),
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => {
                    let (lane, cause) = (self.work.lane().as_str(), whole_chain(&error));
                    tracing::warn!(lane, error = cause, "jobs wait: storage does not answer");
                    AWAY_WAIT.mul_f64(0.5 + fastrand::f64())
                }
                Err(_broken_off) => return,
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes some jobs, does them, and says how many those were. Blocks.
    ///
    /// # Errors
    /// Storage's; what was taken comes again.
    pub fn round(&self) -> Result<usize, StorageError> {
        let now = self.clock.now();
        let taken = self.storage.lease_jobs(self.work.lane(), now, now.plus_ms(LEASE_MS), AT_A_TIME)?;
        let settled: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = taken.iter().map(|it| scope.spawn(|| self.one(it))).collect();
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
        });
        for it in settled {
            match it {
                Ok(settled) => settled?,
                // The job is taken again once its time is over.
                Err(_panicked) => tracing::error!(lane = self.work.lane().as_str(), "a job broke off"),
            }
        }
        Ok(taken.len())
    }

    fn one(&self, leased: &LeasedJob) -> Result<(), StorageError> {
        let settled = self.work.work(&leased.job, leased.tries);
        let lane = leased.job.lane.as_str();
        match &settled {
            Settled::Done => {}
            Settled::Again(_, cause) => tracing::info!(lane, cause, tries = leased.tries, "a job is to be done again"),
            Settled::Dead(cause) => {
                tracing::error!(lane, cause = plain(cause), "a job needs a person, see the dead letters");
            }
        }
        self.storage.settle_job(leased, &settled, self.clock.now()).map(drop)
    }
}

impl super::App {
    /// A runner of this work, with this service's storage and clock.
    #[must_use]
    pub fn runner(&self, work: Arc<dyn Work>) -> JobRunner {
        JobRunner::new(Arc::clone(&self.parts.storage), Arc::clone(&self.parts.clock), work)
    }
}

/// When a job that has been tried so often is tried again: later every time, and never many at one moment.
#[must_use]
pub fn retry_at(now: Timestamp, tries: u32) -> Timestamp {
    let wait = RETRY_FIRST_MS.saturating_mul(1_i64 << tries.saturating_sub(1).min(30)).min(RETRY_LONGEST_MS);
    now.plus_ms(wait / 2 + fastrand::i64(0..=wait))
}
