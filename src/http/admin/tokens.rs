//! Tokens of programs: the calls and the page for administrators. What admits is in the answer that makes it, and nowhere else.

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate::Staff;
use super::json_of;
use super::listing::{Listing, Page};
use super::shell::{Shell, page};
use super::table::{Endpoint, Param};
use super::users::staff_name;
use crate::app::accounts::{AccountError, NewToken, TOKEN_DAYS_MAX, Token};
use crate::http::Web;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::staff::Role;

const TOKENS: &str = "/api/v1/admin/tokens";
const ONE: &str = "/api/v1/admin/tokens/{id}";
const PAGED: &[Param] = &[
    Param { name: "page", about: "Which page, from 1." },
    Param { name: "per_page", about: "1 to 200 a page; default: 50." },
];

/// A token, without what it admits with.
#[derive(Serialize, JsonSchema)]
struct TokenAnswer {
    /// By which it is revoked.
    id: String,
    /// What it is for.
    name: String,
    /// `viewer`, `ops` or `admin`.
    role: &'static str,
    /// Who made it.
    created_by: String,
    created_at: String,
    /// From when on it admits nobody; null means never.
    expires_at: Option<String>,
    /// Whether it has expired.
    expired: bool,
    /// When it was last used, to the minute.
    used_at: Option<String>,
}

/// A token that was just made.
#[derive(Serialize, JsonSchema)]
struct TokenMadeAnswer {
    #[serde(flatten)]
    token: TokenAnswer,
    /// What admits, as `Authorization: Bearer …`. It is told this once.
    secret: String,
}

/// A token to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewTokenBody {
    /// What it is for, unlike all others.
    name: String,
    /// `viewer`, `ops` or `admin`.
    role: Role,
    /// Days of its life, 1 to 3650; null means for ever.
    #[serde(default)]
    expires_days: Option<u32>,
}

/// The calls and the page.
pub(super) fn endpoints() -> [Endpoint; 5] {
    let admin = Some(Role::Admin);
    [
        Endpoint::new(Method::GET, TOKENS, admin, "The tokens of programs, the newest first", list)
            .params(PAGED)
            .answers::<Listing<TokenAnswer>>(),
        Endpoint::new(Method::POST, TOKENS, admin, "Make a token; the answer shows it this once", create)
            .takes::<NewTokenBody>()
            .answers::<TokenMadeAnswer>()
            .status(201),
        Endpoint::new(Method::GET, ONE, admin, "A token, without what admits", read).answers::<TokenAnswer>(),
        Endpoint::new(Method::DELETE, ONE, admin, "Revoke a token: it admits nobody any more", revoke).status(204),
        Endpoint::new(Method::GET, "/admin/tokens", admin, "The page of tokens", show),
    ]
}

fn answer(web: &Web, it: Token) -> TokenAnswer {
    TokenAnswer {
        id: it.id,
        name: it.name.to_string(),
        role: it.role.as_str(),
        created_by: it.created_by,
        created_at: it.created_at.to_string(),
        expires_at: it.expires_at.map(|at| at.to_string()),
        expired: it.expires_at.is_some_and(|at| at <= web.app.now()),
        used_at: it.used_at.map(|at| at.to_string()),
    }
}

async fn all(web: &Data<Web>) -> Result<Vec<Token>, Problem> {
    let app = std::sync::Arc::clone(&web.app);
    let found = web::block(move || app.accounts().tokens()).await.map_err(|error| Problem::internal(&error))?;
    Ok(found.map_err(AccountError::from)?)
}

async fn list(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let page = Page::read(&mut query);
    query.finish()?;
    let tokens = all(&web).await?.into_iter().map(|it| answer(&web, it)).collect();
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(page.of(tokens)))
}

async fn read(web: Data<Web>, _staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    let found = all(&web).await?.into_iter().find(|it| it.id == *id).ok_or(AccountError::Missing("token"))?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer(&web, found)))
}

async fn create(web: Data<Web>, staff: Staff, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    let NewTokenBody { name, role, expires_days: days } = json_of(&request, &body)?;
    let name = staff_name(&name)?;
    if days.is_some_and(|it| !(1..=TOKEN_DAYS_MAX).contains(&it)) {
        let message = format!("is not a whole number from 1 to {TOKEN_DAYS_MAX}");
        let error = FieldError { field: "expires_days".into(), code: "out_of_range", message };
        return Err(Problem::fields(vec![error]));
    }
    let app = std::sync::Arc::clone(&web.app);
    let made = web::block(move || app.accounts().add_token(&staff.actor, NewToken { name, role, days }));
    let made = made.await.map_err(|error| Problem::internal(&error))??;
    let token = answer(&web, made.token);
    let body = TokenMadeAnswer { token, secret: made.secret };
    Ok(HttpResponse::Created().insert_header((CACHE_CONTROL, "no-store")).json(body))
}

async fn revoke(web: Data<Web>, staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    let app = std::sync::Arc::clone(&web.app);
    let revoked = web::block(move || app.accounts().revoke_token(&staff.actor, &id));
    revoked.await.map_err(|error| Problem::internal(&error))??;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Template)]
#[template(path = "admin/templates/tokens.html", config = "src/http/askama.toml")]
struct TokensView {
    shell: Shell,
}

async fn show(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&TokensView { shell: Shell::new(&request, &staff, "/admin/users") })
}
