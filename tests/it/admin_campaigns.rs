//! Campaigns as the operations team changes them, and the codes they print.

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use jinqun::qr::{Effort, decode_picture};
use jinqun::staff::Role;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::harness::TestApp;

const LIST: &str = "/api/v1/admin/campaigns";

struct Desk {
    app: TestApp,
    bearer: String,
}

impl Desk {
    fn start() -> Self {
        let app = TestApp::builder().set("public_url", "https://qun.example.com").start();
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
    fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], None)
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call(method, path, &[("content-type", "application/json")], Some(body.to_string().as_bytes()))
    }
}

fn tea() -> Value {
    json!({"slug": "tea", "name": "冬日茶会", "colour": "#0b6b4f", "reach_m": 20_000.0, "service_areas": false,
        "mode": "split", "contact_percent": 30, "rotation": "least_filled", "fallbacks": ["contact", "campaign"],
        "store_tags": ["旗舰店"], "store_regions": [], "open_stores": "prefer",
        "starts_at": "2026-07-01T00:00:00+08:00", "ends_at": null, "ended_to": "summer",
        "texts": {"title": "", "lead": "进群领券", "join_hint": "", "privacy": ""},
        "texts_en": {"title": "", "lead": "", "join_hint": "A cup for free", "privacy": ""}})
}

