//! A wire to a server that tests can cut, slow down and leave half-open.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::redis_servers::port::Port;

/// Time between two looks for somebody who connects.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It arrives.
    Pass,
    /// It arrives, and each answer waits so long.
    Slow(Duration),
    /// Connections are made and kept, and nothing ever arrives.
    HalfOpen,
    /// Connections end, and those that are made end at once.
    Cut,
    /// Connections end, and nobody listens.
    Refuse,
}

struct Shared {
    to: u16,
    way: Mutex<Way>,
    ends: Mutex<Vec<TcpStream>>,
    is_over: AtomicBool,
}

impl Shared {
    fn way(&self) -> Way {
        *self.way.lock().unwrap()
    }

    fn keep(&self, stream: &TcpStream) {
        self.ends.lock().unwrap().push(stream.try_clone().unwrap());
    }

    fn end_all(&self) {
        for stream in self.ends.lock().unwrap().drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A port that leads to another port of this machine.
pub struct Wire {
    port: Port,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Wire {
    /// A wire that passes everything on to a port.
    pub fn to(server: u16) -> Self {
        let port = Port::free();
        let shared = Arc::new(Shared {
            to: server,
            way: Mutex::new(Way::Pass),
            ends: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let (number, state) = (port.number, Arc::clone(&shared));
        let listening = Some(thread::spawn(move || listen(number, &state)));
        Self { port, shared, listening }
    }

    /// Its address as the setting `storage`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port.number)
    }

    /// Treats what is sent otherwise from now on.
    pub fn set(&self, way: Way) {
        let before = std::mem::replace(&mut *self.shared.way.lock().unwrap(), way);
        // What was swallowed never arrives, and who waits for it is told at last.
        if before == Way::HalfOpen || matches!(way, Way::Cut | Way::Refuse) {
            self.shared.end_all();
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.shared.end_all();
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn listen(port: u16, shared: &Arc<Shared>) {
    let mut listener = None;
    while !shared.is_over.load(Ordering::Relaxed) {
        if shared.way() == Way::Refuse {
            listener = None;
        } else if listener.is_none() {
            let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
            bound.set_nonblocking(true).unwrap();
            listener = Some(bound);
        }
        match listener.as_ref().map(TcpListener::accept) {
            Some(Ok((client, _))) => connect(client, shared),
            _ => thread::sleep(LOOK_EVERY),
        }
    }
}

fn connect(client: TcpStream, shared: &Arc<Shared>) {
    client.set_nonblocking(false).unwrap();
    client.set_nodelay(true).unwrap();
    match shared.way() {
        Way::Cut | Way::Refuse => {}
        Way::HalfOpen => shared.keep(&client),
        Way::Pass | Way::Slow(_) => {
            // Nobody listens there: the client is hung up on.
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.to)) else { return };
            server.set_nodelay(true).unwrap();
            shared.keep(&client);
            shared.keep(&server);
            let asked = (client.try_clone().unwrap(), server.try_clone().unwrap());
            for (from, to, is_answer) in [(asked.0, asked.1, false), (server, client, true)] {
                let shared = Arc::clone(shared);
                thread::spawn(move || pump(from, to, is_answer, &shared));
            }
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, is_answer: bool, shared: &Shared) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        match shared.way() {
            Way::HalfOpen => continue,
            Way::Slow(wait) if is_answer => thread::sleep(wait),
            Way::Pass | Way::Slow(_) | Way::Cut | Way::Refuse => {}
        }
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// A server that sends back what it is sent, on a thread that ends with the test.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
            }
        });
        port
    }

    fn ask(wire: &Wire) -> Result<u8, ErrorKind> {
        let attempt = || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, wire.port.number))?;
            stream.set_read_timeout(Some(Duration::from_millis(300)))?;
            stream.write_all(b"x")?;
            let mut answer = [0];
            stream.read_exact(&mut answer)?;
            Ok(answer[0])
        };
        attempt().map_err(|it: std::io::Error| it.kind())
    }

    #[test]
    fn a_wire_does_what_it_is_told() {
        let wire = Wire::to(echo());
        crate::redis_servers::wait_until("it listens", || ask(&wire) == Ok(b'x'));
        wire.set(Way::HalfOpen);
        assert_eq!(ask(&wire), Err(ErrorKind::WouldBlock));
        wire.set(Way::Pass);
        assert_eq!(ask(&wire), Ok(b'x'));
        wire.set(Way::Slow(Duration::from_secs(1)));
        assert_eq!(ask(&wire), Err(ErrorKind::WouldBlock));
        wire.set(Way::Cut);
        assert!(matches!(ask(&wire), Err(ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset)));
        wire.set(Way::Refuse);
        crate::redis_servers::wait_until("nobody listens", || ask(&wire) == Err(ErrorKind::ConnectionRefused));
        wire.set(Way::Pass);
        crate::redis_servers::wait_until("it listens", || ask(&wire) == Ok(b'x'));
    }
}
