//! Stores, places and versions from outside: what operators change is checked as a sheet is, live at once, and can be taken back.

use jinqun::staff::Role;
use serde_json::{Value, json};

use crate::client::{Answer, eventually};
use crate::harness::{SignedIn, TestApp, boxes, publish_map};

const STORES: &str = "/api/v1/admin/stores";
const CATALOG: &str = "/api/v1/admin/catalog";

/// A service, and somebody who may change stores.
struct Desk {
    app: TestApp,
    li: SignedIn,
}

impl Desk {
    fn start() -> Self {
        let app = TestApp::start();
        let li = app.sign_in(Role::Ops);
        Self { app, li }
    }

    fn call(&self, method: &str, path: &str, etag: Option<&str>, body: Option<&Value>) -> Answer {
        let mut headers = self.li.headers().to_vec();
        headers.extend(etag.map(|it| ("if-match", it)));
        let body = body.map(|it| it.to_string().into_bytes());
        self.app.call(method, path, &headers, body.as_deref())
    }

    fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None, None)
    }

    fn store(&self, id: &str) -> Answer {
        self.get(&format!("{STORES}/{id}")).expect(200)
    }

    fn patch(&self, id: &str, body: &Value) -> Answer {
        self.call("PATCH", &format!("{STORES}/{id}"), None, Some(body))
    }

    /// Publishes a map as another process does, and waits until it is live here.
    fn publish_map(&self, map: &str) {
        let version = publish_map(&self.app.folder(), map).version.unwrap();
        eventually("the map is live", || (self.version() == version).then_some(()));
    }

    fn version(&self) -> u64 {
        self.get(CATALOG).expect(200).json()["version"].as_u64().unwrap()
    }

    fn ids(&self, query: &str) -> Vec<String> {
        let list = self.get(&format!("{STORES}?{query}")).expect(200).json();
        list["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The store that a customer at a place is shown.
    fn nearest(&self, lat: f64, lng: f64) -> Value {
        self.app.get(&format!("/api/v1/nearest?lat={lat}&lng={lng}")).expect(200).json()["stores"][0].clone()
    }
}

fn codes(answer: &Answer) -> Vec<(String, String)> {
    let word = |it: &Value| it.as_str().unwrap().to_owned();
    answer.json()["errors"].as_array().unwrap().iter().map(|it| (word(&it["field"]), word(&it["code"]))).collect()
}

#[test]
fn a_store_is_added_read_changed_and_removed() {
    let desk = Desk::start();
    let new = json!({"id": "SH-9 新", "name": "新天地店", "city": "上海市", "lat": 31.2203, "lng": 121.4748, "datum": "gcj02", "hours": "09:00-次日01:00", "closures": "2026-10-01", "tags": ["旗舰店"], "time_zone": "Asia/Shanghai", "extra": {"面积": "80"}});
    let created = desk.call("POST", STORES, None, Some(&json!({"name": "x"}))).expect(400);
    assert_eq!(
        codes(&created),
        [("id", "missing"), ("datum", "datum_missing"), ("lat", "missing"), ("lng", "missing")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert_eq!(
        desk.call(
            "POST",
            STORES,
            None,
            Some(&json!({"id": "A".repeat(65), "name": "x", "lat": 1, "lng": 2, "datum": "wgs84"}))
        )
        .expect(400)
        .problem()
        .fields,
        ["id"]
    );
    let new = {
        let mut it = new;
        it["id"] = json!("SH-9");
        it
    };
    let created = desk.call("POST", STORES, None, Some(&new)).expect(201);
    assert_eq!(created.header("location"), Some("/api/v1/admin/stores/SH-9"));
    assert_eq!(created.header("jinqun-catalog-version"), Some(desk.version().to_string().as_str()));
    let store = desk.store("SH-9").json();
    assert_eq!(store["given"], json!({"lat": 31.2203, "lng": 121.4748, "datum": "gcj02"}));
    assert_eq!(
        (&store["datum"], &store["hours"], &store["closures"], &store["tags"], &store["extra"]["面积"]),
        (&json!("wgs84"), &json!("09:00-次日01:00"), &json!("2026-10-01"), &json!(["旗舰店"]), &json!("80"))
    );
    // 31.2203, 121.4748 of GCJ-02 by gcoord 1.0.7.
    assert!(
        (store["lat"].as_f64().unwrap() - 31.222_2).abs() < 2e-4
            && (store["lng"].as_f64().unwrap() - 121.470_2).abs() < 2e-4,
        "{store}"
    );
    assert_eq!(desk.nearest(store["lat"].as_f64().unwrap(), store["lng"].as_f64().unwrap())["id"], "SH-9");
    assert_eq!(desk.call("POST", STORES, None, Some(&new)).expect(409).problem().code, "exists");
    let patched = desk
        .patch("SH-9", &json!({"name": "新天地旗舰店", "hours": null, "extra": {"面积": null, "层": "2"}}))
        .expect(200)
        .json();
    assert_eq!(
        (&patched["name"], &patched["hours"], &patched["extra"]),
        (&json!("新天地旗舰店"), &Value::Null, &json!({"层": "2"}))
    );
    assert_eq!(patched["given"]["datum"], "gcj02", "what was typed stays as it was typed");
    let put = json!({"name": "新天地店", "lat": 31.2222, "lng": 121.4702, "datum": "wgs84"});
    let replaced = desk.call("PUT", &format!("{STORES}/SH-9"), None, Some(&put)).expect(200).json();
    assert_eq!(
        (&replaced["tags"], &replaced["city"], &replaced["given"]["datum"]),
        (&json!([]), &json!(""), &json!("wgs84"))
    );
    desk.call("DELETE", &format!("{STORES}/SH-9"), None, None).expect(204);
    assert_eq!(desk.get(&format!("{STORES}/SH-9")).expect(404).problem().code, "not_found");
    assert_ne!(desk.nearest(31.2222, 121.4702)["id"], "SH-9");
    let audit = desk.app.sign_in(Role::Admin);
    let trail = desk.app.get_with("/api/v1/admin/audit?action=store.", &audit.headers());
    if trail.status == 200 {
        assert!(trail.text().contains("store.delete") && trail.text().contains("store.create"), "{}", trail.text());
    }
}

#[test]
fn every_field_that_is_wrong_is_named() {
    let desk = Desk::start();
    let before = desk.version();
    let body = json!({"name": 7, "lat": 131.2, "lng": 31.2, "datum": "gcj02", "hours": "25:00-9", "closures": "soon", "status": "asleep", "time_zone": "Nowhere", "tags": "a", "colour": "red"});
    let refused = desk.call("PUT", &format!("{STORES}/SH-0001"), None, Some(&body)).expect(400);
    let mut fields = refused.problem().fields;
    fields.sort();
    assert_eq!(fields, ["closures", "colour", "hours", "lat", "name", "status", "tags", "time_zone"]);
    for (body, field) in [
        (json!({"lat": 31.2}), "lng"),
        (json!({"datum": "gcj02"}), "lat"),
        (json!({"time_zone": "Nowhere"}), "time_zone"),
        (json!({"name": ""}), "name"),
        (json!({"id": "other"}), "id"),
        (json!({"name": "店".repeat(201)}), "name"),
    ] {
        let fields = desk.patch("SH-0001", &body).expect(400).problem().fields;
        assert!(fields.contains(&field.to_owned()), "{body}: {fields:?}");
    }
    assert_eq!(
        desk.call("PATCH", &format!("{STORES}/SH-0001"), None, Some(&json!([1]))).expect(400).problem().code,
        "invalid_json"
    );
    assert_eq!(desk.version(), before, "nothing is half-written");
}

#[test]
fn a_stale_change_is_refused_and_a_change_of_nothing_is_no_version() {
    let desk = Desk::start();
    let tag = desk.store("SH-0001").header("etag").unwrap().to_owned();
    let path = format!("{STORES}/SH-0001");
    let changed = desk.call("PATCH", &path, Some(&tag), Some(&json!({"hours": "07:00-23:00"}))).expect(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    let version = desk.version();
    for (method, body) in [
        ("PATCH", Some(json!({"name": "x"}))),
        ("PUT", Some(json!({"name": "x", "lat": 31, "lng": 121, "datum": "wgs84"}))),
        ("DELETE", None),
    ] {
        assert_eq!(desk.call(method, &path, Some(&tag), body.as_ref()).expect(412).problem().code, "stale", "{method}");
    }
    desk.patch("SH-0001", &json!({"hours": "07:00-23:00"})).expect(200);
    assert_eq!(desk.version(), version);
    assert_eq!(desk.store("SH-0001").json()["hours"], "07:00-23:00");
}

#[test]
fn a_store_with_a_group_goes_only_when_that_is_said() {
    let desk = Desk::start();
    desk.publish_map(&boxes(&[(r#"{"store":"SH-0001"}"#, [31.2, 121.4, 31.3, 121.5])]));
    let path = format!("{STORES}/SH-0001");
    assert_eq!(desk.call("DELETE", &path, None, None).expect(409).problem().code, "in_use");
    desk.call("DELETE", &format!("{path}?with_groups=true"), None, None).expect(204);
    let catalog = desk.get(CATALOG).expect(200).json();
    assert_eq!((&catalog["stores"], &catalog["service_areas"]), (&json!(11), &json!(0)));
    assert_eq!(desk.nearest(31.2319, 121.4693)["id"], "SH-0002");
}

#[test]
fn suspicions_are_told_and_do_not_refuse() {
    let desk = Desk::start();
    desk.publish_map(&boxes(&[(
        r#"{"code":"310101","name":"黄浦区","level":"district"}"#,
        [31.1, 121.4, 31.3, 121.6],
    )]));
    let words = |store: &Value| {
        store["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["code"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let on_another =
        desk.patch("SH-0001", &json!({"lat": 31.23821, "lng": 121.4855, "datum": "wgs84"})).expect(200).json();
    assert_eq!(words(&on_another), ["too_close"]);
    let outside = desk.patch("SH-0002", &json!({"lat": 31.0, "lng": 121.5, "datum": "wgs84"})).expect(200).json();
    assert_eq!(words(&outside), ["outside_region"]);
    let swapped = desk.patch("BJ-0001", &json!({"lat": 87.6, "lng": 43.8, "datum": "wgs84"})).expect(200).json();
    assert_eq!(words(&swapped), ["swapped"]);
    let doubtful = desk.ids("problem=true");
    assert!(["SH-0002", "BJ-0001"].iter().all(|it| doubtful.contains(&(*it).to_owned())), "{doubtful:?}");
    assert!(!doubtful.contains(&"GZ-0001".to_owned()));
}

#[test]
fn stores_are_listed_by_words_city_status_and_order() {
    let desk = Desk::start();
    assert_eq!(desk.ids("q=wangjing"), ["BJ-0002"]);
    assert_eq!(desk.ids("q=gcd"), ["SH-0004", "SH-0001"], "paused ones too, the best match first");
    assert_eq!(desk.ids("city=%E4%B8%8A%E6%B5%B7&status=paused"), ["SH-0004"]);
    assert_eq!(desk.ids("city=%E5%8C%97%E4%BA%AC&sort=-id"), ["BJ-0002", "BJ-0001"]);
    let page = desk.get(&format!("{STORES}?page=2&per_page=5&sort=id")).expect(200).json();
    assert_eq!((&page["total"], &page["items"][0]["id"]), (&json!(12), &json!("NP-0001")));
    assert_eq!(desk.get(&format!("{STORES}?per_page=201&sort=price&status=x")).expect(400).problem().fields.len(), 3);
}

#[test]
fn pasted_places_are_read_in_any_datum() {
    let desk = Desk::start();
    let parse = |body: Value| desk.call("POST", "/api/v1/admin/positions/parse", None, Some(&body));
    let read = parse(json!({"text": "https://uri.amap.com/marker?position=121.4748,31.2203"})).expect(200).json();
    assert_eq!(
        (&read["recognised"], &read["given_datum"], &read["datum"]),
        (&json!("amap"), &json!("gcj02"), &json!("wgs84"))
    );
    assert!((read["lat"].as_f64().unwrap() - 31.222_2).abs() < 2e-4, "{read}");
    assert_eq!(
        codes(&parse(json!({"text": "31.2, 121.4"})).expect(400)),
        [("datum".to_owned(), "datum_missing".to_owned())]
    );
    assert_eq!(
        codes(&parse(json!({"text": "https://surl.amap.com/x"})).expect(400)),
        [("text".to_owned(), "short_link".to_owned())]
    );
}

#[test]
fn a_rollback_restores_exactly_regions_included() {
    let desk = Desk::start();
    let region = |name: &str, north: f64| {
        boxes(&[(&format!(r#"{{"code":"310101","name":"{name}","level":"district"}}"#), [31.1, 121.4, north, 121.6])])
    };
    desk.publish_map(&region("黄浦区", 31.3));
    let good = desk.store("SH-0001").json();
    let wanted = desk.version();
    desk.patch(
        "SH-0001",
        &json!({"name": "<img src=x onerror=alert(1)>", "lat": 30.0, "lng": 120.0, "datum": "wgs84"}),
    )
    .expect(200);
    desk.call("DELETE", &format!("{STORES}/SH-0002?with_groups=true"), None, None).expect(204);
    desk.call(
        "POST",
        STORES,
        None,
        Some(&json!({"id": "SH-9", "name": "x", "lat": 31.0, "lng": 121.0, "datum": "wgs84"})),
    )
    .expect(201);
    desk.publish_map(&region("浦东新区", 31.2));
    let current = desk.version();
    assert_eq!(current, wanted + 4);
    let diff = desk.get(&format!("{CATALOG}/versions/{}/diff", wanted + 1)).expect(200).json();
    assert_eq!(diff["items"][0]["change"], "updated");
    let fields = diff["items"][0]["fields"].as_array().unwrap();
    let name = fields.iter().find(|it| it["field"] == "name").unwrap();
    assert_eq!((&name["before"], &name["after"]), (&json!("人民广场店"), &json!("<img src=x onerror=alert(1)>")));
    let back = |expected: Option<&str>, version: u64| {
        desk.call(
            "POST",
            &format!("{CATALOG}/rollback"),
            expected,
            Some(&json!({"version": version, "note": "wrong sheet"})),
        )
    };
    assert_eq!(back(Some("\"1\""), wanted).expect(412).problem().code, "stale");
    assert_eq!(back(None, 999).expect(404).problem().code, "not_found");
    let done = back(Some(&format!("\"{current}\"")), wanted).expect(200);
    assert_eq!(done.json()["version"], current + 1);
    assert_eq!(desk.store("SH-0001").json(), good);
    assert_eq!(desk.nearest(31.2319, 121.4693)["id"], "SH-0001");
    let against = desk.get(&format!("{CATALOG}/versions/{}/diff?against={wanted}", current + 1)).expect(200).json();
    assert_eq!(against["total"], 0, "{against}");
    let latest = desk.get(&format!("{CATALOG}/versions?per_page=1")).expect(200).json();
    assert_eq!(
        (&latest["total"], &latest["items"][0]["note"], &latest["items"][0]["is_current"]),
        (&json!(current + 1), &json!("wrong sheet"), &json!(true))
    );
    assert_eq!(desk.get(&format!("{CATALOG}/versions/999/diff")).expect(404).problem().code, "not_found");
}

#[test]
fn a_map_shows_what_is_in_its_frame() {
    let desk = Desk::start();
    desk.publish_map(&boxes(&[(
        r#"{"code":"310101","name":"黄浦区","level":"district"}"#,
        [31.1, 121.4, 31.3, 121.6],
    )]));
    let map = |bbox: &str| desk.get(&format!("/api/v1/admin/map?bbox={bbox}&zoom=12"));
    let shanghai = map("121,31,122,32").expect(200).json();
    assert_eq!((&shanghai["total"], &shanghai["shapes"][0]["name"]), (&json!(4), &json!("黄浦区")), "{shanghai}");
    assert_eq!(shanghai["shapes"][0]["rings"][0]["lats"].as_array().unwrap().len(), 4);
    let over = map("179,-18,-179,-16").expect(200).json();
    assert_eq!(over["total"], 2, "over the antimeridian");
    assert_eq!(map("1,2,3").expect(400).problem().fields, ["bbox"]);
}

#[test]
fn a_viewer_reads_and_changes_nothing() {
    let desk = Desk::start();
    let viewer = desk.app.sign_in(Role::Viewer);
    let call = |method: &str, path: &str| desk.app.call(method, path, &viewer.headers(), Some(b"{}")).status;
    assert_eq!(desk.app.get_with(STORES, &viewer.headers()).status, 200);
    for (method, path) in [
        ("POST", STORES.to_owned()),
        ("PUT", format!("{STORES}/SH-0001")),
        ("PATCH", format!("{STORES}/SH-0001")),
        ("DELETE", format!("{STORES}/SH-0001")),
        ("POST", format!("{CATALOG}/rollback")),
    ] {
        assert_eq!(call(method, &path), 403, "{method} {path}");
    }
    for page in ["/admin/stores", "/admin/stores/XX-0001", "/admin/history"] {
        let page = desk.app.get_with(page, &viewer.headers()).expect(200);
        assert!(!page.text().contains("<script>alert"), "{}", page.text());
    }
    assert_eq!(desk.app.get_with("/admin/stores/new", &viewer.headers()).status, 403);
}
