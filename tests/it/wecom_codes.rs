//! `jinqun wecom sync`, the real program against the double: codes are made once, changed in place, and published.

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use jinqun::catalog::Mode;
use jinqun::customer::Chat;
use jinqun::storage::embedded::Embedded;
use jinqun::storage::{Book as _, CardKind, CardWrite, Change, EntryKind, PublishInfo, Storage as _};
use jinqun::time::{Clock as _, SystemClock};
use serde_json::Value;
use tempfile::TempDir;

use crate::double::{Double, Fault};
use crate::harness::publish;
use crate::process::jinqun;

const STORES: &str = "id,name,lat,lng,datum,企微群ID,企微成员,group_url\n\
    A,甲店,31.2,121.4,wgs84,wrA1;wrA2,mgr_a,\n\
    B,乙店,31.3,121.4,wgs84,,mgr_a mgr_b,https://work.weixin.qq.com/gm/b\n\
    C,丙店,31.4,121.4,wgs84,,,https://work.weixin.qq.com/gm/c\n";

struct Bench {
    double: Double,
    folder: TempDir,
}

impl Bench {
    fn new(sheet: &str) -> Self {
        let double = Double::start();
        double.set_now_s(SystemClock.now().unix_ms() / 1_000);
        for staff in ["mgr_a", "mgr_b"] {
            double.add_staff(staff);
        }
        for chat in ["wrA1", "wrA2", "wrA3"] {
            double.add_chat(chat, "甲店群", "mgr_a");
        }
        let folder = tempfile::tempdir().unwrap();
        let bench = Self { double, folder };
        bench.import(sheet);
        bench
    }

    fn sync(&self, args: &[&str]) -> Output {
        jinqun(self.folder.path()).args(["wecom", "sync"]).args(args).envs(self.double.environment()).output().unwrap()
    }

    /// The lines of a run that ends with this code.
    fn lines(&self, args: &[&str], code: i32) -> Vec<String> {
        let output = self.sync(args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{told}");
        String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
    }

    fn entries(&self) -> Vec<(String, Value)> {
        let mut entries = Vec::new();
        let storage = self.storage();
        let version = storage.current_version().unwrap();
        let mut each = |kind: EntryKind, id: &str, body: &str| {
            if matches!(kind.as_str(), "group" | "contact") {
                entries.push((format!("{} {id}", kind.as_str()), serde_json::from_str(body).unwrap()));
            }
        };
        storage.load(version, &mut each).unwrap();
        entries
    }

    fn entry(&self, name: &str) -> Value {
        self.entries().into_iter().find(|(it, _)| it == name).map(|(_, it)| it).unwrap_or_default()
    }

    /// Publishes a group as it is given.
    fn put(&self, id: &str, body: &Value) {
        let storage = self.storage();
        let info = PublishInfo { at: SystemClock.now(), author: "test".to_owned(), note: String::new() };
        let entry = Change { kind: EntryKind::Group, id: id.to_owned(), body: Some(body.to_string()) };
        let version = storage.current_version().unwrap();
        storage.publish(version, &info, &mut std::iter::once(entry)).unwrap();
    }

    fn storage(&self) -> Embedded {
        Embedded::open(&self.data().join("jinqun.sqlite")).unwrap()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn import(&self, sheet: &str) {
        publish(&self.data(), sheet, Mode::Merge);
    }
}

#[test]
fn codes_are_made_once_and_published_with_what_their_pictures_say() {
    let bench = Bench::new(STORES);
    let dry = bench.lines(&["--dry-run"], 0);
    assert_eq!(dry.len(), 3, "{dry:?}");
    assert!(dry.iter().all(|it| it.starts_with("made\t")));
    assert!(bench.double.join_ways().is_empty() && bench.entry("group A.wecom").is_null());
    assert_eq!(bench.lines(&[], 0).len(), 3);
    let group = bench.entry("group A.wecom");
    let link = group["code"]["link"].as_str().unwrap();
    assert!(link.starts_with("https://work.weixin.qq.com/gm/") && link.len() == 62, "{link}");
    assert_eq!(group["wecom"]["chats"], serde_json::json!(["wrA1", "wrA2"]));
    let way = &bench.double.join_ways()[0];
    assert_eq!((&way["config_id"], &way["remark"]), (&group["wecom"]["way"], &"甲店".into()));
    assert!(way["state"].as_str().unwrap().len() <= 30);
    let contact = bench.entry("contact B.wecom");
    assert_eq!(contact["wecom"]["staff"], serde_json::json!(["mgr_a", "mgr_b"]));
    // The uploaded code of the same store stays as it is.
    assert_eq!(bench.entry("group B.group")["code"]["link"], "https://work.weixin.qq.com/gm/b");
    bench.double.clear_calls();
    assert_eq!(bench.lines(&[], 0), Vec::<String>::new());
    assert_eq!((bench.double.join_ways().len(), bench.double.contact_ways().len()), (1, 2));
    assert_eq!(bench.double.count("/externalcontact/update_contact_way"), 0);
}

#[test]
fn a_code_is_changed_in_place_and_what_the_platform_added_is_taken_over() {
    let bench = Bench::new(STORES);
    bench.lines(&[], 0);
    let before = bench.entry("contact A.wecom");
    bench.import(&STORES.replace("wrA1;wrA2,mgr_a,", "wrA1;wrA3,mgr_b mgr_a,"));
    let lines = bench.lines(&[], 0);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|it| it.starts_with("updated\t")));
    let (after, group) = (bench.entry("contact A.wecom"), bench.entry("group A.wecom"));
    assert_eq!((&after["code"], &after["wecom"]["way"]), (&before["code"], &before["wecom"]["way"]));
    // One member became two, under the same code.
    assert_eq!(after["wecom"]["staff"], serde_json::json!(["mgr_b", "mgr_a"]));
    assert_eq!(group["wecom"]["chats"], serde_json::json!(["wrA1", "wrA2", "wrA3"]));
    assert_eq!(bench.double.join_ways()[0]["chat_id_list"].as_array().unwrap().len(), 3);
    assert_eq!((bench.double.join_ways().len(), bench.double.contact_ways().len()), (1, 2));
}

