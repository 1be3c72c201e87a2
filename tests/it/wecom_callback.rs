//! `/wecom/callback` over real sockets: who is heard, what is kept, and what an answer promises.

use jinqun::job::Lane;
use jinqun::time::Clock as _;
use jinqun::wecom::Cipher;

use crate::client::{Answer, eventually};
use crate::harness::{Builder, TestApp};

pub const TOKEN: &str = "LbsRouteToken2024";
pub const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
pub const CORP: &str = "ww1234567890abcdef";

/// An event of the service's noon, sealed by another program (Python's cryptography 48.0) with the nonce `n+1`.
const SEALED: &str = "4j/AuRx71kQlxVlzbpsMWAcodWla2bb7QzlZ93lYXSsR+Mw4vPNZ/0/HuLtvegQ8zkzrd31rjIee+hru4vigGonQVxx/Wxb1rWig0+vjP65l2FCzK/PxLnWIcT9tVH1308WcdUmNSIZ1g6XwbJbc+D3fYyw4QJMnyUjct/PuemJHDYdS+A4v1SSuYZJyRAvUXQU7tZDRmrlrfqLc7bcGhFOMBc4nk4APoigltKxEK96Wv3K+w1mAzCMHGHeXa5e+FEUNPGWD8sXXdqo5d13zFFC3M8/h7n4Un/sS2youLLOj5g/wTeIuMbo58QIij5cZCSfWhSg3r4Gd/DrGyIAV74qmRFE2lFuhSWGuRQPSHwkU8uF5bDGAppLcZbK1Vt5k8lTVXjSHKP5X5dcyJbfJpbh88ultgtzg7jiNo3Fj3tfO5n4sUF4rxpPpaR3qejy4Y5ntsxFXQePc38COs4+Zc6WR2J/WiTAJUOY77Kc8iiU94/REquJegDas+IFUPSiX3Oj+7QMdKGlYw8EbqSFh3r/0IkIUC1sxPbL8NA+q6g8=";
const SEALED_SIGNATURE: &str = "a4b3f65314aa0a243a963bfe45cb978cc89c661b";

fn configured() -> Builder {
    TestApp::builder().set("wecom.corp_id", CORP).set("wecom.token", TOKEN).set("wecom.aes_key", KEY)
}

/// As a query writes it.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |written, it| written + &format!("%{it:02X}"))
}

fn query(timestamp: &str, nonce: &str, signature: &str) -> String {
    format!("/wecom/callback?msg_signature={signature}&timestamp={timestamp}&nonce={}", percent(nonce))
}

fn envelope(encrypt: &str) -> String {
    format!("<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>")
}

/// The address and the body of a message that is signed at this second.
pub fn sealed(xml: &str, seconds: i64) -> (String, String) {
    let cipher = Cipher::new(TOKEN, KEY, CORP).unwrap();
    let encrypt = cipher.seal(xml, [7; 16]);
    let timestamp = seconds.to_string();
    let signature = cipher.sign(&timestamp, "n", &encrypt);
    (query(&timestamp, "n", &signature), envelope(&encrypt))
}

/// Sends a message as WeCom does, signed at this moment.
fn tell_at(app: &TestApp, xml: &str, seconds: i64) -> Answer {
    let (path, body) = sealed(xml, seconds);
    app.call("POST", &path, &[("content-type", "text/xml")], Some(body.as_bytes()))
}

fn tell(app: &TestApp, xml: &str) -> Answer {
    tell_at(app, xml, app.clock.now().unix_ms() / 1_000)
}

pub fn edited(customer: &str) -> String {
    format!(
        "<xml><ToUserName>{CORP}</ToUserName><FromUserName>sys</FromUserName><CreateTime>1784088000</CreateTime>\
         <MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>edit_external_contact</ChangeType>\
         <UserID>mgr</UserID><ExternalUserID>{customer}</ExternalUserID></xml>"
    )
}

/// Events that were kept and worked in.
fn kept(app: &TestApp) -> u64 {
    let storage = app.storage_now();
    let now = app.clock.now();
    eventually("events are worked in", || (storage.job_counts(Lane::Event, now).unwrap().waiting == 0).then_some(()));
    // What is remembered of them is all that is in the book.
    storage.purge_book(now.plus_ms(86_400_000), 100).unwrap()
}

