//! Opens the clients of `WeCom` and `WeChat` that the settings name; used by the service and by commands alike.

use std::sync::Arc;

use crate::app::wecom::SharedTokens;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::platform::{MemoryKeeper, OnCall, Patience, TokenKeeper};
use crate::storage::Storage;
use crate::time::Clock;
use crate::wechat::Wechat;
use crate::wecom::Wecom;

/// The clients that the settings name.
#[derive(Debug, Clone, Default)]
pub struct Platforms {
    /// `WeCom`; none if it is not used, or only its callbacks are.
    pub wecom: Option<Arc<Wecom>>,
    /// `WeChat`.
    pub wechat: Option<Arc<Wechat>>,
}

/// Opens the clients. With storage, tokens are shared with all instances; without, they are this process's own.
#[must_use]
pub fn open_platforms(
    config: &Config,
    storage: Option<&Arc<dyn Storage>>,
    clock: &Arc<dyn Clock>,
    metrics: Option<&Arc<Metrics>>,
) -> Platforms {
    let keeper: Arc<dyn TokenKeeper> = match storage {
        Some(storage) => Arc::new(SharedTokens::new(Arc::clone(storage))),
        None => Arc::new(MemoryKeeper::default()),
    };
    let metrics = metrics.cloned();
    let on_call: OnCall = Arc::new(move |made| {
        if let Some(metrics) = &metrics {
            metrics.platform_call(made.platform, made.call, made.outcome, made.took);
        }
    });
    let wecom = config
        .wecom
        .as_ref()
        .and_then(|it| Wecom::new(it, &keeper, Arc::clone(clock), Patience::default(), Arc::clone(&on_call)));
    let wechat =
        config.wechat.as_ref().map(|it| Wechat::new(it, &keeper, Arc::clone(clock), Patience::default(), on_call));
    Platforms { wecom: wecom.map(Arc::new), wechat: wechat.map(Arc::new) }
}
