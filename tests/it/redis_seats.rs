//! Seats on Redis: the contract of all backends, and the same answers as embedded storage whatever comes.

use jinqun::campaign::Rotation;
use jinqun::group::SeatClaim;
use jinqun::id::{GroupId, ScanId, VisitorId};
use jinqun::storage::contract::CHECKS;
use jinqun::storage::embedded::Embedded;
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{SeatAsk, SeatOffer, SeatRules, Storage};
use jinqun::time::Timestamp;

use crate::redis_servers::Server;

const OF_SEATS: [&str; 7] = [
    "a_hundred_visitors_never_get_an_eleventh_of_ten_seats",
    "a_seat_is_kept_wherever_it_is_on_the_ladder",
    "a_visitor_moves_on_and_a_visit_holds_one_seat",
    "a_seat_without_a_join_is_given_back",
    "the_least_filled_group_is_filled_first",
    "a_real_count_replaces_the_estimate",
    "a_seat_shown_without_storage_is_counted_once_whether_or_not_there_is_room",
];

fn open(server: &Server) -> Redis {
    Redis::open(&RedisAt::parse(&server.url()).unwrap()).unwrap()
}

#[test]
fn seats_keep_the_contract() {
    let server = Server::start(&[]);
    let mut findings = Vec::new();
    for (name, check) in CHECKS.into_iter().filter(|(name, _)| OF_SEATS.contains(name)) {
        server.ask::<()>(&["FLUSHALL"]);
        if let Err(finding) = check(&open(&server)) {
            findings.push(format!("{name}: {finding}"));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Things that visitors and the operations team do, in an order that chance makes.
struct Play {
    chance: fastrand::Rng,
    now_ms: i64,
}

const GROUPS: usize = 7;

impl Play {
    fn group(&mut self) -> GroupId {
        GroupId::parse(&format!("g{}", self.chance.usize(..GROUPS))).unwrap()
    }

    fn visitor(&mut self) -> VisitorId {
        VisitorId::from_parts(1, self.chance.u128(1..25))
    }

    fn ask(&mut self) -> SeatAsk {
        let mut rungs = Vec::new();
        let mut left: Vec<usize> = (0..GROUPS).collect();
        self.chance.shuffle(&mut left);
        for _ in 0..self.chance.usize(1..4) {
            let size = self.chance.usize(0..3).min(left.len());
            let offer = |place| SeatOffer { group: GroupId::parse(&format!("g{place}")).unwrap(), capacity: 4 };
            rungs.push(left.drain(..size).map(offer).collect());
        }
        SeatAsk {
            visitor: self.visitor(),
            scan: ScanId::from_parts(1, self.chance.u128(1..60)),
            wanted: ["store:a", "store:b", "campaign:c"][self.chance.usize(..3)].into(),
            rungs,
            rotation: if self.chance.bool() { Rotation::InOrder } else { Rotation::LeastFilled },
            is_whole: self.chance.u8(..4) > 0,
            is_peek: self.chance.u8(..8) == 0,
        }
    }

    /// Does one thing with both and gives what each has answered.
    fn turn(&mut self, both: [&dyn Storage; 2]) -> [String; 2] {
        // Of a day without visitors nothing is remembered.
        self.now_ms += if self.chance.u8(..40) == 0 { 90_000_000 } else { self.chance.i64(0..400_000) };
        let now = Timestamp::from_unix_ms(self.now_ms);
        let rules = SeatRules::new(30, 0.5, 1);
        // Embedded storage ends holds, and forgets what is old, at a wish alone.
        let peek = SeatAsk { is_peek: true, ..self.ask() };
        for it in both {
            it.take_seats(std::slice::from_ref(&peek), &rules, now).unwrap();
        }
        match self.chance.u8(..20) {
            0 | 1 => {
                let (visitor, group) = (self.visitor(), self.group());
                both.map(|it| format!("{:?}", it.confirm_seat(visitor, &group, now).is_ok()))
            }
            2 => {
                let members = [(self.group(), self.chance.u32(..4))];
                let at = Timestamp::from_unix_ms(self.now_ms - self.chance.i64(0..100_000));
                both.map(|it| format!("{:?}", it.set_members(&members, at).is_ok()))
            }
            3 | 4 => {
                let at = Timestamp::from_unix_ms(self.now_ms - self.chance.i64(0..3_000_000));
                let ask = self.ask();
                let claim =
                    SeatClaim { visitor: ask.visitor, scan: ask.scan, group: self.group(), wanted: ask.wanted, at };
                let claims = [claim.clone(), claim];
                both.map(|it| format!("{:?}", it.claim_seats(&claims, &rules, now).is_ok()))
            }
            _ => {
                let asks: Vec<_> = (0..self.chance.usize(1..5)).map(|_| self.ask()).collect();
                both.map(|it| format!("{asks:?}: {:?}", it.take_seats(&asks, &rules, now).unwrap()))
            }
        }
    }
}

#[test]
fn seats_answer_as_embedded_storage_does() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let groups: Vec<_> = (0..GROUPS).map(|n| GroupId::parse(&format!("g{n}")).unwrap()).collect();
    for seed in 0..3 {
        server.ask::<()>(&["FLUSHALL"]);
        let redis = open(&server);
        let embedded = Embedded::open(&folder.path().join(format!("{seed}.sqlite"))).unwrap();
        let both: [&dyn Storage; 2] = [&redis, &embedded];
        let mut play = Play { chance: fastrand::Rng::with_seed(seed), now_ms: 1_790_000_000_000 };
        for turn in 0..250 {
            let [found, expected] = play.turn(both);
            assert_eq!(found, expected, "seed {seed}, turn {turn}");
            let now = Timestamp::from_unix_ms(play.now_ms);
            let [found, expected] = both.map(|it| it.head_counts(&groups, now).unwrap());
            assert_eq!(found, expected, "seed {seed}, turn {turn}");
        }
    }
}
