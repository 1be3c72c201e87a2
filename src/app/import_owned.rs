//! From a sheet of groups or contacts to a catalog that is live, and the members that a sheet of groups counts.

use super::publish::{End, ImportError, ImportOptions, ImportReport, Importer};
use crate::catalog::owned::{OwnedColumns, OwnedKind, OwnedRow, OwnedRows, join_contacts, join_groups, read_owned_row};
use crate::catalog::{Merged, Problem, SheetRules};
use crate::exchange;
use crate::id::GroupId;

impl Importer<'_> {
    /// Reads a sheet of groups or contacts and publishes it; the report says everything. Blocks.
    ///
    /// # Errors
    /// [`ImportError`] if storage fails; what is wrong with the sheet stands in the report.
    pub fn owned(
        &self,
        kind: OwnedKind,
        bytes: &[u8],
        rules: &SheetRules<'_>,
        options: ImportOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<ImportReport, ImportError> {
        let mut report = ImportReport::default();
        let rows = match read(kind, bytes, rules, &mut report, progress) {
            Ok(rows) => rows,
            Err(problems) => return Ok(ImportReport { problems, ..ImportReport::default() }),
        };
        let members = members(&rows);
        let places = rows.iter().map(|it| (it.id.clone(), it.row)).collect();
        let version = self.storage().current_version()?;
        let entries = self.entries(version)?;
        let mut problems = Vec::new();
        let sheet = OwnedRows { rows, mode: options.mode, rules };
        let merged: Merged = match kind {
            OwnedKind::Groups => join_groups(entries, &sheet, &mut problems),
            OwnedKind::Contacts => join_contacts(entries, &sheet, &mut problems),
        };
        report.rejected += u64::try_from(problems.len()).unwrap_or(u64::MAX);
        for it in problems {
            report.problem(it);
        }
        let stops = report.stops(options);
        let end = End { stops: options.dry_run || stops, places };
        let report = self.finish(version, merged, &[], report, &end)?;
        if report.version.is_some() && !members.is_empty() {
            self.storage().set_members(&members, rules.now)?;
        }
        Ok(report)
    }
}

/// Names of the sheet of a workbook that holds them; without one the first is read.
fn sheet_names(kind: OwnedKind) -> &'static [&'static str] {
    match kind {
        OwnedKind::Groups => &["群", "groups"],
        OwnedKind::Contacts => &["联系人", "contacts"],
    }
}

fn read(
    kind: OwnedKind,
    bytes: &[u8],
    rules: &SheetRules<'_>,
    report: &mut ImportReport,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<OwnedRow>, Vec<Problem>> {
    let mut columns: Option<(OwnedColumns, csv::StringRecord)> = None;
    let mut rows = Vec::new();
    exchange::read_table::<Vec<Problem>>(bytes, sheet_names(kind), &mut |it| {
        let Some((columns, headers)) = &columns else {
            let headers: Vec<&str> = it.cells.iter().collect();
            if headers.iter().any(|it| !it.trim().is_empty()) {
                let found = OwnedColumns::of_headers(&headers, kind)?;
                columns = Some((found, it.cells.clone()));
            }
            return Ok(());
        };
        progress(it.progress.0, it.progress.1);
        let column = |place: usize| headers.get(place).unwrap_or_default();
        let errors = it.errors.iter().filter(|(place, _)| !column(*place).trim().is_empty());
        let errors: Vec<Problem> =
            errors.map(|(place, shown)| exchange::cell_error(it.row, column(*place), shown)).collect();
        let read = read_owned_row(it.row, columns, &|place| it.cell(place), rules);
        match if errors.is_empty() { read } else { Err(errors) } {
            Ok(None) => return Ok(()),
            Ok(Some(read)) => rows.push(read),
            Err(problems) => {
                report.rejected += 1;
                for it in problems {
                    report.problem(it);
                }
            }
        }
        report.rows += 1;
        Ok(())
    })?;
    if columns.is_none() {
        return Err(vec![Problem::new(crate::catalog::code::EMPTY, "the sheet is empty")]);
    }
    if report.rows == 0 {
        return Err(vec![Problem::new(crate::catalog::code::NO_ROWS, "the sheet has no rows below its header")]);
    }
    Ok(rows)
}

fn members(rows: &[OwnedRow]) -> Vec<(GroupId, u32)> {
    rows.iter().filter_map(|row| Some((GroupId::parse(&row.id).ok()?, row.members?))).collect()
}
