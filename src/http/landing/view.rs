//! The landing page as a value, and the choices between its forms.
//!
//! No HTTP and no decision: which store and which code, is settled before a view is made.

use askama::Template;

use super::client::ClientKind;
use super::links;
use super::parts::{AltView, CampaignView, FallbackView, JoinKind, JoinView, StoreView};
use super::texts::{Texts, fill};
use crate::campaign::Route;
use crate::routing::{Outcome, Rung, is_blind};
use crate::visitor::FixSource;

/// The edge of the join code's picture, in pixels: three to a CSS pixel, as on most phones.
pub const CODE_PICTURE_PX: u16 = 792;
/// The landing page.
#[derive(Debug, Clone, Template)]
#[template(path = "landing/templates/landing.html", config = "src/http/askama.toml")]
pub struct LandingView<'a> {
    /// The words.
    pub texts: &'static Texts,
    /// The word that the content security policy lets inline style and script by.
    pub nonce: &'a str,
    /// Which program shows the page.
    pub client: ClientKind,
    /// How the campaign looks.
    pub campaign: CampaignView<'a>,
    /// The version of the privacy notice, to which using the position agrees.
    pub notice: &'a str,
    /// The visit, to be refined.
    pub scan: Option<&'a str>,
    /// What the visit came to.
    pub outcome: Outcome,
    /// Who said where the visitor is.
    pub fix_source: FixSource,
    /// How exact that is, in metres.
    pub accuracy_m: Option<f64>,
    /// A rough place in words, such as the city of an IP address.
    pub place: Option<&'a str>,
    /// The store, or the best guess.
    pub store: Option<StoreView<'a>>,
    /// The join code.
    pub join: Option<JoinView<'a>>,
    /// The step down the ladder, if one was taken.
    pub fallback: Option<FallbackView<'a>>,
    /// The route that the customer asked for.
    pub asked: Option<Route>,
    /// The route that leads to the shown store as well.
    pub other_route: Option<Route>,
    /// Other stores, or the ones to choose from.
    pub alternatives: Vec<AltView<'a>>,
    /// What is said of a campaign that does not run.
    pub standing: Option<String>,
    /// The privacy notice.
    pub privacy_href: Option<&'a str>,
    /// The script that asks `WeChat` for the position, where the page is shown there and may use it.
    pub wechat_script: Option<&'a str>,
    /// Where a customer goes who wishes to be recognised.
    pub sign_in: Option<&'a str>,
}

