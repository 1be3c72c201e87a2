//! A position together with the numbers and the datum that a person gave.
//!
//! Conversions between datums are good to centimetres, not to the last digit; a sheet that goes out and comes back must not
//! move a store, so what was typed is kept.

use serde::{Deserialize, Serialize};

use crate::geo::{Datum, Position, PositionError};

/// A position as it was given, and the same place in WGS-84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct Located {
    given: Given,
    position: Position,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Given {
    lat: f64,
    lng: f64,
    datum: Datum,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "… ({:?})", self.datum)
    }
}

impl Located {
    /// Takes latitude and longitude in degrees of a datum.
    ///
    /// # Errors
    /// [`PositionError`] if a number is NaN, infinite or out of range.
    pub fn from_datum(lat: f64, lng: f64, datum: Datum) -> Result<Self, PositionError> {
        let position = Position::from_datum(lat, lng, datum)?;
        Ok(Self { given: Given { lat, lng, datum }, position })
    }

    /// The place in WGS-84.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The latitude as given, in degrees of [`Located::datum`].
    #[must_use]
    pub fn given_lat(&self) -> f64 {
        self.given.lat
    }

    /// The longitude as given, in degrees of [`Located::datum`].
    #[must_use]
    pub fn given_lng(&self) -> f64 {
        self.given.lng
    }

    /// The datum in which the numbers were given.
    #[must_use]
    pub fn datum(&self) -> Datum {
        self.given.datum
    }
}

impl TryFrom<Given> for Located {
    type Error = PositionError;

    fn try_from(given: Given) -> Result<Self, PositionError> {
        Self::from_datum(given.lat, given.lng, given.datum)
    }
}

impl From<Located> for Given {
    fn from(located: Located) -> Self {
        located.given
    }
}
