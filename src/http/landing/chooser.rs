//! The chooser page: region, city, store, or a search; works without any script.
//!
//! Also the page that a problem is shown on, which leads to the chooser.

use askama::Template;

use super::links;
use super::parts::{AltView, CampaignView};
use super::texts::{Texts, fill};

/// A province or city with stores.
#[derive(Debug, Clone)]
pub struct PlaceView<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many stores it has.
    pub stores: usize,
    /// The link into it.
    pub href: String,
}

/// What the list holds.
#[derive(Debug, Clone)]
pub enum Listed<'a> {
    /// Provinces or cities.
    Places(Vec<PlaceView<'a>>),
    /// Stores.
    Stores(Vec<AltView<'a>>),
}

/// The chooser page.
#[derive(Debug, Clone, Template)]
#[template(path = "landing/templates/choose.html", config = "src/http/askama.toml")]
pub struct ChooserView<'a> {
    /// The words.
    pub texts: &'static Texts,
    /// The word that the content security policy lets inline style by.
    pub nonce: &'a str,
    /// How the campaign looks.
    pub campaign: CampaignView<'a>,
    /// The visit, to be refined.
    pub scan: Option<&'a str>,
    /// The province chosen.
    pub province: Option<&'a str>,
    /// The city chosen.
    pub city: Option<&'a str>,
    /// The words searched for; may be empty.
    pub query: &'a str,
    /// The store whose neighbours are listed.
    pub near: Option<&'a str>,
    /// The name of that store, where it is a wrong one.
    pub not_mine: Option<&'a str>,
    /// The store of the visitor's last visit.
    pub last: Option<AltView<'a>>,
    /// The list.
    pub listed: Listed<'a>,
    /// Which page of the list, from 1.
    pub page: usize,
    /// How many pages there are.
    pub pages: usize,
    /// The privacy notice.
    pub privacy_href: Option<&'a str>,
}

impl ChooserView<'_> {
    /// The words of the page's title.
    #[must_use]
    pub fn title(&self) -> String {
        fill("{} · {}", &[self.texts.choose_title, self.campaign.name])
    }

    /// The heading of the list.
    #[must_use]
    pub fn list_heading(&self) -> String {
        if self.near.is_some() {
            self.texts.near_store.to_owned()
        } else if !self.query.is_empty() {
            fill(self.texts.results, &[self.query])
        } else {
            self.city.or(self.province).unwrap_or(self.texts.provinces).to_owned()
        }
    }

    /// The wrong store by its name.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        self.not_mine.map(|name| fill(self.texts.not_mine, &[name]))
    }

    /// What is said of an empty list.
    #[must_use]
    pub fn nothing(&self) -> Option<String> {
        let is_empty = match &self.listed {
            Listed::Places(places) => places.is_empty(),
            Listed::Stores(stores) => stores.is_empty(),
        };
        is_empty.then(|| match self.query {
            "" => self.texts.nothing_here.to_owned(),
            query => fill(self.texts.nothing_found, &[query]),
        })
    }

    /// How many stores a place has, in words.
    #[must_use]
    pub fn count(&self, place: &PlaceView<'_>) -> String {
        let words = if place.stores == 1 { self.texts.count_one } else { self.texts.count };
        fill(words, &[&place.stores.to_string()])
    }

    /// The steps above this one, from all regions on.
    #[must_use]
    pub fn steps(&self) -> Vec<(&str, String)> {
        let is_inside = self.province.is_some() || self.city.is_some() || self.near.is_some() || !self.query.is_empty();
        let scan = self.scan.unwrap_or_default();
        let mut steps = Vec::new();
        if is_inside {
            steps.push((self.texts.everywhere, links::chooser(self.campaign.slug, &[("scan", scan)])));
        }
        if let (Some(province), Some(city)) = (self.province, self.city)
            && province != city
        {
            steps.push((province, links::chooser(self.campaign.slug, &[("province", province), ("scan", scan)])));
        }
        steps
    }

    /// The link to another page of the same list.
    fn page_href(&self, page: usize) -> String {
        links::chooser(
            self.campaign.slug,
            &[
                ("province", self.province.unwrap_or_default()),
                ("city", self.city.unwrap_or_default()),
                ("q", self.query),
                ("near", self.near.unwrap_or_default()),
                ("page", &page.to_string()),
                ("scan", self.scan.unwrap_or_default()),
            ],
        )
    }

    /// The link a page back.
    #[must_use]
    pub fn previous_href(&self) -> Option<String> {
        (self.page > 1).then(|| self.page_href(self.page - 1))
    }

    /// The link a page on.
    #[must_use]
    pub fn next_href(&self) -> Option<String> {
        (self.page < self.pages).then(|| self.page_href(self.page + 1))
    }

    /// Which page of how many, in words.
    #[must_use]
    pub fn page_of(&self) -> String {
        fill(self.texts.page_of, &[&self.page.to_string(), &self.pages.to_string()])
    }

    /// Back to the landing page.
    #[must_use]
    pub fn back_href(&self) -> String {
        links::landing(self.campaign.slug, &[])
    }

    /// Where the search box leads.
    #[must_use]
    pub fn action(&self) -> String {
        links::chooser(self.campaign.slug, &[])
    }
}

/// The page of a problem, which still leads somewhere.
#[derive(Debug, Clone, Template)]
#[template(path = "landing/templates/error.html", config = "src/http/askama.toml")]
pub struct ErrorView<'a> {
    /// The words.
    pub texts: &'static Texts,
    /// The word that the content security policy lets inline style by.
    pub nonce: &'a str,
    /// How the campaign looks; the default campaign's looks if none is known.
    pub campaign: CampaignView<'a>,
    /// What happened, in the words of the language.
    pub heading: Option<&'a str>,
    /// What it means to the reader.
    pub detail: Option<&'a str>,
    /// The page to try again.
    pub retry_href: Option<&'a str>,
    /// The id of the request, for the operator.
    pub request_id: Option<&'a str>,
    /// The privacy notice.
    pub privacy_href: Option<&'a str>,
}

impl ErrorView<'_> {
    /// The words of the page's title.
    #[must_use]
    pub fn title(&self) -> String {
        fill("{} · {}", &[self.heading.unwrap_or(self.texts.error_title), self.campaign.name])
    }

    /// To every store.
    #[must_use]
    pub fn chooser_href(&self) -> String {
        links::chooser(self.campaign.slug, &[])
    }

    /// The id of the request, in words.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        self.request_id.map(|id| fill(self.texts.reference, &[id]))
    }
}
