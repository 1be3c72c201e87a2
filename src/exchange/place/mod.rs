//! A place as people paste it: two numbers, degrees with minutes and seconds, or a link of a map site. Nobody outside is asked, so
//! a short link, which only its site can read, is refused with a word on what to do.

mod links;
mod mercator;
mod numbers;

use thiserror::Error;

use crate::catalog::plain::{folded, trimmed};
use crate::geo::{Datum, PositionError};
use crate::store::Located;

/// The longest text that is read, in characters.
pub const PLACE_CHARS_MAX: usize = 4_000;

/// What a person may want to know of how a text was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceNote {
    /// The first number is the longitude: the other way round it would be no place.
    LngFirst,
    /// Both orders are possible; the latitude was taken to come first.
    OrderAssumed,
    /// The site draws China in GCJ-02, and the link does not say so.
    DatumAssumed,
}

impl PlaceNote {
    /// A stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LngFirst => "lng_first",
            Self::OrderAssumed => "order_assumed",
            Self::DatumAssumed => "datum_assumed",
        }
    }
}

/// Why a text is no place.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PlaceTextError {
    /// Nothing, or far too much.
    #[error("paste two numbers such as 31.2304, 121.4737, or a link of a map")]
    Unreadable,
    /// Numbers say nothing about their datum.
    #[error("numbers do not say in which datum they are: wgs84 (GPS), gcj02 (高德, 腾讯) or bd09 (百度)")]
    DatumMissing,
    /// A link that only its site can follow.
    #[error(
        "{0} is a short link, which only its site can read: open it in a browser and copy the long address that it leads to"
    )]
    ShortLink(String),
    /// A link without a position.
    #[error("this link of {0} holds no position: open the place on the map and copy the address, or its coordinates")]
    NoPosition(String),
    /// A link of a site that is not known.
    #[error("links of {0} are not known; paste the coordinates instead")]
    UnknownSite(String),
    /// Numbers that are no place.
    #[error(transparent)]
    OutOfRange(#[from] PositionError),
}

impl PlaceTextError {
    /// A stable word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::DatumMissing => "datum_missing",
            Self::ShortLink(_) => "short_link",
            Self::NoPosition(_) => "no_position",
            Self::UnknownSite(_) => "unknown_site",
            Self::OutOfRange(_) => "out_of_range",
        }
    }
}

/// A place that was read from a text.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceRead {
    /// Where it is.
    pub at: Located,
    /// What the text was: `numbers`, `dms`, `geo`, `amap`, `baidu`, `tencent`, `google`, `apple` or `osm`.
    pub recognised: &'static str,
    /// How it was read.
    pub notes: Vec<PlaceNote>,
}

/// Two numbers on the way to a place.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Degrees {
    lat: f64,
    lng: f64,
}

impl Degrees {
    fn read(self, datum: Datum, recognised: &'static str, notes: Vec<PlaceNote>) -> Result<PlaceRead, PlaceTextError> {
        let at = Located::from_datum(self.lat, self.lng, datum)?;
        Ok(PlaceRead { at, recognised, notes })
    }
}

/// Reads a pasted text. `datum` is what bare numbers are in; links know their own.
///
/// # Errors
/// [`PlaceTextError`] with a sentence for whoever pasted it.
pub fn read_place(text: &str, datum: Option<Datum>) -> Result<PlaceRead, PlaceTextError> {
    if text.chars().count() > PLACE_CHARS_MAX {
        return Err(PlaceTextError::Unreadable);
    }
    let text = folded(text);
    let text = trimmed(&text);
    if let Some(link) = links::find(text) {
        return links::read(&link);
    }
    let (degrees, recognised, notes) = numbers::read(text).ok_or(PlaceTextError::Unreadable)?;
    degrees.read(datum.ok_or(PlaceTextError::DatumMissing)?, recognised, notes)
}

#[cfg(test)]
mod tests;
