//! Sheets, read and written side by side: CSV, XLSX, GeoJSON and JSON lines. Maps of regions, read from
//! GeoJSON. What a cell means is the catalog's to say; here are only files.

mod csv;
mod encoding;
mod formula;
mod funnel;
mod geojson;
mod grid;
mod jsonl;
mod kind;
mod owned;
pub mod place;
mod points;
mod regions;
mod table;
mod template;
mod template_columns;
mod write;
mod xlsx;

use std::fmt;

use crate::catalog::{Problem, SheetRules, StoreRow, code};

pub use funnel::{funnel_headers, funnel_json, funnel_row};
pub use kind::FileKind;
pub use owned::{write_contacts, write_groups};
pub use points::write_points;
pub use regions::{Crossings, RegionRules, RegionSheet, read_regions};
pub use table::{Cell, TableFormat, WriteError, write_table};
pub use template::{TemplateOf, write_template};
pub use write::{SheetLine, TAG_HEADERS, extra_names, tag_row, write_stores};

/// The largest file that is read, in bytes.
pub const SHEET_BYTES_MAX: usize = 512 * 1024 * 1024;
/// The most rows that are read.
pub const ROWS_MAX: u64 = 2_000_000;
/// After so many rows the reader says how far it is.
const ROWS_PER_PROGRESS: u64 = 1_024;

/// Names of the sheet of a workbook that holds stores; without one the first is read.
const STORE_SHEETS: [&str; 2] = ["门店", "stores"];

/// The language of headers and of words such as `active`; both are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SheetLanguage {
    /// Chinese.
    Chinese,
    /// English.
    #[default]
    English,
}

impl SheetLanguage {
    fn of<T>(self, chinese: T, english: T) -> T {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }
}

/// What came of a whole sheet that could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetSummary {
    /// Rows that were not blank, refused ones included.
    pub rows: u64,
    /// Which header was taken for which column, as `("id", "store_id")`. Empty for GeoJSON, where each feature has its own.
    pub columns: Vec<(&'static str, String)>,
    /// Suspicions about the sheet as a whole.
    pub warnings: Vec<Problem>,
}

/// What the reader hands on.
pub struct Listener<'a> {
    /// Takes each row, or all that is wrong with it, and what is suspicious about it.
    pub each: &'a mut dyn FnMut(Result<StoreRow, Vec<Problem>>, Vec<Problem>),
    /// Hears how many of how many bytes are done. The bytes are those of the text, which may differ from the file's.
    pub progress: &'a mut dyn FnMut(u64, u64),
}

impl fmt::Debug for Listener<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// Reads a sheet of stores. The kind of file is told by its content, and by the ending of its name where that says nothing.
///
/// # Errors
/// What is wrong with the sheet as a whole: not a sheet, no text, columns missing, too large. Rows that were handed on before do
/// not count.
pub fn read_stores(
    bytes: &[u8],
    file_name: &str,
    rules: &SheetRules<'_>,
    listener: &mut Listener<'_>,
) -> Result<SheetSummary, Vec<Problem>> {
    if bytes.len() > SHEET_BYTES_MAX {
        let message = format!("the file has {} bytes, at most {SHEET_BYTES_MAX} are read", bytes.len());
        return Err(vec![Problem::new(code::TOO_LARGE, message)]);
    }
    let kind = kind::tell(bytes, file_name).map_err(|it| vec![it])?;
    let text = || encoding::decode(bytes).map_err(|it| vec![it]);
    let summary = match kind {
        FileKind::Csv => csv::read(&text()?, rules, listener)?,
        FileKind::GeoJson => geojson::read(&text()?, rules, listener)?,
        FileKind::JsonLines => jsonl::read(&text()?, rules, listener)?,
        FileKind::Xlsx => xlsx::read(bytes, &STORE_SHEETS, rules, listener)?,
    };
    if summary.rows == 0 {
        return Err(vec![Problem::new(code::NO_ROWS, "the sheet has no rows below its header")]);
    }
    Ok(summary)
}

/// One row of a table.
#[derive(Debug)]
pub struct TableRow<'a> {
    /// The row as a spreadsheet shows it.
    pub row: u64,
    /// Its cells as they stand there.
    pub cells: &'a ::csv::StringRecord,
    /// Places of cells that hold an error in place of a value, and what they show. Of workbooks only.
    pub errors: &'a [(usize, String)],
    /// How much of the whole is done, and how much it is.
    pub progress: (u64, u64),
    /// Whether a text that begins like a formula bears an apostrophe.
    pub is_guarded: bool,
}

impl TableRow<'_> {
    /// The text of a cell, without the apostrophe that guards a formula.
    #[must_use]
    pub fn cell(&self, place: usize) -> &str {
        let cell = self.cells.get(place).unwrap_or_default();
        if self.is_guarded { formula::unguarded(cell) } else { cell }
    }
}

/// The rows of a table: CSV of any of the encodings and separators that sheets come in, JSON lines with their names first, or the sheet of a workbook that has one
/// of these names, else its first.
///
/// # Errors
/// What is wrong with the table as a whole, or what `each` breaks off with.
pub fn read_table<E: From<Vec<Problem>>>(
    bytes: &[u8],
    names: &[&str],
    each: &mut dyn FnMut(&TableRow<'_>) -> Result<(), E>,
) -> Result<(), E> {
    if bytes.len() > SHEET_BYTES_MAX {
        let message = format!("the file has {} bytes, at most {SHEET_BYTES_MAX} are read; divide it", bytes.len());
        return Err(vec![Problem::new(code::TOO_LARGE, message)].into());
    }
    match kind::tell(bytes, "").map_err(|it| vec![it])? {
        FileKind::Xlsx => xlsx::each_row(bytes, names, &mut |it| {
            let progress = (it.number, it.of.max(it.number));
            each(&TableRow { row: it.number, cells: it.record, errors: it.errors, progress, is_guarded: false })
        }),
        FileKind::JsonLines => {
            let text = encoding::decode(bytes).map_err(|it| vec![it])?;
            let total = length(&text);
            jsonl::each_record(&text, &mut |row, cells, end| {
                each(&TableRow { row, cells, errors: &[], progress: (end, total), is_guarded: false })
            })
        }
        FileKind::Csv | FileKind::GeoJson => {
            let text = encoding::decode(bytes).map_err(|it| vec![it])?;
            let total = length(&text);
            csv::each_record(&text, &mut |row, cells, end| {
                each(&TableRow { row, cells, errors: &[], progress: (end, total), is_guarded: true })
            })
        }
    }
}

/// The problem of a cell that holds an error in place of a value.
#[must_use]
pub fn cell_error(row: u64, column: &str, shown: &str) -> Problem {
    grid::cell_error(row, column.to_owned(), shown)
}

fn too_many_rows() -> Problem {
    Problem::new(code::TOO_MANY_ROWS, format!("the sheet has more than {ROWS_MAX} rows; divide it"))
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
