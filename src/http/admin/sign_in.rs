//! Signing in and out: the page, the calls behind it, and the page for whoever is known but may not.

use actix_web::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate::{self, Staff};
use super::json_of;
use super::shell::{Shell, page, page_of};
use super::table::Endpoint;
use crate::app::accounts::{SESSION_LIFE_D, SignIn, SignedIn};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::{Web, cookie};
use crate::staff::Role;

/// Where somebody signs in.
pub(super) const PAGE: &str = "/admin/sign-in";
const HOME: &str = "/admin";
const SESSION: &str = "/api/v1/admin/session";
const COOKIE_LIFE_S: u32 = SESSION_LIFE_D * 86_400;
/// The longest address that a sign-in leads back to, in bytes.
const NEXT_BYTES_MAX: usize = 1_000;

/// Who signs in, and with what.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    /// The user's name.
    name: String,
    /// Their password.
    password: String,
}

/// Who is signed in.
#[derive(Serialize, JsonSchema)]
pub(super) struct SessionAnswer {
    /// The user, or `token:…` for a token, or `settings` for the token of the settings.
    name: String,
    /// `viewer`, `ops` or `admin`.
    role: &'static str,
    /// What every change through the session's cookie bears as `X-CSRF-Token`; empty where no cookie is used.
    csrf_token: String,
}

impl From<SignedIn> for SessionAnswer {
    fn from(it: SignedIn) -> Self {
        let csrf_token = it.csrf();
        Self { name: it.name, role: it.role.as_str(), csrf_token }
    }
}

/// The `Set-Cookie` line of somebody who has just signed in.
pub(super) fn cookie_line(web: &Web, signed_in: &SignedIn) -> String {
    cookie::write_session(&signed_in.cookie, COOKIE_LIFE_S, web.settings.is_https())
}

/// The page and its calls.
pub(super) fn endpoints() -> [Endpoint; 4] {
    [
        Endpoint::new(Method::GET, PAGE, None, "The page to sign in", show),
        Endpoint::new(Method::POST, SESSION, None, "Sign in: sets the session's cookie", create)
            .takes::<SignInBody>()
            .answers::<SessionAnswer>()
            .status(201),
        Endpoint::new(Method::GET, SESSION, Some(Role::Viewer), "Who is signed in", read).answers::<SessionAnswer>(),
        Endpoint::new(Method::DELETE, SESSION, Some(Role::Viewer), "Sign out: ends the session", delete).status(204),
    ]
}

#[derive(Template)]
#[template(path = "admin/templates/sign_in.html", config = "src/http/askama.toml")]
struct SignInView<'a> {
    shell: Shell,
    next: &'a str,
}

async fn show(web: Data<Web>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string())?;
    let next = query.text("next").filter(|it| is_inward(it)).unwrap_or(HOME);
    if gate::session(&web, &request).await?.is_some() {
        let leads_on = HttpResponse::SeeOther().insert_header((LOCATION, next)).finish();
        return Ok(leads_on);
    }
    page(&SignInView { shell: Shell::of_nobody(&request), next })
}

/// Whether an address leads to one of our own pages, and nowhere else whatever a browser makes of it.
fn is_inward(next: &str) -> bool {
    let rest = next.strip_prefix(HOME).filter(|_| next.len() <= NEXT_BYTES_MAX && !next.starts_with(PAGE));
    let is_plain = |it: char| it.is_ascii_graphic() && !matches!(it, '\\' | '"' | '<' | '>');
    rest.is_some_and(|it| {
        (it.is_empty() || it.starts_with(['/', '?'])) && it.chars().all(is_plain) && !it.contains("//")
    })
}

async fn create(web: Data<Web>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    gate::from_our_site(&request)?;
    let ask: SignInBody = json_of(&request, &body)?;
    let address = gate::address(&web, &request);
    let earlier = cookie::read_session(&request);
    let _turn = web.signing.acquire().await.map_err(|error| Problem::internal(&error))?;
    let app = std::sync::Arc::clone(&web.app);
    let signed_in = web::block(move || {
        let (address, earlier) = (address.as_deref(), earlier.as_deref());
        let ask = SignIn { name: &ask.name, password: &ask.password, address, earlier };
        app.accounts().sign_in(app.lockout(), &ask)
    });
    let signed_in = signed_in.await.map_err(|error| Problem::internal(&error))??;
    Ok(HttpResponse::Created()
        .insert_header((SET_COOKIE, cookie_line(&web, &signed_in)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(SessionAnswer::from(signed_in)))
}

async fn read(staff: Staff) -> HttpResponse {
    let Staff { actor, csrf } = staff;
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(SessionAnswer {
        name: actor.name,
        role: actor.role.as_str(),
        csrf_token: csrf,
    })
}

async fn delete(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let is_https = web.settings.is_https();
    if let Some(cookie) = cookie::read_session(&request).filter(|_| !staff.csrf.is_empty()) {
        let app = std::sync::Arc::clone(&web.app);
        let ended = web::block(move || app.accounts().sign_out(&staff.actor, &cookie)).await;
        ended.map_err(|error| Problem::internal(&error))?.map_err(|_cause| Problem::no_storage())?;
    }
    Ok(HttpResponse::NoContent().insert_header((SET_COOKIE, cookie::write_session("", 0, is_https))).finish())
}

#[derive(Template)]
#[template(path = "admin/templates/refused.html", config = "src/http/askama.toml")]
struct RefusedView {
    shell: Shell,
    needs: &'static str,
}

/// The page for somebody who is known and may not see what was asked for.
pub(super) fn refused(request: &HttpRequest, staff: &Staff, needs: Role) -> HttpResponse {
    let view = RefusedView { shell: Shell::new(request, staff, ""), needs: needs.as_str() };
    let rendered = page_of(StatusCode::FORBIDDEN, &view, "");
    rendered.unwrap_or_else(|problem| actix_web::ResponseError::error_response(&problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_to_our_own_pages_only() {
        for inward in ["/admin", "/admin?x=1", "/admin/stores/SH-0001?q=%E5%BA%97"] {
            assert!(is_inward(inward), "{inward}");
        }
        for outward in [
            "",
            "/",
            "//evil.example",
            "/admin//evil.example",
            "/adminevil",
            "/admin.evil.example",
            "https://evil.example",
            "/admin\\evil",
            "/admin/\u{9}x",
            "/admin/<x>",
            "/admin/店",
            "javascript:alert(1)",
            "/admin/sign-in",
            "/admin@evil",
            &format!("/admin/{}", "x".repeat(1_000)),
        ] {
            assert!(!is_inward(outward), "{outward}");
        }
    }
}
