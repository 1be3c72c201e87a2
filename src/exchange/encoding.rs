//! Bytes of a file to text: UTF-8, UTF-16 with a byte order mark, GB18030, and what Excel for Mac makes of Chinese.
//!
//! Nothing is replaced: a byte that belongs to no encoding is a problem with its row.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, GBK, UTF_16BE, UTF_16LE};

use crate::catalog::{Problem, code};

/// Decodes a whole file.
///
/// # Errors
/// A problem with the row of the first byte that cannot be read.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Problem> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => {
            return strictly(UTF_16LE, rest).ok_or_else(|| broken("UTF-16", None));
        }
        [0xfe, 0xff, rest @ ..] => {
            return strictly(UTF_16BE, rest).ok_or_else(|| broken("UTF-16", None));
        }
        _ => {}
    }
    let (bytes, has_mark) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => (rest, true),
        _ => (bytes, false),
    };
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(Cow::Borrowed(text)),
        Err(error) => error,
    };
    let row = line_of(bytes, error.valid_up_to());
    if has_mark || is_mostly_utf8(bytes) {
        return Err(broken("UTF-8", Some(row)));
    }
    strictly(GB18030, bytes).or_else(|| mac_chinese(bytes).map(Cow::Owned)).ok_or_else(|| {
        let message = "the text is neither UTF-8 nor GB18030; save the sheet as \"CSV UTF-8\"";
        Problem::new(code::ENCODING, message).in_row(row)
    })
}

fn strictly<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes)
}

fn broken(name: &str, row: Option<u64>) -> Problem {
    let message = format!(
        "the text is {name}, but broken: perhaps a part is missing or was cut within a character; save the sheet again"
    );
    let problem = Problem::new(code::ENCODING, message);
    match row {
        Some(row) => problem.in_row(row),
        None => problem,
    }
}

/// The line that holds this byte, counted from 1.
fn line_of(bytes: &[u8], place: usize) -> u64 {
    let before = bytes.get(..place).unwrap_or(bytes);
    let breaks = |end: u8| before.split(|it| *it == end).count() - 1;
    u64::try_from(breaks(b'\n').max(breaks(b'\r'))).unwrap_or(u64::MAX).saturating_add(1)
}

/// Whether a file that is not UTF-8 was meant to be. Broken UTF-8 often is flawless GB18030 by accident, of characters that nobody
/// uses; GB18030, on the other hand, hardly ever holds the three bytes of a Chinese character of UTF-8.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0_u64, 0_u64);
    for chunk in bytes.utf8_chunks() {
        good += u64::try_from(chunk.valid().chars().filter(|it| it.len_utf8() >= 3).count()).unwrap_or(0);
        bad += u64::from(!chunk.invalid().is_empty());
    }
    good > bad.saturating_mul(4)
}

/// GB 2312 as Apple extends it, with single bytes for the no-break space and a few signs (Unicode's table CHINSIMP.TXT). In GB18030
/// these bytes begin a pair, so one of them garbles the rest of its line or stops the decoder.
fn mac_chinese(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 4);
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let sign = match *first {
            0x00..=0x7f => Some(char::from(*first)),
            0x80 => Some('ü'),
            0xa0 => Some('\u{a0}'),
            0xfd => Some('©'),
            0xfe => Some('™'),
            0xff => Some('…'),
            _ => None,
        };
        if let Some(sign) = sign {
            text.push(sign);
            rest = tail;
            continue;
        }
        let (pair, tail) = rest.split_at_checked(2)?;
        if !matches!(pair, [0xa1..=0xf7, 0xa1..=0xfe]) {
            return None;
        }
        text.push_str(&strictly(GBK, pair)?);
        rest = tail;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_encodings_give_one_text() {
        let text = "门店,外滩\n";
        let wide = |bytes: fn(u16) -> [u8; 2], mark: [u8; 2]| -> Vec<u8> {
            mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect()
        };
        let gb: &[u8] = b"\xc3\xc5\xb5\xea,\xcd\xe2\xcc\xb2\n";
        let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        for bytes in
            [text.as_bytes(), &marked, gb, &wide(u16::to_le_bytes, [0xff, 0xfe]), &wide(u16::to_be_bytes, [0xfe, 0xff])]
        {
            assert_eq!(decode(bytes).unwrap(), text);
        }
    }

    #[test]
    fn characters_beyond_gb2312_are_read_in_pairs_and_fours() {
        // 堼 lies in GBK only, 㐂 in the four-byte part of GB18030.
        assert_eq!(decode(b"\x88\xbe\x81\x39\xee\x39").unwrap().chars().count(), 2);
    }

    #[test]
    fn the_no_break_space_of_excel_for_mac_is_read() {
        assert_eq!(decode(b"\xb5\xea,\xa0 \xbb\xaa,1\n").unwrap(), "店,\u{a0} 华,1\n");
    }

    #[test]
    fn broken_utf8_is_not_taken_for_chinese_of_another_encoding() {
        let mut bytes = "门店编号,门店名称,地址,省,市,区\n1,外滩".as_bytes().to_vec();
        bytes.pop();
        let problem = decode(&bytes).unwrap_err();
        assert_eq!((problem.code, problem.row), ("encoding", Some(2)));
        assert!(problem.message.contains("UTF-8, but broken"));
    }

    #[test]
    fn bytes_of_no_encoding_are_refused() {
        assert_eq!(decode(b"a,b\ncaf\xe9,c\n").unwrap_err().row, Some(2));
    }
}
