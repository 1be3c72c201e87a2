//! A client that takes every status for an answer; it follows no redirect and keeps no cookie.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request};
use ureq::tls::TlsConfig;

/// Longer than anything a healthy service does.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Looks until there is something to see, for a bounded time.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|it| it.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&self.body));
        })
    }

    /// The answer, once it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        self
    }

    /// The problem in the answer, checked member by member against RFC 9457.
    #[track_caller]
    pub fn problem(&self) -> Problem {
        let shown = String::from_utf8_lossy(&self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{} {shown}", self.status);
        let json = self.json();
        for member in ["type", "title", "detail", "code"] {
            let text = json[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{member} of {shown}");
        }
        assert_eq!(json["status"], self.status, "{shown}");
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        for error in &errors {
            for member in ["field", "code", "message"] {
                assert!(error[member].is_string(), "{member} of {shown}");
            }
        }
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        Problem { code: word(&json["code"]), fields: errors.iter().map(|it| word(&it["field"])).collect() }
    }

    /// The ULID of the visit, which its records bear: the head of the scan id.
    pub fn visit(&self) -> String {
        let json = self.json();
        json["scan"].as_str().unwrap().split_at(26).0.to_owned()
    }

    /// The token in the cookie that was set.
    pub fn cookie(&self) -> Option<&str> {
        let line = self.header("set-cookie")?;
        line.strip_prefix("jinqun=")?.split(';').next()
    }
}

/// What went wrong: the stable word, and the fields that are named.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: String,
    pub fields: Vec<String>,
}

/// Calls one service.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    pub url: String,
}

impl Client {
    pub fn new(url: impl Into<String>) -> Self {
        Self::of(url.into(), TlsConfig::default())
    }

    /// One that takes every certificate.
    pub fn credulous(url: impl Into<String>) -> Self {
        Self::of(url.into(), TlsConfig::builder().disable_verification(true).build())
    }

    fn of(url: String, tls: TlsConfig) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .tls_config(tls)
            .build();
        Self { agent: config.new_agent(), url }
    }

    /// What it calls.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls once; an error of the connection is a value.
    pub fn attempt(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answered = match body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answered = answered?;
        let body = answered.body_mut().read_to_vec()?;
        Ok(Answer { status: answered.status().as_u16(), headers: answered.headers().clone(), body })
    }

    /// Calls once. Every answer bears a request id.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let answer =
            self.attempt(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let id = answer.header("x-request-id").unwrap_or_default();
        assert!(!id.is_empty(), "{method} {path} has no request id");
        answer
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], None)
    }

    #[track_caller]
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.call("GET", path, headers, None)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let json = [("content-type", "application/json")];
        self.call("POST", path, &json, Some(body.as_ref()))
    }

    /// One visit.
    #[track_caller]
    pub fn scan(&self, body: &Value) -> Answer {
        self.post("/api/v1/scans", body.to_string())
    }

    /// One visit with more headers.
    #[track_caller]
    pub fn scan_with(&self, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let body = body.to_string();
        self.call("POST", "/api/v1/scans", headers, Some(body.as_bytes()))
    }
}

/// Sends bytes as they are and reads until the service closes; the request must ask for that.
pub fn raw(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // A service that has heard enough may close before everything is sent.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..length]);
    }
    answer
}

/// The status of an answer as it came over the wire.
pub fn status_of(answer: &[u8]) -> Option<u16> {
    let head = std::str::from_utf8(answer.get(..12)?).ok()?;
    head.strip_prefix("HTTP/1.1 ")?.parse().ok()
}
