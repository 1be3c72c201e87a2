//! The funnel of some days, as operators ask for it.

use super::App;
use super::wecom::tallies;
use crate::funnel::{Dimension, Report};
use crate::storage::{Storage, StorageError, TallyFilter};

/// The dimensions by which a report is kept apart at a time, at the most.
pub const DIMENSIONS_MAX: usize = 4;

/// Reads words such as `day,store` as dimensions.
///
/// # Errors
/// What is wrong with them, in words.
pub fn read_dimensions(text: &str) -> Result<Vec<Dimension>, String> {
    let mut by = Vec::new();
    for word in text.split(',').map(str::trim) {
        let Some(dimension) = Dimension::parse(word) else {
            let known: Vec<&str> = Dimension::ALL.iter().map(|it| it.as_str()).collect();
            return Err(format!("{:?} is none of {}", word.chars().take(32).collect::<String>(), known.join(", ")));
        };
        if by.contains(&dimension) {
            return Err(format!("names {word} twice"));
        }
        by.push(dimension);
    }
    if by.len() > DIMENSIONS_MAX { Err(format!("names more than {DIMENSIONS_MAX}")) } else { Ok(by) }
}

/// The funnel of the tallies that pass the filter, with the joins that no visit is known of beside the visits. By mode, the routes that visitors were assigned are compared. Blocks on the disk.
///
/// # Errors
/// Storage's.
pub fn funnel(storage: &dyn Storage, by: Vec<Dimension>, filter: &TallyFilter) -> Result<Report, StorageError> {
    let rows = tallies(storage, &by, filter)?;
    let compares = by == [Dimension::Mode] || by == [Dimension::Assigned];
    let assigned = if compares { Some(storage.tallies(&[Dimension::Assigned], filter)?) } else { None };
    Ok(Report::new(by, rows, assigned.as_deref()))
}

impl App {
    /// As [`funnel`].
    ///
    /// # Errors
    /// Storage's.
    pub fn funnel(&self, by: Vec<Dimension>, filter: &TallyFilter) -> Result<Report, StorageError> {
        funnel(&*self.parts.storage, by, filter)
    }
}
