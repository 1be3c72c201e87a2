//! Which days have visits that a filter chooses, as the tallies tell, so that other visits are not looked through; the visits
//! themselves are read elsewhere.
//!
//! Tallies outlast the records that they count, and change with them in one step, so a day that has none has no such visit.

use std::collections::{BTreeMap, VecDeque};

use super::super::{StorageError, TagFilter};
use super::keys::PARTITIONS;
use super::link::Link;
use super::pages::{Order, Stream};
use super::tallies::{self, Of};
use super::{damaged, pack};
use crate::funnel::Stage;
use crate::id::{CampaignSlug, StoreId};
use crate::time::Day;

/// Days whose tallies are looked at together.
const DAYS_A_LOOK: usize = 8;
const DAY_MS: i64 = 86_400_000;

/// A span of time: from this millisecond since 1970 on, until before that one.
pub(super) type Span = (i64, i64);

/// Within what the visits of a day begin, whatever the zone.
fn span_of(day: i64) -> Span {
    (day.saturating_sub(1).saturating_mul(DAY_MS), day.saturating_add(2).saturating_mul(DAY_MS))
}

/// The days whose visits may begin within a span.
fn days_within(link: &Link, partition: u8, (from, to): Span) -> Result<Vec<i64>, StorageError> {
    let (first, last) = Day::RANGE;
    let day = |ms: i64, by: i64| Day::from_number((ms.div_euclid(DAY_MS) + by).clamp(first.number(), last.number()));
    tallies::days(link, partition, day(from, -1), day(to, 1))
}

/// A pattern that the fields of tallies fit in which such visits count; some others may fit it too.
fn pattern(filter: &TagFilter) -> Vec<u8> {
    let campaign = filter.campaign.as_ref().map(CampaignSlug::as_str);
    let store = filter.store.as_ref().map(StoreId::as_str);
    let region = [&filter.district, &filter.city, &filter.province].into_iter().find_map(|it| it.as_deref());
    let mut out = campaign.map(plainly).unwrap_or_default();
    // In a field the campaign comes first, then the store, then the region.
    for text in [store, region].into_iter().flatten().filter(|it| !it.is_empty()) {
        out.push(b'*');
        out.extend(plainly(text));
    }
    out.push(b'*');
    out
}

/// A text in a pattern that means itself.
fn plainly(text: &str) -> Vec<u8> {
    let escaped = |byte: u8| {
        let escape = b"*?[]^\\".contains(&byte).then_some(b'\\');
        escape.into_iter().chain([byte])
    };
    pack::text(text).into_iter().flat_map(escaped).collect()
}

/// Whether visits that count in a cell pass as far as the cell tells.
fn passes(filter: &TagFilter, [campaign, store, province, city, district]: [&str; 5]) -> bool {
    let is = |wanted: Option<&str>, name: &str| wanted.is_none_or(|it| it == name);
    is(filter.campaign.as_ref().map(CampaignSlug::as_str), campaign)
        && is(filter.store.as_ref().map(StoreId::as_str), store)
        && is(filter.province.as_deref(), province)
        && is(filter.city.as_deref(), city)
        && is(filter.district.as_deref(), district)
}

