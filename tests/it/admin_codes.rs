//! Groups, contacts and their codes as the operations team changes them, over real sockets.

use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};
use jinqun::app::join_code::{check_link, read_link};
use jinqun::config::Config;
use jinqun::qr::{Code, Effort};
use jinqun::staff::Role;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::harness::TestApp;
use crate::pictures;

const GROUPS: &str = "/api/v1/admin/groups";
/// The link of SH-0001's first group.
const OLD: &str = "https://work.weixin.qq.com/gm/sh0001";
const NEW: &str = "https://work.weixin.qq.com/gm/0123456789abcdef0123456789abcdef";

/// A phone's screenshot with a code in the middle of a white card on grey.
fn screenshot(text: &str, format: ImageFormat) -> Vec<u8> {
    let code = image::load_from_memory(&Code::new(text).unwrap().png(360).unwrap()).unwrap().to_luma8();
    let mut screen = image::GrayImage::from_pixel(540, 1_170, image::Luma([230]));
    image::imageops::overlay(&mut screen, &code, 90, 330);
    encoded(&DynamicImage::ImageLuma8(screen), format)
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

struct Desk {
    app: TestApp,
    bearer: String,
}

impl Desk {
    fn start() -> Self {
        let app = TestApp::start();
        let bearer = app.bearer(Role::Ops);
        Self { app, bearer }
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, more: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let mut headers = vec![("authorization", self.bearer.as_str())];
        headers.extend_from_slice(more);
        self.app.call(method, path, &headers, body)
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        self.call("GET", path, &[], None).expect(200).json()
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call(method, path, &[("content-type", "application/json")], Some(body.to_string().as_bytes()))
    }

    #[track_caller]
    fn put_picture(&self, path: &str, media: &str, picture: &[u8]) -> Answer {
        self.call("PUT", path, &[("content-type", media)], Some(picture))
    }

    /// The id of the first group of a store.
    fn group_of(&self, store: &str) -> String {
        let page = self.get(&format!("{GROUPS}?store={store}"));
        page["items"][0]["id"].as_str().unwrap().to_owned()
    }
}

fn words(problem: &Answer) -> (u16, String, String) {
    let json = problem.json();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    (problem.status, text(&json["code"]), text(&json["errors"][0]["field"]))
}

#[test]
fn a_screenshot_becomes_the_code_that_is_shown() {
    let desk = Desk::start();
    let id = desk.group_of("SH-0001");
    let path = format!("{GROUPS}/{id}/join-code");
    let formats =
        [("image/png", ImageFormat::Png), ("image/jpeg", ImageFormat::Jpeg), ("image/webp", ImageFormat::WebP)];
    for (number, (media, format)) in formats.into_iter().enumerate() {
        let link = format!("{NEW}{number}");
        let answer = desk.put_picture(&path, media, &screenshot(&link, format)).expect(200);
        let set = answer.json();
        assert_eq!((set["link"].as_str(), set["entrance"]["url"].as_str()), (Some(&*link), Some(&*link)), "{media}");
        // Set on 15 July at noon, for the seven days of the settings.
        assert_eq!((set["expiry"].as_str(), set["assumed_days"].as_u64()), (Some("assumed"), Some(7)));
        assert_eq!(set["entrance"]["expires_at"], "2026-07-22T12:00:00+08:00");
        assert!(set["read"]["tries"].as_u64() >= Some(1), "{set}");
        // What is shown is drawn anew and says the same.
        let drawn = desk.app.get(set["entrance"]["qr_png"].as_str().unwrap()).expect(200);
        assert_eq!(pictures::decode_png(&drawn.body).2, link);
        assert_ne!(drawn.body, screenshot(&link, format));
    }
    let landing = desk.app.scan(&json!({"store": "SH-0001"})).expect(201).json();
    assert_eq!(landing["join"]["url"], format!("{NEW}2"));
}

#[test]
fn a_code_comes_in_a_form_or_as_a_link_too() {
    let desk = Desk::start();
    let path = format!("{GROUPS}/{}/join-code", desk.group_of("SH-0001"));
    let mut form = b"--x\r\nContent-Disposition: form-data; name=\"expires_at\"\r\n\r\nnever\r\n\
        --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"
        .to_vec();
    form.extend(screenshot(NEW, ImageFormat::Png));
    form.extend(b"\r\n--x--\r\n");
    let set = desk.put_picture(&path, "multipart/form-data; boundary=x", &form).expect(200).json();
    assert_eq!((set["link"].as_str(), set["expiry"].as_str()), (Some(NEW), Some("given")));
    assert_eq!(set["entrance"]["expires_at"], Value::Null);
    assert_eq!(set["link_before"], OLD);

    let link = json!({"url": OLD, "expires_at": "2026-12-01T00:00:00+08:00"});
    let set = desk.send("PUT", &path, &link).expect(200).json();
    assert_eq!((set["link"].as_str(), set["read"].is_null()), (Some(OLD), true));
    assert_eq!(set["entrance"]["expires_at"], "2026-12-01T00:00:00+08:00");
}

#[test]
fn what_cannot_be_used_says_why_and_changes_nothing() {
    let desk = Desk::start();
    let path = format!("{GROUPS}/{}/join-code", desk.group_of("SH-0001"));
    let blank = encoded(&DynamicImage::new_luma8(300, 300), ImageFormat::Png);
    let two = {
        let [a, b] = [OLD, NEW].map(|it| image::load_from_memory(&Code::new(it).unwrap().png(300).unwrap()).unwrap());
        let mut both = image::GrayImage::from_pixel(700, 320, image::Luma([255]));
        image::imageops::overlay(&mut both, &a.to_luma8(), 10, 10);
        image::imageops::overlay(&mut both, &b.to_luma8(), 380, 10);
        encoded(&DynamicImage::ImageLuma8(both), ImageFormat::Png)
    };
    let shot = |text| screenshot(text, ImageFormat::Png);
    for (picture, status, code) in [
        (b"<svg onload=alert(1)>".to_vec(), 422, "not_a_picture"),
        (b"\x89PNG\r\n\x1a\n broken".to_vec(), 422, "not_a_picture"),
        (blank, 422, "no_code"),
        (two, 422, "several_codes"),
        (shot("https://evil.example/gm/1"), 422, "host_not_allowed"),
        (shot("http://work.weixin.qq.com/gm/1"), 422, "not_https"),
        (shot("WIFI:S:shop;P:secret;;"), 422, "not_a_link"),
    ] {
        let answer = desk.put_picture(&path, "image/png", &picture);
        assert_eq!(words(&answer), (status, code.to_owned(), "file".to_owned()));
    }
    let answer = desk.send("PUT", &path, &json!({"url": "javascript:alert(1)"}));
    assert_eq!(words(&answer), (422, "not_a_link".to_owned(), "url".to_owned()));
    let answer = desk.send("PUT", &path, &json!({"url": NEW, "expires_at": "soon"})).expect(400);
    assert_eq!(answer.problem().fields, ["expires_at"]);
    assert_eq!(desk.get(&format!("{GROUPS}?store=SH-0001"))["items"][0]["url"], OLD);
}

#[test]
fn of_several_codes_the_only_one_that_may_be_shown_is_taken() {
    let desk = Desk::start();
    let path = format!("{GROUPS}/{}/join-code", desk.group_of("SH-0001"));
    let codes = ["https://evil.example/1", NEW];
    let [a, b] = codes.map(|it| image::load_from_memory(&Code::new(it).unwrap().png(300).unwrap()).unwrap());
    let mut both = image::GrayImage::from_pixel(700, 320, image::Luma([255]));
    image::imageops::overlay(&mut both, &a.to_luma8(), 10, 10);
    image::imageops::overlay(&mut both, &b.to_luma8(), 380, 10);
    let picture = encoded(&DynamicImage::ImageLuma8(both), ImageFormat::Png);
    assert_eq!(desk.put_picture(&path, "image/png", &picture).expect(200).json()["link"], NEW);
}

#[test]
fn a_group_is_made_changed_and_removed() {
    let desk = Desk::start();
    let group = json!({"owner": {"store": "SH-0001"}, "name": "二群", "url": NEW, "capacity": 500, "status": "paused"});
    let made = desk.send("POST", GROUPS, &group).expect(201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{GROUPS}/{id}");
    assert_eq!(made.header("location"), Some(&*path));
    let view = made.json();
    assert_eq!((view["capacity"].as_u64(), view["usable"].as_bool()), (Some(500), Some(false)));
    assert_eq!((view["owner_name"].as_str(), &view["heads"]["estimate"]), (Some("人民广场店"), &json!(0.0)));
    let tag = made.header("etag").unwrap().to_owned();
    assert_eq!(desk.get(&path)["etag"], tag.as_str());

    let json_type = ("content-type", "application/json");
    let patched =
        desk.call("PATCH", &path, &[json_type, ("if-match", &tag)], Some(b"{\"status\":\"active\"}")).expect(200);
    assert_eq!((patched.json()["status"].as_str(), patched.json()["name"].as_str()), (Some("active"), Some("二群")));
    let stale = desk.call("PATCH", &path, &[json_type, ("if-match", &tag)], Some(b"{\"name\":\"x\"}"));
    assert_eq!((stale.status, stale.problem().code.as_str()), (412, "stale"));
    let stale = desk.call("DELETE", &path, &[("if-match", &tag)], None);
    assert_eq!(stale.status, 412);

    let again = json!({"id": id, "owner": {"store": "SH-0001"}, "name": "x", "url": NEW});
    assert_eq!(desk.send("POST", GROUPS, &again).expect(409).problem().code, "exists");
    let replaced = desk.send("PUT", &path, &again).expect(200).json();
    assert_eq!((replaced["capacity"].as_u64(), replaced["expires_at"].is_null()), (Some(200), true));
    desk.call("DELETE", &path, &[], None).expect(204);
    desk.call("GET", &path, &[], None).expect(404);
}

#[test]
fn every_wrong_field_of_a_group_is_named() {
    let desk = Desk::start();
    let group = json!({"owner": {"shop": "x"}, "name": "", "url": "http://x", "expires_at": "soon", "colour": 1});
    let mut fields = desk.send("POST", GROUPS, &group).expect(400).problem().fields;
    fields.sort_unstable();
    assert_eq!(fields, ["colour", "expires_at", "name", "owner", "url"]);
    let group = json!({"owner": {"store": "nowhere"}, "name": "x", "url": NEW});
    let answer = desk.send("POST", GROUPS, &group).expect(400);
    assert_eq!(answer.json()["errors"][0]["code"], "unknown_store");
}

#[test]
fn groups_are_put_into_an_order() {
    let desk = Desk::start();
    let first = desk.group_of("SH-0001");
    let group = json!({"id": "second", "owner": {"store": "SH-0001"}, "name": "二群", "url": NEW});
    desk.send("POST", GROUPS, &group).expect(201);
    let order = format!("{GROUPS}/order");
    desk.send("POST", &order, &json!({"ids": ["second", first]})).expect(204);
    let page = desk.get(&format!("{GROUPS}?store=SH-0001"));
    let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["second", &first]);
    assert_eq!(desk.app.scan(&json!({"store": "SH-0001"})).json()["join"]["id"], "second");
    let other = desk.group_of("SH-0002");
    assert_eq!(desk.send("POST", &order, &json!({"ids": ["second", other]})).expect(400).problem().fields, ["ids"]);
    assert_eq!(desk.send("POST", &order, &json!({"ids": ["nobody"]})).expect(404).problem().code, "not_found");
}

#[test]
fn lists_are_filtered_and_paged() {
    let desk = Desk::start();
    let total = |query: &str| desk.get(&format!("{GROUPS}?{query}"))["total"].as_u64().unwrap();
    // Eleven stores have a group, and the default campaign has one.
    assert_eq!(
        (total(""), total("store=SH-0001"), total("campaign=default"), total("q=%E5%A4%96%E6%BB%A9")),
        (12, 1, 1, 1)
    );
    assert_eq!((total("expiring=3"), total("status=paused"), total("region=310000")), (0, 0, 0));
    let page = desk.get(&format!("{GROUPS}?per_page=5&page=3"));
    assert_eq!((page["items"].as_array().unwrap().len(), page["page"].as_u64()), (2, Some(3)));
    let wrong = desk.call("GET", &format!("{GROUPS}?status=x&per_page=0"), &[], None).expect(400);
    assert_eq!(wrong.problem().fields, ["status", "per_page"]);
}

#[test]
fn a_contacts_code_does_not_expire_unless_somebody_says_so() {
    let desk = Desk::start();
    let page = desk.get("/api/v1/admin/contacts?store=SH-0003");
    let id = page["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/admin/contacts/{id}/join-code");
    let set = desk.put_picture(&path, "image/png", &screenshot(NEW, ImageFormat::Png)).expect(200).json();
    assert_eq!((set["entrance"]["expires_at"].is_null(), set["expiry"].as_str()), (true, Some("assumed")));
}

#[test]
fn a_viewer_reads_and_changes_nothing() {
    let desk = Desk { bearer: String::new(), app: TestApp::start() };
    let desk = Desk { bearer: desk.app.bearer(Role::Viewer), ..desk };
    let id = desk.group_of("SH-0001");
    let answer = desk.put_picture(&format!("{GROUPS}/{id}/join-code"), "image/png", b"x");
    assert_eq!((answer.status, answer.problem().code.as_str()), (403, "forbidden"));
}

#[test]
fn what_is_done_to_a_code_stands_in_the_audit_trail() {
    let desk = Desk::start();
    let id = desk.group_of("SH-0001");
    desk.send("PUT", &format!("{GROUPS}/{id}/join-code"), &json!({"url": NEW})).expect(200);
    let storage = desk.app.storage_now();
    let found = storage.audit(&jinqun::storage::AuditFilter { target: Some(id), ..Default::default() }, 5).unwrap();
    let [(_, record)] = found.found.as_slice() else { panic!("one record: {found:?}") };
    assert_eq!(record.action, "group.update");
    assert!(record.before.as_ref().unwrap().contains(OLD) && record.after.as_ref().unwrap().contains(NEW));
}

/// What becomes of each of the real pictures: the link, or the word of the refusal.
const REAL: [(&str, &str); 21] = [
    // Round dots and corners without corners: a camera of a phone reads it, this does not.
    ("dingtalk_group_01.png", "unreadable"),
    ("other_url_02.png", "host_not_allowed"),
    ("qq_group_03.jpg", "host_not_allowed"),
    ("third_party_live_code_04.jpg", "host_not_allowed"),
    ("wechat_group_05.jpg", "https://weixin.qq.com/g/AQYAAHIeeti9JL9SeD2aC5q0pRPt6FHtZySnFec1TXi5M3sx_UFJc9-zh8MaXkad"),
    ("wechat_group_06.jpg", "https://weixin.qq.com/g/AQYAADm6QcTfk6y8QbqnD3kSwJHNQH3VFtqslfobgJYcmri54NU_4cEm3zJjnpUq"),
    ("wechat_group_07.jpg", "https://weixin.qq.com/g/AQYAABNXd64799Xu5N7A5Z2Bd7-NOmpBIiFC2PvugzXXSWPbPK6zdh-_s7IW5_pA"),
    ("wechat_group_08.jpg", "https://weixin.qq.com/g/AwYAAJAXKH5-n8WTQeihSgIzV_M6s_h1cJDB_g-ZVWwgP9EAjSKWcyKGks81EKRV"),
    ("wechat_group_09.jpg", "https://weixin.qq.com/g/AwYAAAEzVmdE2js9RGT0rCZwRkdyaW13jOSmTyxrpwtvFvSB92ISp--9CMnp2ik7"),
    ("wechat_group_10.jpg", "https://weixin.qq.com/g/AQYAAK8O4jfFYVtATQpG5iTMAi79HeoMENIdqwbWoSWfr-TT8Tr0g2Q-AVBwaIsy"),
    ("wechat_group_11.jpg", "https://weixin.qq.com/g/AwYAACF6pG4MMGNAjcifz1xy7dTj2Krgm4qWA6qzeh2baTeMv0KeISgH2jFt_9RA"),
    ("wechat_group_12.jpg", "https://weixin.qq.com/g/AQYAAKKlLFFsjblGHPnnrZXtXPBocPB0vK6vGZ5HKj2R1N8bf7ykTtzL-WQToV4S"),
    ("wechat_group_13.jpg", "https://weixin.qq.com/g/AQYAAOsyYqtcToY_aefGCF3Cs6mCyrwC4_nBCkP-XKkziHfmEXxIkYg3VIgEcIrQ"),
    ("wechat_group_14.jpg", "https://weixin.qq.com/g/AwYAAMhwFxlkN3XQpTYDA8hH482eErycyR5MuPbSUjfhl-MkRh2HLrvbu4EVf3CW"),
    ("wechat_group_15.jpg", "https://weixin.qq.com/g/AQYAAJmXt0is4qf0_PY8SqXAuFrMsbp-DHyzGNf2oEr5MAdfxAgYTxz8UXWCw4Ec"),
    ("wechat_group_alt_host_16.png", "host_not_allowed"),
    ("wechat_official_account_17.png", "not_https"),
    ("wechat_official_account_18.jpg", "not_https"),
    ("wecom_group_19.png", "https://work.weixin.qq.com/gm/274e1472e2e471eb53d9ef83050fb6c7"),
    ("wecom_group_20.jpg", "https://work.weixin.qq.com/gm/c05e8546d004fa2e51b5851125ace7ab"),
    ("wecom_group_21.jpeg", "https://work.weixin.qq.com/gm/fb91fc91917846c191eae87ee0defc34"),
];

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test that finds its data by an environment variable, or says that it did not"
)]
fn real_pictures_are_read_or_refused_for_the_right_reason() {
    let Ok(folder) = std::env::var("JINQUN_REAL_DATA") else {
        eprintln!("skipped: JINQUN_REAL_DATA is not set");
        return;
    };
    let hosts = Config::default_link_hosts();
    let effort = Effort { time: std::time::Duration::from_mins(1), ..Effort::default() };
    for (file, expected) in REAL {
        let bytes = std::fs::read(Path::new(&folder).join("qr").join(file)).unwrap();
        let found = match read_link(&bytes, &hosts, effort) {
            Ok(read) => read.link.as_str().to_owned(),
            Err(refusal) => refusal.code.to_owned(),
        };
        assert_eq!(found, expected, "{file}");
        // At a third of its size too, where that leaves a code enough pixels.
        if expected.starts_with("https://work.weixin") {
            let picture = image::load_from_memory(&bytes).unwrap();
            let small = picture.resize(picture.width() / 3, picture.height() / 3, FilterType::Triangle);
            let small = encoded(&DynamicImage::ImageRgb8(small.to_rgb8()), ImageFormat::Jpeg);
            assert_eq!(read_link(&small, &hosts, effort).unwrap().link.as_str(), expected, "{file}, small");
        }
    }
    assert!(check_link("https://c.weixin.com/g/ykDthEttS1RcFsjv", &hosts).is_err());
}
