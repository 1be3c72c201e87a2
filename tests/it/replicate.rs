//! The catalog of a chain on several instances that share a Redis: real processes, real connections that get lost.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Answer, Client, eventually};
use crate::process::{Service, jinqun};
use crate::redis_servers::Server;

pub const STORES: &str = "/api/v1/admin/stores";
/// The bootstrap token of every instance.
const TOKEN: &str = "a token of sixteen characters and more";
const BEARER: &str = "Bearer a token of sixteen characters and more";
/// The contract's limit for a publication of another instance.
const FRESH: Duration = Duration::from_secs(1);
/// The same where announcements get lost: the look now and then finds it, and what it finds is loaded.
const LATE: Duration = Duration::from_secs(2);
const PUBLICATIONS: usize = 50;
/// Redis has lost its data, and every instance has the same catalog again within this time.
const MENDED: Duration = Duration::from_secs(5);

/// Stores that have a group, the first ones.
const WITH_GROUPS: u32 = 1_000;

fn sheet(stores: u32) -> String {
    let mut sheet = String::from("id,name,lat,lng,datum,group_url\n");
    for n in 0..stores {
        let (lat, lng) = (20.0 + f64::from(n / 400) * 0.01, 100.0 + f64::from(n % 400) * 0.01);
        write!(sheet, "S{n:06},店{n},{lat:.2},{lng:.2},wgs84,").unwrap();
        let has_group = n < WITH_GROUPS;
        writeln!(sheet, "{}", if has_group { format!("https://work.weixin.qq.com/gm/n{n}") } else { String::new() })
            .unwrap();
    }
    sheet
}

/// An instance with a folder of its own.
pub struct Instance {
    folder: TempDir,
    storage: String,
    service: Option<Service>,
}

impl Instance {
    fn new(storage: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), storage: storage.to_owned(), service: None }
    }

    pub fn started(storage: &str) -> Self {
        let mut instance = Self::new(storage);
        instance.start();
        instance
    }

    fn start(&mut self) {
        let settings = [("JINQUN_STORAGE", self.storage.as_str()), ("JINQUN_ADMIN_TOKEN", TOKEN)];
        self.service = Some(Service::start(self.folder.path(), &["serve"], &settings));
    }

    fn stop(&mut self) {
        self.service = None;
    }

    pub fn client(&self) -> &Client {
        &self.service.as_ref().expect("it runs").client
    }

    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let mut all = vec![("authorization", BEARER), ("content-type", "application/json")];
        all.extend(headers);
        self.client().call(method, path, &all, body.map(|it| it.to_string().into_bytes()).as_deref())
    }

    /// Gives a store another name, and returns the version that is live then.
    pub fn rename(&self, id: &str, name: &str) -> u64 {
        let answer = self.call("PATCH", &format!("{STORES}/{id}"), &[], Some(&json!({"name": name}))).expect(200);
        answer.header("jinqun-catalog-version").unwrap().parse().unwrap()
    }

    pub fn version(&self) -> u64 {
        self.client().get("/api/v1/nearest?lat=20&lng=100").json()["catalog_version"].as_u64().unwrap()
    }

    pub fn name(&self, id: &str) -> String {
        self.call("GET", &format!("{STORES}/{id}"), &[], None).json()["name"].as_str().unwrap_or_default().to_owned()
    }

    pub fn metric(&self, name: &str) -> u64 {
        let scrape = self.client().get("/metrics");
        let line = scrape.text().lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |it| it.parse().unwrap())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Publishes a sheet by the command line, as another process does.
    fn import(&self, stores: u32) {
        std::fs::write(self.folder.path().join("stores.csv"), sheet(stores)).unwrap();
        let args = ["import", "stores", "stores.csv"];
        let done = jinqun(self.folder.path()).args(args).env("JINQUN_STORAGE", &self.storage).output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Instances on one Redis, with a few stores published.
fn chain(server: &Server, count: usize) -> Vec<Instance> {
    Instance::new(&server.url()).import(20);
    let instances: Vec<Instance> = (0..count).map(|_| Instance::started(&server.url())).collect();
    for it in &instances {
        assert_eq!(it.version(), 1);
    }
    instances
}

/// The time until an instance serves a version.
pub fn until_live(instance: &Instance, version: u64, published: Instant) -> Duration {
    while instance.version() < version {
        assert!(published.elapsed() < Duration::from_secs(20), "version {version} never comes: {}", instance.log());
        thread::sleep(Duration::from_millis(3));
    }
    published.elapsed()
}

/// Publishes on one instance after the other, and returns how long each of the others took, the longest last.
fn publish_around(instances: &[Instance], publications: usize) -> Vec<Duration> {
    let mut waits = Vec::new();
    for n in 0..publications {
        let publisher = n % instances.len();
        let version = instances[publisher].rename("S000003", &format!("店 {n}"));
        let since = Instant::now();
        assert_eq!(instances[publisher].version(), version, "live at once where it was published");
        thread::scope(|scope| {
            let others = instances.iter().enumerate().filter(|(it, _)| *it != publisher);
            let waiting: Vec<_> = others.map(|(_, it)| scope.spawn(move || until_live(it, version, since))).collect();
            waits.extend(waiting.into_iter().map(|it| it.join().unwrap()));
        });
    }
    waits.sort_unstable();
    waits
}

/// The time within which this share of them ended.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a short list"
    )]
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted[place.clamp(1, sorted.len()) - 1]
}

