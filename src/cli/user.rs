//! `jinqun user`: people who sign in to the pages of the operations team.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Common, End, Printer, command_line, role, unfit};
use crate::app::accounts::{AccountError, Accounts, NewUser, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use crate::config::Flags;
use crate::staff::{Role, StaffName};
use crate::startup;
use crate::time::{Clock as _, SystemClock};

/// People who sign in to the admin pages
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun user add li --role ops")]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Add(Add),
}

/// Add somebody; the password is asked for, or read from standard input or a file
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  jinqun user add li --role ops\n  jinqun user add li --role admin --password-file li.txt"
)]
struct Add {
    #[command(flatten)]
    common: Common,
    /// Their name
    name: String,
    /// What they may do: viewer, ops or admin
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Role,
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let What::Add(add) = self.what;
        add.run(printer)
    }
}

impl Add {
    fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let name = StaffName::parse(&self.name).map_err(|error| unfit(format!("the name {error}")))?;
        let config = self.common.load(Flags::new())?;
        let storage = startup::open_storage(&config)?;
        let password = match &self.password_file {
            Some(file) => {
                let text =
                    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
                text.lines().next().unwrap_or_default().to_owned()
            }
            None => ask(printer, &name)?,
        };
        let accounts = Accounts::new(&*storage, SystemClock.now());
        let user = accounts.add_user(&command_line(), NewUser { name, role: self.role, password });
        let user = user.map_err(|error| {
            let is_unfit = matches!(error, AccountError::Password(_));
            if is_unfit { unfit(error.to_string()) } else { error.into() }
        })?;
        printer.line(format!("added {} with the role {}", user.name, user.role.as_str()))?;
        Ok(End::Success)
    }
}

fn ask(printer: &Printer, name: &StaffName) -> anyhow::Result<String> {
    let terminal = io::stdin().is_terminal();
    if !terminal {
        return line();
    }
    let _silence = Silence::begin();
    printer.note(format!("Password of {name} ({PASSWORD_CHARS_MIN} characters or more; it is not shown):"));
    let first = line()?;
    printer.note("Once more:");
    if line()? != first {
        return Err(unfit("these are two different passwords"));
    }
    Ok(first)
}

fn line() -> anyhow::Result<String> {
    let mut text = String::new();
    let mut input = io::Read::take(io::stdin().lock(), u64::try_from(PASSWORD_BYTES_MAX)? + 2);
    input.read_line(&mut text).context("standard input cannot be read")?;
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    if text.is_empty() {
        return Err(unfit("there is no password: type one, or name a file with --password-file"));
    }
    Ok(text)
}

/// As long as this is there, the terminal does not show what is typed.
#[cfg(unix)]
struct Silence(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Silence {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let Ok(before) = tcgetattr(io::stdin()) else { return Self(None) };
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        Self(tcsetattr(io::stdin(), OptionalActions::Flush, &silent).is_ok().then_some(before))
    }
}

#[cfg(unix)]
impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A terminal that is gone needs nothing back.
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Flush, before);
        }
    }
}

/// Elsewhere the terminal shows it.
#[cfg(not(unix))]
struct Silence;

#[cfg(not(unix))]
impl Silence {
    fn begin() -> Self {
        Self
    }
}
