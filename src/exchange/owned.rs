//! Sheets of group chats and of contacts out again; what they say reads back unchanged.

use std::io::Write;

use super::SheetLanguage;
use super::table::{Cell, TableFormat, WriteError, write_table};
use crate::group::{Contact, GroupChat, GroupStatus, JoinCode, Owner};

/// The columns in both languages; contacts have no capacity and no status.
const HEADERS: [(&str, &str); 11] = [
    ("id", "编号"),
    ("store", "门店编号"),
    ("region", "区域"),
    ("campaign", "活动"),
    ("name", "名称"),
    ("url", "链接"),
    ("code", "码类型"),
    ("expires", "过期时间"),
    ("order", "顺序"),
    ("capacity", "上限"),
    ("status", "状态"),
];
/// How many of them contacts have.
const CONTACT_HEADERS: usize = 9;

fn headers(count: usize, language: SheetLanguage) -> Vec<&'static str> {
    let one = |(english, chinese): &(&'static str, &'static str)| language.of(*chinese, *english);
    HEADERS.iter().take(count).map(one).collect()
}

/// Writes group chats, and returns their number.
///
/// # Errors
/// [`WriteError`] if the output fails or the format cannot hold the rows.
pub fn write_groups(
    format: TableFormat,
    language: SheetLanguage,
    groups: &[GroupChat],
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    let mut rows = groups.iter().map(|it| {
        let mut cells = shared(it.id.as_str(), &it.owner, &it.name, &it.code, it.order, language);
        cells.push(Cell::Count(it.capacity));
        cells.push(Cell::text(match it.status {
            GroupStatus::Active => language.of("启用", "active"),
            GroupStatus::Paused => language.of("暂停", "paused"),
        }));
        cells
    });
    write_table(format, &headers(HEADERS.len(), language), &mut rows, out)
}

/// Writes contacts, and returns their number.
///
/// # Errors
/// [`WriteError`] if the output fails or the format cannot hold the rows.
pub fn write_contacts(
    format: TableFormat,
    language: SheetLanguage,
    contacts: &[Contact],
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    let mut rows = contacts.iter().map(|it| shared(it.id.as_str(), &it.owner, &it.name, &it.code, it.order, language));
    write_table(format, &headers(CONTACT_HEADERS, language), &mut rows, out)
}

fn shared<'a>(
    id: &'a str,
    owner: &'a Owner,
    name: &'a str,
    code: &'a JoinCode,
    order: i32,
    language: SheetLanguage,
) -> Vec<Cell<'a>> {
    let mut owners = [Cell::Empty, Cell::Empty, Cell::Empty];
    let [store, region, campaign] = &mut owners;
    match owner {
        Owner::Store(id) => *store = Cell::text(id.as_str()),
        Owner::Region(code) => *region = Cell::text(code.as_str()),
        Owner::Campaign(slug) => *campaign = Cell::text(slug.as_str()),
    }
    let kind =
        if code.expires_at.is_none() { language.of("活码", "live") } else { language.of("上传", "uploaded") };
    let mut cells = vec![Cell::text(id)];
    cells.extend(owners);
    cells.extend([
        Cell::text(name),
        Cell::text(code.link.as_str()),
        Cell::text(kind),
        code.expires_at.map_or(Cell::Empty, |it| Cell::text(it.to_string())),
        Cell::Number(f64::from(order)),
    ]);
    cells
}
