//! Errors as RFC 9457 `application/problem+json`; the only file that picks an error status.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::app::accounts::AccountError;
use crate::app::wecom::ReceiveError;
use crate::app::{AppError, EditError, ImportBusy};
use crate::catalog;

/// A field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Its name, with dots for what lies inside: `position.lat`.
    pub field: Cow<'static, str>,
    /// A stable word.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

/// What went wrong, for a client.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// What the log says of it, and the client does not see.
    #[serde(skip)]
    cause: Option<String>,
    /// Seconds after which it may be tried again.
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

/// A problem as RFC 9457 writes it.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    problem: &'a Problem,
}

/// Why an answer is an error of ours; for the log.
pub(super) struct Cause(pub(super) String);

impl Problem {
    /// The status of its answer.
    pub fn status(&self) -> u16 {
        self.status
    }

    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let (errors, cause, retry_after_s) = (Vec::new(), None, None);
        Self { title, status: status.as_u16(), detail: detail.into(), code, errors, cause, retry_after_s }
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

    /// `400`: one field is wrong.
    pub fn field(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.into(), code, message: message.into() }])
    }

    /// `422`, or `413` for `too_large`: a picture or link was understood as such and cannot be used; the word says why.
    pub fn picture(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        let is_large = code == "too_large";
        let status = if is_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::UNPROCESSABLE_ENTITY };
        let errors = vec![FieldError { field: field.into(), code, message: message.clone() }];
        Self { errors, ..Self::new(status, code, "This cannot be used", message) }
    }

    /// `400`: what is wrong with what was sent, by the column of the sheet that it stands in.
    pub fn rows(problems: &[catalog::Problem]) -> Self {
        let field = |it: &catalog::Problem| FieldError {
            field: it.column.clone().unwrap_or(Cow::Borrowed("")),
            code: it.code,
            message: it.message.clone(),
        };
        Self::fields(problems.iter().map(field).collect())
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
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        let problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong here",
            "The cause is in the service's log under this answer's X-Request-Id.",
        );
        Self { cause: Some(cause.to_string()), ..problem }
    }

    /// `503`: more than is done at a time.
    pub fn busy() -> Self {
        let detail = "Too many searches are under way; try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "This is busy", detail)
    }

    /// `409`: one is made at a time.
    pub fn import_under_way(busy: &ImportBusy) -> Self {
        let detail = format!("{busy}; wait until it is over.");
        Self::new(StatusCode::CONFLICT, "import_under_way", "An import is under way", detail)
    }

    /// `400`: the form holds no file.
    pub fn no_file() -> Self {
        let message = "is required: a form (multipart/form-data) with the file in this field".to_owned();
        Self::fields(vec![FieldError { field: "file".into(), code: "missing", message }])
    }

    /// `413`: the file is too large.
    pub fn file_too_large(bytes_max: usize) -> Self {
        let detail =
            format!("A file of up to {} MB is taken; divide it, or use the command line.", bytes_max / 1024 / 1024);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "file_too_large", "The file is too large", detail)
    }

    /// `401`: the call is for operators.
    pub fn not_admitted() -> Self {
        let detail = "Sign in at /admin/sign-in, or send a token as Authorization: Bearer.";
        Self::new(StatusCode::UNAUTHORIZED, "not_admitted", "This call is for operators", detail)
    }

    /// `403`: known, and not allowed.
    pub fn forbidden(role: &str) -> Self {
        let detail = format!("This needs the role {role}.");
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this", detail)
    }

    /// `401`: the name or the password is wrong, and nobody is told which.
    pub fn sign_in_refused() -> Self {
        let detail = "Check both; capital letters count in the password.";
        Self::new(StatusCode::UNAUTHORIZED, "sign_in_refused", "The name or the password is wrong", detail)
    }

    /// `403`: only somebody who has signed in may do this.
    pub fn forbidden_for_tokens() -> Self {
        let detail = "Sign in with a name and a password; tokens have none.";
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this", detail)
    }

    /// `403`: a change that is not known to come from one of our own pages.
    pub fn not_from_here(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "csrf", "This does not come from our own page", detail)
    }

    /// `429`: too many guesses.
    pub fn wait(retry_after_s: u32) -> Self {
        let detail = format!("There were too many wrong guesses; wait {retry_after_s} seconds.");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "wait", "Too many wrong guesses", detail);
        Self { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// `401`: nobody is known under the token, or there is none.
    pub fn no_visitor() -> Self {
        let detail = "Send the visitor token of an earlier answer, or its cookie.";
        Self::new(StatusCode::UNAUTHORIZED, "no_visitor", "There is no such visitor", detail)
    }

    /// `503`: the platform does not answer.
    pub fn no_platform() -> Self {
        let title = "WeChat cannot be reached";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "platform_unavailable", title, "Go on without it.")
    }

    /// `503`: storage does not answer.
    pub fn no_storage() -> Self {
        let detail = "Storage does not answer; try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_storage", "This cannot be done now", detail)
    }

    /// `409`: something of the kind is under way, and one is enough.
    pub fn under_way(title: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, "busy", title, detail)
    }

    /// `408`: the body did not come in time.
    pub fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "The request did not come in time", "Send it again.")
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::UnknownCampaign(_) => Self {
                errors: vec![FieldError {
                    field: "campaign".into(),
                    code: "unknown_campaign",
                    message: detail.clone(),
                }],
                ..Self::new(StatusCode::NOT_FOUND, "unknown_campaign", "There is no such campaign", detail)
            },
            AppError::UnknownStore(_) => Self {
                errors: vec![FieldError { field: "store".into(), code: "unknown_store", message: detail.clone() }],
                ..Self::new(StatusCode::NOT_FOUND, "unknown_store", "There is no such store", detail)
            },
            AppError::UnknownScan => Self {
                errors: vec![FieldError { field: "scan".into(), code: "unknown_scan", message: detail.clone() }],
                ..Self::new(StatusCode::NOT_FOUND, "unknown_scan", "There is no such scan", detail)
            },
            AppError::Unrecorded => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unrecorded", "This could not be recorded", detail)
            }
        }
    }
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        let detail = error.to_string();
        let refused = |code| Self::new(StatusCode::FORBIDDEN, code, "This callback is not taken", detail.clone());
        match error {
            ReceiveError::Off => Self::nothing_here("Callbacks of WeCom are not set up here."),
            ReceiveError::Sealed(_) => refused("not_ours"),
            ReceiveError::TooOld => refused("too_old"),
            ReceiveError::NotKept => {
                let title = "The event could not be kept";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_kept", title, "Send it again.")
            }
        }
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        let detail = error.to_string();
        match error {
            EditError::Stale => {
                Self::new(StatusCode::PRECONDITION_FAILED, "stale", "It has been changed meanwhile", "Read it again.")
            }
            EditError::Missing(_) => Self::nothing_here(detail),
            EditError::Exists(_) => Self::new(StatusCode::CONFLICT, "exists", "It is there already", detail),
            EditError::InUse(_) => Self::new(StatusCode::CONFLICT, "in_use", "Other things belong to it", detail),
            EditError::Invalid(problems) => Self::rows(&problems),
            EditError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "This is busy", detail),
            EditError::Storage(cause) => Self { cause: Some(cause.to_string()), ..Self::no_storage() },
            EditError::Catalog(cause) => Self::internal(&cause),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let detail = error.to_string();
        let conflict = |code, title| Self::new(StatusCode::CONFLICT, code, title, detail.clone());
        match error {
            AccountError::Missing(_) => Self::nothing_here(detail),
            AccountError::Exists(_) => conflict("exists", "It is there already"),
            AccountError::LastAdmin => conflict("last_admin", "Nobody could administer any more"),
            AccountError::TooMany(_) => conflict("too_many", "There are as many as there may be"),
            AccountError::Stale => EditError::Stale.into(),
            AccountError::Password(error) => Self::fields(vec![FieldError {
                field: "password".into(),
                code: "unfit_password",
                message: error.to_string(),
            }]),
            AccountError::WrongPassword => {
                Self::fields(vec![FieldError { field: "current".into(), code: "wrong_password", message: detail }])
            }
            AccountError::Refused => Self::sign_in_refused(),
            AccountError::Locked(wait_s) => Self::wait(wait_s),
            AccountError::Machine(cause) => Self::internal(&std::io::Error::other(cause)),
            AccountError::Storage(cause) => Self { cause: Some(cause.to_string()), ..Self::no_storage() },
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
        let document = Document { kind: format!("urn:jinqun:problem:{}", self.code), problem: self };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = HttpResponse::build(self.status_code()).body(body);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == 401 {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(cause) = &self.cause {
            response.extensions_mut().insert(Cause(cause.clone()));
        }
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
        _ => Problem::internal(&std::io::Error::other("the framework gave up")),
    }
}