#[test]
fn the_address_is_proved_with_the_samples_of_other_libraries() {
    let app = configured().start();
    let echo = "4j/AuRx71kQlxVlzbpsMWBhPcgrjbCklX5fYn1DOD9QLHDWpNQ8474HSz5tNA9XovIgiKTsWy4ti0f2SEG1m9A==";
    let path = query("1700000000", "1234567890", "5e68d877e746d8f95c12ff5f097ee76ea0761b4d");
    for written in [percent(echo), echo.to_owned()] {
        let answer = app.get(&format!("{path}&echostr={written}")).expect(200);
        assert_eq!(answer.text(), "5927782489442352469");
    }
    let changed = app.get(&format!("{path}&echostr={}", percent(&echo.replace("4j", "5j"))));
    assert_eq!((changed.status, changed.problem().code), (403, "not_ours".to_owned()));
    let official = TestApp::builder()
        .set("wecom.corp_id", "wx5823bf96d3bd56c7")
        .set("wecom.token", "QDG6eK")
        .set("wecom.aes_key", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C")
        .start();
    let plus = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
    let path = query("1409659589", "263014780", "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3");
    // A plus sign that stands as it is means itself.
    let answer = official.get(&format!("{path}&echostr={plus}")).expect(200);
    assert_eq!(answer.text(), "1616140317555161061");
}

#[test]
fn an_event_that_another_program_sealed_is_kept_once() {
    let app = configured().start();
    for _ in 0..3 {
        let path = query("1784088000", "n+1", SEALED_SIGNATURE);
        let answer = app.call("POST", &path, &[], Some(envelope(SEALED).as_bytes())).expect(200);
        assert_eq!(answer.body, b"");
    }
    // The same event in another envelope, and another one.
    tell(&app, &edited("wm1")).expect(200);
    tell(&app, &edited("wm2")).expect(200);
    assert_eq!(app.metric("jinqun_wecom_events_total{kind=\"contact_edited\"}"), 5);
    assert_eq!(kept(&app), 2);
}

#[test]
fn what_is_not_signed_or_signed_long_ago_is_refused_and_nothing_is_kept() {
    let app = configured().start();
    let now = app.clock.now().unix_ms() / 1_000;
    let path = query("1784088000", "n+2", SEALED_SIGNATURE);
    let forged = app.call("POST", &path, &[], Some(envelope(SEALED).as_bytes()));
    assert_eq!((forged.status, forged.problem().code), (403, "not_ours".to_owned()));
    for seconds in [now - 3_601, now + 3_601] {
        let old = tell_at(&app, &edited("wm1"), seconds);
        assert_eq!((old.status, old.problem().code), (403, "too_old".to_owned()), "{seconds}");
    }
    let missing = app.call("POST", "/wecom/callback?nonce=", &[], Some(b"<xml><Encrypt/></xml>"));
    assert_eq!(missing.status, 400);
    assert_eq!(missing.problem().fields, ["msg_signature", "timestamp", "nonce", "Encrypt"]);
    let entity = "<!DOCTYPE xml [<!ENTITY a 'aaaa'>]><xml><Encrypt>&a;</Encrypt></xml>";
    let declared = app.call("POST", &query("1", "n", "s"), &[], Some(entity.as_bytes()));
    assert_eq!((declared.status, declared.problem().fields), (400, vec!["Encrypt".to_owned()]));
    let long = vec![b'x'; 256 * 1024 + 1];
    assert_eq!(app.call("POST", &query("1", "n", "s"), &[], Some(&long)).status, 413);
    assert_eq!(app.metric("jinqun_wecom_callbacks_refused_total{cause=\"too_old\"}"), 2);
    assert_eq!(app.metric("jinqun_wecom_callbacks_refused_total{cause=\"signature\"}"), 1);
    assert_eq!(kept(&app), 0);
}

#[test]
fn what_cannot_be_read_and_what_matters_to_nobody_is_answered_so_that_it_does_not_come_again() {
    let app = configured().start();
    let entity = "<!DOCTYPE xml [<!ENTITY a 'aaaa'>]><xml><CreateTime>&a;</CreateTime></xml>";
    for xml in ["", "nothing", entity, "<xml><Event>change_external_chat</Event></xml>"] {
        tell(&app, xml).expect(200);
    }
    tell(&app, "<xml><CreateTime>1</CreateTime><Event>enter_agent</Event></xml>").expect(200);
    assert_eq!(app.metric("jinqun_wecom_events_total{kind=\"unreadable\"}"), 4);
    assert_eq!(app.metric("jinqun_wecom_events_total{kind=\"other\"}"), 1);
    assert_eq!(kept(&app), 0);
}

#[test]
fn where_callbacks_are_not_set_up_there_is_nothing() {
    let app = TestApp::start();
    assert_eq!(app.get("/wecom/callback").expect(404).problem().code, "not_found");
    let path = query("1784088000", "n+1", SEALED_SIGNATURE);
    assert_eq!(app.call("POST", &path, &[], Some(envelope(SEALED).as_bytes())).status, 404);
    assert_eq!(app.call("PUT", "/wecom/callback", &[], Some(b"")).status, 405);
}
