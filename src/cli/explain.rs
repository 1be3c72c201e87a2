//! `jinqun explain`: who would be routed where, and why.

use std::net::IpAddr;

use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use serde::Serialize;

use super::explain_steps::{self, StepRow};
use super::{Common, End, Printer};
use crate::app::{load_catalog, locate_ip, peek};
use crate::campaign::Route;
use crate::catalog::{Catalog, InForce, Joinable, Standing};
use crate::config::{Config, Flags};
use crate::geo::{Datum, Position};
use crate::id::{CampaignSlug, RegionCode};
use crate::routing::{Case, Decision, region_codes};
use crate::startup;
use crate::store::Zone;
use crate::time::{Clock as _, SystemClock, Timestamp};
use crate::visitor::Fix;

/// Show who would be routed where, and why
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  jinqun explain --lat 31.2304 --lng 121.4737\n  jinqun explain --ip 203.0.113.9 --json"
)]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// Latitude in degrees
    #[arg(long, allow_negative_numbers = true, requires = "lng")]
    lat: Option<f64>,
    /// Longitude in degrees
    #[arg(long, allow_negative_numbers = true, requires = "lat")]
    lng: Option<f64>,
    /// The datum of the position: wgs84, gcj02 or bd09
    #[arg(long, default_value = "wgs84")]
    datum: String,
    /// The radius in metres that holds the true place
    #[arg(long, value_name = "METRES")]
    accuracy: Option<f64>,
    /// An address of the network, instead of a position
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["lat", "lng"])]
    ip: Option<IpAddr>,
    /// The campaign's short name
    #[arg(long, default_value = "default")]
    campaign: String,
    /// The route of the visitor: group or contact [default: the campaign's; group where it splits]
    #[arg(long)]
    route: Option<String>,
    /// The folder of the demo instead of the setting's
    #[arg(long)]
    demo: bool,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Explained<'a> {
    catalog_version: u64,
    campaign: &'a str,
    campaign_state: &'static str,
    served_by: &'a str,
    route: &'static str,
    source: &'static str,
    accuracy_m: Option<f64>,
    outcome: &'static str,
    store: Option<&'a str>,
    opens_at: Option<String>,
    distance_m: Option<f64>,
    join: Option<Join<'a>>,
    fallback: Option<Rung>,
    region: Region<'a>,
    considered: Vec<Row<'a>>,
    /// The ladder, also the steps that are not reached.
    steps: Vec<StepRow<'a>>,
}

#[derive(Serialize)]
struct Join<'a> {
    kind: &'static str,
    id: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct Rung {
    rung: &'static str,
    reason: &'static str,
}

#[derive(Serialize)]
struct Region<'a> {
    province: &'a str,
    city: &'a str,
    district: &'a str,
    areas: &'a [Box<str>],
    codes: Vec<&'a str>,
    from: &'static str,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    name: &'a str,
    distance_m: f64,
    open: Option<bool>,
    verdict: &'static str,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let mut flags = Flags::new();
        if self.demo {
            flags.insert("data_dir", "data/demo".to_owned());
            flags.insert("ip_databases", "data/demo/demo.mmdb".to_owned());
        }
        let config = self.common.load(flags)?;
        let slug =
            CampaignSlug::parse(&self.campaign).map_err(|error| anyhow::anyhow!("the campaign's name {error}"))?;
        let storage = startup::open_storage(&config)?;
        let version = storage.current_version()?;
        if version == 0 {
            bail!("no catalog has been published in {}; import stores first", config.data_dir.display());
        }
        let catalog = load_catalog(&*storage, version)?;
        let fix = self.fix(&config, &catalog)?;
        let now = SystemClock.now();
        let in_force = catalog.in_force(&slug, now);
        if in_force.standing == Standing::Unknown {
            bail!("there is no campaign {slug}");
        }
        let campaign = in_force.campaign;
        let route = match self.route.as_deref().map(|it| (it, Route::parse(it))) {
            None => campaign.mode.common(),
            Some((_, Some(route))) => route,
            Some((text, None)) => bail!("--route {text} is neither group nor contact"),
        };
        let case = Case { fix: &fix, catalog: &catalog, campaign, policy: &config.routing, now };
        let peeked = peek(&*storage, &config.seats, route, &case).context("the seats cannot be read")?;
        let steps = explain_steps::rows(&catalog, &peeked, &*storage, &config.seats, now)?;
        let asked = Asked { campaign: slug.as_str(), in_force, route, now, zone: &config.time_zone };
        let explained = explained(&catalog, &asked, (&fix, &peeked.decision), steps);
        if self.json {
            printer.line(serde_json::to_string_pretty(&explained)?)?;
        } else {
            printer.line(table(&explained))?;
        }
        Ok(End::Success)
    }

    fn fix(&self, config: &Config, catalog: &Catalog) -> anyhow::Result<Fix> {
        if let Some(ip) = self.ip {
            return Ok(locate_ip(&startup::open_ip_databases(config)?, catalog, ip));
        }
        let (Some(lat), Some(lng)) = (self.lat, self.lng) else {
            bail!("give a position with --lat and --lng, or an address with --ip");
        };
        let datum = Datum::parse(&self.datum)
            .with_context(|| format!("--datum {} is none of wgs84, gcj02, bd09", self.datum))?;
        if self.accuracy.is_some_and(|it| !(0.0..=20_040_000.0).contains(&it)) {
            bail!("--accuracy is not a radius from 0 to 20040000 metres");
        }
        Ok(Fix::Gps { position: Position::from_datum(lat, lng, datum)?, accuracy_m: self.accuracy })
    }
}

