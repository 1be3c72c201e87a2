//! Every key in Redis: its name, type, hash tag, lifetime and growth. No other file writes a key's name.
//!
//! Keys of one hash tag (the part in braces) lie in one slot of a Cluster, so that one script may touch them all. `NN` is a partition
//! of visitors, from `00`; ids are their 16 bytes.
//!
//! | key | type | what | lifetime | growth |
//! | --- | --- | --- | --- | --- |
//! | `{jinqun:seats}heads` | hash | counters of each group; after a loss also how many seats there were, until they are counted again | for ever | one field a group that anybody was shown, some 100 bytes |
//! | `{jinqun:seats}ends` | sorted set | held seats by the end of their hold | until the hold ends | one member a held seat, some 120 bytes |
//! | `{jinqun:seats}remember` | string | milliseconds for which a seat is remembered | for ever | one |
//! | `{jinqun:seats}of:` + 16 bytes of the visitor | hash | the visitor's seats by group | as long as seats are remembered | one key a visitor, 128 fields at most, some 250 bytes |
//! | `{jinqun:seats}g` | hash: deliverer → number and moment | how far each instance has delivered | those silent for 40 days go once there are 1,000 | one field an instance, some 60 bytes |
//! | `{jinqun:seats}again` | sorted set of deliverers | who delivers again what was lost, and until when that holds | until it is done, at most ten seconds after its last word | one member an instance |
//! | `{jinqun:catalog}:format` | string | the format of everything here | for ever | one |
//! | `{jinqun:catalog}:version` | string | the number of the current catalog | for ever | one |
//! | `{jinqun:catalog}:info` | hash: version → record | who published it, when, why, what it changed | for ever | one field a publication |
//! | `{jinqun:catalog}:log:{n}` | hash: kind and id → value | what version n changed | for ever; never changes | one a publication, with what it changed |
//! | `{jinqun:catalog}:base:{n}` | hash: kind and id → value | all of version n, so that reading is quick | until two newer ones are there; never changes | two at most, each as large as the catalog |
//! | `{jinqun:catalog}:bases` | zset of versions | which bases there are | for ever | two members |
//! | `{jinqun:catalog}:stage:{mark}` | hash | what will become a log or a base | ten minutes after the last call, or renamed | one while somebody publishes |
//! | `{jinqun:catalog}:putting_back` | string | who puts a lost catalog back, so that others wait | five seconds after their last word | one |
//! | `{jinqun:desk}:user`, `:token`, `:session`, `:alert` | hash: id → revision and body | documents of each kind | until somebody removes one | one field a document, there are few |
//! | `{jinqun:desk}:audit` | hash: number → record | the audit trail | for ever | one field an act of the operations team, some 500 bytes |
//! | `{jinqun:desk}:audit_last` | string | the last number of the audit trail | for ever | one |
//! | `{jinqun:desk}:secret` | string | 32 bytes that sign visitor tokens | for ever | one |
//! | `{jinqun:desk}:copy` | string | how far a copy into this storage is | until the copy is whole | one |
//! | `jinqun:catalog` | channel | tells the number of a new version | | |
//! | `{jinqun:NN}v<visitor>` | hash | a visitor's visits: scan → steps and record, see `pack` | until removed | a key a visitor, a field a visit |
//! | `{jinqun:NN}b<visitor>` | sorted set | a visitor's visits by day and by how far they went | until there are fewer | a key a visitor with more than 64 visits |
//! | `{jinqun:NN}a` | sorted set | scan and visitor by the time of the visit | until removed | an entry a visit |
//! | `{jinqun:NN}s` | sorted set | scan and visitor by the time of the first step | until removed | an entry a visit with steps |
//! | `{jinqun:NN}w<time>` | hash | whose visits are: scan → visitor; a key for 65.5 s of scans | until removed | a field a visit |
//! | `{jinqun:NN}e<scan>` | string | steps of a visit whose record nobody has seen yet | 30 days | rare |
//! | `{jinqun:NN}d` | sorted set | the days with tallies | until removed | an entry a day |
//! | `{jinqun:NN}t<day>` | hash | tallies of the records that are there: cell → 12 counts | until removed | a field a cell of the day |
//! | `{jinqun:NN}k<day>` | hash | tallies of records that were removed, likewise | until removed | likewise |
//! | `{jinqun:NN}c<time>` | hash | consents: visitor → notices and times; a key for 35 min of visitors | until removed | a field a visitor |
//! | `{jinqun:NN}i` | sorted set | the keys of consents by the time of their oldest one | until removed | an entry for 35 min |
//! | `{jinqun:NN}f` | sorted set | marks of forgotten visitors and visits by when | 30 days | 1 and 1 a visit for each forgotten visitor |
//! | `{jinqun:NN}q<kind>` | hash | cards of a kind: id → revision, visitor and body, see `card.lua` | until somebody removes one | a field a card |
//! | `{jinqun:NN}u<visitor>` | hash | which cards are about a visitor: kind and id; may name more than there are | until removed | a key a visitor with cards, a field a card |
//! | `{jinqun:NN}m` | sorted set | the days with counters | until removed | an entry a day |
//! | `{jinqun:NN}n<day>` | hash | counters of the cards here: what is counted → how many | until removed | a field a counter of the day |
//! | `{jinqun:jobs:LANE}j` | hash | jobs that wait, are worked on or are dead: id → value, see `jobs.lua` | until done | a field a job |
//! | `{jinqun:jobs:LANE}t` | sorted set | ids of jobs by the moment from which they are ready | until done or dead | an entry a job |
//! | `{jinqun:jobs:LANE}x` | sorted set | ids of dead jobs by when | until somebody has them retried, or removed | an entry a dead job |
//! | `{jinqun:jobs:LANE}o` | sorted set | ids of jobs that are done by when, so that none is done twice | until removed | an entry a job |
//! | `{jinqun:jobs:LANE}v<visitor>` | hash | ids of the jobs that are about a visitor | until done | a field a job |
//! | `{jinqun:feed}last` | string | the last number of the feed | for ever | one |
//! | `{jinqun:feed}first` | string | no entry has a number below this one | for ever | one |
//! | `{jinqun:feed}e` | hash | entries of the feed: number → value, see `feed.lua` | until removed | a field an entry |
//! | `{jinqun:feed}i` | hash | ids of the feed: id → number, so that nothing is told twice | until removed | a field an entry |
//! | `{jinqun:feed}v<visitor>` | set | numbers of the entries that are about a visitor | until removed | a key a visitor, a member an entry |
//! | `{jinqun:jobs:LANE}r`, `{jinqun:feed}r` | string | as `{jinqun:NN}r` | for ever | one |
//! | `{jinqun:NN}g` | hash: deliverer → number and moment | as `{jinqun:seats}g`, for this partition can be lost by itself | likewise | likewise |
//! | `{jinqun:NN}r` | string | what replicas are asked to have, after everything else | for ever | one |
//! | tag + `-` | none | a key that never is, see `never` | none | none |
//! | `{jinqun:00}h` | string | the key that marks are made with, 32 bytes | for ever | one |
//!
//! The scripts of visits make the keys `v`, `b`, `w`, `e`, `t`, `k` and `c` from a prefix, because which of them they touch is known inside
//! only; all of them bear the partition's tag.
//!
//! Measured on 40,000 visits of 20,000 visitors (`benches/redis.rs`, Redis 7.0): a visitor's first visit takes 720 bytes, each further one
//! 500, tallies of nearly as many cells as visits among them; with `hash-max-listpack-value 512` on the server 580 and 460. The step takes
//! 160 and a consent 110. The body of a record is 81 bytes. An entry of `a` is 145 bytes; an index by store would be as much again for each
//! visit (some 50 in lists short enough to be packed), so there is none: tallies tell which days of a partition have visits of a store, and
//! those are looked through page by page by a script.
//!
//! Of 20,000 each (`benches/book.rs`): a card takes 110 bytes beside its body, its visitor 200 more, a job 420 with its visitor, what
//! stays of one that is done 160, an entry of the feed 380 with a visitor of its own.

