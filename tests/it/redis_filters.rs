//! Filters over visits on Redis: the same answers as embedded storage, and no look at visits that the tallies rule out.

use std::ops::ControlFlow;

use jinqun::campaign::Route;
use jinqun::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use jinqun::region::{RegionNames, RegionSource};
use jinqun::storage::embedded::Embedded;
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{Purge, Storage, TagFilter};
use jinqun::tag::TagRecord;
use jinqun::time::{Day, Timestamp};
use jinqun::visitor::{AccuracyClass, FixSource};

use crate::redis_servers::Server;

const HOUR_MS: i64 = 3_600_000;
const BEGAN_MS: i64 = 1_790_000_000_000;
const DAYS: i64 = 20;
/// Names that mean something else in patterns, words that are shortened, and names within names.
const STORES: [&str; 6] = ["A", "A*", "[A]", "default", "SH-1", "SH-11"];
const CAMPAIGNS: [&str; 3] = ["default", "茶", "A"];
const PLACES: [[&str; 3]; 5] = [
    ["上海市", "上海市", "黄浦区"],
    ["上海市", "上海市", "浦东新区"],
    ["浙江省", "杭州市", "A"],
    ["吉林省", "吉林市", "吉林市"],
    ["", "", ""],
];

fn record(n: u32, revision: i64, chance: &mut fastrand::Rng) -> TagRecord {
    let at = Timestamp::from_unix_ms(BEGAN_MS + chance.i64(0..DAYS * 24) * HOUR_MS);
    // Zones from one end of the world to the other.
    let there = at.plus_ms(chance.i64(-12..=14) * HOUR_MS);
    let pick = |some: &[&'static str], chance: &mut fastrand::Rng| some[chance.usize(0..some.len())];
    let [province, city, district] = PLACES[chance.usize(0..PLACES.len())].map(Box::from);
    let areas = if chance.u8(0..4) == 0 { vec!["外滩商圈".into()] } else { Vec::new() };
    TagRecord {
        scan: ScanId::from_parts(1_790_000_000_000, u128::from(n)),
        revision,
        visitor: VisitorId::from_parts(1_790_000_000_000, u128::from(n % 97)),
        at,
        day: Some(Day::from_number(there.unix_ms().div_euclid(24 * HOUR_MS))),
        campaign: CampaignSlug::parse(pick(&CAMPAIGNS, chance)).unwrap(),
        outcome: "routed".into(),
        store: StoreId::parse(pick(&STORES, chance)).ok().filter(|_| !n.is_multiple_of(9)),
        join_kind: None,
        join_id: None,
        fallback: None,
        mode: Route::Group,
        assigned: None,
        region: RegionNames { province, city, district, areas },
        region_source: RegionSource::Store,
        source: FixSource::Gps,
        accuracy: AccuracyClass::Fine,
    }
}

fn filter(chance: &mut fastrand::Rng) -> TagFilter {
    let place = PLACES[chance.usize(0..PLACES.len())].map(str::to_owned);
    let [province, city, district] = place.map(|it| Some(it).filter(|_| chance.u8(0..4) == 0));
    let mut moment = || {
        let hours = chance.i64(-30..DAYS * 24 + 30);
        Some(Timestamp::from_unix_ms(BEGAN_MS + hours * HOUR_MS)).filter(|_| chance.bool())
    };
    let (from, to) = (moment(), moment());
    let region = ["外滩商圈", "吉林市", "A"][chance.usize(0..3)].to_owned();
    TagFilter {
        store: StoreId::parse(STORES[chance.usize(0..STORES.len())]).ok().filter(|_| chance.u8(0..3) > 0),
        campaign: CampaignSlug::parse(CAMPAIGNS[chance.usize(0..3)]).ok().filter(|_| chance.u8(0..3) == 0),
        province,
        city,
        district,
        region: Some(region).filter(|_| chance.u8(0..6) == 0),
        from,
        to,
        visitor: None,
    }
}

fn all(storage: &dyn Storage, filter: &TagFilter) -> Vec<TagRecord> {
    let mut found = Vec::new();
    let each = &mut |it| {
        found.push(it);
        ControlFlow::Continue(())
    };
    storage.each_tag(filter, each).unwrap();
    found
}

#[track_caller]
fn agree(redis: &Redis, embedded: &Embedded, filters: usize, chance: &mut fastrand::Rng) {
    let mut some = 0;
    for _ in 0..filters {
        let filter = filter(chance);
        let expected = all(embedded, &filter);
        some += usize::from(!expected.is_empty());
        assert_eq!(all(redis, &filter), expected, "{filter:?}");
        assert_eq!(redis.count_tags(&filter).unwrap(), u64::try_from(expected.len()).unwrap(), "{filter:?}");
        let (skip, limit) = (chance.usize(0..4), chance.usize(0..12));
        let latest = |it: &dyn Storage| it.latest_tags(&filter, skip, limit).unwrap();
        assert_eq!(latest(redis), latest(embedded), "{filter:?}");
    }
    assert!(some > filters / 4, "{some} of {filters} filters let something pass");
}

#[test]
fn every_filter_chooses_what_it_chooses_in_embedded_storage() {
    let server = Server::start(&[]);
    let redis = Redis::open(&RedisAt::parse(&server.url()).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(&folder.path().join("it.sqlite")).unwrap();
    let mut chance = fastrand::Rng::with_seed(5);
    let both = [&redis as &dyn Storage, &embedded];
    let records: Vec<TagRecord> = (0..600).map(|n| record(n, 1, &mut chance)).collect();
    // Some are refined, and then count elsewhere.
    let refined: Vec<TagRecord> = records
        .iter()
        .step_by(5)
        .map(|it| {
            let store = StoreId::parse(STORES[chance.usize(0..STORES.len())]).ok();
            TagRecord { revision: 2, store, ..it.clone() }
        })
        .collect();
    for storage in both {
        storage.deliver(&[], &records, &[]).unwrap();
        storage.deliver(&[], &refined, &[]).unwrap();
    }
    agree(&redis, &embedded, 70, &mut chance);
    let early = Day::from_number(BEGAN_MS.div_euclid(24 * HOUR_MS) + 6);
    for storage in both {
        storage.forget(VisitorId::from_parts(1_790_000_000_000, 3), Timestamp::from_unix_ms(BEGAN_MS)).unwrap();
        while storage.purge(Purge::Tags(early), 500).unwrap() > 0 {}
    }
    agree(&redis, &embedded, 30, &mut chance);
}

#[test]
fn who_asks_for_one_store_looks_at_no_visits_of_days_without_it() {
    let server = Server::start(&[]);
    let redis = Redis::open(&RedisAt::parse(&server.url()).unwrap()).unwrap();
    let mut chance = fastrand::Rng::with_seed(6);
    let day_ms = 24 * HOUR_MS;
    // A hundred visits of one store on each of thirty days, and one of another store on the twentieth.
    let records: Vec<TagRecord> = (0..3_001)
        .map(|n| {
            let day = if n == 3_000 { 20 } else { i64::from(n) % 30 };
            let at = Timestamp::from_unix_ms(BEGAN_MS.div_euclid(day_ms) * day_ms + day * day_ms + i64::from(n));
            let store = StoreId::parse(if n == 3_000 { "small" } else { "large" }).ok();
            TagRecord {
                at,
                day: Some(Day::from_number(at.unix_ms().div_euclid(day_ms))),
                store,
                ..record(n, 1, &mut chance)
            }
        })
        .collect();
    redis.deliver(&[], &records, &[]).unwrap();
    let looked = || {
        let told: String = server.ask(&["INFO", "commandstats"]);
        let calls = told.lines().find_map(|it| it.strip_prefix("cmdstat_hget:calls="));
        calls.map_or(0, |it| it.split(',').next().unwrap().parse::<u64>().unwrap())
    };
    let of = |store: &str| TagFilter { store: StoreId::parse(store).ok(), ..TagFilter::default() };
    let before = looked();
    assert_eq!(redis.count_tags(&of("large")).unwrap(), 3_000);
    assert_eq!(redis.count_tags(&of("small")).unwrap(), 1);
    assert_eq!(looked() - before, 0, "visits were read");
    let (small, before) = (of("small"), looked());
    assert_eq!(redis.latest_tags(&small, 0, 50).unwrap(), records[3_000..]);
    assert_eq!(all(&redis, &small), records[3_000..]);
    // Three days of one of sixteen partitions, twice.
    assert!((2..100).contains(&(looked() - before)), "{} visits were read", looked() - before);
}
