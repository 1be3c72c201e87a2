//! What pages inside `WeChat` need of it: the signature by which its script lets a page ask for the position.

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;

use super::Web;
use super::admin::table::{Endpoint, Param};
use super::problem::Problem;
use super::query::Query;
use crate::app::whole_chain;
use crate::platform::page_signature;

/// The longest address that is signed, in bytes.
const URL_BYTES_MAX: usize = 2_048;
const URL: &[Param] = &[Param { name: "url", about: "Required: the page's own address, as the browser has it." }];

/// What `wx.config` takes.
#[derive(Serialize, JsonSchema)]
struct JsConfig {
    /// `appId`.
    app_id: String,
    /// Seconds since 1970.
    timestamp: i64,
    /// `nonceStr`.
    nonce: String,
    /// `signature`.
    signature: String,
}

pub(super) fn endpoints() -> [Endpoint; 1] {
    let about = "What wx.config takes, signed for a page of ours";
    [Endpoint::new(Method::GET, "/api/v1/wechat/js-config", None, about, js_config)
        .params(URL)
        .answers::<JsConfig>()
        .also(404, "No official account is set")
        .also(503, "WeChat does not answer")]
}

/// Whether an address is one of our own pages: whoever signs others is an oracle.
fn is_ours(url: &str, public_url: &str) -> bool {
    let rest = url.strip_prefix(public_url);
    url.len() <= URL_BYTES_MAX
        && url.bytes().all(|it| it.is_ascii_graphic())
        && rest.is_some_and(|it| it.is_empty() || it.starts_with(['/', '?', '#']))
}

async fn js_config(web: Data<Web>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let nothing = || Problem::nothing_here("No official account of WeChat is set.");
    let wechat = web.app.wechat().cloned().ok_or_else(nothing)?;
    let query = Query::parse(request.query_string())?;
    let url = query.text("url").unwrap_or_default().to_owned();
    if !is_ours(&url, &web.settings.public_url) {
        return Err(Problem::field("url", "not_ours", "is not the address of a page of this service"));
    }
    let app_id = wechat.app_id().to_owned();
    let ticket = web::block(move || wechat.jsapi_ticket()).await.map_err(|error| Problem::internal(&error))?;
    let ticket = ticket.map_err(|error| {
        tracing::warn!(error = whole_chain(&error), "a page in WeChat goes without its signature");
        Problem::no_platform()
    })?;
    let timestamp = web.app.now().unix_ms().div_euclid(1_000);
    let nonce = format!("{:032x}", web.app.chance());
    let signature = page_signature(&ticket, &nonce, timestamp, &url);
    let answer = JsConfig { app_id, timestamp, nonce, signature };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_host_are_signed_and_no_others() {
        let ours = "https://qun.example.com";
        for good in ["", "/", "/s/tea?scan=1", "?a", "#x"] {
            assert!(is_ours(&format!("{ours}{good}"), ours), "{good}");
        }
        for bad in [
            "",
            "https://evil.example.com/",
            "https://qun.example.com.evil.example/",
            "https://qun.example.com@evil.example/",
            "https://qun.example.com:444/",
            "http://qun.example.com/",
            "https://qun.example.com/ x",
        ] {
            assert!(!is_ours(bad, ours), "{bad}");
        }
        assert!(!is_ours(&format!("{ours}/{}", "x".repeat(3_000)), ours));
    }
}
