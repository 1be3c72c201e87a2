//! A CRM that listens to webhooks, and checks their signatures with an implementation of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A message.
#[derive(Debug, Clone)]
pub struct Message {
    pub is_signed: bool,
    /// `type`.
    pub kind: String,
    pub data: Value,
}

/// The CRM. It takes whatever it is told.
pub struct Crm {
    pub url: String,
    told: Arc<Mutex<Vec<Message>>>,
}

impl Crm {
    /// Listens on a port of its own.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/crm", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut reader = BufReader::new(connection.try_clone().unwrap());
                let (mut headers, mut line) = (BTreeMap::new(), String::new());
                while reader.read_line(&mut line).unwrap() > 2 {
                    let (name, value) = line.split_once(':').unwrap_or_default();
                    headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
                    line.clear();
                }
                let mut body = vec![0; headers["content-length"].parse().unwrap()];
                reader.read_exact(&mut body).unwrap();
                kept.lock().unwrap().push(read(&headers, &body));
                write!(connection, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            }
        });
        Self { url, told }
    }

    /// All messages so far.
    pub fn told(&self) -> Vec<Message> {
        self.told.lock().unwrap().clone()
    }
}

fn read(headers: &BTreeMap<String, String>, body: &[u8]) -> Message {
    let of = |name: &str| headers.get(name).map_or("", String::as_str);
    let key = data_encoding::BASE64.decode(SECRET.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
    let mut keyed = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    keyed.update(format!("{}.{}.", of("webhook-id"), of("webhook-timestamp")).as_bytes());
    keyed.update(body);
    let signature = of("webhook-signature").strip_prefix("v1,").unwrap_or_default();
    let signature = data_encoding::BASE64.decode(signature.as_bytes()).unwrap_or_default();
    let json: Value = serde_json::from_slice(body).unwrap();
    Message {
        is_signed: keyed.verify_slice(&signature).is_ok(),
        kind: json["type"].as_str().unwrap_or_default().to_owned(),
        data: json["data"].clone(),
    }
}
