//! Opening hours: spans of minutes on days of the week, in the store's own time zone.
//!
//! Sheets write them in many ways (`10:00—22:00`, `9：30-21：30`, `周一至周五 10:00-22:00`); all become one canonical form.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

const MINUTES_A_DAY: u16 = 24 * 60;
const EVERY_DAY: u8 = 0b111_1111;
/// More spans than this are a mistake, not opening hours.
const SPANS_MAX: usize = 32;
const TEXT_CHARS_MAX: usize = 200;

/// Why a text is no opening hours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HoursError {
    /// The part that nobody can read.
    #[error("{0:?} is not a span such as 08:00-22:00")]
    Unreadable(String),
    /// An hour above 24 or a minute above 59.
    #[error("{0:?} is not a time of day")]
    NotATime(String),
    /// A span that ends where it begins.
    #[error("{0:?} ends where it begins; write 00:00-24:00 for a store that never closes")]
    Empty(String),
    /// Too many spans or characters.
    #[error("is too long: at most {SPANS_MAX} spans in {TEXT_CHARS_MAX} characters")]
    TooLong,
}

/// One span of opening on some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    /// Bit 0 is Monday.
    days: u8,
    /// Minutes after midnight, 0 to 1439.
    from: u16,
    /// Minutes after the same midnight, above `from`, at most 2879: above 1440 it ends on the next day.
    until: u16,
}

/// When a store is open, in a week that repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OpeningHours {
    spans: Box<[Span]>,
    /// The canonical form, which every answer shows.
    text: Box<str>,
}

impl OpeningHours {
    fn new(spans: Box<[Span]>) -> Self {
        let text = Canonical(&spans).to_string().into();
        Self { spans, text }
    }

    /// The canonical form, which reads back as the same hours.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads spans joined by `,` such as `08:00-22:00` or `09:00-次日01:00`, each with days before it or not
    /// (`周一至周五 10:00-22:00`, `周六周日 …`). An empty text is no opening hours and is for the caller to tell.
    ///
    /// # Errors
    /// [`HoursError`] names the part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, HoursError> {
        if text.chars().count() > TEXT_CHARS_MAX {
            return Err(HoursError::TooLong);
        }
        let plain = plain(text);
        if matches!(plain.as_str(), "24小时" | "24h" | "全天" | "24小时营业" | "全天营业") {
            return Ok(Self::new(Box::new([Span { days: EVERY_DAY, from: 0, until: MINUTES_A_DAY }])));
        }
        let mut reader = Reader { rest: &plain };
        let mut spans = Vec::new();
        let mut days = EVERY_DAY;
        while !reader.at_end() {
            if let Some(named) = reader.days()? {
                days = named;
            }
            spans.push(reader.span(days)?);
            if spans.len() > SPANS_MAX {
                return Err(HoursError::TooLong);
            }
        }
        if spans.is_empty() {
            return Err(HoursError::Unreadable(text.trim().into()));
        }
        Ok(Self::new(spans.into()))
    }

    /// Whether a minute of the day (0 to 1439) on a day (counted from 1970-01-01) lies in a span that begins on a day on which
    /// the store opens.
    #[must_use]
    pub fn covers(&self, day: i32, minute: u16, opens: impl Fn(i32) -> bool) -> bool {
        let (today, yesterday) = (weekday_bit(day), weekday_bit(day - 1));
        self.spans.iter().any(|span| {
            (span.days & today != 0 && (span.from..span.until).contains(&minute) && opens(day))
                || (span.days & yesterday != 0 && minute + MINUTES_A_DAY < span.until && opens(day - 1))
        })
    }

    /// The minutes of a day (counted from 1970-01-01) at which a span begins, in no order.
    pub(super) fn starts(&self, day: i32) -> impl Iterator<Item = u16> {
        let today = weekday_bit(day);
        self.spans.iter().filter(move |it| it.days & today != 0).map(|it| it.from)
    }
}

/// The bit of a day of the week. 1970-01-01 was a Thursday.
fn weekday_bit(day: i32) -> u8 {
    1 << (i64::from(day) + 3).rem_euclid(7)
}

