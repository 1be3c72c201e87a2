//! nginx and systemd asked themselves, where they are installed.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::json;

use super::{root, text};
use crate::client::{Client, eventually};
use crate::harness::{STORES, publish};
use crate::process::Service;
use jinqun::catalog::Mode;

pub(super) fn is_installed(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = asked.is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The shipped nginx files in a folder, changed only in what belongs to a machine: paths, ports and the addresses of instances.
fn nginx_folder(folder: &Path, ports: [u16; 2], instances: [&str; 2]) {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for name in ["jinqun", "tls"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    for name in ["cert", "key"] {
        fs::copy(root().join(format!("fixtures/tls/one.{name}.pem")), folder.join(format!("tls/{name}.pem"))).unwrap();
    }
    let mut config = text("nginx/nginx.conf");
    for (shipped, here) in [
        ("pid /run/nginx.pid;", format!("daemon off; pid {};", at("pid"))),
        ("/var/log/nginx/error.log", at("error.log")),
        ("/var/log/nginx/access.log", at("access.log")),
        ("/etc/nginx/tls/fullchain.pem", at("tls/cert.pem")),
        ("/etc/nginx/tls/privkey.pem", at("tls/key.pem")),
        ("include jinqun/upstream.conf;", format!("include {};", at("jinqun/upstream.conf"))),
        ("listen 80;", format!("listen 127.0.0.1:{};", ports[0])),
        ("listen 443 ssl http2;", format!("listen 127.0.0.1:{} ssl http2;", ports[1])),
        ("listen [::]:80;", String::new()),
        ("listen [::]:443 ssl http2;", String::new()),
        ("worker_processes auto;", "worker_processes 1;".to_owned()),
        ("worker_rlimit_nofile 65536;", String::new()),
        ("worker_connections 16384;", "worker_connections 512;".to_owned()),
    ] {
        assert!(config.contains(shipped), "{shipped}");
        config = config.replace(shipped, &here);
    }
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|it| format!("{it}_temp_path {};\n", at(it))).concat();
    config = config.replacen("http {\n", &format!("http {{\n{temporary}"), 1);
    fs::write(folder.join("nginx.conf"), config).unwrap();
    let [one, two] = instances;
    let upstream = text("nginx/upstream.compose.conf").replace("instance-1:8080", one).replace("instance-2:8080", two);
    fs::write(folder.join("jinqun/upstream.conf"), upstream).unwrap();
}

fn nginx(folder: &Path) -> Command {
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).arg("-e").arg(folder.join("error.log"));
    command
}

#[test]
fn nginx_takes_its_configuration() {
    if !is_installed("nginx") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    nginx_folder(folder.path(), [free_port(), free_port()], ["127.0.0.1:1", "127.0.0.1:2"]);
    let output = nginx(folder.path()).arg("-t").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !told.contains("[warn]"), "{told}");
}

/// A running nginx; ended when dropped.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        // QUIT lets the workers end with it; the child may have ended long ago.
        let _ = Command::new("kill").args(["-s", "TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// Whether a connection to this port has bytes that its process has not read (`proc_net_tcp(5)`).
fn waits_to_be_read(port: u16) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // The local address, the state (01 is an open connection) and `sent:received`.
        fields[1].ends_with(&format!(":{port:04X}")) && fields[3] == "01" && !fields[4].ends_with(":00000000")
    })
}

#[test]
fn behind_nginx_a_dead_instance_is_not_noticed() {
    if !is_installed("nginx") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Two instances of their own data: what is tried here is the way to them.
    let start = |name: &str| {
        let at = folder.path().join(name);
        publish(&at.join("data"), STORES, Mode::Merge);
        Service::start(&at, &["serve"], &[("JINQUN_TRUSTED_PROXIES", "127.0.0.1")])
    };
    let (mut one, two) = (start("one"), start("two"));
    let address = |it: &Service| it.client.url().strip_prefix("http://").unwrap().to_owned();
    let ports = [free_port(), free_port()];
    nginx_folder(folder.path(), ports, [&address(&one), &address(&two)]);
    let child = nginx(folder.path()).stderr(Stdio::null()).spawn().unwrap();
    let _nginx = Nginx(child);
    let client = Client::credulous(format!("https://127.0.0.1:{}", ports[1]));
    let scan = json!({"position": {"lat": 31.2304, "lng": 121.4737}});
    eventually("nginx answers", || client.attempt("GET", "/healthz", &[], None).ok().filter(|it| it.status == 200));
    for _ in 0..20 {
        assert_eq!(client.scan(&scan).expect(201).json()["store"]["id"], "SH-0001");
    }
    for hidden in ["/metrics", "/readyz"] {
        client.attempt("GET", hidden, &[], None).unwrap().expect(404);
    }
    client.attempt("POST", "/api/v1/scans", &[], Some(&vec![b' '; 20_000])).unwrap().expect(413);
    // Events of WeCom may be larger than that.
    let event = client.attempt("POST", "/wecom/callback", &[], Some(&vec![b' '; 200_000])).unwrap();
    assert_ne!(event.status, 413, "{}", event.text());
    // Passwords are taken slowly, whoever is signed in is not.
    let sign_in = |_| client.attempt("POST", "/api/v1/admin/session", &[], Some(b"{}")).unwrap().status;
    let tried: Vec<u16> = (0..40).map(sign_in).collect();
    assert!(tried[0] != 429 && tried[39] == 429, "{tried:?}");
    assert_eq!(client.attempt("GET", "/api/v1/admin/session", &[], None).unwrap().status, 401);
    // It dies over scans that have come to it, and nobody waits for more than the other one takes.
    one.signal("STOP");
    let scans: Vec<_> = (0..4)
        .map(|_| {
            let (client, scan) = (client.clone(), scan.clone());
            thread::spawn(move || client.scan(&scan).status)
        })
        .collect();
    let port = address(&one).parse::<SocketAddr>().unwrap().port();
    eventually("scans have come to the stopped instance", || waits_to_be_read(port).then_some(()));
    one.kill();
    for scan in scans {
        assert_eq!(scan.join().unwrap(), 201);
    }
    for _ in 0..20 {
        client.scan(&scan).expect(201);
        client.get("/").expect(200);
    }
    let plain = Client::new(format!("http://127.0.0.1:{}", ports[0]));
    let answer = plain.attempt("GET", "/s/default?from=poster", &[], None).unwrap().expect(308);
    assert_eq!(answer.header("location"), Some("https://127.0.0.1/s/default?from=poster"));
    let log = fs::read_to_string(folder.path().join("access.log")).unwrap();
    assert!(log.contains("POST /api/v1/scans 201"), "{log}");
    assert!(!log.contains("from=poster"), "no query is written down");
}

#[test]
fn systemd_takes_the_unit() {
    if !is_installed("systemd-analyze") {
        return;
    }
    // The unit is looked at with the program where it is here, so that nothing but the unit can be wrong.
    let folder = tempfile::tempdir().unwrap();
    let unit = text("systemd/jinqun@.service");
    assert!(unit.contains("ExecStart=/usr/local/bin/jinqun serve"));
    let path = folder.path().join("jinqun@.service");
    fs::write(&path, unit.replace("/usr/local/bin/jinqun", env!("CARGO_BIN_EXE_jinqun"))).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}");
}
