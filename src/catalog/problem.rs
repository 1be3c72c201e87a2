//! What is wrong with a draft, and where.

use std::borrow::Cow;

use serde::Serialize;

use crate::id::CampaignSlug;

/// The longest value that a report repeats, in characters.
const VALUE_CHARS_MAX: usize = 80;

/// One thing wrong (or, as a warning, suspicious) in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
// An error of the web is called so, too, and both are described in one place.
#[schemars(rename = "RowProblem")]
pub struct Problem {
    /// The row as a spreadsheet shows it: the header is row 1. None if it concerns no single row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The column by its English name, or the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<Cow<'static, str>>,
    /// A stable word.
    pub code: &'static str,
    /// One sentence for a person.
    pub message: String,
    /// What stands there, cut to 80 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The campaign that it concerns, so that whoever read it from a file can say where it stands.
    #[serde(skip)]
    pub campaign: Option<CampaignSlug>,
}

impl Problem {
    /// A problem of the whole input.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { row: None, column: None, code, message: message.into(), value: None, campaign: None }
    }

    /// The same problem, placed in a row.
    #[must_use]
    pub fn in_row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    /// The same problem, of a campaign.
    #[must_use]
    pub fn of_campaign(mut self, slug: &CampaignSlug) -> Self {
        self.campaign = Some(slug.clone());
        self
    }

    /// The same problem, placed in a column, with the value that stands there.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<Cow<'static, str>>, value: &str) -> Self {
        self.column = Some(column.into());
        self.value = Some(value.chars().take(VALUE_CHARS_MAX).collect()).filter(|it: &String| !it.is_empty());
        self
    }
}
