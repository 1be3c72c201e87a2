//! From a file of regions and service areas to a catalog that is live.

use std::collections::{BTreeSet, HashMap};

use super::load::load_entries;
use super::publish::{End, ImportError, ImportReport, Importer};
use crate::catalog::{MapPieces, Mode, Problem, doubts, merge_map};
use crate::exchange::{self, RegionRules, RegionSheet};
use crate::id::RegionCode;

/// How a file of regions is to be taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct MapOptions {
    /// What happens to regions of the same level that the file does not name.
    pub mode: Mode,
    /// Report, and change nothing.
    pub dry_run: bool,
}

impl Importer<'_> {
    /// Reads regions and service areas and publishes them; the report says everything, its rows are the features of the file. Blocks.
    ///
    /// # Errors
    /// [`ImportError`] if storage fails; what is wrong with the file stands in the report.
    pub fn map(
        &self,
        bytes: &[u8],
        file_name: &str,
        rules: RegionRules,
        options: MapOptions,
    ) -> Result<ImportReport, ImportError> {
        let mut sheet = match exchange::read_regions(bytes, file_name, rules) {
            Ok(sheet) => sheet,
            Err(problems) => {
                let rejected: BTreeSet<u64> = problems.iter().filter_map(|it| it.row).collect();
                let rejected = u64::try_from(rejected.len()).unwrap_or(u64::MAX);
                return Ok(ImportReport { rejected, problems, ..ImportReport::default() });
            }
        };
        let mut report = ImportReport {
            rows: u64::try_from(sheet.features).unwrap_or(u64::MAX),
            warnings: std::mem::take(&mut sheet.warnings),
            ..ImportReport::default()
        };
        let version = self.storage.current_version()?;
        let entries = load_entries(self.storage, version)?;
        let regions = std::mem::take(&mut sheet.regions);
        let fresh: BTreeSet<RegionCode> = regions.iter().map(|it| it.code.clone()).collect();
        let pieces = MapPieces { regions, service_areas: std::mem::take(&mut sheet.service_areas) };
        let merged = match merge_map(entries, pieces, options.mode) {
            Ok(merged) => merged,
            Err(problems) => {
                report.problems = problems;
                return Ok(placed(report, &sheet));
            }
        };
        let read_as = rules.datum.unwrap_or_default();
        let stores = &merged.entries.stores;
        // What concerns the whole file comes before the many corners where it touches itself.
        report.warnings.splice(0..0, doubts(stores, &merged.entries.regions, &|it| fresh.contains(it), read_as));
        let report =
            self.finish(version, merged, &[], report, &End { stops: options.dry_run, places: HashMap::new() })?;
        Ok(placed(report, &sheet))
    }
}

/// The report with the rows of the features that problems are about.
fn placed(mut report: ImportReport, sheet: &RegionSheet) -> ImportReport {
    let place = |it: Problem| match it.value.as_deref().and_then(|value| sheet.row_of(value)) {
        Some(row) if it.row.is_none() => it.in_row(row),
        _ => it,
    };
    report.problems = report.problems.into_iter().map(place).collect();
    report
}
