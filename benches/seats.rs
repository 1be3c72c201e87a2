//! Seats on a real Redis server: how many a second, and how many bytes of its memory they take.
//!
//! `cargo bench --bench seats -- [VISITORS [GROUPS [ASKS_OF_A_CALL [CALLERS]]]]`: 100,000 visitors, 300,000 groups of 30,000 stores, eight
//! asks a call, one caller by default, on a server that it starts. The share of `seats.join_rate` joins.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jinqun::campaign::Rotation;
use jinqun::id::{GroupId, ScanId, VisitorId};
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{Seat, SeatAsk, SeatOffer, SeatRules, Storage as _};
use jinqun::time::Timestamp;

const BEGAN_MS: u64 = 1_790_000_000_000;
/// Of a hundred visitors who are shown a group, so many join.
const JOIN_PERCENT: u64 = 48;
const GROUPS_OF_A_STORE: u64 = 10;
const CAPACITY: u32 = 200;

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

fn memory(conn: &mut redis::Connection) -> f64 {
    let text: String = redis::cmd("INFO").arg("memory").query(conn).expect("answers");
    let used = text.lines().find_map(|it| it.strip_prefix("used_memory:"));
    used.and_then(|it| it.trim().parse().ok()).unwrap_or(0.0)
}

fn mixed(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n >> 7)
}

fn visitor(n: u64) -> VisitorId {
    VisitorId::from_parts(BEGAN_MS + n, u128::from(mixed(n + 7)) << 16 | u128::from(mixed(n) & 0xffff))
}

fn at(n: u64) -> Timestamp {
    Timestamp::from_unix_ms(i64::try_from(BEGAN_MS + n).unwrap_or(0))
}

/// The groups of a store, as a chain names them.
fn groups(store: u64) -> Vec<SeatOffer> {
    let group = |n: u64| GroupId::parse(&format!("SH-{store:07}-{n}")).expect("is an id");
    (0..GROUPS_OF_A_STORE).map(|n| SeatOffer { group: group(n), capacity: CAPACITY }).collect()
}

fn ask(n: u64, stores: u64) -> SeatAsk {
    let store = mixed(n) % stores;
    SeatAsk {
        visitor: visitor(n),
        scan: ScanId::from_parts(BEGAN_MS + n, u128::from(mixed(n + 11))),
        wanted: format!("store:SH-{store:07}").into(),
        rungs: vec![groups(store)],
        rotation: Rotation::default(),
        is_whole: true,
        is_peek: false,
    }
}

/// Takes a seat for each of these visitors and returns the groups that they got, and the slowest call.
fn take(storage: &Redis, visitors: std::ops::Range<u64>, stores: u64, of_a_call: u64) -> (u64, Duration) {
    let (mut taken, mut slowest) = (0, Duration::ZERO);
    let mut from = visitors.start;
    while from < visitors.end {
        let to = visitors.end.min(from + of_a_call);
        let asks: Vec<SeatAsk> = (from..to).map(|it| ask(it, stores)).collect();
        let begun = Instant::now();
        let seats = storage.take_seats(&asks, &SeatRules::default(), at(from)).expect("answers");
        slowest = slowest.max(begun.elapsed());
        for ((seat, ask), n) in seats.iter().zip(&asks).zip(from..) {
            let Seat::Taken(place) = seat else { continue };
            taken += 1;
            let offer = ask.rungs.get(place.rung).and_then(|it| it.get(place.offer));
            if n % 100 < JOIN_PERCENT
                && let Some(offer) = offer
            {
                storage.confirm_seat(ask.visitor, &offer.group, at(n + 60_000)).expect("answers");
            }
        }
        from = to;
    }
    (taken, slowest)
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|it| it != "--bench");
    let mut number = |default: u64| args.next().map_or(default, |it| it.parse().expect("is a number"));
    let (visitors, all_groups, of_a_call, callers) = (number(100_000), number(300_000), number(8), number(1));
    let stores = (all_groups / GROUPS_OF_A_STORE).max(1);
    let (_server, url) = start();
    let at_url = RedisAt::parse(&url).expect("is an address");
    let storage = Redis::open(&at_url).expect("opens");
    let mut conn = redis::Client::open(&*url).and_then(|it| it.get_connection()).expect("connects");

    let per = |bytes: f64, count: u64| bytes / f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let before = memory(&mut conn);
    let members: Vec<(GroupId, u32)> =
        (0..stores).flat_map(|it| groups(it).into_iter().map(|offer| (offer.group, 20))).collect();
    for some in members.chunks(1_000) {
        storage.set_members(some, at(0)).expect("answers");
    }
    println!("counters of {all_groups} groups: {:.1} bytes each", per(memory(&mut conn) - before, all_groups));

    let before = memory(&mut conn);
    let started = Instant::now();
    let share = visitors / callers.max(1);
    let (taken, slowest) = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..callers)
            .map(|caller| {
                let storage = &storage;
                scope.spawn(move || take(storage, caller * share..(caller + 1) * share, stores, of_a_call))
            })
            .collect();
        let done = calls.into_iter().map(|it| it.join().expect("a caller ends well"));
        done.fold((0, Duration::ZERO), |(sum, slow), (taken, slowest)| (sum + taken, slow.max(slowest)))
    });
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "seats of {visitors} visitors, {of_a_call} a call, {callers} callers, {JOIN_PERCENT} % join: {:.0} a second, {taken} taken, \
         {:.1} bytes each; slowest call {:.1} ms",
        f64::from(u32::try_from(visitors).unwrap_or(u32::MAX)) / seconds,
        per(memory(&mut conn) - before, taken.max(1)),
        slowest.as_secs_f64() * 1e3
    );
    let text: String = redis::cmd("INFO").arg("commandstats").query(&mut conn).expect("answers");
    for line in text.lines().filter(|it| it.contains("evalsha") || it.contains("fcall")) {
        println!("server: {line}");
    }
    println!("memory in all {:.0} MB", memory(&mut conn) / 1e6);
}
