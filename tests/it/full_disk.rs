//! A disk that is really full: the code is shown, nothing is promised, and all is well once there is room.

use std::fs::{File, remove_file};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use jinqun::time::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, eventually};
use crate::process::jinqun;
use crate::redis_servers::Server;
use crate::wecom_callback;

const STORES: &str = "id,name,lat,lng,datum,group_url,group_name,group_capacity\n\
    A,甲店,31.2304,121.4737,wgs84,https://work.weixin.qq.com/gm/a1,甲群,100000\n";
/// Mounts a disk of 8 MiB that nobody else sees, puts the data on it and serves.
const SERVE: &str = r#"mount -t tmpfs -o size=8m tmpfs "$1" && cp -a data/. "$1" && exec "$2" serve --data-dir "$1""#;
/// Scans within which what SQLite has put by is used up.
const SCANS_MAX: u32 = 5_000;

/// Ended when this is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn visit(client: &Client) -> (u16, Value) {
    let answer = client.scan(&json!({"store": "A"}));
    (answer.status, answer.json())
}

/// An event of WeCom; the status of the answer.
fn event(client: &Client) -> u16 {
    let seconds = SystemClock.now().unix_ms() / 1_000;
    let (path, body) = wecom_callback::sealed(&wecom_callback::edited("wm1"), seconds);
    client.call("POST", &path, &[], Some(body.as_bytes())).status
}

/// A service whose data lie on a disk of their own; none where this system gives none.
struct OnDisk {
    _child: Killed,
    client: Client,
    fill: String,
    _folders: [TempDir; 2],
}

impl OnDisk {
    fn start(settings: &[(&str, &str)]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let disk = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("stores.csv"), STORES).unwrap();
        let imported =
            jinqun(folder.path()).args(["import", "stores", "stores.csv"]).envs(settings.iter().copied()).output();
        assert!(imported.unwrap().status.success());
        std::fs::create_dir_all(folder.path().join("data")).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut child = Killed(
            Command::new("unshare")
                .args(["-Urm", "sh", "-c", SERVE, "sh"])
                .arg(disk.path())
                .arg(env!("CARGO_BIN_EXE_jinqun"))
                .current_dir(folder.path())
                .env("JINQUN_LISTEN", "127.0.0.1:0")
                .envs(settings.iter().copied())
                .stdout(Stdio::piped())
                .stderr(log)
                .spawn()
                .unwrap(),
        );
        let mut line = String::new();
        BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            eprintln!("skipped: this system gives no disk of one's own");
            return None;
        };
        let client = Client::new(url);
        let fill = format!("/proc/{}/root{}/fill", child.0.id(), disk.path().display());
        Some(Self { _child: child, client, fill, _folders: [folder, disk] })
    }

    /// Takes all the room that there is but for so many bytes.
    fn fill(&self, left: u64) {
        let mut fill = File::options().create(true).append(true).open(&self.fill).unwrap();
        while fill.write_all(&[7; 4_096]).is_ok() {}
        let taken = fill.metadata().unwrap().len();
        fill.set_len(taken.saturating_sub(left)).unwrap();
    }

    /// Visits until one is not recorded; how many were, and the answer of the other one.
    fn visit_until_full(&self) -> (u32, Value) {
        let mut recorded = 0;
        let refused = (0..SCANS_MAX).find_map(|_| match visit(&self.client) {
            (202, json) => Some(json),
            (status, _) => {
                assert_eq!(status, 201);
                recorded += 1;
                None
            }
        });
        (recorded, refused.expect("the disk is full"))
    }

    fn metric(&self, name: &str) -> u32 {
        let scrape = self.client.get("/metrics");
        let value = scrape.text().lines().find_map(|it| it.strip_prefix(&format!("jinqun_{name} ")));
        value.unwrap().parse().unwrap()
    }
}

#[test]
fn a_full_disk_is_told_and_hides_no_code() {
    let settings = [
        ("JINQUN_WECOM_CORP_ID", wecom_callback::CORP),
        ("JINQUN_WECOM_TOKEN", wecom_callback::TOKEN),
        ("JINQUN_WECOM_AES_KEY", wecom_callback::KEY),
    ];
    let Some(it) = OnDisk::start(&settings) else { return };
    let client = &it.client;
    assert_eq!(visit(client).0, 201);

    it.fill(0);
    let (recorded, refused) = it.visit_until_full();
    assert_eq!((&refused["recorded"], &refused["join"]["name"]), (&json!(false), &json!("甲群")));
    assert!(client.get("/s/default?store=A").expect(200).text().contains("甲群"));
    // What is not kept has to be sent again.
    assert_eq!(event(client), 503);
    client.get("/readyz").expect(200);
    assert!(it.metric("scans_unrecorded_total") > 0);

    remove_file(&it.fill).unwrap();
    eventually("there is room again", || (visit(client).0 == 201).then_some(()));
    assert_eq!(event(client), 200);
    eventually("all is delivered", || {
        let is_all = it.metric("delivered_total") >= recorded + 3;
        (is_all && client.get("/readyz").json()["outbox_depth"] == 0).then_some(())
    });
}

#[test]
fn records_on_a_full_disk_are_delivered_once_redis_is_back() {
    let mut server = Server::start(&["--appendfsync", "no"]);
    let url = server.url();
    let Some(it) = OnDisk::start(&[("JINQUN_STORAGE", &url)]) else { return };
    assert_eq!(visit(&it.client).0, 201);
    eventually("it is delivered", || (it.metric("delivered_total") == 1).then_some(()));
    server.kill();
    it.fill(3 * 1_024 * 1_024);
    let (recorded, _) = it.visit_until_full();
    assert!(recorded > 100, "{recorded}");
    it.fill(0);
    server.restart(&[]);
    eventually("all is delivered", || (it.metric("delivered_total") > recorded).then_some(()));
    eventually("there is room again", || (visit(&it.client).0 == 201).then_some(()));
    eventually("nobody blames storage", || {
        let ready = it.client.get("/readyz").json();
        (ready["storage"] == true && !ready["degraded"].to_string().contains("storage")).then_some(())
    });
    assert_eq!(it.metric("delivery_failing"), 0);
}
