//! Assembles who greets new contacts.

use std::sync::Arc;

use anyhow::Context as _;

use super::first::First;
use super::platforms::Platforms;
use crate::app::wecom::{Greet, Greeter, GreeterParts, Lookup};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::storage::Storage;
use crate::time::Clock;

/// Who greets new contacts; nobody where `WeCom` cannot be called or does not tell of them.
pub(super) fn greeter(
    config: &Config,
    first: &First,
    storage: &Arc<dyn Storage>,
    platforms: &Platforms,
    (clock, metrics, public_url): (&Arc<dyn Clock>, &Arc<Metrics>, &str),
) -> anyhow::Result<Option<Arc<dyn Greet>>> {
    let has_callbacks = config.wecom.as_ref().is_some_and(|it| it.callback.is_some());
    let Some(wecom) = platforms.wecom.as_ref().filter(|_| has_callbacks) else { return Ok(None) };
    let greeter = Greeter::new(GreeterParts {
        wecom: Arc::clone(wecom),
        catalog: Arc::clone(&first.live),
        storage: Arc::clone(storage),
        seat_rules: config.seats,
        signer: first.signer.clone(),
        lookup: config.lookup.clone().map(Lookup::new),
        public_url: public_url.to_owned(),
        clock: Arc::clone(clock),
        metrics: Arc::clone(metrics),
    });
    Ok(Some(Arc::new(greeter.context("the system gives no thread")?)))
}
