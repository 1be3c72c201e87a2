//! Sheets of group chats and of contacts: their columns, and what one row says. Which rows change what is for `owned::join`.
//!
//! Cells that are empty, and columns that are not there, say nothing: a merge keeps what was there. So a sheet of `id` and `members`
//! is a whole sheet.

mod join;

pub use join::{OwnedRows, join_contacts, join_groups};

use super::column::{NOTE_HEADERS, key};
use super::plain::{folded, one_line, trimmed};
use super::{Problem, SheetRules, code, moment};
use crate::group::{CAPACITY_MAX, GroupStatus, JoinLink};
use crate::id::{CampaignSlug, IdError, StoreId};
use crate::time::Timestamp;

/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 100;
/// The longest number, in characters.
const NUMBER_CHARS_MAX: usize = 12;
/// A message lists at most so many headers.
const LISTED_MAX: usize = 30;

/// What a sheet is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnedKind {
    /// Group chats.
    Groups,
    /// Contacts.
    Contacts,
}

/// A column of such a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    Store,
    Region,
    Campaign,
    Name,
    Url,
    Code,
    Expires,
    Order,
    Capacity,
    Status,
    Members,
}

impl Field {
    const ALL: [(Self, &'static str, &'static [&'static str]); 12] = [
        (Self::Id, "id", &["编号", "群编号", "联系人编号", "group_id", "contact_id"]),
        (Self::Store, "store", &["门店编号", "门店", "store_id"]),
        (Self::Region, "region", &["区域", "地区", "region_code"]),
        (Self::Campaign, "campaign", &["活动", "campaign_slug"]),
        (Self::Name, "name", &["名称", "群名称", "姓名", "店长", "group_name", "contact_name"]),
        (Self::Url, "url", &["链接", "群链接", "店长链接", "group_url", "contact_url"]),
        (Self::Code, "code", &["码类型", "群码类型", "group_code"]),
        (Self::Expires, "expires", &["过期时间", "群过期时间", "group_expires"]),
        (Self::Order, "order", &["顺序", "排序"]),
        (Self::Capacity, "capacity", &["上限", "群上限", "group_capacity"]),
        (Self::Status, "status", &["状态", "群状态"]),
        (Self::Members, "members", &["人数", "群人数", "成员数", "group_members"]),
    ];

    fn english(self) -> &'static str {
        Self::ALL.iter().find(|(field, ..)| *field == self).map_or("", |(_, name, _)| name)
    }

    fn is_of(self, kind: OwnedKind) -> bool {
        kind == OwnedKind::Groups || !matches!(self, Self::Capacity | Self::Status | Self::Members)
    }
}

/// Which cell of a row belongs to which column.
#[derive(Debug, Clone)]
pub struct OwnedColumns {
    places: Vec<(Field, usize)>,
}

impl OwnedColumns {
    /// Finds the columns among the headers of a sheet.
    ///
    /// # Errors
    /// Headers without a meaning, headers with one meaning, and a missing `id`.
    pub fn of_headers(headers: &[&str], kind: OwnedKind) -> Result<Self, Vec<Problem>> {
        let (mut places, mut problems): (Vec<(Field, usize)>, _) = (Vec::new(), Vec::new());
        for (place, header) in headers.iter().enumerate() {
            let wanted = key(header);
            if wanted.is_empty() || NOTE_HEADERS.contains(&trimmed(header)) {
                continue;
            }
            let found = Field::ALL.iter().find(|(field, english, others)| {
                field.is_of(kind) && (key(english) == wanted || others.iter().any(|it| key(it) == wanted))
            });
            let problem = match found {
                None => Some((code::UNKNOWN_COLUMN, format!("there is no column {}", one_line(header)))),
                Some((field, english, _)) if places.iter().any(|it| it.0 == *field) => {
                    Some((code::DUPLICATE_COLUMN, format!("two columns mean {english}; remove one")))
                }
                Some((field, ..)) => {
                    places.push((*field, place));
                    None
                }
            };
            problems.extend(problem.map(|(code, message)| {
                Problem::new(code, message)
                    .in_row(1)
                    .in_column(one_line(header).chars().take(40).collect::<String>(), "")
            }));
        }
        if places.iter().all(|it| it.0 != Field::Id) {
            let listed: Vec<_> = headers.iter().take(LISTED_MAX).map(|it| one_line(it)).collect();
            let message = format!("no column is headed id or 编号; the sheet has: {}", listed.join(", "));
            problems.push(Problem::new(code::COLUMN_MISSING, message).in_row(1).in_column("id", ""));
        }
        if problems.is_empty() { Ok(Self { places }) } else { Err(problems) }
    }
}

/// Whose a group or contact is, as its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerCell {
    /// A store's.
    Store(StoreId),
    /// That of a region, by its code or name.
    Region(String),
    /// A campaign's.
    Campaign(CampaignSlug),
}

