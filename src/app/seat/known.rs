//! What this instance knows of seats by itself: how full groups were when storage said so last, what it has shown since, and whom.
//!
//! It is asked only while storage does not answer. It counts what it shows, so that it goes on to the next group instead of sending
//! everybody to one that is full; it knows nothing of what other instances show meanwhile.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::gate::Gate;
use super::head::Head;
use crate::campaign::Rotation;
use crate::group::SeatClaim;
use crate::id::{GroupId, VisitorId};
use crate::metrics::Metrics;
use crate::storage::{HeadCount, Seat, SeatAsk, SeatOffer, SeatPlace, SeatRules};
use crate::time::{Clock, Timestamp};

/// Visitors who are known at least, some 130 bytes each; twice as many at most.
const VISITORS_KNOWN: usize = 100_000;
/// Groups that were given seats and whose counts are asked for next.
const RECENT_MAX: usize = 2_000;

/// What an instance knows of seats.
pub struct KnownSeats {
    rules: SeatRules,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    inner: Mutex<Inner>,
    /// Whether storage may be asked.
    pub(in crate::app) gate: Gate,
}

#[derive(Default)]
struct Inner {
    heads: HashMap<GroupId, Head>,
    recent: HashSet<GroupId>,
    visitors: HashMap<VisitorId, Shown>,
    /// Those of before, until as many have come again.
    visitors_before: HashMap<VisitorId, Shown>,
}

/// What a visitor was shown last.
struct Shown {
    wanted: Box<str>,
    group: GroupId,
}

impl Inner {
    fn shown(&self, ask: &SeatAsk) -> Option<&GroupId> {
        let shown = self.visitors.get(&ask.visitor).or_else(|| self.visitors_before.get(&ask.visitor))?;
        (shown.wanted == ask.wanted).then_some(&shown.group)
    }

    fn remember(&mut self, visitor: VisitorId, wanted: &str, group: &GroupId) {
        if self.visitors.len() >= VISITORS_KNOWN {
            self.visitors_before = mem::take(&mut self.visitors);
        }
        self.visitors.insert(visitor, Shown { wanted: wanted.into(), group: group.clone() });
    }

    fn head(&mut self, group: &GroupId) -> &mut Head {
        self.heads.entry(group.clone()).or_default()
    }

    /// The place of the group of a rung that has room and is next.
    fn with_room(&self, ask: &SeatAsk, offers: &[SeatOffer], now_ms: i64, rules: &SeatRules) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for (place, it) in offers.iter().enumerate() {
            let heads = self.heads.get(&it.group).map_or(0.0, |head| head.heads(now_ms, rules));
            if heads + 1.0 > f64::from(it.capacity) {
                continue;
            }
            if ask.rotation == Rotation::InOrder {
                return Some(place);
            }
            let filled = heads / f64::from(it.capacity.max(1));
            if best.is_none_or(|(least, _)| filled < least) {
                best = Some((filled, place));
            }
        }
        best.map(|(_, place)| place)
    }
}

