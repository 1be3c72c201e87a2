//! Moments, and the one place where they come from.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since 1970; clamped to the years −9999 to 9999.
    #[must_use]
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms.clamp(jiff::Timestamp::MIN.as_millisecond(), jiff::Timestamp::MAX.as_millisecond()))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// This moment moved by so many milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(ms))
    }

    /// The moment as `jiff` knows it, for calendars and time zones.
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// RFC 3339 with the offset of a time zone, for example `2026-12-01T00:00:00+08:00`.
    #[must_use]
    pub fn in_zone(self, zone: &jiff::tz::TimeZone) -> String {
        let local = self.to_jiff().to_zoned(zone.clone());
        self.to_jiff().display_with_offset(local.offset()).to_string()
    }

    /// Reads RFC 3339, for example `2026-12-01T00:00:00+08:00`.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|it| Self(it.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the millisecond where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

/// A day of the calendar. Which moments belong to it depends on a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(i32);

/// The text is no day such as `2026-07-15`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a day such as 2026-07-15")]
pub struct DayError;

const DAY_MS: i64 = 86_400_000;

impl Day {
    /// 1970-01-01.
    pub const EPOCH: Self = Self(0);
    /// −9999-01-01 and 9999-12-31: no day of this program lies before or after them.
    pub const RANGE: (Self, Self) = (Self(-4_371_587), Self(2_932_896));

    /// The day of a moment in a time zone.
    #[must_use]
    pub fn of(at: Timestamp, zone: &jiff::tz::TimeZone) -> Self {
        let offset_ms = i64::from(zone.to_offset(at.to_jiff()).seconds()) * 1_000;
        Self::from_number((at.unix_ms() + offset_ms).div_euclid(DAY_MS))
    }

    /// From the number of days since 1970-01-01.
    #[must_use]
    pub fn from_number(days: i64) -> Self {
        let (first, last) = Self::RANGE;
        Self(i32::try_from(days.clamp(first.number(), last.number())).unwrap_or(0))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn number(self) -> i64 {
        i64::from(self.0)
    }

    /// So many days later.
    #[must_use]
    pub fn plus(self, days: i64) -> Self {
        Self::from_number(self.number().saturating_add(days))
    }

    /// Reads `2026-07-15`.
    ///
    /// # Errors
    /// [`DayError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, DayError> {
        let date: jiff::civil::Date = text.parse().map_err(|_cause| DayError)?;
        // jiff also reads the date of a longer text.
        let days = (date - jiff::civil::date(1970, 1, 1)).get_days();
        Some(Self(days)).filter(|it| it.to_string() == text).ok_or(DayError)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(self.0));
        f.pad(&date.to_string())
    }
}

impl TryFrom<String> for Day {
    type Error = DayError;

    fn try_from(text: String) -> Result<Self, DayError> {
        Self::parse(&text)
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

/// Where moments come from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

/// A clock that tests set by hand; clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.0)))
    }

    /// Moves the clock on.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_and_written_as_rfc_3339() {
        let at = Timestamp::parse_rfc3339("2026-12-01T00:00:00+08:00").unwrap();
        assert_eq!(at.unix_ms(), 1_796_054_400_000);
        assert_eq!(at.to_string(), "2026-11-30T16:00:00Z");
        assert_eq!(Timestamp::parse_rfc3339("next week"), None);
    }

    #[test]
    fn a_day_begins_at_midnight_of_its_zone() {
        let shanghai = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
        let day = |text: &str| Day::of(Timestamp::parse_rfc3339(text).unwrap(), &shanghai);
        assert_eq!(day("2026-07-14T15:59:59.999Z").to_string(), "2026-07-14");
        assert_eq!(day("2026-07-14T16:00:00Z").to_string(), "2026-07-15");
        assert_eq!(day("1969-12-31T15:59:59Z").number(), -1);
        assert_eq!(Day::parse("2026-07-15").unwrap().number(), 20_649);
        assert_eq!(Day::parse("2026-07-15").unwrap().plus(17).to_string(), "2026-08-01");
        for text in ["2026-7-15", "2026-07-32", "20260715", "2026-07-15T00:00", "today", ""] {
            assert_eq!(Day::parse(text), Err(DayError), "{text}");
        }
        let (first, last) = Day::RANGE;
        assert_eq!((first.to_string().as_str(), last.to_string().as_str()), ("-009999-01-01", "9999-12-31"));
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = ManualClock::at(Timestamp::from_unix_ms(5));
        let same = clock.clone();
        clock.advance_ms(10);
        assert_eq!(same.now(), Timestamp::from_unix_ms(15));
    }
}
