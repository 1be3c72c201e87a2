//! Cards, jobs and the feed on Redis: what the contract of all backends does not see.

use jinqun::id::VisitorId;
use jinqun::job::{Job, Lane};
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{Book as _, CardKind, CardWrite, FeedEntry, Settled, Storage as _};
use jinqun::time::Timestamp;

use crate::redis_servers::Server;

fn open(server: &Server) -> Redis {
    Redis::open(&RedisAt::parse(&server.url()).unwrap()).unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_790_000_000_000 + ms)
}

fn visitor(n: u128) -> VisitorId {
    VisitorId::from_parts(1_790_000_000_000, n)
}

fn card(id: &str, expected: u64, of: Option<u128>) -> CardWrite {
    let body = Some("{}".to_owned());
    CardWrite { kind: CardKind::Customer, id: id.into(), expected, body, visitor: of.map(visitor), counts: Vec::new() }
}

/// The list of a visitor's cards.
fn list_of(n: u128) -> Vec<u8> {
    let id = visitor(n).to_bytes();
    [format!("{{jinqun:{:02}}}u", id[15] % 16).as_bytes(), &id].concat()
}

fn listed(server: &Server, n: u128) -> Vec<String> {
    redis::cmd("HKEYS").arg(list_of(n)).query(&mut server.connection()).unwrap()
}

fn keys(server: &Server) -> Vec<Vec<u8>> {
    redis::cmd("KEYS").arg("*").query(&mut server.connection()).unwrap()
}

#[test]
fn a_card_leaves_the_list_of_a_visitor_whom_it_is_no_longer_about() {
    let server = Server::start(&[]);
    let storage = open(&server);
    storage.write_card(&card("wm1", 0, Some(1))).unwrap();
    storage.write_card(&card("wm2", 0, Some(1))).unwrap();
    storage.write_card(&card("wm1", 1, Some(2))).unwrap();
    assert_eq!((listed(&server, 1), listed(&server, 2)), (vec!["cwm2".into()], vec!["cwm1".into()]));
    storage.write_card(&CardWrite { body: None, ..card("wm2", 1, None) }).unwrap();
    assert_eq!(listed(&server, 1), Vec::<String>::new());
    storage.write_card(&card("wm1", 2, None)).unwrap();
    assert_eq!(listed(&server, 2), Vec::<String>::new());
}

#[test]
fn a_list_that_names_too_much_hurts_nobody_and_nothing_of_a_forgotten_visitor_stays() {
    let server = Server::start(&[]);
    let storage = open(&server);
    storage.write_card(&card("wm1", 0, Some(1))).unwrap();
    storage.write_card(&card("wm2", 0, Some(2))).unwrap();
    // As after a crash: two cards were listed and not written, or are another's by now.
    let mut conn = server.connection();
    redis::cmd("HSET").arg(list_of(1)).arg("cwm2").arg("").arg("cnone").arg("").exec(&mut conn).unwrap();
    assert_eq!(storage.cards_of(visitor(1)).unwrap().len(), 1);
    let job = Job { id: "j".into(), lane: Lane::Event, body: "{}".into(), ready_at: at(0), visitor: Some(visitor(1)) };
    storage.enqueue(&[job], at(0)).unwrap();
    let leased = storage.lease_jobs(Lane::Event, at(1), at(2), 1).unwrap();
    storage.settle_job(&leased[0], &Settled::Dead("so".into()), at(1)).unwrap();
    let entries: Vec<_> = (0..450).map(|n| entry(&format!("e{n}"), 1)).collect();
    storage.append_feed(&entries).unwrap();
    let end = storage.feed_end().unwrap();
    assert_eq!(storage.forget(visitor(1), at(0)).unwrap().book, 1 + 1 + 450);
    assert_eq!(storage.forget(visitor(1), at(0)).unwrap().book, 0);
    assert_eq!(storage.cards(CardKind::Customer, &["wm1", "wm2"]).unwrap().iter().flatten().count(), 1);
    let id = visitor(1).to_bytes();
    let names_them: Vec<_> = keys(&server).into_iter().filter(|it| it.windows(16).any(|it| it == id)).collect();
    assert_eq!(names_them, Vec::<Vec<u8>>::new());
    // Behind many numbers that are gone a reader and a purge find what is left.
    storage.append_feed(&[entry("last", 2)]).unwrap();
    assert_eq!(storage.feed(0, 10).unwrap().iter().map(|it| it.0).collect::<Vec<_>>(), [end + 1]);
    assert_eq!(storage.purge_book(at(100), 10).unwrap(), 1);
}

fn entry(id: &str, of: u128) -> FeedEntry {
    let (kind, body) = ("scan.recorded".into(), "{}".into());
    FeedEntry { id: id.into(), at: at(0), kind, visitor: Some(visitor(of)), body }
}

#[test]
fn numbers_of_the_feed_rise_also_where_the_server_has_lost_everything() {
    let server = Server::start(&[]);
    let storage = open(&server);
    storage.append_feed(&[entry("a", 1), entry("b", 1)]).unwrap();
    let end = storage.feed_end().unwrap();
    redis::cmd("FLUSHALL").exec(&mut server.connection()).unwrap();
    storage.append_feed(&[entry("c", 1)]).unwrap();
    let after: Vec<_> = storage.feed(end, 10).unwrap().into_iter().map(|(_, it)| it.id).collect();
    assert_eq!(after, ["c"]);
}

#[test]
fn ids_of_jobs_that_are_done_are_let_go_of_with_time_and_many_dead_jobs_are_retried() {
    let server = Server::start(&[]);
    let storage = open(&server);
    let job = |n: i64| Job { id: format!("j{n}"), lane: Lane::Tag, body: "{}".into(), ready_at: at(0), visitor: None };
    let jobs: Vec<_> = (0..500).map(job).collect();
    storage.enqueue(&jobs, at(0)).unwrap();
    let mut n = 0;
    loop {
        let leased = storage.lease_jobs(Lane::Tag, at(1), at(60_000), 1_000).unwrap();
        if leased.is_empty() {
            break;
        }
        for it in leased {
            let settled = if n < 50 { Settled::Done } else { Settled::Dead("so".into()) };
            assert!(storage.settle_job(&it, &settled, at(n)).unwrap());
            n += 1;
        }
    }
    assert_eq!(storage.dead_jobs(Lane::Tag, 100, 200).unwrap().len(), 200);
    assert_eq!(storage.retry_jobs(Lane::Tag, None, at(1)).unwrap(), 450);
    assert_eq!(storage.job_counts(Lane::Tag, at(1)).unwrap().waiting, 450);
    assert_eq!(storage.purge_book(at(20), 5).unwrap(), 5);
    assert_eq!(storage.purge_book(at(20), 100).unwrap(), 15);
    // What is no longer known is taken on once more.
    storage.enqueue(&jobs, at(0)).unwrap();
    assert_eq!(storage.job_counts(Lane::Tag, at(1)).unwrap().waiting, 470);
}
