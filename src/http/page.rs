//! The customer's pages: reads requests, asks the use cases, fills the views.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, SET_COOKIE, USER_AGENT,
    VARY,
};
use actix_web::web::{self, Data, Path};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};
use askama::Template;

use super::answer::joined;
use super::channel::{self, VisitLink};
use super::guard::RequestId;
use super::landing::chooser::ErrorView;
use super::landing::client::ClientKind;
use super::landing::colour::Colour;
use super::landing::parts::{AltView, CampaignView, EXPIRY_SHOWN_DAYS, FallbackView, JoinKind, JoinView, StoreView};
use super::landing::texts::{Lang, Texts, fill};
use super::landing::view::LandingView;
use super::landing::{hours, links};
use super::problem::Problem;
use super::query::{Query, bad_id};
use super::{Web, WechatScript, client_ip, cookie, oauth, robots};
use crate::app::{Landing, ScanRequest};
use crate::campaign::{Campaign, Route};
use crate::catalog::{Catalog, JoinCodeId, Standing};
use crate::group::JoinCode;
use crate::id::{CampaignSlug, StoreId};
use crate::routing::Pick;
use crate::store::{Store, Zone};
use crate::time::Timestamp;
use crate::visitor::FixSource;

/// How long a page waits to learn whether the visitor has opted out.
const SILENT_WAIT: Duration = Duration::from_millis(100);
const DAY_MS: i64 = 86_400_000;
/// A measured radius in metres from which on distances are shown as rough, as in the script.
const ROUGH_M: f64 = 1_000.0;

/// `GET /`: the default campaign.
pub(super) async fn landing_default(web: Data<Web>, request: HttpRequest) -> HttpResponse {
    show(&web, &request, CampaignSlug::default_slug()).await
}

/// `GET /s/{campaign}`: the landing page.
pub(super) async fn landing(web: Data<Web>, request: HttpRequest, slug: Path<String>) -> HttpResponse {
    match CampaignSlug::parse(&slug) {
        Ok(slug) => show(&web, &request, slug).await,
        Err(error) => Page::of(&web, &request).problem(&web, None, &Problem::fields(vec![bad_id("campaign", &error)])),
    }
}

/// `HEAD` of a page: link checkers are answered, and no visit is counted.
pub(super) async fn head() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).content_type("text/html; charset=utf-8").finish()
}

async fn show(web: &Web, request: &HttpRequest, slug: CampaignSlug) -> HttpResponse {
    let page = Page::of(web, request);
    let scan = match read(web, request, slug.clone()) {
        Ok(scan) => scan,
        Err(problem) => return page.problem(web, Some(&slug), &problem),
    };
    let (is_robot, route) = (scan.is_robot, scan.route);
    match web.app.land(scan).await {
        Ok(landing) => {
            let link = channel::of(web, &landing).await;
            let sign_in =
                if is_robot { None } else { page.sign_in(web, &landing, cookie::read(request).is_some()).await };
            page.landing(web, &landing, Around { is_robot, asked: route, link: link.as_ref(), sign_in })
        }
        Err(error) => page.problem(web, Some(&slug), &error.into()),
    }
}

fn read(web: &Web, request: &HttpRequest, slug: CampaignSlug) -> Result<ScanRequest, Problem> {
    let query = Query::parse(request.query_string())?;
    // A link to a store that has gone leads to the best answer there is without it.
    let catalog = web.app.catalog();
    let store = query.text("store").and_then(|it| StoreId::parse(it).ok());
    Ok(ScanRequest {
        seen: cookie::read_seen(request, &slug),
        is_robot: robots::asks_for_page(request),
        campaign: Some(slug),
        store: store.filter(|it| catalog.store_key(it).is_some()),
        route: query.text("route").and_then(Route::parse),
        visitor: cookie::read(request),
        scan: query.text("scan").map(ToOwned::to_owned),
        forgives_campaign: true,
        trusts_scan: false,
        ip: client_ip::of(request, &web.settings.swapped.load().trusted_proxies),
        ..ScanRequest::default()
    })
}

