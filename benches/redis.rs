//! Records and steps delivered to a real server: how many a second, and how many bytes of its memory they take.
//!
//! `cargo bench --bench redis -- [VISITORS [VISITS_OF_EACH [URL]]]`: 100,000 visitors with two visits each by default, on a server that
//! it starts. With a URL it delivers to that server, which should be empty.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jinqun::campaign::Route;
use jinqun::consent::{ConsentRecord, NoticeVersion};
use jinqun::funnel::{Step, StepRecord};
use jinqun::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use jinqun::region::{RegionNames, RegionSource};
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{Storage as _, TagFilter, TallyFilter};
use jinqun::tag::TagRecord;
use jinqun::time::Timestamp;
use jinqun::visitor::{AccuracyClass, FixSource};

/// Records a delivery.
const BATCH: usize = 2_000;
const STORES: u64 = 30_000;
const BEGAN_MS: u64 = 1_790_000_000_000;
/// Between two visits: a thousand records a second.
const APART_MS: u64 = 1;
/// Later visits of a visitor begin so much later.
const RETURN_MS: u64 = 7 * 86_400_000;
const PLACES: [(&str, &str, &str, &str); 4] = [
    ("上海市", "上海市", "黄浦区", "外滩商圈"),
    ("广东省", "深圳市", "南山区", "科技园"),
    ("四川省", "成都市", "锦江区", "春熙路"),
    ("北京市", "北京市", "朝阳区", "三里屯"),
];

/// A server for the bench alone.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn start() -> (Server, String) {
    let free =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr()).expect("there is a free port");
    let port = free.port().to_string();
    let mut command = Command::new("redis-server");
    command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]).stdout(Stdio::null());
    let server = Server(command.spawn().expect("there is a redis-server"));
    let url = format!("redis://127.0.0.1:{port}");
    let client = redis::Client::open(&*url).expect("is an address");
    let until = Instant::now() + Duration::from_secs(5);
    while client.get_connection().is_err() {
        assert!(Instant::now() < until, "redis-server does not start");
        std::thread::yield_now();
    }
    (server, url)
}

fn mixed(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n >> 7)
}

/// The nth visit of a visitor.
fn record(visitor: u64, visit: u64) -> TagRecord {
    let came = BEGAN_MS + visitor * APART_MS;
    let at = came + visit * RETURN_MS;
    let chance = mixed(visitor * 31 + visit);
    let of_store = mixed(visitor) % STORES;
    let place = PLACES.get(usize::try_from(of_store % 4).unwrap_or(0)).copied().unwrap_or_default();
    let store = format!("SH-{of_store:07}");
    TagRecord {
        scan: ScanId::from_parts(at, (u128::from(chance) << 16) | u128::from(mixed(chance) & 0xffff)),
        revision: i64::try_from(at * 1_000).unwrap_or(0),
        visitor: VisitorId::from_parts(
            came,
            (u128::from(mixed(visitor + 7)) << 16) | u128::from(mixed(visitor) & 0xffff),
        ),
        at: Timestamp::from_unix_ms(i64::try_from(at).unwrap_or(0)),
        day: None,
        campaign: CampaignSlug::default_slug(),
        outcome: "routed".into(),
        join_kind: Some("group".into()),
        join_id: Some(format!("{store}-{}", chance % 10).into()),
        store: StoreId::parse(&store).ok(),
        fallback: None,
        mode: Route::Group,
        assigned: None,
        region: RegionNames {
            province: place.0.into(),
            city: place.1.into(),
            district: place.2.into(),
            areas: vec![place.3.into()],
        },
        region_source: RegionSource::Store,
        source: if chance.is_multiple_of(3) { FixSource::Ip } else { FixSource::Gps },
        accuracy: AccuracyClass::Fine,
    }
}

/// A field of `INFO`.
fn info(conn: &mut redis::Connection, section: &str, field: &str) -> String {
    let text: String = redis::cmd("INFO").arg(section).query(conn).expect("answers");
    let line = text.lines().find_map(|it| it.strip_prefix(field)?.strip_prefix(':')).unwrap_or_default();
    line.to_owned()
}

fn memory(conn: &mut redis::Connection) -> f64 {
    info(conn, "memory", "used_memory").parse().unwrap_or(0.0)
}

