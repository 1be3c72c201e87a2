//! `jinqun explain`: who would be routed where, and why.

use std::net::IpAddr;

use anyhow::bail;
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;

use super::{Common, End, Printer, datum, unfit};
use crate::app::{ExplainError, ExplainedStep, Explainer, Explanation, load_catalog, locate_ip};
use crate::campaign::Route;
use crate::catalog::Catalog;
use crate::config::{Config, Flags};
use crate::geo::Position;
use crate::id::CampaignSlug;
use crate::startup;
use crate::time::{Clock as _, SystemClock};
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

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let mut flags = Flags::new();
        if self.demo {
            flags.insert("data_dir", "data/demo".to_owned());
            flags.insert("ip_databases", "data/demo/demo.mmdb".to_owned());
        }
        let config = self.common.load(flags)?;
        let slug =
            CampaignSlug::parse(&self.campaign).map_err(|error| unfit(format!("the campaign's name {error}")))?;
        let storage = startup::open_storage(&config)?;
        let version = storage.current_version()?;
        if version == 0 {
            bail!("no catalog has been published in {}; import stores first", config.data_dir.display());
        }
        let catalog = load_catalog(&*storage, version)?;
        let fix = self.fix(&config, &catalog)?;
        let route = match self.route.as_deref().map(|it| (it, Route::parse(it))) {
            None => None,
            Some((_, Some(route))) => Some(route),
            Some((text, None)) => return Err(unfit(format!("--route {text} is neither group nor contact"))),
        };
        let explainer = Explainer {
            catalog: &catalog,
            storage: &*storage,
            rules: &config.seats,
            policy: &config.routing,
            zone: &config.time_zone,
            now: SystemClock.now(),
        };
        let told = explainer.explain(&fix, &slug, route).map_err(|error| match error {
            ExplainError::UnknownCampaign(_) => unfit(error.to_string()),
            ExplainError::Storage(_) => error.into(),
        })?;
        if self.json {
            printer.line(serde_json::to_string_pretty(&told)?)?;
        } else {
            printer.line(table(&told))?;
        }
        Ok(End::Success)
    }

    fn fix(&self, config: &Config, catalog: &Catalog) -> anyhow::Result<Fix> {
        if let Some(ip) = self.ip {
            return Ok(locate_ip(&startup::open_ip_databases(config)?, catalog, ip));
        }
        let (Some(lat), Some(lng)) = (self.lat, self.lng) else {
            return Err(unfit("give a position with --lat and --lng, or an address with --ip"));
        };
        let datum = datum(Some(&self.datum))?.unwrap_or_default();
        if self.accuracy.is_some_and(|it| !(0.0..=20_040_000.0).contains(&it)) {
            return Err(unfit("--accuracy is not a radius from 0 to 20040000 metres"));
        }
        let position = Position::from_datum(lat, lng, datum).map_err(|error| unfit(error.to_string()))?;
        Ok(Fix::Gps { position, accuracy_m: self.accuracy })
    }
}

fn table(it: &Explanation) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header(["store", "name", "distance", "open", "verdict"]);
    for row in &it.considered {
        table.add_row([
            row.id.clone(),
            row.name.clone(),
            format!("{:.1} m", row.distance_m),
            row.open.map_or("unknown", |it| if it { "open" } else { "closed" }).to_owned(),
            row.verdict.to_owned(),
        ]);
    }
    let opens = it.opens_at.as_ref().map(|at| format!(" (closed now, opens at {at})")).unwrap_or_default();
    let store = it.store.as_ref().map_or("none".to_owned(), |id| format!("{id}{opens}"));
    let served = if it.campaign == it.served_by {
        String::new()
    } else {
        format!(", which is {} and served by {}", it.campaign_state.replace('_', " "), it.served_by)
    };
    let mut ladder = Table::new();
    ladder.load_style(UTF8_HORIZONTAL_ONLY).set_header(["rung", "of", "kind", "id", "heads", "verdict"]);
    for row in &it.steps {
        let [rung, kind, id] = [row.rung, row.kind, &row.id].map(ToOwned::to_owned);
        ladder.add_row([rung, owner(row), kind, id, filled(row), row.verdict.to_owned()]);
    }
    let accuracy = it.accuracy_m.map(|it| format!(" within {it:.0} m")).unwrap_or_default();
    let join = it.join.as_ref().map_or("none".to_owned(), |it| format!("{} {} {}", it.kind, it.id, it.url));
    let fallback = it.fallback.as_ref().map_or("none".to_owned(), |it| format!("{} because {}", it.rung, it.reason));
    let names = [&it.region.province, &it.region.city, &it.region.district].into_iter();
    let names: Vec<&str> = names.chain(&it.region.areas).map(String::as_str).filter(|name| !name.is_empty()).collect();
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

/// How full a group is, in words.
fn filled(step: &ExplainedStep) -> String {
    match (step.heads, step.capacity) {
        (Some(heads), Some(capacity)) => format!("{heads:.1} of {capacity}"),
        _ => String::new(),
    }
}

/// Whose a step is, in words.
fn owner(step: &ExplainedStep) -> String {
    let distance = step.distance_m.map(|it| format!(", {it:.1} m")).unwrap_or_default();
    format!("{}{distance}", step.store.as_deref().unwrap_or("-"))
}
