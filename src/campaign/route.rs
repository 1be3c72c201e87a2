//! The two ways into a store's circle, a group chat or a contact, and which of them a visitor is shown first.
//!
//! Not what a store has of either: that is the catalog's, and the ladder's to walk.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::id::{CampaignSlug, VisitorId};

/// The whole, of which a share is given in percent.
pub const PERCENT_MAX: u8 = 100;

/// What a visitor is shown first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// A group chat; the contact stands behind it.
    #[default]
    Group,
    /// A contact, most often the store's manager; group chats stand behind it.
    Contact,
}

impl Route {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::Group, Self::Contact];

    /// The word used in the API, in addresses, in records and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Contact => "contact",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Group => Self::Contact,
            Self::Contact => Self::Group,
        }
    }
}

/// Which way a campaign leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Everybody to the group chats.
    #[default]
    Group,
    /// Everybody to the contacts.
    Contact,
    /// A share of the visitors to the contacts and the rest to the group chats, so that the two can be compared.
    Split {
        /// The share that is shown the contact first, from 0 to [`PERCENT_MAX`].
        contact_percent: u8,
    },
}

impl Mode {
    /// The word used in settings and in explanations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Contact => "contact",
            Self::Split { .. } => "split",
        }
    }

    /// The route that a visitor is assigned to; none where the campaign compares nothing.
    ///
    /// The same visitor has the same one at every visit, whichever instance answers and without anything being kept.
    #[must_use]
    pub fn assigned(self, visitor: VisitorId, campaign: &CampaignSlug) -> Option<Route> {
        let Self::Split { contact_percent } = self else {
            return None;
        };
        Some(if percentile(visitor, campaign) < contact_percent { Route::Contact } else { Route::Group })
    }

    /// The route that a visitor is shown unless they ask for the other one.
    #[must_use]
    pub fn route(self, visitor: VisitorId, campaign: &CampaignSlug) -> Route {
        match self {
            Self::Group => Route::Group,
            Self::Contact => Route::Contact,
            Self::Split { .. } => self.assigned(visitor, campaign).unwrap_or_default(),
        }
    }

    /// Whether this is what a campaign has that says nothing.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a visitor stands among a hundred equal parts of a campaign's visitors, from 0 to 99.
///
/// The first 64 bits of the SHA-256 of the campaign's name, a zero byte and the visitor's id, scaled by multiplication: each part
/// is equal to within 100 in 2⁶⁴, and the parts of one campaign say nothing about those of another.
fn percentile(visitor: VisitorId, campaign: &CampaignSlug) -> u8 {
    let mut hash = Sha256::new();
    hash.update(campaign.as_str().as_bytes());
    hash.update([0]);
    hash.update(visitor.to_string().as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let high = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let part = (u128::from(high) * u128::from(PERCENT_MAX)) >> 64;
    u8::try_from(part).expect("a 64-bit fraction of 100 is below 100")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(n: u128) -> VisitorId {
        VisitorId::from_parts(1_790_000_000_000 + u64::try_from(n % 1_000).unwrap(), n)
    }

    #[test]
    fn a_visitor_has_the_same_place_for_ever() {
        // From Python: int.from_bytes(sha256(b"default\0" + id).digest()[:8]) * 100 >> 64.
        let of = |slug: &str, n| percentile(visitor(n), &CampaignSlug::parse(slug).unwrap());
        assert_eq!(visitor(1).to_string(), "01M3250V010000000000000001");
        assert_eq!([of("default", 1), of("default", 2), of("default", 3)], [92, 17, 28]);
        assert_eq!([of("summer", 1), of("summer", 2), of("summer", 3)], [65, 85, 57]);
    }

    #[test]
    fn places_are_spread_evenly() {
        let slug = CampaignSlug::default_slug();
        let mut counts = [0_u32; 100];
        for n in 0..100_000 {
            counts[usize::from(percentile(visitor(n), &slug))] += 1;
        }
        let chi_square: f64 = counts.iter().map(|it| (f64::from(*it) - 1_000.0).powi(2) / 1_000.0).sum();
        // The 0.1 % and the 99.9 % points of the chi-square distribution with 99 degrees of freedom.
        assert!((60.3..148.2).contains(&chi_square), "{chi_square}");
    }

    #[test]
    fn the_shares_of_two_campaigns_are_independent() {
        let half = Mode::Split { contact_percent: 50 };
        let (a, b) = (CampaignSlug::default_slug(), CampaignSlug::parse("summer").unwrap());
        let mut table = [[0_u32; 2]; 2];
        for n in 0..40_000 {
            let of = |slug| usize::from(half.assigned(visitor(n), slug) == Some(Route::Contact));
            table[of(&a)][of(&b)] += 1;
        }
        let chi_square: f64 = table.iter().flatten().map(|it| (f64::from(*it) - 10_000.0).powi(2) / 10_000.0).sum();
        // The 99.9 % point with 3 degrees of freedom.
        assert!(chi_square < 16.27, "{table:?}");
    }

    #[test]
    fn nothing_and_everything_are_possible_shares() {
        let slug = CampaignSlug::default_slug();
        for n in 0..1_000 {
            let of = |contact_percent| Mode::Split { contact_percent }.assigned(visitor(n), &slug);
            assert_eq!((of(0), of(100)), (Some(Route::Group), Some(Route::Contact)));
            assert_eq!(Mode::Contact.assigned(visitor(n), &slug), None);
            assert_eq!(Mode::Contact.route(visitor(n), &slug), Route::Contact);
        }
    }
}
