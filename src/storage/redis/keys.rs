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
//! | `{jinqun:catalog}:version` | string | the number of the current catalog | for ever | one |
//! | `{jinqun:catalog}:info` | hash: version → record | who published it, when, why, what it changed | for ever | one field a publication |
//! | `{jinqun:catalog}:log:{n}` | hash: kind and id → value | what version n changed | for ever; never changes | one a publication, with what it changed |
//! | `{jinqun:catalog}:base:{n}` | hash: kind and id → value | all of version n, so that reading is quick | until two newer ones are there; never changes | two at most, each as large as the catalog |
//! | `{jinqun:catalog}:bases` | zset of versions | which bases there are | for ever | two members |
//! | `{jinqun:catalog}:stage:{mark}` | hash | what will become a log or a base | ten minutes after the last call, or renamed | one while somebody publishes |
//! | `{jinqun:desk}:user`, `:token`, `:session`, `:alert` | hash: id → revision and body | documents of each kind | until somebody removes one | one field a document, there are few |
//! | `{jinqun:desk}:audit` | hash: number → record | the audit trail | for ever | one field an act of the operations team, some 500 bytes |
//! | `{jinqun:desk}:audit_last` | string | the last number of the audit trail | for ever | one |
//! | `{jinqun:desk}:secret` | string | 32 bytes that sign visitor tokens | for ever | one |
//! | `jinqun:catalog` | channel | tells the number of a new version | | |

use super::super::DeskKind;

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

/// The number of the current catalog.
pub(super) const CATALOG_VERSION: &str = "{jinqun:catalog}:version";
/// The records of all versions.
pub(super) const CATALOG_INFO: &str = "{jinqun:catalog}:info";
/// The versions that have a base.
pub(super) const CATALOG_BASES: &str = "{jinqun:catalog}:bases";
/// What the names of bases begin with.
pub(super) const CATALOG_BASE_PREFIX: &str = "{jinqun:catalog}:base:";
/// The channel on which new versions are announced.
pub(super) const CATALOG_CHANNEL: &str = "jinqun:catalog";

/// The audit trail.
pub(super) const AUDIT: &str = "{jinqun:desk}:audit";
/// The last number of the audit trail.
pub(super) const AUDIT_LAST: &str = "{jinqun:desk}:audit_last";
/// The secret of this installation.
pub(super) const SECRET: &str = "{jinqun:desk}:secret";

/// The documents of a kind.
pub(super) fn desk(kind: DeskKind) -> String {
    format!("{{jinqun:desk}}:{}", kind.as_str())
}

/// What a version changed.
pub(super) fn catalog_log(version: u64) -> String {
    format!("{{jinqun:catalog}}:log:{version}")
}

/// All of a version.
pub(super) fn catalog_base(version: u64) -> String {
    format!("{CATALOG_BASE_PREFIX}{version}")
}

/// What will become a log or a base.
pub(super) fn catalog_stage(mark: &str) -> String {
    format!("{{jinqun:catalog}}:stage:{mark}")
}
