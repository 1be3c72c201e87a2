//! One visit: what is sent, what comes back, and by which instance.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

/// Longer than anything an instance does.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often all instances are tried: another may be starting when the first one stops.
const ROUNDS: usize = 3;
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.49";

/// Asks the instances in turn, and another one where one does not answer, as a balancer does.
#[derive(Default)]
pub struct Balancer {
    pub instances: Mutex<Vec<SocketAddr>>,
    turn: AtomicUsize,
}

impl Balancer {
    fn ask(&self, request: &str) -> Result<String, String> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut cause = String::new();
        let count = self.instances.lock().unwrap().len();
        for attempt in turn..turn + ROUNDS * count {
            let instance = self.instances.lock().unwrap()[attempt % count];
            match ask(instance, request) {
                Ok(answer) => return Ok(answer),
                Err(error) => cause = error.to_string(),
            }
        }
        Err(cause)
    }
}

/// One request on a connection of its own; an error if no byte of an answer came.
fn ask(instance: SocketAddr, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(instance)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => return Err(error),
        _ if answer.is_empty() => return Err(std::io::ErrorKind::UnexpectedEof.into()),
        // An answer that breaks off shows in what is missing from it.
        _ => {}
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// What was acknowledged.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// The ULID of the visit, which its record bears.
    pub scan: String,
    /// The store of the last answer.
    pub store: String,
    /// Whose seat; none for pages, which do not say.
    pub seat: Option<SeatShown>,
    /// With this a visit is refined; none for pages.
    pub again: Option<Again>,
}

/// What a visit needs to be refined at its place.
#[derive(Debug, Clone)]
pub struct Again {
    place: (f64, f64),
    scan: String,
    visitor: String,
}

/// The seat of a visit, as its answer told.
#[derive(Debug, Clone)]
pub struct SeatShown {
    pub group: String,
    pub state: String,
}

fn post(body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST /api/v1/scans HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         user-agent: {PHONE}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Status and body.
fn parts(answer: &str) -> Result<(u16, &str), String> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the head breaks off")?;
    let status = head.get(9..12).and_then(|it| it.parse().ok()).ok_or("there is no status")?;
    Ok((status, body))
}

fn word(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// Posts a scan at a place by somebody new.
pub fn scan(balancer: &Balancer, place: (f64, f64)) -> Result<Acknowledged, String> {
    let body = json!({"position": {"lat": place.0, "lng": place.1}});
    posted(balancer, &body, 201, place)
}

/// Posts the place of a visit again.
pub fn refine(balancer: &Balancer, again: &Again) -> Result<Acknowledged, String> {
    let Again { place, scan, visitor } = again;
    let body = json!({"position": {"lat": place.0, "lng": place.1}, "scan": scan, "visitor": visitor});
    posted(balancer, &body, 200, *place)
}

/// Anything but an acknowledged visit with a code is an error.
fn posted(balancer: &Balancer, body: &Value, expected: u16, place: (f64, f64)) -> Result<Acknowledged, String> {
    let answer = balancer.ask(&post(body))?;
    let (status, text) = parts(&answer)?;
    let json: Value = serde_json::from_str(text).map_err(|error| format!("{status}: {error}"))?;
    if status != expected || json["recorded"] != true || json["join"]["qr_png"].as_str().is_none() {
        return Err(format!("{status} {json}"));
    }
    let id = word(&json["scan"]);
    let scan = id.get(..26).ok_or("the scan is no id")?.to_owned();
    Ok(Acknowledged {
        store: word(&json["store"]["id"]),
        seat: Some(SeatShown { group: word(&json["join"]["id"]), state: word(&json["seat"]) }),
        scan,
        again: Some(Again { place, scan: id, visitor: word(&json["visitor"]) }),
    })
}

/// Opens the landing page of a store; anything but a page with a code is an error.
pub fn page(balancer: &Balancer, store: &str) -> Result<Acknowledged, String> {
    let request = format!(
        "GET /s/default?store={store} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nuser-agent: {PHONE}\r\n\
         accept: text/html\r\naccept-language: zh-CN\r\n\r\n"
    );
    let answer = balancer.ask(&request)?;
    let (status, html) = parts(&answer)?;
    let scan = html.split_once("data-scan=\"").and_then(|(_, rest)| rest.get(..26));
    match scan {
        Some(scan) if status == 200 && html.contains("/qr/") && html.contains("</html>") => {
            Ok(Acknowledged { scan: scan.to_owned(), store: store.to_owned(), seat: None, again: None })
        }
        _ => Err(format!("{status} {}", html.chars().take(2_000).collect::<String>())),
    }
}
