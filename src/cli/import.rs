//! `jinqun import`: sheets into the catalog.

mod owned;
mod regions;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Common, End, Printer, datum, unfit};
use crate::app::{ImportOptions, ImportReport, Importer};
use crate::catalog::owned::OwnedKind;
use crate::catalog::{Mapping, Mode, Problem, SheetRules, read_campaigns};
use crate::config::{Config, Flags};
use crate::exchange::SHEET_BYTES_MAX;
use crate::startup;
use crate::storage::PublishInfo;
use crate::time::{Clock as _, SystemClock};

/// Problems and warnings that are printed, each; `--report` has all.
const PRINTED_MAX: usize = 50;

/// Import stores, regions, groups, contacts or campaigns into the catalog; they are live at once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun import stores stores.csv --datum gcj02 --dry-run")]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Stores(Stores),
    Regions(regions::Options),
    Campaigns(Campaigns),
    /// Import a sheet of group chats, of stores, regions or campaigns: XLSX or CSV
    #[command(
        after_help = "Example:\n  jinqun import groups groups.csv --dry-run\n\nThe sheet (中文 headers too):\n  \
        id,store,region,campaign,name,url,code,capacity,expires,status,order,members\n  \
        SH-0001-2,SH-0001,,,人民广场 2 群,https://work.weixin.qq.com/gm/…,uploaded,200,,active,2,\n\n\
        A sheet of id and members tells how many members groups have."
    )]
    Groups(owned::Options),
    /// Import a sheet of contacts, of stores, regions or campaigns: XLSX or CSV
    #[command(
        after_help = "Example:\n  jinqun import contacts contacts.csv --dry-run\n\nThe sheet (中文 headers too):\n  \
        id,store,region,campaign,name,url,code,expires,order\n  SH-0001-lin,SH-0001,,,店长小林,https://work.weixin.qq.com/ca/…,live,,1"
    )]
    Contacts(owned::Options),
}

/// Import a sheet of stores: XLSX, CSV (UTF-8 or GB18030) or GeoJSON points
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  jinqun import stores stores.csv --datum gcj02 --dry-run\n  \
    jinqun import stores list.csv --datum wgs84 --map id=store_code --map name=店名 --skip-bad-rows")]
struct Stores {
    #[command(flatten)]
    common: Common,
    /// The sheet
    file: PathBuf,
    /// The datum of rows that name none: wgs84, gcj02 (`AMap`, Tencent) or bd09 (Baidu)
    #[arg(long)]
    datum: Option<String>,
    /// What happens to stores that the sheet does not name: merge (they stay) or replace (they go)
    #[arg(long, default_value = "merge")]
    mode: String,
    /// Publish the good rows although others are refused
    #[arg(long)]
    skip_bad_rows: bool,
    /// Take a header of the sheet for a column, for example `id=store_code`; may be given often
    #[arg(long = "map", value_name = "COLUMN=HEADER")]
    maps: Vec<String>,
    #[command(flatten)]
    reporting: Reporting,
}

/// Import campaigns: a TOML file with one [[campaign]] after another
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  jinqun import campaigns campaigns.toml\n\nThe file:\n  [[campaign]]\n  slug = \"default\"\n  \
    name = \"青禾咖啡\"\n  colour = \"#0b6b4f\"\n  logo = \"logo.png\"\n  reach_m = 30000\n  \
    service_areas = true\n  \
    mode = \"split\"           # or group (the default), contact\n  contact_percent = 30     # with split: how many see the contact first\n  \
    rotation = \"in_order\"    # or least_filled\n  \
    fallbacks = [\"next_store\", \"contact\", \"region\", \"campaign\"]   # rungs in force; default: all\n  \
    group_url = \"https://work.weixin.qq.com/gm/…\""
)]
struct Campaigns {
    #[command(flatten)]
    common: Common,
    /// The file
    file: PathBuf,
    /// Report, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        match self.what {
            What::Stores(options) => options.run(printer),
            What::Regions(options) => options.run(printer),
            What::Campaigns(options) => options.run(printer),
            What::Groups(options) => options.run(OwnedKind::Groups, printer),
            What::Contacts(options) => options.run(OwnedKind::Contacts, printer),
        }
    }
}

/// Reads a whole file of a bounded size.
pub(super) fn read(path: &Path, bytes_max: usize) -> anyhow::Result<Vec<u8>> {
    let about = std::fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if about.len() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(unfit(format!("{} has {} bytes, at most {bytes_max} are read", path.display(), about.len())));
    }
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn mode(text: &str) -> anyhow::Result<Mode> {
    Mode::parse(text).ok_or_else(|| unfit(format!("--mode {text} is neither merge nor replace")))
}

fn info(path: &Path) -> PublishInfo {
    let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    PublishInfo { at: SystemClock.now(), author: "command line".to_owned(), note: format!("import of {name}") }
}

