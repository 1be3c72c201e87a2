//! Whether a store is open, and when it opens next: its hours, its closures and its zone put together.

use jiff::Timestamp as Instant;
use jiff::civil::{DateTime, Time};
use jiff::tz::AmbiguousOffset;

use super::closures::date_of;
use super::{Store, Zone};
use crate::time::Timestamp;

/// How many days ahead the next opening is looked for: a little more than the longest closure.
const DAYS_AHEAD_MAX: i32 = 420;

impl Store {
    /// Whether the store is open at this moment; `None` if its hours are unknown.
    ///
    /// A day of closure closes the spans that begin on it: a bar that is closed on the 31st is open at one in the night to the
    /// 31st, if its hours say so, and not in the night from it. Where hours are unknown the whole day counts.
    #[must_use]
    pub fn is_open(&self, now: Timestamp, default_zone: &Zone) -> Option<bool> {
        if self.hours.is_none() && self.closures.is_empty() {
            return None;
        }
        let (day, minute) = self.zone_or(default_zone).day_and_minute(now);
        match &self.hours {
            Some(hours) => Some(hours.covers(day, minute, |day| !self.closures.cover(day))),
            None => self.closures.cover(day).then_some(false),
        }
    }

    /// The moment at which a store that is not open opens next; `None` if it is open, or if nobody knows within the year.
    ///
    /// Of a time that clocks skip it is the moment of the change, of a time that they show twice the next of the two.
    #[must_use]
    pub fn opens_at(&self, now: Timestamp, default_zone: &Zone) -> Option<Timestamp> {
        if self.is_open(now, default_zone) != Some(false) {
            return None;
        }
        let zone = self.zone_or(default_zone);
        let (today, _) = zone.day_and_minute(now);
        let open_days = (today..=today + DAYS_AHEAD_MAX).filter(|day| !self.closures.cover(*day));
        let Some(hours) = &self.hours else {
            return open_days.into_iter().next().and_then(|day| moment(zone, day, 0, now));
        };
        let is_open = |at: &Timestamp| self.is_open(*at, default_zone) == Some(true);
        let mut on_day = open_days.map(|day| {
            let starts = hours.starts(day).filter_map(|minute| moment(zone, day, minute, now));
            starts.filter(is_open).min()
        });
        on_day.find_map(|it| it)
    }
}