use sha2::{Digest as _, Sha256};

use super::super::{CardKind, DeskKind};
use crate::job::Lane;

/// Partitions of what belongs to visitors: as many primaries of a Cluster can share the writing. A visitor's partition is the last
/// byte of its id modulo this; changing it means copying everything.
pub(super) const PARTITIONS: u8 = 16;

/// The partition of a visitor or a visit by the 16 bytes of its id.
pub(super) fn partition(id: &[u8; 16]) -> u8 {
    let [.., last] = *id;
    last % PARTITIONS
}

/// The partition of a card or a counter by its name: names are nobody's ids, so chance is taken from them.
pub(super) fn partition_of(name: &str) -> u8 {
    let [first, ..]: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    first % PARTITIONS
}

/// Counters of each group.
pub(super) const SEAT_HEADS: &str = "{jinqun:seats}heads";
/// Held seats by the end of their hold.
pub(super) const SEAT_ENDS: &str = "{jinqun:seats}ends";
/// What [`never`] gives for seats.
pub(super) const SEAT_NEVER: &str = "{jinqun:seats}-";
/// How long a seat is remembered.
pub(super) const SEAT_REMEMBER: &str = "{jinqun:seats}remember";
/// How far deliverers are, as the server of the seats knows it.
pub(super) const SEAT_DELIVERED: &str = "{jinqun:seats}g";
/// Who delivers again what was lost.
pub(super) const SEATS_AGAIN: &str = "{jinqun:seats}again";
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
/// Who puts a lost catalog back.
pub(super) const CATALOG_PUTTING_BACK: &str = "{jinqun:catalog}:putting_back";
/// The channel on which new versions are announced.
pub(super) const CATALOG_CHANNEL: &str = "jinqun:catalog";

