//! The page inside WeChat, which asks WeChat for the position where an official account is set; its script is a double of ours.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use crate::browser::{Browser, Place, Setup};
use crate::demo::{Demo, row};
use crate::double::Double;

const WECHAT: &str =
    "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.40";
/// People's Square in GCJ-02: what the square of other tests is drawn as.
const SQUARE: &str = "{latitude: '31.2284', longitude: '121.4782', accuracy: '30'}";

/// Serves one script, whatever is asked for.
fn script(text: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/wx.js", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, text) = (stream.unwrap(), text.clone());
            // Browsers open connections ahead of any request; one of them must not hold up the others.
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\nConnection: close\r\n";
                let _ = stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
            });
        }
    });
    url
}

/// A script that is ready once it is configured, and answers a question for the position with this.
fn wx(answer: &str) -> String {
    script(format!(
        "window.wx = {{ config(it) {{ window.configured = it; setTimeout(() => this.whenReady && this.whenReady(), 10); }}, \
         ready(then) {{ this.whenReady = then; }}, error() {{}}, \
         getLocation(ask) {{ window.datum = ask.type; {answer} }} }};"
    ))
}

fn open(demo: &Demo) -> Browser<'_> {
    let phone = Browser::start(demo, &Setup::default());
    phone.calls_itself(WECHAT);
    phone.open("/");
    phone.wait("!!window.wx");
    phone
}

fn start(double: &Double, script: String) -> Demo {
    let mut environment = double.environment();
    environment.push(("JINQUN_WECHAT_SCRIPT".to_owned(), script));
    Demo::start_with(&environment)
}

#[test]
fn wechat_is_asked_in_its_own_datum_with_a_signature_of_ours() {
    let double = Double::start();
    let demo = start(&double, wx(&format!("setTimeout(() => ask.success({SQUARE}), 10);")));
    let phone = open(&demo);
    phone.stands(&Place::Refused);
    phone.tap("#locate");
    phone.wait_text("#title", &row("SH-0001").name);
    assert_eq!(phone.value("window.datum"), "gcj02");
    assert_eq!(phone.value("window.configured.signature.length"), 40);
    assert_eq!(phone.value("window.configured.jsApiList"), serde_json::json!(["getLocation"]));
    demo.metric_becomes("jinqun_scan_refinements_total{fallback=\"none\",outcome=\"routed\",source=\"gps\"}", 1);
}

#[test]
fn where_wechat_fails_the_browser_is_asked_and_a_refusal_is_one() {
    let double = Double::start();
    let demo = start(&double, wx("setTimeout(() => ask.fail({errMsg: 'getLocation:fail'}), 10);"));
    let phone = open(&demo);
    phone.stands(&Place::At(31.2304, 121.4737, 35.0));
    phone.tap("#locate");
    phone.wait_text("#title", &row("SH-0001").name);

    let demo = start(&double, wx("setTimeout(() => ask.cancel(), 10);"));
    let phone = open(&demo);
    phone.stands(&Place::At(31.2304, 121.4737, 35.0));
    phone.tap("#locate");
    phone.wait_text("#status", "没有使用位置也没关系，请直接选择门店。");
    demo.step_becomes("refused", 1);
}
