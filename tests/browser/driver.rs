//! A thin client of chromedriver: one process for all tests, a session for each, at most two at a time.
//!
//! Knows the protocol (W3C `WebDriver`, and Chrome's own commands beside it) and nothing about our pages.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// What to do where the browser is missing.
const INSTALL: &str = "the browser tests need Chromium and its driver; on Debian: \
    apt-get install chromium chromium-driver (the command in the README that runs every test installs them)";
/// A command that takes longer than this has failed.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// Browsers at a time: each one keeps a core busy.
const SESSIONS_MAX: usize = 2;
/// One browser is enough to start at a time on a small machine; a start that fails is tried once more.
const STARTS_MAX: usize = 2;

static RUNNING: Mutex<Weak<Driver>> = Mutex::new(Weak::new());
static SESSIONS: Mutex<usize> = Mutex::new(0);
static SESSION_ENDED: Condvar = Condvar::new();

/// The client for everything on this machine: no proxy, and no status is an error by itself.
pub fn http_client() -> ureq::Agent {
    ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(COMMAND_TIMEOUT))
        .build()
        .new_agent()
}

/// The driver's process; it ends with the last session.
struct Driver {
    process: Child,
    /// Kept open, so that the driver can go on writing.
    _stdout: BufReader<ChildStdout>,
    url: String,
    http: ureq::Agent,
}

impl Driver {
    /// The driver that runs, or a new one.
    fn shared() -> Arc<Self> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(driver) = running.upgrade() {
            return driver;
        }
        let driver = Arc::new(Self::start());
        *running = Arc::downgrade(&driver);
        driver
    }

    fn start() -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver does not start ({error}); {INSTALL}"));
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        let port = loop {
            let before = said.len();
            assert!(stdout.read_line(&mut said).unwrap() > 0, "chromedriver ended before it listened: {said}");
            let line = said.split_at(before).1;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim().trim_end_matches('.').to_owned();
            }
        };
        Self { process, _stdout: stdout, url: format!("http://127.0.0.1:{port}"), http: http_client() }
    }

    /// One command; the error is the driver's own sentence.
    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.url);
        let sent = match method {
            "GET" => self.http.get(url).call(),
            "DELETE" => self.http.delete(url).call(),
            _ => self.http.post(url).send_json(body),
        };
        let mut answer = sent.map_err(|error| format!("chromedriver does not answer: {error}"))?;
        let is_good = answer.status().is_success();
        // A screenshot is larger than what is read without asking.
        let read = answer.body_mut().with_config().limit(64 << 20);
        let answer: Value = read.read_json().map_err(|error| format!("chromedriver answers no JSON: {error}"))?;
        let value = answer["value"].clone();
        if is_good { Ok(value) } else { Err(format!("{}: {}", value["error"], value["message"])) }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The right to run a browser.
struct Seat;

impl Seat {
    fn take() -> Self {
        let taken = SESSIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken =
            SESSION_ENDED.wait_while(taken, |taken| *taken >= SESSIONS_MAX).unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        Self
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *SESSIONS.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        SESSION_ENDED.notify_one();
    }
}

/// One browser with a profile of its own. It ends when this is dropped, in a panic too.
pub struct Session {
    id: String,
    process_id: u64,
    driver: Arc<Driver>,
    _profile: TempDir,
    _seat: Seat,
}

impl Session {
    /// Starts a browser. `options` go into `goog:chromeOptions`.
    pub fn start(options: &Value) -> Self {
        // Asked for before the seat, so that the driver outlives the change from one test to the next.
        let driver = Driver::shared();
        let seat = Seat::take();
        let mut failures = Vec::new();
        for _ in 0..STARTS_MAX {
            let profile = tempfile::tempdir().unwrap();
            match driver.send("POST", "/session", &capabilities(options, &profile)) {
                Ok(value) => {
                    return Self {
                        id: value["sessionId"].as_str().unwrap().to_owned(),
                        process_id: value["capabilities"]["goog:processID"].as_u64().unwrap(),
                        driver,
                        _profile: profile,
                        _seat: seat,
                    };
                }
                Err(error) => failures.push(error),
            }
        }
        panic!("no browser starts ({}); {INSTALL}", failures.join("; "));
    }

    /// A command of `WebDriver`.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.id);
        self.driver.send(method, &path, body)
    }

    /// A command of the Chrome `DevTools` protocol.
    pub fn cdp(&self, command: &str, params: &Value) -> Result<Value, String> {
        let body = json!({"cmd": command, "params": params});
        self.send("POST", "/goog/cdp/execute", &body).map_err(|error| format!("{command}: {error}"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let ended = self.driver.send("DELETE", &format!("/session/{}", self.id), &Value::Null);
        if ended.is_err() {
            let _ = Command::new("kill").arg(self.process_id.to_string()).status();
        }
    }
}

fn capabilities(options: &Value, profile: &TempDir) -> Value {
    let mut options = options.clone();
    options["args"] = json!([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-extensions",
        "--disable-default-apps",
        "--disable-sync",
        // Chromium itself asks nobody outside either.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        format!("--user-data-dir={}", profile.path().display()),
    ]);
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "goog:chromeOptions": options,
    }}})
}
