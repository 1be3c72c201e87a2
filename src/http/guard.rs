//! What every answer passes: a request id, security headers, problems instead of bare errors, and the metrics.

use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, ResponseError as _, web};

use super::Web;
use super::problem::{self, Cause, Problem};
use crate::metrics::Route;

/// How long a request may take from its head to its answer, its body included.
const ANSWER_WAIT: Duration = Duration::from_secs(15);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

fn route_of(path: &str) -> Route {
    match path {
        "/api/v1/scans" => Route::Scan,
        "/api/v1/nearest" => Route::Nearest,
        "/api/v1/stores" => Route::Stores,
        "/" => Route::Landing,
        "/healthz" | "/readyz" | "/metrics" => Route::Operations,
        _ if path.starts_with("/qr/") || path.starts_with("/logo/") => Route::Qr,
        _ if path.starts_with("/api/v1/scans/") => Route::Event,
        _ if path.starts_with("/s/") && path.ends_with("/choose") => Route::Chooser,
        _ if path.starts_with("/s/") => Route::Landing,
        _ => Route::Other,
    }
}

/// The id of a request, for pages that show it.
pub(super) struct RequestId(pub(super) String);

/// An id that finds a request in the log; chance enough to tell requests apart, not to keep secrets.
fn request_id() -> HeaderValue {
    let mut text = [0_u8; 16];
    data_encoding::HEXLOWER.encode_mut(&fastrand::u64(..).to_be_bytes(), &mut text);
    HeaderValue::from_bytes(&text).unwrap_or_else(|_cause| HeaderValue::from_static("none"))
}

/// The middleware.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let route = route_of(request.path());
    let web = request.app_data::<web::Data<Web>>().cloned();
    let id = request_id();
    if matches!(route, Route::Landing | Route::Chooser | Route::Other) {
        // Pages show it, for whoever is asked about a problem.
        let shown = id.to_str().unwrap_or_default().to_owned();
        request.extensions_mut().insert(RequestId(shown));
    }
    // Only a body can be waited for.
    let has_body = request.method() == Method::POST;
    let called = next.call(request);
    let called = if has_body {
        tokio::time::timeout(ANSWER_WAIT, called).await.unwrap_or_else(|_elapsed| Err(Problem::too_slow().into()))
    } else {
        called.await
    };
    let mut cause = None;
    let (answered, status) = match called {
        Ok(response) => {
            cause = response.response().extensions().get::<Cause>().map(|it| it.0.clone());
            let mut response = finish(response.map_into_boxed_body());
            mark(response.headers_mut(), &id);
            let status = response.status();
            (Ok(response), status)
        }
        Err(error) => {
            let status = error.error_response().status();
            let mut response = if status == StatusCode::REQUEST_TIMEOUT {
                error.error_response()
            } else {
                problem::of_status(status).error_response()
            };
            mark(response.headers_mut(), &id);
            let status = response.status();
            (Err(InternalError::from_response(error, response).into()), status)
        }
    };
    let (status, took) = (status.as_u16(), started.elapsed());
    if status >= 500 && route != Route::Operations {
        tracing::error!(request = id.to_str().unwrap_or(""), route = route.as_str(), status, cause, "a request failed");
    }
    tracing::debug!(
        request = id.to_str().unwrap_or(""),
        route = route.as_str(),
        status,
        took_us = took.as_micros(),
        "request"
    );
    if let Some(web) = web {
        web.app.metrics().request(route, status, took);
    }
    answered
}

fn mark(headers: &mut HeaderMap, id: &HeaderValue) {
    headers.insert(REQUEST_ID, id.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Turns a bare error of the framework (a bad method, a body too large) into a problem.
fn finish(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let is_ours =
        |it: &HeaderValue| it.to_str().is_ok_and(|it| it.starts_with("application/") || it.starts_with("text/html"));
    if response.headers().get(header::CONTENT_TYPE).is_some_and(is_ours) {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut response = response.into_response(problem::of_status(status).error_response());
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