impl KnownSeats {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(rules: SeatRules, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { rules, clock, metrics, inner: Mutex::default(), gate: Gate::default() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(in crate::app) fn rules_and_now(&self) -> (&SeatRules, Timestamp) {
        (&self.rules, self.clock.now())
    }

    pub(super) fn rules(&self) -> &SeatRules {
        &self.rules
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what storage has given.
    pub(super) fn note(&self, asks: &[SeatAsk], seats: &[Seat]) {
        let now_ms = self.now().unix_ms();
        let mut inner = self.inner();
        for (ask, seat) in asks.iter().zip(seats).filter(|(ask, _)| !ask.is_peek) {
            let Some(group) = seat.place().and_then(|it| group_at(ask, it)) else { continue };
            inner.remember(ask.visitor, &ask.wanted, group);
            if matches!(seat, Seat::Taken(_)) {
                let head = inner.head(group);
                head.taken = head.taken.saturating_add(1);
                if head.counted_at_ms == 0 {
                    head.counted_at_ms = now_ms;
                }
                if inner.recent.len() < RECENT_MAX {
                    inner.recent.insert(group.clone());
                }
            }
        }
    }

    /// The groups that were given seats since the last call.
    pub(super) fn recent(&self) -> Vec<GroupId> {
        mem::take(&mut self.inner().recent).into_iter().collect()
    }

    /// Notes what storage says of groups.
    pub(super) fn counted(&self, groups: &[GroupId], counts: &[HeadCount]) {
        let now_ms = self.now().unix_ms();
        let mut inner = self.inner();
        for (group, it) in groups.iter().zip(counts) {
            if *it == HeadCount::default() && !inner.heads.contains_key(group) {
                continue;
            }
            let head = inner.head(group);
            head.sure = it.members.map_or(0, |it| it.0).saturating_add(it.confirmed);
            (head.held, head.given_back, head.taken, head.counted_at_ms) = (it.held, it.given_back, 0, now_ms);
            if head.is_empty() {
                inner.heads.remove(group);
            }
        }
    }

    /// Chooses a seat without storage, by the rules by which storage does, and counts it. A visitor who is known is shown the same
    /// group again.
    pub(super) fn choose(&self, ask: &SeatAsk) -> Seat {
        let now_ms = self.now().unix_ms();
        let mut inner = self.inner();
        if let Some(group) = inner.shown(ask) {
            if let Some(place) = place_of(ask, group) {
                return Seat::Kept(place);
            }
            if !ask.is_whole {
                return Seat::NoneHere;
            }
        }
        for (rung, offers) in ask.rungs.iter().enumerate() {
            let Some(offer) = inner.with_room(ask, offers, now_ms, &self.rules) else { continue };
            if let Some(it) = offers.get(offer).filter(|_| !ask.is_peek) {
                inner.head(&it.group).show(now_ms, &self.rules);
                inner.remember(ask.visitor, &ask.wanted, &it.group);
            }
            return Seat::Taken(SeatPlace { rung, offer });
        }
        Seat::NoneHere
    }

    /// Notes that a claim is on disk and waits for storage.
    pub(in crate::app) fn waits(&self) {
        self.metrics.seats_unconfirmed.inc();
    }

    /// Notes that a claim is not on disk, because the visit was recorded before or the disk does not take it: storage will never
    /// count it, and until it says how full the group is the seat counts as given.
    pub(in crate::app) fn is_not_claimed(&self, claim: &SeatClaim) {
        let mut inner = self.inner();
        if let Some(head) = inner.heads.get_mut(&claim.group) {
            head.unshow();
            head.taken = head.taken.saturating_add(1);
        }
    }

    /// Notes how full groups were before the start, unless storage has said it since.
    pub(super) fn remember_heads(&self, heads: impl Iterator<Item = (GroupId, HeadCount)>) {
        let now_ms = self.now().unix_ms();
        let mut inner = self.inner();
        for (group, it) in heads {
            let head = inner.head(&group);
            if head.counted_at_ms == 0 {
                head.sure = it.members.map_or(0, |it| it.0).saturating_add(it.confirmed);
                (head.held, head.given_back, head.counted_at_ms) = (it.held, it.given_back, now_ms);
            }
        }
    }

    /// Notes claims of before the start that wait for storage.
    pub(super) fn restore(&self, claims: &[SeatClaim]) {
        let mut inner = self.inner();
        for it in claims {
            inner.head(&it.group).show(it.at.unix_ms(), &self.rules);
            inner.remember(it.visitor, &it.wanted, &it.group);
        }
        self.metrics.seats_unconfirmed.add(i64::try_from(claims.len()).unwrap_or(i64::MAX));
    }

    /// Notes that storage has counted these claims.
    pub(in crate::app) fn reconciled(&self, claims: &[SeatClaim]) {
        if claims.is_empty() {
            return;
        }
        let mut inner = self.inner();
        for it in claims {
            if let Some(head) = inner.heads.get_mut(&it.group) {
                head.unshow();
            }
            if inner.recent.len() < RECENT_MAX {
                inner.recent.insert(it.group.clone());
            }
        }
        let count = u64::try_from(claims.len()).unwrap_or(u64::MAX);
        let waiting = &self.metrics.seats_unconfirmed;
        waiting.set(waiting.get().saturating_sub(i64::try_from(count).unwrap_or(i64::MAX)).max(0));
        self.metrics.seats_reconciled.inc_by(count);
    }

    /// Notes that no claim waits, because nothing does.
    pub(in crate::app) fn nothing_waits(&self) {
        if self.metrics.seats_unconfirmed.get() == 0 {
            return;
        }
        self.metrics.seats_unconfirmed.set(0);
        for head in self.inner().heads.values_mut() {
            (head.shown, head.shown_before) = (0, 0);
        }
    }

    /// Forgets a visitor.
    pub(in crate::app) fn forget(&self, visitor: VisitorId) {
        let mut inner = self.inner();
        inner.visitors.remove(&visitor);
        inner.visitors_before.remove(&visitor);
    }
}

fn group_at(ask: &SeatAsk, place: SeatPlace) -> Option<&GroupId> {
    Some(&ask.rungs.get(place.rung)?.get(place.offer)?.group)
}

fn place_of(ask: &SeatAsk, group: &GroupId) -> Option<SeatPlace> {
    ask.rungs.iter().enumerate().find_map(|(rung, offers)| {
        let offer = offers.iter().position(|it| it.group == *group)?;
        Some(SeatPlace { rung, offer })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ScanId;
    use crate::time::ManualClock;

    const NOW_MS: i64 = 1_790_000_000_000;

    fn known() -> (KnownSeats, ManualClock) {
        let clock = ManualClock::at(Timestamp::from_unix_ms(NOW_MS));
        let rules = SeatRules::new(30, 0.5, 30);
        (KnownSeats::new(rules, Arc::new(clock.clone()), Arc::new(Metrics::new())), clock)
    }

    fn group(id: &str) -> GroupId {
        GroupId::parse(id).unwrap()
    }

    fn ask(visitor: u128, groups: &[(&str, u32)]) -> SeatAsk {
        let offer = |&(id, capacity): &(&str, u32)| SeatOffer { group: group(id), capacity };
        SeatAsk {
            visitor: VisitorId::from_parts(1, visitor),
            scan: ScanId::from_parts(1, visitor),
            wanted: "store:x".into(),
            rungs: vec![groups.iter().map(offer).collect()],
            rotation: Rotation::InOrder,
            is_whole: true,
            is_peek: false,
        }
    }

    fn claim(visitor: u128, id: &str) -> SeatClaim {
        let it = ask(visitor, &[]);
        let at = Timestamp::from_unix_ms(NOW_MS);
        SeatClaim { visitor: it.visitor, scan: it.scan, group: group(id), wanted: it.wanted, at }
    }

    fn chosen(known: &KnownSeats, visitors: std::ops::Range<u128>, groups: &[(&str, u32)]) -> Vec<Option<usize>> {
        visitors.map(|it| known.choose(&ask(it, groups)).place().map(|it| it.offer)).collect()
    }

    #[test]
    fn groups_fill_up_from_the_last_count_one_after_the_other() {
        let (known, _clock) = known();
        let count = HeadCount { members: None, confirmed: 1, held: 1, given_back: 2 };
        known.counted(&[group("a")], &[count]);
        // Three heads of five by the count.
        assert_eq!(chosen(&known, 0..4, &[("a", 5), ("b", 1)]), [Some(0), Some(0), Some(1), None]);
        assert_eq!(chosen(&known, 0..3, &[("a", 5), ("b", 1)]), [Some(0), Some(0), Some(1)], "they keep theirs");
    }

    #[test]
    fn what_storage_gave_since_its_last_count_counts_until_the_next() {
        let (known, _clock) = known();
        let asks = [ask(1, &[("a", 2)]), ask(2, &[("a", 2)])];
        known.note(&asks, &[Seat::Taken(SeatPlace { rung: 0, offer: 0 }); 2]);
        assert_eq!(chosen(&known, 3..4, &[("a", 2)]), [None]);
        assert_eq!(known.choose(&asks[0]), Seat::Kept(SeatPlace { rung: 0, offer: 0 }));
        assert_eq!(known.recent(), [group("a")]);
        known.counted(&[group("a")], &[HeadCount { held: 1, ..HeadCount::default() }]);
        assert_eq!(chosen(&known, 3..4, &[("a", 2)]), [Some(0)]);
    }

    #[test]
    fn holds_end_without_storage_too() {
        let (known, clock) = known();
        known.counted(&[group("a")], &[HeadCount { held: 4, ..HeadCount::default() }]);
        assert_eq!(chosen(&known, 1..2, &[("a", 4)]), [None]);
        clock.advance_ms(31 * 60_000);
        // Two by the join rate, and those who come.
        assert_eq!(chosen(&known, 1..4, &[("a", 4)]), [Some(0), Some(0), None]);
        clock.advance_ms(61 * 60_000);
        // Two, and one by the join rate.
        assert_eq!(chosen(&known, 4..6, &[("a", 4)]), [Some(0), None]);
    }

    #[test]
    fn what_storage_has_counted_afterwards_counts_no_longer_here() {
        let (known, _clock) = known();
        assert_eq!(chosen(&known, 1..4, &[("a", 2)]), [Some(0), Some(0), None]);
        known.waits();
        known.waits();
        assert_eq!(known.metrics().seats_unconfirmed.get(), 2);
        known.reconciled(&[claim(1, "a"), claim(2, "a")]);
        assert_eq!((known.metrics().seats_unconfirmed.get(), known.metrics().seats_reconciled.get()), (0, 2));
        assert_eq!(chosen(&known, 3..4, &[("a", 2)]), [Some(0)]);
    }

    #[test]
    fn claims_of_before_the_start_count_and_their_visitors_are_known() {
        let (known, _clock) = known();
        known.restore(&[claim(1, "b"), claim(2, "a")]);
        assert_eq!(chosen(&known, 1..4, &[("a", 1), ("b", 2)]), [Some(1), Some(0), Some(1)]);
        known.nothing_waits();
        assert_eq!(chosen(&known, 4..5, &[("a", 1), ("b", 2)]), [Some(0)]);
    }

    #[test]
    fn a_peek_takes_nothing_and_who_is_forgotten_is_not_known() {
        let (known, _clock) = known();
        let peek = SeatAsk { is_peek: true, ..ask(1, &[("a", 1)]) };
        assert_eq!((known.choose(&peek).place(), known.choose(&peek).place()), {
            let place = Some(SeatPlace { rung: 0, offer: 0 });
            (place, place)
        });
        let groups = [("a", 1), ("b", 1)];
        assert_eq!(chosen(&known, 1..3, &groups), [Some(0), Some(1)]);
        known.forget(VisitorId::from_parts(1, 1));
        assert_eq!(chosen(&known, 1..2, &groups), [None]);
    }
}
