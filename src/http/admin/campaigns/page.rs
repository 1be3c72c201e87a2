//! `/admin/campaigns` and `/admin/campaigns/{slug}`: the list, and the editor with its preview.

use actix_web::http::Method;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{nothing, slug_of};
use crate::campaign::WORDS_CHARS_MAX;
use crate::http::Web;
use crate::http::admin::gate::Staff;
use crate::http::admin::shell::{Shell, page};
use crate::http::admin::table::Endpoint;
use crate::http::problem::Problem;
use crate::staff::Role;

const HERE: &str = "/admin/campaigns";
/// The address of the editor of a campaign to be. No campaign has this name, because `.` is not printable in one.
const NEW: &str = ".new";

#[derive(Template)]
#[template(path = "admin/templates/campaigns.html", config = "src/http/askama.toml")]
struct ListView {
    shell: Shell,
}

#[derive(Template)]
#[template(path = "admin/templates/campaign.html", config = "src/http/askama.toml")]
struct EditorView {
    shell: Shell,
    slug: String,
    is_new: bool,
    words_max: usize,
}

pub(super) fn endpoints() -> [Endpoint; 2] {
    let viewer = Some(Role::Viewer);
    [
        Endpoint::new(Method::GET, HERE, viewer, "The page of campaigns", list),
        Endpoint::new(Method::GET, "/admin/campaigns/{slug}", viewer, "The editor of a campaign", editor),
    ]
}

async fn list(_web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&ListView { shell: Shell::new(&request, &staff, HERE) })
}

async fn editor(
    web: Data<Web>,
    staff: Staff,
    request: HttpRequest,
    slug: Path<String>,
) -> Result<HttpResponse, Problem> {
    let is_new = slug.as_str() == NEW;
    if !is_new && web.app.catalog().campaign(&slug_of(&slug)?).is_none() {
        return Err(nothing(&slug));
    }
    page(&EditorView {
        shell: Shell::new(&request, &staff, HERE),
        slug: slug.into_inner(),
        is_new,
        words_max: WORDS_CHARS_MAX,
    })
}