/// Whether the visitor has opted out; none if storage does not say so in time.
async fn is_silent(web: &Web, landing: &Landing) -> Option<bool> {
    let (app, visitor) = (Arc::clone(&web.app), web.app.visitor_of(&landing.visitor)?);
    let asked = web::block(move || app.is_silent(visitor));
    tokio::time::timeout(SILENT_WAIT, asked).await.ok()?.ok()?.ok()
}

/// What a landing page shows beside the decision.
struct Around<'a> {
    is_robot: bool,
    asked: Option<Route>,
    link: Option<&'a VisitLink>,
    sign_in: Option<String>,
}

/// What every page of one answer shares.
pub(super) struct Page {
    pub(super) texts: &'static Texts,
    pub(super) nonce: String,
    client: ClientKind,
    request_id: Option<String>,
    /// Whether the browser says that the visitor was recognised.
    is_known: bool,
}

impl Page {
    pub(super) fn of(web: &Web, request: &HttpRequest) -> Self {
        let text = |name| request.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
        Self {
            texts: Lang::from_accept_language(text(ACCEPT_LANGUAGE)).texts(),
            nonce: data_encoding::BASE64URL_NOPAD.encode(&web.app.chance().to_be_bytes()),
            client: ClientKind::from_user_agent(text(USER_AGENT)),
            request_id: request.extensions().get::<RequestId>().map(|it| it.0.clone()),
            is_known: cookie::is_known(request),
        }
    }

    /// Renders a view as an answer with the headers of a page.
    pub(super) fn answer(&self, status: StatusCode, view: &impl Template) -> HttpResponse {
        let html = match view.render() {
            Ok(html) => html,
            Err(error) => return Problem::internal(&error).error_response(),
        };
        let nonce = &self.nonce;
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        HttpResponse::build(status)
            .insert_header((CONTENT_SECURITY_POLICY, policy))
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((VARY, "Accept-Language, User-Agent, Cookie"))
            .insert_header(("Referrer-Policy", "same-origin"))
            .insert_header(("Permissions-Policy", "geolocation=(self), camera=(), microphone=()"))
            .content_type("text/html; charset=utf-8")
            .body(html)
    }

    /// The same as `WeChat` shows it.
    pub(super) fn in_wechat(self) -> Self {
        Self { client: ClientKind::WeChat, ..self }
    }

    /// The page of a draft: no visit, no cookie.
    pub(super) fn preview(&self, web: &Web, landing: &Landing) -> HttpResponse {
        self.landing(web, landing, Around { is_robot: true, asked: None, link: None, sign_in: None })
    }

