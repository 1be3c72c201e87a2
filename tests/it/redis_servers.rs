//! Real `redis-server` processes on free ports, stopped when dropped.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// How often another port is tried.
const TRIES_MAX: u32 = 20;

/// A port that nobody listens on at this moment.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// One server.
pub struct Server {
    child: Child,
    pub port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts a server with these further options, which keeps what it is told in an append-only file.
    pub fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..TRIES_MAX {
            let port = free_port();
            if let Some(child) = spawn(port, &folder, options) {
                return Self { child, port, folder };
            }
        }
        panic!("redis-server does not start");
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
        self.kill();
        self.child = spawn(self.port, &self.folder, options).expect("its port is free");
    }

    /// A connection beside the service.
    pub fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server and waits until it takes connections; none if the port was taken meanwhile.
fn spawn(port: u16, folder: &TempDir, options: &[&str]) -> Option<Child> {
    let mut child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"])
        .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
        .arg(folder.path())
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is a redis-server");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_ready = lines.by_ref().map_while(Result::ok).any(|it| it.contains("Ready to accept connections"));
    if !is_ready {
        let _ = child.wait();
        return None;
    }
    // A server that prints to a closed pipe would end.
    std::thread::spawn(move || lines.for_each(drop));
    Some(child)
}
