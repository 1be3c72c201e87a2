//! One row of a sheet: its cells become a store, or every reason why not. Knows nothing of files or of other rows.

use crate::geo::Datum;
use crate::group::{
    CHATS_COLUMNS, CHATS_MAX, GroupDefaults, JoinLink, STAFF_COLUMNS, STAFF_MAX, WECOM_ID_BYTES_MAX, wecom_ids,
};
use crate::id::{IdError, StoreId};
use crate::store::{Closures, OpeningHours, Store, StoreStatus, Zone};
use crate::time::Timestamp;

use super::column::COLUMN_COUNT;
use super::plain::{folded, many_lines, one_line, trimmed};
use super::{Column, Mapping, Problem, code};

/// The longest name of a store, in characters.
pub const NAME_CHARS_MAX: usize = 200;
/// The longest address, in characters.
pub const ADDRESS_CHARS_MAX: usize = 500;
/// The longest of the other texts with a meaning, in characters.
pub const TEXT_CHARS_MAX: usize = 100;
/// The longest cell of an unknown column, in characters.
pub const EXTRA_CHARS_MAX: usize = 2_000;
/// Unknown columns with content that one row may have.
pub const EXTRAS_MAX: usize = 64;
/// The longest tag, in characters.
pub const TAG_CHARS_MAX: usize = 64;
/// Tags that one store may have.
pub const TAGS_MAX: usize = 32;
/// The longest number, in characters; the shortest form of any is half as long.
const NUMBER_CHARS_MAX: usize = 40;

/// What a sheet is read by.
#[derive(Debug, Clone)]
pub struct SheetRules<'a> {
    /// The datum of rows that name none.
    pub datum: Option<Datum>,
    /// Hosts that join links may point to.
    pub link_hosts: &'a [String],
    /// The zone of dates without one.
    pub zone: Zone,
    /// The user's own word on which header means which column.
    pub mapping: Mapping,
    /// What a group has whose row does not say.
    pub groups: GroupDefaults,
    /// The moment from which an uploaded code is counted.
    pub now: Timestamp,
}

/// The cells of one row by their columns.
#[derive(Debug, Clone, Default)]
pub struct Cells<'a> {
    known: [&'a str; COLUMN_COUNT],
    /// Unknown columns: name and cell.
    pub extras: Vec<(&'a str, &'a str)>,
}

impl<'a> Cells<'a> {
    /// Puts a cell under a column.
    pub fn put(&mut self, column: Column, cell: &'a str) {
        if let Some(slot) = self.known.get_mut(column.index()) {
            *slot = cell;
        }
    }

    /// The cell under a column; empty if there is none.
    #[must_use]
    pub fn get(&self, column: Column) -> &'a str {
        self.known.get(column.index()).copied().unwrap_or_default()
    }

    /// Whether nothing stands in the row.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.known.iter().chain(self.extras.iter().map(|(_, cell)| cell)).all(|it| trimmed(it).is_empty())
    }
}

/// The first group chat of a store, as its row gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstGroup {
    /// Where it leads.
    pub link: JoinLink,
    /// Its name; empty if nobody gave one.
    pub name: Box<str>,
    /// Members up to which it is taken to accept scans.
    pub capacity: u32,
    /// The moment from which the link no longer works.
    pub expires_at: Option<Timestamp>,
    /// Whether that moment is counted from this import, so that a code that was set before keeps its own.
    pub expires_by_default: bool,
}

/// The first contact of a store, as its row gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstContact {
    /// Where it leads.
    pub link: JoinLink,
    /// Its name; empty if nobody gave one.
    pub name: Box<str>,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreRow {
    /// The row as a spreadsheet shows it: the header is row 1.
    pub row: u64,
    /// The store.
    pub store: Store,
    /// Its first group chat.
    pub group: Option<FirstGroup>,
    /// Its first contact.
    pub contact: Option<FirstContact>,
}

