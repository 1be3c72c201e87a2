//! Tables out: rows of cells as CSV, JSON lines or XLSX. Knows nothing of what they mean.

use std::borrow::Cow;
use std::io::{self, Write};

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use thiserror::Error;

use super::formula::guarded;

/// Rows that one sheet of a workbook holds, the header not counted (Excel specifications and limits: 1,048,576 rows).
pub const WORKBOOK_ROWS_MAX: u32 = 1_048_575;
/// The byte order mark without which Excel takes UTF-8 for the code page of the machine.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// In what form a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// UTF-8 with a byte order mark, lines ended by CR LF.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// A workbook with one sheet.
    Xlsx,
}

impl TableFormat {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Jsonl, Self::Xlsx];

    /// Reads `csv`, `jsonl` or `xlsx`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| text.trim().eq_ignore_ascii_case(it.ending()))
    }

    /// The ending of file names.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Xlsx => "xlsx",
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/jsonl; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A text, written as one whatever it looks like.
    Text(Cow<'a, str>),
    /// A finite number, written so that it reads back as the same.
    Number(f64),
    /// A count.
    Count(u32),
}

impl<'a> Cell<'a> {
    /// A text; an empty one is an empty cell.
    #[must_use]
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// The same cell, without borrowing.
    #[must_use]
    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Empty => Cell::Empty,
            Self::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
            Self::Number(number) => Cell::Number(number),
            Self::Count(count) => Cell::Count(count),
        }
    }
}

/// Why a table was not written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The place where it goes does not take it.
    #[error("the table cannot be written")]
    Output(#[from] io::Error),
    /// The workbook cannot be made.
    #[error("the workbook cannot be made")]
    Workbook(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// More rows than a workbook holds.
    #[error("a workbook holds at most {WORKBOOK_ROWS_MAX} rows; choose csv or jsonl")]
    TooManyRows,
}

impl From<XlsxError> for WriteError {
    fn from(error: XlsxError) -> Self {
        Self::Workbook(error.into())
    }
}

/// Writes a table and returns the number of its rows, the header not counted. CSV and JSON lines are written as the rows come; a
/// workbook is collected in a temporary file and written at the end.
///
/// # Errors
/// [`WriteError`] if the output fails or the format cannot hold the rows.
pub fn write_table(
    format: TableFormat,
    headers: &[&str],
    rows: &mut dyn Iterator<Item = Vec<Cell<'_>>>,
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    match format {
        TableFormat::Csv => write_csv(headers, rows, out),
        TableFormat::Jsonl => write_jsonl(headers, rows, out),
        TableFormat::Xlsx => write_xlsx(headers, rows, out),
    }
}

fn write_csv(
    headers: &[&str],
    rows: &mut dyn Iterator<Item = Vec<Cell<'_>>>,
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    out.write_all(UTF8_MARK)?;
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    let output = |error: csv::Error| WriteError::Output(error.into());
    writer.write_record(headers.iter().map(|it| guarded(it).into_owned())).map_err(output)?;
    let mut count = 0;
    for row in rows {
        for cell in &row {
            let text = match cell {
                Cell::Empty => Cow::Borrowed(""),
                Cell::Text(text) => guarded(text),
                Cell::Number(number) => Cow::Owned(shortest(*number)),
                Cell::Count(count) => Cow::Owned(count.to_string()),
            };
            writer.write_field(text.as_bytes()).map_err(output)?;
        }
        writer.write_record(None::<&[u8]>).map_err(output)?;
        count += 1;
    }
    writer.flush()?;
    Ok(count)
}

/// The shortest text that reads back as the same number; with an exponent where plain digits would be long.
pub(super) fn shortest(number: f64) -> String {
    let plain = number.to_string();
    if plain.len() <= 24 { plain } else { format!("{number:e}") }
}

fn write_jsonl(
    headers: &[&str],
    rows: &mut dyn Iterator<Item = Vec<Cell<'_>>>,
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    let mut out = io::BufWriter::new(out);
    let mut count = 0;
    for row in rows {
        let mut mark = "{";
        for (header, cell) in headers.iter().zip(&row) {
            out.write_all(mark.as_bytes())?;
            mark = ",";
            serde_json::to_writer(&mut out, header).map_err(io::Error::from)?;
            out.write_all(b":")?;
            match cell {
                Cell::Empty => out.write_all(b"null")?,
                Cell::Text(text) => {
                    serde_json::to_writer(&mut out, text).map_err(io::Error::from)?;
                }
                Cell::Number(number) => {
                    serde_json::to_writer(&mut out, number).map_err(io::Error::from)?;
                }
                Cell::Count(count) => write!(out, "{count}")?,
            }
        }
        out.write_all(if mark == "{" { b"{}\n" } else { b"}\n" })?;
        count += 1;
    }
    out.flush()?;
    Ok(count)
}

fn write_xlsx(
    headers: &[&str],
    rows: &mut dyn Iterator<Item = Vec<Cell<'_>>>,
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.set_freeze_panes(1, 0)?;
    let bold = Format::new().set_bold();
    for (column, header) in (0_u16..).zip(headers) {
        sheet.set_column_width(column, width_of(header))?;
        sheet.write_string_with_format(0, column, *header, &bold)?;
    }
    let mut count = 0_u32;
    for row in rows {
        count += 1;
        if count > WORKBOOK_ROWS_MAX {
            return Err(WriteError::TooManyRows);
        }
        write_xlsx_row(sheet, count, &row)?;
    }
    out.write_all(&workbook.save_to_buffer()?)?;
    out.flush()?;
    Ok(u64::from(count))
}

/// A width that fits most cells below a header, in characters: the rows are not known before they are written.
fn width_of(header: &str) -> f64 {
    match header {
        "name" | "address" | "门店名称" | "地址" | "名称" => 28.0,
        "url" | "group_url" | "contact_url" | "链接" | "群链接" | "店长链接" => 36.0,
        "expires" | "group_expires" | "过期时间" | "群过期时间" | "at" => 22.0,
        "scan" | "visitor" => 30.0,
        _ => 14.0,
    }
}

fn write_xlsx_row(sheet: &mut Worksheet, row: u32, cells: &[Cell<'_>]) -> Result<(), XlsxError> {
    for (column, cell) in (0_u16..).zip(cells) {
        match cell {
            Cell::Empty => {}
            // Never a formula: the type of the cell is text.
            Cell::Text(text) => {
                sheet.write_string(row, column, &**text)?;
            }
            Cell::Number(number) => {
                sheet.write_number(row, column, *number)?;
            }
            Cell::Count(count) => {
                sheet.write_number(row, column, *count)?;
            }
        }
    }
    Ok(())
}
