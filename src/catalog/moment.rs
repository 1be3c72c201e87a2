//! Dates and times as people write them in sheets: RFC 3339, or local time of a zone. No names of months, no 12-hour clock.

use jiff::civil::{Date, DateTime, Time};

use super::plain::{folded, trimmed};
use crate::store::Zone;
use crate::time::Timestamp;

const TEXT_CHARS_MAX: usize = 40;

/// Reads `2026-12-01T00:00:00+08:00`, or a local time such as `2026-12-01`, `2026/12/1 18:00` or `2026年12月1日 18:00:30`. A date
/// alone is the beginning of that day.
pub(super) fn read(text: &str, zone: &Zone) -> Option<Timestamp> {
    let text = folded(text);
    let text = trimmed(&text);
    if text.chars().count() > TEXT_CHARS_MAX {
        return None;
    }
    if let Some(moment) = Timestamp::parse_rfc3339(text) {
        return Some(moment);
    }
    let plain = text.replace(['年', '月', '/', '.'], "-").replace('日', " ");
    let mut parts = plain.split(|c: char| c.is_whitespace() || c == 'T').filter(|it| !it.is_empty());
    let date = date(parts.next()?)?;
    let time = parts.next().map_or(Some(Time::midnight()), time)?;
    if parts.next().is_some() {
        return None;
    }
    // Of a time that clocks show twice, the earlier moment; within a gap, as if clocks had not yet been put forward.
    let zoned = DateTime::from_parts(date, time).to_zoned(zone.as_jiff().clone()).ok()?;
    Some(Timestamp::from_unix_ms(zoned.timestamp().as_millisecond()))
}

fn date(text: &str) -> Option<Date> {
    let mut fields = text.split('-');
    let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
    // With two digits nobody knows whether the year comes first.
    if fields.next().is_some() || year.len() != 4 {
        return None;
    }
    Date::new(number(year)?, number(month)?, number(day)?).ok()
}

fn time(text: &str) -> Option<Time> {
    let mut fields = text.split(':');
    let (hour, minute) = (fields.next()?, fields.next()?);
    let second = fields.next().unwrap_or("0");
    if fields.next().is_some() {
        return None;
    }
    Time::new(number(hour)?, number(minute)?, number(second)?, 0).ok()
}

fn number<N: std::str::FromStr>(digits: &str) -> Option<N> {
    digits.bytes().all(|it| it.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_sheets_are_moments_of_the_zone() {
        let zone = Zone::parse("Asia/Shanghai").unwrap();
        for (text, expected) in [
            ("2026-12-01T00:00:00+08:00", "2026-11-30T16:00:00Z"),
            ("2026-12-01", "2026-11-30T16:00:00Z"),
            ("2026/12/1 18:00", "2026-12-01T10:00:00Z"),
            ("2026.12.01", "2026-11-30T16:00:00Z"),
            ("2026年12月1日", "2026-11-30T16:00:00Z"),
            ("２０２６年12月1日18:00", "2026-12-01T10:00:00Z"),
            ("2026-12-01T08:30:15", "2026-12-01T00:30:15Z"),
            ("2026-12-01T00:00:00.5Z", "2026-12-01T00:00:00.5Z"),
        ] {
            assert_eq!(read(text, &zone).map(|it| it.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_days_is_not_read() {
        let zone = Zone::parse("Asia/Shanghai").unwrap();
        for text in [
            "12/1/2026",
            "26-12-01",
            "2026-13-01",
            "2026-02-30",
            "2026-12-01 6:00 PM",
            "2026-12-01 25:00",
            "46357",
            "soon",
            "2026-+1-01",
        ] {
            assert_eq!(read(text, &zone), None, "{text}");
        }
    }
}
