//! `jinqun export`: stores, groups, contacts, tag records and consents out again.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::funnel::Funnel;
use super::printer::Output;
use super::{Common, End, Printer, unfit};
use crate::app::crm::after_delivery;
use crate::app::{Deliverer, KnownSeats, SheetForm, SheetOf, export_sheet, load_entries};
use crate::catalog::Catalog;
use crate::config::{Config, Flags};
use crate::exchange::{Cell, SheetLanguage, TAG_HEADERS, TableFormat, tag_row, write_table};
use crate::metrics::Metrics;
use crate::outbox::{Look, OutboxError, Trouble};
use crate::startup;
use crate::storage::{Storage, TagFilter};
use crate::time::SystemClock;

/// Records between reading and writing at a time.
const RECORDS_WAITING_MAX: usize = 1_024;
const SETTLE_LOOK_EVERY: Duration = Duration::from_millis(20);
/// Ten seconds of looking.
const SETTLE_LOOKS_MAX: u32 = 500;

/// Export stores, groups, contacts, tag records, consents or the funnel
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun export tags --out tags.csv")]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Stores(Stores),
    /// Write the sheet of group chats; `import groups` reads it back unchanged
    #[command(after_help = "Example:\n  jinqun export groups --out groups.xlsx")]
    Groups(Owned),
    /// Write the sheet of contacts; `import contacts` reads it back unchanged
    #[command(after_help = "Example:\n  jinqun export contacts --out contacts.xlsx")]
    Contacts(Owned),
    Tags(Tags),
    Consents(Consents),
    Funnel(Funnel),
}

#[derive(Debug, Args)]
pub(super) struct Target {
    #[command(flatten)]
    pub(super) common: Common,
    /// csv, jsonl or xlsx, for stores also geojson, for the funnel also json [default: by the ending of --out, else csv]
    #[arg(long)]
    format: Option<String>,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// Write the store sheet; `import stores` reads it back unchanged
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun export stores --out stores.xlsx")]
struct Stores {
    #[command(flatten)]
    target: Target,
}

/// A sheet of groups or contacts
#[derive(Debug, Args)]
struct Owned {
    #[command(flatten)]
    target: Target,
}

/// Write the tag records: who belongs to which region, since when, and why
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun export tags --format csv --out tags.csv")]
struct Tags {
    #[command(flatten)]
    target: Target,
}

/// Write the consents: who agreed to which privacy notice, and when
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun export consents --out consents.csv")]
struct Consents {
    #[command(flatten)]
    target: Target,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        match self.what {
            What::Stores(options) => sheet(&options.target, SheetOf::Stores),
            What::Groups(options) => sheet(&options.target, SheetOf::Groups),
            What::Contacts(options) => sheet(&options.target, SheetOf::Contacts),
            What::Tags(options) => options.run(),
            What::Consents(options) => options.run(),
            What::Funnel(options) => options.run(printer),
        }
    }
}

impl Target {
    /// Whether this format is asked for, by name or by the ending of the file.
    pub(super) fn asks_for(&self, format: &str) -> bool {
        let ending = self.out.as_deref().and_then(|it| it.extension()).and_then(|it| it.to_str());
        self.format.as_deref().or(ending).is_some_and(|it| it.trim().eq_ignore_ascii_case(format))
    }

    pub(super) fn format(&self) -> anyhow::Result<TableFormat> {
        let ending = self.out.as_deref().and_then(|it| it.extension()).and_then(|it| it.to_str());
        match (&self.format, ending) {
            (Some(text), _) => {
                TableFormat::parse(text).ok_or_else(|| unfit(format!("--format {text} is none of csv, jsonl, xlsx")))
            }
            (None, Some(ending)) => TableFormat::parse(ending)
                .ok_or_else(|| unfit(format!(".{ending} is none of csv, jsonl, xlsx; say which with --format"))),
            (None, None) => Ok(TableFormat::Csv),
        }
    }
}

