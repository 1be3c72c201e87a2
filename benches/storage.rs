//! The embedded storage at a million entries, and deliveries in batches of 500.
//!
//! `cargo bench --bench storage [-- ENTRIES]`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::ops::ControlFlow;
use std::time::Instant;

use jinqun::campaign::Route;
use jinqun::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use jinqun::region::{RegionNames, RegionSource};
use jinqun::storage::embedded::Embedded;
use jinqun::storage::{Change, EntryKind, PublishInfo, Storage as _, TagFilter};
use jinqun::tag::TagRecord;
use jinqun::time::Timestamp;
use jinqun::visitor::{AccuracyClass, FixSource};

const BATCH: u32 = 500;
const BATCHES: u32 = 400;

fn change(n: u32, name: &str) -> Change {
    Change {
        kind: EntryKind::Store,
        id: format!("SH-{n:07}"),
        body: Some(format!(
            r#"{{"id":"SH-{n:07}","name":"{name} {n}","address":"上海市黄浦区中山东一路 {n} 号","province":"上海市","city":"上海市","district":"黄浦区","at":{{"lat":31.2304,"lng":121.4737,"datum":"gcj02"}},"status":"active","hours":"08:00-22:00","tags":["旗舰"]}}"#
        )),
    }
}

fn record(n: u32) -> TagRecord {
    let at = 1_790_000_000_000 + u64::from(n);
    TagRecord {
        scan: ScanId::from_parts(at, u128::from(n) << 40),
        revision: 1_790_000_000_000,
        visitor: VisitorId::from_parts(at, u128::from(n.wrapping_mul(2_654_435_761)) << 48),
        at: Timestamp::from_unix_ms(1_790_000_000_000 + i64::from(n)),
        day: None,
        campaign: CampaignSlug::default_slug(),
        outcome: "routed".into(),
        store: StoreId::parse(&format!("SH-{:07}", n.wrapping_mul(2_654_435_761) % 20_000)).ok(),
        join_kind: Some("group".into()),
        join_id: Some("SH-0001-1".into()),
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
    }
}

/// The most memory that this process has held, as the kernel tells it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|it| it.starts_with("VmHWM"));
    line.unwrap_or("unknown").split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    println!("{what}: {:.1} ms; memory so far {}", started.elapsed().as_secs_f64() * 1e3, memory());
    done
}

fn catalog(storage: &Embedded, entries: u32) {
    let info = PublishInfo { at: Timestamp::from_unix_ms(1), author: "bench".to_owned(), note: String::new() };
    let publish = |expected, changes: &mut dyn Iterator<Item = Change>| {
        storage.publish(expected, &info, changes).expect("publishes");
    };
    let load = |version| {
        let mut bytes = 0;
        storage.load(version, &mut |_, _, body| bytes += body.len()).expect("loads");
        bytes
    };
    timed(&format!("publish {entries} entries"), || {
        publish(0, &mut (0..entries).map(|n| change(n, "店")));
    });
    timed("load them", || load(1));
    timed("publish one change", || {
        publish(1, &mut [change(entries / 2, "新店")].into_iter());
    });
    timed("publish the same sheet again", || {
        publish(2, &mut (0..entries).map(|n| change(n, "店")));
    });
    timed("change all", || {
        publish(3, &mut (0..entries).map(|n| change(n, "改")));
    });
    timed("publish one change", || {
        publish(4, &mut [change(entries / 3, "新店")].into_iter());
    });
    timed("publish one more", || {
        publish(5, &mut [change(entries / 4, "新店")].into_iter());
    });
    timed("load the current version", || load(6));
    timed("load the first version", || load(1));
    timed("diff of two versions", || {
        let mut count = 0;
        storage.diff(4, 5, &mut |_, _, _, _| count += 1).expect("differs");
        assert_eq!(count, 1);
    });
    timed("1000 × current_version", || {
        for _ in 0..1000 {
            assert_eq!(storage.current_version().expect("asks"), 6);
        }
    });
}

fn records(storage: &Embedded) {
    let batches: Vec<Vec<TagRecord>> =
        (0..BATCHES).map(|batch| (0..BATCH).map(|n| record(batch * BATCH + n)).collect()).collect();
    let started = Instant::now();
    for batch in &batches {
        storage.deliver(&[], batch, &[]).expect("delivers");
    }
    let per_second = f64::from(BATCH * BATCHES) / started.elapsed().as_secs_f64();
    println!("deliver in batches of {BATCH}: {per_second:.0} records/s");
    timed("deliver 50 batches again", || {
        for batch in batches.iter().take(50) {
            storage.deliver(&[], batch, &[]).expect("delivers");
        }
    });
    timed("export all tags", || {
        let mut count = 0;
        let each = &mut |_| {
            count += 1;
            ControlFlow::Continue(())
        };
        storage.each_tag(&TagFilter::default(), each).expect("reads");
        assert_eq!(count, BATCH * BATCHES);
    });
    let filter = TagFilter { store: StoreId::parse("SH-0000001").ok(), ..TagFilter::default() };
    timed("count tags of a store", || storage.count_tags(&filter).expect("counts"));
    let filter = TagFilter { visitor: Some(record(7).visitor), ..TagFilter::default() };
    timed("count tags of a visitor", || storage.count_tags(&filter).expect("counts"));
}

fn main() {
    let entries = std::env::args().skip(1).find_map(|it| it.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("storage.sqlite");
    let storage = Embedded::open(&path).expect("opens");
    catalog(&storage, entries);
    println!("file: {} MiB", path.metadata().expect("is there").len() >> 20);
    records(&storage);
}
