//! What a visit counts for, and sums of it: cells of a day, a campaign, a store and so on; not the table that keeps them.
//!
//! A visit counts in one cell, under its latest revision. A visitor counts once a day, in the cell of the visit of that day that
//! went furthest; so sums over any grouping are exact, and nobody is counted twice.

use std::collections::BTreeMap;

use super::Step;
use crate::id::{ScanId, VisitorId};
use crate::time::{Day, Timestamp};

/// A stage of the funnel, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The page or an answer was shown.
    Scanned,
    /// A place was known.
    Located,
    /// A join code was shown.
    Shown,
    /// A long press on it was seen.
    Pressed,
    /// The customer came into the group, or added the contact.
    Joined,
    /// The customer went out of it again.
    Left,
}

impl Stage {
    /// How many there are.
    pub const COUNT: usize = 6;
    /// All stages, in order.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Scanned, Self::Located, Self::Shown, Self::Pressed, Self::Joined, Self::Left];

    /// The word used in the API and in exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scanned => "scanned",
            Self::Located => "located",
            Self::Shown => "shown",
            Self::Pressed => "pressed",
            Self::Joined => "joined",
            Self::Left => "left",
        }
    }

    /// The stage that a step proves; none for steps that lead nowhere.
    #[must_use]
    pub fn of(step: Step) -> Option<Self> {
        match step {
            Step::Pressed => Some(Self::Pressed),
            Step::Joined => Some(Self::Joined),
            Step::Left => Some(Self::Left),
            Step::Refused | Step::NotMine => None,
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Scanned => 1,
            Self::Located => 2,
            Self::Shown => 4,
            Self::Pressed => 8,
            Self::Joined => 16,
            Self::Left => 32,
        }
    }
}

/// The stages that one visit reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stages(u8);

impl Stages {
    /// These stages too.
    #[must_use]
    pub fn with(self, stage: Stage) -> Self {
        Self(self.0 | stage.bit())
    }

    /// Whether the stage was reached.
    #[must_use]
    pub fn has(self, stage: Stage) -> bool {
        self.0 & stage.bit() != 0
    }

    /// The stages of a visit: whether a place was known, whether a code was shown, and what its steps prove. Who pressed or joined
    /// has seen a code, whatever was shown later.
    #[must_use]
    pub fn of_visit(is_located: bool, shows_code: bool, steps: Self) -> Self {
        let mut stages = Self(steps.0 | Stage::Scanned.bit());
        if is_located {
            stages = stages.with(Stage::Located);
        }
        if shows_code || steps.0 != 0 {
            stages = stages.with(Stage::Shown);
        }
        stages
    }

    /// The stages that steps prove.
    #[must_use]
    pub fn of_steps(steps: impl IntoIterator<Item = Step>) -> Self {
        steps.into_iter().filter_map(Stage::of).fold(Self::default(), Self::with)
    }

    /// Those of these stages that only steps prove.
    #[must_use]
    pub fn proved_by_steps(self) -> Self {
        Self(self.0 & (Stage::Pressed.bit() | Stage::Joined.bit() | Stage::Left.bit()))
    }

    /// The stages of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// How far the visit went: the place of its last stage, from 0.
    #[must_use]
    pub fn went(self) -> u8 {
        let last = Stage::ALL.into_iter().rev().position(|it| self.has(it)).unwrap_or(Stage::COUNT - 1);
        u8::try_from(Stage::COUNT - 1 - last).unwrap_or(0)
    }
}

/// One count a stage. Signed, because changes are counts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts(pub [i64; Stage::COUNT]);

impl Counts {
    /// The count of a stage.
    #[must_use]
    pub fn of(&self, stage: Stage) -> i64 {
        Stage::ALL.into_iter().zip(self.0).find(|(it, _)| *it == stage).map_or(0, |(_, count)| count)
    }

    /// Adds a visit's stages so many times.
    pub fn add(&mut self, stages: Stages, times: i64) {
        for (stage, count) in Stage::ALL.into_iter().zip(&mut self.0) {
            if stages.has(stage) {
                *count += times;
            }
        }
    }

    /// Adds so many to one stage.
    pub fn add_one(&mut self, stage: Stage, by: i64) {
        if let Some((_, count)) = Stage::ALL.into_iter().zip(&mut self.0).find(|(it, _)| *it == stage) {
            *count += by;
        }
    }

    /// Adds other counts so many times.
    pub fn sum(&mut self, other: &Self, times: i64) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more * times;
        }
    }

    fn is_zero(&self) -> bool {
        self.0 == [0; Stage::COUNT]
    }
}

/// Visits and unique visitors per day, side by side and never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pair {
    /// Visits that reached each stage.
    pub visits: Counts,
    /// Visitors, each once a day, by the stages of the visit that went furthest.
    pub visitors: Counts,
}

impl Pair {
    /// Adds other counts so many times.
    pub fn sum(&mut self, other: &Self, times: i64) {
        self.visits.sum(&other.visits, times);
        self.visitors.sum(&other.visitors, times);
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.visits.is_zero() && self.visitors.is_zero()
    }
}

