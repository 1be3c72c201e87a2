//! `jinqun import groups` and `jinqun import contacts`.

use std::path::PathBuf;

use clap::Args;

use super::super::{Common, End, Printer};
use super::{ROWS_REMEDY, Reporting, info, mode, read};
use crate::app::{ImportOptions, Importer};
use crate::catalog::owned::OwnedKind;
use crate::catalog::{Mapping, SheetRules};
use crate::config::Flags;
use crate::exchange::SHEET_BYTES_MAX;
use crate::startup;

/// A sheet of groups or contacts
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// The sheet, XLSX or CSV (UTF-8 or GB18030)
    file: PathBuf,
    /// What happens to those that the sheet does not name: merge (they stay) or replace (they go)
    #[arg(long, default_value = "merge")]
    mode: String,
    /// Publish the good rows although others are refused
    #[arg(long)]
    skip_bad_rows: bool,
    #[command(flatten)]
    reporting: Reporting,
}

impl Options {
    pub(super) fn run(self, kind: OwnedKind, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let mode = mode(&self.mode)?;
        let bytes = read(&self.file, SHEET_BYTES_MAX)?;
        let storage = startup::open_storage(&config)?;
        let info = info(&self.file);
        let rules = SheetRules {
            datum: None,
            link_hosts: &config.join_link_hosts,
            zone: config.time_zone.clone(),
            mapping: Mapping::default(),
            groups: config.groups,
            now: info.at,
        };
        let options = ImportOptions { mode, dry_run: self.reporting.dry_run, skip_bad_rows: self.skip_bad_rows };
        let report = Importer::new(&*storage, info).owned(kind, &bytes, &rules, options, &mut |_, _| {})?;
        self.reporting.tell(printer, &report, ROWS_REMEDY)
    }
}