/// A sheet of the catalog in storage.
fn sheet(target: &Target, of: SheetOf) -> anyhow::Result<End> {
    let form = if of == SheetOf::Stores && target.asks_for("geojson") {
        SheetForm::Points
    } else {
        SheetForm::Table(target.format()?, SheetLanguage::English)
    };
    let config = target.common.load(Flags::new())?;
    let storage = startup::open_storage(&config)?;
    let version = storage.current_version()?;
    let catalog = Catalog::build(version, load_entries(&*storage, version)?)
        .map_err(|problems| anyhow::anyhow!("the catalog in storage is not valid: {problems:?}"))?;
    let mut out = Output::open(target.out.as_deref())?;
    export_sheet(&catalog, of, form, &mut out)?;
    out.finish()?;
    Ok(End::Success)
}

impl Tags {
    fn run(self) -> anyhow::Result<End> {
        let format = self.target.format()?;
        let config = self.target.common.load(Flags::new())?;
        let storage = startup::open_storage(&config)?;
        settle(&config, &storage)?;
        let mut out = Output::open(self.target.out.as_deref())?;
        // The records come from a thread of their own, so that any number of them passes through little memory.
        let (send, receive) = sync_channel(RECORDS_WAITING_MAX);
        let reader = std::thread::spawn(move || {
            storage.each_tag(&TagFilter::default(), &mut |record| match send.send(record) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_writer_is_gone) => ControlFlow::Break(()),
            })
        });
        let mut rows = receive.into_iter().map(|record| tag_row(&record).into_iter().map(Cell::into_owned).collect());
        write_table(format, &TAG_HEADERS, &mut rows, &mut out)?;
        drop(rows);
        reader.join().map_err(|_panic| anyhow::anyhow!("reading the records was broken off"))??;
        out.finish()?;
        Ok(End::Success)
    }
}

impl Consents {
    fn run(self) -> anyhow::Result<End> {
        let format = self.target.format()?;
        let config = self.target.common.load(Flags::new())?;
        let storage = startup::open_storage(&config)?;
        settle(&config, &storage)?;
        let mut rows = Vec::new();
        storage.each_consent(&mut |it| {
            let cells =
                [it.visitor.to_string(), it.notice.to_string(), it.first_at.to_string(), it.last_at.to_string()];
            rows.push(cells.map(Cell::text).to_vec());
            ControlFlow::Continue(())
        })?;
        let mut out = Output::open(self.target.out.as_deref())?;
        write_table(format, &["visitor", "notice", "first_at", "last_at"], &mut rows.into_iter(), &mut out)?;
        out.finish()?;
        Ok(End::Success)
    }
}

/// Waits until the records acknowledged so far are in storage: a running service hands them over within moments; without one
/// they are handed over here.
pub(super) fn settle(config: &Config, storage: &Arc<dyn Storage>) -> anyhow::Result<()> {
    match startup::open_outbox(config, None) {
        Ok(outbox) => {
            let metrics = Arc::new(Metrics::new());
            let seats = Arc::new(KnownSeats::new(config.seats, Arc::new(SystemClock), Arc::clone(&metrics)));
            let after = after_delivery(&config.crm, storage);
            let deliverer = Deliverer::new((outbox, Arc::clone(storage)), seats, after, (metrics, None))?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(deliverer.drain())?;
            Ok(())
        }
        Err(error) => {
            let in_use = |it: &OutboxError| it.kind() == Trouble::InUse;
            if !error.downcast_ref::<OutboxError>().is_some_and(in_use) {
                return Err(error);
            }
            let look = Look::open(&startup::outbox_path(config))?;
            let Some((_, newest)) = look.waiting()? else {
                return Ok(());
            };
            for _ in 0..SETTLE_LOOKS_MAX {
                if look.waiting()?.is_none_or(|(oldest, _)| oldest > newest) {
                    return Ok(());
                }
                std::thread::sleep(SETTLE_LOOK_EVERY);
            }
            bail!("the running service has not handed over its records in time; its log says why")
        }
    }
}
