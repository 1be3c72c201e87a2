//! The real program in a process of its own, away from the settings of whoever runs the tests.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use crate::client::{Client, eventually};

/// The program, with an empty environment and in this folder, where it keeps its data in `data`.
pub fn jinqun(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jinqun"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub fn run(folder: &Path, args: &[&str]) -> Output {
    jinqun(folder).args(args).output().unwrap()
}

/// Runs the program to its end, which must be a good one, and returns what it printed.
#[track_caller]
pub fn run_well(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// A service in a process of its own; killed when this is dropped.
pub struct Service {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub client: Client,
}

impl Service {
    /// Starts the program and waits until it says where it listens. Its log goes to the file `log` in the folder.
    pub fn start(folder: &Path, args: &[&str], settings: &[(&str, &str)]) -> Self {
        let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let mut child = jinqun(folder)
            .args(args)
            .env("JINQUN_LISTEN", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ");
        let url = url.unwrap_or_else(|| {
            let log = std::fs::read_to_string(folder.join("log")).unwrap();
            panic!("{line:?} {log}")
        });
        Self { child, stdout, client: Client::new(url) }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        eventually("the process ends", || self.child.try_wait().unwrap())
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