#[test]
fn a_publication_is_live_on_all_others_within_a_second() {
    let server = Server::start(&[]);
    let instances = chain(&server, 4);
    let waits = publish_around(&instances, PUBLICATIONS);
    let (half, p99) = (quantile(&waits, 0.5), quantile(&waits, 0.99));
    eprintln!(
        "{} waits of four instances: half within {half:?}, p99 {p99:?}, longest {:?}",
        waits.len(),
        waits[waits.len() - 1]
    );
    assert!(p99 < FRESH, "{waits:?}");
    for it in &instances {
        assert_eq!(it.name("S000003"), "店 49");
        let version = it.version();
        eventually("the catalog on disk follows", || {
            (it.metric("jinqun_catalog_on_disk_version") == version).then_some(())
        });
    }
}

#[test]
fn announcements_that_get_lost_are_made_up_for() {
    let server = Server::start(&[]);
    let instances = chain(&server, 4);
    let is_over = AtomicBool::new(false);
    let waits = thread::scope(|scope| {
        let cutting = scope.spawn(|| {
            let mut cut = 0;
            while !is_over.load(Ordering::Relaxed) {
                cut += server.ask::<u64>(&["CLIENT", "KILL", "TYPE", "pubsub"]);
                thread::sleep(Duration::from_millis(30));
            }
            cut
        });
        let waits = publish_around(&instances, 8);
        is_over.store(true, Ordering::Relaxed);
        assert!(cutting.join().unwrap() > 0, "connections were cut");
        waits
    });
    eprintln!("without announcements: half within {:?}, longest {:?}", quantile(&waits, 0.5), waits[waits.len() - 1]);
    assert!(waits[waits.len() - 1] < LATE, "{waits:?}");
}

#[test]
fn an_instance_that_may_not_listen_looks() {
    let server = Server::start(&[]);
    let teller = Instance::started(&server.url());
    teller.import(20);
    let rules = ["ACL", "SETUSER", "deaf", "on", ">secret", "~*", "resetchannels", "+@all", "-subscribe"];
    server.ask::<()>(&rules);
    let deaf = Instance::started(&format!("redis://deaf:secret@127.0.0.1:{}", server.port));
    for n in 0..4 {
        let version = teller.rename("S000003", &format!("店 {n}"));
        assert!(until_live(&deaf, version, Instant::now()) < LATE);
    }
}

