//! From what a person has, a picture or a link, to a join code that may be shown: read, checked against the allowed hosts, given an end.
//!
//! The picture itself goes nowhere: what is shown is drawn anew from the link.

use crate::catalog::owned::OwnedKind;
use crate::group::{GroupDefaults, JoinCode, JoinLink, JoinLinkError};
use crate::qr::{DecodeError, Decoded, Effort, decode_picture};
use crate::time::Timestamp;

/// Why there is no join code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRefusal {
    /// A stable word: one of [`DecodeError::code`], `not_a_link`, `not_https`, `host_not_allowed`.
    pub code: &'static str,
    /// One sentence for a person.
    pub message: String,
}

/// A link that may be shown, and how it was read from its picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLink {
    /// The link.
    pub link: JoinLink,
    /// None if it came as text.
    pub read: Option<Decoded>,
}

/// What somebody says of the end of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing.
    Unsaid,
    /// It works until it is replaced.
    Never,
    /// It works until this moment.
    At(Timestamp),
}

/// Where the end of a code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndingFrom {
    /// Somebody said so.
    Given,
    /// From the settings: a group's own code works for so many days.
    Assumed,
}

/// Checks a link.
///
/// # Errors
/// [`CodeRefusal`] says why it may not be shown.
pub fn check_link(text: &str, hosts: &[String]) -> Result<JoinLink, CodeRefusal> {
    JoinLink::parse(text, hosts).map_err(|error| {
        let is_web = text.trim().to_ascii_lowercase().starts_with("http://");
        let code = match error {
            JoinLinkError::NotHttps if is_web => "not_https",
            JoinLinkError::NotHttps | JoinLinkError::TooLong(_) | JoinLinkError::BadCharacter(_) => "not_a_link",
            JoinLinkError::HostNotAllowed(_) => "host_not_allowed",
        };
        CodeRefusal { code, message: format!("the link {error}") }
    })
}

/// Reads the link in a picture. Of several codes the only one that may be shown is taken. Blocks for some seconds at worst.
///
/// # Errors
/// [`CodeRefusal`] says why there is none that may be shown.
pub fn read_link(picture: &[u8], hosts: &[String], effort: Effort) -> Result<ReadLink, CodeRefusal> {
    match decode_picture(picture, effort) {
        Ok(read) => Ok(ReadLink { link: check_link(&read.text, hosts)?, read: Some(read) }),
        Err(DecodeError::SeveralCodes(texts)) => {
            let mut usable = texts.iter().filter_map(|it| check_link(it, hosts).ok());
            if let (Some(link), None) = (usable.next(), usable.next()) {
                let form = format!("one of {} codes", texts.len());
                let read = Decoded { text: link.as_str().to_owned(), form, tries: 0 };
                return Ok(ReadLink { link, read: Some(read) });
            }
            let hosts: Vec<String> = texts.iter().map(|it| host(it)).collect();
            let message = format!("{} ({})", DecodeError::SeveralCodes(texts), hosts.join(", "));
            Err(CodeRefusal { code: "several_codes", message })
        }
        Err(error) => Err(CodeRefusal { code: error.code(), message: error.to_string() }),
    }
}

/// Where a text leads, for a message: its host, or its beginning if it is no link.
fn host(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default().chars().take(40).collect()
}

/// The join code of a link that is set at this moment. A group's code works for some days unless somebody says otherwise; a
/// contact's does not expire.
#[must_use]
pub fn join_code(
    link: JoinLink,
    ending: Ending,
    kind: OwnedKind,
    defaults: GroupDefaults,
    now: Timestamp,
) -> (JoinCode, EndingFrom) {
    let (expires_at, from) = match (ending, kind) {
        (Ending::At(end), _) => (Some(end), EndingFrom::Given),
        (Ending::Never, _) => (None, EndingFrom::Given),
        (Ending::Unsaid, OwnedKind::Groups) => (Some(defaults.expiry(now)), EndingFrom::Assumed),
        (Ending::Unsaid, OwnedKind::Contacts) => (None, EndingFrom::Assumed),
    };
    (JoinCode { link, expires_at }, from)
}
