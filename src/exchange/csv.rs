//! CSV in: rows of cells, numbered as a spreadsheet numbers them. Writing is in `table`.

use csv::{Reader, ReaderBuilder, StringRecord};

use crate::catalog::{Problem, SheetRules, code};

use super::formula::unguarded;
use super::grid::{Grid, Line};
use super::{Listener, ROWS_PER_PROGRESS, SheetSummary, length};

/// Reads the rows of a sheet.
pub(super) fn read(
    text: &str,
    rules: &SheetRules<'_>,
    listener: &mut Listener<'_>,
) -> Result<SheetSummary, Vec<Problem>> {
    let mut lines = Lines::over(text);
    let mut record = StringRecord::new();
    let mut grid: Option<Grid<'_>> = None;
    let total = length(text);
    while lines.next(&mut record)? {
        let cells: Vec<&str> = record.iter().map(unguarded).collect();
        let Some(grid) = &mut grid else {
            if cells.iter().any(|it| !it.trim().is_empty()) {
                grid = Some(Grid::below(&cells, rules)?);
            }
            continue;
        };
        let broken = lines.is_unclosed.then(|| {
            let message = "a quotation mark in this row is never closed, so the rest of the sheet is one cell";
            Problem::new(code::UNCLOSED_QUOTE, message).in_row(lines.row)
        });
        grid.take(Line { row: lines.row, cells, broken, errors: &[], is_parted: true }, listener)?;
        if grid.summary.rows.is_multiple_of(ROWS_PER_PROGRESS) {
            (listener.progress)(lines.end, total);
        }
    }
    (listener.progress)(total, total);
    grid.map(|it| it.summary).ok_or_else(|| vec![Problem::new(code::EMPTY, "the sheet is empty")])
}

/// Hands over every record with its row and the byte behind it.
pub(super) fn each_record<E: From<Vec<Problem>>>(
    text: &str,
    each: &mut dyn FnMut(u64, &StringRecord, u64) -> Result<(), E>,
) -> Result<(), E> {
    let mut lines = Lines::over(text);
    let mut record = StringRecord::new();
    while lines.next(&mut record)? {
        each(lines.row, &record, lines.end)?;
    }
    Ok(())
}

/// The records of a text, each with its row.
struct Lines<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// The row of the last record: the first line is row 1, blank lines count, a cell of several lines does not.
    row: u64,
    /// The byte behind the last record.
    end: u64,
    ended_in_return: bool,
    /// Whether the last record runs to the end of the text because a quotation mark is missing.
    is_unclosed: bool,
}

impl<'a> Lines<'a> {
    fn over(text: &'a str) -> Self {
        let reader = ReaderBuilder::new()
            .delimiter(separator(text))
            .flexible(true)
            .has_headers(false)
            .from_reader(text.as_bytes());
        Self { text, reader, row: 0, end: 0, ended_in_return: false, is_unclosed: false }
    }

    /// Reads the next record; false at the end.
    fn next(&mut self, record: &mut StringRecord) -> Result<bool, Vec<Problem>> {
        let start = self.end;
        let more = self.reader.read_record(record).map_err(|error| {
            vec![Problem::new(code::NOT_A_SHEET, format!("the sheet cannot be read: {error}")).in_row(self.row + 1)]
        })?;
        self.end = self.reader.position().byte();
        let bounds = (usize::try_from(start).unwrap_or(usize::MAX), usize::try_from(self.end).unwrap_or(usize::MAX));
        let raw = self.text.as_bytes().get(bounds.0..bounds.1).unwrap_or_default();
        // The reader leaves the second half of a CR LF to the next record.
        let raw = if self.ended_in_return { raw.strip_prefix(b"\n").unwrap_or(raw) } else { raw };
        let (blank_lines, raw) = skip_blank(raw);
        self.ended_in_return = raw.ends_with(b"\r");
        self.row += blank_lines + u64::from(more);
        let quotes = raw.split(|it| *it == b'"').count() - 1;
        self.is_unclosed = bounds.1 >= self.text.len()
            && quotes % 2 == 1
            && raw.trim_ascii_end().iter().any(|it| matches!(it, b'\n' | b'\r'));
        Ok(more)
    }
}

/// The number of line ends that a record begins with, and what follows them.
fn skip_blank(mut raw: &[u8]) -> (u64, &[u8]) {
    let mut count = 0;
    while let [b'\r', b'\n', rest @ ..] | [b'\r' | b'\n', rest @ ..] = raw {
        count += 1;
        raw = rest;
    }
    (count, raw)
}

/// The character that parts the cells of the header: whichever of comma, semicolon and tab is there most often.
fn separator(text: &str) -> u8 {
    let (mut commas, mut semicolons, mut tabs, mut is_quoted) = (0_u32, 0_u32, 0_u32, false);
    for byte in text.trim_start().bytes() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            b',' => commas += 1,
            b';' => semicolons += 1,
            b'\t' => tabs += 1,
            b'\r' | b'\n' => break,
            _ => {}
        }
    }
    if tabs > commas && tabs > semicolons {
        b'\t'
    } else if semicolons > commas {
        b';'
    } else {
        b','
    }
}
