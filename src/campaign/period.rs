//! From when until when a campaign runs, and where its printed code leads afterwards.

use serde::{Deserialize, Serialize};

use crate::id::CampaignSlug;
use crate::time::Timestamp;

/// The period of a campaign. Without start and end it always runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Period {
    /// The first moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// The first moment after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// The campaign that takes over after the end; none means `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_to: Option<CampaignSlug>,
}

/// Where a moment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before the start.
    Before(Timestamp),
    /// Within the period.
    Running,
    /// After the end.
    Ended,
}

impl Period {
    /// Where a moment lies.
    #[must_use]
    pub fn phase(&self, now: Timestamp) -> Phase {
        match (self.starts_at, self.ends_at) {
            (_, Some(end)) if now >= end => Phase::Ended,
            (Some(start), _) if now < start => Phase::Before(start),
            _ => Phase::Running,
        }
    }

    /// Whether it has neither start nor end.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.starts_at.is_none() && self.ends_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_belongs_to_it_and_the_end_does_not() {
        let at = Timestamp::from_unix_ms;
        let period = Period { starts_at: Some(at(10)), ends_at: Some(at(20)), ended_to: None };
        let phases = [9, 10, 19, 20].map(|it| period.phase(at(it)));
        assert_eq!(phases, [Phase::Before(at(10)), Phase::Running, Phase::Running, Phase::Ended]);
        assert_eq!(Period::default().phase(at(0)), Phase::Running);
    }
}
