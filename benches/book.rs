//! Cards, jobs and the feed on a real server: how many bytes of its memory they take, and how long it works on them.
//!
//! `cargo bench --bench book -- [MANY]`: 20,000 of each by default, on a server that it starts. Bodies are as long as those of a
//! customer with a contact and two chats (300 bytes), a job (150) and an event (250).

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jinqun::id::VisitorId;
use jinqun::job::{Job, Lane};
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{Book as _, CardKind, CardWrite, Count, FeedEntry, Settled};
use jinqun::time::{Day, Timestamp};

const BATCH: usize = 100;
const STORES: u32 = 30_000;
const AT_MS: i64 = 1_790_000_000_000;

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

/// Bytes of memory that the server takes, and seconds of a processor that it has used.
fn used(conn: &mut redis::Connection) -> (f64, f64) {
    let mut field = |section: &str, field: &str| -> f64 {
        let text: String = redis::cmd("INFO").arg(section).query(conn).expect("answers");
        let line = text.lines().find_map(|it| it.strip_prefix(field)?.strip_prefix(':'));
        line.and_then(|it| it.trim().parse().ok()).unwrap_or(0.0)
    };
    (field("memory", "used_memory"), field("cpu", "used_cpu_user") + field("cpu", "used_cpu_sys"))
}

/// Does something with so many things, and says what one of them takes.
fn measured(conn: &mut redis::Connection, what: &str, many: u32, work: impl FnOnce()) {
    let before = used(conn);
    work();
    let after = used(conn);
    let each = |before: f64, after: f64| (after - before) / f64::from(many);
    println!("{what}: {:.0} bytes, {:.0} us of the server", each(before.0, after.0), each(before.1, after.1) * 1e6);
}

fn later(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(AT_MS + ms)
}

fn id(n: u32) -> String {
    format!("wmAAAA{n:08}abcdefghijklmnop")
}

fn visitor(n: u32) -> VisitorId {
    VisitorId::from_parts(1_790_000_000_000, u128::from(n) * 0x9E37_79B9_7F4A_7C15)
}

fn card(n: u32, expected: u64, visitor: Option<VisitorId>, counts: Vec<Count>) -> CardWrite {
    CardWrite { kind: CardKind::Customer, id: id(n), expected, body: Some("x".repeat(300)), visitor, counts }
}

fn job(n: u32) -> Job {
    Job { id: id(n), lane: Lane::Tag, body: "x".repeat(150), ready_at: later(0), visitor: Some(visitor(n)) }
}

fn entry(n: u32) -> FeedEntry {
    let (id, kind, body) = (format!("01M6HGG0000000000{n:010}"), "scan.recorded".to_owned(), "x".repeat(250));
    FeedEntry { id, at: later(0), kind, visitor: Some(visitor(n)), body }
}

fn main() {
    let many: u32 = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(20_000);
    let (_server, url) = start();
    let storage = Redis::open(&RedisAt::parse(&url).expect("is an address")).expect("is prepared");
    let conn = &mut redis::Client::open(&*url).and_then(|it| it.get_connection()).expect("answers");
    let all: Vec<u32> = (0..many).collect();
    storage.write_card(&card(many, 0, Some(visitor(many)), Vec::new())).expect("is written");
    measured(conn, "a card", many, || {
        for n in &all {
            storage.write_card(&card(*n, 0, None, Vec::new())).expect("is written");
        }
    });
    measured(conn, "its visitor", many, || {
        for n in &all {
            storage.write_card(&card(*n, 1, Some(visitor(*n)), Vec::new())).expect("is written");
        }
    });
    measured(conn, "a counter of a store and day", many, || {
        for n in &all {
            let day = Day::from_number(20_000 + i64::from(n / STORES));
            let counts = vec![Count { day, of: format!("joined/SH-{:06}", n % STORES), by: 1 }];
            storage.write_card(&card(*n, 2, Some(visitor(*n)), counts)).expect("is written");
        }
    });
    measured(conn, "a job", many, || {
        for some in all.chunks(BATCH) {
            storage.enqueue(&some.iter().map(|n| job(*n)).collect::<Vec<_>>(), later(0)).expect("is taken on");
        }
    });
    measured(conn, "what a job that is done gives back", many, || {
        loop {
            let leased = storage.lease_jobs(Lane::Tag, later(1), later(9_000_000), 4).expect("are leased");
            if leased.is_empty() {
                break;
            }
            for it in leased {
                storage.settle_job(&it, &Settled::Done, later(2)).expect("is settled");
            }
        }
    });
    measured(conn, "an entry of the feed", many, || {
        for some in all.chunks(BATCH) {
            storage.append_feed(&some.iter().map(|n| entry(*n)).collect::<Vec<_>>()).expect("is added");
        }
    });
}
