//! Records and steps as bytes, as short as is simple; not where they are kept. The scripts read the first fields of a body.
//!
//! A value is its steps and its body. Steps are a byte of flags, one a kind, and the time of each. A body is one byte of the stages that
//! the record proves, the revision, the time, the day, the length of the cell, the cell (campaign, store, province, city, district, route,
//! assigned route, source, rung), and then outcome, join code, areas, and where the region and the accuracy come from.

use serde::Deserialize;
use serde::de::{IntoDeserializer as _, value};

use super::super::stages;
use crate::campaign::Route;
use crate::funnel::{Cell, Counts, Pair, Stage, Stages, Step};
use crate::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use crate::region::RegionNames;
use crate::tag::TagRecord;
use crate::time::{Day, Timestamp};

/// Words that are written as one byte. Their places are the format: words are added at the end only, and 30 at most.
#[rustfmt::skip]
const WORDS: [&str; 20] = [
    "default", "routed", "choose", "out_of_reach", "unknown_place", "group", "contact", "next_store", "region", "campaign",
    "gps", "chosen", "previous", "ip", "none", "fine", "coarse", "wide", "polygon", "store",
];
/// Up to here, a byte is the length of a text.
const SHORT_MAX: u8 = 191;
/// The byte of the first word.
const FIRST_WORD: u8 = 192;
/// The byte of a text that repeats the one before.
const SAME: u8 = 222;
/// The byte of a text that begins with the store's id.
const OF_STORE: u8 = 223;
/// The byte before a length of four bytes.
const LONG: u8 = 224;
/// Steps of a visit.
pub(super) type Steps = Vec<(Step, Timestamp)>;

/// Bytes of a time.
const TIME_BYTES: usize = 7;

/// Whether a record has what may be missing, as bits.
const HAS: [u8; 5] = [1, 2, 4, 8, 16];

