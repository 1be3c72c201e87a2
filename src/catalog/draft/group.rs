//! The first group chat and the first contact of a row.

use crate::catalog::owned::CodeKind;
use crate::catalog::plain::{folded, trimmed};
use crate::catalog::{Column, code, moment};
use crate::group::{CAPACITY_MAX, JoinLink, JoinLinkError};
use crate::time::Timestamp;

use super::{Draft, FirstContact, FirstGroup, NUMBER_CHARS_MAX, TEXT_CHARS_MAX};

/// The word for what is wrong with a link.
pub(in crate::catalog) fn link_code(error: &JoinLinkError) -> &'static str {
    match error {
        JoinLinkError::NotHttps => code::NOT_HTTPS,
        JoinLinkError::HostNotAllowed(_) => code::HOST_NOT_ALLOWED,
        JoinLinkError::TooLong(_) => code::TOO_LONG,
        JoinLinkError::BadCharacter(_) => code::BAD_CHARACTER,
    }
}

impl Draft<'_> {
    fn link(&mut self, column: Column) -> Option<JoinLink> {
        let text = trimmed(self.cells.get(column));
        if text.is_empty() {
            return None;
        }
        let error = match JoinLink::parse(text, self.rules.link_hosts) {
            Ok(link) => return Some(link),
            Err(error) => error,
        };
        self.problem(column, link_code(&error), format!("the link {error}"));
        None
    }

    /// The first group chat, if the row has a link to one.
    pub(super) fn group(&mut self) -> Option<FirstGroup> {
        let link = self.link(Column::GroupUrl);
        let name = self.text(Column::GroupName, TEXT_CHARS_MAX);
        let capacity = self.capacity();
        let given = self.expires();
        let is_uploaded = self.code_kind() == Some(CodeKind::Uploaded);
        let expires_at = given.or_else(|| is_uploaded.then(|| self.rules.groups.expiry(self.rules.now)));
        let is_linkless = trimmed(self.cells.get(Column::GroupUrl)).is_empty();
        if is_linkless && (!name.is_empty() || capacity.is_some() || given.is_some()) {
            self.warn(Column::GroupUrl, code::LINK_MISSING, "the group has no link and is left out");
        }
        Some(FirstGroup {
            link: link?,
            name,
            capacity: capacity.unwrap_or(self.rules.groups.capacity),
            expires_at,
            expires_by_default: given.is_none() && is_uploaded,
        })
    }

    fn capacity(&mut self) -> Option<u32> {
        let text = folded(self.cells.get(Column::GroupCapacity));
        let text = trimmed(&text);
        if text.is_empty() {
            return None;
        }
        let digits = text.strip_suffix(".0").unwrap_or(text);
        if digits.len() > NUMBER_CHARS_MAX || !digits.bytes().all(|it| it.is_ascii_digit()) {
            self.problem(Column::GroupCapacity, code::NOT_A_NUMBER, "a capacity is a whole number such as 200");
            return None;
        }
        let capacity = digits.parse().ok().filter(|it| (1..=CAPACITY_MAX).contains(it));
        if capacity.is_none() {
            self.problem(Column::GroupCapacity, code::OUT_OF_RANGE, format!("a capacity is from 1 to {CAPACITY_MAX}"));
        }
        capacity
    }

    fn code_kind(&mut self) -> Option<CodeKind> {
        let text = trimmed(self.cells.get(Column::GroupCode));
        if text.is_empty() {
            return None;
        }
        let kind = CodeKind::parse(text);
        match kind {
            None => self.problem(Column::GroupCode, code::CODE_UNKNOWN, "a code is live or uploaded (活码, 上传)"),
            Some(CodeKind::Live) if !trimmed(self.cells.get(Column::GroupExpires)).is_empty() => {
                let message = "a live code does not expire; leave the cell empty";
                self.problem(Column::GroupExpires, code::CODE_EXPIRES, message);
            }
            Some(_) => {}
        }
        kind
    }

    fn expires(&mut self) -> Option<Timestamp> {
        let text = self.cells.get(Column::GroupExpires);
        if trimmed(text).is_empty() {
            return None;
        }
        let moment = moment::read(text, &self.rules.zone);
        if moment.is_none() {
            self.problem(
                Column::GroupExpires,
                code::DATE_UNREADABLE,
                "a date is written 2026-12-01, 2026-12-01 18:00 or 2026-12-01T18:00:00+08:00",
            );
        }
        moment
    }

    /// The first contact, if the row has a link to one.
    pub(super) fn contact(&mut self) -> Option<FirstContact> {
        let link = self.link(Column::ContactUrl);
        let name = self.text(Column::ContactName, TEXT_CHARS_MAX);
        if trimmed(self.cells.get(Column::ContactUrl)).is_empty() && !name.is_empty() {
            self.warn(Column::ContactUrl, code::LINK_MISSING, "the contact has no link and is left out");
        }
        Some(FirstContact { link: link?, name })
    }
}
