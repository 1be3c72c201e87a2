//! Why a file is not taken as an IP database, in sentences for an operator.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A file that is not taken as an IP database.
#[derive(Debug, Error)]
#[error("IP database {}: {kind}", path.display())]
pub struct IpdbError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: IpdbErrorKind,
}

/// What is wrong with a file that is not taken as an IP database.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IpdbErrorKind {
    /// The file is missing, may not be read, or reading failed.
    #[error("the file cannot be read: {0}")]
    Unreadable(io::Error),
    /// The path leads to a directory or a device.
    #[error("this is not a regular file")]
    NotAFile,
    /// The name does not say which format the file has.
    #[error("the name ends neither in .mmdb nor in .xdb, so the format is not known")]
    UnknownFormat,
    /// The file has no bytes, as while it is being replaced.
    #[error("the file is empty")]
    Empty,
    /// The file is larger than this program reads into memory.
    #[error("the file has {bytes} bytes; at most {bytes_max} are read")]
    TooLarge {
        /// Size of the file, in bytes.
        bytes: u64,
        /// The most that is read, in bytes.
        bytes_max: u64,
    },
    /// Something that the file refers to lies behind its end.
    #[error("the file is cut short: {what} lies beyond its end")]
    Truncated {
        /// The part that is missing.
        what: &'static str,
    },
    /// The file is not in the format that its name promises.
    #[error("this is not a {format} file, or it is cut short: {detail}")]
    NotADatabase {
        /// Name of the format.
        format: &'static str,
        /// What was looked for and not found.
        detail: String,
    },
    /// The file is in a variant of the format that this program does not read.
    #[error("{what} {found} is not supported")]
    Unsupported {
        /// The property that differs.
        what: &'static str,
        /// Its value in this file.
        found: u16,
    },
    /// The file contradicts itself.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// The file is sound, but no record looked at names a place or has coordinates.
    #[error("the file knows no countries, provinces, cities or coordinates (is it a database of something else?)")]
    NoPlaces,
    /// The order of the fields in an `.xdb` file is not one that is recognised.
    #[error(
        "the meaning of its {fields} fields is not recognised; set ip2region_fields, for example to country|skip|province|city|skip"
    )]
    FieldsUnclear {
        /// How many fields the records have; 0 if their numbers differ.
        fields: usize,
    },
}

impl IpdbErrorKind {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
}
