//! `jinqun tag`: the nearest store and region tags for every row of a table.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::import::read;
use super::printer::Output;
use super::{Common, End, Printer, datum, unfit};
use crate::app::{BulkError, load_catalog, tag_table};
use crate::config::Flags;
use crate::exchange::SHEET_BYTES_MAX;
use crate::startup;

/// Tag a table of people: the nearest store and its region for every row
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun tag --in people.csv --out tagged.csv --datum gcj02\n\n\
    The table is CSV with the columns lat and lng, and any others, which are kept.")]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// The table to read
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    /// The table to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The datum of rows that name none: wgs84, gcj02 or bd09
    #[arg(long)]
    datum: Option<String>,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let datum = datum(self.datum.as_deref())?;
        let storage = startup::open_storage(&config)?;
        let version = storage.current_version()?;
        if version == 0 {
            bail!("no catalog has been published in {}; import stores first", config.data_dir.display());
        }
        let catalog = load_catalog(&*storage, version)?;
        let bytes = read(&self.input, SHEET_BYTES_MAX)?;
        let bar = printer.bar(u64::try_from(bytes.len()).unwrap_or(u64::MAX), "tagging");
        let mut out = Output::open(Some(&self.out))?;
        let report = tag_table(&catalog, datum, &bytes, &mut out, &mut |done| bar.set_position(done))
            .map_err(|error| match error {
                BulkError::Columns(_) => unfit(error.to_string()),
                BulkError::Table(_) | BulkError::Output(_) => error.into(),
            })
            .with_context(|| format!("{} cannot be tagged", self.input.display()))?;
        bar.finish_and_clear();
        out.finish()?;
        for it in report.problems.iter().take(50) {
            let row = it.row.map(|row| format!(" row {row}")).unwrap_or_default();
            printer.note(format!("problem{row}: {} [{}]", it.message, it.code));
        }
        let without = report.rows - report.tagged;
        printer.line(format!("{} rows: {} tagged, {without} without a usable position", report.rows, report.tagged))?;
        Ok(if without == 0 { End::Success } else { End::Problems })
    }
}
