//! Looks addresses up in an ip2region file (`.xdb`), of format 2 (IPv4) and 3 (IPv4 or IPv6).
//!
//! Layout, little-endian, after the makers and readers published by ip2region, and seen in real files:
//!
//! - 256 bytes of header: format (u16), index policy (u16), time made (u32), offset of the first and of the last
//!   segment (u32 each); in format 3 also the IP version (u16) and the width of pointers in bytes (u16);
//! - 256 × 256 pairs of u32, by the first two bytes of an address: where its segments start and end;
//! - records, UTF-8 text with fields between `|` signs;
//! - segments in rising order: first and last address (IPv4: u32 little-endian; IPv6: 16 bytes in network order),
//!   length of the record (u16), its offset (u32).
//!
//! All of it is read once into sorted ranges and distinct places, so a look-up touches neither the file's offsets
//! nor its text. The table of pairs is checked but not needed.

use std::collections::HashMap;
use std::net::IpAddr;

use super::fields::{self, Ip2regionFields};
use super::{IpPlace, IpdbErrorKind};

const HEADER_BYTES: usize = 256;

/// Pairs in the table over the first two bytes of an address, and the bytes of a pair.
const VECTOR_PAIRS: usize = 256 * 256;
const VECTOR_PAIR_BYTES: usize = 8;

/// Where the records start.
const RECORDS_START: usize = HEADER_BYTES + VECTOR_PAIRS * VECTOR_PAIR_BYTES;

/// The index policy with the table of pairs; the other one, a B-tree, was never published.
const POLICY_VECTOR: u16 = 1;

/// The most distinct records of a file. Public files have some ten thousand.
const RECORDS_MAX: usize = 1 << 20;

/// The longest record, in bytes. Public files stay below 200.
const RECORD_BYTES_MAX: usize = 4096;

/// An ip2region database in memory.
pub(super) struct Xdb {
    ranges: Ranges,
    places: Vec<IpPlace>,
}

enum Ranges {
    V4(Vec<Range<u32>>),
    V6(Vec<Range<u128>>),
}

struct Range<A> {
    first: A,
    last: A,
    /// Index into the places.
    place: u32,
}

/// An address as a segment holds it.
trait Address: Copy + Ord {
    const BYTES: usize;

    fn read(bytes: &[u8], at: usize) -> Option<Self>;
}

impl Address for u32 {
    const BYTES: usize = 4;

    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        array(bytes, at).map(Self::from_le_bytes)
    }
}

impl Address for u128 {
    const BYTES: usize = 16;

    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        array(bytes, at).map(Self::from_be_bytes)
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn offset_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(array(bytes, at).map(u32::from_le_bytes)?).ok()
}

impl Xdb {
    /// Reads and checks the bytes of a file.
    pub(super) fn parse(bytes: &[u8], order: &Ip2regionFields) -> Result<Self, IpdbErrorKind> {
        let header = Header::read(bytes)?;
        let mut records = Records::default();
        let ranges = if header.is_ipv6 {
            Ranges::V6(segments(bytes, &header, &mut records)?)
        } else {
            Ranges::V4(segments(bytes, &header, &mut records)?)
        };
        let known: Vec<&str> = records.texts.iter().copied().filter(|text| !text.is_empty()).collect();
        let order = order.order(&known).map_err(|fields| IpdbErrorKind::FieldsUnclear { fields })?;
        let places: Vec<IpPlace> = records.texts.iter().map(|text| fields::place(text, &order)).collect();
        if !places.iter().any(IpPlace::knows_something) {
            return Err(IpdbErrorKind::NoPlaces);
        }
        Ok(Self { ranges, places })
    }

    pub(super) fn locate(&self, ip: IpAddr) -> Option<IpPlace> {
        let place = match (&self.ranges, ip) {
            (Ranges::V4(ranges), IpAddr::V4(ip)) => find(ranges, u32::from(ip)),
            (Ranges::V6(ranges), IpAddr::V6(ip)) => find(ranges, u128::from(ip)),
            _ => None,
        }?;
        let place = self.places.get(usize::try_from(place).ok()?)?;
        place.knows_something().then(|| place.clone())
    }
}

fn find<A: Address>(ranges: &[Range<A>], address: A) -> Option<u32> {
    let after = ranges.partition_point(|range| range.first <= address);
    let range = ranges.get(after.checked_sub(1)?)?;
    (address <= range.last).then_some(range.place)
}

