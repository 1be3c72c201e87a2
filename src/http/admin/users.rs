//! People who sign in: the calls and the page for administrators, and everybody's own password.

use actix_web::http::header::{CACHE_CONTROL, ETAG, SET_COOKIE};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate::Staff;
use super::listing::{Listing, Page};
use super::shell::{Shell, page};
use super::table::{Endpoint, Param};
use super::{etag, json_of, sign_in};
use crate::app::accounts::{AccountError, NewUser, PASSWORD_CHARS_MIN, User, UserChange};
use crate::app::{App, EditError};
use crate::http::Web;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::staff::{Role, StaffName};

const USERS: &str = "/api/v1/admin/users";
const ONE: &str = "/api/v1/admin/users/{name}";
const PASSWORD: &str = "/api/v1/admin/session/password";
const PAGED: &[Param] = &[
    Param { name: "page", about: "Which page, from 1." },
    Param { name: "per_page", about: "1 to 200 a page; default: 50." },
];

/// A person who signs in.
#[derive(Serialize, JsonSchema)]
struct UserAnswer {
    name: String,
    /// `viewer`, `ops` or `admin`.
    role: &'static str,
    /// Whether they may sign in.
    enabled: bool,
    /// When they were added.
    created_at: String,
    /// When the password was last set.
    password_set_at: String,
    /// When they last signed in.
    signed_in_at: Option<String>,
}

impl From<&User> for UserAnswer {
    fn from(it: &User) -> Self {
        Self {
            name: it.name.to_string(),
            role: it.role.as_str(),
            enabled: it.enabled,
            created_at: it.created_at.to_string(),
            password_set_at: it.password_set_at.to_string(),
            signed_in_at: it.signed_in_at.map(|at| at.to_string()),
        }
    }
}

/// Somebody new.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewUserBody {
    /// 1 to 64 letters, digits, dots, dashes, underscores and at signs.
    name: String,
    /// `viewer`, `ops` or `admin`.
    role: Role,
    /// Ten characters or more.
    password: String,
}

/// What is to be changed; what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UserChangeBody {
    /// `viewer`, `ops` or `admin`; in force at once.
    #[serde(default)]
    role: Option<Role>,
    /// Whether they may sign in; `false` ends their sessions.
    #[serde(default)]
    enabled: Option<bool>,
    /// A new password; ends their sessions.
    #[serde(default)]
    password: Option<String>,
}

/// One's own password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    /// The one so far.
    current: String,
    /// The one from now on.
    new: String,
}

/// The calls and pages.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let admin = Some(Role::Admin);
    vec![
        Endpoint::new(Method::GET, USERS, admin, "The people who sign in, by name", list)
            .params(PAGED)
            .answers::<Listing<UserAnswer>>(),
        Endpoint::new(Method::POST, USERS, admin, "Add somebody", create)
            .takes::<NewUserBody>()
            .answers::<UserAnswer>()
            .status(201),
        Endpoint::new(Method::GET, ONE, admin, "Somebody", read).answers::<UserAnswer>(),
        Endpoint::new(
            Method::PATCH,
            ONE,
            admin,
            "Change somebody's role, password or whether they may sign in",
            change,
        )
        .takes::<UserChangeBody>()
        .answers::<UserAnswer>()
        .etag(),
        Endpoint::new(Method::DELETE, ONE, admin, "Remove somebody and end their sessions", remove).status(204).etag(),
        Endpoint::new(
            Method::PUT,
            PASSWORD,
            Some(Role::Viewer),
            "Change one's own password; ends all other sessions",
            own,
        )
        .takes::<PasswordBody>()
        .answers::<sign_in::SessionAnswer>(),
        Endpoint::new(Method::GET, "/admin/users", admin, "The page of people", show),
        Endpoint::new(Method::GET, "/admin/password", Some(Role::Viewer), "The page for one's own password", show_own),
    ]
}

/// Changes with every change of somebody, and not with their signing in.
fn tag_of(user: &User) -> String {
    let User { name, role, enabled, created_at, password_set_at, signed_in_at: _ } = user;
    etag::of(&format!("{name} {} {enabled} {created_at} {password_set_at}", role.as_str()))
}