fn put_time(out: &mut Vec<u8>, at: Timestamp) {
    out.extend(at.unix_ms().to_be_bytes().iter().skip(8 - TIME_BYTES));
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    if let Some(code) = (FIRST_WORD..).zip(WORDS).find(|it| it.1 == text) {
        out.push(code.0);
        return;
    }
    match u8::try_from(text.len()) {
        Ok(short) if short <= SHORT_MAX => out.push(short),
        Ok(_) | Err(_) => {
            out.push(LONG);
            out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    out.extend(text.as_bytes());
}

/// A text as it stands in a body, for looking for it.
pub(super) fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    put_text(&mut out, text);
    out
}

/// Steps as they stand in a value: of each kind the earliest.
pub(super) fn steps(all: &[(Step, Timestamp)]) -> Vec<u8> {
    let (mut flags, mut times) = (0_u8, Vec::new());
    for (kind, bit) in Step::ALL.into_iter().zip(HAS) {
        if let Some(at) = all.iter().filter(|it| it.0 == kind).map(|it| it.1).min() {
            flags |= bit;
            put_time(&mut times, at);
        }
    }
    times.insert(0, flags);
    times
}

/// A record as it stands in a value.
pub(super) fn body(record: &TagRecord) -> Vec<u8> {
    let region = &record.region;
    let store = record.store.as_ref().map_or("", StoreId::as_str);
    let mut cell = Vec::with_capacity(96);
    for it in [record.campaign.as_str(), store, &region.province] {
        put_text(&mut cell, it);
    }
    for (before, it) in [(&region.province, &region.city), (&region.city, &region.district)] {
        if before == it && !it.is_empty() { cell.push(SAME) } else { put_text(&mut cell, it) }
    }
    let rung = record.fallback.as_deref().unwrap_or_default();
    for it in [record.mode.as_str(), record.assigned.map_or("", Route::as_str), record.source.as_str(), rung] {
        put_text(&mut cell, it);
    }
    let mut out = Vec::with_capacity(cell.len() + 64);
    let proved = stages(record, Stages::default());
    out.push(1 + 2 * u8::from(proved.has(Stage::Located)) + 4 * u8::from(proved.has(Stage::Shown)));
    out.extend(record.revision.to_be_bytes());
    put_time(&mut out, record.at);
    out.extend(record.day().number().to_be_bytes().iter().skip(5));
    out.extend(u32::try_from(cell.len()).unwrap_or(u32::MAX).to_be_bytes().iter().skip(1));
    out.extend(cell);
    let has = [
        record.store.is_some(),
        record.join_kind.is_some(),
        record.join_id.is_some(),
        record.fallback.is_some(),
        record.assigned.is_some(),
    ];
    out.push(HAS.into_iter().zip(has).filter(|it| it.1).map(|it| it.0).sum());
    put_text(&mut out, &record.outcome);
    if let Some(kind) = &record.join_kind {
        put_text(&mut out, kind);
    }
    if let Some(id) = &record.join_id {
        match id.strip_prefix(store).filter(|_| !store.is_empty()) {
            Some(rest) => {
                out.push(OF_STORE);
                put_text(&mut out, rest);
            }
            None => put_text(&mut out, id),
        }
    }
    put_text(&mut out, record.region_source.as_str());
    put_text(&mut out, record.accuracy.as_str());
    for area in &region.areas {
        put_text(&mut out, area);
    }
    out
}

/// Bytes that are still to be read. None from its methods means that they are not what this program writes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A signed number of so many bytes, the highest first.
    fn number(&mut self, count: usize) -> Option<i64> {
        let bytes = self.take(count)?;
        let sign = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
        Some(bytes.iter().fold(sign, |number, it| (number << 8) | i64::from(*it)))
    }

    fn text(&mut self, before: &'a str) -> Option<&'a str> {
        let code = self.byte()?;
        match code {
            0..=SHORT_MAX => std::str::from_utf8(self.take(usize::from(code))?).ok(),
            SAME => Some(before),
            LONG => {
                let length = usize::try_from(self.number(4)?).ok()?;
                std::str::from_utf8(self.take(length)?).ok()
            }
            _ => WORDS.get(usize::from(code - FIRST_WORD)).copied(),
        }
    }
}

/// The cell's texts, in the order of [`body`].
struct Texts<'a> {
    campaign: &'a str,
    store: &'a str,
    region: [&'a str; 3],
    mode: &'a str,
    assigned: &'a str,
    source: &'a str,
    rung: &'a str,
}

fn texts(bytes: &[u8]) -> Option<Texts<'_>> {
    let mut from = Reader(bytes);
    let (campaign, store) = (from.text("")?, from.text("")?);
    let province = from.text("")?;
    let city = from.text(province)?;
    let region = [province, city, from.text(city)?];
    let [mode, assigned, source, rung] = [from.text("")?, from.text("")?, from.text("")?, from.text("")?];
    Some(Texts { campaign, store, region, mode, assigned, source, rung })
}

/// Campaign, store, province, city and district of a field of tallies.
pub(super) fn cell_place(bytes: &[u8]) -> Option<[&str; 5]> {
    let it = texts(bytes)?;
    let [province, city, district] = it.region;
    Some([it.campaign, it.store, province, city, district])
}

/// The cell of a day that a field of tallies names.
pub(super) fn cell(day: Day, bytes: &[u8]) -> Option<Cell> {
    let it = texts(bytes)?;
    let [province, city, district] = it.region.map(Box::from);
    let names = RegionNames { province, city, district, areas: Vec::new() };
    Some(Cell {
        day,
        campaign: it.campaign.into(),
        store: it.store.into(),
        region: names.path().into(),
        mode: it.mode.into(),
        assigned: it.assigned.into(),
        source: it.source.into(),
        rung: it.rung.into(),
    })
}

/// A cell as a field of the tallies of its day, for what comes from another storage. Which names of a region repeat the one before is
/// not known there, which makes no difference to who reads it.
pub(super) fn cell_field(cell: &Cell) -> Vec<u8> {
    let mut names = cell.region.splitn(3, '/');
    let [province, city, district] = std::array::from_fn(|_| names.next().unwrap_or_default());
    let mut out = Vec::with_capacity(96);
    for it in [&*cell.campaign, &*cell.store, province, city, district] {
        put_text(&mut out, it);
    }
    for it in [&cell.mode, &cell.assigned, &cell.source, &cell.rung] {
        put_text(&mut out, it);
    }
    out
}

