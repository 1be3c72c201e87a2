//! A double of `WeCom` and `WeChat` for tests: a real HTTP server with a corporation, its customers, groups and codes.
//!
//! It behaves as the public reference says, with its limits, errors and delays, and sends callbacks with an envelope of its own making.
//! It shares no code with the program. Where the reference is silent it refuses with 40058.
//!
//! Time is its own: it stands at [`NOW`] until a test moves it. Ids are counted, so that they are the same in every run.

mod accounts;
mod chats;
mod contacts;
mod events;
mod faults;
mod pictures;
mod seal;
mod server;
mod tags;
mod ways;
mod world;

pub use events::{Delivery, SentEvent};
pub use faults::Fault;
pub use world::{Call, Person};

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::Value;

use world::World;

/// 2026-07-15, 12:00 in Shanghai, in seconds since 1970.
pub const NOW: i64 = 1_784_088_000;
pub const CORP: &str = "ww1234567890abcdef";
pub const SECRET: &str = "double-wecom-secret-0123456789";
pub const AGENT: u64 = 1_000_002;
pub const TOKEN: &str = "LbsRouteToken2024";
pub const AES_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
pub const APP: &str = "wx00000000000000aa";
pub const APP_SECRET: &str = "double-wechat-secret-0123456789";

/// The double; its server ends when this is dropped.
pub struct Double {
    address: SocketAddr,
    world: Arc<Mutex<World>>,
    is_over: Arc<AtomicBool>,
}

impl Double {
    /// Starts it on a port of its own, with nobody in it.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let world = Arc::new(Mutex::new(World::new(format!("http://{address}"))));
        let is_over = Arc::new(AtomicBool::new(false));
        let (served, over) = (Arc::clone(&world), Arc::clone(&is_over));
        thread::spawn(move || server::serve(&listener, &served, &over));
        Self { address, world, is_over }
    }

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Settings of the program that make it use this double for both platforms, by their names in the settings file.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let own = [
            ("wecom.corp_id", CORP.to_owned()),
            ("wecom.secret", SECRET.to_owned()),
            ("wecom.agent_id", AGENT.to_string()),
            ("wecom.token", TOKEN.to_owned()),
            ("wecom.aes_key", AES_KEY.to_owned()),
            ("wecom.api_base", format!("{}/cgi-bin", self.url())),
            ("wechat.app_id", APP.to_owned()),
            ("wechat.secret", APP_SECRET.to_owned()),
            ("wechat.api_base", self.url()),
            ("wechat.authorize_base", self.url()),
        ];
        own.to_vec()
    }

    /// The same as variables for a process.
    pub fn environment(&self) -> Vec<(String, String)> {
        let named = |name: &str| format!("JINQUN_{}", name.to_uppercase().replace('.', "_"));
        self.settings().into_iter().map(|(name, value)| (named(name), value)).collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The moment, in seconds since 1970.
    pub fn now_s(&self) -> i64 {
        self.world().now_s
    }

    /// Sets the moment.
    pub fn set_now_s(&self, now_s: i64) {
        self.world().now_s = now_s;
    }

    /// Moves time on.
    pub fn advance_s(&self, seconds: i64) {
        self.world().now_s += seconds;
    }

    /// All calls that were made, in order, those that failed among them.
    pub fn calls(&self) -> Vec<Call> {
        self.world().calls.clone()
    }

    /// The bodies of the calls of one path, such as `/externalcontact/mark_tag`.
    pub fn bodies(&self, path: &str) -> Vec<Value> {
        self.calls().into_iter().filter(|it| it.path.ends_with(path)).map(|it| it.json).collect()
    }

    /// How many calls of one path there were.
    pub fn count(&self, path: &str) -> usize {
        self.calls().iter().filter(|it| it.path.ends_with(path)).count()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        self.world().calls.clear();
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections; it may be gone.
        let _ = TcpStream::connect(self.address);
    }
}
