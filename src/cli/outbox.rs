//! `jinqun outbox`: what waits, what could not be delivered, and jobs that were given up.

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Common, End, Printer};
use crate::app::{GivenUp, dead_jobs, retry_jobs};
use crate::config::{Config, Flags};
use crate::job::Lane;
use crate::outbox::{Look, retry_beside};
use crate::startup;
use crate::storage::{Storage, StorageError};
use crate::time::{Clock as _, SystemClock};

/// Records that are printed at the most.
const LISTED_MAX: usize = 1_000;

/// Records that wait for storage, those that it refused, and jobs that were given up
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun outbox list\n  jinqun outbox retry")]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(List),
    Retry(Retry),
}

/// Print the records that storage refused, latest first: number, kind, moment and cause; then the jobs that were given up: `job`, lane,
/// id, moment, tries and cause
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun outbox list")]
struct List {
    #[command(flatten)]
    common: Common,
}

/// Send records again that storage refused, and do jobs again that were given up; also beside a running service
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  jinqun outbox retry\n  jinqun outbox retry --seq 1207\n  jinqun outbox retry --lane tag --job wmAbc"
)]
struct Retry {
    #[command(flatten)]
    common: Common,
    /// The number of one record [default: all records and all jobs]
    #[arg(long, value_name = "NUMBER", conflicts_with = "lane", value_parser = clap::value_parser!(i64).range(1..))]
    seq: Option<i64>,
    /// Only the jobs of this lane: event, tag or reconcile
    #[arg(long, value_name = "LANE", value_parser = lane_of)]
    lane: Option<Lane>,
    /// The id of one job of that lane
    #[arg(long, value_name = "ID", requires = "lane")]
    job: Option<String>,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        match self.what {
            What::List(list) => list.run(printer),
            What::Retry(retry) => retry.run(printer),
        }
    }
}

fn lane_of(word: &str) -> Result<Lane, String> {
    let found = Lane::ALL.into_iter().find(|it| it.as_str() == word);
    found.ok_or_else(|| "is none of event, tag and reconcile".to_owned())
}

/// Does something with storage; where it does not answer, that is said, and the records of this machine are seen to all the same.
fn with_storage<T>(
    config: &Config,
    printer: &Printer,
    work: impl FnOnce(&dyn Storage) -> Result<T, StorageError>,
) -> Option<T> {
    let done = startup::open_storage(config).and_then(|storage| Ok(work(&*storage)?));
    done.inspect_err(|error| printer.note(format!("jobs are not seen to: {error:#}"))).ok()
}

impl List {
    fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let path = startup::outbox_path(&config);
        let look = Look::open(&path).with_context(|| format!("there is no outbox at {}", path.display()))?;
        let waiting = look.waiting()?.map_or(0, |(oldest, newest)| newest.saturating_sub(oldest).saturating_add(1));
        let dead = look.dead(LISTED_MAX)?;
        printer.note(format!("{waiting} records wait; {} could not be delivered", dead.len()));
        for it in dead {
            let at = it.at.map_or_else(|| "-".to_owned(), |at| at.to_string());
            printer.line(format!("{}\t{}\t{at}\t{}", it.seq, it.kind().unwrap_or("-"), it.cause))?;
        }
        let now = SystemClock.now();
        let found = with_storage(&config, printer, |storage| dead_jobs(storage, now, None, (0, LISTED_MAX)));
        let Some(found) = found else { return Ok(End::Success) };
        for it in &found.lanes {
            let (lane, counts) = (it.lane.as_str(), it.counts);
            printer.note(format!("{lane}: {} jobs wait; {} were given up", counts.waiting, counts.dead));
        }
        for GivenUp { dead: it, advice } in found.items {
            let (lane, cause) = (it.job.lane.as_str(), it.cause.replace(['\n', '\t'], " "));
            let advice = advice.map(|[_, en]| format!("\t{en}")).unwrap_or_default();
            printer.line(format!("job\t{lane}\t{}\t{}\t{}\t{cause}{advice}", it.job.id, it.at, it.tries))?;
        }
        Ok(End::Success)
    }
}

impl Retry {
    fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        if self.lane.is_none() {
            let retried = retry_beside(&startup::outbox_path(&config), self.seq)?;
            printer.note(format!("{retried} records wait for storage again"));
        }
        if self.seq.is_none() {
            let now = SystemClock.now();
            let retry = |storage: &dyn Storage| retry_jobs(storage, now, self.lane, self.job.as_deref());
            if let Some(retried) = with_storage(&config, printer, retry) {
                printer.note(format!("{retried} jobs are to be done again"));
            }
        }
        Ok(End::Success)
    }
}