struct Header {
    is_ipv6: bool,
    segments_start: usize,
    segments_end: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, IpdbErrorKind> {
        if bytes.len() < RECORDS_START {
            return Err(IpdbErrorKind::Truncated { what: "the table over the first two bytes" });
        }
        let number = |at| u16_at(bytes, at).unwrap_or_default();
        let offset = |at| offset_at(bytes, at).unwrap_or_default();
        let is_ipv6 = match (number(0), number(16)) {
            (2, _) | (3, 4) => false,
            (3, 6) => true,
            (3, found) => {
                return Err(IpdbErrorKind::Unsupported { what: "IP version", found });
            }
            (found, _) => {
                return Err(IpdbErrorKind::Unsupported { what: "ip2region format", found });
            }
        };
        if number(2) != POLICY_VECTOR {
            return Err(IpdbErrorKind::Unsupported { what: "index policy", found: number(2) });
        }
        let (first, last) = (offset(8), offset(12));
        let entry = entry_bytes(is_ipv6);
        let segments_end = last.saturating_add(entry);
        if segments_end > bytes.len() {
            return Err(IpdbErrorKind::Truncated { what: "the list of segments" });
        }
        if first < RECORDS_START || last < first || (last - first) % entry != 0 {
            return Err(IpdbErrorKind::damaged("the header does not delimit a list of segments"));
        }
        let header = Self { is_ipv6, segments_start: first, segments_end };
        header.check_vector(bytes)?;
        Ok(header)
    }

    /// Every pair must delimit whole segments. Pairs without segments are zero.
    fn check_vector(&self, bytes: &[u8]) -> Result<(), IpdbErrorKind> {
        let entry = entry_bytes(self.is_ipv6);
        let table = bytes.get(HEADER_BYTES..RECORDS_START).unwrap_or_default();
        for pair in table.chunks_exact(VECTOR_PAIR_BYTES) {
            let (start, end) = (offset_at(pair, 0).unwrap_or(0), offset_at(pair, 4).unwrap_or(0));
            let is_inside = start >= self.segments_start && start <= end && end <= self.segments_end;
            let is_whole = |at: usize| at.wrapping_sub(self.segments_start).is_multiple_of(entry);
            if (start, end) != (0, 0) && !(is_inside && is_whole(start) && is_whole(end)) {
                return Err(IpdbErrorKind::damaged("the table over the first two bytes points outside the segments"));
            }
        }
        Ok(())
    }
}

fn entry_bytes(is_ipv6: bool) -> usize {
    let address = if is_ipv6 { <u128 as Address>::BYTES } else { <u32 as Address>::BYTES };
    2 * address + 6
}

/// The distinct records of a file, in the order in which segments first name them.
#[derive(Default)]
struct Records<'a> {
    texts: Vec<&'a str>,
    /// By offset and length.
    known: HashMap<(usize, usize), u32>,
    bytes: usize,
}

impl<'a> Records<'a> {
    fn place(&mut self, bytes: &'a [u8], offset: usize, length: usize) -> Result<u32, IpdbErrorKind> {
        if let Some(known) = self.known.get(&(offset, length)) {
            return Ok(*known);
        }
        let record = offset
            .checked_add(length)
            .and_then(|end| bytes.get(offset..end))
            .ok_or(IpdbErrorKind::Truncated { what: "a record" })?;
        if offset < RECORDS_START || length > RECORD_BYTES_MAX || self.texts.len() >= RECORDS_MAX {
            return Err(IpdbErrorKind::damaged("a record is misplaced or too long, or there are too many"));
        }
        // Sound files hold each record once, so more text than file means that records overlap.
        self.bytes = self.bytes.saturating_add(length);
        if self.bytes > bytes.len() {
            return Err(IpdbErrorKind::damaged("the records overlap"));
        }
        let text = std::str::from_utf8(record).ok().ok_or_else(|| IpdbErrorKind::damaged("a record is not UTF-8"))?;
        let place =
            u32::try_from(self.texts.len()).ok().ok_or_else(|| IpdbErrorKind::damaged("there are too many records"))?;
        self.texts.push(text);
        self.known.insert((offset, length), place);
        Ok(place)
    }
}

/// All segments, checked to rise without overlap.
fn segments<'a, A: Address>(
    bytes: &'a [u8],
    header: &Header,
    found: &mut Records<'a>,
) -> Result<Vec<Range<A>>, IpdbErrorKind> {
    let table = bytes
        .get(header.segments_start..header.segments_end)
        .ok_or(IpdbErrorKind::Truncated { what: "the list of segments" })?;
    let disorder = || IpdbErrorKind::damaged("the segments are not in rising order");
    let mut ranges: Vec<Range<A>> = Vec::new();
    for segment in table.chunks_exact(2 * A::BYTES + 6) {
        let read = || {
            let first = A::read(segment, 0)?;
            let last = A::read(segment, A::BYTES)?;
            let length = u16_at(segment, 2 * A::BYTES)?;
            let offset = offset_at(segment, 2 * A::BYTES + 2)?;
            Some((first, last, offset, usize::from(length)))
        };
        let (first, last, offset, length) = read().ok_or_else(disorder)?;
        if last < first || ranges.last().is_some_and(|before| before.last >= first) {
            return Err(disorder());
        }
        let place = found.place(bytes, offset, length)?;
        ranges.push(Range { first, last, place });
    }
    ranges.shrink_to_fit();
    Ok(ranges)
}
