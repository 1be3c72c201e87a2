//! Ports that no other test takes, also while the server on them is down.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};

/// Below the range from which the system gives ports to clients and to whoever asks for port 0.
const PORTS: std::ops::Range<u16> = 12_000..22_000;
/// How far above its port a node of a Cluster talks to the other nodes; the sum is still below that range.
const BUS: u16 = 10_000;

/// A port, and the one for the bus of a Cluster above it: of this process until it is dropped.
pub struct Port {
    pub number: u16,
    _lock: File,
}

impl Port {
    /// One that nobody listens on.
    pub fn free() -> Self {
        let folder = std::env::temp_dir().join("jinqun-test-ports");
        std::fs::create_dir_all(&folder).unwrap();
        loop {
            let number = fastrand::u16(PORTS);
            let lock = File::create(folder.join(number.to_string())).unwrap();
            let is_free = |it: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, it)).is_ok();
            // The system lets go of the lock when the process ends, however it ends.
            if lock.try_lock().is_ok() && is_free(number) && is_free(number + BUS) {
                return Self { number, _lock: lock };
            }
        }
    }
}
