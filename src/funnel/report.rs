//! The funnel of some days as it is told: rows, their sum, and the two routes side by side; not how it is written down.

use super::interval::{Difference, Rate, difference, rate};
use super::tally::{Counts, Dimension, Pair, Stage};

/// One row: the words of its dimensions, and its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// One word a dimension, in the order asked for; empty where it is not known or does not apply.
    pub words: Vec<Box<str>>,
    /// Its counts.
    pub counts: Pair,
}

/// The rates of the visitors that were assigned one route, with their confidence. Each visitor counts once a day.
#[derive(Debug, Clone, PartialEq)]
pub struct ModeRates {
    /// The route: `group` or `contact`.
    pub mode: Box<str>,
    /// Visitors of all stages.
    pub visitors: Counts,
    /// Of those that were shown a code, those that pressed it; none if nobody was shown one.
    pub pressed: Option<Rate>,
    /// Of those that were shown a code, those that joined.
    pub joined: Option<Rate>,
}

/// The two routes side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Every route that visitors were assigned, by its word.
    pub modes: Vec<ModeRates>,
    /// `contact` less `group`, pressed of shown; none unless both were shown.
    pub pressed: Option<Difference>,
    /// `contact` less `group`, joined of shown.
    pub joined: Option<Difference>,
}

/// The funnel of some days.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// By what the rows are kept apart, in this order.
    pub by: Vec<Dimension>,
    /// The rows, in the order of their words.
    pub rows: Vec<ReportRow>,
    /// The sum of all rows.
    pub total: Pair,
    /// The two routes, where they were asked for.
    pub comparison: Option<Comparison>,
}

impl Report {
    /// A report of these rows. `assigned` are the rows of the same visits by [`Dimension::Assigned`] alone; they are compared.
    #[must_use]
    pub fn new(by: Vec<Dimension>, rows: Vec<ReportRow>, assigned: Option<&[ReportRow]>) -> Self {
        let mut total = Pair::default();
        for it in &rows {
            total.sum(&it.counts, 1);
        }
        let comparison = assigned.map(compare);
        Self { by, rows, total, comparison }
    }
}

fn compare(rows: &[ReportRow]) -> Comparison {
    let count = |counts: &Counts, stage| u64::try_from(counts.of(stage)).unwrap_or(0);
    let modes: Vec<ModeRates> = rows
        .iter()
        .filter_map(|row| {
            let mode = row.words.first().filter(|it| !it.is_empty())?;
            let visitors = row.counts.visitors;
            let of_shown = |stage| rate(count(&visitors, stage), count(&visitors, Stage::Shown));
            Some(ModeRates {
                mode: mode.clone(),
                visitors,
                pressed: of_shown(Stage::Pressed),
                joined: of_shown(Stage::Joined),
            })
        })
        .collect();
    let of = |mode: &str| modes.iter().find(|it| &*it.mode == mode);
    let between = |pick: fn(&ModeRates) -> Option<Rate>| {
        Some(difference(of("contact").and_then(pick)?, of("group").and_then(pick)?))
    };
    let (pressed, joined) = (between(|it| it.pressed), between(|it| it.joined));
    Comparison { modes, pressed, joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(mode: &str, shown: i64, pressed: i64) -> ReportRow {
        let visitors = Counts([shown, shown, shown, pressed, 0, 0]);
        ReportRow { words: vec![mode.into()], counts: Pair { visits: Counts([1_000; 6]), visitors } }
    }

    #[test]
    fn routes_are_compared_by_visitors_and_not_by_visits() {
        let assigned = [row("", 9, 9), row("contact", 70, 56), row("group", 80, 48)];
        let report = Report::new(vec![Dimension::Assigned], assigned.to_vec(), Some(&assigned));
        assert_eq!(report.total.visitors.of(Stage::Shown), 159);
        let comparison = report.comparison.unwrap();
        assert_eq!(comparison.modes.len(), 2);
        assert_eq!(comparison.modes[0].pressed.unwrap().of, 70);
        // Newcombe's example (a): 56/70 - 48/80.
        let pressed = comparison.pressed.unwrap();
        assert!((pressed.low - 0.0524).abs() < 5e-5 && (pressed.high - 0.3339).abs() < 5e-5, "{pressed:?}");
        assert!(comparison.joined.unwrap().low < 0.0);
    }

    #[test]
    fn one_route_alone_is_compared_with_nothing() {
        let assigned = [row("group", 80, 48)];
        assert_eq!(Report::new(Vec::new(), Vec::new(), Some(&assigned)).comparison.unwrap().pressed, None);
        assert_eq!(Report::new(vec![Dimension::Day], Vec::new(), None).comparison, None);
    }
}
