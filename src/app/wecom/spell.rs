//! From when to when somebody is a contact or a member, and what that counts for; not where it is kept.
//!
//! News comes in any order, more than once, or not at all. So a spell remembers when somebody came and went for the last time, and
//! the later of the two holds. Who is only missing in a list is presumed to have gone, until a list shows them again. What it counts for follows from the spell alone: a change of it changes counters by the difference,
//! and a repeat changes nothing.

use crate::customer::{Friendship, Membership};
use crate::storage::Count;
use crate::time::{Day, Timestamp};

/// Who goes within this time has not stayed, and who comes back within it has not been away, in milliseconds: a day.
pub(super) const STAY_MS: i64 = 86_400_000;
/// What is found without an event and began longer ago counts for nobody, in milliseconds: a week.
pub(super) const FOUND_WITHIN_MS: i64 = 7 * 86_400_000;

/// From when to when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spell {
    /// The beginning; 1970 if it is not known.
    pub since: Timestamp,
    pub until: Option<Timestamp>,
    pub came_at: Timestamp,
    pub went_at: Timestamp,
    pub is_old: bool,
    /// Whether nobody said that they went.
    pub is_presumed: bool,
    /// When they came back within this spell; 1970 if never.
    pub back_at: Timestamp,
}

/// What news made of a spell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Became {
    /// The same spell, changed or not.
    Same,
    /// Another spell began; the one before ended like this, if there was one.
    Anew(Option<Spell>),
}

impl Spell {
    fn is_begun(&self) -> bool {
        self.since != Timestamp::EPOCH
    }

    /// They came. `is_sure` says that it was a new beginning, and no second word of the same one.
    pub(super) fn come(&mut self, at: Timestamp, is_old: bool, is_sure: bool) -> Became {
        let last = self.came_at;
        self.came_at = last.max(at);
        if !self.is_begun() && at <= self.went_at {
            (self.since, self.is_old) = (at, is_old);
            return Became::Same;
        }
        match self.until {
            _ if !self.is_begun() => self.begin(at, is_old, None),
            None if is_sure && at.unix_ms() - last.unix_ms() > STAY_MS => {
                // They must have gone in between, and nobody said so.
                let ended = Self { until: Some(at), ..*self };
                self.begin(at, is_old, Some(ended))
            }
            None => Became::Same,
            Some(_) if at <= self.went_at => Became::Same,
            // They came, and were missing after that.
            Some(until) if self.is_presumed && at <= until => Became::Same,
            Some(until) if within_a_day(until, at) || within_a_day(self.since, at) => {
                self.go_on(at);
                Became::Same
            }
            Some(_) => self.begin(at, is_old, Some(*self)),
        }
    }

    fn begin(&mut self, at: Timestamp, is_old: bool, ended: Option<Self>) -> Became {
        *self = Self { since: at, until: None, is_old, is_presumed: false, back_at: Timestamp::EPOCH, ..*self };
        Became::Anew(ended)
    }

    fn go_on(&mut self, back_at: Timestamp) {
        (self.until, self.is_presumed, self.back_at) = (None, false, back_at);
    }

    /// A list shows them, and since when. What was presumed because of another list is wrong then; what somebody said is not.
    pub(super) fn show(&mut self, at: Timestamp, is_old: bool, is_sure: bool) -> Became {
        if let Some(until) = self.until.filter(|it| self.is_presumed && at <= *it && at > self.went_at) {
            self.go_on(until);
        }
        self.come(at, is_old, is_sure)
    }

    /// They went.
    pub(super) fn go(&mut self, at: Timestamp) {
        self.went_at = self.went_at.max(at);
        if at >= self.came_at && (self.is_presumed || self.until.is_none_or(|it| at < it)) {
            (self.until, self.is_presumed) = (Some(at), false);
        }
    }

    /// They are missing in a list.
    pub(super) fn miss(&mut self, at: Timestamp) {
        if self.until.is_none() {
            (self.until, self.is_presumed) = (Some(at.max(self.came_at)), true);
        }
    }

    /// The day of the beginning, the day of the end, and whether they went within a day; none if it counts for nobody.
    fn counted(&self, zone: &jiff::tz::TimeZone) -> Option<(Day, Option<Day>, bool)> {
        let day = |at| Day::of(at, zone);
        let is_early = self.until.is_some_and(|it| within_a_day(self.since, it));
        (self.is_begun() && !self.is_old).then(|| (day(self.since), self.until.map(day), is_early))
    }
}

fn within_a_day(from: Timestamp, to: Timestamp) -> bool {
    to.unix_ms() - from.unix_ms() <= STAY_MS
}

