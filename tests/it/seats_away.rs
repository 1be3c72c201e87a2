//! Seats while storage does not answer: groups fill by what the instance knows, and storage counts them afterwards.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::client::{Client, eventually};
use crate::harness::{self, TestApp};
use crate::process::{Service, run_well};
use jinqun::catalog::Mode;
use jinqun::catalog::owned::OwnedKind;
use jinqun::id::GroupId;
use jinqun::time::Clock as _;

/// A store with two groups of one seat and a contact, and one 1.2 km to the north of it with one group of one seat.
const STORES: &str = "id,name,lat,lng,datum,group_url,group_name,group_capacity,contact_url,contact_name\n\
    A,甲店,31.2304,121.4737,wgs84,https://work.weixin.qq.com/gm/a1,甲一群,1,https://work.weixin.qq.com/ca/lin,小林\n\
    B,乙店,31.24122,121.4737,wgs84,https://work.weixin.qq.com/gm/b1,乙群,1,,\n";
const GROUPS: &str = "id,store,name,url,capacity,order\nA2,A,甲二群,https://work.weixin.qq.com/gm/a2,1,1\n";

fn start() -> TestApp {
    let app = TestApp::builder()
        .stores(STORES)
        .before(|folder| drop(harness::publish_owned(folder, OwnedKind::Groups, GROUPS, Mode::Merge)));
    app.start()
}

fn at_a() -> Value {
    json!({"position": {"lat": 31.2304, "lng": 121.4737, "accuracy_m": 10}})
}

fn visit(client: &Client) -> Value {
    client.scan(&at_a()).expect(201).json()
}

fn come_back(client: &Client, json: &Value) -> Value {
    let mut body = at_a();
    body["visitor"] = json["visitor"].clone();
    client.scan(&body).expect(201).json()
}

/// What a visit was shown, and the state of its seat.
fn shown(json: &Value) -> (&str, Option<&str>) {
    (json["join"]["name"].as_str().unwrap(), json["seat"].as_str())
}

/// Storage gives no seats until this is dropped.
fn lock_seats(folder: &Path) -> Connection {
    let beside = Connection::open(folder.join("jinqun-seats.sqlite")).unwrap();
    beside.execute_batch("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE").unwrap();
    beside
}

#[test]
fn groups_fill_without_storage_as_with_it_and_are_counted_afterwards() {
    let app = start();
    let before = visit(&app);
    assert_eq!(shown(&before), ("甲一群", Some("taken")));
    let lock = lock_seats(&app.folder());
    let away = [(); 3].map(|()| {
        let started = Instant::now();
        let json = visit(&app);
        assert!(started.elapsed() < Duration::from_millis(900), "a visit waits briefly for its seat");
        assert_ne!(json["recorded"], json!(false), "it is recorded as ever");
        json
    });
    assert_eq!(
        away.each_ref().map(shown),
        [("甲二群", Some("unconfirmed")), ("乙群", Some("unconfirmed")), ("小林", None)]
    );
    // Who is known is shown the same again, seated by storage or not.
    assert_eq!(shown(&come_back(&app, &before)), ("甲一群", Some("unconfirmed")));
    assert_eq!(shown(&come_back(&app, &away[0])), ("甲二群", Some("unconfirmed")));
    assert_eq!(app.metric("jinqun_seats_unconfirmed"), 4);
    assert_eq!(app.metric(r#"jinqun_seats_total{result="unconfirmed"}"#), 4);
    drop(lock);
    eventually("the seats are counted", || (app.metric("jinqun_seats_unconfirmed") == 0).then_some(()));
    assert_eq!(app.metric("jinqun_seats_reconciled_total"), 4);
    let groups = ["A.group", "A2", "B.group"].map(|it| GroupId::parse(it).unwrap());
    let held = app.storage_now().head_counts(&groups, app.clock.now()).unwrap();
    assert_eq!(held.iter().map(|it| it.held).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(shown(&come_back(&app, &away[0])), ("甲二群", Some("kept")));
    assert_eq!(shown(&come_back(&app, &before)), ("甲一群", Some("kept")));
    assert_eq!(shown(&visit(&app)), ("小林", None));
    assert_eq!(app.tags().len(), 9);
}

#[test]
fn a_page_that_is_looked_at_again_claims_no_second_seat() {
    let app = start();
    let lock = lock_seats(&app.folder());
    let first = app.get("/s/default?store=A");
    let cookies = first.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap());
    let cookies: Vec<_> = cookies.map(|it| it.split(';').next().unwrap()).collect();
    let again = app.get_with("/s/default?store=A", &[("cookie", &cookies.join("; "))]);
    assert!(first.text().contains("甲一群") && again.text().contains("甲一群"));
    assert!(app.get("/s/default?store=A").text().contains("甲二群"));
    drop(lock);
    eventually("the seats are counted", || (app.metric("jinqun_seats_unconfirmed") == 0).then_some(()));
    let groups = ["A.group", "A2"].map(|it| GroupId::parse(it).unwrap());
    let held = app.storage_now().head_counts(&groups, app.clock.now()).unwrap();
    assert_eq!(held.iter().map(|it| it.held).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn unconfirmed_seats_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stores.csv"), STORES).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let mut service = Service::start(folder.path(), &["serve"], &[]);
    let lock = lock_seats(&folder.path().join("data"));
    let first = visit(&service.client);
    assert_eq!(shown(&first), ("甲一群", Some("unconfirmed")));
    service.kill();
    drop(lock);
    let service = Service::start(folder.path(), &["serve"], &[]);
    eventually("the seat is counted", || {
        let scrape = service.client.get("/metrics");
        scrape.text().contains("\njinqun_seats_reconciled_total 1\n").then_some(())
    });
    assert_eq!(shown(&visit(&service.client)), ("乙群", Some("taken")));
    assert_eq!(shown(&come_back(&service.client, &first)), ("甲一群", Some("kept")));
}
