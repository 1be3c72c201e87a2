//! What the pages are made of: a campaign, a store, a join code, as plain values.
//!
//! No HTTP; of the domain only the words of the decision.

use super::colour::Colour;
use super::texts::{Texts, fill};
use crate::campaign::Words;
use crate::routing::{Fallback, Reason, Rung};

/// A join code that expires within so many days says so.
pub const EXPIRY_SHOWN_DAYS: u8 = 3;

/// How a campaign looks.
#[derive(Debug, Clone, Copy)]
pub struct CampaignView<'a> {
    /// Its name in the address.
    pub slug: &'a str,
    /// Its name on the page, usually the brand's.
    pub name: &'a str,
    /// A square picture, served by this service: the page loads nothing from other hosts.
    pub logo_url: Option<&'a str>,
    /// The brand's colour.
    pub colour: Colour,
    /// Its own words in the language of the page.
    pub words: Option<&'a Words>,
}

impl CampaignView<'_> {
    /// One of its own words, if it has them.
    fn word(&self, which: impl Fn(&Words) -> &str) -> Option<&str> {
        self.words.map(which).filter(|it| !it.is_empty())
    }

    /// Its title of the document.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.word(|it| &it.title)
    }

    /// Its sentence at the top of the page.
    #[must_use]
    pub fn lead(&self) -> Option<&str> {
        self.word(|it| &it.lead)
    }

    /// Its sentence below the code.
    #[must_use]
    pub fn join_hint(&self) -> Option<&str> {
        self.word(|it| &it.join_hint)
    }

    /// Its line on privacy.
    #[must_use]
    pub fn privacy(&self) -> Option<&str> {
        self.word(|it| &it.privacy)
    }

    /// The first character of the name, which stands in for a logo.
    #[must_use]
    pub fn initial(&self) -> String {
        self.name.trim().chars().next().map(|c| c.to_uppercase().collect()).unwrap_or_default()
    }
}

/// The store on the card.
#[derive(Debug, Clone)]
pub struct StoreView<'a> {
    /// The chain's own code.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its address; may be empty.
    pub address: &'a str,
    /// The distance in words, see [`Texts::distance`].
    pub distance: Option<String>,
    /// The opening hours as the chain wrote them.
    pub hours: Option<&'a str>,
    /// Whether it is open at this hour, if that is known.
    pub open: Option<bool>,
    /// When it opens next, in words, if it is closed and that is known.
    pub opens: Option<String>,
}

/// Who is behind a join code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// A group chat.
    Group,
    /// A person.
    Contact,
}

/// The one join code on the page.
#[derive(Debug, Clone)]
pub struct JoinView<'a> {
    /// A group chat or a person.
    pub kind: JoinKind,
    /// The name of the group or the person.
    pub name: &'a str,
    /// The picture's address on this service, without a query.
    pub qr_png: &'a str,
    /// What the code says; offered as a link if it begins with `https://`.
    pub url: &'a str,
    /// Whether that link tells which visit it was followed from.
    pub is_linked: bool,
    /// The last day in words, see [`Texts::day`]; only within [`EXPIRY_SHOWN_DAYS`].
    pub expires: Option<String>,
}

/// A step down the ladder, to be told in plain words.
#[derive(Debug, Clone, Copy)]
pub struct FallbackView<'a> {
    /// What is shown instead.
    pub rung: Rung,
    /// Why.
    pub reason: Reason,
    /// The name of the store that would have been right.
    pub wanted: Option<&'a str>,
    /// Its id.
    pub wanted_id: Option<&'a str>,
}

impl<'a> FallbackView<'a> {
    /// A step of the ladder, with the id and the name of the store that would have been right.
    #[must_use]
    pub fn new(step: Fallback, wanted: Option<(&'a str, &'a str)>) -> Self {
        let (wanted_id, wanted) = wanted.unzip();
        Self { rung: step.rung, reason: step.reason, wanted, wanted_id }
    }

    /// The step in one sentence; the distance of the store that is shown, in words.
    #[must_use]
    pub fn sentence(&self, texts: &Texts, distance: &str) -> String {
        // What the contact lacks is no matter of groups.
        if self.rung == Rung::Group {
            return texts.rung_group.to_owned();
        }
        let why = match self.reason {
            Reason::Full => texts.why_full,
            Reason::Expired => texts.why_expired,
            Reason::Paused => texts.why_paused,
            Reason::Closed => texts.why_closed,
            Reason::NoJoinCode => texts.why_no_join_code,
            Reason::OutOfReach => texts.why_out_of_reach,
            Reason::UnknownPlace => texts.why_unknown_place,
        };
        let rung = match self.rung {
            Rung::Group => texts.rung_group,
            Rung::NextStore if !distance.is_empty() => texts.rung_next_store_at,
            Rung::NextStore => texts.rung_next_store,
            Rung::Contact => texts.rung_contact,
            Rung::Region => texts.rung_region,
            Rung::Campaign => texts.rung_campaign,
        };
        // Everything but the next store still stands for the store on the card.
        let unnamed = match self.rung {
            Rung::Group | Rung::Contact | Rung::Region | Rung::Campaign => texts.this_store,
            Rung::NextStore => texts.nearest_store,
        };
        fill(why, &[self.wanted.unwrap_or(unnamed)]) + &fill(rung, &[distance])
    }
}

/// A store in a list.
#[derive(Debug, Clone)]
pub struct AltView<'a> {
    /// The chain's own code.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its address; may be empty.
    pub address: &'a str,
    /// The distance in words.
    pub distance: Option<String>,
    /// The link that chooses it.
    pub href: String,
}