/// What kind of join code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// One that `WeCom` renews by itself: it does not expire.
    Live,
    /// One that was saved from a chat: it works for some days.
    Uploaded,
}

impl CodeKind {
    /// Reads `live` or `uploaded`, 活码 or 上传.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match key(text).as_str() {
            "live" | "活码" | "永久" => Some(Self::Live),
            "uploaded" | "上传" | "静态码" => Some(Self::Uploaded),
            _ => None,
        }
    }
}

/// What a row says; nothing where its cell says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedRow {
    /// The row as a spreadsheet shows it.
    pub row: u64,
    /// The id, of a group or of a contact.
    pub id: String,
    /// Whose it is.
    pub owner: Option<OwnerCell>,
    /// The name that customers see.
    pub name: Option<Box<str>>,
    /// Where it leads.
    pub link: Option<JoinLink>,
    /// What kind of code it is.
    pub code: Option<CodeKind>,
    /// The moment from which it no longer works.
    pub expires_at: Option<Timestamp>,
    /// Its place among those of its owner.
    pub order: Option<i32>,
    /// Members up to which it is taken to accept scans.
    pub capacity: Option<u32>,
    /// Whether it takes visitors.
    pub status: Option<GroupStatus>,
    /// How many members it has.
    pub members: Option<u32>,
}

/// Reads one row; none if it is blank.
///
/// # Errors
/// All problems of the row.
pub fn read_owned_row<'a>(
    row: u64,
    columns: &OwnedColumns,
    cell: &dyn Fn(usize) -> &'a str,
    rules: &SheetRules<'_>,
) -> Result<Option<OwnedRow>, Vec<Problem>> {
    let cells: Vec<_> = columns.places.iter().map(|(field, place)| (*field, trimmed(cell(*place)))).collect();
    if cells.iter().all(|(_, cell)| cell.is_empty()) {
        return Ok(None);
    }
    let mut reader = Reader { row, cells, rules, problems: Vec::new() };
    let read = OwnedRow {
        row,
        id: reader.id(),
        owner: reader.owner(),
        name: reader.name(),
        link: reader.link(),
        code: reader.one(Field::Code, code::CODE_UNKNOWN, "is live or uploaded (活码, 上传)", CodeKind::parse),
        expires_at: reader.expires(),
        order: reader
            .one(Field::Order, code::NOT_A_NUMBER, "is a whole number such as 1", |it| digits(it)?.parse().ok()),
        capacity: reader.count(Field::Capacity, 1),
        status: reader.one(Field::Status, code::STATUS_UNKNOWN, "is active or paused (启用, 暂停)", status),
        members: reader.count(Field::Members, 0),
    };
    if read.code == Some(CodeKind::Live) && read.expires_at.is_some() {
        reader.fail(Field::Expires, code::CODE_EXPIRES, "a live code does not expire; leave the cell empty");
    }
    if reader.problems.is_empty() { Ok(Some(read)) } else { Err(reader.problems) }
}

fn status(text: &str) -> Option<GroupStatus> {
    match key(text).as_str() {
        "active" | "启用" | "营业" => Some(GroupStatus::Active),
        "paused" | "暂停" => Some(GroupStatus::Paused),
        _ => None,
    }
}

/// A whole number as spreadsheets write it, `200` or `200.0`.
fn digits(text: &str) -> Option<&str> {
    let digits = text.strip_suffix(".0").unwrap_or(text);
    (digits.len() <= NUMBER_CHARS_MAX).then_some(digits)
}

