//! CSV in: rows of cells, numbered as a spreadsheet numbers them. Writing is in `table`.

use csv::{Reader, ReaderBuilder, StringRecord};

use crate::catalog::draft::read_row;
use crate::catalog::{Cells, Column, ColumnMap, Problem, SheetRules, code};

use super::formula::unguarded;
use super::{Listener, ROWS_MAX, ROWS_PER_PROGRESS, SheetSummary, length, too_many_rows};

/// Reads the rows of a sheet.
pub(super) fn read(
    text: &str,
    rules: &SheetRules<'_>,
    listener: &mut Listener<'_>,
) -> Result<SheetSummary, Vec<Problem>> {
    let mut lines = Lines::over(text);
    let mut record = StringRecord::new();
    let map = loop {
        if !lines.next(&mut record)? {
            return Err(vec![Problem::new(code::EMPTY, "the sheet is empty")]);
        }
        if record.iter().any(|it| !it.trim().is_empty()) {
            let headers: Vec<&str> = record.iter().map(unguarded).collect();
            break ColumnMap::of_sheet(&headers, &rules.mapping)?;
        }
    };
    let columns: Vec<(Column, usize)> = map.known().collect();
    let mut summary = SheetSummary {
        rows: 0,
        columns: columns
            .iter()
            .map(|(column, place)| (column.english(), record.get(*place).unwrap_or_default().to_owned()))
            .collect(),
        warnings: map.warnings.clone(),
    };
    let total = length(text);
    while lines.next(&mut record)? {
        let cell = |place: usize| unguarded(record.get(place).unwrap_or_default());
        let mut cells = Cells::default();
        for (column, place) in &columns {
            cells.put(*column, cell(*place));
        }
        cells.extras = map.extras().iter().map(|(place, name)| (&**name, cell(*place))).collect();
        let surplus = record.iter().skip(map.width()).find(|it| !it.trim().is_empty());
        if cells.is_blank() && surplus.is_none() {
            continue;
        }
        summary.rows += 1;
        if summary.rows > ROWS_MAX {
            return Err(vec![too_many_rows()]);
        }
        let mut warnings = Vec::new();
        let mut row = read_row(lines.row, &cells, rules, &mut warnings);
        if let Some(problem) = shape_problem(&lines, &record, &map, surplus) {
            row = Err(std::iter::once(problem).chain(row.err().into_iter().flatten()).collect());
        }
        (listener.each)(row, warnings);
        if summary.rows.is_multiple_of(ROWS_PER_PROGRESS) {
            (listener.progress)(lines.end, total);
        }
    }
    (listener.progress)(total, total);
    Ok(summary)
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

fn shape_problem(lines: &Lines<'_>, record: &StringRecord, map: &ColumnMap, surplus: Option<&str>) -> Option<Problem> {
    let problem = if lines.is_unclosed {
        Problem::new(
            code::UNCLOSED_QUOTE,
            "a quotation mark in this row is never closed, so the rest of the sheet is one cell",
        )
    } else {
        let message = format!(
            "the row has {} cells, the header has {}; is a cell with a separator in it not in quotation marks?",
            record.len(),
            map.width()
        );
        Problem { value: Some(surplus?.chars().take(80).collect()), ..Problem::new(code::TOO_MANY_CELLS, message) }
    };
    Some(problem.in_row(lines.row))
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