/// How many visits of each of these days pass as far as their cells tell; days without any are left out.
fn visits_of(link: &Link, partition: u8, days: &[i64], filter: &TagFilter) -> Result<BTreeMap<i64, u64>, StorageError> {
    let which: Vec<(i64, Of)> = days.iter().map(|day| (*day, Of::Records)).collect();
    let mut found = BTreeMap::new();
    tallies::read_fields(link, partition, &which, &pattern(filter), &mut |day, _of, cell, counts| {
        let place = pack::cell_place(cell).ok_or_else(|| damaged("a cell of tallies"))?;
        let visits = u64::try_from(counts.visits.of(Stage::Scanned)).unwrap_or_default();
        if visits > 0 && passes(filter, place) {
            *found.entry(day).or_default() += visits;
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether cells tell exactly which visits pass, but for their time.
pub(super) fn tells_all(filter: &TagFilter) -> bool {
    filter.visitor.is_none() && filter.region.is_none()
}

/// Whether so few days or partitions have such visits that it pays to look at the tallies first.
pub(super) fn is_worth_it(filter: &TagFilter) -> bool {
    filter.visitor.is_none() && (filter.store.is_some() || filter.city.is_some() || filter.district.is_some())
}

/// How many visits pass a filter of which [`tells_all`] holds. Only days of which a part is asked for are looked through, where they
/// have such visits.
pub(super) fn count(link: &Link, filter: &TagFilter) -> Result<u64, StorageError> {
    let asked = Stream::span(filter);
    let mut count = 0;
    for partition in 0..PARTITIONS {
        let mut edges = Vec::new();
        for some in days_within(link, partition, asked)?.chunks(DAYS_A_LOOK) {
            for (day, visits) in visits_of(link, partition, some, filter)? {
                let (begins, ends) = span_of(day);
                if asked.0 <= begins && ends <= asked.1 {
                    count += visits;
                } else {
                    edges.push(day);
                }
            }
        }
        let mut frontier = asked.0;
        let spans = edges.iter().filter_map(|day| next_span(*day, Order::Earliest, asked, &mut frontier));
        let mut stream = Stream::within(link, partition, filter, spans.collect());
        while let Some(it) = stream.next()? {
            count += u64::from(edges.contains(&it.record.day().number()));
        }
    }
    Ok(count)
}

/// The part of a day's span that is asked for and lies beyond what was given before.
fn next_span(day: i64, order: Order, asked: Span, frontier: &mut i64) -> Option<Span> {
    let (begins, ends) = span_of(day);
    let span = match order {
        Order::Earliest => (begins.max(asked.0).max(*frontier), ends.min(asked.1)),
        Order::Latest => (begins.max(asked.0), ends.min(asked.1).min(*frontier)),
    };
    if span.0 >= span.1 {
        return None;
    }
    *frontier = if order == Order::Earliest { span.1 } else { span.0 };
    Some(span)
}

/// The spans of time of one partition in which visits of a filter may be, one after the other.
pub(super) struct Guide {
    order: Order,
    asked: Span,
    /// The days that were not looked at yet; none before the first look.
    days: Option<VecDeque<i64>>,
    frontier: i64,
}

impl Guide {
    pub(super) fn new(filter: &TagFilter, order: Order) -> Self {
        let asked = Stream::span(filter);
        Self { order, asked, days: None, frontier: if order == Order::Earliest { asked.0 } else { asked.1 } }
    }

    /// The next spans; none at the end.
    pub(super) fn more(
        &mut self,
        link: &Link,
        partition: u8,
        filter: &TagFilter,
    ) -> Result<Option<Vec<Span>>, StorageError> {
        if self.days.is_none() {
            let mut days = days_within(link, partition, self.asked)?;
            if self.order == Order::Latest {
                days.reverse();
            }
            self.days = Some(days.into());
        }
        let days = self.days.get_or_insert_default();
        let some: Vec<i64> = days.drain(..DAYS_A_LOOK.min(days.len())).collect();
        if some.is_empty() {
            return Ok(None);
        }
        let found = visits_of(link, partition, &some, filter)?;
        let with_visits = some.into_iter().filter(|it| found.contains_key(it));
        let (order, asked) = (self.order, self.asked);
        let spans = with_visits.filter_map(|it| next_span(it, order, asked, &mut self.frontier)).collect();
        Ok(Some(spans))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_the_texts_themselves() {
        let store = StoreId::parse("a*[b]").ok();
        let filter = TagFilter { store, city: Some("上海市".to_owned()), ..TagFilter::default() };
        assert_eq!(pattern(&filter), ["*\x05a\\*\\[b\\]*\x09".as_bytes(), "上海市*".as_bytes()].concat());
        // The default campaign is a word of one byte.
        let filter = TagFilter { campaign: Some(CampaignSlug::default_slug()), ..TagFilter::default() };
        assert_eq!(pattern(&filter), b"\xc0*");
    }

    #[test]
    fn spans_follow_one_another_without_gap_or_overlap() {
        let day = |n: i64| n * DAY_MS;
        let asked = (day(8) + 5, day(30));
        let mut frontier = asked.0;
        let spans: Vec<_> = [8, 10, 11, 20, 40]
            .into_iter()
            .filter_map(|it| next_span(it, Order::Earliest, asked, &mut frontier))
            .collect();
        assert_eq!(spans, [(day(8) + 5, day(10)), (day(10), day(12)), (day(12), day(13)), (day(19), day(22))]);
        let mut frontier = asked.1;
        let spans: Vec<_> =
            [30, 28, 9].into_iter().filter_map(|it| next_span(it, Order::Latest, asked, &mut frontier)).collect();
        assert_eq!(spans, [(day(29), day(30)), (day(27), day(29)), (day(8) + 5, day(11))]);
    }
}
