//! Reads visits in order, page by page from all partitions at once; each page is as of the moment when it is read.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::super::{EachStep, EachTag, StorageError, TagFilter};
use super::guide::{self, Guide, Span};
use super::keys::{self, PARTITIONS};
use super::link::{Link, Patience};
use super::scripts::{self, Call};
use super::{damaged, pack};
use crate::funnel::{Step, StepRecord};
use crate::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use crate::tag::TagRecord;
use crate::time::Timestamp;

/// Visits that a call looks at, a millisecond or two of the server's time.
const PAGE: usize = 500;
/// The fewest, where few are wanted.
const PAGE_MIN: usize = 16;
/// Milliseconds since 1970 that no time lies beyond.
const EVER_MS: i64 = 400_000_000_000_000;

/// Fields and values, or members and scores.
pub(super) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A record with its steps.
pub(super) struct Visit {
    pub(super) record: TagRecord,
    pub(super) steps: Vec<(Step, Timestamp)>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Earliest,
    Latest,
}

/// Reads all pages of a hash or a sorted set: field and value, or member and score. What changes meanwhile may come twice.
pub(super) fn scan(link: &Link, command: &str, key: &[u8]) -> Result<Pairs, StorageError> {
    let mut found = Vec::new();
    let mut cursor = 0_u64;
    loop {
        let (next, page): (u64, Pairs) = link
            .with(Patience::Work, |conn| redis::cmd(command).arg(key).arg(cursor).arg("COUNT").arg(PAGE).query(conn))?;
        found.extend(page);
        cursor = next;
        if cursor == 0 {
            return Ok(found);
        }
    }
}

/// What is read of one partition, in order.
pub(super) struct Stream<'a> {
    link: &'a Link,
    partition: u8,
    filter: &'a TagFilter,
    /// Texts that a record must hold to pass.
    needles: Vec<Vec<u8>>,
    order: Order,
    page: usize,
    ready: VecDeque<Visit>,
    /// The time and the member that the last page ended with; none at the beginning.
    last: Option<[Vec<u8>; 2]>,
    /// The place of the last visit that was read.
    read: Option<(Timestamp, ScanId)>,
    /// Whether the span is read to its end.
    is_over: bool,
    span: Span,
    /// What is read after it.
    spans: VecDeque<Span>,
    /// Who knows further ones.
    guide: Option<Guide>,
}

impl<'a> Stream<'a> {
    fn new(link: &'a Link, partition: u8, filter: &'a TagFilter, order: Order, page: usize) -> Self {
        let TagFilter { store, campaign, province, city, district, region, .. } = filter;
        let needles = [
            store.as_ref().map(StoreId::as_str),
            campaign.as_ref().map(CampaignSlug::as_str),
            province.as_deref(),
            city.as_deref(),
            district.as_deref(),
            region.as_deref(),
        ];
        let needles = needles.into_iter().flatten().filter(|it| !it.is_empty()).map(pack::text).collect();
        let guide = guide::is_worth_it(filter).then(|| Guide::new(filter, order));
        let is_over = guide.is_some();
        let (ready, spans, last, read, span) = (VecDeque::new(), VecDeque::new(), None, None, Self::span(filter));
        Self { link, partition, filter, needles, order, page, ready, last, read, is_over, span, spans, guide }
    }

    /// The time that a filter asks for.
    pub(super) fn span(filter: &TagFilter) -> Span {
        let ms = |it: Option<Timestamp>, ever: i64| it.map_or(ever, Timestamp::unix_ms);
        (ms(filter.from, -EVER_MS), ms(filter.to, EVER_MS))
    }

    /// What a filter chooses of one partition within some spans of time, in order.
    pub(super) fn within(link: &'a Link, partition: u8, filter: &'a TagFilter, spans: VecDeque<Span>) -> Self {
        let stream = Self::new(link, partition, filter, Order::Earliest, PAGE);
        Self { spans, is_over: true, guide: None, ..stream }
    }

    /// All of one partition from a moment on, in order.
    pub(super) fn all(link: &'a Link, partition: u8, filter: &'a TagFilter) -> Self {
        Self::new(link, partition, filter, Order::Earliest, PAGE)
    }

    /// Takes the next visit.
    pub(super) fn next(&mut self) -> Result<Option<Visit>, StorageError> {
        self.peek()?;
        Ok(self.ready.pop_front())
    }

    /// The place of the next visit.
    fn peek(&mut self) -> Result<Option<(Timestamp, ScanId)>, StorageError> {
        while self.ready.is_empty() && self.goes_on()? {
            self.fill()?;
        }
        Ok(self.ready.front().map(|it| (it.record.at, it.record.scan)))
    }

    /// Whether there is more to read, in this span or in another one, which it goes to.
    fn goes_on(&mut self) -> Result<bool, StorageError> {
        while self.is_over {
            if let Some(span) = self.spans.pop_front() {
                (self.span, self.last, self.is_over) = (span, None, false);
            } else {
                let guide = self.guide.as_mut();
                let more = guide.map(|it| it.more(self.link, self.partition, self.filter)).transpose()?;
                let Some(more) = more.flatten() else { return Ok(false) };
                self.spans.extend(more);
            }
        }
        Ok(true)
    }