/// Reads one row; suspicions are added to `warnings`.
///
/// # Errors
/// All problems of the row.
pub fn read_row(
    row: u64,
    cells: &Cells<'_>,
    rules: &SheetRules<'_>,
    warnings: &mut Vec<Problem>,
) -> Result<StoreRow, Vec<Problem>> {
    let mut draft = Draft { row, cells, rules, problems: Vec::new(), warnings };
    let id = draft.id();
    let name = draft.name();
    let address = draft.text(Column::Address, ADDRESS_CHARS_MAX);
    let province = draft.text(Column::Province, TEXT_CHARS_MAX);
    let city = draft.text(Column::City, TEXT_CHARS_MAX);
    let district = draft.text(Column::District, TEXT_CHARS_MAX);
    let at = draft.place();
    let status = draft.status();
    let hours = draft.hours();
    let closures = draft.closures();
    let group = draft.group();
    let contact = draft.contact();
    let tags = draft.tags();
    let mut extra = draft.extra();
    let zone = draft.zone();
    if let (None, unread) = (&zone, trimmed(cells.get(Column::Timezone)))
        && !unread.is_empty()
    {
        extra.insert(
            "timezone (sheet)".into(),
            one_line(unread).chars().take(EXTRA_CHARS_MAX).collect::<String>().into(),
        );
    }
    match (id, at) {
        (Some(id), Some(at)) if draft.problems.is_empty() => {
            let store =
                Store { id, name, address, province, city, district, at, status, hours, closures, zone, tags, extra };
            Ok(StoreRow { row, store, group, contact })
        }
        _ => Err(draft.problems),
    }
}

mod group;
mod place;

pub(super) use group::link_code;

struct Draft<'a> {
    row: u64,
    cells: &'a Cells<'a>,
    rules: &'a SheetRules<'a>,
    problems: Vec<Problem>,
    warnings: &'a mut Vec<Problem>,
}