/// Full-width forms to ASCII, every kind of dash to `-`, every colon between digits to `:`, no spaces.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        let c = match c {
            '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
            _ => c,
        };
        let c = match c {
            '—' | '–' | '―' | '−' | '~' | '～' | '至' | '到' | '‐' | '‑' => '-',
            '∶' | '.' => ':',
            '、' | '，' | '；' | '/' => ',',
            '天' if out.ends_with(['周', '期']) => '日',
            _ => c.to_ascii_lowercase(),
        };
        let doubled = matches!(c, '-' | ':' | ',') && out.ends_with(c);
        // 10;00 is a slip of the finger on the key beside the colon.
        let c = if c == ';' { if out.ends_with(|it: char| it.is_ascii_digit()) { ';' } else { ',' } } else { c };
        if !doubled {
            out.push(c);
        }
    }
    settle_semicolons(&out.replace("星期", "周").replace("礼拜", "周").replace("营业时间", ""))
}

/// A semicolon between an hour and two digits of minutes is a colon; elsewhere it parts spans.
fn settle_semicolons(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != ';' {
            out.push(c);
            continue;
        }
        let hour_only = out.rsplit(|it: char| !it.is_ascii_digit()).next().is_some_and(|digits| digits.len() <= 2)
            && !out.trim_end_matches(|it: char| it.is_ascii_digit()).ends_with(':');
        let minute_next = chars.peek().is_some_and(char::is_ascii_digit);
        out.push(if hour_only && minute_next { ':' } else { ',' });
    }
    out
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn at_end(&mut self) -> bool {
        self.rest = self.rest.trim_start_matches([',', ';']);
        self.rest.is_empty()
    }

    fn unreadable(&self) -> HoursError {
        HoursError::Unreadable(self.rest.chars().take(24).collect())
    }

    fn take(&mut self, prefix: &str) -> bool {
        self.rest.strip_prefix(prefix).map(|rest| self.rest = rest).is_some()
    }

    fn day(&mut self) -> Option<u8> {
        const DAYS: [(&str, u8); 7] =
            [("周一", 0), ("周二", 1), ("周三", 2), ("周四", 3), ("周五", 4), ("周六", 5), ("周日", 6)];
        DAYS.iter().find(|(name, _)| self.take(name)).map(|(_, day)| *day)
    }

    /// Days named before a span, as a mask; `None` if none are named.
    fn days(&mut self) -> Result<Option<u8>, HoursError> {
        let mut mask = 0_u8;
        while let Some(first) = self.day() {
            if self.take("-") {
                let last = self.day().ok_or_else(|| self.unreadable())?;
                let length = (last + 7 - first) % 7;
                mask = (0..=length).fold(mask, |mask, step| mask | 1 << ((first + step) % 7));
            } else {
                mask |= 1 << first;
            }
            self.take(",");
        }
        for (name, days) in [("每天", EVERY_DAY), ("每日", EVERY_DAY), ("工作日", 0b001_1111), ("周末", 0b110_0000)]
        {
            if self.take(name) {
                mask |= days;
            }
        }
        self.take("及节假日");
        self.take(":");
        Ok((mask != 0).then_some(mask))
    }

    fn span(&mut self, days: u8) -> Result<Span, HoursError> {
        let whole: String = self.rest.chars().take(24).collect();
        let from = self.time()?;
        self.take(":");
        if !self.take("-") {
            return Err(HoursError::Unreadable(whole));
        }
        let next_day = self.take("次日") || self.take("翌日") || self.take("第二日") || self.take("凌晨");
        let until = self.time()?;
        if from >= MINUTES_A_DAY {
            return Err(HoursError::NotATime(whole));
        }
        if from == until && !next_day {
            return Err(HoursError::Empty(whole));
        }
        let until = if next_day || until < from { until + MINUTES_A_DAY } else { until };
        if until > from + MINUTES_A_DAY {
            return Err(HoursError::NotATime(whole));
        }
        Ok(Span { days, from, until })
    }

    fn digits(&mut self, max: usize) -> &str {
        let count = self.rest.bytes().take(max).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        digits
    }

    /// A time of day, in minutes after midnight, 0 to 1440. Seconds are read and dropped.
    fn time(&mut self) -> Result<u16, HoursError> {
        let whole: String = self.rest.chars().take(24).collect();
        let hour: u16 = self.digits(2).parse().map_err(|_cause| HoursError::Unreadable(whole.clone()))?;
        let minute: u16 = if self.take(":") {
            self.digits(2).parse().map_err(|_cause| HoursError::Unreadable(whole.clone()))?
        } else if self.take("点") {
            0
        } else {
            return Err(HoursError::Unreadable(whole));
        };
        if self.rest.starts_with(':') && self.rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
            self.take(":");
            self.digits(2);
        }
        let minutes = hour * 60 + minute;
        if minute > 59 || minutes > MINUTES_A_DAY {
            return Err(HoursError::NotATime(whole));
        }
        Ok(minutes)
    }
}

