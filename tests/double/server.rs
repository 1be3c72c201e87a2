//! The double's HTTP: enough of it for a client that keeps connections, and for a browser that is sent on.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;

use super::faults::Fault;
use super::world::{Call, Request, World, refusal};

/// What goes over the wire.
struct Reply {
    status: u16,
    content_type: &'static str,
    location: Option<String>,
    body: Vec<u8>,
}

impl Reply {
    fn json(value: &Value) -> Self {
        let body = value.to_string().into_bytes();
        Self { status: 200, content_type: "application/json; charset=UTF-8", location: None, body }
    }

    fn plain(status: u16, body: &str) -> Self {
        Self { status, content_type: "text/plain", location: None, body: body.into() }
    }
}

pub(super) fn serve(listener: &TcpListener, world: &Arc<Mutex<World>>, is_over: &Arc<AtomicBool>) {
    for connection in listener.incoming() {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let Ok(connection) = connection else { return };
        let (world, is_over) = (Arc::clone(world), Arc::clone(is_over));
        thread::spawn(move || talk(connection, &world, &is_over));
    }
}

/// Answers requests of one connection until it ends.
fn talk(connection: TcpStream, world: &Mutex<World>, is_over: &AtomicBool) {
    let _ = connection.set_nodelay(true);
    let Ok(mut writer) = connection.try_clone() else { return };
    let mut reader = BufReader::new(connection);
    while let Some(request) = read(&mut reader) {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let Some(reply) = reply(&request, world) else { return };
        let location = reply.location.map(|it| format!("Location: {it}\r\n")).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {} X\r\nContent-Type: {}\r\nContent-Length: {}\r\n{location}\r\n",
            reply.status,
            reply.content_type,
            reply.body.len()
        );
        if writer.write_all(&[head.as_bytes(), &reply.body].concat()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|it| *it > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|it| *it > 0)?;
        match header.trim_end().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok()?,
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Request { method, path: path.to_owned(), query, json, body })
}

/// What is answered; none if the connection ends without a word.
fn reply(request: &Request, world: &Mutex<World>) -> Option<Reply> {
    let locked = || world.lock().unwrap_or_else(PoisonError::into_inner);
    let fault = {
        let mut world = locked();
        let call = Call {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            json: request.json.clone(),
            body: request.body.clone(),
            at_s: world.now_s,
        };
        world.calls.push(call);
        world.faults.next(&request.path)
    };
    match fault {
        Some(Fault::Drop) => return None,
        Some(Fault::Garbage) => return Some(Reply::plain(200, "<html>upstream</html>")),
        Some(Fault::Status(status)) => return Some(Reply::plain(status, "broken")),
        Some(Fault::Code(code)) => return Some(Reply::json(&refusal(code))),
        Some(Fault::Delay(wait)) => thread::sleep(wait),
        Some(Fault::DropAfter) | None => {}
    }
    let mut world = locked();
    let reply = if let Some(id) = request.path.strip_prefix("/pictures/") {
        match world.pictures.get(id) {
            Some(png) => Reply { status: 200, content_type: "image/png", location: None, body: png.clone() },
            None => Reply::plain(404, "no such picture"),
        }
    } else if request.path == "/connect/oauth2/authorize" {
        match world.authorize(request) {
            Some(location) => Reply { location: Some(location), ..Reply::plain(302, "") },
            None => Reply::plain(400, "redirect_uri"),
        }
    } else {
        Reply::json(&world.answer(request))
    };
    (fault != Some(Fault::DropAfter)).then_some(reply)
}