fn answer(status: StatusCode, user: &User) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((ETAG, tag_of(user)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(UserAnswer::from(user))
}

/// Runs what blocks. Few at a time, because hashing a password takes much memory.
async fn account<T: Send + 'static>(
    web: &Data<Web>,
    act: impl FnOnce(&App) -> Result<T, AccountError> + Send + 'static,
) -> Result<T, Problem> {
    let _turn = web.signing.acquire().await.map_err(|error| Problem::internal(&error))?;
    let app = std::sync::Arc::clone(&web.app);
    let done = web::block(move || act(&app)).await.map_err(|error| Problem::internal(&error))?;
    Ok(done?)
}

async fn list(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let page = Page::read(&mut query);
    query.finish()?;
    let users = account(&web, |app| Ok(app.accounts().users()?)).await?;
    let users = users.iter().map(UserAnswer::from).collect();
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(page.of(users)))
}

async fn create(web: Data<Web>, staff: Staff, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    let NewUserBody { name, role, password } = json_of(&request, &body)?;
    let name = staff_name(&name)?;
    let new = NewUser { name, role, password };
    let user = account(&web, move |app| app.accounts().add_user(&staff.actor, new)).await?;
    Ok(answer(StatusCode::CREATED, &user))
}

/// Reads the name of a user or token that is to be made.
pub(super) fn staff_name(text: &str) -> Result<StaffName, Problem> {
    let error = |error: crate::staff::StaffNameError| FieldError {
        field: "name".into(),
        code: "invalid_name",
        message: error.to_string(),
    };
    StaffName::parse(text).map_err(|it| Problem::fields(vec![error(it)]))
}

async fn read(web: Data<Web>, _staff: Staff, name: Path<String>) -> Result<HttpResponse, Problem> {
    let found = account(&web, move |app| Ok(app.accounts().user(&name)?)).await?;
    Ok(answer(StatusCode::OK, &found.ok_or(AccountError::Missing("user"))?))
}

/// Refuses a change of somebody who is not as the caller believes.
fn unless_stale(expected: Option<String>) -> impl Fn(&User) -> Result<(), AccountError> {
    move |user| etag::matches(expected.as_deref(), &tag_of(user)).map_err(|_stale: EditError| AccountError::Stale)
}

async fn change(
    web: Data<Web>,
    staff: Staff,
    name: Path<String>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let UserChangeBody { role, enabled, password } = json_of(&request, &body)?;
    let (change, check) = (UserChange { role, enabled, password }, unless_stale(etag::expected(&request)));
    let done = move |app: &App| app.accounts().change_user(&staff.actor, &name, &change, &check);
    Ok(answer(StatusCode::OK, &account(&web, done).await?))
}

async fn remove(
    web: Data<Web>,
    staff: Staff,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let check = unless_stale(etag::expected(&request));
    account(&web, move |app| app.accounts().remove_user(&staff.actor, &name, &check)).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn own(web: Data<Web>, staff: Staff, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    let PasswordBody { current, new } = json_of(&request, &body)?;
    if staff.csrf.is_empty() {
        return Err(Problem::forbidden_for_tokens());
    }
    let changed = account(&web, move |app| app.accounts().change_own(app.lockout(), &staff.actor, &current, new)).await;
    let signed_in = changed?;
    let line = sign_in::cookie_line(&web, &signed_in);
    Ok(HttpResponse::Ok()
        .insert_header((SET_COOKIE, line))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(sign_in::SessionAnswer::from(signed_in)))
}

#[derive(Template)]
#[template(path = "admin/templates/users.html", config = "src/http/askama.toml")]
struct UsersView {
    shell: Shell,
}

async fn show(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&UsersView { shell: Shell::new(&request, &staff, "/admin/users") })
}

#[derive(Template)]
#[template(path = "admin/templates/password.html", config = "src/http/askama.toml")]
struct PasswordView {
    shell: Shell,
    chars_min: usize,
}

async fn show_own(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&PasswordView { shell: Shell::new(&request, &staff, ""), chars_min: PASSWORD_CHARS_MIN })
}
