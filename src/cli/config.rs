//! `jinqun config`: the settings in force, and where each came from.

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;

use super::{Common, End, Printer};
use crate::config::{Flags, example};

/// Show the settings in force, secrets masked, and where each came from
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun config --config /etc/jinqun.toml")]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// Print an example file with every setting instead
    #[arg(long)]
    example: bool,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        if self.example {
            printer.line(example().trim_end())?;
            return Ok(End::Success);
        }
        let config = self.common.load(Flags::new())?;
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY).set_header(["setting", "value", "from"]);
        for (name, value, origin) in config.shown() {
            table.add_row([name.to_owned(), value, origin.to_string()]);
        }
        printer.line(table.to_string())?;
        Ok(End::Success)
    }
}
