//! Lists page by page, and the moments between which things are listed.

use jiff::ToSpan as _;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::query::Query;
use crate::store::Zone;
use crate::time::Timestamp;

/// Things on one page, unless the caller says how many.
const PER_PAGE: usize = 50;
/// Things on one page at the most.
pub(super) const PER_PAGE_MAX: usize = 200;
/// The last page that may be asked for.
const PAGES_MAX: usize = 1_000_000;

/// One page of a list.
#[derive(Serialize, JsonSchema)]
pub(super) struct Listing<T> {
    /// How many there are on all pages.
    pub(super) total: u64,
    /// Which page this is, from 1.
    pub(super) page: usize,
    /// How many a page holds.
    pub(super) per_page: usize,
    /// What is on this page.
    pub(super) items: Vec<T>,
}

/// Which page is asked for.
#[derive(Clone, Copy)]
pub(super) struct Page {
    page: usize,
    pub(super) per_page: usize,
}

impl Page {
    /// Reads `page` and `per_page`.
    pub(super) fn read(query: &mut Query<'_>) -> Self {
        Self { page: query.count("page", 1, 1..=PAGES_MAX), per_page: per_page(query) }
    }

    /// How many come before it.
    pub(super) fn skips(self) -> usize {
        (self.page - 1).saturating_mul(self.per_page)
    }

    /// The answer, of what is on this page.
    pub(super) fn listing<T>(self, total: u64, items: Vec<T>) -> Listing<T> {
        Listing { total, page: self.page, per_page: self.per_page, items }
    }

    /// The answer, out of everything.
    pub(super) fn of<T>(self, all: Vec<T>) -> Listing<T> {
        let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
        self.listing(total, all.into_iter().skip(self.skips()).take(self.per_page).collect())
    }
}

/// Reads `per_page`.
pub(super) fn per_page(query: &mut Query<'_>) -> usize {
    query.count("per_page", PER_PAGE, 1..=PER_PAGE_MAX)
}

/// Reads a moment: RFC 3339, or a day, of which the first moment counts, or the last for an end.
pub(super) fn moment(query: &mut Query<'_>, field: &'static str, is_end: bool, zone: &Zone) -> Option<Timestamp> {
    let text = query.text(field)?;
    let found = Timestamp::parse_rfc3339(text).or_else(|| {
        let day = Some(text).filter(|it| it.len() == 10)?.parse::<jiff::civil::Date>().ok()?;
        let day = if is_end { day.checked_add(1.day()).ok()? } else { day };
        let at = day.to_zoned(zone.as_jiff().clone()).ok()?;
        Some(Timestamp::from_unix_ms(at.timestamp().as_millisecond()))
    });
    if found.is_none() {
        query.fail(
            field,
            "invalid_moment",
            "is neither a day such as 2026-07-15 nor a moment such as 2026-07-15T12:00:00+08:00",
        );
    }
    found
}
