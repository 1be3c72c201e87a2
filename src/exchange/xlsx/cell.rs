//! What a cell of a workbook says, as text: as a person sees it, but with every digit.

use calamine::{DataRef, ExcelDateTime, Style};

use super::Value;
use crate::exchange::table::shortest;

/// Whole numbers from here on have lost digits: spreadsheets keep fifteen (Excel specifications and limits: number precision).
const EXACT_MAX: f64 = 1e15;
/// The most zeros that a number is filled up with.
const PADDING_MAX: usize = 32;

/// A cell that is not empty.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    /// Its value.
    Text(String),
    /// The error in place of a value.
    Error(String),
}

impl Shown {
    /// What a cell shows whose number is filled up with zeros to so many digits; none if it is empty.
    pub(super) fn of(value: &Value<'_>, pad: usize) -> Option<Self> {
        let text = match value {
            DataRef::Empty => return None,
            DataRef::Error(error) => return Some(Self::Error(error.to_string())),
            DataRef::SharedString(text) => (*text).to_owned(),
            DataRef::Bool(it) => it.to_string(),
            DataRef::Int(number) => number.to_string(),
            DataRef::Float(number) => digits(*number, pad),
            DataRef::DateTime(moment) => clock(moment),
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        };
        if text.is_empty() { None } else { Some(Self::Text(text)) }
    }
}

/// To how many digits a style fills up whole numbers: `0000` to four; 0 for other styles.
pub(super) fn padding(style: &Style) -> usize {
    let code = style.number_format.as_ref().map_or("", |it| it.format_code.as_str());
    let is_zeros = (2..=PADDING_MAX).contains(&code.len()) && code.bytes().all(|it| it == b'0');
    if is_zeros { code.len() } else { 0 }
}

/// A number without an exponent where it is whole, and all digits that it has. One that is too long to be exact is written as
/// spreadsheets show it, `1.23E+17`, so that whoever needs its digits can tell.
fn digits(number: f64, pad: usize) -> String {
    if number.fract() != 0.0 || !number.is_finite() {
        return shortest(number);
    }
    if number.abs() < EXACT_MAX {
        // Zero has no sign here.
        return format!("{:0pad$.0}", number + 0.0);
    }
    let text = format!("{number:.14E}");
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    format!("{}E+{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
}

/// A date, a time or both, as sheets of text have them.
fn clock(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let time =
        if second == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") };
    match moment.as_f64() {
        number if (0.0..1.0).contains(&number) => time,
        number if number.fract() == 0.0 => date,
        _ => format!("{date} {time}"),
    }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        for (number, pad, expected) in [
            (17.0, 0, "17"),
            (17.0, 6, "000017"),
            (-0.0, 0, "0"),
            (100_032_000_000.0, 0, "100032000000"),
            (310_000_195_001_011.0, 0, "310000195001011"),
            (123_456_789_012_345_680.0, 0, "1.23456789012346E+17"),
            (1e18, 0, "1E+18"),
            (31.230_400_000_000_003, 0, "31.230400000000003"),
            (-1e-7, 0, "-0.0000001"),
            (1e-300, 0, "1e-300"),
        ] {
            assert_eq!(digits(number, pad), expected);
        }
    }

    #[test]
    fn dates_and_times_are_written_as_sheets_of_text_have_them() {
        let text = |number| clock(&ExcelDateTime::new(number, ExcelDateTimeType::DateTime, false));
        assert_eq!(text(46_357.0), "2026-12-01");
        assert_eq!(text(46_357.75), "2026-12-01 18:00");
        assert_eq!(text(0.333_333_333_333_333), "08:00");
        assert_eq!(text(46_357.0 + 1.0 / 86_400.0), "2026-12-01 00:00:01");
    }
}
