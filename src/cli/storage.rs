//! `jinqun storage`: moves everything from one storage to another.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::{Common, End, Printer};
use crate::app::{CopyCount, CopyStage, StorageCopy};
use crate::config::{Config, Flags, StorageAt};
use crate::startup;

/// Look after the storage: move everything to another one
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun storage copy sqlite:data/jinqun.sqlite redis://127.0.0.1:6379")]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Copy(Copy),
}

/// Copy everything from one storage to another one that is empty: embedded to Redis, or back
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    jinqun storage copy sqlite:data/jinqun.sqlite redis://127.0.0.1:6379\n  \
    JINQUN_STORAGE_FILE=/run/secrets/redis jinqun storage copy sqlite:data/jinqun.sqlite setting\n\n\
    Stop every service that uses either of them first. A copy that broke off goes on where it was when it is run again.")]
struct Copy {
    #[command(flatten)]
    common: Common,
    /// From where: a value of the setting `storage`, or the word `setting` for the storage of the settings
    from: String,
    /// To where, likewise
    to: String,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let What::Copy(copy) = self.what;
        copy.run(printer)
    }
}

impl Copy {
    fn run(&self, printer: &Printer) -> anyhow::Result<End> {
        let (from, to) = (self.settings(&self.from)?, self.settings(&self.to)?);
        let (from_name, to_name) = (name(&from.storage)?, name(&to.storage)?);
        if from_name == to_name {
            return Err(super::unfit(format!("both are {from_name}")));
        }
        if let StorageAt::Sqlite(path) = &from.storage
            && !path.exists()
        {
            bail!("the file {} is not there", path.display());
        }
        let source = startup::open_storage(&from)?;
        let target = startup::open_storage(&to)?;
        printer.note(format!("copying {from_name} to {to_name}; no service may use either of them meanwhile"));
        let bar = printer.counter();
        let copy = StorageCopy { from: &*source, from_name: &from_name, to: &*target, rules: to.seats };
        let mut stage = None;
        let counts = copy.run(&mut |now: CopyStage, done, total| {
            if stage != Some(now) {
                stage = Some(now);
                bar.set_message(now.as_str());
            }
            bar.set_length(total.max(done));
            bar.set_position(done);
        });
        bar.finish_and_clear();
        let counts = counts.context("the copy is not complete; run it again to go on")?;
        printer.line(table(&counts))?;
        if !counts.iter().all(CopyCount::is_same) {
            bail!(
                "the two differ, so {to_name} is not to be used: did a service write to {from_name}? Stop it and run this again; \
                 if they differ then too, empty {to_name} and begin anew"
            );
        }
        printer.line(format!("{to_name} holds everything of {from_name}"))?;
        Ok(End::Success)
    }

    fn settings(&self, storage: &str) -> anyhow::Result<Config> {
        let mut flags = Flags::default();
        if storage != "setting" {
            flags.insert("storage", storage.to_owned());
        }
        Ok(self.common.load(flags)?)
    }
}

/// The name of a storage, without its password.
fn name(storage: &StorageAt) -> anyhow::Result<String> {
    match storage {
        StorageAt::Sqlite(path) => {
            let path = std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))?;
            Ok(format!("sqlite:{}", path.display()))
        }
        StorageAt::Redis(at) => Ok(at.to_string()),
    }
}

fn table(counts: &[CopyCount]) -> String {
    let mut text = format!("{:<28} {:>12} {:>12}", "", "from", "to");
    for it in counts {
        let remark = match (it.is_same(), it.from.count == it.to.count) {
            (true, _) => "",
            (false, true) => "  differs in content",
            (false, false) => "  differs",
        };
        let row = format!("\n{:<28} {:>12} {:>12}{remark}", it.what, it.from.count, it.to.count);
        text.push_str(&row);
    }
    text
}
