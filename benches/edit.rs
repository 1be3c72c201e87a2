//! How long an operator's change of one store among many takes until it is live: checked, published, answered from, in the history.
//!
//! `cargo bench --bench edit [-- STORES]`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "parts/cities.rs"]
#[expect(dead_code, reason = "this bench asks for stores only")]
mod cities;

use std::time::Instant;

use cities::Places;
use jinqun::catalog::{Catalog, Edits, Entries};
use jinqun::geo::Datum;
use jinqun::id::StoreId;
use jinqun::storage::embedded::Embedded;
use jinqun::storage::{Change, EntryKind, PublishInfo, Storage as _};
use jinqun::store::{Closures, Located, OpeningHours, Store, StoreStatus};
use jinqun::time::Timestamp;

const STORES: u32 = 1_000_000;
const ROUNDS: u32 = 20;

fn store(n: u32, at: jinqun::geo::Position) -> Store {
    let city = format!("城市{}", n % 300);
    Store {
        id: StoreId::parse(&format!("S-{n:07}")).expect("is an id"),
        name: format!("门店 {n}").into(),
        address: format!("中山东一路 {n} 号").into(),
        province: format!("省份{}", n % 30).into(),
        city: city.into(),
        district: "黄浦区".into(),
        at: Located::from_datum(at.lat(), at.lon(), Datum::Wgs84).expect("is in range"),
        status: StoreStatus::Active,
        hours: OpeningHours::parse("08:00-22:00").ok(),
        closures: Closures::default(),
        zone: None,
        tags: Box::new(["旗舰".into()]),
        extra: std::collections::BTreeMap::new(),
    }
}

/// The median of what the rounds took, in milliseconds, and the longest.
fn timed(what: &str, mut round: impl FnMut(u32)) {
    let mut took: Vec<f64> = (0..ROUNDS)
        .map(|it| {
            let started = Instant::now();
            round(it);
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let (middle, last) = (took.get(took.len() / 2), took.last());
    println!("{what}: median {:.1} ms, longest {:.1} ms", middle.unwrap_or(&0.0), last.unwrap_or(&0.0));
}

/// What an operator does to a store in a round.
type Edit = fn(&mut Store, u32);

fn main() {
    let count = std::env::args().find_map(|it| it.parse().ok()).unwrap_or(STORES);
    let stores: Vec<Store> = (0_u32..).zip(Places::new().stores(count)).map(|(n, at)| store(n, at)).collect();
    let folder = tempfile::tempdir().expect("a folder for the file");
    let storage = Embedded::open(&folder.path().join("jinqun.sqlite")).expect("the file opens");
    let info = PublishInfo { at: Timestamp::EPOCH, author: "bench".to_owned(), note: String::new() };
    let change = |it: &Store| {
        let body = serde_json::to_string(it).expect("stores are JSON");
        Change { kind: EntryKind::Store, id: it.id.to_string(), body: Some(body) }
    };
    storage.publish(0, &info, &mut stores.iter().map(change)).expect("publishes");
    let started = Instant::now();
    let mut live = Catalog::build(1, Entries { stores, ..Entries::default() }).expect("is a catalog");
    println!("{count} stores, built anew: {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
    let edits: [(&str, Edit); 3] = [
        ("other hours", |it, n| {
            it.hours = OpeningHours::parse(if n % 2 == 0 { "09:00-21:00" } else { "08:00-22:00" }).ok();
        }),
        ("another name and city", |it, n| {
            (it.name, it.city) = (format!("新店 {n}").into(), format!("城市{}", n % 7).into());
        }),
        ("another place", |it, n| {
            it.at = Located::from_datum(31.0 + f64::from(n) * 0.01, 121.0, Datum::Wgs84).expect("is in range");
        }),
    ];
    for (what, edit) in edits {
        timed(what, |n| {
            let key = n.wrapping_mul(2_654_435_761) % count;
            let mut store = live.store(key).expect("is a key").clone();
            edit(&mut store, n);
            let at = store.at.position();
            let change = change(&store);
            let next =
                live.with(live.version() + 1, Edits { stores: vec![store], ..Edits::default() }).expect("is valid");
            storage.publish(live.version(), &info, &mut std::iter::once(change)).expect("publishes");
            assert!(next.nearest().nearest_one(at, Some(1.0), |_| true).is_some());
            live = next;
        });
    }
}
