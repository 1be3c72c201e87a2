//! How every backend keeps tag records and steps.

use std::ops::ControlFlow;

use super::super::{Storage, StorageError, TagFilter};
use super::{Finding, expect};
use crate::campaign::Route;
use crate::funnel::{Step, StepRecord};
use crate::id::{CampaignSlug, IdError, ScanId, StoreId, VisitorId};
use crate::region::{RegionNames, RegionSource};
use crate::tag::TagRecord;
use crate::time::{Day, Timestamp};
use crate::visitor::{AccuracyClass, FixSource};

pub(super) fn record(n: u128, revision: i64) -> Result<TagRecord, IdError> {
    let at = Timestamp::from_unix_ms(1_790_000_000_000 + i64::try_from(n % 10).unwrap_or(0));
    Ok(TagRecord {
        scan: ScanId::from_parts(1_790_000_000_000, n),
        revision,
        visitor: VisitorId::from_parts(1_790_000_000_000, n / 100),
        at,
        day: Day::parse("2026-09-22").ok(),
        campaign: CampaignSlug::default_slug(),
        outcome: "routed".into(),
        store: Some(StoreId::parse(if n.is_multiple_of(2) { "even" } else { "odd" })?),
        join_kind: Some("group".into()),
        join_id: None,
        fallback: Some("next_store".into()),
        mode: Route::Contact,
        assigned: Some(Route::Group),
        region: RegionNames {
            province: "上海市".into(),
            city: "上海市".into(),
            district: "黄浦区".into(),
            areas: vec!["外滩商圈".into(), "豫园 \"老街\"".into()],
        },
        region_source: RegionSource::Store,
        source: FixSource::Previous,
        accuracy: AccuracyClass::None,
    })
}

