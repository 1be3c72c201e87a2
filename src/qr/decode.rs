//! Reads the QR code in a picture that somebody took: a screenshot, a photograph, a saved code in dark mode or with a logo.
//!
//! The decoder proper is `rqrr`; around it the picture is offered in many forms until one is read. Whether the text is a link that
//! may be used is not known here, and nothing of the picture is kept.

mod attempt;
mod corners;
mod flower;
mod open;
mod plane;
mod search;

use std::thread;
use std::time::Duration;

use thiserror::Error;

pub use self::open::{PICTURE_BYTES_MAX, PICTURE_PIXELS_MAX};
pub(super) use self::plane::whole;

/// Tries that one picture is given.
pub const TRIES_MAX: u32 = 160;
/// How long one picture is looked at: a person waits for it.
pub const LOOK_TIME_MAX: Duration = Duration::from_secs(6);
/// Texts that are named where a picture holds several codes.
const TEXTS_MAX: usize = 8;
/// Bytes of stack of the thread that decodes; the decoder fills areas row by row.
const STACK_BYTES: usize = 8 << 20;

/// The text of a code, and how it was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// What the code says.
    pub text: String,
    /// The form of the picture in which it was read, in words of one sentence's length: `inverted, 800 px, blurred`.
    pub form: String,
    /// How many forms were tried.
    pub tries: u32,
}

/// Why a picture gives no text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// None of the formats, or broken.
    #[error("this is no PNG, JPEG or WebP picture that can be opened")]
    NotAPicture,
    /// More bytes, pixels or memory than are opened.
    #[error("the picture is too large: {0}")]
    TooLarge(String),
    /// Nothing that looks like a code.
    #[error("no QR code is to be seen in the picture; take the screenshot again with the whole code on it")]
    NoCode,
    /// The corners of a code are there, and its content cannot be made out.
    #[error("there is a QR code in the picture, but it cannot be read; is it sharp, whole and free of reflections?")]
    Unreadable,
    /// Codes that say different things.
    #[error("the picture holds {} different codes; cut out the right one", .0.len())]
    SeveralCodes(Vec<String>),
    /// The round code of a mini program, which only `WeChat` reads.
    #[error("this is the round code of a mini program, which only WeChat can read; take the square code of the group")]
    MiniProgramCode,
}

impl DecodeError {
    /// The stable word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAPicture => "not_a_picture",
            Self::TooLarge(_) => "too_large",
            Self::NoCode => "no_code",
            Self::Unreadable => "unreadable",
            Self::SeveralCodes(_) => "several_codes",
            Self::MiniProgramCode => "mini_program_code",
        }
    }
}

/// How much is tried.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Forms of the picture.
    pub tries: u32,
    /// Wall-clock time.
    pub time: Duration,
}

impl Default for Effort {
    fn default() -> Self {
        Self { tries: TRIES_MAX, time: LOOK_TIME_MAX }
    }
}

/// Reads the code in a PNG, JPEG or WebP picture. Blocks, for [`Effort::time`] and one try more at most.
///
/// # Errors
/// [`DecodeError`] says why there is no text. Any bytes give a text or an error.
pub fn decode_picture(bytes: &[u8], effort: Effort) -> Result<Decoded, DecodeError> {
    let bytes = open::checked(bytes)?.to_vec();
    // Decoders of pictures and codes are written for well-formed input; where one gives up in the middle, its thread ends and this
    // one says so.
    let work = thread::Builder::new().name("decode".to_owned()).stack_size(STACK_BYTES);
    let Ok(running) = work.spawn(move || search::search(open::open(&bytes)?, effort)) else {
        return Err(DecodeError::Unreadable);
    };
    running.join().unwrap_or(Err(DecodeError::Unreadable))
}

/// Opens a picture within the same limits, on a thread of its own for the same reason.
pub(super) fn open_picture(bytes: &[u8]) -> Result<image::DynamicImage, DecodeError> {
    let bytes = open::checked(bytes)?.to_vec();
    let work = thread::Builder::new().name("open".to_owned());
    let Ok(running) = work.spawn(move || open::picture(&bytes)) else { return Err(DecodeError::NotAPicture) };
    running.join().unwrap_or(Err(DecodeError::NotAPicture))
}

#[cfg(test)]
mod tests;
