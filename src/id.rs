//! Identifiers: parsed newtypes, so that a store id is never taken for a group id.
//!
//! Two families: ids that people give (short printable text) and ids that this program makes
//! ([ULID](https://github.com/ulid/spec): 48 bits of milliseconds, 80 bits of chance, sortable by time).

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use ulid::Ulid;

/// The longest id of a store or campaign, in characters.
pub const ID_CHARS_MAX: usize = 64;
/// The longest id of a group or contact, in characters: those made from a store's id add a suffix to it.
pub const OWNED_ID_CHARS_MAX: usize = 80;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdError {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// More characters than the second number.
    #[error("has {0} characters, at most {1} are allowed")]
    TooLong(usize, usize),
    /// A control character, a slash, or another character that an id may not hold.
    #[error("holds the character {0:?}, which an id may not hold")]
    BadCharacter(char),
    /// A word with which addresses of the service go on.
    #[error("is a word of the service's own addresses (such as import or export); call it otherwise")]
    Reserved,
    /// Not a ULID where one is required.
    #[error("is not an id that this service made")]
    NotUlid,
}

/// What stands in addresses where the id of a store, a group, a contact or a region may stand, and steps up in a path: something
/// with such an id could be made, but not be read, changed or removed.
pub const RESERVED_IDS: [&str; 7] = [".", "..", "export", "import", "new", "order", "template"];

fn parse_given(text: &str, chars_max: usize) -> Result<Arc<str>, IdError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(IdError::TooLong(chars, chars_max));
    }
    let forbidden = |c: &char| c.is_control() || matches!(c, '/' | '\\' | '?' | '"' | '<' | '>' | '\u{feff}');
    match text.chars().find(forbidden) {
        Some(c) => Err(IdError::BadCharacter(c)),
        None => Ok(Arc::from(text)),
    }
}

macro_rules! given_id {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads an id: 1 to 64 characters after trimming (80 for groups and contacts), no control characters, none of `/ \ ? " < >`.
            ///
            /// # Errors
            /// [`IdError`] says what is wrong with the text.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                parse_given(text, $max).map(Self)
            }

            /// Reads an id that somebody gives: as [`Self::parse`], and none of [`RESERVED_IDS`]. What has such an id already keeps it.
            ///
            /// # Errors
            /// [`IdError`] says what is wrong with the text.
            pub fn parse_new(text: &str) -> Result<Self, IdError> {
                let id = Self::parse(text)?;
                if RESERVED_IDS.contains(&id.as_str()) { Err(IdError::Reserved) } else { Ok(id) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                Self::from(&*id.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

given_id!(
    /// The chain's own code of a store; unique in a catalog.
    StoreId,
    ID_CHARS_MAX
);
given_id!(
    /// A group chat of a store, region or campaign.
    GroupId,
    OWNED_ID_CHARS_MAX
);
given_id!(
    /// A store manager, or whoever customers may add instead of joining a group.
    ContactId,
    OWNED_ID_CHARS_MAX
);
given_id!(
    /// The code of a region: of a province, city or district its GB/T 2260 code, of an operator's own area whatever they call it.
    RegionCode,
    ID_CHARS_MAX
);
given_id!(
    /// The short name of a campaign in the landing address `/s/{slug}`.
    CampaignSlug,
    ID_CHARS_MAX
);

impl CampaignSlug {
    /// The campaign that `GET /` serves; every catalog has it.
    #[must_use]
    pub fn default_slug() -> Self {
        static DEFAULT: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("default"));
        Self(Arc::clone(&DEFAULT))
    }

    /// Whether it is made of letters, digits, `-` and `_` only, as every one is that may stand in a printed address.
    #[must_use]
    pub fn is_printable(&self) -> bool {
        self.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    }
}

macro_rules! made_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            /// Makes an id from the time in milliseconds since 1970 and 80 bits of chance.
            #[must_use]
            pub fn from_parts(unix_ms: u64, chance: u128) -> Self {
                Self(Ulid::from_parts(unix_ms, chance))
            }

            /// Reads the 26 characters of a ULID.
            ///
            /// # Errors
            /// [`IdError::NotUlid`] if the text is anything else.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                Ulid::from_string(text).map(Self).map_err(|_cause| IdError::NotUlid)
            }

            /// The 16 bytes of the id, in the order of its text.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }

            /// The id of these 16 bytes.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Ulid::from_bytes(bytes))
            }

            /// When the id was made, in milliseconds since 1970.
            #[must_use]
            pub fn unix_ms(self) -> u64 {
                self.0.timestamp_ms()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.to_string()
            }
        }
    };
}

made_id!(
    /// A browser that bears our visitor token. Says nothing about a person.
    VisitorId
);
made_id!(
    /// One visit. Its tag record bears the same id, which makes a repeated delivery harmless.
    ScanId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_id_is_trimmed_and_kept_as_it_is() {
        assert_eq!(StoreId::parse("  SH-0001 ").unwrap().as_str(), "SH-0001");
        assert_eq!(StoreId::parse("0017").unwrap().as_str(), "0017");
        assert_eq!(StoreId::parse("门店 3").unwrap().as_str(), "门店 3");
    }

    #[test]
    fn a_given_id_that_is_none_says_why() {
        assert_eq!(StoreId::parse(" \t"), Err(IdError::Empty));
        assert_eq!(StoreId::parse(&"x".repeat(65)), Err(IdError::TooLong(65, 64)));
        assert_eq!(StoreId::parse("a/b"), Err(IdError::BadCharacter('/')));
        assert_eq!(StoreId::parse("a\u{0}b"), Err(IdError::BadCharacter('\0')));
    }

    #[test]
    fn a_made_id_survives_its_text() {
        let id = ScanId::from_parts(1_700_000_000_000, 0x1234_5678_9abc_def0_1234);
        assert_eq!(id.to_string(), "01HF7YAT0028T5CY4TQKFF04HM");
        assert_eq!(ScanId::parse(&id.to_string()), Ok(id));
        assert_eq!(ScanId::parse("01HF7YAT0028"), Err(IdError::NotUlid));
    }
}
