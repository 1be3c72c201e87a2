//! Cookies: the one that bears the visitor token, and those by which a page that is looked at again is known.

use actix_web::HttpRequest;
use actix_web::http::header::COOKIE;
use sha2::{Digest as _, Sha256};

use crate::app::SEEN_S;
use crate::app::wecom::SIGN_IN_S;
use crate::id::CampaignSlug;

const NAME: &str = "jinqun";
/// The session of somebody of the operations team.
const SESSION: &str = "jq-session";
/// Begins the names of the cookies by which pages that are looked at again are known.
const SEEN_PREFIX: &str = "jinqun_";
/// What a sign-in is bound to, while it lasts. Its name begins as those that are taken back.
const SIGN_IN: &str = "jinqun_to";
/// Says that the visitor was recognised, so that they are not asked again.
const KNOWN: &str = "jinqun_known";
/// One year: a customer who comes back next season still finds their store.
const MAX_AGE_S: u32 = 31_536_000;

fn pairs(request: &HttpRequest) -> impl Iterator<Item = (&str, &str)> {
    request
        .headers()
        .get_all(COOKIE)
        .filter_map(|it| it.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
}

/// The value of a cookie.
pub(super) fn named(request: &HttpRequest, wanted: &str) -> Option<String> {
    pairs(request).find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

/// The visitor token of a request, unchecked.
pub(super) fn read(request: &HttpRequest) -> Option<String> {
    named(request, NAME)
}

/// Every campaign has a cookie of its own, so that looking at two in turn is one visit of each. Slugs may hold any letters; 32 bits of
/// their SHA-256 do not, and the token itself says which campaign it is for.
fn seen_name(campaign: &CampaignSlug) -> String {
    let digest: [u8; 32] = Sha256::digest(campaign.as_str().as_bytes()).into();
    format!("{SEEN_PREFIX}{}", data_encoding::HEXLOWER.encode(digest.split_at(4).0))
}

/// What the page of a campaign remembers of its visit, unchecked.
pub(super) fn read_seen(request: &HttpRequest, campaign: &CampaignSlug) -> Option<String> {
    named(request, &seen_name(campaign))
}

/// The `Set-Cookie` line for what the page of a campaign remembers.
pub(super) fn write_seen(campaign: &CampaignSlug, token: &str, is_https: bool) -> String {
    line(&seen_name(campaign), token, SEEN_S, is_https)
}

/// The `Set-Cookie` lines that take back every cookie of ours.
pub(super) fn clear(request: &HttpRequest, is_https: bool) -> Vec<String> {
    let is_ours =
        |name: &&str| name.starts_with(SEEN_PREFIX) && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    let seen = pairs(request).map(|(name, _)| name).filter(is_ours);
    std::iter::once(NAME).chain(seen).map(|name| line(name, "", 0, is_https)).collect()
}

fn line(name: &str, value: &str, max_age_s: u32, is_https: bool) -> String {
    let secure = if is_https { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}")
}

/// What a sign-in is bound to, unchecked.
pub(super) fn read_sign_in(request: &HttpRequest) -> Option<String> {
    named(request, SIGN_IN)
}

/// The `Set-Cookie` line of a sign-in that begins.
pub(super) fn write_sign_in(value: &str, is_https: bool) -> String {
    line(SIGN_IN, value, SIGN_IN_S, is_https)
}

/// The `Set-Cookie` line of a sign-in that has ended.
pub(super) fn clear_sign_in(is_https: bool) -> String {
    line(SIGN_IN, "", 0, is_https)
}

/// Whether the visitor was recognised, as far as the browser says.
pub(super) fn is_known(request: &HttpRequest) -> bool {
    named(request, KNOWN).is_some_and(|it| !it.is_empty())
}

/// The `Set-Cookie` line of a visitor who was recognised.
pub(super) fn write_known(is_https: bool) -> String {
    line(KNOWN, "1", MAX_AGE_S, is_https)
}

/// The session of somebody of the operations team, unchecked.
pub(super) fn read_session(request: &HttpRequest) -> Option<String> {
    named(request, SESSION).filter(|it| !it.is_empty())
}

/// The `Set-Cookie` line of a session.
pub(super) fn write_session(value: &str, max_age_s: u32, is_https: bool) -> String {
    line(SESSION, value, max_age_s, is_https)
}

/// The `Set-Cookie` line for a token. Tokens are of characters that need no quoting.
pub(super) fn write(token: &str, is_https: bool) -> String {
    line(NAME, token, MAX_AGE_S, is_https)
}
