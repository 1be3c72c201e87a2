//! `jinqun serve`: the service.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use super::{Common, End, Printer};
use crate::config::{Config, ConfigError, Flags};
use crate::lifecycle::{Signals, Wish};
use crate::startup::{Application, Replaceable};
use crate::telemetry;

/// Run the service
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun serve --config /etc/jinqun.toml")]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// Where to listen, instead of the setting's; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let flags: Flags = self.listen.map(|it| ("listen", it)).into_iter().collect();
        let config = self.common.load(flags.clone())?;
        let common = self.common;
        run(config, move || common.load(flags.clone()), printer, |_, _| Ok(()))
    }
}

/// Runs the service until it is told to stop. `load` reads the settings again; `ready` may print more once the address is known.
pub(super) fn run(
    config: Config,
    load: impl Fn() -> Result<Config, ConfigError> + Send + Sync + 'static,
    printer: &Printer,
    ready: impl FnOnce(&Printer, &str) -> anyhow::Result<()>,
) -> anyhow::Result<End> {
    let log = telemetry::start(config.log, config.log_format);
    actix_web::rt::System::new().block_on(async {
        let mut signals = Signals::take().context("signals cannot be taken over")?;
        let application = Application::build(config, Replaceable::default()).await?;
        let url = format!("{}://{}", application.scheme(), application.address());
        printer.line(format!("listening on {url}"))?;
        ready(printer, &url)?;
        let reloader = application.reloader();
        let reload = Arc::new(move || reloader.reload(load(), &log));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let listen = tokio::spawn(async move {
            while signals.next().await == Wish::Reload {
                let reload = Arc::clone(&reload);
                // Files are read.
                if tokio::task::spawn_blocking(move || reload()).await.is_err() {
                    tracing::error!("the settings could not be read again");
                }
            }
            // The receiver is gone only if the service ended by itself.
            let _ = stop.send(());
            // A second signal does not wait for requests under way.
            while signals.next().await == Wish::Reload {}
            tracing::warn!("told to stop twice; stopping now");
            #[expect(clippy::exit, reason = "the second signal asks for just this")]
            std::process::exit(1);
        });
        let ended = application
            .run(async {
                let _ = stopped.await;
                tracing::info!("told to stop; requests under way finish first");
            })
            .await;
        listen.abort();
        ended.map(|()| End::Success)
    })
}
