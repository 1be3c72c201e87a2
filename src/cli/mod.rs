//! The command line: one `Options` struct with a `run` a file.

mod check;
mod config;
mod demo;
mod explain;
mod export;
mod forget;
mod funnel;
mod health;
mod import;
mod outbox;
mod printer;
mod qr;
mod serve;
mod storage;
mod tag;
mod token;
mod user;
mod wecom;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, Flags};
use crate::geo::Datum;
use crate::staff::{Actor, Role};
use printer::Printer;

/// One printed QR code for every store: finds the nearest store and shows its group.
#[derive(Debug, Parser)]
#[command(name = "jinqun", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Options),
    Serve(serve::Options),
    Check(check::Options),
    Import(import::Options),
    Export(export::Options),
    Explain(explain::Options),
    Tag(tag::Options),
    Qr(qr::Options),
    Forget(forget::Options),
    Outbox(outbox::Options),
    User(user::Options),
    Token(token::Options),
    Storage(storage::Options),
    Wecom(wecom::Options),
    Config(config::Options),
    Health(health::Options),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All is well.
    Success,
    /// There are problems in the input; they have been printed.
    Problems,
}

/// What was given cannot be used; said in a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unfit(String);

/// An error of what was given: a flag, a name, a table.
fn unfit(what: impl Into<String>) -> anyhow::Error {
    Unfit(what.into()).into()
}

/// Whether an error is one of what was given, and not a failure.
fn is_input(error: &anyhow::Error) -> bool {
    error.is::<Unfit>() || error.is::<ConfigError>()
}

/// Reads the word of a datum, if there is one.
fn datum(text: Option<&str>) -> anyhow::Result<Option<Datum>> {
    let read = |it: &str| Datum::parse(it).ok_or_else(|| unfit(format!("--datum {it} is none of wgs84, gcj02, bd09")));
    text.map(read).transpose()
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Common {
    /// The settings file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder for data, instead of the setting's
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl Common {
    fn load(&self, more: Flags) -> Result<Config, ConfigError> {
        let mut flags = more;
        if let Some(folder) = &self.data_dir {
            flags.insert("data_dir", folder.display().to_string());
        }
        Config::load(self.config.as_deref(), &flags)
    }
}

/// Who acts on the command line, as the history and the audit trail name it: whoever may read the data folder may do everything.
fn command_line() -> Actor {
    Actor { name: "command line".to_owned(), role: Role::Admin, address: None }
}

/// Reads the word of a role.
fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "is none of viewer, ops, admin".to_owned())
}

/// Runs the program: 0 for success, 1 for a failure, 2 for problems found in the input.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failures; where they cannot be printed, nobody reads them.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let printer = Printer::new();
    let ended = match cli.command {
        Command::Demo(options) => options.run(&printer),
        Command::Serve(options) => options.run(&printer),
        Command::Check(options) => options.run(&printer),
        Command::Import(options) => options.run(&printer),
        Command::Export(options) => options.run(&printer),
        Command::Explain(options) => options.run(&printer),
        Command::Tag(options) => options.run(&printer),
        Command::Qr(options) => options.run(&printer),
        Command::Forget(options) => options.run(&printer),
        Command::Outbox(options) => options.run(&printer),
        Command::User(options) => options.run(&printer),
        Command::Token(options) => options.run(&printer),
        Command::Storage(options) => options.run(&printer),
        Command::Wecom(options) => options.run(&printer),
        Command::Config(options) => options.run(&printer),
        Command::Health(options) => options.run(&printer),
    };
    match ended {
        Ok(End::Success) => ExitCode::SUCCESS,
        Ok(End::Problems) => ExitCode::from(2),
        // A reader that has seen enough, such as head, is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if is_input(&error) => {
            printer.error(&error);
            ExitCode::from(2)
        }
        Err(error) => {
            printer.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let of_io = |it: &std::io::Error| it.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|it| it.downcast_ref::<std::io::Error>().is_some_and(of_io))
}
