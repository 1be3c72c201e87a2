//! A campaign: one landing code, its name and colours, and how far it reaches.

mod route;

pub use route::{Mode, PERCENT_MAX, Route};

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::id::CampaignSlug;

/// The reach unless a campaign or the settings say otherwise, in metres. Farther than this nobody visits a store of a chain on
/// an ordinary day, and the group of a store there is of no use to them.
pub const REACH_M_DEFAULT: f64 = 50_000.0;
/// Half of Earth's circumference, rounded up: no two places are farther apart.
pub const REACH_M_MAX: f64 = 20_040_000.0;
/// The largest logo, in bytes: it is part of the first picture that a phone loads.
pub const LOGO_BYTES_MAX: usize = 64 * 1024;

/// A colour of the brand, `#rrggbb`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour {
    /// Red, green, blue.
    pub rgb: [u8; 3],
}

/// The text is no colour such as `#1a7f5a`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a colour such as #1a7f5a")]
pub struct ColourError(String);

impl Colour {
    /// Reads `#rrggbb`.
    ///
    /// # Errors
    /// [`ColourError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, ColourError> {
        let fail = || ColourError(text.chars().take(32).collect());
        let hex = text.strip_prefix('#').filter(|it| it.len() == 6).ok_or_else(fail)?;
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map_err(|_cause| fail())?;
        Ok(Self { rgb: bytes.try_into().map_err(|_cause| fail())? })
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.rgb;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl fmt::Debug for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Colour {
    type Error = ColourError;

    fn try_from(text: String) -> Result<Self, ColourError> {
        Self::parse(&text)
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

/// A picture of the brand. Only raster formats: an SVG may hold scripts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Logo {
    bytes: Vec<u8>,
    kind: PictureKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PictureKind {
    Png,
    Jpeg,
    WebP,
}

/// Why bytes are no logo.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogoError {
    /// Not base64.
    #[error("is not base64")]
    NotBase64,
    /// None of the allowed formats by its first bytes.
    #[error("is not a PNG, JPEG or WebP picture")]
    NotAPicture,
    /// Larger than [`LOGO_BYTES_MAX`].
    #[error("has {0} bytes, at most {LOGO_BYTES_MAX} are allowed")]
    TooLarge(usize),
}

impl Logo {
    /// Takes a PNG, JPEG or WebP picture, told by its first bytes.
    ///
    /// # Errors
    /// [`LogoError`] if it is too large or none of these.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, LogoError> {
        if bytes.len() > LOGO_BYTES_MAX {
            return Err(LogoError::TooLarge(bytes.len()));
        }
        let kind = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => PictureKind::Png,
            [0xff, 0xd8, 0xff, ..] => PictureKind::Jpeg,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => PictureKind::WebP,
            _ => return Err(LogoError::NotAPicture),
        };
        Ok(Self { bytes, kind })
    }

    /// The picture.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// 64 bits of the SHA-256 of the picture, in hexadecimal: changes when the picture does.
    #[must_use]
    pub fn digest(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(&self.bytes).into();
        data_encoding::HEXLOWER.encode(digest.split_at(8).0)
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self.kind {
            PictureKind::Png => "image/png",
            PictureKind::Jpeg => "image/jpeg",
            PictureKind::WebP => "image/webp",
        }
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({}, {} bytes)", self.content_type(), self.bytes.len())
    }
}

impl TryFrom<String> for Logo {
    type Error = LogoError;

    fn try_from(text: String) -> Result<Self, LogoError> {
        let bytes = data_encoding::BASE64.decode(text.as_bytes()).map_err(|_cause| LogoError::NotBase64)?;
        Self::from_bytes(bytes)
    }
}

impl From<Logo> for String {
    fn from(logo: Logo) -> Self {
        data_encoding::BASE64.encode(&logo.bytes)
    }
}

/// One landing code and what its page looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    /// The short name in the landing address.
    pub slug: CampaignSlug,
    /// The brand's name, shown at the top of the page.
    pub name: Box<str>,
    /// The brand's colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// The brand's picture, base64 in storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
    /// Stores farther away than this many metres are not offered; none means the setting's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach_m: Option<f64>,
    /// Whether a store's service area wins over distance inside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub service_areas: bool,
    /// Which way it leads.
    #[serde(default, skip_serializing_if = "Mode::is_default")]
    pub mode: Mode,
}

impl Campaign {
    /// The campaign that serves `GET /` where nobody has made one.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            slug: CampaignSlug::default_slug(),
            name: "近群".into(),
            colour: None,
            logo: None,
            reach_m: None,
            service_areas: false,
            mode: Mode::Group,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_read_and_written() {
        assert_eq!(Colour::parse("#1A7f5a").unwrap().to_string(), "#1a7f5a");
        for text in ["1a7f5a", "#1a7f5", "#1a7f5g", "red", "#é7f5a", ""] {
            assert!(Colour::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_logo_is_told_by_its_first_bytes() {
        let png = b"\x89PNG\r\n\x1a\n....".to_vec();
        assert_eq!(Logo::from_bytes(png).unwrap().content_type(), "image/png");
        assert_eq!(Logo::from_bytes(b"<svg onload=alert(1)>".to_vec()), Err(LogoError::NotAPicture));
        assert_eq!(Logo::from_bytes(vec![0xff; LOGO_BYTES_MAX + 1]), Err(LogoError::TooLarge(65_537)));
    }
}