/// The first moment after `now` at which clocks of the zone show a minute of a day, or pass over it.
fn moment(zone: &Zone, day: i32, minute: u16, now: Timestamp) -> Option<Timestamp> {
    let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
    let local = DateTime::from_parts(date_of(day), Time::new(hour, minute, 0, 0).ok()?);
    let ambiguous = zone.as_jiff().to_ambiguous_timestamp(local);
    let after = |it: Instant| Some(Timestamp::from_unix_ms(it.as_millisecond())).filter(|it| *it > now);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => after(ambiguous.compatible().ok()?),
        AmbiguousOffset::Fold { .. } => after(ambiguous.earlier().ok()?).or(after(ambiguous.later().ok()?)),
        // Read with the offset before the change, the time lies behind the change by as much as it lies inside the gap.
        AmbiguousOffset::Gap { .. } => {
            let behind = ambiguous.later().ok()?;
            after(zone.as_jiff().preceding(behind).next().map_or(behind, |it| it.timestamp()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Closures, OpeningHours};

    fn store(hours: &str, closures: &str, zone: &str) -> Store {
        Store {
            hours: Some(hours).filter(|it| !it.is_empty()).map(|it| OpeningHours::parse(it).unwrap()),
            closures: Closures::parse(closures).unwrap(),
            zone: Zone::parse(zone),
            ..Store::sample("a", 31.0, 121.0)
        }
    }

    /// Open or not, and the next opening in UTC.
    fn at(store: &Store, now: &str) -> (Option<bool>, Option<String>) {
        let (now, zone) = (Timestamp::parse_rfc3339(now).unwrap(), Zone::parse("UTC").unwrap());
        (store.is_open(now, &zone), store.opens_at(now, &zone).map(|it| it.to_string()))
    }

    fn closed_until(moment: &str) -> (Option<bool>, Option<String>) {
        (Some(false), Some(moment.to_owned()))
    }

    const OPEN: (Option<bool>, Option<String>) = (Some(true), None);
    const UNKNOWN: (Option<bool>, Option<String>) = (None, None);

    #[test]
    fn the_next_opening_is_today_or_on_the_next_day_that_has_one() {
        let it = store("周一周二周三周四周五 08:00-12:00,13:00-20:00", "", "Asia/Shanghai");
        assert_eq!(at(&it, "2026-07-15T12:30:00+08:00"), closed_until("2026-07-15T05:00:00Z"));
        assert_eq!(at(&it, "2026-07-15T13:00:00+08:00"), OPEN);
        assert_eq!(at(&it, "2026-07-17T20:00:00+08:00"), closed_until("2026-07-20T00:00:00Z"));
    }

    #[test]
    fn a_closure_moves_the_next_opening_behind_it() {
        let it = store("08:00-22:00", "2026-12-24..2026-12-26", "Asia/Shanghai");
        assert_eq!(at(&it, "2026-12-23T21:59:00+08:00"), OPEN);
        assert_eq!(at(&it, "2026-12-23T22:00:00+08:00"), closed_until("2026-12-27T00:00:00Z"));
        assert_eq!(at(&it, "2026-12-25T12:00:00+08:00"), closed_until("2026-12-27T00:00:00Z"));
        assert_eq!(at(&it, "2026-12-27T08:00:00+08:00"), OPEN);
        let a_year = store("08:00-22:00", "2026-01-01..2027-02-04", "Asia/Shanghai");
        assert_eq!(at(&a_year, "2026-01-01T12:00:00+08:00"), closed_until("2027-02-05T00:00:00Z"));
    }

    #[test]
    fn the_night_belongs_to_the_day_on_which_it_began() {
        let it = store("18:00-次日02:00", "2026-12-31", "Asia/Shanghai");
        assert_eq!(at(&it, "2026-12-31T01:00:00+08:00"), OPEN);
        assert_eq!(at(&it, "2026-12-31T19:00:00+08:00"), closed_until("2027-01-01T10:00:00Z"));
        assert_eq!(at(&it, "2027-01-01T01:00:00+08:00"), closed_until("2027-01-01T10:00:00Z"));
    }

    #[test]
    fn unknown_hours_are_closed_on_a_day_of_closure_only() {
        let it = store("", "2026-12-31", "Asia/Shanghai");
        assert_eq!(at(&it, "2026-12-30T23:59:00+08:00"), UNKNOWN);
        assert_eq!(at(&it, "2026-12-31T12:00:00+08:00"), closed_until("2026-12-31T16:00:00Z"));
        assert_eq!(at(&it, "2027-01-01T00:00:00+08:00"), UNKNOWN);
        assert_eq!(at(&store("", "", "Asia/Shanghai"), "2026-12-31T12:00:00+08:00"), UNKNOWN);
    }

    #[test]
    fn the_hours_of_the_store_follow_its_own_clocks() {
        // New York is five hours behind UTC in winter and four in summer.
        let it = store("09:00-17:00", "", "America/New_York");
        assert_eq!(at(&it, "2026-01-15T13:59:00Z"), closed_until("2026-01-15T14:00:00Z"));
        assert_eq!(at(&it, "2026-07-15T13:59:00Z"), OPEN);
        assert_eq!(at(&it, "2026-07-15T12:59:00Z"), closed_until("2026-07-15T13:00:00Z"));
        assert_eq!(at(&it, "2026-03-07T23:00:00Z"), closed_until("2026-03-08T13:00:00Z"), "clocks change in the night");
    }

    #[test]
    fn an_opening_that_clocks_skip_is_the_moment_of_the_change() {
        // On 2026-03-08 at 07:00Z clocks go from 02:00 to 03:00.
        let it = store("02:30-05:00", "", "America/New_York");
        assert_eq!(at(&it, "2026-03-08T06:30:00Z"), closed_until("2026-03-08T07:00:00Z"));
        assert_eq!(at(&it, "2026-03-08T07:00:00Z"), OPEN);
        assert_eq!(at(&it, "2026-03-08T09:00:00Z"), closed_until("2026-03-09T06:30:00Z"));
        let skipped = store("02:10-02:40", "", "America/New_York");
        assert_eq!(at(&skipped, "2026-03-08T06:30:00Z"), closed_until("2026-03-09T06:10:00Z"));
    }

    #[test]
    fn an_opening_that_clocks_show_twice_is_the_next_of_the_two() {
        // On 2026-11-01 at 06:00Z clocks go from 02:00 back to 01:00.
        let it = store("01:30-05:00", "", "America/New_York");
        assert_eq!(at(&it, "2026-11-01T05:00:00Z"), closed_until("2026-11-01T05:30:00Z"));
        assert_eq!(at(&it, "2026-11-01T05:45:00Z"), OPEN);
        assert_eq!(at(&it, "2026-11-01T06:10:00Z"), closed_until("2026-11-01T06:30:00Z"));
    }
}
