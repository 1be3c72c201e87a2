//! The server to compare with: actix, and a handler that knows its answer by heart.

use std::path::Path;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::rt::System;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};

use crate::load::Answer;

/// Set by the server itself in every answer.
const SET_BY_SERVER: [&str; 3] = ["content-length", "date", "connection"];

/// What a real server once answered.
struct Canned {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Canned {
    fn parse(text: &[u8]) -> Self {
        let end = text.windows(4).position(|it| it == b"\r\n\r\n").expect("the file holds a head");
        let (head, body) = text.split_at(end + 4);
        let head = std::str::from_utf8(head).expect("heads are ASCII");
        let status = head.get(9..12).and_then(|it| it.parse().ok()).expect("a head begins with a status");
        let headers = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| !SET_BY_SERVER.contains(name))
            .map(|(name, value)| {
                let name = HeaderName::try_from(name).expect("was a header's name");
                (name, HeaderValue::from_str(value).expect("was a header's value"))
            })
            .collect();
        Self {
            status: StatusCode::from_u16(status).expect("was a status"),
            headers,
            body: Bytes::copy_from_slice(body),
        }
    }

    fn answer(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.body(self.body.clone())
    }
}

/// Keeps an answer where [`serve`] finds it.
pub(crate) fn keep(answer: &Answer, path: &Path) {
    let text = [answer.head.as_slice(), answer.body.as_slice()].concat();
    std::fs::write(path, text).expect("the folder is writable");
}

/// Answers every `GET` and `POST` with what the file holds, until it is killed.
#[expect(clippy::print_stdout, reason = "tells the bench where it listens")]
pub(crate) fn serve(path: &Path, workers: usize) {
    let canned = Arc::new(Canned::parse(&std::fs::read(path).expect("the bench has written it")));
    System::new().block_on(async {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::from(Arc::clone(&canned)))
                .route("/api/v1/nearest", web::get().to(async |canned: Data<Canned>| canned.answer()))
                .route("/api/v1/scans", web::post().to(async |canned: Data<Canned>, _body: Bytes| canned.answer()))
        })
        .workers(workers)
        .bind(("127.0.0.1", 0))
        .expect("there is a free port");
        for address in server.addrs() {
            println!("listening on http://{address}");
        }
        server.run().await.expect("serves");
    });
}
