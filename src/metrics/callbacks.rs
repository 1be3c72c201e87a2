//! What is counted of callbacks; not of calls.

use prometheus::{IntCounterVec, Opts, Registry};

use super::register;

/// Callbacks that came in.
pub struct Callbacks {
    events: IntCounterVec,
    refused: IntCounterVec,
}

impl Callbacks {
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str, label: &str| {
            let opts = Opts::new(format!("jinqun_{name}"), help);
            register(registry, IntCounterVec::new(opts, &[label]))
        };
        Self {
            events: counter("wecom_events_total", "Events that WeCom told, repeats included, by kind", "kind"),
            refused: counter("wecom_callbacks_refused_total", "Callbacks that were not taken, by cause", "cause"),
        }
    }

    /// Counts one event.
    pub fn event(&self, kind: &str) {
        self.events.with_label_values(&[kind]).inc();
    }

    /// Counts one callback that was not taken.
    pub fn refused(&self, cause: &str) {
        self.refused.with_label_values(&[cause]).inc();
    }
}
