//! What a CRM is told: the feed over HTTP, and webhooks, whose messages a second implementation of the signature checks.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jinqun::app::crm::{CrmSettings, FeedKind, HookSecret, Hooks, Sent};
use jinqun::config::{Config, Flags};
use jinqun::id::VisitorId;
use jinqun::metrics::Metrics;
use jinqun::staff::Role;
use jinqun::storage::{FeedEntry, Storage};
use jinqun::time::{Clock, ManualClock, Timestamp};
use jinqun::webhook::{Caller, Webhook};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::harness::TestApp;
use crate::storage::open;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a listener was told: id, timestamp, signature, body.
#[derive(Debug, Clone)]
struct Message {
    id: String,
    at: String,
    signature: String,
    body: String,
}

impl Message {
    fn is_signed(&self) -> bool {
        let key = data_encoding::BASE64.decode(SECRET.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
        let mut keyed = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        keyed.update(self.id.as_bytes());
        keyed.update(b".");
        keyed.update(self.at.as_bytes());
        keyed.update(b".");
        keyed.update(self.body.as_bytes());
        let signed = self.signature.strip_prefix("v1,").unwrap();
        keyed.verify_slice(&data_encoding::BASE64.decode(signed.as_bytes()).unwrap()).is_ok()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Answers by what a message says; 200 by itself.
type Answers = Arc<Mutex<BTreeMap<String, u16>>>;

struct Listener {
    url: String,
    /// How long every message takes, by this clock.
    takes: Arc<Mutex<Option<(ManualClock, i64)>>>,
    told: Arc<Mutex<Vec<Message>>>,
    answers: Answers,
}

impl Listener {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/crm", listener.local_addr().unwrap());
        let (told, answers) = (Arc::new(Mutex::new(Vec::new())), Answers::default());
        let (kept, set) = (Arc::clone(&told), Arc::clone(&answers));
        let takes: Arc<Mutex<Option<(ManualClock, i64)>>> = Arc::default();
        let slow = Arc::clone(&takes);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut reader = BufReader::new(connection.try_clone().unwrap());
                let (mut headers, mut line) = (BTreeMap::new(), String::new());
                while reader.read_line(&mut line).unwrap() > 2 {
                    let (name, value) = line.split_once(':').unwrap_or_default();
                    headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
                    line.clear();
                }
                let mut body = vec![0; headers["content-length"].parse().unwrap()];
                reader.read_exact(&mut body).unwrap();
                let of = |name: &str| headers.get(name).cloned().unwrap_or_default();
                let body = String::from_utf8(body).unwrap();
                let status = set.lock().unwrap().iter().find(|(part, _)| body.contains(*part)).map_or(200, |it| *it.1);
                if let Some((clock, ms)) = &*slow.lock().unwrap() {
                    clock.advance_ms(*ms);
                }
                let signature = of("webhook-signature");
                kept.lock().unwrap().push(Message {
                    id: of("webhook-id"),
                    at: of("webhook-timestamp"),
                    signature,
                    body,
                });
                write!(connection, "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            }
        });
        Self { url, takes, told, answers }
    }

    fn answers(&self, part: &str, status: u16) {
        self.answers.lock().unwrap().insert(part.to_owned(), status);
    }

    fn taken(&self) -> Vec<Message> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }

    /// The words `n` of the messages since the last time.
    fn numbers(&self) -> Vec<i64> {
        self.taken().iter().map(|it| it.json()["data"]["n"].as_i64().unwrap()).collect()
    }
}

struct Bench {
    storage: Arc<dyn Storage>,
    clock: ManualClock,
    hooks: Hooks,
    webhook: Webhook,
    caller: Caller,
    _folder: tempfile::TempDir,
}

fn hooks(storage: &Arc<dyn Storage>, clock: &ManualClock, chance: u128, webhook: &Webhook) -> Hooks {
    let settings = CrmSettings {
        webhooks: vec![webhook.clone()],
        secret: Some(HookSecret::parse(SECRET).unwrap()),
        kinds: [FeedKind::ScanRecorded, FeedKind::CustomerJoined].into(),
        has_feed: true,
    };
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let chance: jinqun::app::Chance = Arc::new(move || chance);
    Hooks::new(Arc::clone(storage), (clock, &chance), Arc::new(Metrics::new()), settings)
}

