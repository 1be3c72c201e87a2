//! `jinqun forget`: everything held about one visitor goes.

use anyhow::bail;
use clap::Args;

use super::{Common, End, Printer};
use crate::app::{find_visitor, forget};
use crate::config::Flags;
use crate::outbox::{Forgot, OutboxError, forget_beside, kept_beside};
use crate::startup;
use crate::time::{Clock as _, SystemClock};

/// Remove everything held about a visitor; a running service need not be stopped
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun forget 01JZ8X3V9QH0M4T2K6W7R5N1PA")]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// The visitor's id, as `export tags` writes it, or their token
    #[arg(value_name = "VISITOR")]
    visitor: String,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let storage = startup::open_storage(&config)?;
        let signer = startup::signer(&config, &*storage)?;
        let Some(visitor) = find_visitor(self.visitor.trim(), &signer) else {
            bail!("this is neither the id of a visitor nor a token that was signed here");
        };
        let path = startup::outbox_path(&config);
        let outbox = |scans| -> Result<Forgot, OutboxError> {
            if path.exists() { forget_beside(&path, visitor, scans) } else { Ok(Forgot::default()) }
        };
        let erased = forget(&*storage, outbox, kept_beside(&path)?.as_ref(), visitor, SystemClock.now())?;
        let (stored, waiting) = (erased.stored, erased.outbox);
        printer.line(format!(
            "removed: {} tag records, {} steps, {} consents, {} seats, {} records on their way, {} records set aside",
            stored.tags, stored.steps, stored.consents, stored.seats, waiting.waiting, waiting.dead
        ))?;
        printer.line("kept: tallies, which are counts by day and name nobody")?;
        Ok(End::Success)
    }
}