impl fmt::Display for OpeningHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Writes spans in the canonical form.
struct Canonical<'a>(&'a [Span]);

impl fmt::Display for Canonical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
        let mut days = EVERY_DAY;
        for (place, span) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            if span.days != days {
                days = span.days;
                for (_, name) in NAMES.iter().enumerate().filter(|(day, _)| days >> day & 1 == 1) {
                    f.write_str(name)?;
                }
                f.write_str(" ")?;
            }
            write!(f, "{:02}:{:02}-", span.from / 60, span.from % 60)?;
            let (prefix, until) = match span.until.checked_sub(MINUTES_A_DAY) {
                Some(over) if over > 0 => ("次日", over),
                _ => ("", span.until),
            };
            write!(f, "{prefix}{:02}:{:02}", until / 60, until % 60)?;
        }
        Ok(())
    }
}

impl TryFrom<String> for OpeningHours {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        Self::parse(&text)
    }
}

impl From<OpeningHours> for String {
    fn from(hours: OpeningHours) -> Self {
        hours.text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        OpeningHours::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
    }

    #[test]
    fn many_ways_of_writing_become_one() {
        for (text, expected) in [
            ("08:00-22:00", "08:00-22:00"),
            ("10:00—22:00", "10:00-22:00"),
            ("9：30－21：30", "09:30-21:30"),
            ("９：３０～２１：３０", "09:30-21:30"),
            ("10:00——22:00", "10:00-22:00"),
            ("9.00-21.30", "09:00-21:30"),
            ("10;00-22:00", "10:00-22:00"),
            ("10:00:00~22:00:00", "10:00-22:00"),
            ("09:00-次日01:00", "09:00-次日01:00"),
            ("18:00-02:00", "18:00-次日02:00"),
            ("08:00-12:00,13:00-20:00", "08:00-12:00,13:00-20:00"),
            ("24小时", "00:00-24:00"),
            ("周一～周日10:00-22:00", "10:00-22:00"),
            ("周一至周五：10:00-22:00 周六周日：09:00-22:30", "周一周二周三周四周五 10:00-22:00,周六周日 09:00-22:30"),
            ("周日-周四10：00-22：00；周五-周六10：00-22：30", "周一周二周三周四周日 10:00-22:00,周五周六 10:00-22:30"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
            assert_eq!(canonical(expected), expected, "{expected} reads back");
        }
    }

    #[test]
    fn what_nobody_can_read_is_refused_with_the_part() {
        for text in [
            "2020年1月1日",
            "RA00000000",
            "someone@example.com",
            "8-22",
            "",
            "25:00-26:00",
            "10:61-12:00",
            "10:00",
            "周一至 10:00-12:00",
        ] {
            assert!(OpeningHours::parse(text).is_err(), "{text}");
        }
        assert_eq!(OpeningHours::parse("10:00-10:00"), Err(HoursError::Empty("10:00-10:00".into())));
    }

    #[test]
    fn a_span_over_midnight_is_open_on_the_next_morning_of_its_own_days() {
        let friday_night = OpeningHours::parse("周五 20:00-次日03:00").unwrap();
        // The first day of 1970 was a Thursday.
        let covers = |day, minute| friday_night.covers(day, minute, |_| true);
        assert!(covers(1, 20 * 60));
        assert!(covers(2, 2 * 60 + 59));
        assert!(!covers(2, 3 * 60));
        assert!(!covers(1, 2 * 60));
        assert!(!covers(2, 21 * 60));
        assert!(!friday_night.covers(2, 60, |day| day != 1), "closed on that Friday");
        assert!(friday_night.covers(2, 60, |day| day != 2), "closed on the Saturday");
    }

    #[test]
    fn the_closing_minute_is_closed() {
        let hours = OpeningHours::parse("08:00-22:00").unwrap();
        assert!(hours.covers(0, 8 * 60, |_| true));
        assert!(hours.covers(6, 22 * 60 - 1, |_| true));
        assert!(!hours.covers(6, 22 * 60, |_| true));
    }
}
