//! Alerts from outside: what is found, and who is told of it how often. The webhooks are real listeners that write down every call.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use jinqun::app::{AlertSettings, Alerter, Lookout, Told, load_catalog};
use jinqun::catalog::Mode;
use jinqun::config::{Config, Flags};
use jinqun::id::GroupId;
use jinqun::live::Live;
use jinqun::metrics::Metrics;
use jinqun::outbox::{self, Outbox};
use jinqun::startup;
use jinqun::storage::{SeatRules, Storage};
use jinqun::time::{Clock, Timestamp};
use jinqun::webhook::Webhook;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{NOW, TestApp, publish};

const TOKEN: &str = "an admin token of some length";
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// One store that is well, one whose code expires tomorrow, one whose code has expired, one without any, one on the spot of another,
/// one at 0, 0, and a paused one without a code.
const STORES: &str = "id,name,lat,lng,datum,status,group_url,group_name,group_capacity,group_expires\n\
    A,甲店,31.2,121.4,wgs84,,https://work.weixin.qq.com/gm/a,甲群,10,\n\
    B,乙店,31.3,121.4,wgs84,,https://work.weixin.qq.com/gm/b,乙群,,2026-07-16T12:00:00+08:00\n\
    C,丙店,31.4,121.4,wgs84,,https://work.weixin.qq.com/gm/c,丙群,,2026-07-15T11:00:00+08:00\n\
    D,丁店,31.5,121.4,wgs84,,,,,\n\
    E,\"戊店<img src=x>\",31.20001,121.4,wgs84,,https://work.weixin.qq.com/gm/e,戊群,,\n\
    F,己店,0,0,wgs84,,https://work.weixin.qq.com/gm/f,己群,,\n\
    G,庚店,31.7,121.4,wgs84,paused,,,,\n";

fn storage(app: &TestApp) -> Arc<dyn Storage> {
    let flags = Flags::from([("data_dir", app.folder().display().to_string())]);
    startup::open_storage(&Config::load(None, &flags).unwrap()).unwrap()
}

fn count_members(app: &TestApp, group: &str, members: u32) {
    let group = GroupId::parse(group).unwrap();
    storage(app).set_members(&[(group, members)], Timestamp::parse_rfc3339(NOW).unwrap()).unwrap();
}

fn alerts(app: &TestApp, query: &str) -> Value {
    let admit = format!("Bearer {TOKEN}");
    app.get_with(&format!("/api/v1/admin/alerts{query}"), &[("authorization", &admit)]).expect(200).json()
}

fn causes(told: &Value) -> Vec<&str> {
    told["items"].as_array().unwrap().iter().map(|it| it["cause"].as_str().unwrap()).collect()
}

fn start() -> TestApp {
    TestApp::builder().set("admin_token", TOKEN).stores(STORES).start()
}

#[test]
fn everything_that_needs_a_person_is_found_with_the_urgent_first() {
    let app = start();
    count_members(&app, "A.group", 8);
    let told = alerts(&app, "");
    let expires = Timestamp::parse_rfc3339("2026-07-16T12:00:00+08:00").unwrap().unix_ms();
    assert_eq!(
        causes(&told),
        [
            "store_without_code:C",
            "store_without_code:D",
            &format!("code_expiring:groups:B.group:{expires}"),
            "group_filling:A.group:10",
            "coordinates:too_close:E",
            "coordinates:zero_zero:F",
        ]
    );
    assert_eq!(told["total"], 6);
    assert_eq!(told["items"][0]["severity"], "now");
    assert_eq!(told["items"][0]["title"]["zh"], "丙店(C)没有可用的码:它的码都过期了");
    assert_eq!(told["items"][2]["title"]["en"], "乙店 · Group 乙群 expires in a day");
    assert_eq!(told["items"][2]["since"], "2026-07-13T12:00:00+08:00");
    assert_eq!(told["items"][3]["title"]["zh"], "甲店 · 群「甲群」已有约 8 / 10 人(80%)");
    assert_eq!(told["kinds"][0]["kind"], "store_without_code");
    assert_eq!(told["kinds"][0]["count"], 2);
    let second = alerts(&app, "?kind=coordinates&per_page=1&page=2");
    assert_eq!((causes(&second), &second["total"]), (vec!["coordinates:zero_zero:F"], &json!(2)));
    let firsts = alerts(&app, "?each=1");
    assert_eq!((firsts["items"].as_array().unwrap().len(), &firsts["total"]), (4, &json!(6)));
    count_members(&app, "A.group", 10);
    assert_eq!(causes(&alerts(&app, "?kind=group_full")), ["group_full:A.group:10"]);
    assert_eq!(alerts(&app, "?kind=group_filling")["total"], 0);
}

