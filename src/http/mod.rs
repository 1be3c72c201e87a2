//! The web: routes, presentation, and everything that knows HTTP.

mod admin;
mod answer;
mod api;
mod bearer;
mod choose;
mod client_ip;
mod cookie;
mod guard;
mod json;
pub mod landing;
mod ops;
mod page;
mod pictures;
mod privacy;
mod problem;
mod query;
mod robots;
mod search;
mod server;
mod settings;
pub mod tls;
mod upload;

pub use bearer::TokenDigest;
pub use client_ip::{Networks, client_ip};
pub use privacy::{PrivacySettings, notice_version};
pub use server::{Served, bind, serve};
pub use settings::Settings;

use std::sync::Arc;

use actix_web::http::header::HeaderName;
use actix_web::middleware::Compress;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Resource, Scope};

use tokio::sync::{Mutex, Semaphore};

use crate::app::App;
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
    /// Who may use which call.
    gate: admin::gate::Gate,
    /// One visitor is forgotten at a time.
    forgetting: Mutex<()>,
    /// Passwords are looked at a few at a time: each takes 20 MiB.
    signing: Semaphore,
}

/// What pages of other origins may call, if the settings name any.
fn public_api(prefix: &str) -> [Resource; 5] {
    [
        web::resource(format!("{prefix}/nearest")).get(api::nearest::nearest),
        web::resource(format!("{prefix}/scans")).post(api::scans::create),
        web::resource(format!("{prefix}/stores")).get(api::stores::stores),
        web::resource(format!("{prefix}/visitors/me")).delete(api::visitors::forget_me),
        web::resource(format!("{prefix}/scans/{{scan}}/events")).post(api::scans::event),
    ]
}

/// The route table, on one screen.
fn routes(config: &mut ServiceConfig, origins: &[String]) {
    // Asked in this order. A path with a variable part is a regular expression, so those without come first.
    admin::routes(config);
    if origins.is_empty() {
        for it in public_api("/api/v1") {
            config.service(it);
        }
    } else {
        let scope = web::scope("/api/v1").wrap(cors(origins));
        config.service(public_api("").into_iter().fold(scope, Scope::service));
    }
    config
        .service(web::resource("/healthz").get(ops::healthz).route(web::head().to(ops::healthz)))
        .service(web::resource("/readyz").get(ops::readyz).route(web::head().to(ops::readyz)))
        .service(web::resource("/metrics").get(ops::metrics))
        .service(
            web::resource("/").wrap(Compress::default()).get(page::landing_default).route(web::head().to(page::head)),
        )
        .service(
            web::resource("/s/{campaign}")
                .wrap(Compress::default())
                .get(page::landing)
                .route(web::head().to(page::head)),
        )
        .service(web::resource("/s/{campaign}/choose").wrap(Compress::default()).get(choose::choose))
        .service(
            web::resource("/privacy")
                .wrap(Compress::default())
                .get(privacy::notice)
                .post(privacy::forget)
                .route(web::head().to(page::head)),
        )
        .service(web::resource("/favicon.ico").get(pictures::no_icon))
        .service(web::resource("/qr/{file}").get(pictures::qr))
        .service(web::resource("/logo/{campaign}").get(pictures::logo))
        .default_service(web::to(page::not_found));
}