fn tags(storage: &dyn Storage, filter: &TagFilter) -> Result<Vec<TagRecord>, StorageError> {
    let mut found = Vec::new();
    storage.each_tag(filter, &mut |record| {
        found.push(record);
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Whatever the order and however often: the highest revision stays, and the visitor of the visit.
pub fn check_revisions(storage: &dyn Storage) -> Finding {
    let first = record(1, 10)?;
    let bare = TagRecord {
        outcome: "unknown_place".into(),
        store: None,
        join_kind: None,
        fallback: None,
        mode: Route::Group,
        assigned: None,
        region: RegionNames::default(),
        region_source: RegionSource::None,
        source: FixSource::None,
        ..first.clone()
    };
    let highest = TagRecord { revision: 30, ..bare.clone() };
    let middle = TagRecord { revision: 20, ..first.clone() };
    let same_revision = TagRecord { outcome: "choose".into(), ..highest.clone() };
    let all = TagFilter::default();
    storage.deliver(&[], std::slice::from_ref(&first), &[])?;
    expect("first", &tags(storage, &all)?, &vec![first.clone()])?;
    storage.deliver(&[], &[highest.clone(), middle.clone(), first.clone()], &[])?;
    expect("highest", &tags(storage, &all)?, &vec![highest.clone()])?;
    storage.deliver(&[], &[middle, same_revision, first], &[])?;
    expect("repeated", &tags(storage, &all)?, &vec![highest.clone()])?;
    let other = VisitorId::from_parts(1, 1);
    let stranger = TagRecord { revision: 40, visitor: other, ..highest.clone() };
    storage.deliver(&[], &[stranger], &[])?;
    expect("stranger", &tags(storage, &all)?, &vec![TagRecord { revision: 40, ..highest }])?;
    expect("count", &storage.count_tags(&all)?, &1)
}

/// Steps are kept once, the earliest, and told with the visits that a filter chooses.
pub fn check_steps(storage: &dyn Storage) -> Finding {
    let visits = [record(2, 1)?, record(1, 1)?];
    let step = |n: u128, step, at| StepRecord {
        scan: ScanId::from_parts(1_790_000_000_000, n),
        step,
        at: Timestamp::from_unix_ms(at),
    };
    storage.deliver(&[], &[], &[step(1, Step::Pressed, 20), step(1, Step::NotMine, 30)])?;
    storage.deliver(&[], &visits, &[step(1, Step::Pressed, 10), step(2, Step::Refused, 5)])?;
    storage.deliver(
        &[],
        &visits,
        &[step(1, Step::Pressed, 10), step(1, Step::Pressed, 40), step(9, Step::Pressed, 1)],
    )?;
    let told = |filter: &TagFilter| -> Result<Vec<StepRecord>, StorageError> {
        let mut told = Vec::new();
        storage.each_step(filter, &mut |record| {
            told.push(record);
            ControlFlow::Continue(())
        })?;
        Ok(told)
    };
    let expected = vec![step(1, Step::NotMine, 30), step(1, Step::Pressed, 10), step(2, Step::Refused, 5)];
    expect("steps", &told(&TagFilter::default())?, &expected)?;
    let even = TagFilter { store: StoreId::parse("even").ok(), ..TagFilter::default() };
    expect("steps of a store", &told(&even)?, &vec![step(2, Step::Refused, 5)])
}

/// Every condition alone chooses the right records, and `each` may break off.
pub fn check_filters(storage: &dyn Storage) -> Finding {
    let mut records = (0..40_u128).map(|n| record(n * 7, 1)).collect::<Result<Vec<_>, _>>()?;
    for record in records.iter_mut().step_by(3) {
        record.region.district = "徐汇区".into();
        record.region.areas = vec!["徐家汇".into()];
        record.campaign = CampaignSlug::parse("春节")?;
        record.store = None;
    }
    storage.deliver(&[], &records, &[])?;
    records.sort_by_key(|record| (record.at, record.scan));
    for (filter, count) in filters() {
        let expected: Vec<TagRecord> = records.iter().filter(|it| filter.passes(it)).cloned().collect();
        expect(&format!("{filter:?}"), &tags(storage, &filter)?, &expected)?;
        let latest: Vec<TagRecord> = expected.iter().rev().skip(1).take(2).cloned().collect();
        expect(&format!("latest of {filter:?}"), &storage.latest_tags(&filter, 1, 2)?, &latest)?;
        expect(&format!("count of {filter:?}"), &storage.count_tags(&filter)?, &count)?;
    }
    let mut seen = 0;
    storage.each_tag(&TagFilter::default(), &mut |_record| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    expect("broken off", &seen, &3)
}

/// Filters, and how many of the forty records of [`check_filters`] pass each.
fn filters() -> Vec<(TagFilter, u64)> {
    let from = |set: &dyn Fn(&mut TagFilter)| {
        let mut filter = TagFilter::default();
        set(&mut filter);
        filter
    };
    let name = |text: &str| Some(text.to_owned());
    let moment = |offset: i64| Some(Timestamp::from_unix_ms(1_790_000_000_000 + offset));
    vec![
        (TagFilter::default(), 40),
        (from(&|it| it.visitor = Some(VisitorId::from_parts(1_790_000_000_000, 1))), 14),
        (from(&|it| it.store = StoreId::parse("odd").ok()), 13),
        (from(&|it| it.campaign = CampaignSlug::parse("春节").ok()), 14),
        (from(&|it| it.province = name("上海市")), 40),
        (from(&|it| it.city = name("上海")), 0),
        (from(&|it| it.district = name("徐汇区")), 14),
        (from(&|it| it.region = name("豫园 \"老街\"")), 26),
        (from(&|it| it.region = name("黄浦区")), 26),
        (from(&|it| it.from = moment(4)), 24),
        (from(&|it| it.to = moment(4)), 16),
        (
            from(&|it| {
                it.from = moment(4);
                it.to = moment(5);
                it.store = StoreId::parse("even").ok();
            }),
            3,
        ),
    ]
}