#[test]
fn instances_follow_on_after_redis_was_restarted() {
    let mut server = Server::start(&[]);
    let instances = chain(&server, 2);
    for round in 0..2 {
        server.kill();
        thread::sleep(Duration::from_millis(300));
        let refused = instances[0].call("PATCH", &format!("{STORES}/S000001"), &[], Some(&json!({"name": "店"})));
        assert_eq!((refused.status, refused.problem().code.as_str()), (503, "no_storage"));
        assert_eq!(instances[0].client().scan(&json!({"store": "S000001"})).status, 201);
        server.restart(&[]);
        let back = Instant::now();
        let body = json!({"name": format!("回来 {round}")});
        let version = eventually("it can be published again", || {
            let answer = instances[0].call("PATCH", &format!("{STORES}/S000001"), &[], Some(&body));
            (answer.status == 200).then(|| answer.header("jinqun-catalog-version").unwrap().parse::<u64>().unwrap())
        });
        until_live(&instances[1], version, Instant::now());
        assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    }
}

#[test]
fn an_instance_starts_and_serves_without_redis_and_delivers_when_it_returns() {
    let mut server = Server::start(&[]);
    let mut instances = chain(&server, 2);
    let version = instances[0].rename("S000007", "改名店");
    eventually("it is on disk", || (instances[0].metric("jinqun_catalog_on_disk_version") == version).then_some(()));
    let seen = instances[0].client().scan(&json!({"store": "S000007"})).expect(201).json();
    instances[0].stop();
    server.kill();
    let began = Instant::now();
    instances[0].start();
    let took = began.elapsed();
    eprintln!("a start without Redis took {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let alone = &instances[0];
    assert_eq!(alone.version(), version);
    let again = alone.client().scan(&json!({"store": "S000007", "visitor": seen["visitor"]})).expect(201).json();
    assert_eq!((&again["outcome"], &again["store"]["name"]), (&json!("routed"), &json!("改名店")));
    assert!(!again["join"].is_null(), "a code is shown: {again}");
    // A token that another secret had signed would not open this visit.
    let refined = alone.client().scan(&json!({"store": "S000007", "visitor": seen["visitor"], "scan": seen["scan"]}));
    assert_eq!(refined.status, 200, "{}", refined.text());
    for _ in 0..20 {
        assert_eq!(alone.client().scan(&json!({"store": "S000001"})).status, 201);
    }
    let sign_in = json!({"name": "li", "password": "correct horse battery"}).to_string();
    let refused = alone.client().post("/api/v1/admin/session", sign_in);
    assert_eq!((refused.status, refused.problem().code.as_str()), (503, "no_storage"));
    assert!(alone.client().get("/readyz").expect(200).json()["outbox_depth"].as_u64().unwrap() > 20);
    server.restart(&[]);
    let delivered = |it: &Instance| it.client().get("/readyz").json()["outbox_depth"] == 0;
    eventually("everything is delivered", || delivered(alone).then_some(()));
    let version = eventually("the other one publishes", || {
        let path = format!("{STORES}/S000001");
        let answer = instances[1].call("PATCH", &path, &[], Some(&json!({"name": "回来"})));
        (answer.status == 200).then(|| answer.header("jinqun-catalog-version").unwrap().parse::<u64>().unwrap())
    });
    until_live(alone, version, Instant::now());
}

#[test]
fn a_damaged_catalog_on_disk_is_set_aside() {
    let server = Server::start(&[]);
    let mut instances = chain(&server, 1);
    let it = &mut instances[0];
    eventually("it is on disk", || (it.metric("jinqun_catalog_on_disk_version") == 1).then_some(()));
    it.stop();
    let file = it.folder.path().join("data").join("catalog.sqlite");
    let beside = rusqlite::Connection::open(&file).unwrap();
    beside.execute("UPDATE entry SET body = replace(body, '店5', '店6') WHERE id = 'S000005'", ()).unwrap();
    drop(beside);
    it.start();
    assert_eq!((it.version(), it.name("S000005")), (1, "店5".to_owned()));
    assert!(it.log().contains("the catalog on disk is damaged"), "{}", it.log());
    assert!(file.with_extension("sqlite.damaged").exists());
    eventually("it is on disk again", || (it.metric("jinqun_catalog_on_disk_version") == 1).then_some(()));
    it.stop();
    // Bytes in the middle of the file, and a file that is none.
    for damage in [false, true] {
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes.iter_mut().skip(if damage { 0 } else { middle }).take(4_096).for_each(|it| *it = 0x5a);
        std::fs::write(&file, bytes).unwrap();
        let _ = std::fs::remove_file(file.with_extension("sqlite-wal"));
        it.start();
        assert_eq!(it.version(), 1);
        eventually("it is on disk again", || (it.metric("jinqun_catalog_on_disk_version") == 1).then_some(()));
        it.stop();
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// Waits until all instances serve one version above this one, and the storage holds it.
fn mended(instances: &[Instance], above: u64, since: Instant) -> u64 {
    let version = eventually("the instances agree", || {
        let versions: Vec<u64> = instances.iter().map(Instance::version).collect();
        (versions[0] > above && versions.iter().all(|it| *it == versions[0])).then_some(versions[0])
    });
    assert!(since.elapsed() < MENDED, "{:?}", since.elapsed());
    version
}

#[test]
fn a_redis_that_was_flushed_gets_the_catalog_back_once() {
    let server = Server::start(&[]);
    let instances = chain(&server, 4);
    for n in 0..3 {
        instances[0].rename("S000003", &format!("店 {n}"));
    }
    for it in &instances {
        until_live(it, 4, Instant::now());
    }
    let seen = instances[0].client().scan(&json!({"store": "S000003"})).expect(201).json();
    for it in &instances {
        eventually("it is on disk", || (it.metric("jinqun_catalog_on_disk_version") == 4).then_some(()));
    }
    server.ask::<()>(&["FLUSHALL"]);
    let version = mended(&instances, 4, Instant::now());
    assert_eq!(version, 5);
    let put: u64 = instances.iter().map(|it| it.metric("jinqun_catalog_put_back_total")).sum();
    assert_eq!(put, 1, "one was first");
    for it in &instances {
        assert_eq!(it.name("S000003"), "店 2");
    }
    // The secret is the same one: an instance that was never here knows the visitor.
    let fresh = Instance::started(&server.url());
    assert_eq!(fresh.version(), 5);
    let refined = json!({"store": "S000003", "visitor": seen["visitor"], "scan": seen["scan"]});
    assert_eq!(fresh.client().scan(&refined).status, 200);
    assert_eq!(instances[1].rename("S000003", "后来"), 6);
    for it in instances.iter().chain([&fresh]) {
        until_live(it, 6, Instant::now());
        assert_eq!(it.name("S000003"), "后来");
    }
}

#[test]
fn a_redis_that_was_emptied_and_filled_up_to_the_same_number_is_noticed() {
    let server = Server::start(&[]);
    let instances = chain(&server, 1);
    let service = instances[0].service.as_ref().unwrap();
    assert_eq!(instances[0].name("S000010"), "店10");
    // It may be cut off, or busy with something else meanwhile.
    service.signal("STOP");
    server.ask::<()>(&["FLUSHALL"]);
    Instance::new(&server.url()).import(5);
    service.signal("CONT");
    eventually("what storage holds is live", || instances[0].name("S000010").is_empty().then_some(()));
    assert_eq!((instances[0].version(), instances[0].name("S000004")), (1, "店4".to_owned()));
}

#[test]
fn a_redis_that_was_restored_from_an_older_copy_gets_the_later_catalog_back() {
    let server = Server::start(&[]);
    let instances = chain(&server, 2);
    for n in 0..3 {
        instances[0].rename("S000003", &format!("店 {n}"));
    }
    until_live(&instances[1], 4, Instant::now());
    // What an older copy holds: two versions, and nothing of the later ones.
    let conn = &mut server.connection();
    let mut back = redis::pipe();
    back.atomic().cmd("SET").arg("{jinqun:catalog}:version").arg(2);
    back.cmd("HDEL").arg("{jinqun:catalog}:info").arg(&[3, 4]);
    back.cmd("DEL").arg(&["{jinqun:catalog}:log:3", "{jinqun:catalog}:log:4"]);
    back.query::<()>(conn).unwrap();
    assert_eq!(mended(&instances, 4, Instant::now()), 5);
    for it in &instances {
        assert_eq!(it.name("S000003"), "店 2");
    }
    assert!(instances.iter().any(|it| it.log().contains("the later one was put back")));
}

#[test]
fn the_catalog_of_another_installation_is_not_followed() {
    let (server, other) = (Server::start(&[]), Server::start(&[]));
    let mut instances = chain(&server, 1);
    let it = &mut instances[0];
    eventually("it is on disk", || (it.metric("jinqun_catalog_on_disk_version") == 1).then_some(()));
    it.stop();
    let stranger = Instance::started(&other.url());
    stranger.import(5);
    stranger.rename("S000001", "别家");
    it.storage = other.url();
    it.start();
    assert_eq!((it.version(), it.name("S000019")), (1, "店19".to_owned()));
    assert!(it.log().contains("belongs to another installation"), "{}", it.log());
    assert_eq!(it.client().scan(&json!({"store": "S000019"})).status, 201);
}

#[test]
fn of_two_operators_one_wins_and_the_other_is_told_the_newer_version() {
    let server = Server::start(&[]);
    let instances = chain(&server, 2);
    let path = format!("{STORES}/S000002");
    for round in 0..5 {
        let etag = instances[0].call("GET", &path, &[], None).expect(200).header("etag").unwrap().to_owned();
        let before = instances[0].version();
        let answers: Vec<Answer> = thread::scope(|scope| {
            let both = instances.iter().enumerate().map(|(n, it)| {
                let (path, etag) = (&path, &etag);
                let body = json!({"name": format!("{round} 由 {n}")});
                scope.spawn(move || it.call("PATCH", path, &[("if-match", etag)], Some(&body)))
            });
            both.collect::<Vec<_>>().into_iter().map(|it| it.join().unwrap()).collect()
        });
        let mut statuses: Vec<u16> = answers.iter().map(|it| it.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
        for answer in &answers {
            let version: u64 = answer.header("jinqun-catalog-version").unwrap().parse().unwrap();
            assert_eq!(version, before + 1, "{}", answer.text());
        }
        for it in &instances {
            until_live(it, before + 1, Instant::now());
        }
    }
}

#[test]
fn edits_of_different_stores_at_one_moment_are_all_published() {
    let server = Server::start(&[]);
    let instances = chain(&server, 4);
    thread::scope(|scope| {
        for (n, it) in instances.iter().enumerate() {
            scope.spawn(move || {
                for round in 0..3 {
                    it.rename(&format!("S{:06}", n * 3 + round), &format!("由 {n}"));
                }
            });
        }
    });
    for it in &instances {
        until_live(it, 13, Instant::now());
        for n in 0..12 {
            assert_eq!(it.name(&format!("S{n:06}")), format!("由 {}", n / 3));
        }
    }
}

#[test]
fn one_changed_store_among_a_hundred_thousand_does_not_send_a_hundred_thousand() {
    const MANY: u32 = 100_000;
    const SOME_BYTES: u64 = 400_000;
    let server = Server::start(&[]);
    Instance::new(&server.url()).import(MANY);
    let instances = thread::scope(|scope| {
        let starting = [(); 2].map(|()| scope.spawn(|| Instance::started(&server.url())));
        starting.map(|it| it.join().unwrap())
    });
    for it in &instances {
        let end = Instant::now() + Duration::from_mins(1);
        while it.metric("jinqun_catalog_on_disk_version") != 1 {
            assert!(Instant::now() < end, "it is on disk");
            thread::sleep(Duration::from_millis(50));
        }
    }
    let sent = || {
        let info: String = server.ask(&["INFO", "stats"]);
        let line = info.lines().find_map(|it| it.strip_prefix("total_net_output_bytes:"));
        line.unwrap().parse::<u64>().unwrap()
    };
    let before = sent();
    let version = instances[0].rename("S000003", "改名店");
    let took = until_live(&instances[1], version, Instant::now());
    eventually("it is on disk", || (instances[1].metric("jinqun_catalog_on_disk_version") == version).then_some(()));
    let bytes = sent() - before;
    eprintln!("one store of {MANY}: {bytes} bytes sent by Redis to two instances, live after {took:?}");
    assert!(bytes < SOME_BYTES, "{bytes}");
}