    fn landing(
        &self,
        web: &Web,
        landing: &Landing,
        Around { is_robot, asked, link, sign_in }: Around<'_>,
    ) -> HttpResponse {
        let catalog: &Catalog = &landing.catalog;
        let decision = &landing.decision;
        let campaign = landing.in_force();
        let logo = logo_url(campaign);
        let is_rough = decision.source == FixSource::Ip || decision.accuracy_m.is_some_and(|it| it > ROUGH_M);
        let distance = |it: Option<f64>| it.map(|it| self.texts.distance(it, is_rough));
        let store = decision.store.and_then(|it| Some((catalog.store(it.store)?, it.distance_m)));
        let hours = store.and_then(|(it, _)| it.hours.as_ref()).map(|it| hours::words(it.as_str(), self.texts.lang));
        let wanted = decision.wanted.and_then(|it| catalog.store(it));
        let joined = decision.join.and_then(|it| joined(catalog, it));
        let plain = |code: &JoinCode| format!("/qr/{}", JoinCodeId::of(code.link.as_str()));
        let picture = joined.map(|(.., code)| link.map_or_else(|| plain(code), |it| it.picture.clone()) + ".png");
        let alternative = |pick: &Pick| {
            let it = catalog.store(pick.store)?;
            let query = [("store", it.id.as_str()), ("scan", if is_robot { "" } else { &landing.scan })];
            let href = links::landing(landing.campaign.as_str(), &query);
            Some(AltView {
                id: it.id.as_str(),
                name: &it.name,
                address: &it.address,
                distance: distance(pick.distance_m),
                href,
            })
        };
        let privacy = links::privacy(landing.campaign.as_str());
        let names = [&*decision.region.city, &*decision.region.province];
        let view = LandingView {
            texts: self.texts,
            nonce: &self.nonce,
            client: self.client,
            campaign: CampaignView { slug: landing.campaign.as_str(), ..self.campaign(campaign, logo.as_deref()) },
            notice: web.app.notice().as_str(),
            scan: Some(&*landing.scan).filter(|_| !is_robot),
            outcome: decision.outcome,
            fix_source: decision.source,
            accuracy_m: decision.accuracy_m,
            place: names.into_iter().find(|it| decision.source == FixSource::Ip && !it.is_empty()),
            store: store.map(|(it, distance_m)| StoreView {
                id: it.id.as_str(),
                name: &it.name,
                address: &it.address,
                distance: distance(distance_m),
                hours: hours.as_deref(),
                open: it.is_open(landing.now, web.app.zone()),
                opens: self.opens(it, landing.now, web.app.zone()),
            }),
            join: joined.zip(picture.as_deref()).map(|((kind, _, name, code), qr_png)| JoinView {
                kind: if kind == "contact" { JoinKind::Contact } else { JoinKind::Group },
                name,
                qr_png,
                url: link.map_or(code.link.as_str(), |it| &it.url),
                is_linked: link.is_some(),
                expires: code.expires_at.and_then(|end| self.expiry(end, landing.now, web.app.zone())),
            }),
            fallback: decision.fallback.map(|it| FallbackView::new(it, wanted.map(|it| (it.id.as_str(), &*it.name)))),
            asked,
            other_route: landing.other_route(),
            alternatives: decision.alternatives.iter().filter_map(alternative).collect(),
            standing: self.standing(landing.standing, web.app.zone()),
            privacy_href: Some(&privacy),
            wechat_script: self.wechat_script(web),
            sign_in: sign_in.as_deref(),
        };
        let mut response = self.answer(StatusCode::OK, &view);
        keep(response.headers_mut(), landing, is_robot, web.settings.is_https());
        response
    }

    /// Where a customer in `WeChat` goes who wishes to be recognised and was not yet; none for who has opted out, or while nobody can
    /// say so. `was_here`: whether the browser came with a token; who did not has wished nothing yet.
    async fn sign_in(&self, web: &Web, landing: &Landing, was_here: bool) -> Option<String> {
        let is_there = matches!(self.client, ClientKind::WeChat) && !self.is_known;
        let start = oauth::offered(web).filter(|_| is_there)?;
        if was_here && is_silent(web, landing).await != Some(false) {
            return None;
        }
        let to = links::landing(landing.campaign.as_str(), &[]);
        let notice = web.app.notice().as_str();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("to", &to)
            .append_pair("notice", notice)
            .finish();
        Some(format!("{start}?{query}"))
    }

