//! `jinqun export funnel`: how many came, were shown a code, and joined; and whether the counts are those of the records.

use std::io::Write as _;

use clap::Args;

use super::export::{Target, settle};
use super::printer::Output;
use super::{End, Printer, unfit};
use crate::app::{funnel, read_dimensions};
use crate::config::Flags;
use crate::exchange::{TableFormat, funnel_headers, funnel_json, funnel_row, write_table};
use crate::funnel::Report;
use crate::id::CampaignSlug;
use crate::startup;
use crate::storage::{Storage, TallyCheck, TallyFilter, TallyOf};
use crate::time::Day;

/// Write the funnel: visits and unique visitors a day, from the scan to the group
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  jinqun export funnel --from 2026-07-01 --to 2026-07-31 --by store --out july.csv\n  \
                        jinqun export funnel --by mode --format json\n  jinqun export funnel --check"
)]
pub(super) struct Funnel {
    #[command(flatten)]
    target: Target,
    /// The first day
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// day, campaign, store, region, mode, assigned, source or rung; several joined by commas
    #[arg(long, default_value = "day")]
    by: String,
    /// Only this campaign
    #[arg(long)]
    campaign: Option<String>,
    /// Count all records from the beginning instead, and compare that with the tallies; exit 2 if they differ
    #[arg(long)]
    check: bool,
}

impl Funnel {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let day = |name: &str, text: Option<&String>| {
            text.map(|it| Day::parse(it).map_err(|error| unfit(format!("--{name} {it}: {error}")))).transpose()
        };
        let (from, to) = (day("from", self.from.as_ref())?, day("to", self.to.as_ref())?);
        if let (Some(first), Some(last)) = (from, to)
            && last < first
        {
            return Err(unfit(format!("--to {last} lies before --from {first}")));
        }
        let by = read_dimensions(&self.by).map_err(|what| unfit(format!("--by {what}")))?;
        let campaign = self.campaign.as_deref().map(CampaignSlug::parse).transpose();
        let campaign = campaign.map_err(|error| unfit(format!("--campaign {error}")))?;
        let as_document = self.target.asks_for("json");
        let format = if as_document { None } else { Some(self.target.format()?) };
        let config = self.target.common.load(Flags::new())?;
        let storage = startup::open_storage(&config)?;
        settle(&config, &storage)?;
        if self.check {
            return check(&*storage, printer);
        }
        let report = funnel(&*storage, by, &TallyFilter { from, to, campaign, of: TallyOf::All })?;
        let mut out = Output::open(self.target.out.as_deref())?;
        match format {
            Some(format) => table(&report, format, &mut out)?,
            None => writeln!(out, "{}", serde_json::to_string_pretty(&funnel_json(&report))?)?,
        }
        out.finish()?;
        Ok(End::Success)
    }
}

fn table(report: &Report, format: TableFormat, out: &mut Output) -> anyhow::Result<()> {
    let headers = funnel_headers(report);
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    write_table(format, &headers, &mut report.rows.iter().map(funnel_row), out)?;
    Ok(())
}

fn check(storage: &dyn Storage, printer: &Printer) -> anyhow::Result<End> {
    let TallyCheck { visits, cells, differing, examples } = storage.check_tallies()?;
    printer.line(format!("{visits} visits counted, {cells} cells compared, {differing} differ"))?;
    for it in &examples {
        printer.line(format!("  {it}"))?;
    }
    Ok(if differing == 0 { End::Success } else { End::Problems })
}