/// The counts of a cell as they stand beside it, in four bytes each; none if one is beyond that.
pub(super) fn counts_value(pair: &Pair) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(48);
    for count in pair.visits.0.iter().chain(&pair.visitors.0) {
        out.extend(i32::try_from(*count).ok()?.to_be_bytes());
    }
    Some(out)
}

/// The counts of a cell: visits and visitors of each stage, each in one byte or in four.
pub(super) fn counts(bytes: &[u8]) -> Option<Pair> {
    let mut pair = Pair::default();
    let width = if bytes.len() == 12 { 1 } else { 4 };
    let mut from = Reader(bytes);
    let Pair { visits: Counts(visits), visitors: Counts(visitors) } = &mut pair;
    for count in visits.iter_mut().chain(visitors) {
        *count = if width == 1 { i64::from(from.byte()?) } else { from.number(width)? };
    }
    from.0.is_empty().then_some(pair)
}

/// One of the fixed words that an enum of the record is written as.
fn word<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    let text: value::StrDeserializer<'a, value::Error> = text.into_deserializer();
    T::deserialize(text).ok()
}

/// The steps of a value, and its body.
pub(super) fn split(value: &[u8]) -> Option<(Steps, &[u8])> {
    let mut from = Reader(value);
    let flags = from.byte()?;
    let mut steps = Vec::new();
    for (kind, bit) in Step::ALL.into_iter().zip(HAS) {
        if flags & bit != 0 {
            steps.push((kind, Timestamp::from_unix_ms(from.number(TIME_BYTES)?)));
        }
    }
    Some((steps, from.0))
}

