//! The operations team's side: calls under `/api/v1/admin/` and pages under `/admin`, both over the same use cases.

pub(super) mod etag;
pub(super) mod gate;
pub(super) mod map;
pub(super) mod shell;
pub(super) mod table;

use actix_web::web::{self, ServiceConfig};

use table::Endpoint;

/// Every call and every page of the operations team.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![shell::overview()];
    all.extend(super::api::funnel::endpoints());
    all.push(map::endpoint());
    all
}

/// Registers what [`endpoints`] names, and the styles and scripts of the pages.
pub(super) fn routes(config: &mut ServiceConfig) {
    table::register(config, endpoints());
    config.service(web::resource("/admin/assets/{file}").get(shell::asset));
}
