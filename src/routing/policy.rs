//! The thresholds of the decision, each with its reason.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::campaign::{REACH_M_DEFAULT, REACH_M_MAX};
use crate::store::Zone;

/// What the decision may conclude from what. All distances in metres.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Stores farther away than this are not offered, unless the campaign says otherwise. Default 50 km: farther than that
    /// nobody visits a store of a chain on an ordinary day.
    pub reach_m: f64,
    /// A measured position with at most this radius routes without a question. Default 100 m: phones outdoors give 5 to 50 m,
    /// indoors up to about 100 m; somebody who stands between two stores that close is well served by either, and one tap
    /// changes it.
    pub accuracy_trusted_m: f64,
    /// With at most this many stores possible inside a wider circle, the nearest of them is shown as a guess. Default 3: the
    /// nearest of three is more often right than each other one; of ten it is hardly ever.
    pub guess_candidates_max: usize,
    /// How many stores are looked at in one decision at the most, for one with a usable join code. Default 50.
    pub candidates_max: usize,
    /// How many other stores are listed. Default 5: a list that a person reads in three seconds.
    pub alternatives_max: usize,
    /// Where a campaign prefers open stores, one is taken before a closed one that is nearer by at most this. Default 2 km: a
    /// walk of half an hour, beyond which a customer would rather wait for the morning.
    pub prefer_open_detour_m: f64,
    /// The zone of opening hours that name none: the setting `time_zone`.
    #[serde(skip)]
    pub zone: Zone,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            reach_m: REACH_M_DEFAULT,
            accuracy_trusted_m: 100.0,
            guess_candidates_max: 3,
            candidates_max: 50,
            alternatives_max: 5,
            prefer_open_detour_m: 2_000.0,
            zone: Zone::default(),
        }
    }
}

/// A threshold that makes no sense.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("routing.{field} is {value}; {hint}")]
pub struct PolicyError {
    field: &'static str,
    value: f64,
    hint: &'static str,
}

impl Policy {
    /// Checks every threshold.
    ///
    /// # Errors
    /// The first threshold that makes no sense, with what would.
    pub fn check(&self) -> Result<(), PolicyError> {
        let fail = |field, value, hint| Err(PolicyError { field, value, hint });
        if !(self.reach_m > 0.0 && self.reach_m <= REACH_M_MAX) {
            return fail("reach_m", self.reach_m, "it must be above 0 and at most 20040000 metres");
        }
        if !(0.0..=100_000.0).contains(&self.accuracy_trusted_m) {
            return fail("accuracy_trusted_m", self.accuracy_trusted_m, "it must be between 0 and 100000 metres");
        }
        if !(0.0..=REACH_M_MAX).contains(&self.prefer_open_detour_m) {
            let hint = "it must be between 0 and 20040000 metres";
            return fail("prefer_open_detour_m", self.prefer_open_detour_m, hint);
        }
        let counts = [
            ("guess_candidates_max", self.guess_candidates_max, 1..=50, "it must be between 1 and 50"),
            ("candidates_max", self.candidates_max, 1..=1000, "it must be between 1 and 1000"),
            ("alternatives_max", self.alternatives_max, 0..=50, "it must be at most 50"),
        ];
        for (field, value, range, hint) in counts {
            if !range.contains(&value) {
                return fail(field, f64::from(u32::try_from(value).unwrap_or(u32::MAX)), hint);
            }
        }
        Ok(())
    }
}
