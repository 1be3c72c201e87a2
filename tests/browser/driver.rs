//! A thin client of chromedriver: one process for all tests, at most two browsers at a time, a fresh tab for each test.
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
/// The driver takes a free port of IPv6 and then wants the same one of IPv4, which somebody may have: it ends, and is started again.
const DRIVER_STARTS_MAX: usize = 5;

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
    /// Browsers that wait for the next test: a start takes longer than most tests.
    idle: Mutex<Vec<Running>>,
    _leavings: TempDir,
}

/// A browser with a profile of its own.
struct Running {
    id: String,
    process_id: u64,
    _profile: TempDir,
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
        let mut said = Vec::new();
        for _ in 0..DRIVER_STARTS_MAX {
            match Self::start_once() {
                Ok(driver) => return driver,
                Err(last_words) => said.push(last_words),
            }
        }
        panic!("chromedriver ended before it listened: {}", said.join("; "));
    }

    /// The error is what the driver said before it ended.
    fn start_once() -> Result<Self, String> {
        let leavings = tempfile::tempdir().unwrap();
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            // What the browser leaves behind goes with the driver.
            .env("TMPDIR", leavings.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver does not start ({error}); {INSTALL}"));
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        let port = loop {
            let before = said.len();
            if stdout.read_line(&mut said).unwrap() == 0 {
                process.wait().unwrap();
                return Err(said);
            }
            let line = said.split_at(before).1;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim().trim_end_matches('.').to_owned();
            }
        };
        let url = format!("http://127.0.0.1:{port}");
        let http = http_client();
        Ok(Self { process, _stdout: stdout, url, http, idle: Mutex::default(), _leavings: leavings })
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

impl Driver {
    fn browser(&self) -> Running {
        let mut failures = Vec::new();
        for _ in 0..STARTS_MAX {
            let profile = tempfile::tempdir().unwrap();
            match self.send("POST", "/session", &capabilities(&profile)) {
                Ok(value) => {
                    return Running {
                        id: value["sessionId"].as_str().unwrap().to_owned(),
                        process_id: value["capabilities"]["goog:processID"].as_u64().unwrap(),
                        _profile: profile,
                    };
                }
                Err(error) => failures.push(error),
            }
        }
        panic!("no browser starts ({}); {INSTALL}", failures.join("; "));
    }

    /// A new tab in place of the old one, which takes with it whatever was set for it; and a profile that remembers nothing.
    fn refresh(&self, running: &Running) -> Result<(), String> {
        let send = |method, path: &str, body| self.send(method, &format!("/session/{}{path}", running.id), &body);
        let tab = send("POST", "/window/new", json!({"type": "tab"}))?;
        send("DELETE", "/window", Value::Null)?;
        send("POST", "/window", json!({"handle": tab["handle"]}))?;
        for command in ["Network.clearBrowserCookies", "Network.clearBrowserCache", "Browser.resetPermissions"] {
            send("POST", "/goog/cdp/execute", json!({"cmd": command, "params": {}}))?;
        }
        for log in ["browser", "performance"] {
            send("POST", "/se/log", json!({"type": log}))?;
        }
        Ok(())
    }

    fn end(&self, running: &Running) {
        let ended = self.send("DELETE", &format!("/session/{}", running.id), &Value::Null);
        if ended.is_err() {
            let _ = Command::new("kill").arg(running.process_id.to_string()).status();
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for it in &idle {
            self.end(it);
        }
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

/// A browser with a fresh tab, no cookies and no cache. After a panic it is not used again.
pub struct Session {
    running: Option<Running>,
    driver: Arc<Driver>,
    _seat: Seat,
}

impl Session {
    pub fn start() -> Self {
        // Asked for before the seat, so that the driver outlives the change from one test to the next.
        let driver = Driver::shared();
        let seat = Seat::take();
        let idle = driver.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let running = match idle {
            Some(idle) if driver.refresh(&idle).is_ok() => idle,
            Some(broken) => {
                driver.end(&broken);
                driver.browser()
            }
            None => driver.browser(),
        };
        Self { running: Some(running), driver, _seat: seat }
    }

    /// A command of `WebDriver`.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let id = self.running.as_ref().map_or("", |it| &it.id);
        self.driver.send(method, &format!("/session/{id}{path}"), body)
    }

    /// A command of the Chrome `DevTools` protocol.
    pub fn cdp(&self, command: &str, params: &Value) -> Result<Value, String> {
        let body = json!({"cmd": command, "params": params});
        self.send("POST", "/goog/cdp/execute", &body).map_err(|error| format!("{command}: {error}"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        if std::thread::panicking() {
            self.driver.end(&running);
        } else {
            self.driver.idle.lock().unwrap_or_else(PoisonError::into_inner).push(running);
        }
    }
}

fn capabilities(profile: &TempDir) -> Value {
    let arguments = json!([
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
        // Nothing glides from under a finger.
        "--force-prefers-reduced-motion",
        // Chromium itself asks nobody outside either.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        format!("--user-data-dir={}", profile.path().display()),
    ]);
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "goog:chromeOptions": {"args": arguments},
    }}})
}