/// The record of a visit by its body.
pub(super) fn record(scan: ScanId, visitor: VisitorId, body: &[u8]) -> Option<TagRecord> {
    let mut from = Reader(body);
    from.byte()?;
    let revision = from.number(8)?;
    let at = Timestamp::from_unix_ms(from.number(TIME_BYTES)?);
    let day = Day::from_number(from.number(3)?);
    let length = from.number(3)?;
    let cell = texts(from.take(usize::try_from(length).ok()?)?)?;
    let flags = from.byte()?;
    let [has_store, has_kind, has_join, has_rung, has_assigned] = HAS.map(|it| flags & it != 0);
    let outcome = from.text("")?.into();
    let join_kind = if has_kind { Some(from.text("")?.into()) } else { None };
    let join_id = match from.0.first() {
        _ if !has_join => None,
        Some(&OF_STORE) => {
            from.byte()?;
            Some([cell.store, from.text("")?].concat().into())
        }
        _ => Some(from.text("")?.into()),
    };
    let (region_source, accuracy) = (word(from.text("")?)?, word(from.text("")?)?);
    let mut areas = Vec::new();
    while !from.0.is_empty() {
        areas.push(from.text("")?.into());
    }
    let [province, city, district] = cell.region.map(Box::from);
    Some(TagRecord {
        scan,
        revision,
        visitor,
        at,
        day: Some(day),
        campaign: CampaignSlug::parse(cell.campaign).ok()?,
        outcome,
        store: if has_store { Some(StoreId::parse(cell.store).ok()?) } else { None },
        join_kind,
        join_id,
        fallback: has_rung.then(|| cell.rung.into()),
        mode: word(cell.mode)?,
        assigned: if has_assigned { Some(word(cell.assigned)?) } else { None },
        region: RegionNames { province, city, district, areas },
        region_source,
        source: word(cell.source)?,
        accuracy,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::region::RegionSource;
    use crate::storage::visit;
    use crate::visitor::{AccuracyClass, FixSource};

    /// Texts of every way of writing them.
    fn words() -> impl Strategy<Value = Box<str>> {
        let long = |it: &str| -> Box<str> { it.repeat(100).into() };
        let texts = ["", "default", "store", "SH-0001", "SH-0001-1", "上海市", "黄浦区"].map(Box::from);
        prop_oneof![
            proptest::sample::select(texts.to_vec()),
            Just(long("区")),
            Just(long("a")),
            any::<String>().prop_map(Box::from)
        ]
    }

    fn records() -> impl Strategy<Value = TagRecord> {
        let who = (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<i64>(), any::<i64>(), -900_000_i64..900_000);
        let store = proptest::option::of(proptest::sample::select(vec!["SH-0001", "store", "门店 3"]));
        let join = (proptest::option::of(words()), proptest::option::of(words()), proptest::option::of(words()));
        let region = (words(), words(), words(), proptest::collection::vec(words(), 0..4));
        let route =
            (any::<bool>(), proptest::option::of(any::<bool>()), proptest::sample::select(FixSource::ALL.to_vec()));
        (who, store, words(), join, region, route).prop_map(|(who, store, outcome, join, region, route)| {
            let to_route = |it: bool| if it { Route::Contact } else { Route::Group };
            TagRecord {
                scan: ScanId::from_bytes(who.0),
                revision: who.2,
                visitor: VisitorId::from_bytes(who.1),
                at: Timestamp::from_unix_ms(who.3),
                day: Some(Day::from_number(who.4)),
                campaign: CampaignSlug::default_slug(),
                outcome,
                store: store.and_then(|it| StoreId::parse(it).ok()),
                join_kind: join.0,
                join_id: join.1,
                fallback: join.2,
                mode: to_route(route.0),
                assigned: route.1.map(to_route),
                region: RegionNames { province: region.0, city: region.1, district: region.2, areas: region.3 },
                region_source: RegionSource::Polygon,
                source: route.2,
                accuracy: AccuracyClass::Wide,
            }
        })
    }

    proptest! {
        #[test]
        fn a_record_is_read_back_with_its_steps(record in records(), at in -1_i64 << 47..1_i64 << 47) {
            let at = Timestamp::from_unix_ms(at);
            let told = [(Step::Left, at.plus_ms(1)), (Step::Pressed, at), (Step::Left, at)];
            let value = [steps(&told), body(&record)].concat();
            let (kept, rest) = split(&value).unwrap();
            prop_assert_eq!(kept, vec![(Step::Pressed, at), (Step::Left, at)]);
            prop_assert_eq!(super::record(record.scan, record.visitor, rest), Some(record));
        }

        /// The cell begins 22 bytes into the body, which is where the scripts look for it.
        #[test]
        fn the_cell_of_a_record_is_the_one_it_counts_in(record in records()) {
            let body = body(&record);
            let length = body.get(19..22).unwrap().iter().fold(0, |length, it| length * 256 + usize::from(*it));
            let cell = cell(record.day(), body.get(22..22 + length).unwrap());
            prop_assert_eq!(cell, Some(visit(&record, Stages::default()).cell));
        }

        #[test]
        fn damaged_bytes_are_no_record(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = split(&bytes).and_then(|(_, rest)| record(ScanId::from_bytes([0; 16]), VisitorId::from_bytes([0; 16]), rest));
            let _ = (cell(Day::EPOCH, &bytes), counts(&bytes));
        }
    }

    #[test]
    fn a_record_takes_some_eighty_bytes() {
        let record = TagRecord {
            scan: ScanId::from_bytes([1; 16]),
            revision: 1_790_000_000_000_000,
            visitor: VisitorId::from_bytes([2; 16]),
            at: Timestamp::from_unix_ms(1_790_000_000_000),
            day: None,
            campaign: CampaignSlug::default_slug(),
            outcome: "routed".into(),
            store: StoreId::parse("SH-0000001").ok(),
            join_kind: Some("group".into()),
            join_id: Some("SH-0000001-1".into()),
            fallback: None,
            mode: Route::Group,
            assigned: None,
            region: RegionNames {
                province: "上海市".into(),
                city: "上海市".into(),
                district: "黄浦区".into(),
                areas: vec!["外滩商圈".into()],
            },
            region_source: RegionSource::Store,
            source: FixSource::Gps,
            accuracy: AccuracyClass::Fine,
        };
        assert_eq!(body(&record).len(), 81);
    }
}
