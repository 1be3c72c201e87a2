//! Servers as child processes, and what the kernel says of the processor time they used.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Linux tells processor time in hundredths of a second on every architecture (`USER_HZ`).
const TICKS_A_SECOND: f64 = 100.0;

/// A server that runs until this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Kept open, because a server that prints to a closed pipe fails.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a program whose first line says where it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let output = child.stdout.take().expect("is piped");
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line).expect("the program prints");
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .and_then(|it| it.parse().ok())
            .expect("the first line says where it listens");
        Self { child, address, _output: output }
    }

    /// Seconds of processor time that it has used, in user mode and in the kernel.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(path).expect("the server runs");
        // The name in brackets may hold spaces; the fields behind it are counted from the third.
        let (_, fields) = stat.rsplit_once(") ").expect("the name is in brackets");
        let ticks = fields.split(' ').skip(11).take(2);
        ticks.filter_map(|it| it.parse::<u32>().ok()).map(f64::from).sum::<f64>() / TICKS_A_SECOND
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.expect("there is a kill").success(), "it runs");
        let ended = self.child.wait().expect("is our child");
        assert!(ended.success(), "it ends well: {ended}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
