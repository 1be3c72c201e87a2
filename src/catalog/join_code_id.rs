//! The address of a join code's picture.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The address of a join code's picture: 80 bits of the SHA-256 of its link, so that a picture's address never changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JoinCodeId([u8; 10]);

impl JoinCodeId {
    /// The id of a link.
    #[must_use]
    pub fn of(link: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(link.as_bytes()).into();
        Self(std::array::from_fn(|place| digest.get(place).copied().unwrap_or_default()))
    }

    /// Reads the 16 characters of an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = data_encoding::BASE32_NOPAD_NOCASE.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for JoinCodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::BASE32_NOPAD_NOCASE.encode(&self.0).to_ascii_lowercase())
    }
}

impl fmt::Debug for JoinCodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
