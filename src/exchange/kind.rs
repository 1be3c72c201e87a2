//! What a file is, told by its first bytes; where it is no sheet, what to do instead. Reads nothing of what the sheet says.

use crate::catalog::{Problem, code};

use super::jsonl::begins_with_line;

/// Binary data shows itself within so many bytes.
const LOOKED_AT_BYTES: usize = 8 * 1024;

/// The files that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Cells parted by commas, semicolons or tabs.
    Csv,
    /// A collection of points.
    GeoJson,
    /// One JSON object a line.
    JsonLines,
    /// A workbook (`.xlsx`).
    Xlsx,
}

const SAVE_AGAIN: &str = "open it in a spreadsheet program and save it as .xlsx or \"CSV UTF-8\"";

/// Tells the kind of a file.
///
/// # Errors
/// A sentence on what the file is instead of a sheet.
pub(super) fn tell(bytes: &[u8], file_name: &str) -> Result<FileKind, Problem> {
    if let Some(problem) = binary(bytes) {
        return Err(problem);
    }
    if is_workbook(bytes) {
        return Ok(FileKind::Xlsx);
    }
    let head = bytes.get(..LOOKED_AT_BYTES).unwrap_or(bytes);
    let (head, is_wide) = match head {
        [0xef, 0xbb, 0xbf, rest @ ..] => (rest, false),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => (head, true),
        _ => (head, false),
    };
    if is_wide {
        return Ok(FileKind::Csv);
    }
    if head.contains(&0) {
        return Err(Problem::new(code::NOT_A_SHEET, "this is not a text file; a sheet is XLSX, CSV or GeoJSON"));
    }
    let start = head.trim_ascii_start();
    let ending = file_name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let begins = |word: &[u8]| start.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word));
    if start.is_empty() {
        return Err(Problem::new(code::EMPTY, "the file is empty"));
    }
    if begins(b"<!doctype") || begins(b"<html") || begins(b"<?xml") || begins(b"<table") || begins(b"<kml") {
        return Err(Problem::new(code::MARKUP, format!("this is a web page or an XML document; {SAVE_AGAIN}")));
    }
    let whole = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let is_object = start.starts_with(b"{");
    if is_object && (matches!(ending.as_str(), "jsonl" | "ndjson") || begins_with_line(whole)) {
        return Ok(FileKind::JsonLines);
    }
    if is_object || ending == "geojson" || ending == "json" {
        return Ok(FileKind::GeoJson);
    }
    let is_script = matches!(ending.as_str(), "js" | "mjs" | "ts" | "py" | "sql")
        || begins(b"export ")
        || begins(b"module.exports");
    if is_script || start.starts_with(b"[{") || start.starts_with(b"[\n") || start.starts_with(b"[\r\n") {
        return Err(Problem::new(
            code::NOT_A_SHEET,
            "this is program text or JSON, not a sheet; a sheet is XLSX, CSV or GeoJSON",
        ));
    }
    Ok(FileKind::Csv)
}

fn binary(bytes: &[u8]) -> Option<Problem> {
    let (code, message) = match bytes {
        [0x89, b'P', b'N', b'G', ..]
        | [0xff, 0xd8, 0xff, ..]
        | [b'G', b'I', b'F', b'8', ..]
        | [b'I', b'I', b'*', 0, ..]
        | [b'M', b'M', 0, b'*', ..]
        | [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..]
        | [_, _, _, _, b'f', b't', b'y', b'p', ..] => {
            (code::PICTURE, "this is a picture; a sheet is XLSX, CSV or GeoJSON".to_owned())
        }
        [b'%', b'P', b'D', b'F', ..] => {
            (code::PDF, "this is a PDF document; ask for the sheet that it was made from".to_owned())
        }
        [0xd0, 0xcf, 0x11, 0xe0, ..] if contains(bytes, &wide("EncryptedPackage")) => (
            code::ENCRYPTED,
            "this workbook is protected by a password; open it, remove the password and save it again".to_owned(),
        ),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            (code::OLD_WORKBOOK, format!("this is a workbook of an old Excel (.xls); {SAVE_AGAIN}"))
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] if contains(bytes, b"xl/workbook.bin") => {
            (code::WORKBOOK, format!("this is a binary workbook (.xlsb); {SAVE_AGAIN}"))
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] if contains(bytes, b"opendocument.spreadsheet") => {
            (code::WORKBOOK, format!("this is a workbook of LibreOffice (.ods); {SAVE_AGAIN}"))
        }
        _ if is_workbook(bytes) => return None,
        [b'P', b'K', 3 | 5, 4 | 6, ..]
        | [0x1f, 0x8b, ..]
        | [b'7', b'z', 0xbc, 0xaf, ..]
        | [b'R', b'a', b'r', b'!', ..] => (code::ARCHIVE, "this is a packed archive; unpack it first".to_owned()),
        _ => return None,
    };
    Some(Problem::new(code, message))
}

