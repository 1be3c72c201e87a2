//! Temporary closures: whole days, by date, on which a store does not open.
//!
//! Not opening hours: a closure says nothing about the days it does not name. A store that stays closed is `paused` or `closed`.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// More closures than this are a mistake.
const SPANS_MAX: usize = 64;
const TEXT_CHARS_MAX: usize = 2_000;
/// The longest closure, in days: a little more than a year. A store that is closed for longer is paused.
const SPAN_DAYS_MAX: i32 = 400;
/// The years that a date may lie in; others are slips of the finger.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2199;
/// What people write between the first and the last day.
const TO: [&str; 8] = ["..", "…", "~", "～", "至", "到", "—", "–"];

/// Why a part of a text is no closure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClosuresError {
    /// The part that nobody can read.
    #[error("{0:?} is not a date such as 2026-12-31, or two of them as in 2026-12-24..2026-12-26")]
    Unreadable(String),
    /// The last day lies before the first.
    #[error("{0:?} ends before it begins")]
    Backwards(String),
    /// Longer than 400 days.
    #[error("{0:?} is longer than {SPAN_DAYS_MAX} days; a store that long closed has the status paused")]
    TooLong(String),
    /// Too many closures or characters.
    #[error("is too long: at most {SPANS_MAX} closures in {TEXT_CHARS_MAX} characters")]
    TooMany,
}

/// The days on which a store does not open, though its hours say so.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Closures {
    /// First and last days, counted from 1970-01-01; sorted and not overlapping.
    spans: Box<[(i32, i32)]>,
}

impl Closures {
    /// Reads dates and spans of dates joined by `,` or `;`, such as `2026-12-31,2026-12-24..2026-12-26`. An empty text is none.
    ///
    /// # Errors
    /// [`ClosuresError`] for every part that is none.
    pub fn parse(text: &str) -> Result<Self, Vec<ClosuresError>> {
        if text.chars().count() > TEXT_CHARS_MAX {
            return Err(vec![ClosuresError::TooMany]);
        }
        let plain = plain(text);
        let mut spans = Vec::new();
        let mut errors = Vec::new();
        for part in plain.split([',', ';', '；', '，', '、', '\n']).map(str::trim).filter(|it| !it.is_empty()) {
            match span(part) {
                Ok(span) => spans.push(span),
                Err(error) => errors.push(error),
            }
        }
        if spans.len() > SPANS_MAX {
            errors.push(ClosuresError::TooMany);
        }
        if errors.is_empty() { Ok(Self { spans: joined(spans) }) } else { Err(errors) }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Whether the store is closed on a day, counted from 1970-01-01 in the store's own zone.
    #[must_use]
    pub fn cover(&self, day: i32) -> bool {
        let place = self.spans.partition_point(|(_, last)| *last < day);
        self.spans.get(place).is_some_and(|(first, _)| *first <= day)
    }
}

/// Full-width digits and marks to ASCII, no white space but line breaks.
fn plain(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5d}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        '\r' => '\n',
        c => c,
    };
    text.chars().map(narrow).filter(|c| *c == '\n' || !c.is_whitespace()).collect()
}

fn span(part: &str) -> Result<(i32, i32), ClosuresError> {
    let shown = || part.chars().take(40).collect::<String>();
    let unreadable = || ClosuresError::Unreadable(shown());
    let ends = TO.iter().find_map(|to| part.split_once(to));
    let (first, last) = ends.unwrap_or((part, part));
    let (first, last) = (day(first).ok_or_else(unreadable)?, day(last).ok_or_else(unreadable)?);
    if last < first {
        return Err(ClosuresError::Backwards(shown()));
    }
    if last - first >= SPAN_DAYS_MAX {
        return Err(ClosuresError::TooLong(shown()));
    }
    Ok((first, last))
}

/// `2026-12-31`, `2026/12/31`, `2026.12.31` or `2026年12月31日`, as days since 1970.
fn day(text: &str) -> Option<i32> {
    let plain = text.trim().replace(['年', '月', '/', '.'], "-");
    let mut fields = plain.strip_suffix('日').unwrap_or(&plain).split('-');
    let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
    let fits = |digits: &str, len: usize| {
        digits.len() <= len && !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())
    };
    // With two digits nobody knows whether the year comes first.
    if fields.next().is_some()
        || year.len() != 4
        || ![(year, 4), (month, 2), (day, 2)].iter().all(|it| fits(it.0, it.1))
    {
        return None;
    }
    let year = year.parse().ok().filter(|it| YEARS.contains(it))?;
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok().map(days_of)
}

/// Days since 1970-01-01.
pub(super) fn days_of(date: Date) -> i32 {
    let hours = date.duration_since(Date::constant(1970, 1, 1)).as_hours();
    i32::try_from(hours / 24).unwrap_or_default()
}

/// The date of a day counted from 1970-01-01; the epoch for one that no calendar has.
pub(super) fn date_of(day: i32) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    epoch.checked_add(jiff::SignedDuration::from_hours(i64::from(day) * 24)).unwrap_or(epoch)
}