impl Draft<'_> {
    fn problem(&mut self, column: Column, code: &'static str, message: impl Into<String>) {
        let problem = Problem::new(code, message).in_row(self.row).in_column(column.english(), self.cells.get(column));
        self.problems.push(problem);
    }

    fn warn(&mut self, column: Column, code: &'static str, message: impl Into<String>) {
        let warning = Problem::new(code, message).in_row(self.row).in_column(column.english(), self.cells.get(column));
        self.warnings.push(warning);
    }

    /// A text on one line.
    fn text(&mut self, column: Column, chars_max: usize) -> Box<str> {
        let text = one_line(self.cells.get(column));
        self.check_length(column, &text, chars_max);
        text.into()
    }

    fn check_length(&mut self, column: Column, text: &str, chars_max: usize) {
        // A text has at least as many bytes as characters, and bytes are counted already.
        let chars = if text.len() > chars_max { text.chars().count() } else { 0 };
        if chars > chars_max {
            self.problem(
                column,
                code::TOO_LONG,
                format!("{} has {chars} characters, at most {chars_max} are allowed", column.english()),
            );
        }
    }

    fn id(&mut self) -> Option<StoreId> {
        let text = folded(self.cells.get(Column::Id));
        let text = trimmed(&text);
        if is_rounded(text) {
            let message = format!(
                "{text} is what a spreadsheet makes of a long number; its last digits are lost: format the column as text and fill it in again"
            );
            self.problem(Column::Id, code::ID_ROUNDED, message);
            return None;
        }
        match StoreId::parse_new(text) {
            Ok(id) => return Some(id),
            Err(IdError::Empty) => self.problem(Column::Id, code::MISSING, "a store needs an id"),
            Err(error @ IdError::TooLong(..)) => {
                self.problem(Column::Id, code::TOO_LONG, format!("the id {error}"));
            }
            Err(error @ IdError::Reserved) => {
                self.problem(Column::Id, code::RESERVED, format!("the id {text} {error}"));
            }
            Err(error @ (IdError::BadCharacter(_) | IdError::NotUlid)) => {
                self.problem(Column::Id, code::BAD_CHARACTER, format!("the id {error}"));
            }
        }
        None
    }

    fn name(&mut self) -> Box<str> {
        let name = self.text(Column::Name, NAME_CHARS_MAX);
        if name.is_empty() {
            self.problem(Column::Name, code::MISSING, "a store needs a name");
        }
        name
    }

    fn status(&mut self) -> StoreStatus {
        let text = self.cells.get(Column::Status);
        if trimmed(text).is_empty() {
            return StoreStatus::default();
        }
        StoreStatus::parse(trimmed(text)).unwrap_or_else(|| {
            self.problem(
                Column::Status,
                code::STATUS_UNKNOWN,
                "a status is active, paused or closed (营业, 暂停, 关闭)",
            );
            StoreStatus::default()
        })
    }

    fn hours(&mut self) -> Option<OpeningHours> {
        let text = trimmed(self.cells.get(Column::Hours));
        if text.is_empty() {
            return None;
        }
        match OpeningHours::parse(text) {
            Ok(hours) => return Some(hours),
            Err(error) => self.problem(Column::Hours, code::HOURS_UNREADABLE, error.to_string()),
        }
        None
    }

    fn closures(&mut self) -> Closures {
        Closures::parse(self.cells.get(Column::Closures)).unwrap_or_else(|errors| {
            for error in errors {
                self.problem(Column::Closures, code::CLOSURES_UNREADABLE, error.to_string());
            }
            Closures::default()
        })
    }

    /// An IANA name, also behind an offset as in `GMT+08:00 Asia/Shanghai`. The column is not part of the contract, so what
    /// cannot be read is a warning and kept as extra.
    fn zone(&mut self) -> Option<Zone> {
        let text = trimmed(self.cells.get(Column::Timezone));
        let zone = Zone::parse(text).or_else(|| Zone::parse(text.split_whitespace().next_back()?));
        if zone.is_none() && !text.is_empty() {
            self.warn(
                Column::Timezone,
                code::TIMEZONE_UNKNOWN,
                "a time zone is an IANA name such as Asia/Shanghai; this one is left out",
            );
        }
        zone
    }

    fn tags(&mut self) -> Box<[Box<str>]> {
        let mut tags: Vec<Box<str>> = Vec::new();
        let text = one_line(self.cells.get(Column::Tags));
        for tag in text.split([';', '；']).map(trimmed).filter(|it| !it.is_empty()) {
            if tags.iter().any(|it| **it == *tag) {
                continue;
            }
            if tags.len() == TAGS_MAX {
                self.problem(Column::Tags, code::TOO_MANY_TAGS, format!("a store has at most {TAGS_MAX} tags"));
                break;
            }
            self.check_length(Column::Tags, tag, TAG_CHARS_MAX);
            tags.push(tag.into());
        }
        tags.into()
    }

    fn extra(&mut self) -> std::collections::BTreeMap<Box<str>, Box<str>> {
        let mut extra = std::collections::BTreeMap::new();
        for (name, cell) in &self.cells.extras {
            let text = many_lines(cell);
            if text.is_empty() {
                continue;
            }
            if extra.len() == EXTRAS_MAX {
                self.problems.push(
                    Problem::new(
                        code::TOO_MANY_EXTRAS,
                        format!("a row has at most {EXTRAS_MAX} unknown columns with content"),
                    )
                    .in_row(self.row),
                );
                break;
            }
            if text.len() > EXTRA_CHARS_MAX && text.chars().count() > EXTRA_CHARS_MAX {
                let message = format!("a cell of an unknown column has at most {EXTRA_CHARS_MAX} characters");
                self.problems
                    .push(Problem::new(code::TOO_LONG, message).in_row(self.row).in_column((*name).to_owned(), cell));
                continue;
            }
            self.check_wecom(name, &text);
            extra.insert((*name).into(), text.into());
        }
        extra
    }

    /// Warns of chats and staff of `WeCom` that no code can lead to.
    fn check_wecom(&mut self, name: &str, text: &str) {
        let most = match name {
            it if CHATS_COLUMNS.contains(&it) => CHATS_MAX,
            it if STAFF_COLUMNS.contains(&it) => STAFF_MAX,
            _ => return,
        };
        let (ids, unfit) = wecom_ids(text);
        let warn =
            |code, message: String| Problem::new(code, message).in_row(self.row).in_column(name.to_owned(), text);
        if ids.len() > most {
            let message = format!("{} are named; a code leads to {most} at most: take some out", ids.len());
            self.warnings.push(warn(code::TOO_MANY_IDS, message));
        }
        if !unfit.is_empty() {
            let message = format!(
                "an id in WeCom is at most {WECOM_ID_BYTES_MAX} letters, digits and signs without blanks; what is none is left out"
            );
            self.warnings.push(warn(code::ID_UNFIT, message));
        }
    }
}

/// Whether a text is a number as spreadsheets shorten long ones: `1.00032E+11`.
fn is_rounded(text: &str) -> bool {
    text.split_once("E+").is_some_and(|(digits, exponent)| {
        let is_number = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit());
        is_number(exponent) && digits.split('.').count() <= 2 && digits.split('.').all(is_number)
    })
}

#[cfg(test)]
mod tests;
