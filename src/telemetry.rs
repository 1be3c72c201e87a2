//! The log: structured, to standard error, without personal data.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, reload};

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text on a terminal, else JSON lines.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// Reads `auto`, `text` or `json`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// By which the level of a running log is set.
#[derive(Debug)]
pub struct LogLevel(reload::Handle<Targets, Registry>);

impl LogLevel {
    /// Logs what is of this level from now on.
    pub fn set(&self, level: LevelFilter) {
        // The log of a process lives as long as the process; where another one was there before, there is nothing to set.
        let _ = self.0.reload(targets(level));
    }
}

/// Libraries speak up only when something is wrong; this crate speaks at the level that was asked for.
fn targets(level: LevelFilter) -> Targets {
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("jinqun", level)
}

/// Starts the log of this process. A second call changes nothing.
pub fn start(level: LevelFilter, format: LogFormat) -> LogLevel {
    let (filter, handle) = reload::Layer::new(targets(level));
    let terminal = std::io::stderr().is_terminal();
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(terminal).boxed(),
        LogFormat::Auto if terminal => layer.with_ansi(true).boxed(),
        LogFormat::Auto | LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // A process that has a log already keeps it; tests start many services in one.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    LogLevel(handle)
}
