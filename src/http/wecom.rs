//! `/wecom/callback`: where `WeCom` asks whether the address is ours, and tells what happened there. Not what becomes of that.

use actix_web::http::Method;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::Web;
use super::admin::table::{Body, Endpoint, Param};
use super::problem::{FieldError, Problem};
use crate::app::wecom::ReceiveError;
use crate::wecom::{Fields, Sealed, XML_BYTES_MAX};

/// The longest query that is read, in bytes: an `echostr` has some hundred.
const QUERY_BYTES_MAX: usize = 4_096;

const SIGNATURE: Param =
    Param { name: "msg_signature", about: "Required: who sends it proves that they know the token." };
const TIMESTAMP: Param = Param { name: "timestamp", about: "Required: when it was signed, in seconds since 1970." };
const NONCE: Param = Param { name: "nonce", about: "Required: what makes the signature another one each time." };
const ECHO: &[Param] =
    &[SIGNATURE, TIMESTAMP, NONCE, Param { name: "echostr", about: "Required: the sealed text to be sent back." }];
const EVENT: &[Param] = &[SIGNATURE, TIMESTAMP, NONCE];

/// The address of callbacks.
pub(super) fn endpoints() -> [Endpoint; 2] {
    let media = |media_type| Body { media_type, schema: None };
    let with = |it: Endpoint| {
        it.answers_body(media("text/plain"))
            .also(403, "The signature does not fit, or it is for another corporation")
            .also(404, "Callbacks are not set up")
    };
    let echo = "Whether the address of callbacks is ours: what was sealed in echostr";
    let event = "An event of WeCom; a 200 means that it is on stable storage";
    [
        with(Endpoint::new(Method::GET, "/wecom/callback", None, echo, try_address).params(ECHO)),
        with(Endpoint::new(Method::POST, "/wecom/callback", None, event, receive).params(EVENT))
            .takes_body(media("text/xml"))
            .body_bytes_max(XML_BYTES_MAX)
            .also(503, "It could not be kept; send it again"),
    ]
}

/// The query of a callback. A `+` is a plus sign there, as in base64, and no space.
struct Signed(Vec<(String, String)>);

impl Signed {
    fn read(request: &HttpRequest) -> Result<Self, Problem> {
        let query = request.query_string();
        if query.len() > QUERY_BYTES_MAX {
            let message = format!("may hold at most {QUERY_BYTES_MAX} bytes");
            return Err(Problem::field("query", "too_long", message));
        }
        let query = query.replace('+', "%2B");
        Ok(Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, text)| text.as_str())
    }

    /// With the ciphertext, wherever that came from; names every part that is missing.
    fn with<'a>(&'a self, field: &'static str, encrypt: Option<&'a str>) -> Result<Sealed<'a>, Problem> {
        let mut errors = Vec::new();
        let mut part = |name: &'static str, text: Option<&'a str>| {
            let text = text.filter(|it| !it.is_empty());
            if text.is_none() {
                errors.push(FieldError { field: name.into(), code: "missing", message: "is required".to_owned() });
            }
            text.unwrap_or_default()
        };
        let sealed = Sealed {
            signature: part("msg_signature", self.text("msg_signature")),
            timestamp: part("timestamp", self.text("timestamp")),
            nonce: part("nonce", self.text("nonce")),
            encrypt: part(field, encrypt),
        };
        if errors.is_empty() { Ok(sealed) } else { Err(Problem::fields(errors)) }
    }
}

async fn try_address(web: Data<Web>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let signed = Signed::read(&request)?;
    // Who asks for what is not set up need not know what would be missing.
    let sealed = signed.with("echostr", signed.text("echostr")).or_else(|problem| only_if_on(&web, problem))?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(web.app.open_echo(sealed)?))
}

async fn receive(web: Data<Web>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    let signed = Signed::read(&request)?;
    let envelope = std::str::from_utf8(&body).ok().and_then(|it| Fields::read(it).ok()).unwrap_or_default();
    let sealed = signed.with("Encrypt", Some(envelope.text("Encrypt"))).or_else(|problem| only_if_on(&web, problem))?;
    web.app.receive(sealed).await?;
    Ok(HttpResponse::Ok().finish())
}

/// What is wrong with a callback matters only where there are callbacks.
fn only_if_on<T>(web: &Web, problem: Problem) -> Result<T, Problem> {
    Err(if web.app.takes_callbacks() { problem } else { ReceiveError::Off.into() })
}
