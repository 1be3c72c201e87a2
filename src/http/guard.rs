//! What every answer passes: a request id, security headers, problems instead of bare errors, and the metrics.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, ResponseError as _};
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::problem::{self, Cause, Problem};
use super::{CATALOG_VERSION, Web};
use crate::metrics::Route;

/// How long a request may take from its head to its answer, its body included.
const ANSWER_WAIT: Duration = Duration::from_secs(15);
/// The same for calls that take a whole sheet or a picture, which may come over a slow line. All of them know who asks before they
/// wait for a body.
const UPLOAD_WAIT: Duration = Duration::from_mins(5);
/// How the paths of those calls end.
const UPLOADS: [&str; 4] = ["/import", "/join-code", "/logo", "/picture"];
/// What the layers inside have said of an answer that is still true where its body is replaced by a problem.
const KEPT: [HeaderName; 4] =
    [header::ALLOW, header::VARY, header::ACCESS_CONTROL_ALLOW_ORIGIN, header::ACCESS_CONTROL_EXPOSE_HEADERS];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

fn route_of(path: &str) -> Route {
    match path {
        "/api/v1/scans" => Route::Scan,
        "/api/v1/nearest" => Route::Nearest,
        "/api/v1/stores" => Route::Stores,
        "/" => Route::Landing,
        "/api/v1/visitors/me" | "/privacy" => Route::Visitor,
        "/healthz" | "/readyz" | "/metrics" => Route::Operations,
        "/wecom/callback" => Route::Callback,
        _ if path.starts_with("/qr/") || path.starts_with("/logo/") => Route::Qr,
        _ if path.starts_with("/api/v1/scans/") => Route::Event,
        _ if path.starts_with("/s/") && path.ends_with("/choose") => Route::Chooser,
        _ if path.starts_with("/s/") => Route::Landing,
        _ => Route::Other,
    }
}

/// How long a request may take. Only a body is waited for, and every method but these may have one.
fn wait_of(method: &Method, path: &str) -> Option<Duration> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let takes_a_file = matches!(*method, Method::POST | Method::PUT)
        && path.starts_with("/api/v1/admin/")
        && UPLOADS.iter().any(|it| path.ends_with(it));
    Some(if takes_a_file { UPLOAD_WAIT } else { ANSWER_WAIT })
}

/// The origin of a request for the public API, where it is one of those whose pages may read the answer.
fn allowed_origin(web: &Web, path: &str, headers: &HeaderMap) -> Option<HeaderValue> {
    let allowed = &web.settings.allowed_origins;
    if allowed.is_empty() || !path.starts_with("/api/v1/") || path.starts_with("/api/v1/admin/") {
        return None;
    }
    headers.get(header::ORIGIN).filter(|it| allowed.iter().any(|allowed| *it == allowed.as_str())).cloned()
}

/// The id of a request, for pages that show it.
pub(super) struct RequestId(pub(super) String);

/// An id that finds a request in the log; chance enough to tell requests apart, not to keep secrets.
fn request_id() -> HeaderValue {
    let mut text = [0_u8; 16];
    data_encoding::HEXLOWER.encode_mut(&fastrand::u64(..).to_be_bytes(), &mut text);
    HeaderValue::from_bytes(&text).unwrap_or_else(|_cause| HeaderValue::from_static("none"))
}

/// The middleware. Written out because `from_fn` boxes what it waits for, which every request would pay.
pub(super) struct Guard(pub(super) Data<Web>);

impl<S, B> Transform<S, ServiceRequest> for Guard
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = Guarded<S>;
    type InitError = ();
    type Future = Ready<Result<Guarded<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Guarded { service, web: self.0.clone() }))
    }
}

/// A service behind the middleware.
pub(super) struct Guarded<S> {
    service: S,
    web: Data<Web>,
}

impl<S, B> Service<ServiceRequest> for Guarded<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Answering<S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let seen = Seen {
            started: Instant::now(),
            route: route_of(request.path()),
            id: request_id(),
            origin: allowed_origin(&self.web, request.path(), request.headers()),
            web: self.web.clone(),
        };
        if matches!(seen.route, Route::Landing | Route::Chooser | Route::Visitor | Route::Other) {
            // Pages show it, for whoever is asked about a problem.
            let shown = seen.id.to_str().unwrap_or_default().to_owned();
            request.extensions_mut().insert(RequestId(shown));
        }
        let wait = wait_of(request.method(), request.path());
        let too_late = wait.map(|it| Box::pin(tokio::time::sleep(it)));
        Answering { called: self.service.call(request), too_late, seen: Some(seen) }
    }
}

