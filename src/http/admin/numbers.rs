//! The numbers: the funnel over time and by what it is kept apart, charts of it, and the page that shows them.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;

use super::chart;
use super::gate::Staff;
use super::shell::{Shell, language, page};
use super::table::{Body, Endpoint, Param};
use crate::app::{Days, Numbers, NumbersAsk, NumbersRow, PERIOD_DAYS_MAX, StageCounts, Unit};
use crate::funnel::{Comparison, Difference, Dimension, Rate};
use crate::http::Web;
use crate::http::landing::texts::Lang;
use crate::http::problem::Problem;
use crate::http::query::{Query, bad_id};
use crate::id::CampaignSlug;
use crate::staff::Role;
use crate::time::Day;

/// The days of a period that nobody names: a week, today included.
const DAYS_DEFAULT: i64 = 7;
/// The width of a chart that nobody names, in pixels.
const WIDTH_PX_DEFAULT: usize = 720;

const FROM: Param =
    Param { name: "from", about: "The first day, as 2026-07-01; default: six days before the last one." };
const TO: Param = Param { name: "to", about: "The last day; default: today." };
const CAMPAIGN: Param = Param { name: "campaign", about: "Only this campaign." };
const BY: Param = Param { name: "by", about: "store, region, campaign, mode or source; default: store." };
const COUNT: Param = Param { name: "count", about: "visitors (each once a day) or visits; default: visitors." };
const PARAMS: &[Param] = &[FROM, TO, CAMPAIGN, BY, COUNT];
const CHART_PARAMS: &[Param] = &[
    Param { name: "part", about: "days, stages, rows or routes; default: days." },
    FROM,
    TO,
    CAMPAIGN,
    BY,
    COUNT,
    Param { name: "width", about: "280 to 1600 pixels; default: 720." },
    Param { name: "lang", about: "zh or en; default: the browser's." },
];

pub(super) fn endpoints() -> [Endpoint; 3] {
    let svg = Body { media_type: "image/svg+xml", schema: None };
    [
        Endpoint::new(
            Method::GET,
            "/api/v1/admin/numbers",
            Some(Role::Viewer),
            "The funnel of some days, by day and by one dimension, beside the days before",
            numbers,
        )
        .params(PARAMS)
        .answers::<NumbersDocument>(),
        Endpoint::new(
            Method::GET,
            "/api/v1/admin/funnel/chart.svg",
            Some(Role::Viewer),
            "The same numbers as a chart",
            picture,
        )
        .params(CHART_PARAMS)
        .answers_body(svg),
        Endpoint::new(Method::GET, "/admin/numbers", Some(Role::Viewer), "The page of numbers", show),
    ]
}

/// The numbers of some days.
#[derive(Serialize, JsonSchema)]
struct NumbersDocument {
    from: String,
    to: String,
    before_from: String,
    before_to: String,
    count: &'static str,
    by: &'static str,
    total: StageCounts,
    /// As many days just before.
    before: StageCounts,
    days: Vec<DayDocument>,
    /// At most a hundred, the most scans first.
    rows: Vec<NumbersRow>,
    rows_total: usize,
    /// The two routes, where visitors were assigned to them.
    routes: Option<RoutesDocument>,
}

#[derive(Serialize, JsonSchema)]
struct DayDocument {
    day: String,
    counts: StageCounts,
}

/// Shares of the visitors who were shown a code, with intervals of 95 %.
#[derive(Serialize, JsonSchema)]
struct RoutesDocument {
    routes: Vec<RouteDocument>,
    /// The contact's share less the group's.
    pressed_difference: Option<DifferenceDocument>,
    joined_difference: Option<DifferenceDocument>,
}

#[derive(Serialize, JsonSchema)]
struct RouteDocument {
    route: String,
    pressed: Option<RateDocument>,
    joined: Option<RateDocument>,
}

#[derive(Serialize, JsonSchema)]
struct RateDocument {
    count: u64,
    of: u64,
    rate: f64,
    low: f64,
    high: f64,
}