#[test]
fn alerts_are_for_operators_and_wrong_questions_are_named() {
    let app = start();
    assert_eq!(app.get("/api/v1/admin/alerts").expect(401).problem().code, "not_admitted");
    let admit = format!("Bearer {TOKEN}");
    let wrong = app.get_with("/api/v1/admin/alerts?kind=x&page=0", &[("authorization", &admit)]).expect(400);
    assert_eq!(wrong.problem().fields, ["kind", "page"]);
}

/// A webhook that writes down what it is told and answers as it is set to.
struct Listener {
    url: String,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
    status: Arc<AtomicU16>,
}

impl Listener {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?key=s3cret", listener.local_addr().unwrap());
        let (calls, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU16::new(200)));
        let (kept, set) = (Arc::clone(&calls), Arc::clone(&status));
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut reader = BufReader::new(connection.try_clone().unwrap());
                let (mut length, mut signature, mut line) = (0, String::new(), String::new());
                while reader.read_line(&mut line).unwrap() > 2 {
                    let (name, value) = line.split_once(':').unwrap_or_default();
                    match name.to_ascii_lowercase().as_str() {
                        "content-length" => length = value.trim().parse().unwrap(),
                        "jinqun-signature" => value.trim().clone_into(&mut signature),
                        _ => {}
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                kept.lock().unwrap().push((signature, serde_json::from_slice(&body).unwrap()));
                let status = set.load(Ordering::SeqCst);
                let said = r#"{"errcode":0,"errmsg":"ok"}"#;
                write!(
                    connection,
                    "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
                    said.len()
                )
                .unwrap();
            }
        });
        Self { url, calls, status }
    }

    fn webhook(&self, format: &str) -> Webhook {
        Webhook::parse(&format!("{format}+{}", self.url)).unwrap()
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// The calls since the last time.
    fn taken(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

/// The worker as the service has it, looking when it is told to.
struct Watch {
    alerter: Alerter,
    live: Arc<Live<jinqun::catalog::Catalog>>,
    storage: Arc<dyn Storage>,
    _aside: TempDir,
}

impl Watch {
    fn over(app: &TestApp, webhooks: Vec<Webhook>) -> Self {
        let (storage, aside) = (storage(app), tempfile::tempdir().unwrap());
        // The service has the real outbox open.
        let outbox = Outbox::open(&aside.path().join("outbox.sqlite"), &outbox::Settings::default(), None).unwrap();
        let live = Arc::new(Live::new(load_catalog(&*storage, storage.current_version().unwrap()).unwrap()));
        let clock: Arc<dyn Clock> = Arc::new(app.clock.clone());
        let lookout = Lookout::new(
            Arc::clone(&live),
            (Arc::clone(&storage), Arc::new(outbox)),
            Arc::new(Metrics::new()),
            clock,
            (SeatRules::default(), AlertSettings::default()),
        );
        let secret = Some("a secret of some length".to_owned());
        let alerter = Alerter::new(Arc::new(lookout), webhooks, secret, "https://join.example.com");
        Self { alerter, live, storage, _aside: aside }
    }

    fn round(&self) -> Told {
        self.alerter.round().unwrap()
    }

    /// Takes over what was published.
    fn follow(&self) {
        self.live.store(load_catalog(&*self.storage, self.storage.current_version().unwrap()).unwrap());
    }
}

/// State and cause of every alert in a JSON message.
fn news(message: &Value) -> Vec<(&str, &str)> {
    let alerts = message["alerts"].as_array().unwrap();
    alerts.iter().map(|it| (it["state"].as_str().unwrap(), it["cause"].as_str().unwrap())).collect()
}

#[test]
fn a_cause_is_told_once_again_after_some_days_and_once_when_it_is_over() {
    let app = start();
    let listener = Listener::start();
    let watch = Watch::over(&app, vec![listener.webhook("json")]);
    assert_eq!(watch.round(), Told { sent: 1, failed: 0 });
    let first = listener.taken();
    assert_eq!(news(&first[0].1).len(), 5);
    assert_eq!(news(&first[0].1)[0], ("new", "store_without_code:C"));
    assert_eq!(first[0].1["alerts"][0]["url"], "https://join.example.com/admin/groups?store=C");
    for _ in 0..5 {
        app.clock.advance_ms(MINUTE_MS);
        assert_eq!(watch.round(), Told::default());
    }
    // Another instance, or this one after a restart, knows what was told.
    let other = Watch::over(&app, vec![listener.webhook("json")]);
    assert_eq!(other.round(), Told::default());
    assert!(listener.taken().is_empty());
    // One is mended and another appears.
    let mended = "id,name,lat,lng,datum,group_url\nD,丁店,31.5,121.4,wgs84,https://work.weixin.qq.com/gm/d\n\
        H,辛店,31.8,121.4,wgs84,\n";
    publish(&app.folder(), mended, Mode::Merge);
    watch.follow();
    assert_eq!(watch.round(), Told { sent: 1, failed: 0 });
    let second = listener.taken();
    assert_eq!(news(&second[0].1), [("new", "store_without_code:H"), ("resolved", "store_without_code:D")]);
    assert_eq!(watch.round(), Told::default());
    app.clock.advance_ms(3 * DAY_MS);
    assert_eq!(watch.round(), Told { sent: 1, failed: 0 });
    let third = listener.taken();
    assert!(news(&third[0].1).contains(&("reminder", "store_without_code:C")), "{third:?}");
    // What was expiring has expired meanwhile: one cause is over, and the store is told of instead.
    assert!(news(&third[0].1).contains(&("new", "store_without_code:B")), "{third:?}");
}

#[test]
fn a_message_that_does_not_arrive_is_tried_again_ever_more_rarely_and_the_others_are_not_told_twice() {
    let app = start();
    let (good, bad) = (Listener::start(), Listener::start());
    bad.answers(503);
    let watch = Watch::over(&app, vec![good.webhook("json"), bad.webhook("json")]);
    assert_eq!(watch.round(), Told { sent: 1, failed: 1 });
    let mut tries = Vec::new();
    for minute in 1..=20 {
        app.clock.advance_ms(MINUTE_MS);
        if watch.round().failed > 0 {
            tries.push(minute);
        }
    }
    assert_eq!(tries, [1, 3, 7, 15]);
    bad.answers(200);
    app.clock.advance_ms(20 * MINUTE_MS);
    assert_eq!(watch.round(), Told { sent: 1, failed: 0 });
    assert_eq!((good.taken().len(), bad.taken().len()), (1, 6));
    assert_eq!(watch.round(), Told::default());
}

#[test]
fn a_robot_gets_markdown_and_a_program_a_signature() {
    let app = start();
    let (robot, program) = (Listener::start(), Listener::start());
    let watch = Watch::over(&app, vec![robot.webhook("wecom"), program.webhook("json")]);
    assert_eq!(watch.round(), Told { sent: 2, failed: 0 });
    let message = robot.taken().remove(0);
    assert_eq!((message.0.as_str(), &message.1["msgtype"]), ("", &json!("markdown")));
    let text = message.1["markdown"]["content"].as_str().unwrap();
    assert!(text.starts_with("**近群提醒**:5 件新问题\n"), "{text}");
    assert!(
        text.contains(
            "> 丁店(D)没有可用的码:没有群码,也没有联系人 [处理](https://join.example.com/admin/groups?store=D)"
        ),
        "{text}"
    );
    assert!(text.contains("戊店〈img src=x〉") && !text.contains("<img"), "{text}");
    let (signature, _) = program.taken().remove(0);
    assert!(signature.strip_prefix("sha256=").is_some_and(|it| it.len() == 64), "{signature}");
}

#[test]
fn a_webhook_that_is_no_safe_address_is_refused_without_being_shown() {
    for text in ["http://ops.example.com/hook?key=s3cret", "ops.example.com"] {
        let flags = Flags::from([("alerts.webhooks", text.to_owned())]);
        let error = Config::load(None, &flags).unwrap_err().to_string();
        assert!(error.contains("alerts.webhooks") && !error.contains("s3cret"), "{error}");
    }
    let flags =
        Flags::from([("alerts.webhooks", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=s3cret".to_owned())]);
    let config = Config::load(None, &flags).unwrap();
    assert_eq!(config.webhooks.len(), 1);
    assert!(config.shown().all(|(_, value, _)| !value.contains("s3cret")));
    assert!(!format!("{config:?}").contains("s3cret"));
}
