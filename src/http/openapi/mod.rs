//! `GET /openapi.json`: the description of every call and page (OpenAPI 3.1), made from the same tables as the router and the gate;
//! and `GET /docs`, a page of our own over it.

mod document;
pub(super) mod shape;

pub(super) use document::{SameName, document};

use actix_web::http::Method;
use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::Web;
use super::admin::etag;
use super::admin::shell::{Shell, page};
use super::admin::table::{Body, Endpoint};
use super::problem::Problem;

/// The description as it is sent.
pub(super) struct Description {
    body: Bytes,
    etag: String,
}

impl Description {
    /// # Errors
    /// Two shapes are called the same.
    pub(super) fn new(endpoints: &[Endpoint]) -> Result<Self, SameName> {
        let text = document(endpoints)?.to_string();
        Ok(Self { etag: etag::of(&text), body: text.into() })
    }
}

/// The calls about the calls.
pub(super) fn endpoints() -> [Endpoint; 2] {
    let html = Body { media_type: "text/html", schema: None };
    [
        Endpoint::new(Method::GET, "/openapi.json", None, "This description", describe)
            .answers_body(Body { media_type: "application/json", schema: Some(shape::any_object) }),
        Endpoint::new(Method::GET, "/docs", None, "A page over this description", docs).answers_body(html),
    ]
}

async fn describe(web: Data<Web>, request: HttpRequest) -> HttpResponse {
    let Description { body, etag } = &web.description;
    let is_known = request.headers().get(IF_NONE_MATCH).is_some_and(|it| it.as_bytes() == etag.as_bytes());
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, etag.as_str())).insert_header((CACHE_CONTROL, "no-cache"));
    // It holds nothing but what stands in the code, so tools of other origins may read it.
    response.insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    if is_known { response.finish() } else { response.content_type("application/json").body(body.clone()) }
}

#[derive(Template)]
#[template(path = "admin/templates/docs.html", config = "src/http/askama.toml")]
struct DocsView {
    shell: Shell,
    version: &'static str,
}

async fn docs(request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&DocsView { shell: Shell::of_nobody(&request), version: env!("CARGO_PKG_VERSION") })
}