#[derive(Serialize, JsonSchema)]
struct DifferenceDocument {
    difference: f64,
    low: f64,
    high: f64,
}

impl From<Rate> for RateDocument {
    fn from(it: Rate) -> Self {
        Self { count: it.count, of: it.of, rate: it.rate, low: it.low, high: it.high }
    }
}

impl From<Difference> for DifferenceDocument {
    fn from(it: Difference) -> Self {
        Self { difference: it.difference, low: it.low, high: it.high }
    }
}

impl From<Comparison> for RoutesDocument {
    fn from(it: Comparison) -> Self {
        let route = |it: crate::funnel::ModeRates| RouteDocument {
            route: it.mode.into(),
            pressed: it.pressed.map(RateDocument::from),
            joined: it.joined.map(RateDocument::from),
        };
        Self {
            pressed_difference: it.pressed.map(DifferenceDocument::from),
            joined_difference: it.joined.map(DifferenceDocument::from),
            routes: it.modes.into_iter().map(route).collect(),
        }
    }
}

impl NumbersDocument {
    fn of(ask: &NumbersAsk, numbers: Numbers) -> Self {
        let before = ask.days.before();
        let day = |it: crate::app::OfDay| DayDocument { day: it.day.to_string(), counts: it.counts };
        Self {
            from: ask.days.from.to_string(),
            to: ask.days.to.to_string(),
            before_from: before.from.to_string(),
            before_to: before.to.to_string(),
            count: ask.unit.as_str(),
            by: ask.by.as_str(),
            total: numbers.total,
            before: numbers.before,
            days: numbers.by_day.into_iter().map(day).collect(),
            rows: numbers.rows,
            rows_total: numbers.rows_count,
            routes: numbers.comparison.map(RoutesDocument::from),
        }
    }
}

/// The days that a query names, or the last ones.
pub(super) fn days(query: &mut Query<'_>, today: Day) -> Days {
    let mut day = |field: &'static str| {
        let text = query.text(field)?;
        Day::parse(text).map_err(|error| query.fail(field, "invalid_day", error.to_string())).ok()
    };
    let (from, to) = (day("from"), day("to").unwrap_or(today));
    let days = Days { from: from.unwrap_or(to.plus(1 - DAYS_DEFAULT)), to };
    if days.count() < 1 {
        query.fail("to", "out_of_order", "lies before from");
    } else if days.count() > PERIOD_DAYS_MAX {
        query.fail("from", "too_long", format!("a period has at most {PERIOD_DAYS_MAX} days"));
    }
    days
}

/// The campaign that a query names; none is all of them.
pub(super) fn campaign(query: &mut Query<'_>) -> Option<CampaignSlug> {
    match query.text("campaign").map(CampaignSlug::parse)? {
        Ok(slug) => Some(slug),
        Err(error) => {
            query.fail_with(bad_id("campaign", &error));
            None
        }
    }
}

fn ask(query: &mut Query<'_>, today: Day) -> NumbersAsk {
    let days = days(query, today);
    let campaign = campaign(query);
    let by = match query.text("by") {
        None => Some(Dimension::Store),
        Some(word) => Dimension::parse(word).filter(|it| *it != Dimension::Day),
    };
    if by.is_none() {
        query.fail("by", "unknown_dimension", "is none of store, region, campaign, mode, source");
    }
    let unit = query.text("count").map_or(Some(Unit::default()), Unit::parse);
    if unit.is_none() {
        query.fail("count", "unknown_word", "is neither visitors nor visits");
    }
    NumbersAsk { days, campaign, by: by.unwrap_or(Dimension::Store), unit: unit.unwrap_or_default() }
}

async fn asked(web: &Web, ask: NumbersAsk) -> Result<(NumbersAsk, Numbers), Problem> {
    let app = Arc::clone(&web.app);
    let told = web::block(move || app.numbers(&ask).map(|it| (ask, it))).await;
    told.map_err(|error| Problem::internal(&error))?.map_err(|_cause| Problem::no_storage())
}