    fn fill(&mut self) -> Result<(), StorageError> {
        let mut call = Call::new([keys::by_time(self.partition)]);
        call.arg([keys::prefix(self.partition).as_bytes(), b"v"].concat());
        call.arg(if self.order == Order::Earliest { "up" } else { "down" });
        call.arg(self.span.0.to_string()).arg(self.span.1.to_string());
        let [at, member] = self.last.take().unwrap_or_default();
        call.arg(at).arg(member).arg(self.page.to_string());
        for it in &self.needles {
            call.arg(&**it);
        }
        let reply: Vec<Vec<u8>> = scripts::run_one(self.link, &scripts::PAGE, call)?;
        let (end, found) = reply.split_at_checked(2).ok_or_else(|| damaged("a page"))?;
        for pair in found.chunks(2) {
            let [member, value] = pair else { continue };
            let visit = visit(member, value).ok_or_else(|| damaged("a record"))?;
            let place = (visit.record.at, visit.record.scan);
            let is_new = self.read.is_none_or(|it| if self.order == Order::Earliest { it < place } else { it > place });
            // What the last page ended with may be gone; then visits of the same moment come again.
            if is_new {
                self.read = Some(place);
                if self.filter.passes(&visit.record) {
                    self.ready.push_back(visit);
                }
            }
        }
        self.last = match end {
            [at, member] if !member.is_empty() => Some([at.clone(), member.clone()]),
            _ => None,
        };
        self.is_over = self.last.is_none();
        Ok(())
    }
}

/// A visit by its member and its value.
fn visit(member: &[u8], value: &[u8]) -> Option<Visit> {
    let (scan, visitor) = member.split_first_chunk()?;
    let (steps, body) = pack::split(value)?;
    let visitor = VisitorId::from_bytes(visitor.try_into().ok()?);
    Some(Visit { record: pack::record(ScanId::from_bytes(*scan), visitor, body)?, steps })
}

/// Hands over visits in order, from all partitions.
fn each(
    link: &Link,
    filter: &TagFilter,
    (order, page): (Order, usize),
    to: &mut dyn FnMut(Visit) -> ControlFlow<()>,
) -> Result<(), StorageError> {
    if let Some(visitor) = filter.visitor {
        let mut theirs = of_visitor(link, visitor)?;
        theirs.retain(|it| filter.passes(&it.record));
        theirs.sort_by_key(|it| (it.record.at, it.record.scan));
        theirs.dedup_by_key(|it| it.record.scan);
        if order == Order::Latest {
            theirs.reverse();
        }
        let _broken_off = theirs.into_iter().try_for_each(to);
        return Ok(());
    }
    let mut streams: Vec<Stream<'_>> =
        (0..PARTITIONS).map(|partition| Stream::new(link, partition, filter, order, page)).collect();
    loop {
        let mut next: Option<((Timestamp, ScanId), &mut Stream<'_>)> = None;
        for stream in &mut streams {
            let Some(place) = stream.peek()? else { continue };
            let is_next = |before: (Timestamp, ScanId)| {
                if order == Order::Earliest { place < before } else { place > before }
            };
            if next.as_ref().is_none_or(|it| is_next(it.0)) {
                next = Some((place, stream));
            }
        }
        let Some((_, stream)) = next else { return Ok(()) };
        if let Some(visit) = stream.next()?
            && to(visit).is_break()
        {
            return Ok(());
        }
    }
}

/// All visits of a visitor, in no order.
fn of_visitor(link: &Link, visitor: VisitorId) -> Result<Vec<Visit>, StorageError> {
    let id = visitor.to_bytes();
    let mut found = Vec::new();
    for (scan, value) in scan(link, "HSCAN", &keys::visits(keys::partition(&id), &id))? {
        let (_, body) = pack::split(&value).ok_or_else(|| damaged("a visit"))?;
        // Steps whose record is still on its way.
        if !body.is_empty() {
            found.push(visit(&[&*scan, &id].concat(), &value).ok_or_else(|| damaged("a record"))?);
        }
    }
    Ok(found)
}

pub(super) fn each_tag(link: &Link, filter: &TagFilter, to: EachTag<'_>) -> Result<(), StorageError> {
    each(link, filter, (Order::Earliest, PAGE), &mut |visit| to(visit.record))
}

pub(super) fn each_step(link: &Link, filter: &TagFilter, to: EachStep<'_>) -> Result<(), StorageError> {
    each(link, filter, (Order::Earliest, PAGE), &mut |mut visit| {
        visit.steps.sort_by_key(|it| it.0.as_str());
        let scan = visit.record.scan;
        visit.steps.into_iter().try_for_each(|(step, at)| to(StepRecord { scan, step, at }))
    })
}

pub(super) fn latest_tags(
    link: &Link,
    filter: &TagFilter,
    skip: usize,
    limit: usize,
) -> Result<Vec<TagRecord>, StorageError> {
    let mut found = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    let mut left = skip;
    let is_chosen = *filter != TagFilter { from: filter.from, to: filter.to, ..TagFilter::default() };
    let page = if is_chosen { PAGE } else { skip.saturating_add(limit).clamp(PAGE_MIN, PAGE) };
    each(link, filter, (Order::Latest, page), &mut |visit| {
        if left > 0 {
            left -= 1;
            return ControlFlow::Continue(());
        }
        found.push(visit.record);
        if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}

pub(super) fn count_tags(link: &Link, filter: &TagFilter) -> Result<u64, StorageError> {
    let mut count = 0;
    if *filter == (TagFilter { from: filter.from, to: filter.to, ..TagFilter::default() }) {
        let from = filter.from.map_or("-inf".to_owned(), |it| it.unix_ms().to_string());
        let to = filter.to.map_or("+inf".to_owned(), |it| format!("({}", it.unix_ms()));
        for partition in 0..PARTITIONS {
            count += link.with(Patience::Work, |conn| {
                redis::cmd("ZCOUNT").arg(keys::by_time(partition)).arg(&from).arg(&to).query::<u64>(conn)
            })?;
        }
        return Ok(count);
    }
    if guide::tells_all(filter) {
        return guide::count(link, filter);
    }
    each(link, filter, (Order::Earliest, PAGE), &mut |_visit| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}