/// Seconds of a processor that the server has used.
fn processor(conn: &mut redis::Connection) -> f64 {
    let seconds = |field| info(conn, "cpu", field).parse::<f64>().unwrap_or(0.0);
    ["used_cpu_user", "used_cpu_sys"].map(seconds).into_iter().sum()
}

/// Delivers so many things in batches, and says how long one took and what it takes in memory.
fn deliver(conn: &mut redis::Connection, what: &str, count: u64, mut batch: impl FnMut(std::ops::Range<u64>)) {
    let (before, used) = (memory(conn), processor(conn));
    let started = Instant::now();
    let mut from = 0;
    let mut slowest = Duration::ZERO;
    while from < count {
        let to = count.min(from + u64::try_from(BATCH).unwrap_or(1));
        let begun = Instant::now();
        batch(from..to);
        slowest = slowest.max(begun.elapsed());
        from = to;
    }
    let seconds = started.elapsed().as_secs_f64();
    let many = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    println!(
        "{what}: {:.0} a second ({:.1} µs of the server's processor), {:.1} bytes each; slowest delivery {:.0} ms",
        many / seconds,
        (processor(conn) - used) * 1e6 / many,
        (memory(conn) - before) / many,
        slowest.as_secs_f64() * 1e3
    );
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    println!("{what}: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    done
}

fn read(storage: &Redis, visits: u64) {
    let all = TagFilter::default();
    assert_eq!(timed("count all", || storage.count_tags(&all).expect("counts")), visits);
    timed("the latest fifty", || storage.latest_tags(&all, 0, 50).expect("reads"));
    let of_store = TagFilter { store: record(1, 0).store, ..TagFilter::default() };
    timed("count those of a store", || storage.count_tags(&of_store).expect("counts"));
    let of_visitor = TagFilter { visitor: Some(record(1, 0).visitor), ..TagFilter::default() };
    timed("count those of a visitor", || storage.count_tags(&of_visitor).expect("counts"));
    timed("sum up all tallies", || storage.tallies(&[], &TallyFilter::default()).expect("sums"));
    let check = timed("recount", || storage.check_tallies().expect("counts"));
    assert_eq!((check.visits, check.differing), (visits, 0), "{:?}", check.examples);
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|it| it != "--bench");
    let mut number = |default: u64| args.next().map_or(default, |it| it.parse().expect("is a number"));
    let (visitors, visits) = (number(100_000), number(2));
    let (_server, url) = if let Some(url) = args.next() {
        (None, url)
    } else {
        let (server, url) = start();
        (Some(server), url)
    };
    let storage = Redis::open(&RedisAt::parse(&url).expect("is an address")).expect("opens");
    let mut conn = redis::Client::open(&*url).and_then(|it| it.get_connection()).expect("connects");
    println!("{visitors} visitors, {visits} visits each");
    for visit in 0..visits {
        deliver(&mut conn, &format!("records of visit {}", visit + 1), visitors, |batch| {
            let tags: Vec<TagRecord> = batch.map(|it| record(it, visit)).collect();
            storage.deliver(&[], &tags, &[]).expect("delivers");
        });
    }
    deliver(&mut conn, "the same again", visitors.min(100_000), |batch| {
        let tags: Vec<TagRecord> = batch.map(|it| record(it, 0)).collect();
        storage.deliver(&[], &tags, &[]).expect("delivers");
    });
    deliver(&mut conn, "steps", visitors, |batch| {
        let pressed = |it: u64| {
            let record = record(it, 0);
            StepRecord { scan: record.scan, step: Step::Pressed, at: record.at.plus_ms(5_000) }
        };
        storage.deliver(&[], &[], &batch.map(pressed).collect::<Vec<_>>()).expect("delivers");
    });
    let notice = NoticeVersion::parse("0123456789ab").expect("is a version");
    deliver(&mut conn, "consents", visitors, |batch| {
        let consent = |it: u64| {
            let record = record(it, 0);
            ConsentRecord { visitor: record.visitor, notice: notice.clone(), at: record.at }
        };
        storage.deliver(&batch.map(consent).collect::<Vec<_>>(), &[], &[]).expect("delivers");
    });
    read(&storage, visitors * visits);
    println!(
        "memory in all {:.0} MB; server {}",
        memory(&mut conn) / 1e6,
        info(&mut conn, "commandstats", "cmdstat_evalsha")
    );
}