/// What a friendship and a membership have in common.
pub(super) trait Tie: Clone + Default {
    fn spell(&self) -> Spell;
    fn set_spell(&mut self, spell: Spell);
    /// Whether nobody left although it ended.
    fn ended_for_all(&self) -> bool;
    /// `contact` or `group`, whether a visit led to it, its store, its member of staff.
    fn counts_for<'a>(&'a self, staff: &'a str) -> Of<'a>;
}

/// For whom something counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Of<'a> {
    pub kind: &'a str,
    pub has_visit: bool,
    pub store: &'a str,
    pub staff: &'a str,
}

macro_rules! tie {
    ($name:ident) => {
        fn spell(&self) -> Spell {
            let Self { since, until, came_at, went_at, is_old, is_presumed, back_at, .. } = *self;
            Spell { since, until, came_at, went_at, is_old, is_presumed, back_at }
        }

        fn set_spell(&mut self, spell: Spell) {
            let Spell { since, until, came_at, went_at, is_old, is_presumed, back_at } = spell;
            (self.since, self.until, self.came_at, self.went_at) = (since, until, came_at, went_at);
            (self.is_old, self.is_presumed, self.back_at) = (is_old, is_presumed, back_at);
        }
    };
}

impl Tie for Friendship {
    tie!(Friendship);

    fn ended_for_all(&self) -> bool {
        false
    }

    fn counts_for<'a>(&'a self, staff: &'a str) -> Of<'a> {
        let store = self.store.as_ref().map_or("", |it| it.as_str());
        Of { kind: "contact", has_visit: self.scan.is_some(), store, staff }
    }
}

impl Tie for Membership {
    tie!(Membership);

    fn ended_for_all(&self) -> bool {
        self.was_dissolved
    }

    fn counts_for<'a>(&'a self, _chat: &'a str) -> Of<'a> {
        let store = self.store.as_ref().map_or("", |it| it.as_str());
        Of { kind: "group", has_visit: self.scan.is_some(), store, staff: self.staff.as_deref().unwrap_or_default() }
    }
}

/// What is counted, as a word in the names of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Somebody came.
    Joined,
    /// Somebody went.
    Left,
    /// Somebody came who went within a day; on the day of coming.
    Early,
}

impl What {
    const ALL: [Self; 3] = [Self::Joined, Self::Left, Self::Early];

    fn as_str(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Early => "early",
        }
    }
}

/// The name of a counter: what, kind, whether a visit is known, store, staff. Ids of stores hold no slash, and staff comes last.
fn counter(what: What, of: &Of<'_>) -> String {
    let visit = if of.has_visit { "visit" } else { "-" };
    let name = |staff| format!("{}/{}/{visit}/{}/{staff}", what.as_str(), of.kind, of.store);
    let whole = name(of.staff);
    // Only a store whose id is as long as ids may be, in Chinese, leaves no room.
    if whole.len() <= crate::storage::BOOK_ID_BYTES_MAX { whole } else { name("") }
}

/// Reads the name of a counter.
pub(super) fn read_counter(text: &str) -> Option<(What, Of<'_>)> {
    let mut parts = text.splitn(5, '/');
    let word = parts.next()?;
    let what = What::ALL.into_iter().find(|it| it.as_str() == word)?;
    let (kind, visit) = (parts.next()?, parts.next()?);
    Some((what, Of { kind, has_visit: visit == "visit", store: parts.next()?, staff: parts.next()? }))
}

