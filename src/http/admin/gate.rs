//! Who may come in: handlers take a [`Staff`], which is there only if the caller is known and may do what the table says.
//!
//! Known are the token of the settings, the tokens of programs, and whoever has signed in. A change that a browser's cookie vouches
//! for must come from one of our own pages: it bears the page's token, and the browser says that no other site sent it.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HOST, HeaderName, LOCATION, ORIGIN};
use actix_web::web::{self, Data};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};
use subtle::ConstantTimeEq as _;

use super::endpoints;
use super::sign_in::{PAGE as SIGN_IN, refused};
use crate::app::accounts::{SignedIn, TOKEN_PREFIX};
use crate::http::problem::Problem;
use crate::http::{Web, bearer, client_ip, cookie};
use crate::staff::{Actor, Role};

/// What a change through a session bears.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// Which site a browser says has sent a request (<https://w3c.github.io/webappsec-fetch-metadata/>).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who may use which call: by method and path as the router writes it.
pub(in crate::http) struct Gate(HashMap<(Method, &'static str), Option<Role>>);

impl Gate {
    pub(in crate::http) fn new() -> Self {
        Self(endpoints().into_iter().map(|it| ((it.method, it.path), it.needs)).collect())
    }

    fn needs(&self, request: &HttpRequest) -> Option<Role> {
        let path = request.match_pattern()?;
        let method = if *request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        let mut found = self.0.iter().filter(|((by, at), _)| *by == method && *at == path);
        // What is in no table is for nobody but administrators.
        found.next().map_or(Some(Role::Admin), |(_, needs)| *needs)
    }
}

/// Somebody of the operations team, known and allowed to use this call.
#[derive(Debug, Clone)]
pub(in crate::http) struct Staff {
    /// Who it is.
    pub(in crate::http) actor: Actor,
    /// What a page sends along with every change; empty where no cookie is used.
    pub(in crate::http) csrf: String,
}

impl FromRequest for Staff {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _body: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let web = request.app_data::<Data<Web>>().cloned().ok_or_else(Problem::not_admitted)?;
            let staff = match admit(&web, &request).await {
                Ok(staff) => staff,
                Err(problem) if problem.status() == 401 && is_page(&request) => return Err(to_sign_in(&request)),
                Err(problem) => return Err(problem.into()),
            };
            match web.gate.needs(&request).filter(|it| staff.actor.role < *it) {
                None => Ok(staff),
                Some(needs) if is_page(&request) => {
                    Err(InternalError::from_response("forbidden", refused(&request, &staff, needs)).into())
                }
                Some(needs) => Err(Problem::forbidden(needs.as_str()).into()),
            }
        })
    }
}

fn is_page(request: &HttpRequest) -> bool {
    request.path() == "/admin" || request.path().starts_with("/admin/")
}

/// Sends a browser to the sign-in, which leads back here.
fn to_sign_in(request: &HttpRequest) -> Error {
    let here = request.uri().path_and_query().map_or("/admin", |it| it.as_str());
    let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
    let response = HttpResponse::SeeOther()
        .insert_header((LOCATION, format!("{SIGN_IN}?next={next}")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("text/html; charset=utf-8")
        .finish();
    InternalError::from_response("not signed in", response).into()
}

async fn admit(web: &Data<Web>, request: &HttpRequest) -> Result<Staff, Problem> {
    let address = address(web, request);
    if let Some(given) = bearer::token(request) {
        if web.settings.swapped.load().admin_token.as_ref().is_some_and(|it| it.is_of(given)) {
            let actor = Actor { name: "settings".to_owned(), role: Role::Admin, address };
            return Ok(Staff { actor, csrf: String::new() });
        }
        let given = Some(given).filter(|it| it.starts_with(TOKEN_PREFIX)).ok_or_else(Problem::not_admitted)?.to_owned();
        let app = std::sync::Arc::clone(&web.app);
        let found =
            web::block(move || app.accounts().token(&given)).await.map_err(|error| Problem::internal(&error))?;
        let token = found?.ok_or_else(Problem::not_admitted)?;
        let actor = Actor { name: format!("token:{}", token.name), role: token.role, address };
        return Ok(Staff { actor, csrf: String::new() });
    }
    let session = session(web, request).await?.ok_or_else(Problem::not_admitted)?;
    let csrf = session.csrf();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        from_our_site(request)?;
        let given = request.headers().get(CSRF).map_or(&b""[..], |it| it.as_bytes());
        if !bool::from(csrf.as_bytes().ct_eq(given)) {
            return Err(Problem::not_from_here("Send the page's token as X-CSRF-Token, or use a token as Bearer."));
        }
    }
    Ok(Staff { actor: Actor { name: session.name, role: session.role, address }, csrf })
}

/// From which network address a request came.
pub(super) fn address(web: &Web, request: &HttpRequest) -> Option<String> {
    client_ip::of(request, &web.settings.swapped.load().trusted_proxies).map(|it| it.to_string())
}

/// Who is signed in with the cookie of a request.
pub(super) async fn session(web: &Data<Web>, request: &HttpRequest) -> Result<Option<SignedIn>, Problem> {
    let Some(cookie) = cookie::read_session(request) else { return Ok(None) };
    let app = std::sync::Arc::clone(&web.app);
    let found = web::block(move || app.accounts().session(&cookie)).await.map_err(|error| Problem::internal(&error))?;
    Ok(found?)
}

/// Refuses what a browser says another site has sent. Browsers that say nothing are not refused: the page's token still counts.
pub(super) fn from_our_site(request: &HttpRequest) -> Result<(), Problem> {
    let text = |name| request.headers().get(name).and_then(|it| it.to_str().ok());
    let is_ours = match (text(SITE), text(ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(HOST)
        }
        (None, None) => true,
    };
    if is_ours { Ok(()) } else { Err(Problem::not_from_here("Another site has sent this.")) }
}
