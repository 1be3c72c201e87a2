//! Errors as RFC 9457 `application/problem+json`; the only file that picks an error status.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::app::AppError;

/// A field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Its name, with dots for what lies inside: `position.lat`.
    pub field: &'static str,
    /// A stable word.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

/// What went wrong, for a client.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("urn:jinqun:problem:{code}");
        Self { kind, title, status: status.as_u16(), detail: detail.into(), code, errors: Vec::new() }
    }

    /// `400`: fields are wrong; names every one.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let detail = errors.iter().map(|it| format!("{}: {}", it.field, it.message)).collect::<Vec<_>>().join("; ");
        Self {
            errors,
            ..Self::new(
                StatusCode::BAD_REQUEST,
                "invalid_fields",
                "The request holds values that cannot be used",
                detail,
            )
        }
    }

    /// `400`: the body is no JSON object.
    pub fn not_json(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_json", "The body is not a JSON object", detail)
    }

    /// `404`: nothing is there.
    pub fn nothing_here(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here", what)
    }

    /// `500`: our fault; the cause is in the log under the request's id.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong here",
            "The cause is in the service's log under this answer's X-Request-Id.",
        )
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::UnknownCampaign(_) => Self {
                errors: vec![FieldError { field: "campaign", code: "unknown_campaign", message: detail.clone() }],
                ..Self::new(StatusCode::NOT_FOUND, "unknown_campaign", "There is no such campaign", detail)
            },
            AppError::UnknownStore(_) => Self {
                errors: vec![FieldError { field: "store", code: "unknown_store", message: detail.clone() }],
                ..Self::new(StatusCode::NOT_FOUND, "unknown_store", "There is no such store", detail)
            },
            AppError::UnknownScan => Self {
                errors: vec![FieldError { field: "scan", code: "unknown_scan", message: detail.clone() }],
                ..Self::new(StatusCode::NOT_FOUND, "unknown_scan", "There is no such scan", detail)
            },
            AppError::Unrecorded => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unrecorded", "This could not be recorded", detail)
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mut response = HttpResponse::build(self.status_code()).body(body);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Turns an error answer of the framework itself (a bad method, an unreadable path) into a problem.
pub(super) fn of_status(status: StatusCode) -> Problem {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(status, "method_not_allowed", "This address does not know the method", "See the Allow header.")
        }
        StatusCode::NOT_FOUND => Problem::nothing_here("No page and no call has this address."),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "body_too_large", "The body is too large", "Send less."),
        status if status.is_client_error() => Problem::new(
            status,
            "bad_request",
            "The request cannot be read",
            status.canonical_reason().unwrap_or("Bad request"),
        ),
        _ => Problem::internal(),
    }
}
