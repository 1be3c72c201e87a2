//! How far deliverers are, as storage remembers it: what tells each of them that storage has lost what it was given.

use crate::time::Timestamp;

/// Milliseconds for which a deliverer that says nothing more counts as delivering again.
pub const AGAIN_MS: i64 = 10_000;

/// What a deliverer says of what it has delivered, which bears numbers from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryNote {
    /// Who; another one on every disk.
    pub who: [u8; 16],
    /// Up to which number storage had everything when it said so last; 0 if it never did.
    pub known: u64,
    /// Up to which number storage has everything now, unless it has lost something meanwhile.
    pub next: u64,
    /// Whether it delivers again what storage had lost. For [`AGAIN_MS`] after its last such note nobody is given a seat or told
    /// who has one, because those that were taken before are not counted.
    pub is_again: bool,
}

/// What storage says to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryFound {
    /// The number that was noted before, in the part of storage where it is lowest. Below [`DeliveryNote::known`] something was lost.
    pub lowest: u64,
    /// The marks of the forgotten.
    pub forgotten: MarksFound,
}

/// As much of the marks of the forgotten as tells whether there are others than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MarksFound {
    /// How many there are.
    pub count: u64,
    /// When the last one was set.
    pub latest: Option<Timestamp>,
}
