//! Keep-alive clients on raw sockets, one request under way on each: light enough to leave the processor to the server.
//!
//! It reads what this service and the bare one send (HTTP/1.1 with a content length) and nothing else.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use actix_web::rt::time::sleep_until;
use actix_web::rt::{System, spawn};

/// An answer with its head is smaller than this.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// An answer as it came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// What the clients saw.
pub(crate) struct Report {
    pub(crate) seconds: f64,
    /// Answers with the status that was expected.
    pub(crate) good: u32,
    /// Answers with another status.
    pub(crate) bad: u32,
    /// Nanoseconds from the first byte of a request to the last of its answer, sorted.
    waits_ns: Vec<u64>,
}

impl Report {
    /// Takes another report of the same load along.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.good += other.good;
        self.bad += other.bad;
        self.waits_ns.extend(other.waits_ns);
        self.waits_ns.sort_unstable();
    }

    /// How many answers there were.
    pub(crate) fn count(&self) -> usize {
        self.waits_ns.len()
    }

    pub(crate) fn per_second(&self) -> f64 {
        f64::from(self.good) / self.seconds
    }

    pub(crate) fn answers(&self) -> f64 {
        f64::from(self.good + self.bad)
    }

    /// The wait in milliseconds that so many of a thousand answers did not exceed.
    pub(crate) fn wait_ms(&self, of_thousand: usize) -> f64 {
        let at = self.waits_ns.len() * of_thousand / 1_000;
        let wait = self.waits_ns.get(at).copied().unwrap_or_default();
        Duration::from_nanos(wait).as_secs_f64() * 1e3
    }
}

/// What to send, by how many, for how long.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) requests: Rc<Vec<Vec<u8>>>,
    pub(crate) connections: usize,
    pub(crate) seconds: u64,
    pub(crate) status: u16,
    /// Requests a second of all together; none for as many as the server takes.
    pub(crate) rate: Option<u32>,
}

impl Load {
    /// Sends for as long as asked. `first` says with which request to begin, so that no two rounds are the same.
    pub(crate) fn run(&self, address: SocketAddr, first: usize) -> Report {
        System::new().block_on(async {
            let started = Instant::now();
            let until = started + Duration::from_secs(self.seconds);
            let clients: Vec<_> =
                (0..self.connections).map(|client| spawn(self.clone().client(address, first, client, until))).collect();
            let (mut good, mut bad, mut waits_ns) = (0, 0, Vec::new());
            for client in clients {
                let done = client.await.expect("a client does not panic");
                good += done.0;
                bad += done.1;
                waits_ns.extend(done.2);
            }
            waits_ns.sort_unstable();
            Report { seconds: started.elapsed().as_secs_f64(), good, bad, waits_ns }
        })
    }

    /// When a client's request is due, counted from its start; the clients are spread over one another's pauses.
    fn due(&self, client: usize, turn: u32) -> Option<Duration> {
        let connections = u32::try_from(self.connections).expect("is small");
        let client = u32::try_from(client).expect("is small");
        let place = f64::from(turn) * f64::from(connections) + f64::from(client);
        self.rate.map(|rate| Duration::from_secs_f64(place / f64::from(rate)))
    }

    /// Every client takes every so many-th request, each another one.
    async fn client(self, address: SocketAddr, first: usize, client: usize, until: Instant) -> (u32, u32, Vec<u64>) {
        let mut wire = Wire::open(address).await;
        let started = Instant::now();
        let (mut good, mut bad, mut waits_ns) = (0, 0, Vec::with_capacity(1 << 16));
        let requests = self.requests.iter().cycle().skip(first + client);
        for (turn, request) in (0_u32..).zip(requests.step_by(self.connections)) {
            if let Some(due) = self.due(client, turn) {
                sleep_until((started + due).into()).await;
            }
            let asked = Instant::now();
            if asked >= until {
                break;
            }
            if wire.ask(request).await == self.status {
                good += 1;
            } else {
                bad += 1;
            }
            let wait = asked.elapsed().as_nanos();
            waits_ns.push(u64::try_from(wait).unwrap_or(u64::MAX));
        }
        (good, bad, waits_ns)
    }
}

/// Asks once on a connection of its own.
pub(crate) fn ask_once(address: SocketAddr, request: &[u8]) -> Answer {
    System::new().block_on(async {
        let mut wire = Wire::open(address).await;
        let status = wire.ask(request).await;
        let (head, body) = wire.answer.split_at(wire.head_bytes);
        Answer { status, head: head.to_vec(), body: body.to_vec() }
    })
}

/// A connection and the last answer on it.
struct Wire {
    stream: TcpStream,
    answer: Vec<u8>,
    head_bytes: usize,
    piece: Vec<u8>,
}

impl Wire {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("is a TCP socket");
        Self { stream, answer: Vec::with_capacity(ANSWER_BYTES_MAX), head_bytes: 0, piece: vec![0; ANSWER_BYTES_MAX] }
    }

    /// Sends a request and reads its whole answer; returns the status.
    async fn ask(&mut self, request: &[u8]) -> u16 {
        let mut rest = request;
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stream.writable().await.expect("the server is there");
                }
                sent => rest = rest.get(sent.expect("the server takes requests")..).unwrap_or_default(),
            }
        }
        self.answer.clear();
        loop {
            self.stream.readable().await.expect("the server is there");
            let read = self.stream.try_read(&mut self.piece);
            if read.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
                continue;
            }
            let read = read.expect("the server answers");
            assert!(read > 0, "the server answers before it hangs up");
            self.answer.extend_from_slice(self.piece.get(..read).unwrap_or_default());
            if let Some((status, head_bytes, all_bytes)) = measure(&self.answer)
                && self.answer.len() >= all_bytes
            {
                self.head_bytes = head_bytes;
                return status;
            }
        }
    }
}

/// Status, bytes of the head and bytes of the whole, once the head is complete.
fn measure(answer: &[u8]) -> Option<(u16, usize, usize)> {
    let head_bytes = answer.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(answer.get(..head_bytes)?).expect("heads are ASCII");
    let status = head.get(9..12)?.parse().ok()?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .expect("every answer has its length");
    Some((status, head_bytes, head_bytes + length))
}
