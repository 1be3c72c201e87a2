//! Stores and customers where cities would have them, the same ones in every run; it measures nothing.

use fastrand::Rng;
use jinqun::geo::{Datum, Position};

const SEED: u64 = 20_251_122;
const CITIES: u32 = 300;
const CITY_SPREAD_DEGREES: f64 = 0.08;

/// Stores and customers as cities have them.
pub(crate) struct Places {
    chance: Rng,
    cities: Vec<(f64, f64)>,
}

impl Places {
    pub(crate) fn new() -> Self {
        let mut chance = Rng::with_seed(SEED);
        let cities = (0..CITIES).map(|_| anywhere(&mut chance)).collect();
        Self { chance, cities }
    }

    pub(crate) fn stores(&mut self, count: u32) -> Vec<Position> {
        (0..count).map(|_| self.in_city()).collect()
    }

    /// 70 % in cities, 30 % anywhere in the box of China.
    pub(crate) fn queries(&mut self, count: u32) -> Vec<Position> {
        let query = |_| {
            if self.chance.f64() < 0.7 {
                self.in_city()
            } else {
                let (lat, lon) = anywhere(&mut self.chance);
                position(lat, lon)
            }
        };
        (0..count).map(query).collect()
    }

    /// Near the middle of a city; the tenth city is ten times smaller than the first.
    fn in_city(&mut self) -> Position {
        let rank = f64::from(CITIES).powf(self.chance.f64());
        let city = (1..=CITIES).zip(&self.cities).find(|&(city, _)| f64::from(city) >= rank.floor());
        let (lat, lon) = *city.expect("a rank is at most the number of cities").1;
        let (north, east) = (self.bell(), self.bell());
        position(lat + CITY_SPREAD_DEGREES * north, lon + CITY_SPREAD_DEGREES * east)
    }

    /// About normally distributed, with a deviation of one.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.chance.f64()).sum::<f64>() - 6.0
    }
}

fn anywhere(chance: &mut Rng) -> (f64, f64) {
    (18.0 + 35.0 * chance.f64(), 73.0 + 62.0 * chance.f64())
}

pub(crate) fn position(lat: f64, lon: f64) -> Position {
    Position::from_datum(lat, lon, Datum::Wgs84).expect("the box of China is in range")
}
