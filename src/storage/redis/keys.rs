//! Every key in Redis: its name, type, hash tag, lifetime and growth. No other file writes a key's name.
//!
//! Keys of one hash tag (the part in braces) lie in one slot of a Cluster, so that one script may touch them all.
//!
//! | key | type | what | lifetime | growth |
//! | --- | --- | --- | --- | --- |

/// Partitions of what belongs to visitors: as many primaries of a Cluster can share the writing. A visitor's partition is the last
/// byte of its id modulo this; changing it means copying everything.
pub(super) const PARTITIONS: u8 = 16;

/// The partition of a visitor or a visit by the 16 bytes of its id.
pub(super) fn partition(id: &[u8; 16]) -> u8 {
    let [.., last] = *id;
    last % PARTITIONS
}
