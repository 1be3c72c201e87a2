//! Scans while a sheet is imported through the API of the same service: none may fail, and few may wait longer than usual.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::load::{Load, Report, ask_once};
use crate::metrics;

/// The token of the settings, known to this bench alone.
pub(crate) const TOKEN: &str = "bench-token-of-thirty-two-letters";
/// How often to look whether the import is over.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Versions are live within so many looks.
const LOOKS_MAX: u32 = 6_000;
const EDGE: &str = "edge-of-a-part";

/// What an import did.
pub(crate) struct Imported {
    /// From the first byte of the sheet to the end.
    pub(crate) seconds: f64,
    /// What the service said.
    pub(crate) job: serde_json::Value,
}

/// Measures scans for some rounds, then for as long as the import takes.
pub(crate) fn measure(
    load: &Load,
    rounds: usize,
    address: SocketAddr,
    sheet: &Path,
) -> (Vec<Report>, Report, Imported) {
    let usual: Vec<Report> = (0..rounds).map(|round| load.run(address, round * 1_009)).collect();
    let bytes = std::fs::read(sheet).expect("the sheet is there");
    let importing = thread::spawn(move || import(address, &bytes));
    let short = Load { seconds: 1, ..load.clone() };
    let mut during = short.run(address, 7);
    while !importing.is_finished() {
        during.absorb(short.run(address, 7 + during.count()));
    }
    (usual, during, importing.join().expect("the import ends"))
}

/// Sends the sheet and waits until it is live.
fn import(address: SocketAddr, sheet: &[u8]) -> Imported {
    let started = Instant::now();
    let head = format!(
        "--{EDGE}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"chain.xlsx\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let body = [head.as_bytes(), sheet, format!("\r\n--{EDGE}--\r\n").as_bytes()].concat();
    let request = format!(
        "POST /api/v1/admin/stores/import?background=true&datum=wgs84 HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\nContent-Type: multipart/form-data; boundary={EDGE}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.write_all(&[request.as_bytes(), &body].concat()).expect("the server takes the sheet");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(head.starts_with("HTTP/1.1 202"), "the sheet is taken: {answer}");
    let begun: serde_json::Value = serde_json::from_str(body).expect("the answer is JSON");
    let look = format!(
        "GET /api/v1/admin/imports/{} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
        begun.pointer("/id").expect("an import has an id")
    );
    for _ in 0..LOOKS_MAX {
        let answer = ask_once(address, look.as_bytes());
        let job: serde_json::Value = serde_json::from_slice(&answer.body).expect("the answer is JSON");
        let phase = job.pointer("/phase").and_then(serde_json::Value::as_str);
        if phase == Some("done") {
            return Imported { seconds: started.elapsed().as_secs_f64(), job };
        }
        assert_ne!(phase, Some("failed"), "{job}");
        thread::sleep(LOOK_EVERY);
    }
    unreachable!("an import ends within ten minutes")
}

/// Prints what was measured.
pub(crate) fn tell(usual: &[Report], during: &Report, imported: &Imported, metrics_text: &str) {
    let mut p99s: Vec<f64> = usual.iter().map(|it| it.wait_ms(990)).collect();
    p99s.sort_by(f64::total_cmp);
    let p99 = p99s.get(p99s.len() / 2).copied().unwrap_or_default();
    println!("| | scans/s | failed | p50 ms | p99 ms | p99.9 ms |\n| --- | ---: | ---: | ---: | ---: | ---: |");
    let line = |name: &str, it: &Report| {
        let at = |of_thousand| it.wait_ms(of_thousand);
        println!("| {name} | {:.0} | {} | {:.2} | {:.2} | {:.2} |", it.per_second(), it.bad, at(500), at(990), at(999));
    };
    for it in usual {
        line("usual", it);
    }
    line("during the import", during);
    println!(
        "\nThe import took {:.1} s from the first byte until it was live; p99 of scans meanwhile {:.2} times the usual {p99:.2} ms.",
        imported.seconds,
        during.wait_ms(990) / p99
    );
    println!("Report: {}", imported.job.pointer("/report").unwrap_or_default());
    let version = metrics::value(metrics_text, "jinqun_catalog_version");
    println!("Catalog version {version:?}, stores {:?}.", metrics::value(metrics_text, "jinqun_catalog_stores"));
}
