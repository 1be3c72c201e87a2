//! Redis loses what it was given, and gets it back from the disks of the instances: everything, and nobody who was forgotten.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jinqun::app::{Deliverer, KnownSeats, forget};
use jinqun::campaign::Rotation;
use jinqun::group::SeatClaim;
use jinqun::id::{GroupId, ScanId, VisitorId};
use jinqun::metrics::Metrics;
use jinqun::outbox::{Item, Outbox, Settings};
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{
    AGAIN_MS, DeliveryNote, Seat, SeatAsk, SeatOffer, SeatPlace, SeatRules, Storage, TagFilter, Trouble,
};
use jinqun::tag::TagRecord;
use jinqun::time::{Clock as _, SystemClock, Timestamp};
use tempfile::TempDir;

use crate::outbox::{step, tag};
use crate::process::{Service, jinqun};
use crate::redis_servers::cluster::Cluster;
use crate::redis_servers::{Server, wait_until};

const SECRET: [u8; 32] = [7; 32];

fn open(url: &str) -> Arc<dyn Storage> {
    Arc::new(Redis::open(&RedisAt::parse(url).unwrap()).unwrap())
}

/// What of an instance delivers, while this lives.
struct Instance {
    outbox: Arc<Outbox>,
    metrics: Arc<Metrics>,
    runtime: tokio::runtime::Runtime,
}

impl Instance {
    fn start(folder: &Path, url: &str) -> Self {
        let settings = Settings { keep_hours: 48, keep_items_max: 10_000, ..Settings::default() };
        let outbox = Arc::new(Outbox::open(&folder.join("outbox.sqlite"), &settings, None).unwrap());
        let metrics = Arc::new(Metrics::new());
        let seats = KnownSeats::new(SeatRules::default(), Arc::new(SystemClock), Arc::clone(&metrics));
        let way = (Arc::clone(&outbox), open(url));
        let deliverer = Deliverer::new(way, Arc::new(seats), Vec::new(), (Arc::clone(&metrics), Some(SECRET))).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move { deliverer.run().await });
        Self { outbox, metrics, runtime }
    }

    /// Waits for the word that something is lost: from here on it takes a second at least until it is delivered again.
    fn wait_lost(&self) {
        wait_until("the loss is noticed", || self.metrics.redelivery.items.get() > 0);
    }

    fn append(&self, items: impl IntoIterator<Item = Item>) {
        for item in items {
            self.runtime.block_on(self.outbox.append(&item)).unwrap();
        }
    }

    /// Waits until everything that was appended is in storage and noted there.
    fn wait_delivered(&self) {
        let kept = self.outbox.kept().unwrap();
        wait_until("everything is delivered", || {
            let newest = kept.newest().unwrap();
            self.outbox.depth() == 0 && newest > 1 && kept.known().unwrap() == newest
        });
    }

    fn wait_delivered_again(&self) {
        let it = &self.metrics.redelivery;
        wait_until("what was lost is delivered again", || it.lost.get() == 1 && it.items.get() == 0);
    }
}

fn scans(storage: &dyn Storage) -> BTreeSet<ScanId> {
    let found = storage.latest_tags(&TagFilter::default(), 0, 1_000).unwrap();
    let scans: BTreeSet<_> = found.iter().map(|it| it.scan).collect();
    assert_eq!(scans.len(), found.len());
    scans
}

fn numbers(of: impl IntoIterator<Item = u128>) -> BTreeSet<ScanId> {
    of.into_iter().map(|n| ScanId::from_parts(1_790_000_000_000, n)).collect()
}

fn record(item: Item) -> TagRecord {
    let Item::Tag(record) = item else { unreachable!("it is a record") };
    record
}

/// A storage with the secret of the instances.
fn installation(url: &str) -> Arc<dyn Storage> {
    let storage = open(url);
    assert_eq!(storage.secret(&|| SECRET).unwrap(), SECRET);
    storage
}

