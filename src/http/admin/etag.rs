//! Entity tags of the things that operators change: `ETag` out, `If-Match` in.

use actix_web::HttpRequest;
use actix_web::http::header::IF_MATCH;
use sha2::{Digest as _, Sha256};

use crate::app::EditError;

/// The tag of what a thing is, from its JSON as storage keeps it: 96 bits of its digest.
#[must_use]
pub(in crate::http) fn of(body: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(body.as_bytes()).into();
    format!("\"{}\"", data_encoding::HEXLOWER.encode(digest.split_at(12).0))
}

/// What the client believes to change; none if it does not say. A tag that cannot be read is a belief, too, and a wrong one.
#[must_use]
pub(in crate::http) fn expected(request: &HttpRequest) -> Option<String> {
    let said: Vec<_> = request.headers().get_all(IF_MATCH).map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
    Some(said.join(",")).filter(|_| !said.is_empty())
}

/// Whether a thing with this JSON is what the client believes (RFC 9110, 13.1.1). Without a belief it is.
///
/// # Errors
/// [`EditError::Stale`] if it is not.
pub(in crate::http) fn check(expected: Option<&str>, body: &str) -> Result<(), EditError> {
    matches(expected, &of(body))
}

/// As [`check`], for a thing whose tag is known.
///
/// # Errors
/// [`EditError::Stale`] if it is not.
pub(in crate::http) fn matches(expected: Option<&str>, tag: &str) -> Result<(), EditError> {
    let Some(expected) = expected else { return Ok(()) };
    if expected.split(',').map(str::trim).any(|it| it == "*" || it == tag) { Ok(()) } else { Err(EditError::Stale) }
}