impl Bench {
    fn to(listener: &Listener) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(open(folder.path()));
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_700_000_000_000));
        let webhook = Webhook::parse(&listener.url).unwrap();
        let hooks = hooks(&storage, &clock, 1, &webhook);
        let caller = webhook.caller();
        // It hears of what happens from its first look on.
        assert_eq!(hooks.round(&webhook, &caller).unwrap(), Sent::Nothing);
        Self { storage, clock, hooks, webhook, caller, _folder: folder }
    }

    fn add(&self, n: i64, visitor: u128, kind: FeedKind) {
        let entry = FeedEntry {
            id: format!("e{n}"),
            at: Timestamp::from_unix_ms(1_700_000_000_000 + n),
            kind: kind.as_str().to_owned(),
            visitor: Some(VisitorId::from_parts(1, visitor)),
            body: json!({ "n": n }).to_string(),
        };
        self.storage.append_feed(&[entry]).unwrap();
    }

    fn round(&self) -> Sent {
        self.hooks.round(&self.webhook, &self.caller).unwrap()
    }
}

#[test]
fn a_visit_and_its_refinement_are_in_the_feed_in_order_and_nothing_of_it_is_a_place_on_a_map() {
    let app = TestApp::start();
    let ops = app.bearer(Role::Ops);
    let first = app.post(
        "/api/v1/scans",
        r#"{"position": {"lat": 31.2304, "lng": 121.4737, "datum": "wgs84", "accuracy_m": 900}}"#,
    );
    let first = first.expect(201).json();
    let scan = first["scan"].as_str().unwrap();
    app.post("/api/v1/scans", json!({"scan": scan, "visitor": first["visitor"], "store": "SH-0001"}).to_string())
        .expect(200);
    let admit = [("authorization", &*ops)];
    let page = loop {
        let page = app.get_with("/api/v1/admin/feed?after=0", &admit).expect(200).json();
        if page["items"].as_array().unwrap().len() == 2 {
            break page;
        }
        thread::yield_now();
    };
    let [a, b] = &page["items"].as_array().unwrap()[..] else { panic!("{page}") };
    assert_eq!((&a["type"], &a["data"]["scan"]), (&json!("scan.recorded"), &b["data"]["scan"]));
    assert!(scan.starts_with(a["data"]["scan"].as_str().unwrap()) && a["id"] != b["id"]);
    assert_eq!((&b["data"]["store"], &b["data"]["source"]), (&json!("SH-0001"), &json!("chosen")));
    assert!(a["number"].as_u64() < b["number"].as_u64());
    assert_eq!((&page["next"], &page["last"], &page["first"]), (&b["number"], &b["number"], &a["number"]));
    assert!(!page.to_string().contains("121.47") && !page.to_string().contains("31.23"), "{page}");
    let rest = app.get_with(&format!("/api/v1/admin/feed?after={}", a["number"]), &admit).expect(200).json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    let viewer = app.bearer(Role::Viewer);
    app.get_with("/api/v1/admin/feed", &[("authorization", &viewer)]).expect(403);
    let wrong = app.get_with("/api/v1/admin/feed?after=x&limit=0", &admit).expect(400).problem();
    assert_eq!(wrong.fields, ["after", "limit"]);
}

#[test]
fn where_the_feed_is_off_visits_are_not_in_it() {
    let app = TestApp::builder().set("crm.feed", "off").start();
    app.post("/api/v1/scans", "{}").expect(201);
    while app.tags().is_empty() {
        thread::yield_now();
    }
    assert_eq!(app.storage_now().feed_end().unwrap(), 0);
}

#[test]
fn messages_are_signed_and_come_in_order_for_each_visitor() {
    let listener = Listener::start();
    let bench = Bench::to(&listener);
    for n in 0..30 {
        bench.add(n, u128::from(n.unsigned_abs() % 5), FeedKind::ScanRecorded);
    }
    bench.add(30, 0, FeedKind::TagSet);
    assert_eq!(bench.round(), Sent::Some(31));
    let told = listener.taken();
    assert!(told.iter().all(Message::is_signed));
    assert_eq!(told.len(), 30, "tags were not asked for");
    let first = told.iter().find(|it| it.json()["data"]["n"] == 0).unwrap();
    assert_eq!(
        (&first.json()["type"], &first.json()["timestamp"]),
        (&json!("scan.recorded"), &json!("2023-11-14T22:13:20Z"))
    );
    assert!(first.id.starts_with("msg_") && first.at == "1700000000");
    for visitor in 0..5 {
        let of: Vec<_> =
            told.iter().filter_map(|it| it.json()["data"]["n"].as_i64()).filter(|n| n % 5 == visitor).collect();
        assert!(of.is_sorted() && of.len() == 6, "{of:?}");
    }
    assert_eq!(bench.round(), Sent::Nothing);
}

