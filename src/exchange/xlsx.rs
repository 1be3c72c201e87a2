//! XLSX in: rows of cells, numbered as a spreadsheet numbers them. Writing is in `table` and `template`.
//!
//! The archive is unpacked under limits first (`archive`), the rows are then read one by one. Formulas count as what they last
//! gave, rows that a filter hides are read like others, and a value that stands over several merged rows is that of each of them.

mod archive;
mod cell;

use std::collections::HashMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use csv::StringRecord;

use crate::catalog::columns::COLUMNS_MAX;
use crate::catalog::{Problem, SheetRules, code};

use super::grid::{Grid, Line};
use super::{Listener, ROWS_PER_PROGRESS, SheetSummary};
use cell::Shown;

/// Cells that the header has at least; what stands above it is a title.
const HEADER_CELLS_MIN: usize = 2;

/// A row of a workbook.
pub(super) struct Row<'a> {
    /// Its number as the spreadsheet shows it.
    pub(super) number: u64,
    /// Its cells as text, from the first column on.
    pub(super) record: &'a StringRecord,
    /// Cells that hold an error: place and what is shown.
    pub(super) errors: &'a [(usize, String)],
    /// The number of the last row that the sheet says it has.
    pub(super) of: u64,
}

type Book<'a> = Xlsx<Cursor<&'a [u8]>>;
/// Takes a row, or breaks off.
type Each<'a, E> = &'a mut dyn FnMut(&Row<'_>) -> Result<(), E>;

/// Reads the rows of a sheet of stores.
pub(super) fn read(
    bytes: &[u8],
    names: &[&str],
    rules: &SheetRules<'_>,
    listener: &mut Listener<'_>,
) -> Result<SheetSummary, Vec<Problem>> {
    let mut grid: Option<Grid<'_>> = None;
    let mut title: Option<StringRecord> = None;
    each_row::<Vec<Problem>>(bytes, names, &mut |row| {
        let cells: Vec<&str> = row.record.iter().collect();
        let Some(grid) = &mut grid else {
            match cells.iter().filter(|it| !it.trim().is_empty()).count() {
                0 => {}
                few if few < HEADER_CELLS_MIN => title = title.take().or_else(|| Some(row.record.clone())),
                _ => grid = Some(Grid::below(&cells, rules)?),
            }
            return Ok(());
        };
        grid.take(Line { row: row.number, cells, broken: None, errors: row.errors, is_parted: false }, listener)?;
        if grid.summary.rows.is_multiple_of(ROWS_PER_PROGRESS) {
            (listener.progress)(row.number, row.of.max(row.number));
        }
        Ok(())
    })?;
    (listener.progress)(1, 1);
    if let (None, Some(title)) = (&grid, title) {
        Grid::below(&title.iter().collect::<Vec<_>>(), rules)?;
    }
    grid.map(|it| it.summary).ok_or_else(|| vec![Problem::new(code::EMPTY, "the sheet is empty")])
}

/// Hands over every row of a workbook's sheet: the one with one of these names, else the first that is not hidden.
///
/// # Errors
/// What is wrong with the workbook, or what `each` breaks off with.
pub(super) fn each_row<E: From<Vec<Problem>>>(bytes: &[u8], names: &[&str], each: Each<'_, E>) -> Result<(), E> {
    archive::check(bytes).map_err(|it| vec![it])?;
    // A file made to break the library breaks off this import and nothing else.
    let read = catch_unwind(AssertUnwindSafe(|| rows(bytes, names, each)));
    read.unwrap_or_else(|_panic| Err(vec![broken("it contradicts itself")].into()))
}

fn broken(cause: &str) -> Problem {
    let message =
        format!("this workbook is damaged or cut off ({cause}); open it in a spreadsheet program and save it again");
    Problem::new(code::WORKBOOK_BROKEN, message)
}

fn unreadable(error: &XlsxError) -> Vec<Problem> {
    if matches!(error, XlsxError::Password) {
        let message = "this workbook is protected by a password; open it, remove the password and save it again";
        return vec![Problem::new(code::ENCRYPTED, message)];
    }
    let cause: String = error.to_string().chars().take(120).collect();
    vec![broken(&cause)]
}

fn rows<E: From<Vec<Problem>>>(bytes: &[u8], names: &[&str], each: Each<'_, E>) -> Result<(), E> {
    let mut book: Book<'_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let name = choose(&book, names).ok_or_else(|| vec![broken("it has no sheet")])?;
    // Where they cannot be read, cells count as if none were merged.
    let merged = book.merge_cells_by_sheet_name(&name).unwrap_or_default();
    let mut lasting: HashMap<(u32, u32), u32> = HashMap::new();
    for it in merged.iter().filter(|it| it.start.1 == it.end.1 && it.end.0 > it.start.0) {
        lasting.insert(it.start, it.end.0);
    }
    let mut cells = book.worksheet_cells_reader(&name).map_err(|error| unreadable(&error))?;
    let pads: Vec<usize> = cells.styles().iter().map(cell::padding).collect();
    let last_row = u64::from(cells.dimensions().end.0) + 1;
    let mut under = Pending { row: 0, cells: Vec::new(), errors: Vec::new(), record: StringRecord::new() };
    let mut held: HashMap<u32, (u32, Shown)> = HashMap::new();
    while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(|error| unreadable(&error))? {
        let (row, column) = cell.get_position();
        if row != under.row {
            under.hand_over(&mut held, last_row, each)?;
            under.row = row;
        }
        let pad = pads.get(style).copied().unwrap_or_default();
        let Some(shown) = Shown::of(cell.get_value(), pad) else { continue };
        if usize::try_from(column).unwrap_or(usize::MAX) >= COLUMNS_MAX {
            let message = format!("the sheet has content beyond column {COLUMNS_MAX}; remove what is not needed");
            return Err(vec![Problem::new(code::TOO_MANY_COLUMNS, message).in_row(u64::from(row) + 1)].into());
        }
        if let Some(last) = lasting.get(&(row, column)) {
            held.insert(column, (*last, shown.clone()));
        }
        under.cells.push((column, shown));
    }
    under.hand_over(&mut held, last_row, each)
}

/// The sheet to read.
fn choose(book: &Book<'_>, names: &[&str]) -> Option<String> {
    let sheets = book.sheets_metadata();
    let is_named = |it: &str| names.iter().any(|name| it.trim().eq_ignore_ascii_case(name));
    let seen = || sheets.iter().filter(|it| it.typ == SheetType::WorkSheet && it.visible == SheetVisible::Visible);
    let found = seen().find(|it| is_named(&it.name)).or_else(|| seen().next()).or_else(|| sheets.first());
    found.map(|it| it.name.clone())
}

/// A row that is being put together.
struct Pending {
    row: u32,
    cells: Vec<(u32, Shown)>,
    errors: Vec<(usize, String)>,
    record: StringRecord,
}

impl Pending {
    fn hand_over<E>(
        &mut self,
        held: &mut HashMap<u32, (u32, Shown)>,
        last_row: u64,
        each: Each<'_, E>,
    ) -> Result<(), E> {
        if self.cells.is_empty() {
            return Ok(());
        }
        held.retain(|_, (last, _)| *last >= self.row);
        for (column, (_, shown)) in held.iter() {
            if self.cells.iter().all(|(it, _)| it != column) {
                self.cells.push((*column, shown.clone()));
            }
        }
        self.cells.sort_by_key(|(column, _)| *column);
        self.record.clear();
        self.errors.clear();
        for (column, shown) in self.cells.drain(..) {
            let place = usize::try_from(column).unwrap_or(usize::MAX);
            // Of two cells in one place, which no spreadsheet writes, the first stands.
            if place < self.record.len() {
                continue;
            }
            while self.record.len() < place {
                self.record.push_field("");
            }
            match shown {
                Shown::Text(text) => self.record.push_field(&text),
                Shown::Error(text) => {
                    self.record.push_field("");
                    self.errors.push((place, text));
                }
            }
        }
        each(&Row { number: u64::from(self.row) + 1, record: &self.record, errors: &self.errors, of: last_row })
    }
}

/// The value of a cell, for the parts below.
type Value<'a> = DataRef<'a>;
