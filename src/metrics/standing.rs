//! Limits and states of an instance that say whose fault it is when something does not move; not what moves.

use prometheus::{Gauge, IntGauge, Registry};

use super::register;

/// How this instance's own disk and clock stand.
pub struct Standing {
    /// Items that the outbox takes at the most.
    pub outbox_items_max: IntGauge,
    /// 1 while this instance's own disk does not take what is written beside a delivery.
    pub disk_failing: IntGauge,
    /// How far this instance's clock is ahead of that of the storage server, in seconds; 0 where storage is a local file.
    pub clock_ahead_seconds: Gauge,
}

impl Standing {
    pub(super) fn new(registry: &Registry) -> Self {
        let gauge = |name: &str, help: &str| register(registry, IntGauge::new(format!("jinqun_{name}"), help));
        Self {
            outbox_items_max: gauge("outbox_items_max", "Records that the outbox takes at the most"),
            disk_failing: gauge(
                "disk_failing",
                "1 while the disk of this instance does not take what deliveries write",
            ),
            clock_ahead_seconds: register(
                registry,
                Gauge::new(
                    "jinqun_clock_ahead_seconds",
                    "How far the clock of this instance is ahead of that of the storage server; 0 if storage is a local file",
                ),
            ),
        }
    }
}