#[test]
fn each_instance_delivers_again_what_is_on_its_disk_and_nobody_who_was_forgotten() {
    let server = Server::start(&[]);
    let storage = installation(&server.url());
    let folders: [TempDir; 2] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let [one, other] = folders.each_ref().map(|it| Instance::start(it.path(), &server.url()));
    one.append((1..=20).map(tag));
    one.append([step(1), step(5)]);
    other.append((21..=25).map(tag));
    one.wait_delivered();
    other.wait_delivered();
    // The other one forgets a visitor of the first, who knows of it only by the mark.
    let visitor = VisitorId::from_parts(1, 5);
    let now = SystemClock.now();
    let outbox = |scans| other.outbox.forget(visitor, scans);
    let kept = other.outbox.kept().map(|it| &**it);
    let erased = forget(&*storage, outbox, kept, visitor, now).unwrap();
    assert_eq!((erased.stored.tags, erased.stored.steps), (1, 1));
    let kept = one.outbox.kept().unwrap();
    assert_eq!(kept.count(0).unwrap(), 22, "the first still has the records on its disk");
    wait_until("the first knows the marks", || kept.forgotten().unwrap().marks.len() == 2);
    drop(other);
    server.ask::<()>(&["FLUSHALL"]);
    one.wait_delivered_again();
    assert_eq!(scans(&*storage), numbers((1..=20).filter(|it| *it != 5)));
    // A later visit of theirs is one like any other.
    let back = TagRecord { at: now.plus_ms(1), visitor, ..record(tag(30)) };
    one.append([Item::Tag(back)]);
    // Who was away meanwhile learns of it at its start.
    let other = Instance::start(folders[1].path(), &server.url());
    other.wait_delivered_again();
    let expected = numbers((1..=25).filter(|it| *it != 5).chain([30]));
    wait_until("the later visit is there", || scans(&*storage) == expected);
    assert_eq!(storage.check_tallies().unwrap().differing, 0);
    assert_eq!((one.metrics.redelivery.lost.get(), one.metrics.redelivery.delivered.get()), (1, 22));
}

#[test]
fn an_older_copy_gets_back_what_came_after_it() {
    let mut server = Server::start(&[]);
    let storage = installation(&server.url());
    let folder = tempfile::tempdir().unwrap();
    let one = Instance::start(folder.path(), &server.url());
    one.append((1..=5).map(tag));
    one.wait_delivered();
    server.copy_data("older");
    for numbers in [6..=7, 8..=9] {
        let last = *numbers.end();
        one.append(numbers.map(tag));
        wait_until("they are there", || u128::try_from(scans(&*storage).len()) == Ok(last));
        one.wait_delivered();
    }
    server.restart(&["--appenddirname", "older"]);
    one.wait_delivered_again();
    assert_eq!(scans(&*storage), numbers(1..=9));
    // What the copy has is not delivered again.
    assert!(one.metrics.redelivery.delivered.get() < 9);
}

/// What the user of an instance may touch.
#[derive(Clone, Copy)]
enum May {
    Everything,
    /// Visits of one partition, and what is no visit. So what is delivered again waits, while a new visit of that partition and notes
    /// of what was delivered pass.
    VisitsOf(u8),
}

fn user(server: &Server, may: May) {
    let own;
    let keys: &[&str] = match may {
        May::Everything => &["~{jinqun:*"],
        May::VisitsOf(partition) => {
            own = format!("~{{jinqun:{partition:02}}}*");
            &["~{jinqun:*}[^a]*", "~{jinqun:seats}again", &own]
        }
    };
    let words = ["ACL", "SETUSER", "jinqun", "on", ">password", "resetkeys", "&jinqun:*", "+@all"];
    server.ask::<()>(&[&words, keys].concat());
}

fn url_with_user(server: &Server) -> String {
    server.url().replace("redis://", "redis://jinqun:password@")
}