pin_project! {
    /// An answer on its way.
    pub(super) struct Answering<F> {
        #[pin]
        called: F,
        too_late: Option<Pin<Box<Sleep>>>,
        seen: Option<Seen>,
    }
}

impl<F, B> Future for Answering<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody + 'static,
{
    type Output = Result<ServiceResponse<BoxBody>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let called = match this.called.poll(context) {
            Poll::Ready(called) => called,
            Poll::Pending => match this.too_late.as_mut().map(|it| it.as_mut().poll(context)) {
                Some(Poll::Ready(())) => Err(Problem::too_slow().into()),
                Some(Poll::Pending) | None => return Poll::Pending,
            },
        };
        let called = called.map(ServiceResponse::map_into_boxed_body);
        // A future is not polled again after it was ready.
        Poll::Ready(match this.seen.take() {
            Some(seen) => seen.answer(called),
            None => called,
        })
    }
}

/// What is known of a request until its answer is there.
struct Seen {
    started: Instant,
    route: Route,
    id: HeaderValue,
    origin: Option<HeaderValue>,
    web: Data<Web>,
}

impl Seen {
    fn answer(self, called: Result<ServiceResponse<BoxBody>, Error>) -> Result<ServiceResponse<BoxBody>, Error> {
        match called {
            Ok(response) => {
                let cause = response.response().extensions().get::<Cause>().map(|it| it.0.clone());
                let mut response = finish(response);
                self.note(response.status(), cause.as_deref());
                if response.status() == StatusCode::PRECONDITION_FAILED {
                    // Whoever changed something that is older knows from this what to read again.
                    let version = HeaderValue::from(self.web.app.catalog().version());
                    response.headers_mut().insert(CATALOG_VERSION, version);
                }
                mark(response.headers_mut(), self.id);
                Ok(response)
            }
            Err(error) => {
                let status = error.error_response().status();
                let mut response = if status == StatusCode::REQUEST_TIMEOUT {
                    error.error_response()
                } else {
                    problem::of_status(status).error_response()
                };
                self.note(response.status(), None);
                if let Some(origin) = self.origin {
                    // Whoever would have said so was given up together with the request.
                    let headers = response.headers_mut();
                    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
                }
                mark(response.headers_mut(), self.id);
                Err(InternalError::from_response(error, response).into())
            }
        }
    }

    fn note(&self, status: StatusCode, cause: Option<&str>) {
        let (route, status, took) = (self.route, status.as_u16(), self.started.elapsed());
        let request = self.id.to_str().unwrap_or("");
        if status >= 500 && route != Route::Operations {
            tracing::error!(request, route = route.as_str(), status, cause, "a request failed");
        }
        tracing::debug!(request, route = route.as_str(), status, took_us = took.as_micros(), "request");
        self.web.app.metrics().request(route, status, took);
    }
}

fn mark(headers: &mut HeaderMap, id: HeaderValue) {
    headers.insert(REQUEST_ID, id);
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
    let kept = KEPT.map(|name| response.headers().get(&name).cloned().map(|value| (name, value)));
    let mut response = response.into_response(problem::of_status(status).error_response());
    for (name, value) in kept.into_iter().flatten() {
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::endpoints;

    #[test]
    fn every_call_that_may_have_a_body_has_a_time_limit() {
        for it in endpoints() {
            let wait = wait_of(&it.method, it.path);
            let reads = matches!(it.method, Method::GET | Method::HEAD);
            assert_eq!(wait.is_none(), reads, "{} {}", it.method, it.path);
            // More than a megabyte in a quarter of a minute is more than a slow line carries.
            let is_large = it.body_bytes_max.is_some_and(|it| it > 1 << 20);
            assert_eq!(wait == Some(UPLOAD_WAIT), is_large, "{} {}", it.method, it.path);
        }
        for method in [Method::DELETE, Method::PUT, Method::PATCH, Method::TRACE, Method::CONNECT] {
            assert_eq!(wait_of(&method, "/"), Some(ANSWER_WAIT));
        }
    }
}
