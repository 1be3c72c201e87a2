//! Redis with the shipped settings and users.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use jinqun::storage::contract::CHECKS;
use jinqun::storage::redis::{Redis, RedisAt};

use super::engines::{free_port, is_installed};
use super::root;
use crate::client::eventually;

/// A `redis-server` with the shipped settings and the users of a fresh `secrets.sh`; ended when dropped.
struct Guarded {
    child: Child,
    port: u16,
    /// What the instances read.
    storage: String,
    folder: tempfile::TempDir,
}

impl Guarded {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let deploy = folder.path().join("deploy");
        fs::create_dir_all(deploy.join("redis")).unwrap();
        for name in ["secrets.sh", "redis/users.acl.example", "redis/redis.conf"] {
            fs::copy(root().join("deploy").join(name), deploy.join(name)).unwrap();
        }
        // A certificate that is there is kept, so no key has to be made.
        fs::create_dir_all(deploy.join("secrets/tls")).unwrap();
        fs::write(deploy.join("secrets/tls/privkey.pem"), "there").unwrap();
        for _ in 0..2 {
            let made = Command::new("sh").arg(deploy.join("secrets.sh")).arg("join.example.com").output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        assert_eq!(fs::read_to_string(deploy.join("secrets/tls/privkey.pem")).unwrap(), "there");
        let config = fs::read_to_string(deploy.join("redis/redis.conf")).unwrap();
        let users = deploy.join("secrets/redis_users");
        assert!(config.contains("aclfile /run/secrets/redis_users"));
        let config = config.replace("/run/secrets/redis_users", users.to_str().unwrap());
        // Whoever empties it between two checks; the instances may not.
        let listed = fs::read_to_string(&users).unwrap() + "user tester on nopass ~* &* +@all\n";
        fs::set_permissions(&users, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&users, listed).unwrap();
        fs::write(deploy.join("redis/redis.conf"), config).unwrap();
        let port = free_port();
        let mut program = Command::new("redis-server");
        program.arg(deploy.join("redis/redis.conf")).args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--repl-diskless-sync-delay",
            "0",
            "--dir",
        ]);
        let child = program.arg(folder.path()).stdout(Stdio::null()).spawn().unwrap();
        let storage = fs::read_to_string(deploy.join("secrets/storage")).unwrap();
        let admin = fs::read_to_string(deploy.join("secrets/redis_admin")).unwrap();
        let admin = admin.replace("@redis:6379", &format!("@127.0.0.1:{port}"));
        fs::remove_file(deploy.join("secrets/redis_admin")).unwrap();
        fs::write(deploy.join("secrets/redis_admin"), admin).unwrap();
        let storage = storage.replace("@redis:6379", &format!("@127.0.0.1:{port}"));
        let it = Self { child, port, storage, folder };
        eventually("Redis answers", || it.default_user(&["PING"]).ok().filter(|it| it == "PONG"));
        it
    }

    fn default_user(&self, words: &[&str]) -> redis::RedisResult<String> {
        ask(&format!("redis://127.0.0.1:{}", self.port), words)
    }

    fn empty(&self) {
        ask(&format!("redis://tester:any@127.0.0.1:{}", self.port), &["FLUSHALL"]).unwrap();
    }

    fn service(&self, words: &[&str]) -> redis::RedisResult<String> {
        ask(&self.storage, words)
    }
}

fn ask(url: &str, words: &[&str]) -> redis::RedisResult<String> {
    let mut connection = redis::Client::open(url)?.get_connection()?;
    let mut command = redis::cmd(words[0]);
    let value: redis::Value = command.arg(&words[1..]).query(&mut connection)?;
    redis::from_redis_value(value).or_else(|_not_text| Ok("…".to_owned()))
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn redis_takes_its_settings_and_its_users_may_do_what_they_need_and_no_more() {
    if !is_installed("redis-server") {
        return;
    }
    let redis = Guarded::start();
    for forbidden in [&["GET", "{jinqun:catalog}:version"][..], &["INFO"], &["ACL", "WHOAMI"]] {
        let error = redis.default_user(forbidden).unwrap_err().to_string();
        assert!(error.to_lowercase().contains("permission"), "{forbidden:?}: {error}");
    }
    for allowed in [
        &["SET", "{jinqun:desk}:it", "1"][..],
        &["EVAL", "return redis.call('GET', KEYS[1])", "1", "{jinqun:desk}:it"],
        &["PUBLISH", "jinqun:catalog", "7"],
        &["HELLO", "2"],
        &["INFO", "replication"],
    ] {
        redis.service(allowed).unwrap_or_else(|error| panic!("{allowed:?}: {error}"));
    }
    for forbidden in [
        &["SET", "another", "1"][..],
        &["KEYS", "*"],
        &["FLUSHALL"],
        &["CONFIG", "GET", "*"],
        &["SHUTDOWN"],
        &["ACL", "LIST"],
        &["PUBLISH", "another", "7"],
    ] {
        let error = redis.service(forbidden).unwrap_err().to_string();
        assert!(error.to_lowercase().contains("permission"), "{forbidden:?}: {error}");
    }
}

#[test]
fn whoever_looks_after_redis_may_do_what_the_documentation_says() {
    if !is_installed("redis-server") {
        return;
    }
    let redis = Guarded::start();
    redis.service(&["SET", "{jinqun:desk}:it", "a value that is looked for"]).unwrap();
    let documentation = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let lines: Vec<_> = documentation.lines().filter(|it| it.starts_with("redis-cli ")).collect();
    assert!(lines.len() >= 7, "{lines:?}");
    let backup = redis.folder.path().join("dump.rdb");
    for line in lines {
        let line = line.replace("/backup/dump.rdb", backup.to_str().unwrap());
        let done = Command::new("sh").args(["-ec", &line]).current_dir(redis.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        let is_well = done.status.success() && !["ERR", "NOPERM", "NOAUTH"].iter().any(|it| said.contains(it));
        assert!(is_well, "{line}: {said} {}", String::from_utf8_lossy(&done.stderr));
    }
    let backup = fs::read(backup).unwrap();
    assert!(backup.starts_with(b"REDIS"));
    assert!(backup.windows(26).any(|it| it == b"a value that is looked for"), "it is as of the call");
    let admin = fs::read_to_string(redis.folder.path().join("deploy/secrets/redis_admin")).unwrap();
    let error = ask(&admin, &["FLUSHALL"]).unwrap_err().to_string();
    assert!(error.to_lowercase().contains("permission"), "{error}");
}

#[test]
fn the_shipped_user_may_do_all_that_storage_asks_for() {
    if !is_installed("redis-server") {
        return;
    }
    let redis = Guarded::start();
    let mut findings = Vec::new();
    for (name, check) in CHECKS {
        redis.empty();
        let storage = Redis::open(&RedisAt::parse(&redis.storage).unwrap()).unwrap();
        if let Err(finding) = check(&storage) {
            findings.push(format!("{name}: {finding}"));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}