#[test]
fn a_second_loss_before_anything_is_noted_again_is_found_too() {
    let server = Server::start(&[]);
    user(&server, May::Everything);
    let storage = installation(&server.url());
    let folder = tempfile::tempdir().unwrap();
    let one = Instance::start(folder.path(), &url_with_user(&server));
    one.append((1..=5).map(tag));
    one.wait_delivered();
    user(&server, May::VisitsOf(6));
    server.ask::<()>(&["FLUSHALL"]);
    // An earlier version has left this behind.
    server.ask::<()>(&["ZADD", "{jinqun:01}-", "1", "who"]);
    one.wait_lost();
    one.append([tag(6)]);
    wait_until("the new one is there, and those of before not yet", || {
        one.outbox.depth() == 0 && scans(&*storage) == numbers([6])
    });
    server.ask::<()>(&["FLUSHALL"]);
    user(&server, May::Everything);
    one.wait_delivered_again();
    assert_eq!(scans(&*storage), numbers(1..=6));
    // Scripts are put off while slots move because these are not there.
    let never = (0..16).map(|it| format!("{{jinqun:{it:02}}}-")).chain(["{jinqun:seats}-".to_owned()]);
    assert_eq!(never.map(|it| server.ask::<u64>(&["EXISTS", &it])).sum::<u64>(), 0);
}

#[test]
fn the_same_older_copy_may_come_back_twice() {
    let mut server = Server::start(&[]);
    user(&server, May::Everything);
    let storage = installation(&server.url());
    let folder = tempfile::tempdir().unwrap();
    let one = Instance::start(folder.path(), &url_with_user(&server));
    one.append((1..=5).map(tag));
    one.wait_delivered();
    for name in ["older", "as-old"] {
        server.copy_data(name);
    }
    for numbers in [6..=7, 8..=9] {
        let last = *numbers.end();
        one.append(numbers.map(tag));
        wait_until("they are there", || u128::try_from(scans(&*storage).len()) == Ok(last));
        one.wait_delivered();
    }
    server.restart(&["--appenddirname", "older"]);
    user(&server, May::VisitsOf(10));
    one.wait_lost();
    one.append([tag(10)]);
    wait_until("the new one is there, and those of before not yet", || {
        one.outbox.depth() == 0 && scans(&*storage) == numbers((1..=5).chain([10]))
    });
    server.restart(&["--appenddirname", "as-old"]);
    user(&server, May::Everything);
    one.wait_delivered_again();
    assert_eq!(scans(&*storage), numbers(1..=10));
    assert!(one.metrics.redelivery.delivered.get() <= 5, "what the copy has is not delivered again");
}

#[test]
fn a_part_of_a_cluster_that_was_emptied_gets_back_what_it_had() {
    let cluster = Cluster::start();
    let storage = installation(&cluster.url());
    let folder = tempfile::tempdir().unwrap();
    let one = Instance::start(folder.path(), &cluster.url());
    one.append((1..=40).map(tag));
    one.wait_delivered();
    wait_until("they are noted", || one.outbox.depth() == 0 && scans(&*storage).len() == 40);
    cluster.servers[2].ask::<()>(&["FLUSHALL"]);
    assert!(scans(&*storage).len() < 40);
    one.wait_delivered_again();
    assert_eq!(scans(&*storage), numbers(1..=40));
}

#[test]
fn a_storage_of_another_installation_gets_nothing_of_before() {
    let server = Server::start(&[]);
    let storage = installation(&server.url());
    let folder = tempfile::tempdir().unwrap();
    let one = Instance::start(folder.path(), &server.url());
    one.append([tag(1)]);
    one.wait_delivered();
    server.ask::<()>(&["FLUSHALL"]);
    storage.secret(&|| [8; 32]).unwrap();
    one.append([tag(2)]);
    // It is asked whose it is between these two.
    wait_until("what comes is delivered", || scans(&*storage).len() == 1);
    one.append([tag(3)]);
    wait_until("what comes is delivered", || scans(&*storage) == numbers([2, 3]));
    assert_eq!(one.metrics.redelivery.lost.get(), 0);
}

const STORES: &str = "id,name,lat,lng,datum,group_url,group_name,group_capacity\n\
    A,甲店,31.2304,121.4737,wgs84,https://work.weixin.qq.com/gm/a,甲群,3\n\
    B,乙店,31.24122,121.4737,wgs84,https://work.weixin.qq.com/gm/b,乙群,100000\n";

