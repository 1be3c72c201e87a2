//! The archive that a workbook is, looked through before anything reads it: a bomb is told by what it says of itself, and by what
//! comes out of it under a limit.

use std::io::{self, Cursor, Read as _};

use zip::{CompressionMethod, ZipArchive};

use super::broken;
use crate::catalog::{Problem, code};

/// Parts that a workbook may have; real ones have tens.
const PARTS_MAX: usize = 4_096;
/// Bytes that all parts together may unpack to.
const EXPANDED_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Bytes that the table of shared texts may unpack to; it is kept in memory.
const TEXTS_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Bytes that the styles may unpack to; each is kept in memory at a multiple of its size.
const STYLES_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A part may unpack to so many times its packed size,
const RATIO_MAX: u64 = 200;
/// unless it stays below so many bytes.
const RATIO_FREE_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes that are unpacked at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Looks through the archive: what its directory says, and what comes out of it.
///
/// # Errors
/// A sentence on why it is not read.
pub(super) fn check(bytes: &[u8]) -> Result<(), Problem> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_cause| broken("its directory is missing"))?;
    if archive.len() > PARTS_MAX {
        return Err(expands(&format!("it has {} parts, at most {PARTS_MAX} are read", archive.len())));
    }
    if archive.has_overlapping_files().map_err(|_cause| broken("its parts cannot be found"))? {
        return Err(expands("its parts lie over each other"));
    }
    // First what it says of itself, which costs nothing.
    let mut total = 0_u64;
    for place in 0..archive.len() {
        let part = archive.by_index_raw(place).map_err(|_cause| broken("a part of it cannot be found"))?;
        if part.entry().encrypted() {
            let message = "this workbook is protected by a password; open it, remove the password and save it again";
            return Err(Problem::new(code::ENCRYPTED, message));
        }
        if !matches!(part.entry().compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return Err(broken("it is packed in a way that no workbook is"));
        }
        total = total.saturating_add(part.entry().size());
        measure(&name_of(part.entry().name_raw()), part.entry().size(), part.entry().compressed_size(), total)?;
    }
    unpack(&mut archive)
}

/// Then what really comes out, never more than a chunk beyond the limits.
fn unpack(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<(), Problem> {
    let mut total = 0_u64;
    let mut chunk = vec![0; CHUNK_BYTES];
    for place in 0..archive.len() {
        let mut part = archive.by_index(place).map_err(|_cause| broken("a part of it cannot be found"))?;
        let (name, packed) = (name_of(part.entry().name_raw()), part.entry().compressed_size());
        let has_texts = name.ends_with("sharedstrings.xml");
        let (mut size, mut texts) = (0_u64, Vec::new());
        loop {
            let count = match part.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_cause) => return Err(broken("a part of it cannot be unpacked")),
            };
            let bytes = u64::try_from(count).unwrap_or(u64::MAX);
            size = size.saturating_add(bytes);
            total = total.saturating_add(bytes);
            measure(&name, size, packed, total)?;
            if has_texts {
                texts.extend_from_slice(chunk.get(..count).unwrap_or_default());
            }
        }
        if has_texts && claims_too_many(&texts) {
            return Err(broken("it names more texts than it has"));
        }
    }
    Ok(())
}

fn name_of(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).to_ascii_lowercase()
}

/// Refuses a part of this size, or what is unpacked by then.
fn measure(name: &str, size: u64, packed: u64, total: u64) -> Result<(), Problem> {
    let limit = if name.ends_with("sharedstrings.xml") {
        TEXTS_BYTES_MAX
    } else if name.ends_with("styles.xml") {
        STYLES_BYTES_MAX
    } else {
        EXPANDED_BYTES_MAX
    };
    if size > limit || total > EXPANDED_BYTES_MAX {
        return Err(expands(&format!("it unpacks to more than {} MB", limit / 1024 / 1024)));
    }
    if size > RATIO_FREE_BYTES && size / packed.max(1) > RATIO_MAX {
        return Err(expands(&format!("it unpacks to more than {RATIO_MAX} times its size")));
    }
    Ok(())
}

fn expands(why: &str) -> Problem {
    let message = format!("this workbook is not read because {why}; divide it, or save it as \"CSV UTF-8\"");
    Problem::new(code::WORKBOOK_EXPANDS, message)
}

/// Whether the table of shared texts names a count that its bytes cannot hold. Readers make room for as many as it names.
fn claims_too_many(texts: &[u8]) -> bool {
    let mut parts = texts.split(|it| *it == b'=');
    let mut before = parts.next().unwrap_or_default();
    for part in parts {
        if before.trim_ascii_end().ends_with(b"uniqueCount") {
            let digits: Vec<u8> = part.iter().copied().skip_while(|it| !it.is_ascii_digit()).take(20).collect();
            let digits: String = digits.into_iter().take_while(u8::is_ascii_digit).map(char::from).collect();
            // The shortest text takes five bytes, `<si/>`.
            let most = u64::try_from(texts.len() / 5).unwrap_or(u64::MAX);
            if digits.parse::<u64>().map_or(!digits.is_empty(), |it| it > most) {
                return true;
            }
        }
        before = part;
    }
    false
}
