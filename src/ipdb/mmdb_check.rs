//! Checks a MaxMind DB file through before it is used; look-ups are in `mmdb`.
//!
//! Structure after the MaxMind DB File Format Specification 2.0. `Reader::verify` of the `maxminddb` crate is not used:
//! it leaves parts of the tree that alias the IPv4 subtree uncounted, so that a file of a hundred nodes can keep it
//! busy for ever, and it refuses sound files for a missing description. Here every node and every value is visited
//! once, so the work grows with the size of the file.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use maxminddb::Reader;

use super::IpdbErrorKind;
use super::mmdb::{Record, not_a_database};

/// The bytes before the metadata.
const METADATA_MARK: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// Zero bytes between the tree and the data section.
const SEPARATOR_BYTES: usize = 16;

/// How many records are decoded as a look-up would, spread over the file.
const RECORDS_DECODED_MAX: usize = 4096;

/// Work allowed for the data section, as a multiple of its bytes. Values that several records share through pointers
/// into one another are visited once from each side.
const VISITS_PER_BYTE_MAX: usize = 16;

/// Checks tree and data section, and that the records are of a shape that names places.
pub(super) fn check_structure(bytes: &[u8]) -> Result<(), IpdbErrorKind> {
    let reader = Reader::from_source(bytes).map_err(|error| not_a_database(&error))?;
    let facts = reader.metadata();
    let tree = Tree {
        bytes,
        node_count: facts.node_count,
        record_bits: facts.record_size,
        address_bits: if facts.ip_version == 4 { 32 } else { 128 },
    };
    let data = tree.data_section().ok_or(IpdbErrorKind::Truncated { what: "the search tree" })?;
    let mut leaves = tree.leaves(data.len())?;
    leaves.sort_unstable_by_key(|leaf| leaf.offset);
    check_values(data, leaves.iter().map(|leaf| leaf.offset).collect())?;
    check_records(&reader, &leaves, tree.address_bits)
}

/// A distinct record of the data section, and an address whose look-up leads to it.
struct Leaf {
    offset: usize,
    /// The address from the highest bit down, also for IPv4.
    address: u128,
}

struct Tree<'a> {
    bytes: &'a [u8],
    node_count: u32,
    record_bits: u16,
    address_bits: u8,
}

impl<'a> Tree<'a> {
    fn data_section(&self) -> Option<&'a [u8]> {
        let tree_bytes = u64::from(self.node_count) * u64::from(self.record_bits) / 4;
        let start = usize::try_from(tree_bytes).ok()?.checked_add(SEPARATOR_BYTES)?;
        let end = self.bytes.windows(METADATA_MARK.len()).rposition(|at| at == METADATA_MARK)?;
        self.bytes.get(start..end)
    }

    /// The left (0) or right (1) record of a node.
    fn record(&self, node: u32, side: u8) -> Option<u32> {
        let node = usize::try_from(node).ok()?;
        let right = side == 1;
        let four = |start: usize| {
            let bytes = self.bytes.get(start..start.checked_add(4)?)?;
            bytes.try_into().ok().map(u32::from_be_bytes)
        };
        match (self.record_bits, right) {
            (24, false) => Some(four(node.checked_mul(6)?)? >> 8),
            (24, true) => Some(four(node.checked_mul(6)?.checked_add(2)?)? & 0x00FF_FFFF),
            // The middle byte of seven holds the highest four bits of both records, the left one's first.
            (28, false) => {
                let word = four(node.checked_mul(7)?)?;
                Some((word >> 8) | ((word & 0xF0) << 20))
            }
            (28, true) => Some(four(node.checked_mul(7)?.checked_add(3)?)? & 0x0FFF_FFFF),
            (_, false) => four(node.checked_mul(8)?),
            (_, true) => four(node.checked_mul(8)?.checked_add(4)?),
        }
    }

    /// Visits every reachable node once and collects the distinct records.
    fn leaves(&self, data_bytes: usize) -> Result<Vec<Leaf>, IpdbErrorKind> {
        let truncated = || IpdbErrorKind::Truncated { what: "the search tree" };
        let nodes = usize::try_from(self.node_count).ok().ok_or_else(truncated)?;
        let mut visited = vec![false; nodes];
        let mut offsets = HashSet::new();
        let mut leaves = Vec::new();
        let mut stack = vec![(0_u32, 0_u8, 0_u128)];
        while let Some((node, depth, address)) = stack.pop() {
            let seen = usize::try_from(node).ok().and_then(|at| visited.get_mut(at));
            if std::mem::replace(seen.ok_or_else(truncated)?, true) {
                continue;
            }
            let below = depth.saturating_add(1);
            for side in [1_u8, 0] {
                let record = self.record(node, side).ok_or_else(truncated)?;
                let address = address | (u128::from(side) << 127_u8.saturating_sub(depth));
                if record < self.node_count {
                    if below >= self.address_bits {
                        return Err(IpdbErrorKind::damaged("the search tree is deeper than an address is long"));
                    }
                    stack.push((record, below, address));
                } else if record > self.node_count {
                    let offset = self.data_offset(record, data_bytes)?;
                    if offsets.insert(offset) {
                        leaves.push(Leaf { offset, address });
                    }
                }
            }
        }
        Ok(leaves)
    }

    fn data_offset(&self, record: u32, data_bytes: usize) -> Result<usize, IpdbErrorKind> {
        usize::try_from(record.saturating_sub(self.node_count))
            .ok()
            .and_then(|it| it.checked_sub(SEPARATOR_BYTES))
            .filter(|offset| *offset < data_bytes)
            .ok_or_else(|| IpdbErrorKind::damaged("the search tree points outside the data section"))
    }
}