async fn numbers(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let ask = ask(&mut query, web.app.today());
    query.finish()?;
    let (ask, numbers) = asked(&web, ask).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(NumbersDocument::of(&ask, numbers)))
}

/// What a chart shows of the numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Days,
    Stages,
    Rows,
    Routes,
}

async fn picture(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let ask = ask(&mut query, web.app.today());
    let width = query.count("width", WIDTH_PX_DEFAULT, chart::WIDTH_PX);
    let part = match query.text("part").unwrap_or("days") {
        "days" => Part::Days,
        "stages" => Part::Stages,
        "rows" => Part::Rows,
        "routes" => Part::Routes,
        _ => {
            query.fail("part", "unknown_word", "is none of days, stages, rows, routes");
            Part::Days
        }
    };
    let lang = match query.text("lang") {
        Some("zh") => Lang::Zh,
        Some("en") => Lang::En,
        _ => language(&request),
    };
    query.finish()?;
    let (ask, numbers) = asked(&web, ask).await?;
    let drawn = match (part, numbers.comparison.as_ref()) {
        (Part::Days, _) => chart::days::chart(&numbers, width, lang),
        (Part::Stages, _) => chart::stages::chart(&numbers, width, lang),
        (Part::Rows, _) => {
            let name = |it: &NumbersRow| row_name(ask.by, it, lang);
            chart::bars::chart(&numbers, title(ask.by, lang), &name, (width, lang))
        }
        (Part::Routes, Some(comparison)) => chart::routes::chart(comparison, width, lang),
        (Part::Routes, None) => return Err(Problem::nothing_here("No visitor was assigned to a route in these days.")),
    };
    let drawn = drawn.map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .content_type("image/svg+xml; charset=utf-8")
        .body(drawn))
}

fn title(by: Dimension, lang: Lang) -> &'static str {
    let (chinese, english) = match by {
        Dimension::Store => ("各门店", "By store"),
        Dimension::Region => ("各地区", "By region"),
        Dimension::Campaign => ("各活动", "By campaign"),
        Dimension::Mode | Dimension::Assigned => ("各方式", "By route"),
        Dimension::Source => ("各定位来源", "By source of the position"),
        Dimension::Rung => ("各后备方案", "By fallback"),
        Dimension::Day => ("每天", "By day"),
    };
    match lang {
        Lang::Zh => chinese,
        Lang::En => english,
    }
}

/// What people call a row.
fn row_name(by: Dimension, row: &NumbersRow, lang: Lang) -> String {
    let pick = |chinese: &'static str, english: &'static str| match lang {
        Lang::Zh => chinese,
        Lang::En => english,
    };
    let known = match (by, row.key.as_str()) {
        (Dimension::Mode | Dimension::Assigned, word) => chart::routes::route_name(word, lang),
        (Dimension::Source, "gps") => pick("手机定位", "The phone's position"),
        (Dimension::Source, "chosen") => pick("顾客自选", "Chosen by hand"),
        (Dimension::Source, "previous") => pick("上次门店", "The last store"),
        (Dimension::Source, "ip") => pick("网络地址", "The network address"),
        (Dimension::Source, "none") => pick("未知", "Unknown"),
        (_, "") => pick("(无)", "(none)"),
        _ => return row.name.clone(),
    };
    known.to_owned()
}

#[derive(Template)]
#[template(path = "admin/templates/numbers.html", config = "src/http/askama.toml")]
struct NumbersPage {
    shell: Shell,
    campaigns: Vec<(String, String)>,
    today: String,
    yesterday: String,
    week: String,
    month: String,
}

async fn show(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let today = web.app.today();
    page(&NumbersPage {
        shell: Shell::new(&request, &staff, "/admin/numbers"),
        campaigns: super::explain::campaigns(&web),
        today: today.to_string(),
        yesterday: today.plus(-1).to_string(),
        week: today.plus(-6).to_string(),
        month: today.plus(-29).to_string(),
    })
}
