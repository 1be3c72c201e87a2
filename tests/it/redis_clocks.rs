//! Instances whose clocks differ: they mean the same moment all the same, and the last answer to a visit is what stays.

use std::sync::Arc;

use jinqun::campaign::Rotation;
use jinqun::id::{GroupId, ScanId, VisitorId};
use jinqun::job::{Job, Lane};
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{
    AGAIN_MS, Book as _, DeliveryNote, Seat, SeatAsk, SeatOffer, SeatPlace, SeatRules, Storage as _, Trouble,
};
use jinqun::time::{Clock as _, ManualClock, SystemClock, Timestamp};
use serde_json::json;

use crate::harness::{NOW, SQUARE, TestApp};
use crate::redis_servers::Server;

const MINUTES_31_MS: i64 = 31 * 60 * 1_000;

fn ask(visitor: u128) -> SeatAsk {
    SeatAsk {
        visitor: VisitorId::from_parts(1, visitor),
        scan: ScanId::from_parts(1, visitor),
        wanted: "store:x".into(),
        rungs: vec![vec![SeatOffer { group: GroupId::parse("a").unwrap(), capacity: 1 }]],
        rotation: Rotation::InOrder,
        is_whole: true,
        is_peek: false,
    }
}

#[test]
fn an_instance_that_is_ahead_ends_nobodys_hold_and_holds_nobody_up() {
    let server = Server::start(&[]);
    let at = RedisAt::parse(&server.url()).unwrap();
    let healthy = Redis::open(&at).unwrap();
    let now = SystemClock.now();
    let later = now.plus_ms(MINUTES_31_MS);
    let ahead = Redis::open_by(&at, Arc::new(ManualClock::at(later))).unwrap();
    let take = |storage: &Redis, visitor, now: Timestamp| {
        let taken = storage.take_seats(&[ask(visitor)], &SeatRules::default(), now);
        taken.map(|it| it[0]).map_err(|error| error.kind())
    };
    let seat = Ok(Seat::Taken(SeatPlace { rung: 0, offer: 0 }));
    assert_eq!((take(&healthy, 1, now), take(&ahead, 2, later)), (seat, Ok(Seat::NoneHere)));
    let group = [GroupId::parse("a").unwrap()];
    assert_eq!(ahead.head_counts(&group, later).unwrap()[0].held, 1);
    let off_ms = ahead.clock_ahead_ms().unwrap() - MINUTES_31_MS;
    assert!(off_ms.abs() < 1_000, "{off_ms}");
    assert!(healthy.clock_ahead_ms().unwrap().abs() < 1_000);

    // What another instance is at is not begun twice.
    let job = Job { id: "one".into(), lane: Lane::Tag, body: "{}".into(), ready_at: now, visitor: None };
    healthy.enqueue(&[job], now).unwrap();
    let lease = |storage: &Redis, now: Timestamp| {
        let leased = storage.lease_jobs(Lane::Tag, now, now.plus_ms(60_000), 9).unwrap();
        leased.into_iter().map(|it| it.job.id).collect::<Vec<_>>()
    };
    assert_eq!((lease(&healthy, now), lease(&ahead, later)), (vec!["one".into()], vec![]));

    // It dies over what it delivers again.
    let note = DeliveryNote { who: [9; 16], known: 0, next: 0, is_again: true };
    ahead.note_delivered(&note, later).unwrap();
    assert_eq!(take(&healthy, 3, now), Err(Trouble::Unavailable));
    let over = now.plus_ms(AGAIN_MS + 5_000);
    assert_eq!(take(&healthy, 3, over), Ok(Seat::NoneHere));
}

#[test]
fn a_visit_that_an_instance_refines_which_is_behind_keeps_the_later_answer() {
    let start = || TestApp::builder().set("secret", "the same for both instances").start();
    let (one, behind) = (start(), start());
    one.clock.advance_ms(5_000);
    behind.clock.advance_ms(2_000);
    let first = one.scan(&json!({})).expect(201).json();
    let refined = |position| {
        let body = json!({"scan": first["scan"], "visitor": first["visitor"], "position": position});
        behind.scan(&body).expect(200);
        behind.tags().remove(0)
    };
    let [first] = one.tags().try_into().unwrap();
    let second = refined(json!({"lat": SQUARE.0, "lng": SQUARE.1}));
    let third = refined(json!({"lat": 39.913, "lng": 116.411}));
    assert_eq!((second.scan, third.scan), (first.scan, first.scan));
    assert!(first.revision < second.revision && second.revision < third.revision);
    let now_us = Timestamp::parse_rfc3339(NOW).unwrap().unix_ms() * 1_000;
    assert_eq!(third.revision, now_us + 5_001_001);
}