impl LandingView<'_> {
    fn is_blind(&self) -> bool {
        is_blind(self.outcome, self.fix_source, self.store.is_some())
    }

    /// Whether finding the store comes before the code, which is not a store's.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.outcome == Outcome::UnknownPlace && self.code().is_some()
    }

    /// The code to show.
    #[must_use]
    pub fn code(&self) -> Option<&JoinView<'_>> {
        self.join.as_ref().filter(|_| !self.is_blind())
    }

    /// The store to name on the card.
    #[must_use]
    pub fn shown_store(&self) -> Option<&StoreView<'_>> {
        let names_one = match self.outcome {
            Outcome::Routed => true,
            Outcome::Choose => !self.is_blind(),
            Outcome::OutOfReach | Outcome::UnknownPlace => false,
        };
        self.store.as_ref().filter(|_| names_one)
    }

    /// The shown store's distance in words.
    #[must_use]
    pub fn distance(&self) -> &str {
        self.shown_store().and_then(|it| it.distance.as_deref()).unwrap_or_default()
    }

    /// The shown store's address.
    #[must_use]
    pub fn address(&self) -> &str {
        self.shown_store().map(|it| it.address).unwrap_or_default()
    }

    /// The shown store's hours.
    #[must_use]
    pub fn hours(&self) -> &str {
        self.shown_store().and_then(|it| it.hours).unwrap_or_default()
    }

    /// Whether the shown store is open at this hour.
    #[must_use]
    pub fn open(&self) -> Option<bool> {
        self.shown_store().and_then(|it| it.open)
    }

    /// When the shown store opens next, if it is closed, and that its group can be joined until then.
    #[must_use]
    pub fn opens(&self) -> String {
        let Some(opens) = self.shown_store().and_then(|it| it.opens.as_deref()) else {
            return String::new();
        };
        let is_own = self.fallback.is_none_or(|it| it.rung == Rung::NextStore);
        let has_group = self.code().is_some_and(|it| it.kind == JoinKind::Group) && is_own;
        if has_group { format!("{opens}{}", self.texts.closed_join) } else { opens.to_owned() }
    }

    /// The code as a link, for those who cannot press it.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        self.code().map(|it| it.url).filter(|url| url.starts_with("https://"))
    }

    /// Whether using the code links this visit to the customer.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.code().is_some_and(|it| it.is_linked)
    }

    /// The code's last day, if it is near.
    #[must_use]
    pub fn expires(&self) -> String {
        let day = self.code().and_then(|it| it.expires.as_deref());
        day.map(|day| fill(self.texts.expires, &[day])).unwrap_or_default()
    }

    /// The line above the heading.
    #[must_use]
    pub fn eyebrow(&self) -> String {
        let texts = self.texts;
        if self.shown_store().is_none() {
            return self.place.map(|place| fill(texts.near_place, &[place])).unwrap_or_default();
        }
        let is_next = self.fallback.is_some_and(|it| it.rung == Rung::NextStore);
        let words = match self.fix_source {
            _ if self.outcome == Outcome::Choose => texts.likely,
            _ if is_next => texts.suggested,
            FixSource::Previous => texts.previous,
            FixSource::Chosen => texts.chosen,
            FixSource::Ip | FixSource::None => texts.by_network,
            FixSource::Gps => texts.nearest,
        };
        words.to_owned()
    }

    /// The heading.
    #[must_use]
    pub fn heading(&self) -> &str {
        match (self.shown_store(), self.outcome) {
            (Some(store), _) => store.name,
            (None, Outcome::OutOfReach) => self.texts.out_of_reach,
            (None, Outcome::Choose) if self.fix_source == FixSource::Gps => self.texts.which,
            (None, Outcome::Choose | Outcome::Routed | Outcome::UnknownPlace) => self.texts.find,
        }
    }

    /// The sentence that explains a code that is not the nearest store's own.
    #[must_use]
    pub fn note(&self) -> String {
        if self.shown_store().is_some() {
            return self.fallback.map(|it| it.sentence(self.texts, self.distance())).unwrap_or_default();
        }
        if self.fallback.is_some_and(|it| it.rung == Rung::Region) {
            return self.code().map(|it| fill(self.texts.join_region, &[it.name])).unwrap_or_default();
        }
        self.code().map(|_| fill(self.texts.join_brand, &[self.campaign.name])).unwrap_or_default()
    }

    /// The way to the store's other code: its words, its route, and its address while the script does not run.
    #[must_use]
    pub fn switch(&self) -> Option<(&'static str, String)> {
        let route = self.other_route.filter(|_| self.code().is_some())?;
        let words = match route {
            Route::Group => self.texts.switch_group,
            Route::Contact => self.texts.switch_contact,
        };
        // What the customer chose stands in no other place than the address; where they are is found again. A store that stands in
        // for theirs was not their choice.
        let own = self.fallback.and_then(|it| it.wanted_id).or(self.store.as_ref().map(|it| it.id));
        let chosen = own.filter(|_| self.fix_source == FixSource::Chosen);
        let query =
            [("route", route.as_str()), ("store", chosen.unwrap_or_default()), ("scan", self.scan.unwrap_or_default())];
        Some((words, links::landing(self.campaign.slug, &query)))
    }

    /// The heading of the list.
    #[must_use]
    pub fn list_heading(&self) -> &'static str {
        match self.outcome {
            Outcome::OutOfReach => self.texts.farther,
            Outcome::Routed if self.shown_store().is_some() => self.texts.others,
            Outcome::Routed | Outcome::Choose | Outcome::UnknownPlace => self.texts.candidates,
        }
    }

    /// How the code is used in this program.
    #[must_use]
    pub fn how(&self) -> &'static str {
        match self.client {
            ClientKind::WeChat | ClientKind::MiniProgram => self.texts.press,
            ClientKind::WeComApp | ClientKind::WeChatDesktop | ClientKind::Desktop => self.texts.scan,
            ClientKind::OtherPhone => self.texts.save,
        }
    }

    /// What the code does.
    #[must_use]
    pub fn what(&self, join: &JoinView<'_>) -> &'static str {
        let is_own = self.shown_store().is_some()
            && self.fallback.is_none_or(|it| matches!(it.rung, Rung::Group | Rung::NextStore | Rung::Contact));
        match join.kind {
            JoinKind::Contact => self.texts.add_contact,
            JoinKind::Group if is_own => self.texts.join_store,
            JoinKind::Group => self.texts.join_group,
        }
    }

    /// What a screen reader says of the code.
    #[must_use]
    pub fn alt(&self, join: &JoinView<'_>) -> String {
        let words = match join.kind {
            JoinKind::Group => self.texts.alt_group,
            JoinKind::Contact => self.texts.alt_contact,
        };
        fill(words, &[join.name])
    }

    /// What to do in a program where a long press is not enough.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self.client {
            ClientKind::WeChat => None,
            ClientKind::WeComApp => Some(self.texts.hint_wecom),
            ClientKind::MiniProgram => Some(self.texts.hint_mini_program),
            ClientKind::WeChatDesktop if self.code().is_none() => Some(self.texts.hint_wechat_desktop),
            ClientKind::WeChatDesktop => Some(self.texts.hint_desktop),
            ClientKind::OtherPhone => Some(self.texts.hint_other_phone),
            ClientKind::Desktop => Some(self.texts.hint_desktop).filter(|_| self.code().is_some()),
        }
    }

    /// To the chooser, and to the stores beside the one shown.
    #[must_use]
    pub fn chooser_href(&self) -> String {
        let scan = self.scan.unwrap_or_default();
        match self.shown_store() {
            Some(store) => links::chooser(self.campaign.slug, &[("near", store.id), ("not_mine", "1"), ("scan", scan)]),
            None => self.all_href(),
        }
    }

    /// What the button for the position says.
    #[must_use]
    pub fn locate(&self) -> &'static str {
        if self.fix_source == FixSource::Gps { self.texts.locate_again } else { self.texts.locate }
    }

    /// Where a tap on the button leads while the script does not run.
    #[must_use]
    pub fn action(&self) -> String {
        links::chooser(self.campaign.slug, &[])
    }

    /// The address of the code's picture, at the size for a phone.
    #[must_use]
    pub fn picture(&self, join: &JoinView<'_>) -> String {
        format!("{}?size={CODE_PICTURE_PX}", join.qr_png)
    }

    /// To every store.
    #[must_use]
    pub fn all_href(&self) -> String {
        links::chooser(self.campaign.slug, &[("scan", self.scan.unwrap_or_default())])
    }

    /// The stores in the list: a guess that is not on the card comes first.
    #[must_use]
    pub fn listed(&self) -> Vec<AltView<'_>> {
        let mut listed = self.alternatives.clone();
        if let Some(guess) = self.store.as_ref().filter(|_| self.is_blind())
            && listed.iter().all(|it| it.id != guess.id)
        {
            let href =
                links::landing(self.campaign.slug, &[("store", guess.id), ("scan", self.scan.unwrap_or_default())]);
            listed.insert(
                0,
                AltView {
                    id: guess.id,
                    name: guess.name,
                    address: guess.address,
                    distance: guess.distance.clone(),
                    href,
                },
            );
        }
        listed
    }

    /// The words of the page's title.
    #[must_use]
    pub fn title(&self) -> String {
        self.campaign.title().map_or_else(|| fill(self.texts.title, &[self.campaign.name]), ToOwned::to_owned)
    }
}