/// The audit trail.
pub(super) const AUDIT: &str = "{jinqun:desk}:audit";
/// The last number of the audit trail.
pub(super) const AUDIT_LAST: &str = "{jinqun:desk}:audit_last";
/// The secret of this installation.
pub(super) const SECRET: &str = "{jinqun:desk}:secret";
/// How far a copy into this storage is.
pub(super) const COPY_MARK: &str = "{jinqun:desk}:copy";

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

/// The seats of a visitor.
pub(super) fn seats_of(visitor: &[u8; 16]) -> Vec<u8> {
    [SEATS_OF_VISITOR.as_bytes(), visitor].concat()
}

/// How the names of visitors' seats look.
pub(super) const SEAT_NAMES: &str = "{jinqun:seats}of:*";

/// Whose seats a name means.
pub(super) fn seats_visitor(name: &[u8]) -> Option<[u8; 16]> {
    name.strip_prefix(SEATS_OF_VISITOR.as_bytes())?.try_into().ok()
}

/// How the names of early steps look, in all partitions.
pub(super) const EARLY_NAMES: &str = "{jinqun:[0-9][0-9]}e*";

/// The visit whose early steps a name means.
pub(super) fn early_scan(name: &[u8]) -> Option<[u8; 16]> {
    let (head, scan) = name.split_last_chunk()?;
    head.ends_with(b"}e").then_some(*scan)
}

/// What all keys of a partition begin with.
pub(super) fn prefix(partition: u8) -> String {
    format!("{{jinqun:{partition:02}}}")
}

/// Visits by time.
pub(super) fn by_time(partition: u8) -> String {
    prefix(partition) + "a"
}

/// Visits by their first step.
pub(super) fn by_step(partition: u8) -> String {
    prefix(partition) + "s"
}

/// Marks of the forgotten.
pub(super) fn forgotten(partition: u8) -> String {
    prefix(partition) + "f"
}

/// What the marks of the forgotten are made with.
pub(super) fn forgotten_key() -> String {
    prefix(0) + "h"
}