impl Stores {
    fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let (datum, mode) = (datum(self.datum.as_deref())?, mode(&self.mode)?);
        let mut mapping = Mapping::default();
        for pair in &self.maps {
            mapping.add(pair).map_err(|error| unfit(format!("--map {pair} cannot be used: {error}")))?;
        }
        let bytes = read(&self.file, SHEET_BYTES_MAX)?;
        let storage = startup::open_storage(&config)?;
        let info = info(&self.file);
        let now = info.at;
        let importer = Importer::new(&*storage, info);
        let rules = SheetRules {
            datum,
            link_hosts: &config.join_link_hosts,
            zone: config.time_zone.clone(),
            mapping,
            groups: config.groups,
            now,
        };
        let options = ImportOptions { mode, dry_run: self.reporting.dry_run, skip_bad_rows: self.skip_bad_rows };
        let bar = printer.bar(u64::try_from(bytes.len()).unwrap_or(u64::MAX), "reading");
        let mut progress = |done: u64, total: u64| {
            bar.set_length(total);
            bar.set_position(done);
        };
        let name = self.file.to_string_lossy().into_owned();
        let report = importer.stores(&bytes, &name, &rules, options, &mut progress)?;
        bar.finish_and_clear();
        self.reporting.tell(printer, &report, ROWS_REMEDY)
    }
}

impl Campaigns {
    fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config: Config = self.common.load(Flags::new())?;
        let text = String::from_utf8(read(&self.file, 4 * 1024 * 1024)?)
            .map_err(|error| unfit(format!("the file is not UTF-8: {error}")))?;
        let folder = self.file.parent().map(Path::to_owned).unwrap_or_default();
        let picture = |name: &str| read(&folder.join(name), 1024 * 1024).map_err(|error| format!("{error:#}"));
        let report = match read_campaigns(&text, &config.join_link_hosts, config.groups, &picture) {
            Err(problems) => ImportReport { problems, ..ImportReport::default() },
            Ok(rows) => {
                let storage = startup::open_storage(&config)?;
                Importer::new(&*storage, info(&self.file)).campaigns(rows, self.dry_run)?
            }
        };
        print_report(printer, &report, &Said { dry_run: self.dry_run, counts: true, remedy: "correct the file" })
    }
}

fn print_list(printer: &Printer, what: &str, list: &[Problem]) {
    for it in list.iter().take(PRINTED_MAX) {
        let row = it.row.map(|row| format!(" row {row}")).unwrap_or_default();
        let column = it.column.as_deref().map(|column| format!(" {column}")).unwrap_or_default();
        let value = it.value.as_deref().map(|value| format!(" ({value})")).unwrap_or_default();
        printer.note(format!("{what}{row}{column}: {}{value} [{}]", it.message, it.code));
    }
    if list.len() > PRINTED_MAX {
        printer.note(format!("… and {} more; --report FILE has all", list.len() - PRINTED_MAX));
    }
}

/// Writes the whole report as JSON to a file, or to standard output for `-`.
fn write_report(printer: &Printer, report: &ImportReport, path: Option<&Path>) -> anyhow::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let json = serde_json::to_string_pretty(report)?;
    if path.as_os_str() == "-" {
        return Ok(printer.line(json)?);
    }
    std::fs::write(path, json).with_context(|| format!("{} cannot be written", path.display()))
}

/// What to do where some rows of a sheet are refused.
const ROWS_REMEDY: &str = "correct the rows, or publish the good ones with --skip-bad-rows";

/// Whether anything is changed, and where the report goes.
#[derive(Debug, Args)]
struct Reporting {
    /// Report, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Write the whole report as JSON to this file (- for standard output)
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Reporting {
    /// Writes and prints a report; `remedy` says what to do where nothing was published.
    fn tell(&self, printer: &Printer, report: &ImportReport, remedy: &'static str) -> anyhow::Result<End> {
        let path = self.report.as_deref();
        write_report(printer, report, path)?;
        let is_free = path != Some(Path::new("-"));
        print_report(printer, report, &Said { dry_run: self.dry_run, counts: is_free, remedy })
    }
}

/// How a report is told.
struct Said {
    dry_run: bool,
    /// Whether counts go to standard output.
    counts: bool,
    /// What to do where nothing was published.
    remedy: &'static str,
}

fn print_report(printer: &Printer, report: &ImportReport, said: &Said) -> anyhow::Result<End> {
    print_list(printer, "warning", &report.warnings);
    print_list(printer, "problem", &report.problems);
    let ImportReport { rows, created, updated, unchanged, removed, rejected, .. } = report;
    let counts = format!(
        "{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, {removed} removed, {rejected} rejected"
    );
    let outcome = match report.version {
        Some(version) => format!("version {version} is live"),
        None if said.dry_run => "dry run: nothing was changed".to_owned(),
        None => format!("nothing was published; {}", said.remedy),
    };
    if said.counts {
        // A file that was refused as a whole has no rows to count.
        if *rows > 0 || *rejected == 0 {
            printer.line(counts)?;
        }
        printer.line(outcome)?;
    }
    Ok(if report.problems.is_empty() { End::Success } else { End::Problems })
}
