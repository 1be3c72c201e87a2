//! Appends a second and the wait for the commit, with clients that each wait for their answer before the next append.
//!
//! `cargo bench --bench outbox [-- CLIENTS SECONDS]`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jinqun::campaign::Route;
use jinqun::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use jinqun::outbox::{Item, Outbox, Settings};
use jinqun::region::{RegionNames, RegionSource};
use jinqun::tag::TagRecord;
use jinqun::time::Timestamp;
use jinqun::visitor::{AccuracyClass, FixSource};

const NOW_MS: i64 = 1_790_000_000_000;

fn record(n: u128) -> Item {
    Item::Tag(TagRecord {
        scan: ScanId::from_parts(1_790_000_000_000, n),
        revision: NOW_MS,
        visitor: VisitorId::from_parts(1_790_000_000_000, n),
        at: Timestamp::from_unix_ms(NOW_MS),
        day: None,
        campaign: CampaignSlug::default_slug(),
        outcome: "routed".into(),
        store: StoreId::parse("SH-0001").ok(),
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
    })
}

/// Appends until told to stop; the waits in microseconds.
async fn client(outbox: Arc<Outbox>, first: u128, stop: Arc<AtomicBool>) -> Vec<u128> {
    let mut waits = Vec::new();
    let mut n = first << 64;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let item = record(n);
        let asked = Instant::now();
        outbox.append(&item).await.expect("the disk takes it");
        waits.push(asked.elapsed().as_micros());
    }
    waits
}

/// What the real deliverer does, without a storage behind it.
async fn deliverer(outbox: Arc<Outbox>) {
    loop {
        let reading = Arc::clone(&outbox);
        let read = tokio::task::spawn_blocking(move || reading.read(0, 500));
        let items = read.await.expect("does not panic").expect("is readable");
        match items.last() {
            Some((last, _)) => outbox.acknowledge(*last).await.expect("the disk takes it"),
            None => outbox.appended().await,
        }
    }
}

fn main() {
    let mut given = std::env::args().skip(1).filter_map(|it| it.parse::<u64>().ok());
    let clients = given.next().unwrap_or(64);
    let seconds = given.next().unwrap_or(5);
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let commits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&commits);
    let on_commit = Arc::new(move |commit: jinqun::outbox::Commit<'_>| {
        let (took, items) = (commit.took, commit.waits.len());
        seen.lock().expect("nobody panics").push((took.as_micros(), items));
    });
    let outbox = Outbox::open(&folder.path().join("outbox.sqlite"), &Settings::default(), Some(on_commit));
    let outbox = Arc::new(outbox.expect("opens"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("starts");
    let with_deliverer = std::env::args().any(|it| it == "deliver");
    let started = Instant::now();
    let mut waits = runtime.block_on(async {
        let stop = Arc::new(AtomicBool::new(false));
        let delivering = with_deliverer.then(|| tokio::spawn(deliverer(Arc::clone(&outbox))));
        let tasks: Vec<_> =
            (0..clients).map(|n| tokio::spawn(client(Arc::clone(&outbox), u128::from(n), Arc::clone(&stop)))).collect();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        stop.store(true, Ordering::Relaxed);
        let mut waits = Vec::new();
        for task in tasks {
            waits.extend(task.await.expect("does not panic"));
        }
        if let Some(delivering) = delivering {
            delivering.abort();
        }
        waits
    });
    let took = started.elapsed().as_secs_f64();
    waits.sort_unstable();
    let at = |share: usize| waits.get(waits.len() * share / 1000).copied().unwrap_or(0);
    let mut commits = commits.lock().expect("nobody panics").clone();
    commits.sort_unstable();
    println!(
        "{clients} clients{}: {} appends/s; wait in µs p50 {} p99 {} p99.9 {} max {}; {} commits, slowest {:?} µs; depth {}",
        if with_deliverer { " and a deliverer" } else { "" },
        (u32::try_from(waits.len()).map_or(0.0, f64::from) / took).round(),
        at(500),
        at(990),
        at(999),
        waits.last().copied().unwrap_or(0),
        commits.len(),
        commits.last().map(|it| it.0),
        outbox.depth(),
    );
}
