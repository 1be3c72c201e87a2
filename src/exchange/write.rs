//! What is exported: the store sheet and the tag records, as rows of cells. What the store sheet says reads back unchanged.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Write;

use crate::campaign::Route;
use crate::catalog::column::extra_name;
use crate::catalog::{Column, FirstContact, FirstGroup, StoreRow};
use crate::id::StoreId;
use crate::store::{Store, StoreStatus, Zone};
use crate::tag::TagRecord;

use super::SheetLanguage;
use super::table::{Cell, TableFormat, WriteError, write_table};

/// One line of the store sheet.
#[derive(Debug, Clone, Copy)]
pub struct SheetLine<'a> {
    /// The store.
    pub store: &'a Store,
    /// Its first group chat.
    pub group: Option<&'a FirstGroup>,
    /// Its first contact.
    pub contact: Option<&'a FirstContact>,
}

impl<'a> From<&'a StoreRow> for SheetLine<'a> {
    fn from(row: &'a StoreRow) -> Self {
        Self { store: &row.store, group: row.group.as_ref(), contact: row.contact.as_ref() }
    }
}

/// The unknown columns of these stores, in alphabetical order.
pub fn extra_names<'a>(stores: impl Iterator<Item = &'a Store>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for name in stores.flat_map(|it| it.extra.keys()) {
        if !names.contains(&**name) {
            names.insert(&**name);
        }
    }
    names
}

/// Writes the store sheet, with these unknown columns behind the known ones, and returns the number of its rows.
///
/// # Errors
/// [`WriteError`] if the output fails or the format cannot hold the rows.
pub fn write_stores(
    format: TableFormat,
    language: SheetLanguage,
    extras: &BTreeSet<&str>,
    lines: &mut dyn Iterator<Item = SheetLine<'_>>,
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    let renamed: Vec<String> = extras.iter().map(|it| extra_name(it)).collect();
    let headers: Vec<&str> = Column::written()
        .map(|it| -> &str { language.of(it.chinese(), it.english()) })
        .chain(renamed.iter().map(String::as_str))
        .collect();
    let mut rows = lines.map(|line| {
        let extra = |name: &&str| Cell::text(line.store.extra.get(*name).map_or("", |it| &**it));
        Column::written().map(|column| worded(line, column, language)).chain(extras.iter().map(extra)).collect()
    });
    write_table(format, &headers, &mut rows, out)
}

/// The cell in the words of a language.
fn worded(line: SheetLine<'_>, column: Column, language: SheetLanguage) -> Cell<'_> {
    match (column, language) {
        (Column::Status, SheetLanguage::Chinese) => Cell::text(match line.store.status {
            StoreStatus::Active => "营业",
            StoreStatus::Paused => "暂停",
            StoreStatus::Closed => "关闭",
        }),
        _ => store_cell(line, column),
    }
}

pub(super) fn store_cell(line: SheetLine<'_>, column: Column) -> Cell<'_> {
    let SheetLine { store, group, contact } = line;
    match column {
        Column::Id => Cell::text(store.id.as_str()),
        Column::Name => Cell::text(&*store.name),
        Column::Address => Cell::text(&*store.address),
        Column::Province => Cell::text(&*store.province),
        Column::City => Cell::text(&*store.city),
        Column::District => Cell::text(&*store.district),
        Column::Lat => Cell::Number(store.at.given_lat()),
        Column::Lng => Cell::Number(store.at.given_lng()),
        Column::Datum => Cell::text(store.at.datum().as_str()),
        Column::Status => Cell::text(store.status.as_str()),
        Column::Hours => store.hours.as_ref().map_or(Cell::Empty, |it| Cell::text(it.to_string())),
        Column::Closures => Cell::text(store.closures.to_string()),
        Column::GroupUrl => group.map_or(Cell::Empty, |it| Cell::text(it.link.as_str())),
        Column::GroupName => group.map_or(Cell::Empty, |it| Cell::text(&*it.name)),
        Column::GroupCapacity => group.map_or(Cell::Empty, |it| Cell::Count(it.capacity)),
        Column::GroupExpires => group.and_then(|it| it.expires_at).map_or(Cell::Empty, |it| Cell::text(it.to_string())),
        Column::ContactUrl => contact.map_or(Cell::Empty, |it| Cell::text(it.link.as_str())),
        Column::ContactName => contact.map_or(Cell::Empty, |it| Cell::text(&*it.name)),
        Column::Tags => Cell::text(store.tags.join(";")),
        Column::Timezone => store.zone.as_ref().map_or(Cell::Empty, |it| Cell::text(Zone::name(it))),
        Column::GroupCode | Column::LngLat | Column::LatLng => Cell::Empty,
    }
}

/// The headers above the cells of [`tag_row`].
pub const TAG_HEADERS: [&str; 19] = [
    "scan",
    "visitor",
    "at",
    "campaign",
    "outcome",
    "store",
    "province",
    "city",
    "district",
    "areas",
    "region_source",
    "source",
    "accuracy",
    "join_kind",
    "join_id",
    "fallback",
    "mode",
    "assigned",
    "tags",
];

/// A tag record as cells below [`TAG_HEADERS`]; areas and tags are joined by `;`.
#[must_use]
pub fn tag_row(record: &TagRecord) -> Vec<Cell<'_>> {
    fn maybe(text: Option<&str>) -> Cell<'_> {
        Cell::text(text.unwrap_or_default())
    }
    let region = &record.region;
    vec![
        Cell::text(record.scan.to_string()),
        Cell::text(record.visitor.to_string()),
        Cell::text(record.at.to_string()),
        Cell::text(record.campaign.as_str()),
        Cell::text(&*record.outcome),
        maybe(record.store.as_ref().map(StoreId::as_str)),
        Cell::text(&*region.province),
        Cell::text(&*region.city),
        Cell::text(&*region.district),
        Cell::text(region.areas.join(";")),
        Cell::text(record.region_source.as_str()),
        Cell::text(record.source.as_str()),
        Cell::text(record.accuracy.as_str()),
        maybe(record.join_kind.as_deref()),
        maybe(record.join_id.as_deref()),
        maybe(record.fallback.as_deref()),
        Cell::text(record.mode.as_str()),
        maybe(record.assigned.map(Route::as_str)),
        Cell::text(Cow::Owned(record.tags().join(";"))),
    ]
}
