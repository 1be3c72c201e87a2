//! `jinqun serve`: the service.

use anyhow::Context as _;
use clap::Args;

use super::{Common, End, Printer};
use crate::config::{Config, Flags};
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
        run(self.common.load(flags)?, printer, |_, _| Ok(()))
    }
}

/// Runs the service until it is told to stop. `ready` may print more once the address is known.
pub(super) fn run(
    config: Config,
    printer: &Printer,
    ready: impl FnOnce(&Printer, &str) -> anyhow::Result<()>,
) -> anyhow::Result<End> {
    telemetry::start(config.log, config.log_format);
    actix_web::rt::System::new().block_on(async {
        let mut signals = Signals::take().context("signals cannot be taken over")?;
        let application = Application::build(config, Replaceable::default()).await?;
        let url = format!("{}://{}", application.scheme(), application.address());
        printer.line(format!("listening on {url}"))?;
        ready(printer, &url)?;
        let reload = application.reload();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let listen = tokio::spawn(async move {
            while signals.next().await == Wish::Reload {
                reload.notify_one();
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