fn logo() -> Vec<u8> {
    let picture = RgbaImage::from_fn(90, 60, |x, _| Rgba([200, 30, u8::try_from(x).unwrap(), 255]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(picture).write_to(&mut bytes, ImageFormat::WebP).unwrap();
    bytes.into_inner()
}

#[test]
fn a_campaign_is_made_read_changed_and_removed() {
    let desk = Desk::start();
    let made = desk.send("POST", LIST, &tea()).expect(201);
    assert_eq!(made.header("location"), Some("/api/v1/admin/campaigns/tea"));
    let view = made.json();
    for (field, value) in tea().as_object().unwrap() {
        assert_eq!(&view[field], value, "{field}");
    }
    assert_eq!(
        (view["link"].as_str(), view["standing"].as_str()),
        (Some("https://qun.example.com/s/tea"), Some("running"))
    );
    assert!(desk.app.get("/s/tea").expect(200).text().contains("进群领券"));

    let path = format!("{LIST}/tea");
    let tag = made.header("etag").unwrap().to_owned();
    let json_type = ("content-type", "application/json");
    let body = json!({"mode": "contact", "texts": {"lead": "喝茶"}}).to_string();
    let patched = desk.call("PATCH", &path, &[json_type, ("if-match", &tag)], Some(body.as_bytes())).expect(200).json();
    assert_eq!((patched["mode"].as_str(), patched["contact_percent"].is_null()), (Some("contact"), true));
    assert_eq!((patched["texts"]["lead"].as_str(), patched["name"].as_str()), (Some("喝茶"), Some("冬日茶会")));
    let stale = desk.call("PUT", &path, &[json_type, ("if-match", &tag)], Some(tea().to_string().as_bytes()));
    assert_eq!((stale.status, stale.problem().code.as_str()), (412, "stale"));

    assert_eq!(desk.send("POST", LIST, &tea()).expect(409).problem().code, "exists");
    desk.call("DELETE", &path, &[], None).expect(204);
    desk.get(&path).expect(404);
    // A printed code leads on.
    desk.app.get("/s/tea").expect(200);
    assert_eq!(desk.call("DELETE", &format!("{LIST}/default"), &[], None).expect(400).problem().fields, ["slug"]);
}

#[test]
fn the_very_checks_of_the_file_name_every_wrong_field() {
    let desk = Desk::start();
    let wrong = json!({"slug": "a/b", "colour": "red", "reach_m": -1, "mode": "split", "fallbacks": ["group"],
        "open_stores": "maybe", "starts_at": "soon", "size": 3, "texts": {"hello": "x"}, "logo": "x.png"});
    let mut fields = desk.send("POST", LIST, &wrong).expect(400).problem().fields;
    fields.sort_unstable();
    let expected = [
        "colour",
        "contact_percent",
        "fallbacks",
        "logo",
        "name",
        "open_stores",
        "reach_m",
        "size",
        "slug",
        "starts_at",
        "texts.hello",
    ];
    assert_eq!(fields, expected);
    let unknown = json!({"slug": "tea", "name": "t", "ended_to": "nobody"});
    assert_eq!(desk.send("POST", LIST, &unknown).expect(400).problem().code, "invalid_fields");
}

#[test]
fn a_logo_is_drawn_anew() {
    let desk = Desk::start();
    let path = format!("{LIST}/summer/logo");
    let mut sent = logo();
    sent.extend(b"<script>alert(1)</script>");
    let view = desk.call("PUT", &path, &[("content-type", "image/webp")], Some(&sent)).expect(200).json();
    let shown = desk.app.get(view["logo_url"].as_str().unwrap()).expect(200);
    assert_eq!(shown.header("content-type"), Some("image/png"));
    assert!(!String::from_utf8_lossy(&shown.body).contains("script"));
    let answer = desk.call("PUT", &path, &[("content-type", "image/svg+xml")], Some(b"<svg onload=alert(1)>"));
    assert_eq!((answer.status, answer.problem().code.as_str()), (422, "not_a_picture"));
    let tag = desk.get(&format!("{LIST}/summer")).expect(200).header("etag").unwrap().to_owned();
    desk.call("DELETE", &path, &[("if-match", "\"old\"")], None).expect(412);
    let view = desk.call("DELETE", &path, &[("if-match", &tag)], None).expect(200).json();
    assert!(view["logo_url"].is_null());
    // Another change keeps what the logo is.
    desk.call("PUT", &path, &[("content-type", "image/webp")], Some(&logo())).expect(200);
    let view = desk.send("PATCH", &format!("{LIST}/summer"), &json!({"name": "杯"})).expect(200).json();
    assert!(view["logo_url"].is_string());
}

#[test]
fn the_code_comes_in_every_format_and_is_read() {
    let desk = Desk::start();
    let read = |picture: &[u8]| {
        let effort = Effort { time: std::time::Duration::from_mins(1), ..Effort::default() };
        decode_picture(picture, effort).unwrap().text
    };
    let code = |rest: &str| desk.get(&format!("{LIST}/summer/code.{rest}")).expect(200);
    // Two centimetres at 300 dots an inch.
    assert_eq!(read(&code("png?size=236").body), "https://qun.example.com/s/summer");
    assert_eq!(read(&desk.get(&format!("{LIST}/default/code.png")).expect(200).body), "https://qun.example.com/");
    assert_eq!(desk.get(&format!("{LIST}/summer/code.png?logo=true")).expect(400).problem().fields, ["logo"]);
    desk.call("PUT", &format!("{LIST}/summer/logo"), &[("content-type", "image/webp")], Some(&logo())).expect(200);
    assert_eq!(read(&code("png?size=236&logo=true").body), "https://qun.example.com/s/summer");
    let svg = code("svg?logo=true");
    assert_eq!(svg.header("content-type"), Some("image/svg+xml"));
    assert!(svg.text().contains("<image href=\"data:image/png;base64,"));
    let pdf = code("pdf?paper=a4&caption=Scan%20me&logo=true");
    assert!(pdf.body.starts_with(b"%PDF-1."));
    assert_eq!(pdf.header("content-disposition"), Some("attachment; filename=\"jinqun-summer.pdf\""));
    desk.get(&format!("{LIST}/summer/code.gif")).expect(404);
    desk.get(&format!("{LIST}/nobody/code.svg")).expect(404);
    assert_eq!(
        desk.get(&format!("{LIST}/summer/code.png?size=9&paper=x")).expect(400).problem().fields,
        ["size", "paper"]
    );
    let long = "x".repeat(300);
    assert_eq!(desk.get(&format!("{LIST}/summer/code.svg?caption={long}")).expect(400).problem().fields, ["caption"]);
}

#[test]
fn a_preview_shows_the_draft_and_records_nothing() {
    let desk = Desk::start();
    let draft = json!({"slug": "summer", "name": "<img src=x onerror=alert(1)>", "texts": {"lead": "还没发布"}});
    let draft: String = form_urlencoded::byte_serialize(draft.to_string().as_bytes()).collect();
    let page = desk.get(&format!("/admin/campaigns/summer/preview?lang=zh&draft={draft}")).expect(200);
    assert!(page.text().contains("还没发布") && !page.text().contains("<img src=x"));
    assert!(page.text().contains("/qr/"), "a code is shown");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'self'") && !policy.contains("script-src"), "{policy}");
    assert_eq!(page.header("set-cookie"), None);
    assert!(!desk.app.get("/s/summer").text().contains("还没发布"));
    // The one visit is that of the line above.
    assert_eq!(desk.app.tags().len(), 1);
    let english = desk.get("/admin/campaigns/summer/preview?lang=en&store=none").expect(200);
    assert!(english.text().contains("lang=\"en\""));
    let wrong =
        desk.get("/admin/campaigns/summer/preview?draft=%7B%22slug%22%3A%22a%22%2C%22mode%22%3A%22x%22%7D").expect(400);
    assert_eq!(wrong.problem().fields, ["mode", "name"]);
    desk.get("/admin/campaigns/nobody/preview").expect(404);
    // The real page is in nobody's frame.
    let landing = desk.app.get("/s/summer");
    assert!(landing.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
}

#[test]
fn a_viewer_previews_and_downloads_and_changes_nothing() {
    let desk = Desk::start();
    let desk = Desk { bearer: desk.app.bearer(Role::Viewer), ..desk };
    desk.get("/admin/campaigns/summer/preview").expect(200);
    desk.get(&format!("{LIST}/summer/code.svg")).expect(200);
    for (method, path) in
        [("POST", LIST), ("PUT", "/api/v1/admin/campaigns/summer"), ("DELETE", "/api/v1/admin/campaigns/summer")]
    {
        assert_eq!(desk.send(method, path, &tea()).problem().code, "forbidden", "{method} {path}");
    }
    desk.app.get("/admin/campaigns/summer/preview").expect(303);
}
