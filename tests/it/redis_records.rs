//! Records on Redis: what the contract of all backends does not ask for.

use jinqun::campaign::Route;
use jinqun::funnel::{Stage, Step, StepRecord};
use jinqun::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use jinqun::region::{RegionNames, RegionSource};
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{Purge, Storage as _, TagFilter, TallyFilter};
use jinqun::tag::TagRecord;
use jinqun::time::Timestamp;
use jinqun::visitor::{AccuracyClass, FixSource};

use crate::redis_servers::Server;

const BEGAN_MS: u64 = 1_790_000_000_000;

fn open(server: &Server) -> Redis {
    Redis::open(&RedisAt::parse(&server.url()).unwrap()).unwrap()
}

fn record(visitor: u64, visit: u64) -> TagRecord {
    let at = BEGAN_MS + visit * 1_000;
    TagRecord {
        scan: ScanId::from_parts(at, u128::from(visitor * 10_000 + visit)),
        revision: 1,
        visitor: VisitorId::from_parts(BEGAN_MS, u128::from(visitor)),
        at: Timestamp::from_unix_ms(i64::try_from(at).unwrap()),
        day: None,
        campaign: CampaignSlug::default_slug(),
        outcome: "routed".into(),
        store: StoreId::parse("SH-0001").ok(),
        join_kind: Some("group".into()),
        join_id: None,
        fallback: None,
        mode: Route::Group,
        assigned: None,
        region: RegionNames::default(),
        region_source: RegionSource::Store,
        source: FixSource::Gps,
        accuracy: AccuracyClass::Fine,
    }
}

fn pressed(record: &TagRecord) -> StepRecord {
    StepRecord { scan: record.scan, step: Step::Pressed, at: record.at.plus_ms(5) }
}

#[test]
fn what_two_instances_deliver_at_once_counts_once() {
    let server = Server::start(&[]);
    let records: Vec<TagRecord> = (0..400).map(|it| record(it % 40, it)).collect();
    std::thread::scope(|scope| {
        for backwards in [false, true] {
            let (server, mut records) = (&server, records.clone());
            scope.spawn(move || {
                let storage = open(server);
                if backwards {
                    records.reverse();
                }
                for some in records.chunks(37) {
                    let steps: Vec<StepRecord> = some.iter().map(pressed).collect();
                    // One of them tells of steps before the visits.
                    if backwards {
                        storage.deliver(&[], &[], &steps).unwrap();
                    }
                    storage.deliver(&[], some, &steps).unwrap();
                }
            });
        }
    });
    let storage = open(&server);
    assert_eq!(storage.count_tags(&TagFilter::default()).unwrap(), 400);
    let total = storage.tallies(&[], &TallyFilter::default()).unwrap();
    let counts = &total.first().unwrap().counts;
    assert_eq!((counts.visits.of(Stage::Pressed), counts.visitors.of(Stage::Pressed)), (400, 40));
    let check = storage.check_tallies().unwrap();
    assert_eq!((check.visits, check.differing), (400, 0), "{:?}", check.examples);
}

#[test]
fn a_server_that_has_forgotten_the_scripts_is_told_them_again() {
    let server = Server::start(&[]);
    let storage = open(&server);
    for visit in 0..3 {
        let records: Vec<TagRecord> = (0..300).map(|it| record(it, visit)).collect();
        storage.deliver(&[], &records, &[]).unwrap();
        redis::cmd("SCRIPT").arg("FLUSH").query::<()>(&mut server.connection()).unwrap();
    }
    assert_eq!(storage.count_tags(&TagFilter::default()).unwrap(), 900);
}

#[test]
fn a_visitor_with_many_visits_counts_once_a_day() {
    let server = Server::start(&[]);
    let storage = open(&server);
    let visitors = |of: Stage| {
        let total = storage.tallies(&[], &TallyFilter::default()).unwrap();
        total.first().map_or(0, |it| it.counts.visitors.of(of))
    };
    let agrees = |visits: u64| {
        let check = storage.check_tallies().unwrap();
        assert_eq!((check.visits, check.differing), (visits, 0), "{:?}", check.examples);
    };
    // Eight hours apart: 300 visits of a hundred days, every seventh of which nobody could place.
    let visit = |n: u64| {
        let mut record = record(1, n * 28_800);
        record.source = if n.is_multiple_of(7) { FixSource::None } else { FixSource::Gps };
        record
    };
    let records: Vec<TagRecord> = (0..300).map(visit).collect();
    for some in records.chunks(45) {
        storage.deliver(&[], some, &[]).unwrap();
    }
    agrees(300);
    assert_eq!(visitors(Stage::Scanned), 101);
    // Whoever stood for a day falls behind, and then comes first again.
    let mut worse = records.clone();
    for it in worse.iter_mut().step_by(2) {
        it.revision = 2;
        it.join_kind = None;
    }
    storage.deliver(&[], &worse, &[]).unwrap();
    agrees(300);
    storage.deliver(&[], &[], &records.iter().map(pressed).collect::<Vec<_>>()).unwrap();
    agrees(300);
    assert_eq!((visitors(Stage::Scanned), visitors(Stage::Pressed)), (101, 101));
    let day = records.get(200).unwrap().day();
    assert_eq!(storage.purge(Purge::Tags(day), 150).unwrap(), 150);
    agrees(150);
    let visitor = records.first().unwrap().visitor;
    let removed = storage.forget(visitor, Timestamp::from_unix_ms(1_800_000_000_000)).unwrap();
    assert_eq!((removed.tags, removed.steps), (150, 150));
    agrees(0);
    assert_eq!(visitors(Stage::Pressed), 101);
    let left: Vec<String> = redis::cmd("KEYS").arg("*[vabsw]*1").query(&mut server.connection()).unwrap();
    assert_eq!(left, Vec::<String>::new());
}
