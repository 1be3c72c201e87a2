//! Which header of a sheet means which column. Reads headers only; cells are for `draft`.
//!
//! The rule, in this order: a header that the user's mapping names; the English or Chinese name of the column; the first of its
//! other names, in the order of the table below. Case, width, spaces, `_` and `-` do not matter. Whatever is not chosen is kept
//! as extra under its own header. So `city` beats `city_name` though both are there: an exported sheet must read back as it was,
//! with `city_name` among its extras; who prefers the other says `city=city_name`.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::column::{COLUMN_COUNT, Column, HEADER_CHARS_MAX, NOTE_HEADERS, extra_name, key};
use super::plain::{one_line, trimmed};
use super::{Problem, code};

/// More columns than this are a mistake.
pub const COLUMNS_MAX: usize = 1_024;
/// A message lists at most so many headers.
const LISTED_MAX: usize = 30;

/// Why a text is no part of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingError {
    /// No `=` between a column and a header.
    #[error("{0:?} is not COLUMN=HEADER, for example id=store_code")]
    NoPair(String),
    /// Not the name of a column.
    #[error(
        "{0:?} is no column; columns are id, name, address, province, city, district, lat, lng, lnglat, latlng, datum, status, hours, tags …"
    )]
    UnknownColumn(String),
}

/// The user's own word on which header means which column. One header may serve several columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping(BTreeMap<Column, String>);

impl Mapping {
    /// Adds `COLUMN=HEADER`.
    ///
    /// # Errors
    /// [`MappingError`] if it is none, or names no column.
    pub fn add(&mut self, pair: &str) -> Result<(), MappingError> {
        let (name, header) = pair.split_once('=').ok_or_else(|| MappingError::NoPair(pair.into()))?;
        let column = Column::parse(name).ok_or_else(|| MappingError::UnknownColumn(name.into()))?;
        self.0.insert(column, header.into());
        Ok(())
    }
}

/// Which cell of a row belongs to which column.
#[derive(Debug, Clone, Default)]
pub struct ColumnMap {
    places: [Option<usize>; COLUMN_COUNT],
    extras: Vec<(usize, Arc<str>)>,
    width: usize,
    /// Choices that the user may want to know of.
    pub warnings: Vec<Problem>,
}

