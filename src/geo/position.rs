//! A place on Earth: always WGS-84, always in range.

use std::fmt;

use thiserror::Error;

use super::datum::{self, Datum};

/// Why two numbers are no position.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum PositionError {
    /// The latitude is not a finite number from −90 to 90 degrees.
    #[error("latitude {0} is not between -90 and 90 degrees")]
    Latitude(f64),
    /// The longitude is not a finite number from −180 to 180 degrees.
    #[error("longitude {0} is not between -180 and 180 degrees")]
    Longitude(f64),
}

/// A place on Earth in WGS-84 degrees. Prints as `…` under `Debug`, because no place may name a person.
#[derive(Clone, Copy, PartialEq)]
pub struct Position {
    lat: f64,
    lon: f64,
}

impl Position {
    /// Reads a latitude and a longitude in degrees of the given datum. The only way to make a position.
    ///
    /// A longitude of −180 becomes 180, and at the poles the longitude becomes 0, so that equal places are equal values.
    ///
    /// # Errors
    /// [`PositionError`] if a number is NaN, infinite or out of range.
    pub fn from_datum(lat: f64, lon: f64, datum: Datum) -> Result<Self, PositionError> {
        if !(-90.0..=90.0).contains(&lat) {
            return Err(PositionError::Latitude(lat));
        }
        if !(-180.0..=180.0).contains(&lon) {
            return Err(PositionError::Longitude(lon));
        }
        let (lat, lon) = datum::to_wgs84(lat, lon, datum);
        Ok(Self::normalised(lat, lon))
    }

    fn normalised(lat: f64, lon: f64) -> Self {
        let lat = lat.clamp(-90.0, 90.0);
        let lon = if lon > 180.0 {
            lon - 360.0
        } else if lon <= -180.0 {
            lon + 360.0
        } else {
            lon
        };
        // Adding zero turns −0 into 0.
        let lon = if lat.abs() >= 90.0 { 0.0 } else { lon + 0.0 };
        Self { lat: lat + 0.0, lon }
    }

    /// Degrees north of the equator, −90 to 90, WGS-84.
    #[must_use]
    pub fn lat(self) -> f64 {
        self.lat
    }

    /// Degrees east of Greenwich, above −180 to 180, WGS-84.
    #[must_use]
    pub fn lon(self) -> f64 {
        self.lon
    }

    /// Latitude and longitude of this place in another datum, in degrees, for showing it on a map of that datum.
    #[must_use]
    pub fn in_datum(self, datum: Datum) -> (f64, f64) {
        datum::from_wgs84(self.lat, self.lon, datum)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wgs84(lat: f64, lon: f64) -> Result<Position, PositionError> {
        Position::from_datum(lat, lon, Datum::Wgs84)
    }

    #[test]
    fn equal_places_are_equal_values() {
        assert_eq!(wgs84(10.0, -180.0), wgs84(10.0, 180.0));
        assert_eq!(wgs84(90.0, 12.0), wgs84(90.0, -170.0));
        assert_eq!(wgs84(-90.0, 12.0).unwrap().lon().to_bits(), 0);
        assert_eq!(wgs84(-0.0, -0.0).unwrap().lat().to_bits(), 0);
        assert_eq!(wgs84(-0.0, -0.0).unwrap().lon().to_bits(), 0);
    }

    #[test]
    fn numbers_out_of_range_are_no_position() {
        assert_eq!(wgs84(90.001, 0.0), Err(PositionError::Latitude(90.001)));
        assert_eq!(wgs84(0.0, -180.001), Err(PositionError::Longitude(-180.001)));
        assert!(matches!(wgs84(f64::NAN, 0.0), Err(PositionError::Latitude(_))));
        assert!(matches!(wgs84(0.0, f64::INFINITY), Err(PositionError::Longitude(_))));
    }

    #[test]
    fn a_position_converts_at_the_edge_only() {
        // From gcoord 1.0.7.
        let (lat, lon) = (31.228_448_730_693_717, 121.478_224_055_244_81);
        let position = Position::from_datum(lat, lon, Datum::Gcj02).unwrap();
        assert!((position.lat() - 31.230_391).abs() < 1e-8);
        assert!((position.lon() - 121.473_701).abs() < 1e-8);
        let (back_lat, back_lon) = position.in_datum(Datum::Gcj02);
        assert!((back_lat - lat).abs() < 1e-9 && (back_lon - lon).abs() < 1e-9);
    }

    #[test]
    fn a_position_does_not_show_in_debug() {
        assert_eq!(format!("{:?}", wgs84(31.2, 121.5).unwrap()), "…");
    }
}