/// Decodes records as look-ups do, and asks that at least one says something.
fn check_records(reader: &Reader<&[u8]>, leaves: &[Leaf], address_bits: u8) -> Result<(), IpdbErrorKind> {
    let step = leaves.len().div_ceil(RECORDS_DECODED_MAX).max(1);
    let mut knows_something = false;
    for leaf in leaves.iter().step_by(step) {
        let ip = match (address_bits, u32::try_from(leaf.address >> 96)) {
            (32, Ok(address)) => IpAddr::V4(Ipv4Addr::from(address)),
            _ => IpAddr::V6(Ipv6Addr::from(leaf.address)),
        };
        let found = reader.lookup(ip).and_then(|found| found.decode::<Record<'_>>());
        let record = found.map_err(|error| {
            IpdbErrorKind::damaged(format!("a record cannot be read as a City or Country record: {error}"))
        })?;
        knows_something |= record.is_some_and(|record| record.place().knows_something());
    }
    if knows_something { Ok(()) } else { Err(IpdbErrorKind::NoPlaces) }
}

/// Checks that every value that can be reached from the given offsets lies inside the data section and is well formed.
fn check_values(data: &[u8], mut pending: Vec<usize>) -> Result<(), IpdbErrorKind> {
    let outside = || IpdbErrorKind::damaged("a value in the data section is malformed or runs over its end");
    let mut seen: HashSet<usize> = pending.iter().copied().collect();
    let mut visits_left = data.len().saturating_mul(VISITS_PER_BYTE_MAX);
    while let Some(start) = pending.pop() {
        let mut at = start;
        // Values still to come in this start's map or list. No recursion, so no nesting is too deep.
        let mut remaining = 1_usize;
        while remaining > 0 {
            let head = Head::read(data, at).ok_or_else(outside)?;
            let children = match head.kind {
                Kind::Pointer(target) => {
                    if seen.insert(target) {
                        pending.push(target);
                    }
                    0
                }
                Kind::Text if std::str::from_utf8(head.payload).is_err() => {
                    return Err(IpdbErrorKind::damaged("a name in the data section is not UTF-8"));
                }
                Kind::Text | Kind::Scalar => 0,
                Kind::Container(children) => children,
            };
            remaining = remaining.saturating_sub(1).saturating_add(children);
            if remaining > data.len() {
                return Err(outside());
            }
            visits_left = head
                .end
                .checked_sub(at)
                .and_then(|used| visits_left.checked_sub(used))
                .ok_or_else(|| IpdbErrorKind::damaged("the values in the data section overlap"))?;
            at = head.end;
        }
    }
    Ok(())
}

enum Kind {
    /// Leads to this offset.
    Pointer(usize),
    Text,
    Scalar,
    /// A map or list followed by this many values.
    Container(usize),
}

/// The control bytes of a value, and its payload if it has one.
struct Head<'a> {
    kind: Kind,
    payload: &'a [u8],
    /// Where the next value starts.
    end: usize,
}

impl<'a> Head<'a> {
    fn read(data: &'a [u8], start: usize) -> Option<Self> {
        let control = *data.get(start)?;
        let mut at = start.checked_add(1)?;
        let low = usize::from(control & 0x1F);
        let mut kind = control >> 5;
        if kind == 1 {
            return Self::pointer(data, low, at);
        }
        if kind == 0 {
            kind = data.get(at)?.checked_add(7)?;
            at = at.checked_add(1)?;
        }
        let (more, base) = match low {
            29 => (1, 29),
            30 => (2, 285),
            31 => (3, 65_821),
            _ => (0, low),
        };
        let size = unsigned(data.get(at..at.checked_add(more)?)?)?.checked_add(base)?;
        at = at.checked_add(more)?;
        let (kind, payload_bytes) = match (kind, size) {
            (2, _) => (Kind::Text, size),
            (4, _) | (3, 8) | (5, 0..=2) | (6 | 8, 0..=4) | (9, 0..=8) | (10, 0..=16) | (15, 4) => (Kind::Scalar, size),
            (14, 0..=1) => (Kind::Scalar, 0),
            (7, _) => (Kind::Container(size.checked_mul(2)?), 0),
            (11, _) => (Kind::Container(size), 0),
            _ => return None,
        };
        let end = at.checked_add(payload_bytes)?;
        Some(Self { kind, payload: data.get(at..end)?, end })
    }

    fn pointer(data: &'a [u8], low: usize, at: usize) -> Option<Self> {
        let (more, high, base) = match low >> 3 {
            0 => (1, low & 7, 0),
            1 => (2, low & 7, 2048),
            2 => (3, low & 7, 526_336),
            _ => (4, 0, 0),
        };
        let end = at.checked_add(more)?;
        let target = unsigned(data.get(at..end)?)?.checked_add(high << (8 * more).min(24))?.checked_add(base)?;
        (target < data.len()).then_some(Self { kind: Kind::Pointer(target), payload: &[], end })
    }
}

/// A big-endian number of at most four bytes.
fn unsigned(bytes: &[u8]) -> Option<usize> {
    let value = bytes.iter().fold(0_u32, |value, byte| (value << 8) | u32::from(*byte));
    usize::try_from(value).ok()
}
