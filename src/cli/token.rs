//! `jinqun token`: tokens of programs that call the API.

use clap::{Args, Subcommand};

use super::{Common, End, Printer, command_line, role, unfit};
use crate::app::accounts::{Accounts, NewToken, TOKEN_DAYS_MAX};
use crate::config::Flags;
use crate::staff::{Role, StaffName};
use crate::startup;
use crate::time::{Clock as _, SystemClock};

/// Tokens of programs that call the API
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun token create --role viewer --expires 90")]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Create(Create),
}

/// Make a token and print it; it is printed this once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun token create --role viewer --expires 90 --name dashboard")]
struct Create {
    #[command(flatten)]
    common: Common,
    /// What it may do: viewer, ops or admin
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Role,
    /// Days after which it admits nobody [default: it does not end]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(TOKEN_DAYS_MAX)))]
    expires: Option<u32>,
    /// What it is for, unlike all others [default: the day and a number]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let What::Create(create) = self.what;
        create.run(printer)
    }
}

impl Create {
    fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let storage = startup::open_storage(&config)?;
        let now = SystemClock.now();
        let accounts = Accounts::new(&*storage, now);
        let numbered = || {
            Ok::<_, anyhow::Error>(format!("{}-{}", now.to_jiff().strftime("%Y-%m-%d"), accounts.tokens()?.len() + 1))
        };
        let name = self.name.map_or_else(numbered, Ok)?;
        let name = StaffName::parse(&name).map_err(|error| unfit(format!("the name {error}")))?;
        let made = accounts.add_token(&command_line(), NewToken { name, role: self.role, days: self.expires })?;
        printer.note(format!(
            "token {} with the role {}; it is shown this once:",
            made.token.name,
            made.token.role.as_str()
        ));
        printer.line(made.secret)?;
        Ok(End::Success)
    }
}
