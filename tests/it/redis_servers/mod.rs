//! Real `redis-server` processes on free ports, stopped when dropped: alone, with Sentinels, and as a Cluster.

pub mod cluster;
pub mod port;
pub mod sentinel;

use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use port::Port;

/// Longer than a server takes to start, and a set of servers to find one another, on a busy machine.
const START_WAIT: Duration = Duration::from_secs(30);
/// Longer than a server of these tests takes to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Time between two looks at a state.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until it is so.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + START_WAIT;
    while !is_so() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// One server.
pub struct Server {
    child: Child,
    pub port: u16,
    folder: TempDir,
    _kept: Port,
}

impl Server {
    /// Starts a server with these further options, which keeps what it is told in an append-only file.
    pub fn start(options: &[&str]) -> Self {
        let server = Self::begin(options);
        server.wait_ready();
        server
    }

    /// Starts a server and does not wait for it.
    fn begin(options: &[&str]) -> Self {
        let kept = Port::free();
        let folder = tempfile::tempdir().unwrap();
        Self { child: spawn(kept.number, &folder, options), port: kept.number, folder, _kept: kept }
    }

    /// Its address as the setting `storage`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again with what it had on disk.
    pub fn restart(&mut self, options: &[&str]) {
        self.begin_again(options);
        self.wait_ready();
    }

    /// Starts it again and does not wait until it has read what it had on disk.
    pub fn begin_again(&mut self, options: &[&str]) {
        self.kill();
        self.child = spawn(self.port, &self.folder, options);
    }

    /// Copies what it has on disk, as a back-up does; the copy is in use after a start with `--appenddirname` and this name.
    pub fn copy_data(&self, name: &str) {
        let (from, to) = (self.folder.path().join("appendonlydir"), self.folder.path().join(name));
        std::fs::create_dir(&to).unwrap();
        for file in std::fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it answers, and no longer says that it is loading.
    pub fn wait_ready(&self) {
        wait_until("redis-server answers", || {
            // A server that wants a password answers as well.
            self.try_connection().is_ok_and(|mut it| {
                redis::cmd("PING")
                    .query::<String>(&mut it)
                    .map_or_else(|error| error.code() == Some("NOAUTH"), |_| true)
            })
        });
    }

    /// A connection beside the service.
    pub fn connection(&self) -> redis::Connection {
        self.try_connection().expect("the server listens")
    }

    fn try_connection(&self) -> redis::RedisResult<redis::Connection> {
        let conn = redis::Client::open(self.url()).unwrap().get_connection_with_timeout(ANSWER_WAIT)?;
        conn.set_read_timeout(Some(ANSWER_WAIT))?;
        Ok(conn)
    }

    /// Asks a command beside the service.
    #[track_caller]
    pub fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Asks a command of a server that may be gone, or refuse.
    pub fn try_ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let mut conn = self.try_connection()?;
        command(words).query(&mut conn)
    }
}

fn command(words: &[&str]) -> redis::Cmd {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16, folder: &TempDir, options: &[&str]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", &Ipv4Addr::LOCALHOST.to_string(), "--save", ""])
        .args(["--daemonize", "no", "--appendonly", "yes", "--appendfsync", "always", "--dir"])
        .arg(folder.path())
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is a redis-server")
}
