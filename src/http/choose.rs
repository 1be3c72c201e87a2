//! The chooser: province, city, store, or a search; every step a link, so that it works without any script.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::landing::chooser::{ChooserView, Listed, PlaceView};
use super::landing::links;
use super::landing::parts::{AltView, CampaignView};
use super::page::{Page, logo_url};
use super::problem::Problem;
use super::query::{Query, bad_id};
use super::{Web, client_ip, cookie, robots};
use crate::app::{AppError, CatalogInUse, Whereabouts};
use crate::campaign::Campaign;
use crate::catalog::{Catalog, InForce, Standing, StoreFilter};
use crate::funnel::Step;
use crate::id::{CampaignSlug, StoreId};

/// Stores on one page of the chooser.
const PAGE_STORES: usize = 30;
/// Provinces or cities on one page of the chooser.
const PAGE_PLACES: usize = 60;
const PAGES_MAX: usize = 100_000;
/// In the place of a city's name: the stores that name none.
const ELSEWHERE: &str = "-";
/// Stores listed around another one.
const NEAR_STORES: usize = 20;

/// What the address of a chooser page asks for.
struct Asked {
    slug: CampaignSlug,
    province: Option<String>,
    city: Option<String>,
    words: String,
    near: Option<StoreId>,
    scan: Option<String>,
    page: usize,
    is_not_mine: bool,
}

impl Asked {
    fn read(slug: &str, query: &str) -> Result<Self, Problem> {
        let slug = CampaignSlug::parse(slug).map_err(|error| Problem::fields(vec![bad_id("campaign", &error)]))?;
        let mut query = Query::parse(query)?;
        let page = query.count("page", 1, 1..=PAGES_MAX);
        let owned = |name: &str| query.text(name).map(ToOwned::to_owned);
        let asked = Self {
            slug,
            province: owned("province"),
            city: owned("city"),
            words: owned("q").unwrap_or_default().chars().take(60).collect(),
            near: query.text("near").and_then(|it| StoreId::parse(it).ok()),
            scan: owned("scan"),
            page,
            is_not_mine: query.text("not_mine").is_some(),
        };
        query.finish()?;
        Ok(asked)
    }
}

impl Asked {
    /// Whether it is the first page, where nothing has been chosen or searched for.
    fn is_start(&self) -> bool {
        let is_bare = self.province.is_none() && self.city.is_none() && self.near.is_none();
        is_bare && self.words.trim().is_empty() && self.page == 1
    }
}

/// `GET /s/{campaign}/choose`.
pub(super) async fn choose(web: Data<Web>, request: HttpRequest, slug: Path<String>) -> HttpResponse {
    let page = Page::of(&web, &request);
    let asked = match Asked::read(&slug, request.query_string()) {
        Ok(asked) => asked,
        Err(problem) => return page.problem(&web, None, &problem),
    };
    // Whoever asks for the head alone is no customer.
    let is_robot = robots::asks_for_page(&request) || request.method() == Method::HEAD;
    // Without a script this link is how a wrong store is told of; a step that cannot be recorded keeps nobody from choosing.
    if let Some(scan) = asked.scan.as_deref().filter(|_| asked.is_not_mine && !is_robot) {
        let _ = web.app.step(scan, Step::NotMine).await;
    }
    let catalog = web.app.catalog();
    let InForce { campaign, standing } = catalog.in_force(&asked.slug, web.app.now());
    let asked = match standing {
        Standing::Unknown if !asked.slug.is_printable() => {
            return page.problem(&web, None, &AppError::UnknownCampaign(asked.slug.to_string()).into());
        }
        // A code that nobody knows any longer leads to the default campaign, under its name.
        Standing::Unknown => Asked { slug: campaign.slug.clone(), ..asked },
        Standing::Running | Standing::NotStarted(_) | Standing::Ended => asked,
    };
    let ip = client_ip::of(&request, &web.settings.swapped.load().trusted_proxies);
    let whereabouts = web.app.whereabouts(&catalog, campaign, cookie::read(&request).as_deref(), ip);
    let logo = logo_url(campaign);
    let stores = Stores { catalog: &catalog, campaign, whereabouts: &whereabouts };
    let (listed, pages) = match stores.list(&web, &asked, &page).await {
        Ok(list) => list,
        Err(problem) => return page.problem(&web, Some(&asked.slug), &problem),
    };
    let near = asked.near.as_ref().and_then(|it| catalog.store_key(it)).and_then(|it| catalog.store(it));
    let privacy = links::privacy(asked.slug.as_str());
    let view = ChooserView {
        texts: page.texts,
        nonce: &page.nonce,
        campaign: CampaignView { slug: asked.slug.as_str(), ..page.campaign(campaign, logo.as_deref()) },
        scan: asked.scan.as_deref(),
        province: asked.province.as_deref(),
        city: asked.city.as_deref().map(|it| if it == ELSEWHERE { page.texts.elsewhere } else { it }),
        query: &asked.words,
        near: near.map(|it| it.id.as_str()),
        not_mine: near.filter(|_| asked.is_not_mine).map(|it| &*it.name),
        last: whereabouts.last_store.filter(|_| asked.is_start()).and_then(|key| choice(&catalog, key, &asked)),
        listed,
        page: asked.page,
        pages,
        privacy_href: Some(&privacy),
    };
    page.answer(StatusCode::OK, &view)
}

