//! `jinqun wecom`: what is kept in WeCom by this service.

use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Common, End, Printer, command_line};
use crate::app::wecom::{CodeSync, SyncAction};
use crate::config::Flags;
use crate::startup;
use crate::time::SystemClock;

/// What this service keeps in WeCom
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun wecom sync --dry-run\n  jinqun wecom sync")]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Sync(Sync),
}

/// Make and update the codes of stores in WeCom, and publish them, also beside a running service
///
/// Looks at every group and contact that names chats or staff in WeCom, and at two columns of the store sheet, 企微群ID (chats) and
/// 企微成员 (staff). A code that exists is changed in place; what is printed stays.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun wecom sync --dry-run")]
struct Sync {
    #[command(flatten)]
    common: Common,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Print codes too that are as they are to be
    #[arg(long)]
    all: bool,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        match self.what {
            What::Sync(sync) => sync.run(printer),
        }
    }
}

impl Sync {
    fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let storage = startup::open_storage(&config)?;
        let clock: Arc<dyn crate::time::Clock> = Arc::new(SystemClock);
        let platforms = startup::open_platforms(&config, Some(&storage), &clock, None);
        let wecom = platforms.wecom.context("WeCom is not set up: set wecom.corp_id and wecom.secret")?;
        let sync = CodeSync::new(storage, wecom, clock, config.join_link_hosts.clone(), config.groups.capacity);
        let mut written = Ok(());
        let report = sync.run(&command_line().name, self.dry_run, &mut |row| {
            if row.action != SyncAction::Kept || self.all {
                let line =
                    format!("{}\t{}\t{}\t{}\t{}", row.action.as_str(), row.kind, row.id, row.name, row.detail.en);
                let result = printer.line(line);
                if written.is_ok() {
                    written = result;
                }
            }
        })?;
        written?;
        let counts =
            SyncAction::ALL.map(|it| format!("{} {}", report.counts.get(&it).copied().unwrap_or(0), it.as_str()));
        let end = match (self.dry_run, report.version) {
            (true, _) => "nothing was changed".to_owned(),
            (false, Some(version)) => format!("version {version} is published"),
            (false, None) => "nothing to publish".to_owned(),
        };
        printer.note(format!("{}; {end}", counts.join(", ")));
        Ok(if report.counts.contains_key(&SyncAction::Problem) { End::Problems } else { End::Success })
    }
}