/// The card of a chat that was dissolved.
fn dissolve(bench: &Bench, chat: &str) {
    bench.double.dismiss(chat);
    let body = Chat { dismissed_at: Some(SystemClock.now()), ..Chat::default() };
    let body = Some(serde_json::to_string(&body).unwrap());
    let id = chat.to_owned();
    let write = CardWrite { kind: CardKind::Chat, id, expected: 0, body, visitor: None, counts: Vec::new() };
    bench.storage().write_card(&write).unwrap();
}

#[test]
fn a_new_chat_takes_the_place_of_a_dissolved_one_and_the_group_goes_on() {
    let bench = Bench::new(STORES);
    bench.lines(&[], 0);
    dissolve(&bench, "wrA1");
    bench.import(&STORES.replace("wrA1;wrA2,", "wrA3,"));
    bench.lines(&[], 0);
    let chats = |bench: &Bench| bench.double.join_ways()[0]["chat_id_list"].clone();
    assert_eq!(chats(&bench), serde_json::json!(["wrA2", "wrA3"]));
    dissolve(&bench, "wrA2");
    dissolve(&bench, "wrA3");
    let lines = bench.lines(&[], 2);
    assert!(lines.iter().any(|it| it.starts_with("problem\tgroup") && it.contains("dissolved")), "{lines:?}");
    // As the service leaves a group that has no chat any more.
    let mut group = bench.entry("group A.wecom");
    group["status"] = "paused".into();
    group["wecom"]["chats"] = serde_json::json!(["wrA3"]);
    group["wecom"]["is_without_chat"] = true.into();
    bench.put("A.wecom", &group);
    bench.double.add_chat("wrA4", "甲店新群", "mgr_a");
    bench.import(&STORES.replace("wrA1;wrA2,", "wrA4,"));
    bench.lines(&[], 0);
    let after = bench.entry("group A.wecom");
    assert_eq!((&after["status"], &after["wecom"]["chats"]), (&"active".into(), &serde_json::json!(["wrA4"])));
    assert_eq!((chats(&bench), &after["code"]), (serde_json::json!(["wrA4"]), &group["code"]));
}

#[test]
fn of_two_runs_at_a_time_one_makes_a_way() {
    let bench = Bench::new(&STORES.replace("wrA1;wrA2,mgr_a,", "wrA1;wrA2,,"));
    let path = "/externalcontact/groupchat/add_join_way";
    bench.double.fail(path, Fault::Delay(Duration::from_millis(1_500)));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| bench.lines(&[], 0));
        crate::client::eventually("the first is at it", || (bench.double.count(path) == 1).then_some(()));
        let lines = bench.lines(&[], 2);
        assert!(lines.iter().any(|it| it.contains("another run is making it")), "{lines:?}");
        first.join().unwrap();
    });
    assert_eq!((bench.double.count(path), bench.double.join_ways().len()), (1, 1));
    // A refusal leaves nothing behind that holds up the next run.
    let bench = Bench::new(STORES);
    bench.double.fail(path, Fault::Code(40_058));
    bench.lines(&[], 2);
    bench.lines(&[], 0);
    assert_eq!(bench.double.join_ways().len(), 1);
}

#[test]
fn what_cannot_be_is_named_and_the_rest_is_done() {
    let bench = Bench::new(&STORES.replace("mgr_a mgr_b", "nobody"));
    let lines = bench.lines(&[], 2);
    let problem = lines.iter().find(|it| it.starts_with("problem\t")).unwrap();
    assert!(problem.contains("B.wecom") && problem.contains("nobody"), "{problem}");
    assert!(!bench.entry("group A.wecom").is_null() && bench.entry("contact B.wecom").is_null());
}

#[test]
fn a_way_that_was_made_is_found_again_after_a_run_that_broke_off() {
    let bench = Bench::new(STORES);
    bench.double.fail_times("/externalcontact/groupchat/get_join_way", Fault::Code(48_002), 1);
    assert_eq!(bench.sync(&[]).status.code(), Some(1));
    assert_eq!(bench.double.join_ways().len(), 1);
    assert!(bench.entry("group A.wecom").is_null());
    bench.lines(&[], 0);
    assert_eq!(bench.double.join_ways().len(), 1);
    assert!(!bench.entry("group A.wecom").is_null());
}

#[test]
fn a_picture_that_leads_elsewhere_is_never_published() {
    let bench = Bench::new(&STORES.replace("wrA1;wrA2,mgr_a,", ",,"));
    bench.double.fail_times("/externalcontact/get_contact_way", Fault::Code(48_002), 1);
    bench.sync(&[]);
    let address = bench.double.contact_ways()[0]["qr_code"].as_str().unwrap().to_owned();
    bench.double.replace_picture(&address, &Double::draw("https://evil.example/x"));
    let lines = bench.lines(&[], 2);
    assert!(lines[0].starts_with("problem\t") && lines[0].contains("evil.example"), "{lines:?}");
    assert!(bench.entry("contact B.wecom").is_null());
}
