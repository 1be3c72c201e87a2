//! The web: routes, presentation, and everything that knows HTTP.

mod admin;
mod answer;
mod api;
mod bearer;
mod channel;
mod choose;
mod client_ip;
mod cookie;
mod guard;
mod json;
pub mod landing;
mod oauth;
mod openapi;
mod ops;
mod page;
mod pictures;
mod privacy;
mod problem;
mod public;
mod query;
mod robots;
mod search;
mod server;
mod settings;
mod streamed;
pub mod tls;
mod upload;
mod wechat;
mod wecom;

pub use bearer::TokenDigest;
pub use client_ip::{Networks, client_ip};
pub use landing::privacy::Sharing;
pub use privacy::{PrivacySettings, notice_version};
pub use server::{Served, bind, serve};
pub use settings::{MapTiles, Settings, SignInWays, Swapped, WechatScript};

use std::mem;
use std::sync::Arc;

use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::header::HeaderName;
use actix_web::web::{self, ServiceConfig};

use tokio::sync::{Mutex, Semaphore};

use crate::app::App;
use admin::table::{self, Endpoint};
use pictures::Pictures;
use search::Searches;
use server::cors;

/// Which catalog decided an answer.
const CATALOG_VERSION: HeaderName = HeaderName::from_static("jinqun-catalog-version");

/// What every handler may use.
pub struct Web {
    /// The use cases.
    app: Arc<App>,
    /// What the web itself is set to.
    settings: Settings,
    /// Pictures of join codes, drawn once.
    pictures: Arc<Pictures>,
    /// The turns of searches.
    searches: Searches,
    /// The turns of pictures that are unpacked.
    picture_turns: admin::upload::PictureTurns,
    /// Who may use which call.
    gate: admin::gate::Gate,
    /// What `/openapi.json` says.
    description: openapi::Description,
    /// One visitor is forgotten at a time.
    forgetting: Mutex<()>,
    /// Passwords are looked at a few at a time: each takes 20 MiB.
    signing: Semaphore,
}

/// Every call and every page: the router, the gate and the description are made from these.
fn endpoints() -> Vec<Endpoint> {
    let mut all = Vec::from(public::api());
    all.extend(public::others());
    all.extend(wecom::endpoints());
    all.extend(wechat::endpoints());
    all.extend(oauth::endpoints());
    all.extend(openapi::endpoints());
    all.extend(admin::endpoints());
    all
}

/// The router. It asks one resource after the other, so what is called most comes first.
fn routes(config: &mut ServiceConfig, origins: &[String]) {
    if origins.is_empty() {
        table::register(public::api().into(), "", |it| it.join(config));
    } else {
        let is_public = |it: &GuardContext<'_>| !it.head().uri.path().starts_with("/api/v1/admin/");
        let mut scope = web::scope("/api/v1").guard(fn_guard(is_public));
        table::register(public::api().into(), "/api/v1", |it| {
            scope = it.join_scope(mem::replace(&mut scope, web::scope("")));
        });
        config.service(scope.wrap(cors(origins)));
    }
    table::register(public::others(), "", |it| it.join(config));
    table::register(wecom::endpoints().into(), "", |it| it.join(config));
    table::register(wechat::endpoints().into(), "", |it| it.join(config));
    table::register(oauth::endpoints().into(), "", |it| it.join(config));
    admin::routes(config);
    table::register(openapi::endpoints().into(), "", |it| it.join(config));
    config.default_service(web::to(page::not_found));
}
