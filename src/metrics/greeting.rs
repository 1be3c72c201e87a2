//! What is counted of greetings.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

use super::register;

/// Buckets for the time to a greeting, in seconds; a welcome code is good for 20.
const GREETING_BUCKETS: [f64; 9] = [0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0];

/// What is counted of greetings.
pub struct GreetingMetrics {
    ended: IntCounterVec,
    seconds: Histogram,
    lookups: IntCounterVec,
}

impl GreetingMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str| {
            register(registry, IntCounterVec::new(Opts::new(format!("jinqun_{name}"), help), &["outcome"]))
        };
        let seconds = HistogramOpts::new(
            "jinqun_greeting_seconds",
            "Time from the event, whose clock counts whole seconds, to the greeting",
        );
        Self {
            ended: counter("greetings_total", "Greetings of new contacts by what became of them"),
            seconds: register(registry, Histogram::with_opts(seconds.buckets(GREETING_BUCKETS.to_vec()))),
            lookups: counter("crm_lookups_total", "Questions to the CRM by what became of them"),
        }
    }

    /// Counts one greeting. The word comes from a fixed list.
    pub fn ended(&self, outcome: &str) {
        self.ended.with_label_values(&[outcome]).inc();
    }

    /// Notes how long after its event a greeting was sent.
    pub fn sent_after(&self, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts one question to the CRM. The word comes from a fixed list.
    pub fn looked_up(&self, outcome: &str) {
        self.lookups.with_label_values(&[outcome]).inc();
    }
}
