//! Every key in Redis: its name, type, hash tag, lifetime and growth. No other file writes a key's name.
//!
//! Keys of one hash tag (the part in braces) lie in one slot of a Cluster, so that one script may touch them all.
//!
//! | key | type | what | lifetime | growth |
//! | --- | --- | --- | --- | --- |
//! | `{jinqun:seats}heads` | hash | counters of each group | for ever | one field a group that anybody was shown, some 100 bytes |
//! | `{jinqun:seats}ends` | sorted set | held seats by the end of their hold | until the hold ends | one member a held seat, some 120 bytes |
//! | `{jinqun:seats}remember` | string | milliseconds for which a seat is remembered | for ever | one |
//! | `{jinqun:seats}of:` + 16 bytes of the visitor | hash | the visitor's seats by group | as long as seats are remembered | one key a visitor, 128 fields at most, some 250 bytes |
//! | `{jinqun:catalog}:format` | string | the format of everything here | for ever | one |

/// Partitions of what belongs to visitors: as many primaries of a Cluster can share the writing. A visitor's partition is the last
/// byte of its id modulo this; changing it means copying everything.
pub(super) const PARTITIONS: u8 = 16;

/// The partition of a visitor or a visit by the 16 bytes of its id.
pub(super) fn partition(id: &[u8; 16]) -> u8 {
    let [.., last] = *id;
    last % PARTITIONS
}

/// Counters of each group.
pub(super) const SEAT_HEADS: &str = "{jinqun:seats}heads";
/// Held seats by the end of their hold.
pub(super) const SEAT_ENDS: &str = "{jinqun:seats}ends";
/// How long a seat is remembered.
pub(super) const SEAT_REMEMBER: &str = "{jinqun:seats}remember";
/// The beginning of the names under which visitors' seats lie; the 16 bytes of the visitor's id follow.
pub(super) const SEATS_OF_VISITOR: &str = "{jinqun:seats}of:";
/// The format of everything in Redis, a whole number.
pub(super) const FORMAT: &str = "{jinqun:catalog}:format";