/// Adds what a tie counts for, so many times.
pub(super) fn count<T: Tie>(tie: &T, staff: &str, times: i64, zone: &jiff::tz::TimeZone, counts: &mut Vec<Count>) {
    let Some((came, went, is_early)) = tie.spell().counted(zone) else { return };
    let of = tie.counts_for(staff);
    let mut add = |what, day| {
        let name = counter(what, &of);
        match counts.iter_mut().find(|it: &&mut Count| it.day == day && it.of == name) {
            Some(it) => it.by += times,
            None => counts.push(Count { day, of: name, by: times }),
        }
    };
    add(What::Joined, came);
    if let Some(went) = went.filter(|_| !tie.ended_for_all()) {
        add(What::Left, went);
        if is_early {
            add(What::Early, came);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_784_088_000_000 + hours * HOUR)
    }

    /// Joined, left, left within a day: of all spells together, after this news.
    fn told(news: &[(char, i64)]) -> (i64, i64, i64) {
        let mut tie = Membership { store: crate::id::StoreId::parse("S").ok(), ..Membership::default() };
        let mut counts = Vec::new();
        for (what, hours) in news {
            let (before, mut spell) = (tie.clone(), tie.spell());
            let became = match what {
                '+' => spell.come(at(*hours), false, true),
                '!' => spell.show(at(*hours), false, true),
                '-' => {
                    spell.go(at(*hours));
                    Became::Same
                }
                _ => {
                    spell.miss(at(*hours));
                    Became::Same
                }
            };
            tie.set_spell(spell);
            let zone = jiff::tz::TimeZone::UTC;
            count(&before, "", -1, &zone, &mut counts);
            count(&tie, "", 1, &zone, &mut counts);
            if let Became::Anew(Some(ended)) = became {
                let mut closed = before.clone();
                closed.set_spell(ended);
                count(&closed, "", 1, &zone, &mut counts);
            }
        }
        let sum = |what: What| counts.iter().filter(|it| read_counter(&it.of).unwrap().0 == what).map(|it| it.by).sum();
        (sum(What::Joined), sum(What::Left), sum(What::Early))
    }

    #[test]
    fn who_leaves_within_a_day_does_not_stay_and_who_comes_back_within_one_has_not_left() {
        assert_eq!(told(&[('+', 0)]), (1, 0, 0));
        assert_eq!(told(&[('+', 0), ('-', 24)]), (1, 1, 1));
        assert_eq!(told(&[('+', 0), ('-', 25)]), (1, 1, 0));
        assert_eq!(told(&[('+', 0), ('-', 1), ('+', 2)]), (1, 0, 0));
        assert_eq!(told(&[('+', 0), ('-', 1), ('+', 2), ('-', 3)]), (1, 1, 1));
        assert_eq!(told(&[('+', 0), ('-', 100), ('+', 110)]), (1, 0, 0));
        assert_eq!(told(&[('+', 0), ('-', 100), ('+', 200)]), (2, 1, 0));
        assert_eq!(told(&[('+', 0), ('-', 1), ('+', 100), ('-', 101)]), (2, 2, 2));
    }

    #[test]
    fn news_that_comes_late_is_put_in_its_place() {
        assert_eq!(told(&[('-', 5), ('+', 0)]), (1, 1, 1));
        assert_eq!(told(&[('+', 0), ('+', 3), ('-', 2)]), (1, 0, 0));
        // Found by a reading, and then told when exactly.
        assert_eq!(told(&[('+', 0), ('-', 30), ('-', 20)]), (1, 1, 1));
        // Nobody told that they left in between.
        assert_eq!(told(&[('+', 0), ('+', 100)]), (2, 1, 0));
        // Who was there before anybody looked counts for nobody.
        assert_eq!(told(&[('-', 5)]), (0, 0, 0));
    }

    #[test]
    fn who_was_only_missing_is_there_again_when_a_list_shows_them() {
        assert_eq!(told(&[('!', 0), ('?', 2)]), (1, 1, 1));
        assert_eq!(told(&[('!', 0), ('?', 2), ('!', 0)]), (1, 0, 0));
        assert_eq!(told(&[('!', 0), ('?', 100), ('!', 0)]), (1, 0, 0));
        // An event that comes late says no more than what was known.
        assert_eq!(told(&[('!', 0), ('?', 2), ('+', 0)]), (1, 1, 1));
        // Somebody says when they went, be it earlier or later.
        assert_eq!(told(&[('!', 0), ('?', 30), ('-', 20)]), (1, 1, 1));
        assert_eq!(told(&[('!', 0), ('?', 20), ('-', 30)]), (1, 1, 0));
        // What somebody said holds against a list that lags.
        assert_eq!(told(&[('!', 0), ('-', 2), ('!', 0)]), (1, 1, 1));
        assert_eq!(told(&[('!', 0), ('-', 2), ('?', 3), ('!', 0)]), (1, 1, 1));
    }

    #[test]
    fn a_counter_is_read_as_it_was_named() {
        let of = Of { kind: "group", has_visit: false, store: "上海 01", staff: "a/b" };
        assert_eq!(read_counter(&counter(What::Early, &of)), Some((What::Early, of)));
        assert_eq!(read_counter("something else"), None);
        let long = Of { store: &"店".repeat(64), staff: &"x".repeat(64), ..of };
        assert!(counter(What::Joined, &long).len() <= crate::storage::BOOK_ID_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn repeats_change_nothing_and_one_coming_and_going_counts_the_same_in_any_order(
            went in 1_i64..200,
            order in proptest::collection::vec(any::<bool>(), 2..8),
        ) {
            let mut news: Vec<(char, i64)> = order.iter().map(|it| if *it { ('+', 0) } else { ('-', went) }).collect();
            news.extend([('+', 0), ('-', went)]);
            prop_assert_eq!(told(&news), (1, 1, i64::from(went <= 24)));
        }
    }
}