/// What counts are kept apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The day on which the visit began, in the installation's time zone at that time.
    Day,
    /// The campaign.
    Campaign,
    /// The store that was shown.
    Store,
    /// The region as far as it is known: `上海市/黄浦区`.
    Region,
    /// The route that was shown.
    Mode,
    /// The route that the visitor is assigned to, where the campaign compares them.
    Assigned,
    /// Who said where the visitor is.
    Source,
    /// The rung of the ladder.
    Rung,
}

impl Dimension {
    /// All dimensions, in the order of their columns.
    pub const ALL: [Self; 8] =
        [Self::Day, Self::Campaign, Self::Store, Self::Region, Self::Mode, Self::Assigned, Self::Source, Self::Rung];

    /// The word used in the API, in exports and in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Campaign => "campaign",
            Self::Store => "store",
            Self::Region => "region",
            Self::Mode => "mode",
            Self::Assigned => "assigned",
            Self::Source => "source",
            Self::Rung => "rung",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// Where a visit counts. What is not known or does not apply is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// [`Dimension::Day`].
    pub day: Day,
    /// [`Dimension::Campaign`].
    pub campaign: Box<str>,
    /// [`Dimension::Store`].
    pub store: Box<str>,
    /// [`Dimension::Region`].
    pub region: Box<str>,
    /// [`Dimension::Mode`].
    pub mode: Box<str>,
    /// [`Dimension::Assigned`].
    pub assigned: Box<str>,
    /// [`Dimension::Source`].
    pub source: Box<str>,
    /// [`Dimension::Rung`].
    pub rung: Box<str>,
}

/// One visit as the funnel sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Which one.
    pub scan: ScanId,
    /// Whose.
    pub visitor: VisitorId,
    /// When it began.
    pub at: Timestamp,
    /// Where it counts.
    pub cell: Cell,
    /// What it reached.
    pub stages: Stages,
}

/// Whether a visit stands for its visitor's day rather than another one: it went further, or as far and earlier.
#[must_use]
pub fn is_further(one: &Visit, other: &Visit) -> bool {
    let rank = |it: &Visit| (std::cmp::Reverse(it.stages.went()), it.at, it.scan);
    rank(one) < rank(other)
}

/// Counts by cell, or changes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies(BTreeMap<Cell, Pair>);

impl Tallies {
    /// Counts a visit so many times.
    pub fn visit(&mut self, visit: &Visit, times: i64) {
        self.at(&visit.cell).visits.add(visit.stages, times);
    }

    /// Counts a visitor's day so many times, by the visit that stands for it.
    pub fn visitor(&mut self, furthest: &Visit, times: i64) {
        self.at(&furthest.cell).visitors.add(furthest.stages, times);
    }

    /// Adds counts to a cell.
    pub fn sum(&mut self, cell: &Cell, counts: &Pair, times: i64) {
        self.at(cell).sum(counts, times);
    }

    fn at(&mut self, cell: &Cell) -> &mut Pair {
        self.0.entry(cell.clone()).or_default()
    }

    /// The cells that count anything, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Cell, &Pair)> {
        self.0.iter().filter(|(_, counts)| !counts.is_zero())
    }
}

/// Counts visits from the beginning. They come visitor by visitor, and day by day of each.
#[derive(Debug, Default)]
pub struct Recount {
    tallies: Tallies,
    furthest: Option<Visit>,
    visits: u64,
}

impl Recount {
    /// Counts one visit.
    pub fn add(&mut self, visit: Visit) {
        self.tallies.visit(&visit, 1);
        self.visits += 1;
        let is_same_day = |it: &Visit| it.visitor == visit.visitor && it.cell.day == visit.cell.day;
        match &self.furthest {
            Some(furthest) if is_same_day(furthest) => {
                if is_further(&visit, furthest) {
                    self.furthest = Some(visit);
                }
            }
            Some(_) | None => {
                self.end_day();
                self.furthest = Some(visit);
            }
        }
    }

    fn end_day(&mut self) {
        if let Some(furthest) = self.furthest.take() {
            self.tallies.visitor(&furthest, 1);
        }
    }

    /// The counts, and how many visits they are of.
    #[must_use]
    pub fn finish(mut self) -> (Tallies, u64) {
        self.end_day();
        (self.tallies, self.visits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_visit_went_is_its_last_stage() {
        let of = |steps: &[Step]| Stages::of_visit(false, false, Stages::of_steps(steps.iter().copied()));
        assert_eq!(of(&[]).went(), 0);
        assert_eq!(of(&[Step::Refused, Step::NotMine]).went(), 0);
        assert_eq!(of(&[Step::Pressed]).went(), 3);
        assert!(of(&[Step::Pressed]).has(Stage::Shown));
        assert!(!of(&[Step::Pressed]).has(Stage::Located));
        assert_eq!(of(&[Step::Left, Step::Joined]).went(), 5);
        assert_eq!(Stages::of_visit(true, false, Stages::default()).went(), 1);
        assert_eq!(Stages::of_visit(true, true, Stages::default()).went(), 2);
    }
}
