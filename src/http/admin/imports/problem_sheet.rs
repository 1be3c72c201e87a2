//! The refused rows of an import as a sheet that can be corrected and imported: each as it came, with what is wrong beside it.

use std::collections::BTreeMap;

use super::words;
use crate::app::{ImportJob, ImportReport};
use crate::catalog::Problem;
use crate::catalog::column::NOTE_HEADERS;
use crate::exchange::{Cell, SheetLanguage, TableFormat, WriteError, read_table, write_table};

/// Writes the sheet. Where the rows are not at hand (points on a map, a file that is gone), it lists what is wrong and where.
pub(super) fn write(job: &ImportJob, language: SheetLanguage) -> Result<Vec<u8>, WriteError> {
    let empty = ImportReport::default();
    let report = job.report.as_deref().unwrap_or(&empty);
    let mut by_row: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for it in report.problems.iter().filter(|it| it.row.is_some_and(|row| row > 1)) {
        by_row.entry(it.row.unwrap_or_default()).or_default().push(sentence(it, language));
    }
    let rows = job.draft_bytes().map(|bytes| rows(bytes, &by_row)).unwrap_or_default();
    let mut out = Vec::new();
    if rows.len() > 1 {
        corrected(&rows, &by_row, language, &mut out)?;
    } else {
        listed(report, language, &mut out)?;
    }
    Ok(out)
}

fn sentence(problem: &Problem, language: SheetLanguage) -> String {
    let told = words::in_language(problem, language);
    match &told.column {
        Some(column) => format!("{column}: {}", told.message),
        None => told.message,
    }
}

/// Names of the sheets that imports read.
const SHEETS: [&str; 6] = ["门店", "stores", "群", "groups", "联系人", "contacts"];

type Rows = Vec<(u64, Vec<String>)>;

/// The header and the refused rows.
fn rows(bytes: &[u8], by_row: &BTreeMap<u64, Vec<String>>) -> Rows {
    let mut kept = Rows::new();
    // What cannot be read again is listed instead.
    let _ = read_table::<Vec<Problem>>(bytes, &SHEETS, &mut |it| {
        let is_header = kept.is_empty() && it.cells.iter().filter(|it| !it.trim().is_empty()).count() > 1;
        if is_header || (!kept.is_empty() && by_row.contains_key(&it.row)) {
            let mut cells: Vec<String> = (0..it.cells.len()).map(|place| it.cell(place).to_owned()).collect();
            for (place, shown) in it.errors {
                if let Some(cell) = cells.get_mut(*place) {
                    cell.clone_from(shown);
                }
            }
            kept.push((it.row, cells));
        }
        Ok(())
    });
    kept
}

fn corrected(
    rows: &Rows,
    by_row: &BTreeMap<u64, Vec<String>>,
    language: SheetLanguage,
    out: &mut Vec<u8>,
) -> Result<(), WriteError> {
    let note = note_header(language);
    let header = rows.first().map(|(_, cells)| cells.as_slice()).unwrap_or_default();
    // A column of an earlier sheet of problems is written anew.
    let kept: Vec<bool> = header.iter().map(|it| !NOTE_HEADERS.contains(&it.trim())).collect();
    let is_kept = |place: &usize| kept.get(*place).copied().unwrap_or(true);
    let named = header.iter().enumerate().filter(|(place, _)| is_kept(place)).map(|(_, it)| it.as_str());
    let headers: Vec<&str> = std::iter::once(note).chain(named).collect();
    let mut lines = rows.iter().skip(1).map(|(row, cells)| {
        let what = by_row.get(row).map(|it| it.join("\n")).unwrap_or_default();
        let cells = cells.iter().enumerate().filter(|(place, _)| is_kept(place));
        std::iter::once(Cell::text(what)).chain(cells.map(|(_, it)| Cell::text(it.as_str()))).collect()
    });
    write_table(TableFormat::Xlsx, &headers, &mut lines, out).map(|_rows| ())
}

fn note_header(language: SheetLanguage) -> &'static str {
    let [chinese, english] = NOTE_HEADERS;
    if language == SheetLanguage::Chinese { chinese } else { english }
}

fn listed(report: &ImportReport, language: SheetLanguage, out: &mut Vec<u8>) -> Result<(), WriteError> {
    let headers = match language {
        SheetLanguage::Chinese => ["行", "列", "内容", "问题"],
        SheetLanguage::English => ["row", "column", "value", "problem"],
    };
    let mut lines = report.problems.iter().chain(&report.warnings).map(|it| {
        let told = words::in_language(it, language);
        vec![
            it.row.and_then(|it| u32::try_from(it).ok()).map_or(Cell::Empty, Cell::Count),
            Cell::text(told.column.map(std::borrow::Cow::into_owned).unwrap_or_default()),
            Cell::text(told.value.unwrap_or_default()),
            Cell::text(told.message),
        ]
    });
    write_table(TableFormat::Xlsx, &headers, &mut lines, out).map(|_rows| ())
}