#[test]
fn what_did_not_arrive_is_sent_again_later_and_nothing_is_left_out() {
    let listener = Listener::start();
    let bench = Bench::to(&listener);
    for n in 0..4 {
        bench.add(n, 1, FeedKind::ScanRecorded);
    }
    listener.answers("\"n\":2", 503);
    assert_eq!(bench.round(), Sent::Failed);
    assert_eq!(listener.numbers(), [0, 1, 2]);
    assert_eq!(bench.round(), Sent::Nothing, "it is too early");
    bench.clock.advance_ms(10_000);
    assert_eq!(bench.round(), Sent::Failed);
    assert_eq!(listener.numbers(), [2]);
    let state = bench.hooks.states().unwrap().remove(0);
    assert_eq!((state.behind, state.failures), (2, 2));
    listener.answers("\"n\":2", 200);
    bench.clock.advance_ms(60_000);
    assert_eq!(bench.round(), Sent::Some(1));
    assert_eq!(bench.round(), Sent::Some(1));
    assert_eq!(listener.numbers(), [2, 3]);
}

#[test]
fn what_is_refused_again_and_again_holds_up_the_rest_for_a_while_only() {
    let listener = Listener::start();
    let bench = Bench::to(&listener);
    for n in 0..3 {
        bench.add(n, 1, FeedKind::ScanRecorded);
    }
    listener.answers("\"n\":1", 422);
    for _ in 0..5 {
        bench.round();
        bench.clock.advance_ms(1_000_000);
    }
    assert_eq!(bench.round(), Sent::Some(1));
    assert_eq!(listener.numbers(), [0, 1, 1, 1, 1, 1, 2]);
    let state = bench.hooks.states().unwrap().remove(0);
    assert_eq!((state.behind, state.passed.len()), (0, 1));
}

#[test]
fn one_instance_tells_at_a_time_and_another_goes_on_where_it_ended() {
    let listener = Listener::start();
    let bench = Bench::to(&listener);
    let other = hooks(&bench.storage, &bench.clock, 2, &bench.webhook);
    for n in 0..20 {
        bench.add(n, 1, FeedKind::ScanRecorded);
    }
    let (webhook, caller) = (&bench.webhook, &bench.caller);
    let rounds: Vec<_> = thread::scope(|scope| {
        let threads = [&bench.hooks, &other].map(|hooks| scope.spawn(move || hooks.round(webhook, caller).unwrap()));
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(rounds.contains(&Sent::Some(20)), "{rounds:?}");
    assert_eq!(listener.numbers(), (0..20).collect::<Vec<_>>());
    bench.add(20, 1, FeedKind::CustomerJoined);
    assert_eq!(other.round(&bench.webhook, &bench.caller).unwrap(), Sent::Some(1));
    assert_eq!(listener.numbers(), [20]);
}

#[test]
fn a_slow_crm_is_told_by_one_instance_at_a_time_and_in_order() {
    let listener = Listener::start();
    let bench = Bench::to(&listener);
    let other = hooks(&bench.storage, &bench.clock, 2, &bench.webhook);
    for n in 0..20 {
        bench.add(n, 1, FeedKind::ScanRecorded);
    }
    // The whole page would take twenty minutes, and whoever tells is alone for ten.
    *listener.takes.lock().unwrap() = Some((bench.clock.clone(), 60_000));
    assert_eq!(bench.round(), Sent::Some(5));
    assert_eq!(listener.numbers(), [0, 1, 2, 3, 4]);
    assert_eq!(other.round(&bench.webhook, &bench.caller).unwrap(), Sent::Some(5));
    assert_eq!(listener.numbers(), [5, 6, 7, 8, 9]);
}

#[test]
fn webhooks_without_a_secret_and_words_that_are_none_are_named() {
    let flags = Flags::from([
        ("crm.webhooks", "https://crm.example.com/hook?key=s3cret".to_owned()),
        ("crm.events", "scan".to_owned()),
    ]);
    let error = Config::load(None, &flags).unwrap_err().to_string();
    assert!(
        error.contains("crm.webhook_secret") && error.contains("crm.events") && !error.contains("s3cret"),
        "{error}"
    );
}