/// The stores that a chooser lists.
struct Stores<'a> {
    catalog: &'a CatalogInUse,
    campaign: &'a Campaign,
    whereabouts: &'a Whereabouts,
}

impl<'a> Stores<'a> {
    async fn list(&self, web: &Web, asked: &Asked, page: &Page) -> Result<(Listed<'a>, usize), Problem> {
        if let Some(key) = asked.near.as_ref().and_then(|it| self.catalog.store_key(it)) {
            return Ok((Listed::Stores(self.near(key, asked, page)), 1));
        }
        let is_search = !asked.words.trim().is_empty();
        if asked.city.is_none() && !is_search {
            let places = self.places(asked, page);
            if places.len() > 1 {
                let pages = places.len().div_ceil(PAGE_PLACES);
                let shown = places.into_iter().skip((asked.page - 1) * PAGE_PLACES).take(PAGE_PLACES);
                return Ok((Listed::Places(shown.collect()), pages));
            }
        }
        let filter = if is_search {
            StoreFilter::new(None, None, Some(&asked.words)).nearest_to(self.whereabouts.position)
        } else if asked.city.as_deref() == Some(ELSEWHERE) {
            StoreFilter::unplaced()
        } else {
            StoreFilter::new(asked.province.as_deref(), asked.city.as_deref(), None)
        };
        let filter = filter.in_campaign(self.campaign.slug.clone());
        let found = web.searches.run(self.catalog, filter, (asked.page - 1) * PAGE_STORES, PAGE_STORES).await?;
        let views = found.keys.into_iter().filter_map(|key| choice(self.catalog, key, asked)).collect();
        Ok((Listed::Stores(views), found.total.div_ceil(PAGE_STORES).max(1)))
    }

    /// The stores around another one, which is not among them.
    fn near(&self, key: u32, asked: &Asked, page: &Page) -> Vec<AltView<'a>> {
        let catalog = self.catalog;
        let Some(from) = catalog.position(key) else {
            return Vec::new();
        };
        let stores = catalog.selection(&self.campaign.slug);
        let is_other = |it| it != key && catalog.is_active(it) && stores.takes(it);
        let found = catalog.nearest().nearest(from, NEAR_STORES, None, is_other);
        let view = |key, distance_m| {
            let mut view = choice(catalog, key, asked)?;
            view.distance = Some(page.texts.distance(distance_m, false));
            Some(view)
        };
        found.into_iter().filter_map(|it| view(it.key, it.distance_m)).collect()
    }

    /// The provinces; inside a province its cities. A city that names no province stands among the provinces.
    fn places(&self, asked: &Asked, page: &Page) -> Vec<PlaceView<'a>> {
        let selection = self.catalog.selection(&self.campaign.slug);
        let count = |keys: &[u32]| {
            if selection.is_all() { keys.len() } else { keys.iter().filter(|it| selection.takes(**it)).count() }
        };
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (province, city, stores) in self.catalog.cities() {
            let key = match asked.province.as_deref() {
                Some(wanted) if wanted == province => ("", city),
                Some(_) => continue,
                None if province.is_empty() => ("", city),
                None => (province, ""),
            };
            *counts.entry(key).or_default() += count(stores);
        }
        let scan = asked.scan.as_deref().unwrap_or_default();
        let view = |((province, city), stores): ((&'a str, &'a str), usize)| {
            let inside = asked.province.as_deref().unwrap_or(province);
            // Stores that name neither province nor city are elsewhere.
            let (name, city) = match (province, city) {
                ("", "") => (page.texts.elsewhere, ELSEWHERE),
                (province, "") => (province, ""),
                (_, city) => (city, city),
            };
            let query = [("province", inside), ("city", city), ("scan", scan)];
            PlaceView { name, stores, href: links::chooser(asked.slug.as_str(), &query) }
        };
        let mut places: Vec<_> = counts.into_iter().filter(|(_, stores)| *stores > 0).map(view).collect();
        // Most customers live where most stores are.
        places.sort_by_key(|it| std::cmp::Reverse(it.stores));
        places
    }
}

fn choice<'a>(catalog: &'a Catalog, key: u32, asked: &Asked) -> Option<AltView<'a>> {
    let store = catalog.store(key)?;
    let query = [("store", store.id.as_str()), ("scan", asked.scan.as_deref().unwrap_or_default())];
    let href = links::landing(asked.slug.as_str(), &query);
    Some(AltView { id: store.id.as_str(), name: &store.name, address: &store.address, distance: None, href })
}