impl ColumnMap {
    /// Finds the columns among the headers of a sheet, and checks that the required ones are there.
    ///
    /// # Errors
    /// All problems: headers with one meaning, headers that the mapping names in vain, required columns that are missing.
    pub fn of_sheet(headers: &[&str], mapping: &Mapping) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let found = Self::of_headers(headers, mapping, &mut problems);
        found.check_required(headers, &mut problems);
        if problems.is_empty() { Ok(found) } else { Err(problems) }
    }

    /// Finds the columns among names, whatever is missing.
    #[must_use]
    pub fn of_headers(headers: &[&str], mapping: &Mapping, problems: &mut Vec<Problem>) -> Self {
        let mut map = Self { width: headers.len(), ..Self::default() };
        if headers.len() > COLUMNS_MAX {
            problems.push(
                Problem::new(
                    code::TOO_MANY_COLUMNS,
                    format!("the sheet has {} columns, at most {COLUMNS_MAX} are read", headers.len()),
                )
                .in_row(1),
            );
            return map;
        }
        let keys: Vec<String> = headers.iter().map(|it| key(it)).collect();
        let mut taken = vec![false; headers.len()];
        for (column, header) in &mapping.0 {
            let wanted = trimmed(header);
            let exact = headers.iter().position(|it| trimmed(it) == wanted);
            let place = exact.or_else(|| keys.iter().position(|it| *it == key(wanted)));
            match place {
                Some(place) => map.put(*column, place, &mut taken),
                None => problems.push(mapped_in_vain(*column, header, headers)),
            }
        }
        for column in Column::ALL.iter().copied() {
            if map.place(column).is_none() && !map.has_place_without(column) {
                map.choose(column, headers, &keys, &mut taken, problems);
            }
        }
        map.keep_extras(headers, &taken);
        map
    }

    fn put(&mut self, column: Column, place: usize, taken: &mut [bool]) {
        if let Some(slot) = self.places.get_mut(column.index()) {
            *slot = Some(place);
        }
        if let Some(slot) = taken.get_mut(place) {
            *slot = true;
        }
    }

    /// Whether a latitude or longitude is known from other columns than this one.
    fn has_place_without(&self, column: Column) -> bool {
        let has = |it: Column| self.place(it).is_some();
        match column {
            Column::Lat | Column::Lng => has(Column::LngLat) || has(Column::LatLng),
            Column::LngLat => has(Column::LatLng) || (has(Column::Lat) && has(Column::Lng)),
            Column::LatLng => has(Column::LngLat) || (has(Column::Lat) && has(Column::Lng)),
            Column::Id
            | Column::Name
            | Column::Address
            | Column::Province
            | Column::City
            | Column::District
            | Column::Datum
            | Column::Status
            | Column::Hours
            | Column::Closures
            | Column::GroupUrl
            | Column::GroupName
            | Column::GroupCapacity
            | Column::GroupExpires
            | Column::GroupCode
            | Column::ContactUrl
            | Column::ContactName
            | Column::Tags
            | Column::Timezone => false,
        }
    }

    fn choose(
        &mut self,
        column: Column,
        headers: &[&str],
        keys: &[String],
        taken: &mut [bool],
        problems: &mut Vec<Problem>,
    ) {
        let is_free = |place: usize| taken.get(place) == Some(&false);
        // A header that the mapping has given to another column still means what it says, if it says so exactly.
        let mut ranked: Vec<(usize, usize)> = keys
            .iter()
            .enumerate()
            .filter_map(|(place, key)| column.rank(key).map(|rank| (rank, place)))
            .filter(|(rank, place)| *rank == 0 || is_free(*place))
            .collect();
        ranked.sort_unstable();
        let Some((best, place)) = ranked.first().copied() else {
            return;
        };
        let header = |place: usize| headers.get(place).copied().unwrap_or_default();
        let name = column.english();
        if let Some((_, other)) = ranked.get(1).copied().filter(|(rank, _)| *rank == best) {
            let message =
                format!("both {:?} and {:?} mean {name}; remove one, or rename it", header(place), header(other));
            problems.push(Problem::new(code::DUPLICATE_COLUMN, message).in_row(1).in_column(name, header(other)));
        } else if let Some((_, other)) = ranked.get(1).copied().filter(|_| best > 0) {
            let (chosen, other) = (header(place), header(other));
            let message = format!(
                "{name} is read from {chosen:?}; {other:?} is kept as extra; to choose otherwise map {name}={other}"
            );
            self.warnings.push(Problem::new(code::COLUMN_CHOICE, message).in_row(1).in_column(name, chosen));
        }
        self.put(column, place, taken);
    }

    fn keep_extras(&mut self, headers: &[&str], taken: &[bool]) {
        let mut seen = std::collections::HashSet::new();
        for (place, header) in headers.iter().enumerate().filter(|(place, _)| taken.get(*place) == Some(&false)) {
            if NOTE_HEADERS.contains(&trimmed(header)) {
                continue;
            }
            let name = match extra_name(header) {
                empty if empty.is_empty() => format!("column_{}", place + 1),
                name => name,
            };
            let mut unique = name.clone();
            let mut copy = 2_u32;
            while !seen.insert(unique.clone()) {
                // Short enough that the name with its number is a name that is read back uncut.
                let stem: String = name.chars().take(HEADER_CHARS_MAX - 8).collect();
                unique = format!("{} ({copy})", trimmed(&stem));
                copy += 1;
            }
            self.extras.push((place, Arc::from(unique)));
        }
    }

    fn check_required(&self, headers: &[&str], problems: &mut Vec<Problem>) {
        for column in [Column::Id, Column::Name, Column::Lat, Column::Lng] {
            if self.place(column).is_none() && !self.has_place_without(column) {
                let (english, chinese) = (column.english(), column.chinese());
                let message = format!("no column is headed {english} or {chinese}; the sheet has: {}", listed(headers));
                problems.push(Problem::new(code::COLUMN_MISSING, message).in_row(1).in_column(english, ""));
            }
        }
    }

    /// The place of a column in a row, counted from 0.
    #[must_use]
    pub fn place(&self, column: Column) -> Option<usize> {
        self.places.get(column.index()).copied().flatten()
    }

    /// The columns that have a place, and their places in a row, counted from 0.
    pub fn known(&self) -> impl Iterator<Item = (Column, usize)> {
        Column::ALL.iter().copied().filter_map(|column| Some((column, self.place(column)?)))
    }

    /// The places of unknown columns and the names under which they are kept.
    #[must_use]
    pub fn extras(&self) -> &[(usize, Arc<str>)] {
        &self.extras
    }

    /// How many cells the header has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }
}

fn listed(headers: &[&str]) -> String {
    let mut names: Vec<String> =
        headers.iter().take(LISTED_MAX).map(|it| one_line(it).chars().take(40).collect()).collect();
    if headers.len() > LISTED_MAX {
        names.push(format!("and {} more", headers.len() - LISTED_MAX));
    }
    names.join(", ")
}

fn mapped_in_vain(column: Column, header: &str, headers: &[&str]) -> Problem {
    let message =
        format!("the mapping reads {} from {header:?}, but the sheet has: {}", column.english(), listed(headers));
    Problem::new(code::MAPPED_COLUMN_MISSING, message).in_row(1).in_column(column.english(), header)
}

#[cfg(test)]
mod tests;
