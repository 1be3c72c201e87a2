//! `/oauth/…`: sends a customer who wishes to be recognised to `WeChat` and back, and nowhere else.

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use data_encoding::BASE64URL_NOPAD;

use super::admin::table::{Endpoint, Param};
use super::query::Query;
use super::{Web, cookie};
use crate::app::VisitorToken;
use crate::app::wecom::{Bound, SignInEnd, Way};
use crate::id::VisitorId;

/// The longest path that is gone back to, in bytes.
const TO_BYTES_MAX: usize = 512;
const WECHAT: &str = "/oauth/wechat/callback";
const WECOM: &str = "/oauth/wecom/callback";
const START: &[Param] = &[
    Param { name: "to", about: "The page of ours to go back to, such as `/s/tea`; default: `/`." },
    Param {
        name: "notice",
        about: "The version of the notice that the customer agreed to; without it nothing is kept.",
    },
];
const BACK: &[Param] = &[
    Param { name: "code", about: "From the platform; good once." },
    Param { name: "state", about: "From the beginning of the sign-in; good once, for ten minutes." },
];

pub(super) fn endpoints() -> [Endpoint; 4] {
    let of = |it: Endpoint, params| it.params(params).status(303).without_head();
    let (to, from) = ("Sends a customer who wishes it to be recognised", "Where they are sent back");
    [
        of(Endpoint::new(Method::GET, "/oauth/wechat/start", None, to, start_wechat), START),
        of(Endpoint::new(Method::GET, WECHAT, None, from, wechat_back), BACK),
        of(Endpoint::new(Method::GET, "/oauth/wecom/start", None, to, start_wecom), START),
        of(Endpoint::new(Method::GET, WECOM, None, from, wecom_back), BACK),
    ]
}

fn wechat_way(web: &Web) -> Option<Way> {
    web.settings.sign_in.wechat.filter(|_| web.app.wechat().is_some()).map(Way::Wechat)
}

fn wecom_way(web: &Web) -> Option<Way> {
    (web.settings.sign_in.wecom && web.app.wecom().is_some()).then_some(Way::Wecom)
}

/// The way that the landing page offers, as the beginning of its address: the official account's, which tells more, comes first.
pub(super) fn offered(web: &Web) -> Option<&'static str> {
    let wechat = wechat_way(web).map(|_| "/oauth/wechat/start");
    wechat.or_else(|| wecom_way(web).map(|_| "/oauth/wecom/start"))
}

/// Whether a path is a page of ours that customers see.
fn is_ours(to: &str) -> bool {
    let is_page = to == "/" || to.starts_with("/?") || to.starts_with("/s/") || to.starts_with("/privacy");
    is_page
        && to.len() <= TO_BYTES_MAX
        && to.bytes().all(|it| it.is_ascii_graphic() && it != b'\\')
        && !to.contains("//")
}

fn go(to: &str, cookies: Vec<String>) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, to)).insert_header((CACHE_CONTROL, "no-store"));
    // The address that led here holds a code.
    response.insert_header(("Referrer-Policy", "no-referrer"));
    for line in cookies {
        response.append_header((SET_COOKIE, line));
    }
    response.finish()
}

fn kept(bound: &Bound) -> String {
    let flag = |it| if it { '1' } else { '0' };
    format!("{}{}{}", flag(bound.has_agreed), flag(bound.is_again), BASE64URL_NOPAD.encode(bound.to.as_bytes()))
}

fn read_kept(text: &str) -> Option<Bound> {
    let (flags, to) = text.split_at_checked(2)?;
    let to = String::from_utf8(BASE64URL_NOPAD.decode(to.as_bytes()).ok()?).ok().filter(|it| is_ours(it))?;
    Some(Bound { to, has_agreed: flags.starts_with('1'), is_again: flags.ends_with('1') })
}

fn visitor(web: &Web, request: &HttpRequest) -> Option<VisitorId> {
    cookie::read(request).and_then(|it| web.app.visitor_of(&it))
}

