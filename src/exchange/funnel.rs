//! The funnel as it is written down: a table of rows, or one JSON document. What the numbers mean is the funnel's to say.

use serde_json::{Map, Value, json};

use super::table::Cell;
use crate::funnel::{Comparison, Counts, Difference, Pair, Rate, Report, ReportRow, Stage};

/// The headers above the cells of [`funnel_row`]: the dimensions, then the visits and the visitors of every stage.
#[must_use]
pub fn funnel_headers(report: &Report) -> Vec<String> {
    let dimensions = report.by.iter().map(|it| it.as_str().to_owned());
    let stages = |what: &'static str| Stage::ALL.into_iter().map(move |it| format!("{what}_{}", it.as_str()));
    dimensions.chain(stages("visits")).chain(stages("visitors")).collect()
}

/// A row as cells below [`funnel_headers`].
#[must_use]
pub fn funnel_row(row: &ReportRow) -> Vec<Cell<'_>> {
    let count = |it: &i64| match u32::try_from(*it) {
        Ok(count) => Cell::Count(count),
        Err(_large) => Cell::text(it.to_string()),
    };
    let words = row.words.iter().map(|it| Cell::text(&**it));
    words.chain(row.counts.visits.0.iter().map(count)).chain(row.counts.visitors.0.iter().map(count)).collect()
}

/// The whole report as JSON: `by`, `rows`, `total` and, where routes are compared, `comparison`.
#[must_use]
pub fn funnel_json(report: &Report) -> Map<String, Value> {
    let rows: Vec<Value> = report.rows.iter().map(|it| row(report, it)).collect();
    let mut document = Map::new();
    document.insert("by".to_owned(), report.by.iter().map(|it| it.as_str()).collect());
    document.insert("rows".to_owned(), rows.into());
    document.insert("total".to_owned(), pair(&report.total).into());
    if let Some(it) = &report.comparison {
        document.insert("comparison".to_owned(), comparison(it));
    }
    document
}

fn row(report: &Report, row: &ReportRow) -> Value {
    let words = report.by.iter().zip(&row.words).map(|(dimension, word)| {
        let word = Some(&**word).filter(|it| !it.is_empty());
        (dimension.as_str().to_owned(), word.into())
    });
    let mut document: Map<String, Value> = words.collect();
    document.extend(pair(&row.counts));
    document.into()
}

fn pair(counts: &Pair) -> Map<String, Value> {
    let pairs = [("visits", &counts.visits), ("visitors", &counts.visitors)];
    pairs.into_iter().map(|(name, it)| (name.to_owned(), stages(it))).collect()
}

fn stages(counts: &Counts) -> Value {
    let stages: Map<String, Value> =
        Stage::ALL.into_iter().zip(counts.0).map(|(it, count)| (it.as_str().to_owned(), count.into())).collect();
    stages.into()
}

fn comparison(comparison: &Comparison) -> Value {
    let modes: Vec<Value> = comparison
        .modes
        .iter()
        .map(|it| {
            json!({"mode": &*it.mode, "visitors": stages(&it.visitors), "pressed_of_shown": it.pressed.map(rate),
                   "joined_of_shown": it.joined.map(rate)})
        })
        .collect();
    json!({
        "unit": "visitors",
        "confidence": 0.95,
        "modes": modes,
        "contact_less_group": {
            "pressed_of_shown": comparison.pressed.map(difference),
            "joined_of_shown": comparison.joined.map(difference),
        },
    })
}

fn rate(it: Rate) -> Value {
    json!({"count": it.count, "of": it.of, "rate": it.rate, "low": it.low, "high": it.high})
}

fn difference(it: Difference) -> Value {
    json!({"difference": it.difference, "low": it.low, "high": it.high})
}
