//! Opens one IP database file: whole into memory, and checked through before anybody is answered from it.
//!
//! No file is mapped into memory: a mapping changes under the reader when the file is written over.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::net::IpAddr;
use std::path::Path;

use super::mmdb::Mmdb;
use super::xdb::Xdb;
use super::{Ip2regionFields, IpPlace, IpdbError, IpdbErrorKind};

/// The largest database file that is read, in bytes. The largest known ones have a few hundred million.
pub const BYTES_MAX: u64 = 1 << 30;

/// One IP database in memory. Prints only its format under `Debug`.
pub struct Database {
    format: Format,
}

enum Format {
    Mmdb(Mmdb),
    Xdb(Xdb),
}

impl Database {
    /// Opens a file by the ending of its name, `.mmdb` or `.xdb`, and checks all of it.
    ///
    /// # Errors
    /// [`IpdbError`] if the file cannot be read, is not sound, or knows no places.
    pub fn open(path: &Path, fields: &Ip2regionFields) -> Result<Self, IpdbError> {
        Self::read(path, fields).map_err(|kind| IpdbError { path: path.to_owned(), kind })
    }

    fn read(path: &Path, fields: &Ip2regionFields) -> Result<Self, IpdbErrorKind> {
        let ending = path.extension().map(OsStr::to_ascii_lowercase);
        let format = match ending.as_ref().and_then(|it| it.to_str()) {
            Some("mmdb") => Format::Mmdb(Mmdb::parse(read_bytes(path)?)?),
            Some("xdb") => Format::Xdb(Xdb::parse(&read_bytes(path)?, fields)?),
            _ => return Err(IpdbErrorKind::UnknownFormat),
        };
        Ok(Self { format })
    }

    /// What this database alone knows about an address.
    #[must_use]
    pub fn locate(&self, ip: IpAddr) -> Option<IpPlace> {
        match &self.format {
            Format::Mmdb(mmdb) => mmdb.locate(ip),
            Format::Xdb(xdb) => xdb.locate(ip),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.format {
            Format::Mmdb(_) => "Database(mmdb)",
            Format::Xdb(_) => "Database(xdb)",
        })
    }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, IpdbErrorKind> {
    // Opening a pipe would wait for a writer, so the kind of file is looked at first.
    let facts = std::fs::metadata(path).map_err(IpdbErrorKind::Unreadable)?;
    if !facts.is_file() {
        return Err(IpdbErrorKind::NotAFile);
    }
    let file = File::open(path).map_err(IpdbErrorKind::Unreadable)?;
    let length = facts.len();
    let too_large = |bytes| IpdbErrorKind::TooLarge { bytes, bytes_max: BYTES_MAX };
    if length > BYTES_MAX {
        return Err(too_large(length));
    }
    let mut bytes = Vec::new();
    let room = usize::try_from(length).ok().ok_or_else(|| too_large(length))?;
    bytes
        .try_reserve_exact(room)
        .map_err(|error| IpdbErrorKind::Unreadable(std::io::Error::new(ErrorKind::OutOfMemory, error)))?;
    // The file may grow while it is read, so the limit holds for the reading as well.
    let read = file.take(BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(IpdbErrorKind::Unreadable)?;
    match u64::try_from(read) {
        Ok(0) => Err(IpdbErrorKind::Empty),
        Ok(read) if read <= BYTES_MAX => Ok(bytes),
        Ok(read) => Err(too_large(read)),
        Err(_) => Err(too_large(u64::MAX)),
    }
}