/// What was asked, and when.
struct Asked<'a> {
    campaign: &'a str,
    in_force: InForce<'a>,
    route: Route,
    now: Timestamp,
    zone: &'a Zone,
}

fn explained<'a>(
    catalog: &'a Catalog,
    asked: &Asked<'a>,
    (fix, decision): (&Fix, &'a Decision),
    steps: Vec<StepRow<'a>>,
) -> Explained<'a> {
    let Asked { campaign, in_force, route, now, zone } = *asked;
    let join = decision.join.and_then(|it| match it {
        Joinable::Group(place) => {
            catalog.group(place).map(|it| Join { kind: "group", id: it.id.as_str(), url: it.code.link.as_str() })
        }
        Joinable::Contact(place) => {
            catalog.contact(place).map(|it| Join { kind: "contact", id: it.id.as_str(), url: it.code.link.as_str() })
        }
    });
    let tenths = |metres: f64| (metres * 10.0).round() / 10.0;
    let considered = decision.considered.iter().filter_map(|it| {
        let store = catalog.store(it.store)?;
        Some(Row {
            id: store.id.as_str(),
            name: &store.name,
            distance_m: tenths(it.distance_m),
            open: catalog.is_open(it.store, now, zone),
            verdict: it.verdict.as_str(),
        })
    });
    let opens_at = decision.store.and_then(|it| catalog.opens_at(it.store, now, zone));
    let region = &decision.region;
    let right = decision.wanted.or(decision.store.map(|it| it.store));
    Explained {
        catalog_version: catalog.version(),
        campaign,
        campaign_state: in_force.standing.as_str(),
        served_by: in_force.campaign.slug.as_str(),
        opens_at: opens_at.map(|it| it.in_zone(zone.as_jiff())),
        route: route.as_str(),
        source: decision.source.as_str(),
        accuracy_m: decision.accuracy_m,
        outcome: decision.outcome.as_str(),
        store: decision.store.and_then(|it| catalog.store(it.store)).map(|it| it.id.as_str()),
        distance_m: decision.store.and_then(|it| it.distance_m).map(tenths),
        join,
        fallback: decision.fallback.map(|it| Rung { rung: it.rung.as_str(), reason: it.reason.as_str() }),
        region: Region {
            province: &region.province,
            city: &region.city,
            district: &region.district,
            areas: &region.areas,
            codes: region_codes(catalog, fix, right).into_iter().map(RegionCode::as_str).collect(),
            from: decision.region_source.as_str(),
        },
        considered: considered.collect(),
        steps,
    }
}

fn table(it: &Explained<'_>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header(["store", "name", "distance", "open", "verdict"]);
    for row in &it.considered {
        table.add_row([
            row.id.to_owned(),
            row.name.to_owned(),
            format!("{:.1} m", row.distance_m),
            row.open.map_or("unknown", |it| if it { "open" } else { "closed" }).to_owned(),
            row.verdict.to_owned(),
        ]);
    }
    let opens = it.opens_at.as_ref().map(|at| format!(" (closed now, opens at {at})")).unwrap_or_default();
    let store = it.store.map_or("none".to_owned(), |id| format!("{id}{opens}"));
    let served = if it.campaign == it.served_by {
        String::new()
    } else {
        format!(", which is {} and served by {}", it.campaign_state.replace('_', " "), it.served_by)
    };
    let mut ladder = Table::new();
    ladder.load_style(UTF8_HORIZONTAL_ONLY).set_header(["rung", "of", "kind", "id", "heads", "verdict"]);
    for row in &it.steps {
        let [rung, kind, id] = [row.rung, row.kind, row.id].map(ToOwned::to_owned);
        ladder.add_row([rung, row.owner(), kind, id, row.filled(), row.verdict.to_owned()]);
    }
    let accuracy = it.accuracy_m.map(|it| format!(" within {it:.0} m")).unwrap_or_default();
    let join = it.join.as_ref().map_or("none".to_owned(), |it| format!("{} {} {}", it.kind, it.id, it.url));
    let fallback = it.fallback.as_ref().map_or("none".to_owned(), |it| format!("{} because {}", it.rung, it.reason));
    let names = [it.region.province, it.region.city, it.region.district].into_iter();
    let names: Vec<&str> =
        names.chain(it.region.areas.iter().map(|it| &**it)).filter(|name| !name.is_empty()).collect();
    let codes = if it.region.codes.is_empty() { String::new() } else { format!(" [{}]", it.region.codes.join(", ")) };
    format!(
        "outcome   {} (catalog version {}, campaign {}{served}, route {})\nfix       {}{accuracy}\nstore     {store}\njoin      {join}\n\
         fallback  {fallback}\nregion    {}{codes} (from {})\n\n{table}\n\n{ladder}",
        it.outcome,
        it.catalog_version,
        it.campaign,
        it.route,
        it.source,
        names.join(" "),
        it.region.from,
    )
}
