//! `jinqun import regions`: maps of regions and service areas into the catalog.

use std::path::PathBuf;

use clap::Args;

use super::{Reporting, info, mode, read};
use crate::app::{Importer, MapOptions};
use crate::catalog::code;
use crate::cli::{Common, End, Printer, datum};
use crate::config::Flags;
use crate::exchange::{Crossings, RegionRules, SHEET_BYTES_MAX};
use crate::startup;

/// Import regions or service areas: GeoJSON polygons and multipolygons
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  jinqun import regions districts.geojson --datum gcj02 --accept-crossings\n  \
    jinqun import regions areas.geojson --mode replace --dry-run\n\nProperties of a feature:\n  \
    adcode, code or id   its code; GB/T 2260 in China\n  \
    name                 its name, as it is put on customers\n  \
    level                province, city, district or area (商圈); else told by adcode, else area\n  \
    parent               the code of the region that it is part of\n  \
    datum                its datum, where it is not that of --datum\n  \
    store                the id of a store: the feature is the area that this store serves")]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// The file
    file: PathBuf,
    /// The datum of features that name none: wgs84 (as GeoJSON has it), gcj02 (`AMap`, Tencent, `DataV`) or bd09 (Baidu)
    #[arg(long)]
    datum: Option<String>,
    /// What happens to regions of the file's levels that it does not name: merge (they stay) or replace (they go)
    #[arg(long, default_value = "merge")]
    mode: String,
    /// Read rings that cross or touch themselves by the even-odd rule, instead of refusing them
    #[arg(long)]
    accept_crossings: bool,
    #[command(flatten)]
    reporting: Reporting,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let crossings = if self.accept_crossings { Crossings::Warn } else { Crossings::Refuse };
        let rules = RegionRules { datum: datum(self.datum.as_deref())?, level: None, crossings };
        let options = MapOptions { mode: mode(&self.mode)?, dry_run: self.reporting.dry_run };
        let bytes = read(&self.file, SHEET_BYTES_MAX)?;
        let storage = startup::open_storage(&config)?;
        let name = self.file.to_string_lossy();
        let bar = printer.bar(1, "reading the map");
        let report = Importer::new(&*storage, info(&self.file)).map(&bytes, &name, rules, options)?;
        bar.finish_and_clear();
        let is_crossed = report.problems.iter().all(|it| it.code == code::SELF_INTERSECTING);
        let remedy = if is_crossed {
            "correct the shapes, or read them by the even-odd rule with --accept-crossings"
        } else {
            "correct the file"
        };
        self.reporting.tell(printer, &report, remedy)
    }
}
