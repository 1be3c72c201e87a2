//! Seats: a visitor's place in one group chat, as storage is asked for it.
//!
//! Which groups may be offered and in which order is the decision's to say; who has room is known here alone, because it changes
//! between two visits of one millisecond.

use crate::campaign::Rotation;
use crate::id::{GroupId, ScanId, VisitorId};
use crate::time::Timestamp;

/// Minutes for which a seat is held unless the settings say otherwise: long enough to go through `WeChat`'s own dialogues and to come
/// back to the page, short enough that a busy evening does not fill a group with people who only looked.
pub const HOLD_MINUTES_DEFAULT: u32 = 30;
/// The longest hold: a week.
pub const HOLD_MINUTES_MAX: u32 = 7 * 24 * 60;
/// The share of shown group codes that become members, unless the settings say otherwise: 48 % in the field.
pub const JOIN_RATE_DEFAULT: f64 = 0.48;
/// Days for which it is remembered who was shown which group, so that a visitor who comes back is led there again.
pub const REMEMBER_DAYS_DEFAULT: u32 = 30;
/// The longest memory: ten years.
pub const REMEMBER_DAYS_MAX: u32 = 3_650;

/// How long seats are held, and what they count for afterwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeatRules {
    /// Milliseconds for which a seat counts as one head without a join.
    pub hold_ms: i64,
    /// How many heads a seat counts for that was given back without a join, from 0 to 1.
    pub join_rate: f64,
    /// Milliseconds for which a seat that was given back is remembered.
    pub remember_ms: i64,
}

impl Default for SeatRules {
    fn default() -> Self {
        Self::new(HOLD_MINUTES_DEFAULT, JOIN_RATE_DEFAULT, REMEMBER_DAYS_DEFAULT)
    }
}

impl SeatRules {
    /// Rules in the units of the settings.
    #[must_use]
    pub fn new(hold_minutes: u32, join_rate: f64, remember_days: u32) -> Self {
        Self {
            hold_ms: i64::from(hold_minutes) * 60_000,
            join_rate,
            remember_ms: i64::from(remember_days) * 86_400_000,
        }
    }

    /// Whole days for which a seat that was given back is remembered.
    #[must_use]
    pub fn remember_days(&self) -> u32 {
        u32::try_from(self.remember_ms / 86_400_000).unwrap_or(u32::MAX)
    }
}

/// A group that may be offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatOffer {
    /// The group.
    pub group: GroupId,
    /// Heads that it holds.
    pub capacity: u32,
}

/// One visitor's wish for a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatAsk {
    /// Whose.
    pub visitor: VisitorId,
    /// At which visit. A visit holds one seat: a later wish at the same visit gives back what the earlier one took.
    pub scan: ScanId,
    /// Who the first rung belongs to, for example `store:SH-0001`. A visitor who wants the same again keeps the seat, wherever on the
    /// ladder it was.
    pub wanted: Box<str>,
    /// The groups that may be offered, rung by rung, each in the order of its owner.
    pub rungs: Vec<Vec<SeatOffer>>,
    /// In which order the groups of one rung are filled.
    pub rotation: Rotation,
    /// Whether these are all rungs. If not, a visitor who holds a seat farther down is told to ask with all of them.
    pub is_whole: bool,
    /// Whether only to say which seat it would be.
    pub is_peek: bool,
}

/// A group among those of an ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeatPlace {
    /// The rung, from 0.
    pub rung: usize,
    /// The group's place within its rung, from 0.
    pub offer: usize,
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// A seat that the visitor did not hold.
    Taken(SeatPlace),
    /// The seat that the visitor holds already.
    Kept(SeatPlace),
    /// None of these groups has room; or these are not all rungs, and the visitor holds a seat in another.
    NoneHere,
}

impl Seat {
    /// The group, if there is one.
    #[must_use]
    pub fn place(self) -> Option<SeatPlace> {
        match self {
            Self::Taken(place) | Self::Kept(place) => Some(place),
            Self::NoneHere => None,
        }
    }
}

/// Who is taken to be in a group, and from what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeadCount {
    /// The number of members that was counted last, and when; none if nobody ever counted.
    pub members: Option<(u32, Timestamp)>,
    /// Joins that were seen since.
    pub confirmed: u32,
    /// Seats that are held.
    pub held: u32,
    /// Seats that were given back without a join since.
    pub given_back: u32,
}

impl HeadCount {
    /// The estimate of heads.
    #[must_use]
    pub fn heads(&self, join_rate: f64) -> f64 {
        let sure = u64::from(self.members.map_or(0, |it| it.0)) + u64::from(self.confirmed) + u64::from(self.held);
        // Every addend is a 32-bit count, so a double holds the sum exactly.
        let sure = f64::from(u32::try_from(sure).unwrap_or(u32::MAX));
        f64::from(self.given_back).mul_add(join_rate, sure)
    }

    /// Whether one more head has room.
    #[must_use]
    pub fn has_room(&self, capacity: u32, join_rate: f64) -> bool {
        self.heads(join_rate) + 1.0 <= f64::from(capacity)
    }
}