fn begin(web: &Web, way: Way, visitor: VisitorId, bound: &Bound) -> HttpResponse {
    let is_https = web.settings.is_https();
    let back = match way {
        Way::Wechat(_) => WECHAT,
        Way::Wecom => WECOM,
    };
    let state = web.app.sign_in_state(way, visitor, bound);
    match web.app.sign_in_url(way, &format!("{}{back}", web.settings.public_url), &state) {
        Some(url) => go(&url, vec![cookie::write_sign_in(&kept(bound), is_https)]),
        None => go(&bound.to, Vec::new()),
    }
}

fn start(web: &Web, request: &HttpRequest, way: Option<Way>) -> HttpResponse {
    let query = Query::parse(request.query_string()).ok();
    let text = |name| query.as_ref().and_then(|it| it.text(name)).map(ToOwned::to_owned);
    let to = text("to").filter(|it| is_ours(it)).unwrap_or_else(|| "/".to_owned());
    // Who has no cookie has not seen a page of ours, and would leave no trace to join anything to.
    let (Some(way), Some(visitor)) = (way, visitor(web, request)) else { return go(&to, Vec::new()) };
    let has_agreed = text("notice").is_some_and(|it| it == web.app.notice().as_str());
    begin(web, way, visitor, &Bound { to, has_agreed, is_again: false })
}

async fn back(web: &Data<Web>, request: &HttpRequest, way: Option<Way>) -> HttpResponse {
    let is_https = web.settings.is_https();
    let over = cookie::clear_sign_in(is_https);
    let bound = cookie::read_sign_in(request).and_then(|it| read_kept(&it));
    let (Some(way), Some(visitor), Some(bound)) = (way, visitor(web, request), bound) else {
        return go("/", vec![over]);
    };
    let query = Query::parse(request.query_string()).ok();
    let text = |name| query.as_ref().and_then(|it| it.text(name)).map(ToOwned::to_owned);
    let (state, code) = (text("state").unwrap_or_default(), text("code"));
    let (app, held) = (std::sync::Arc::clone(&web.app), bound.clone());
    let ended = web::block(move || app.end_sign_in(way, visitor, &held, (&state, code.as_deref()))).await;
    match ended {
        Ok(SignInEnd::Known(known)) => {
            let mut cookies = vec![over, cookie::write_known(is_https)];
            if known != visitor {
                let token = VisitorToken { visitor: known, last_store: None };
                cookies.push(cookie::write(&web.app.visitor_token(&token), is_https));
            }
            go(&bound.to, cookies)
        }
        Ok(SignInEnd::Again) => begin(web, way, visitor, &Bound { is_again: true, ..bound }),
        Ok(SignInEnd::Unknown) => go(&bound.to, vec![over]),
        Ok(SignInEnd::Refused) | Err(_) => go("/", vec![over]),
    }
}

async fn start_wechat(web: Data<Web>, request: HttpRequest) -> HttpResponse {
    start(&web, &request, wechat_way(&web))
}

async fn start_wecom(web: Data<Web>, request: HttpRequest) -> HttpResponse {
    start(&web, &request, wecom_way(&web))
}

async fn wechat_back(web: Data<Web>, request: HttpRequest) -> HttpResponse {
    back(&web, &request, wechat_way(&web)).await
}

async fn wecom_back(web: Data<Web>, request: HttpRequest) -> HttpResponse {
    back(&web, &request, wecom_way(&web)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_gone_back_to() {
        for good in ["/", "/?store=1", "/s/tea", "/s/tea?store=SH-1&route=group", "/privacy?campaign=tea"] {
            assert!(is_ours(good), "{good}");
        }
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/s//evil.example",
            "/admin",
            "/s/ x",
            "/s/\r\nLocation: x",
            "/oauth/wechat/start",
        ] {
            assert!(!is_ours(bad), "{bad}");
        }
    }

    #[test]
    fn what_the_browser_keeps_comes_back_as_it_was() {
        let bound = Bound { to: "/s/tea?a=1".to_owned(), has_agreed: true, is_again: false };
        assert_eq!(read_kept(&kept(&bound)), Some(bound));
        for bad in ["", "1", "10", "10!!", "11aHR0cHM6Ly94", "é"] {
            assert_eq!(read_kept(bad), None, "{bad}");
        }
    }
}
