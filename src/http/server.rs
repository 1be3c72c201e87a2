//! The server: middleware in order, a listener that is bound before anything runs, and a stop that lets requests finish.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_cors::Cors;
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::{Method, header};
use actix_web::web::{Data, PayloadConfig};
use actix_web::{App as ActixApp, HttpServer};
use rustls::ServerConfig;
use tokio::sync::{Mutex, Semaphore};

use super::guard::Guard;
use super::pictures::Pictures;
use super::search::Searches;
use super::settings::Settings;
use super::{Web, routes};
use crate::app::App;

/// The largest body of a public call, in bytes. A scan is about 300.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;
/// How long a client may take to send the head of a request, in milliseconds.
const HEAD_TIMEOUT_MS: u64 = 10_000;
/// How long an idle connection is kept, in seconds.
const KEEP_ALIVE_S: u64 = 75;
/// Connections of one worker at a time.
const CONNECTIONS_MAX: usize = 25_000;
/// Passwords that are looked at at a time.
const SIGNING_MAX: usize = 2;
/// How long browsers may remember what CORS allows, in seconds.
const CORS_MAX_AGE_S: usize = 3_600;

/// A server that is bound and waits to be run.
pub struct Served {
    /// Runs until it is stopped.
    pub server: Server,
    /// Stops it.
    pub handle: ServerHandle,
}

/// Binds the address, so that it is known before anything runs.
///
/// # Errors
/// The system's, for example that the address is in use.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

pub(super) fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::DELETE])
        .allowed_headers([header::CONTENT_TYPE, header::ACCEPT, header::AUTHORIZATION])
        .expose_headers(["X-Request-Id", "Jinqun-Catalog-Version"])
        .max_age(CORS_MAX_AGE_S);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// Sets up the server on a bound listener.
///
/// # Errors
/// The system's, if the listener cannot be used; or two shapes of the description are called the same.
pub fn serve(
    listener: TcpListener,
    app: Arc<App>,
    settings: Settings,
    tls: Option<ServerConfig>,
) -> io::Result<Served> {
    let (workers, shutdown_s) = (settings.workers, settings.shutdown_s);
    let origins = settings.allowed_origins.clone();
    let web = Data::new(Web {
        app,
        settings,
        pictures: Pictures::new(),
        searches: Searches::new(),
        picture_turns: super::admin::upload::PictureTurns::new(),
        gate: super::admin::gate::Gate::new(),
        description: super::openapi::Description::new(&super::endpoints()).map_err(io::Error::other)?,
        forgetting: Mutex::default(),
        signing: Semaphore::new(SIGNING_MAX),
    });
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(web.clone())
            .app_data(PayloadConfig::new(BODY_BYTES_MAX))
            .app_data(super::upload::config())
            .wrap(Guard(web.clone()))
            .configure(|config| routes(config, &origins))
    })
    .workers(workers)
    .max_connections(CONNECTIONS_MAX)
    .client_request_timeout(std::time::Duration::from_millis(HEAD_TIMEOUT_MS))
    .keep_alive(std::time::Duration::from_secs(KEEP_ALIVE_S))
    .shutdown_timeout(shutdown_s)
    .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    let server = server.run();
    Ok(Served { handle: server.handle(), server })
}
