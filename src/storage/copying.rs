//! What is copied from one storage to another as it lies, as plain values; not the catalog, records and consents, which are copied
//! by reading and delivering them.

use std::ops::ControlFlow;

use super::{AuditRecord, DeskEntry, DeskKind, HeadCount};
use crate::funnel::{Cell, Pair, StepRecord};
use crate::id::{GroupId, ScanId, VisitorId};
use crate::time::Timestamp;

/// A part of a storage that is copied as it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The secret of the installation.
    Secret,
    /// What the marks of the forgotten are made with.
    ForgottenKey,
    /// The marks of visitors and visits that were forgotten.
    Forgotten,
    /// Tallies of records that were removed.
    Kept,
    /// Steps whose visit has no record (yet).
    EarlySteps,
    /// Head counts of groups.
    Heads,
    /// Seats.
    Seats,
    /// Documents of the operations team.
    Documents,
    /// The audit trail.
    Audit,
    /// How far deliverers are.
    Delivered,
}

impl Part {
    /// All parts, in the order in which they are copied.
    pub const ALL: [Self; 10] = [
        Self::Secret,
        Self::ForgottenKey,
        Self::Forgotten,
        Self::Kept,
        Self::EarlySteps,
        Self::Heads,
        Self::Seats,
        Self::Documents,
        Self::Audit,
        Self::Delivered,
    ];

    /// What it is, in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::ForgottenKey => "key of the forgotten",
            Self::Forgotten => "marks of the forgotten",
            Self::Kept => "tallies of removed records",
            Self::EarlySteps => "steps without a record",
            Self::Heads => "head counts",
            Self::Seats => "seats",
            Self::Documents => "documents",
            Self::Audit => "audit trail",
            Self::Delivered => "marks of deliverers",
        }
    }
}

/// How far a seat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatState {
    /// Held until a moment.
    Held,
    /// Given back at that moment.
    GivenBack,
    /// Confirmed by a join at that moment.
    Confirmed,
}

impl SeatState {
    /// All, in the order of the numbers under which they are kept.
    pub const ALL: [Self; 3] = [Self::Held, Self::GivenBack, Self::Confirmed];

    /// The number under which it is kept, from 0.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::GivenBack => 1,
            Self::Confirmed => 2,
        }
    }
}

/// A seat as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatKept {
    /// Whose.
    pub visitor: VisitorId,
    /// In which group.
    pub group: GroupId,
    /// How far it is.
    pub state: SeatState,
    /// The moment that belongs to the state.
    pub until: Timestamp,
    /// What the visitor wanted when it was taken; may be empty.
    pub wanted: String,
    /// The visit that took it; none if it was confirmed without one.
    pub scan: Option<ScanId>,
}

/// One thing of a [`Part`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Of [`Part::Secret`].
    Secret([u8; 32]),
    /// Of [`Part::ForgottenKey`].
    ForgottenKey([u8; 32]),
    /// Of [`Part::Forgotten`]: a mark, and when it was set.
    Forgotten([u8; 16], Timestamp),
    /// Of [`Part::Kept`].
    Kept(Cell, Pair),
    /// Of [`Part::EarlySteps`].
    EarlyStep(StepRecord),
    /// Of [`Part::Heads`].
    Head(GroupId, HeadCount),
    /// Of [`Part::Seats`].
    Seat(SeatKept),
    /// Of [`Part::Documents`].
    Document(DeskKind, DeskEntry),
    /// Of [`Part::Audit`]: a record with its number.
    Audit(u64, AuditRecord),
    /// Of [`Part::Delivered`]: who, and up to which number storage has everything of theirs.
    Delivered([u8; 16], u64),
}

/// Receives pieces, and says whether to go on.
pub type EachPiece<'a> = &'a mut dyn FnMut(Piece) -> ControlFlow<()>;