/// Whether it is a packed archive with the parts of a workbook in it; their names are not packed.
fn is_workbook(bytes: &[u8]) -> bool {
    let has = |name: &[u8]| contains(bytes, name);
    // One that was cut off may have lost all parts but the first.
    let is_office = || has(b"[Content_Types].xml") && !has(b"word/") && !has(b"ppt/");
    matches!(bytes, [b'P', b'K', 3, 4, ..]) && (has(b"xl/workbook") || has(b"xl/worksheets") || is_office())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}

/// ASCII as UTF-16, the way directories of old Office files name their parts.
fn wide(text: &str) -> Vec<u8> {
    text.bytes().flat_map(|it| [it, 0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8], name: &str) -> &'static str {
        tell(bytes, name).map_or_else(
            |it| it.code,
            |it| match it {
                FileKind::Csv => "csv",
                FileKind::GeoJson => "geojson",
                FileKind::JsonLines => "jsonl",
                FileKind::Xlsx => "xlsx",
            },
        )
    }

    #[test]
    fn files_that_are_no_sheets_are_named() {
        let mut locked = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
        assert_eq!(told(&locked, "a.xls"), "old_workbook");
        locked.extend(wide("EncryptedPackage"));
        assert_eq!(told(&locked, "a.xlsx"), "encrypted");
        for (bytes, name, expected) in [
            (&b""[..], "a.csv", "empty"),
            (b"\xef\xbb\xbf \r\n", "a.csv", "empty"),
            (b"\x89PNG\r\n\x1a\n", "a.csv", "picture"),
            (b"\xff\xd8\xff\xe0", "a.csv", "picture"),
            (b"\0\0\0\x18ftypheic", "a.csv", "picture"),
            (b"%PDF-1.7", "a.csv", "pdf"),
            (b"PK\x03\x04....xl/workbook.xml", "a.csv", "xlsx"),
            (b"PK\x03\x04....xl/workbook.bin", "a.xlsx", "workbook"),
            (b"PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "a.xlsx", "workbook"),
            (b"PK\x03\x04....a.txt", "a.csv", "archive"),
            (b"\x1f\x8b\x08", "a.csv.gz", "archive"),
            (b" <!DOCTYPE html>", "a.xls", "markup"),
            (b"id,name\0", "a.csv", "not_a_sheet"),
            (b"export const stores = [", "a.txt", "not_a_sheet"),
            (b"[{\"id\": 1}]", "a", "not_a_sheet"),
            (b"{\"type\": \"FeatureCollection\"}", "a.csv", "geojson"),
            (b"{\"features\": []}\n", "a.json", "geojson"),
            (b"{\n\"id\": 1}", "a.csv", "geojson"),
            (b"\xef\xbb\xbf\n{\"id\": \"A\", \"type\": \"kiosk\"}\r\n{", "file", "jsonl"),
            (b"{\"id\": ", "a.JSONL", "jsonl"),
            (b"id,name", "a.jsonl", "csv"),
            (b"id,name", "stores", "csv"),
            (b"\xff\xfei\0d\0", "stores.csv", "csv"),
        ] {
            assert_eq!(told(bytes, name), expected, "{name}");
        }
    }
}
