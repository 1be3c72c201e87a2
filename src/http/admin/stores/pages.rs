//! `/admin/stores`: the list of stores, and the editor of one.

use actix_web::http::Method;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::super::gate::Staff;
use super::super::shell::{Shell, page, page_with};
use super::super::table::Endpoint;
use super::{find, store_id};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::settings::MapTiles;
use crate::staff::Role;

/// The pages of stores.
pub(super) fn endpoints() -> [Endpoint; 3] {
    [
        Endpoint::new(Method::GET, "/admin/stores", Some(Role::Viewer), "The page of all stores", list),
        Endpoint::new(Method::GET, "/admin/stores/new", Some(Role::Ops), "The page that adds a store", new),
        Endpoint::new(Method::GET, "/admin/stores/{id}", Some(Role::Viewer), "The page of one store", edit),
    ]
}

#[derive(Template)]
#[template(path = "admin/templates/stores.html", config = "src/http/askama.toml")]
struct ListView {
    shell: Shell,
    /// Provinces and cities with stores.
    cities: Vec<(String, String)>,
}

async fn list(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let catalog = web.app.catalog();
    let cities = catalog.cities().map(|(province, city, _)| (province.to_owned(), city.to_owned()));
    let cities = cities.filter(|(_, city)| !city.is_empty()).collect();
    page(&ListView { shell: Shell::new(&request, &staff, "/admin/stores"), cities })
}

#[derive(Template)]
#[template(path = "admin/templates/store.html", config = "src/http/askama.toml")]
struct EditView {
    shell: Shell,
    /// Empty for a store that is to be added.
    id: String,
    name: String,
    tiles: Option<MapTiles>,
}

async fn new(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    editor(&web, &staff, &request, String::new(), String::new())
}

async fn edit(web: Data<Web>, staff: Staff, request: HttpRequest, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = store_id(&id)?;
    let name = find(&web.app.catalog(), &id)?.name.to_string();
    editor(&web, &staff, &request, id.to_string(), name)
}

fn editor(web: &Web, staff: &Staff, request: &HttpRequest, id: String, name: String) -> Result<HttpResponse, Problem> {
    let shell = Shell::new(request, staff, "/admin/stores");
    let tiles = web.settings.map_tiles();
    let host = tiles.as_ref().map(MapTiles::host).unwrap_or_default();
    page_with(&EditView { shell, id, name, tiles }, &host)
}
