//! A campaign's colour, and the colours that can be read on it and beside it.
//!
//! Not a palette: everything else on the page is fixed in the stylesheet.

use std::fmt;

use crate::campaign::Colour as Brand;

/// The least contrast between text and its ground: WCAG 2.2, success criterion 1.4.3, level AA.
pub const CONTRAST_MIN: f64 = 4.5;

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl Colour {
    /// White.
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
    /// Black.
    pub const BLACK: Self = Self { red: 0, green: 0, blue: 0 };
    /// The colour of a campaign that names none: a deep green.
    pub const DEFAULT: Self = Self { red: 0x0b, green: 0x6b, blue: 0x4f };

    /// White if it can be read on this colour, else black; one of the two always can.
    #[must_use]
    pub fn text_on(self) -> Self {
        if self.contrast(Self::WHITE) >= CONTRAST_MIN { Self::WHITE } else { Self::BLACK }
    }

    /// This colour, darkened until it can be read as text on white.
    #[must_use]
    pub fn ink(self) -> Self {
        let mut ink = self;
        while ink.contrast(Self::WHITE) < CONTRAST_MIN {
            ink = Self { red: darker(ink.red), green: darker(ink.green), blue: darker(ink.blue) };
        }
        ink
    }

    /// The contrast ratio of two colours, from 1 to 21, as WCAG 2.2 defines it.
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Relative luminance, as WCAG 2.2 defines it.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

/// The channel at nine tenths, rounded down, so that repeating it reaches zero.
fn darker(channel: u8) -> u8 {
    u8::try_from(u16::from(channel) * 9 / 10).unwrap_or(0)
}

impl From<Brand> for Colour {
    fn from(brand: Brand) -> Self {
        let [red, green, blue] = brand.rgb;
        Self { red, green, blue }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Brand::parse(text).unwrap().into()
    }

    #[test]
    fn contrast_is_what_the_standard_says() {
        // Published pairs: black on white 21, #767676 on white 4.54, #ff0000 on white 4.00.
        let on_white = |text: &str| colour(text).contrast(Colour::WHITE);
        assert!((on_white("#000000") - 21.0).abs() < 0.01);
        assert!((on_white("#767676") - 4.54).abs() < 0.01);
        assert!((on_white("#ff0000") - 4.00).abs() < 0.01);
    }

    #[test]
    fn text_can_be_read_on_every_colour_and_every_ink_on_white() {
        for red in (0..=255_u8).step_by(15) {
            for green in (0..=255_u8).step_by(15) {
                for blue in (0..=255_u8).step_by(15) {
                    let colour = Colour { red, green, blue };
                    assert!(colour.contrast(colour.text_on()) >= 4.5, "{colour}");
                    assert!(colour.ink().contrast(Colour::WHITE) >= 4.5, "{colour}");
                }
            }
        }
    }

    #[test]
    fn a_dark_colour_is_its_own_ink() {
        assert_eq!(Colour::DEFAULT.ink(), Colour::DEFAULT);
        assert_eq!(colour("#ffd100").text_on(), Colour::BLACK);
    }
}
