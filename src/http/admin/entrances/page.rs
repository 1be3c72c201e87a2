//! `/admin/groups`: group chats and contacts, their codes, and a new code in two taps.

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::Web;
use crate::http::admin::gate::Staff;
use crate::http::admin::shell::{Shell, page};
use crate::http::admin::table::Endpoint;
use crate::http::problem::Problem;
use crate::staff::Role;

const HERE: &str = "/admin/groups";

#[derive(Template)]
#[template(path = "admin/templates/groups.html", config = "src/http/askama.toml")]
struct GroupsView {
    shell: Shell,
    days: u32,
}

/// The page.
pub(super) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, HERE, Some(Role::Viewer), "The page of groups and contacts", show)
}

async fn show(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&GroupsView { shell: Shell::new(&request, &staff, HERE), days: web.settings.groups.validity_days })
}

/// Something that a group may belong to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Choice {
    /// The code of a region, the short name of a campaign.
    id: String,
    name: String,
}

/// What a new group may belong to beside stores.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Choices {
    regions: Vec<Choice>,
    campaigns: Vec<Choice>,
}

/// `GET /api/v1/admin/owners`: regions and campaigns to choose from; stores are searched for by `stores`.
pub(super) fn choices_endpoint() -> Endpoint {
    let about = "Regions and campaigns that a group may belong to";
    Endpoint::new(Method::GET, "/api/v1/admin/owners", Some(Role::Viewer), about, choices).answers::<Choices>()
}

async fn choices(web: Data<Web>, _staff: Staff) -> Result<HttpResponse, Problem> {
    let catalog = web.app.catalog();
    let regions = catalog.regions().regions().iter();
    let choices = Choices {
        regions: regions.map(|it| Choice { id: it.code.to_string(), name: it.name.to_string() }).collect(),
        campaigns: catalog
            .campaigns()
            .map(|it| Choice { id: it.slug.to_string(), name: it.name.to_string() })
            .collect(),
    };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(choices))
}
