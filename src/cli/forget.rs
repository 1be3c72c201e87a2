//! `jinqun forget`: everything held about one visitor goes.

use clap::Args;

use super::{Common, End, Printer, unfit};
use crate::app::wecom::part_person;
use crate::app::{Erased, find_visitor, forget};
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
    /// The visitor's id, as `export tags` writes it, or their token; or the `external_userid` or `unionid` of a customer
    #[arg(value_name = "VISITOR")]
    visitor: String,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let storage = startup::open_storage(&config)?;
        let signer = startup::signer(&config, &*storage)?;
        let (named, now) = (self.visitor.trim(), SystemClock.now());
        let mut erased = Erased::default();
        let visitors = match find_visitor(named, &signer) {
            Some(visitor) => vec![visitor],
            None => match part_person(&*storage, named, now)? {
                Some(parted) => {
                    let visitors = parted.visitors.clone();
                    erased = parted.into();
                    visitors
                }
                None => {
                    return Err(unfit(
                        "this is neither the id of a visitor nor a token that was signed here, and no customer is known by it",
                    ));
                }
            },
        };
        let path = startup::outbox_path(&config);
        let kept = kept_beside(&path)?;
        for visitor in visitors {
            let outbox = |scans| -> Result<Forgot, OutboxError> {
                if path.exists() { forget_beside(&path, visitor, scans) } else { Ok(Forgot::default()) }
            };
            erased = erased.and(forget(&*storage, outbox, kept.as_ref(), visitor, now)?);
        }
        let (stored, waiting) = (erased.stored, erased.outbox);
        printer.line(format!(
            "removed: {} tag records, {} steps, {} consents, {} seats, {} cards, jobs and feed entries, {} records on their way, {} records set aside",
            stored.tags, stored.steps, stored.consents, stored.seats, stored.book, waiting.waiting, waiting.dead
        ))?;
        let silenced = erased.customers.len();
        if silenced > 0 {
            printer.line(format!(
                "kept: {silenced} cards of WeCom customers, silent and without anything that leads to the visitor, until their tags are taken back"
            ))?;
        }
        printer.line("kept: tallies, which are counts by day and name nobody")?;
        Ok(End::Success)
    }
}
