//! `jinqun outbox`: what waits and what could not be delivered.

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Common, End, Printer};
use crate::config::Flags;
use crate::outbox::{Look, retry_beside};
use crate::startup;

/// Records that are printed at the most.
const LISTED_MAX: usize = 1_000;

/// Records that wait for storage, and those that it refused
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

/// Print the records that storage refused, latest first: number, kind, moment and cause
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun outbox list")]
struct List {
    #[command(flatten)]
    common: Common,
}

/// Send records again that storage refused, also beside a running service
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun outbox retry\n  jinqun outbox retry --seq 1207")]
struct Retry {
    #[command(flatten)]
    common: Common,
    /// The number of one record [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    seq: Option<i64>,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        match self.what {
            What::List(list) => list.run(printer),
            What::Retry(retry) => retry.run(printer),
        }
    }
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
        Ok(End::Success)
    }
}

impl Retry {
    fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let retried = retry_beside(&startup::outbox_path(&config), self.seq)?;
        printer.note(format!("{retried} records wait for storage again"));
        Ok(End::Success)
    }
}