struct Reader<'a> {
    row: u64,
    cells: Vec<(Field, &'a str)>,
    rules: &'a SheetRules<'a>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn cell(&self, field: Field) -> Option<&'a str> {
        self.cells.iter().find(|(it, _)| *it == field).map(|(_, cell)| *cell).filter(|it| !it.is_empty())
    }

    fn fail(&mut self, field: Field, code: &'static str, message: impl Into<String>) {
        let cell = self.cell(field).unwrap_or_default();
        self.problems.push(Problem::new(code, message).in_row(self.row).in_column(field.english(), cell));
    }

    fn one<T>(
        &mut self,
        field: Field,
        code: &'static str,
        rule: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = folded(self.cell(field)?);
        let read = parse(trimmed(&text));
        if read.is_none() {
            self.fail(field, code, format!("{} {rule}", field.english()));
        }
        read
    }

    fn count(&mut self, field: Field, least: u32) -> Option<u32> {
        let number =
            self.one(field, code::NOT_A_NUMBER, "is a whole number such as 200", |it| digits(it)?.parse::<u64>().ok())?;
        let count = u32::try_from(number).ok().filter(|it| (least..=CAPACITY_MAX).contains(it));
        if count.is_none() {
            self.fail(field, code::OUT_OF_RANGE, format!("{} is from {least} to {CAPACITY_MAX}", field.english()));
        }
        count
    }

    fn id(&mut self) -> String {
        let text = folded(self.cell(Field::Id).unwrap_or_default());
        // Groups and contacts have ids of one form.
        match crate::id::GroupId::parse_new(trimmed(&text)) {
            Ok(id) => return id.to_string(),
            Err(IdError::Empty) => self.fail(Field::Id, code::MISSING, "a row needs an id"),
            Err(error @ IdError::TooLong(..)) => self.fail(Field::Id, code::TOO_LONG, format!("the id {error}")),
            Err(error @ IdError::Reserved) => self.fail(Field::Id, code::RESERVED, format!("the id {error}")),
            Err(error @ (IdError::BadCharacter(_) | IdError::NotUlid)) => {
                self.fail(Field::Id, code::BAD_CHARACTER, format!("the id {error}"));
            }
        }
        String::new()
    }

    fn owner(&mut self) -> Option<OwnerCell> {
        let [store, region, campaign] = [Field::Store, Field::Region, Field::Campaign].map(|it| self.cell(it));
        if [store, region, campaign].iter().flatten().count() > 1 {
            self.fail(
                Field::Store,
                code::TWO_OWNERS,
                "it belongs to a store, a region or a campaign: fill in one of them",
            );
            return None;
        }
        if let Some(text) = store {
            let id = StoreId::parse(&folded(text));
            return self.parsed(Field::Store, id).map(OwnerCell::Store);
        }
        if let Some(text) = campaign {
            let slug = CampaignSlug::parse(&folded(text));
            return self.parsed(Field::Campaign, slug).map(OwnerCell::Campaign);
        }
        region.map(|it| OwnerCell::Region(folded(it).into_owned()))
    }

    fn parsed<T>(&mut self, field: Field, id: Result<T, IdError>) -> Option<T> {
        match id {
            Ok(id) => Some(id),
            Err(error) => {
                self.fail(field, code::BAD_CHARACTER, format!("{} {error}", field.english()));
                None
            }
        }
    }

    fn name(&mut self) -> Option<Box<str>> {
        let name = one_line(self.cell(Field::Name)?);
        if name.chars().count() > NAME_CHARS_MAX {
            self.fail(Field::Name, code::TOO_LONG, format!("a name has at most {NAME_CHARS_MAX} characters"));
            return None;
        }
        Some(name.into())
    }

    fn link(&mut self) -> Option<JoinLink> {
        match JoinLink::parse(self.cell(Field::Url)?, self.rules.link_hosts) {
            Ok(link) => Some(link),
            Err(error) => {
                self.fail(Field::Url, super::draft::link_code(&error), format!("the link {error}"));
                None
            }
        }
    }

    fn expires(&mut self) -> Option<Timestamp> {
        let moment = moment::read(self.cell(Field::Expires)?, &self.rules.zone);
        if moment.is_none() {
            let message = "a date is written 2026-12-01, 2026-12-01 18:00 or 2026-12-01T18:00:00+08:00";
            self.fail(Field::Expires, code::DATE_UNREADABLE, message);
        }
        moment
    }
}

#[cfg(test)]
mod tests;