    /// The script that asks `WeChat` for the position; it works there only.
    fn wechat_script<'a>(&self, web: &'a Web) -> Option<&'a str> {
        let is_there = matches!(self.client, ClientKind::WeChat);
        web.settings.wechat_script.as_ref().filter(|_| is_there).map(WechatScript::url)
    }

    /// When a closed store opens next, in words, as its own clocks show it.
    fn opens(&self, store: &Store, now: Timestamp, zone: &Zone) -> Option<String> {
        let local = |it: Timestamp| it.to_jiff().to_zoned(store.zone_or(zone).as_jiff().clone());
        let opens = local(store.opens_at(now, zone)?);
        let days = opens.date().duration_since(local(now).date()).as_hours() / 24;
        let time = format!("{:02}:{:02}", opens.hour(), opens.minute());
        let day = self.texts.day(opens.month().unsigned_abs(), opens.day().unsigned_abs());
        Some(match (&store.hours, days) {
            (None, _) => fill(self.texts.opens_day, &[&day]),
            (Some(_), 0) => fill(self.texts.opens_today, &[&time]),
            (Some(_), 1) => fill(self.texts.opens_tomorrow, &[&time]),
            (Some(_), _) => fill(self.texts.opens_day, &[&format!("{day} {time}")]),
        })
    }

    /// What is said of a campaign that does not run.
    fn standing(&self, standing: Standing, zone: &Zone) -> Option<String> {
        match standing {
            Standing::Running => None,
            Standing::Ended | Standing::Unknown => Some(self.texts.ended.to_owned()),
            Standing::NotStarted(start) => {
                let day = start.to_jiff().to_zoned(zone.as_jiff().clone());
                let day = self.texts.day(day.month().unsigned_abs(), day.day().unsigned_abs());
                Some(fill(self.texts.not_started, &[&day]))
            }
        }
    }

    /// How a campaign looks on this page.
    pub(super) fn campaign<'a>(&self, campaign: &'a Campaign, logo_url: Option<&'a str>) -> CampaignView<'a> {
        let words = if self.texts.lang == Lang::Zh { &campaign.words.zh } else { &campaign.words.en };
        CampaignView {
            slug: campaign.slug.as_str(),
            name: &campaign.name,
            logo_url,
            colour: campaign.colour.map_or(Colour::DEFAULT, Colour::from),
            words: Some(words),
        }
    }

    /// The last day of a code in words, when it is near.
    fn expiry(&self, end: Timestamp, now: Timestamp, zone: &Zone) -> Option<String> {
        let is_near = end.unix_ms() - now.unix_ms() <= i64::from(EXPIRY_SHOWN_DAYS) * DAY_MS;
        let day = end.to_jiff().to_zoned(zone.as_jiff().clone());
        is_near.then(|| self.texts.day(day.month().unsigned_abs(), day.day().unsigned_abs()))
    }

    /// A problem as a page with a way on, inside its campaign where there is one.
    pub(super) fn problem(&self, web: &Web, slug: Option<&CampaignSlug>, problem: &Problem) -> HttpResponse {
        let catalog = web.app.catalog();
        let default = CampaignSlug::default_slug();
        let campaign = slug.and_then(|it| catalog.campaign(it)).or_else(|| catalog.campaign(&default));
        let campaign = campaign.cloned().unwrap_or_else(Campaign::plain);
        let again = links::landing(campaign.slug.as_str(), &[]);
        let logo = logo_url(&campaign);
        let privacy = links::privacy(campaign.slug.as_str());
        let view = ErrorView {
            texts: self.texts,
            nonce: &self.nonce,
            campaign: self.campaign(&campaign, logo.as_deref()),
            heading: None,
            detail: None,
            retry_href: Some(&again),
            request_id: self.request_id.as_deref(),
            privacy_href: Some(&privacy),
        };
        self.answer(problem.status_code(), &view)
    }
}

/// The address of a campaign's logo, which changes with the picture.
pub(super) fn logo_url(campaign: &Campaign) -> Option<String> {
    let logo = campaign.logo.as_ref()?;
    Some(format!("/logo/{}?v={}", campaign.slug, logo.digest()))
}

/// Whether a client would rather have a page than JSON.
pub(super) fn wants_page(request: &HttpRequest) -> bool {
    request.headers().get(ACCEPT).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains("text/html"))
}

/// The cookies of a visit, and the catalog that decided it. A robot is given no cookie.
fn keep(headers: &mut HeaderMap, landing: &Landing, is_robot: bool, is_https: bool) {
    let visitor = (!is_robot).then(|| cookie::write(&landing.visitor, is_https));
    let seen = landing.seen.as_ref().map(|it| cookie::write_seen(&landing.campaign, it, is_https));
    for line in visitor.into_iter().chain(seen) {
        if let Ok(line) = HeaderValue::from_str(&line) {
            headers.append(SET_COOKIE, line);
        }
    }
    headers.insert(super::CATALOG_VERSION, HeaderValue::from(landing.catalog.version()));
}

/// What answers where no route does: a page with a way on, or a problem for programs.
pub(super) async fn not_found(web: Data<Web>, request: HttpRequest) -> HttpResponse {
    let problem = Problem::nothing_here("No page and no call has this address.");
    if wants_page(&request) { Page::of(&web, &request).problem(&web, None, &problem) } else { problem.error_response() }
}
