//! Jobs as the operations team sees them: how many wait in each lane, and those that a person has to look at and make ready again.

use super::App;
use crate::job::Lane;
use crate::platform::Advice;
use crate::storage::{DeadJob, JobCounts, Storage, StorageError};
use crate::time::Timestamp;

/// How a lane stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneStands {
    /// Which.
    pub lane: Lane,
    /// How many jobs wait, and how many are dead.
    pub counts: JobCounts,
    /// For how long the oldest of those that are ready has been ready, in seconds; 0 if none is.
    pub oldest_s: u64,
}

/// Some of the jobs that a person has to look at.
#[derive(Debug)]
pub struct DeadJobs {
    /// How the lanes stand.
    pub lanes: Vec<LaneStands>,
    /// Those asked for: lane by lane, latest first.
    pub items: Vec<GivenUp>,
}

/// A job that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The job, with its cause alone.
    pub dead: DeadJob,
    /// What a person can do about it, in Chinese and in English, where that is known.
    pub advice: Option<[String; 2]>,
}

/// What parts a cause from what is to be done about it, as storage keeps both: no cause holds this.
const MARK: char = '\u{1e}';
/// The longest cause that is kept with advice, in characters.
const CAUSE_CHARS_MAX: usize = 1_000;

/// A cause with what a person can do about it, as storage keeps them.
pub(in crate::app) fn advised(cause: &str, advice: Advice) -> String {
    let cause: String = cause.replace(MARK, " ").chars().take(CAUSE_CHARS_MAX).collect();
    format!("{cause}{MARK}{}{MARK}{}", advice.zh, advice.en)
}

/// The cause alone.
pub(in crate::app) fn plain(kept: &str) -> &str {
    kept.split(MARK).next().unwrap_or_default()
}

fn given_up(mut dead: DeadJob) -> GivenUp {
    let mut parts = dead.cause.split(MARK).skip(1).map(ToOwned::to_owned);
    let advice = parts.next().zip(parts.next()).map(|(zh, en)| [zh, en]);
    dead.cause = plain(&dead.cause).to_owned();
    GivenUp { dead, advice }
}

/// How all lanes stand. Blocks.
///
/// # Errors
/// Storage's.
pub fn lanes(storage: &dyn Storage, now: Timestamp) -> Result<Vec<LaneStands>, StorageError> {
    let stands = |lane| {
        let counts = storage.job_counts(lane, now)?;
        let since = |at: Timestamp| u64::try_from(now.unix_ms().saturating_sub(at.unix_ms()) / 1_000).unwrap_or(0);
        Ok(LaneStands { lane, counts, oldest_s: counts.oldest_ready_at.map_or(0, since) })
    };
    Lane::ALL.into_iter().map(stands).collect()
}

/// Some of the jobs that a person has to look at, of one lane or of all. Blocks.
///
/// # Errors
/// Storage's.
pub fn dead_jobs(
    storage: &dyn Storage,
    now: Timestamp,
    of: Option<Lane>,
    (skip, limit): (usize, usize),
) -> Result<DeadJobs, StorageError> {
    let lanes = lanes(storage, now)?;
    let mut items = Vec::new();
    let mut skip = skip;
    for it in lanes.iter().filter(|it| of.is_none_or(|of| of == it.lane)) {
        let dead = usize::try_from(it.counts.dead).unwrap_or(usize::MAX);
        if skip < dead && items.len() < limit {
            items.extend(storage.dead_jobs(it.lane, skip, limit - items.len())?.into_iter().map(given_up));
        }
        skip = skip.saturating_sub(dead);
    }
    Ok(DeadJobs { lanes, items })
}

/// Makes jobs ready again that a person has looked at: all, those of a lane, or one of it; says how many. Blocks.
///
/// # Errors
/// Storage's; then some may be ready.
pub fn retry_jobs(
    storage: &dyn Storage,
    now: Timestamp,
    of: Option<Lane>,
    id: Option<&str>,
) -> Result<u64, StorageError> {
    let mut retried = 0;
    for lane in Lane::ALL.into_iter().filter(|it| of.is_none_or(|of| of == *it)) {
        retried += storage.retry_jobs(lane, id, now)?;
    }
    Ok(retried)
}

impl App {
    /// How all lanes stand. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn lanes(&self) -> Result<Vec<LaneStands>, StorageError> {
        lanes(&*self.parts.storage, self.now())
    }

    /// As [`dead_jobs`]. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn dead_jobs(&self, of: Option<Lane>, skip: usize, limit: usize) -> Result<DeadJobs, StorageError> {
        dead_jobs(&*self.parts.storage, self.now(), of, (skip, limit))
    }

    /// As [`retry_jobs`]. Blocks.
    ///
    /// # Errors
    /// Storage's; then some may be ready.
    pub fn retry_dead_jobs(&self, of: Option<Lane>, id: Option<&str>) -> Result<u64, StorageError> {
        retry_jobs(&*self.parts.storage, self.now(), of, id)
    }

    /// Shows in the metrics how the lanes stand.
    pub fn show_lanes(&self, lanes: &[LaneStands]) {
        let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
        for it in lanes {
            let counts = [it.counts.waiting, it.counts.dead, it.oldest_s].map(number);
            self.metrics().lane(it.lane.as_str(), counts);
        }
    }
}