/// The days with tallies.
pub(super) fn days(partition: u8) -> String {
    prefix(partition) + "d"
}

/// Tallies of the records of a day that are there.
pub(super) fn tallies(partition: u8, day: i64) -> String {
    format!("{}t{day}", prefix(partition))
}

/// Tallies of the records of a day that were removed.
pub(super) fn tallies_kept(partition: u8, day: i64) -> String {
    format!("{}k{day}", prefix(partition))
}

/// The visits of a visitor.
pub(super) fn visits(partition: u8, visitor: &[u8; 16]) -> Vec<u8> {
    [format!("{}v", prefix(partition)).as_bytes(), visitor].concat()
}

/// Consents of the visitors of some time.
pub(super) fn consents(partition: u8, time: &[u8]) -> Vec<u8> {
    [format!("{}c", prefix(partition)).as_bytes(), time].concat()
}

/// Under which time the consents of a visitor lie: the first bits of the time in its id, as the script of consents has it.
pub(super) fn consent_time(visitor: &[u8; 16]) -> [u8; 4] {
    let [one, two, three, four, ..] = *visitor;
    [one, two, three, four & 0b1110_0000]
}

/// A key of the same tag that never is.
///
/// A script that touches keys which it does not name names this one. While a slot of a Cluster moves, Redis then puts it off, because
/// one of its keys is not there; else it would run where some of its other keys are, and make the rest anew.
pub(super) fn never(beside: &[u8]) -> Vec<u8> {
    let tag = beside.split_inclusive(|it| *it == b'}').next().unwrap_or_default();
    [tag, b"-"].concat()
}

/// How far deliverers are.
pub(super) fn delivered(partition: u8) -> String {
    prefix(partition) + "g"
}

/// What replicas are asked to have.
pub(super) fn fence(partition: u8) -> String {
    prefix(partition) + "r"
}

/// The keys of consents.
pub(super) fn consent_times(partition: u8) -> String {
    prefix(partition) + "i"
}

/// Cards of a kind.
pub(super) fn cards(partition: u8, kind: CardKind) -> String {
    format!("{}q{}", prefix(partition), char::from(card_letter(kind)))
}

/// What stands for a kind of cards in names.
pub(super) fn card_letter(kind: CardKind) -> u8 {
    match kind {
        CardKind::Customer => b'c',
        CardKind::Chat => b'g',
        CardKind::Visitor => b'v',
        CardKind::Identity => b'i',
    }
}

/// Which cards are about a visitor.
pub(super) fn cards_of(visitor: &[u8; 16]) -> Vec<u8> {
    [format!("{}u", prefix(partition(visitor))).as_bytes(), visitor].concat()
}

/// The days with counters.
pub(super) fn counted_days(partition: u8) -> String {
    prefix(partition) + "m"
}

/// What the names of counters begin with; the number of the day follows.
pub(super) fn counters(partition: u8) -> String {
    prefix(partition) + "n"
}

/// The keys of a lane in the order of `jobs.lua`, and what the names of visitors' lists begin with.
pub(super) fn jobs(lane: Lane) -> ([String; 4], String) {
    let of = |last: &str| format!("{{jinqun:jobs:{}}}{last}", lane.as_str());
    ([of("j"), of("t"), of("x"), of("o")], of("v"))
}

/// What replicas are asked to have after everything else of a lane.
pub(super) fn jobs_fence(lane: Lane) -> String {
    format!("{{jinqun:jobs:{}}}r", lane.as_str())
}

/// The keys of the feed in the order of `feed.lua`.
pub(super) const FEED: [&str; 4] = ["{jinqun:feed}last", "{jinqun:feed}e", "{jinqun:feed}i", "{jinqun:feed}first"];
/// What the names of visitors' lists of the feed begin with.
pub(super) const FEED_LISTS: &str = "{jinqun:feed}v";
/// What replicas are asked to have after everything else of the feed.
pub(super) const FEED_FENCE: &str = "{jinqun:feed}r";