/// The group that a visitor at the door of the first store is shown, and the state of the seat.
fn shown(service: &Service) -> (String, String) {
    let at_a = serde_json::json!({"position": {"lat": 31.2304, "lng": 121.4737, "accuracy_m": 10}});
    let json = service.client.scan(&at_a).expect(201).json();
    (json["join"]["id"].as_str().unwrap().to_owned(), json["seat"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_group_full_of_members_stays_full_though_all_instances_were_down() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("stores.csv", STORES), ("members.csv", "id,members\nA.group,3\n")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let url = server.url();
    for args in [["import", "stores", "stores.csv"], ["import", "groups", "members.csv"]] {
        let done = jinqun(folder.path()).args(args).env("JINQUN_STORAGE", &url).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let start = || Service::start(folder.path(), &["serve"], &[("JINQUN_STORAGE", url.as_str())]);
    let mut service = start();
    let elsewhere = ("B.group".to_owned(), "taken".to_owned());
    wait_until("a seat is given", || shown(&service) == elsewhere);
    let kept = jinqun::outbox::kept_beside(&folder.path().join("data/outbox.sqlite")).unwrap().unwrap();
    wait_until("it is known on the disk", || {
        kept.heads(None, 10).unwrap().iter().any(|(group, it)| group.as_str() == "A.group" && it.members.is_some())
    });
    service.kill();
    server.ask::<()>(&["FLUSHALL"]);
    let service = start();
    let mut settled = 0;
    wait_until("seats are given again", || {
        let (group, state) = shown(&service);
        assert!(group == elsewhere.0 || state == "unconfirmed", "{group} {state}");
        settled += u32::from(state == "taken");
        settled > 3
    });
}

fn ask(visitor: u128, capacity: u32) -> SeatAsk {
    SeatAsk {
        visitor: VisitorId::from_parts(1, visitor),
        scan: ScanId::from_parts(1, visitor),
        wanted: "store:x".into(),
        rungs: vec![vec![SeatOffer { group: GroupId::parse("a").unwrap(), capacity }]],
        rotation: Rotation::InOrder,
        is_whole: true,
        is_peek: false,
    }
}

#[test]
fn seats_are_not_given_while_not_all_are_counted() {
    let server = Server::start(&[]);
    let storage = open(&server.url());
    let now = Timestamp::from_unix_ms(1_790_000_000_000);
    let note = |who: u8, known, next, is_again| {
        storage.note_delivered(&DeliveryNote { who: [who; 16], known, next, is_again }, now).unwrap().lowest
    };
    let take = |visitor| {
        let taken = storage.take_seats(&[ask(visitor, 2)], &SeatRules::default(), now);
        taken.map(|it| it[0]).map_err(|error| error.kind())
    };
    let seat = Ok(Seat::Taken(SeatPlace { rung: 0, offer: 0 }));
    assert_eq!((take(1), note(1, 0, 10, false), note(1, 10, 10, false), take(2)), (seat, 0, 10, seat));
    server.ask::<()>(&["FLUSHALL"]);
    // The counters say that there is room.
    assert_eq!(take(3), Err(Trouble::Unavailable));
    let group = [GroupId::parse("a").unwrap()];
    assert_eq!(storage.head_counts(&group, now).map_err(|it| it.kind()), Err(Trouble::Unavailable));
    // It delivers again, and so does another one a little longer.
    assert_eq!((note(2, 0, 0, true), note(1, 0, 0, true), note(1, 0, 10, true)), (0, 0, 0));
    let claim = |visitor| {
        let SeatAsk { visitor, scan, wanted, .. } = ask(visitor, 2);
        SeatClaim { visitor, scan, group: group[0].clone(), wanted, at: now }
    };
    storage.claim_seats(&[claim(1), claim(2)], &SeatRules::default(), now).unwrap();
    assert_eq!((note(1, 10, 10, false), take(3)), (10, Err(Trouble::Unavailable)));
    assert_eq!((note(2, 0, 0, false), take(3)), (0, Ok(Seat::NoneHere)));
    // Who dies over it holds up nobody for long.
    note(2, 0, 0, true);
    let later = now.plus_ms(AGAIN_MS + 1);
    assert_eq!(storage.head_counts(&group, later).unwrap()[0].held, 2);
}
