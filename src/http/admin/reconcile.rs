//! `POST /api/v1/admin/wecom/reconcile`: has everything in `WeCom` compared with what is known here; not how.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::{self, Data};
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Staff;
use super::table::Endpoint;
use crate::http::Web;
use crate::http::problem::Problem;
use crate::staff::Role;

pub(super) fn endpoints() -> [Endpoint; 1] {
    let about = "Looks for joins, leaves, friendships and dissolved groups that callbacks have lost, as soon as may be";
    [Endpoint::new(Method::POST, "/api/v1/admin/wecom/reconcile", Some(Role::Ops), about, reconcile)
        .answers::<Begun>()
        .status(202)
        .also(404, "WeCom is not set up, or only its callbacks are")]
}

/// It has begun.
#[derive(Serialize, JsonSchema)]
struct Begun {
    /// Always true.
    begun: bool,
}

async fn reconcile(web: Data<Web>, staff: Staff) -> Result<HttpResponse, Problem> {
    let app = Arc::clone(&web.app);
    let begun = web::block(move || app.reconcile(&staff.actor)).await.map_err(|error| Problem::internal(&error))?;
    if begun.map_err(|_cause| Problem::no_storage())? {
        Ok(HttpResponse::Accepted().json(Begun { begun: true }))
    } else {
        Err(Problem::nothing_here("WeCom is not set up here, so there is nothing to compare with."))
    }
}