fn joined(mut spans: Vec<(i32, i32)>) -> Box<[(i32, i32)]> {
    spans.sort_unstable();
    let mut joined: Vec<(i32, i32)> = Vec::with_capacity(spans.len());
    for (first, last) in spans {
        match joined.last_mut() {
            Some(before) if last <= before.1 => {}
            // What is joined must read back as one closure.
            Some(before) if first <= before.1 + 1 && last - before.0 < SPAN_DAYS_MAX => before.1 = last,
            Some(before) => {
                let first = first.max(before.1 + 1);
                joined.push((first, last));
            }
            None => joined.push((first, last)),
        }
    }
    joined.into()
}

impl fmt::Display for Closures {
    /// The canonical form, which reads back as the same closures.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.spans.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}", date_of(*first))?;
            if last > first {
                write!(f, "..{}", date_of(*last))?;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Closures {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

impl From<Closures> for String {
    fn from(closures: Closures) -> Self {
        closures.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> String {
        Closures::parse(text).unwrap_or_else(|errors| panic!("{text}: {errors:?}")).to_string()
    }

    #[test]
    fn many_ways_of_writing_become_one() {
        for (text, expected) in [
            ("", ""),
            ("2026-12-31", "2026-12-31"),
            ("2026/12/31", "2026-12-31"),
            ("2026.1.2", "2026-01-02"),
            ("2026年12月31日", "2026-12-31"),
            ("２０２６－１２－３１", "2026-12-31"),
            ("2026-12-24..2026-12-26", "2026-12-24..2026-12-26"),
            ("2026-12-24 ~ 2026-12-26", "2026-12-24..2026-12-26"),
            ("2026年12月24日至2026年12月26日", "2026-12-24..2026-12-26"),
            ("2026.12.24..2026.12.26", "2026-12-24..2026-12-26"),
            ("2026-12-31; 2026-10-01～2026-10-03，2026-10-04", "2026-10-01..2026-10-04,2026-12-31"),
            ("2026-12-31,2026-12-30,2026-12-31", "2026-12-30..2026-12-31"),
            ("2026-12-31\r\n2027-01-02", "2026-12-31,2027-01-02"),
            ("2026-01-01..2026-12-31,2026-12-01..2027-12-31", "2026-01-01..2026-12-31,2027-01-01..2027-12-31"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
            assert_eq!(canonical(expected), expected, "{expected} reads back");
        }
    }

    #[test]
    fn every_part_that_is_no_closure_is_named() {
        let errors = Closures::parse("2026-02-30,2026-12-31,26-12-31;2026-12-26..2026-12-24,2026-01-01..2027-06-01");
        let expected = [
            ClosuresError::Unreadable("2026-02-30".into()),
            ClosuresError::Unreadable("26-12-31".into()),
            ClosuresError::Backwards("2026-12-26..2026-12-24".into()),
            ClosuresError::TooLong("2026-01-01..2027-06-01".into()),
        ];
        assert_eq!(errors, Err(expected.to_vec()));
        for text in
            ["soon", "46357", "12/31/2026", "2026-12-31..", "2026-12", "2026-12-31-01", "+026-1-1", "0001-01-01"]
        {
            assert!(Closures::parse(text).is_err(), "{text}");
        }
        let many: Vec<String> = (1..=65).map(|it| format!("20{:02}-01-01", it % 100)).collect();
        assert_eq!(Closures::parse(&many.join(",")), Err(vec![ClosuresError::TooMany]));
    }

    #[test]
    fn a_closure_covers_its_first_and_last_day() {
        let closures = Closures::parse("2026-12-24..2026-12-26,2026-12-31").unwrap();
        let covered = |text| closures.cover(day(text).unwrap());
        assert!(covered("2026-12-24") && covered("2026-12-26") && covered("2026-12-31"));
        assert!(!covered("2026-12-23") && !covered("2026-12-27") && !covered("2027-01-01"));
        assert!(!Closures::default().cover(0));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_in_one_way_that_reads_back(
            days in prop::collection::vec((0_i32..1_200, 0_i32..400), 0..20),
            junk in "[0-9./年月日~至,;-]{0,40}",
        ) {
            let parts: Vec<String> = days
                .iter()
                .map(|(first, more)| format!("{}~{}", date_of(20_000 + first), date_of(20_000 + first + more)))
                .collect();
            let read = Closures::parse(&parts.join(";")).unwrap();
            prop_assert_eq!(&Closures::parse(&read.to_string()).unwrap(), &read);
            for day in 20_000..21_700 {
                let named = days.iter().any(|(first, more)| (first + 20_000..=first + more + 20_000).contains(&day));
                prop_assert_eq!(read.cover(day), named);
            }
            if let Ok(read) = Closures::parse(&junk) {
                prop_assert_eq!(Closures::parse(&read.to_string()).unwrap(), read);
            }
        }
    }
}
