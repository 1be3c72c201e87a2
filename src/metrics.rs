//! What operations engineers count: one struct with every metric, names and help in one place.

mod callbacks;
mod greeting;
mod standing;

use std::time::Duration;

pub use greeting::GreetingMetrics;
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

pub use callbacks::Callbacks;
pub use standing::Standing;

/// Buckets for work inside the process, in seconds: 1 µs to 0.1 s.
const FAST_BUCKETS: [f64; 12] = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 5e-3, 2.5e-2, 1e-1];
/// Buckets for work that waits for a disk or a phone, in seconds: 0.25 ms to 5 s.
const SLOW_BUCKETS: [f64; 15] =
    [2.5e-4, 5e-4, 1e-3, 2.5e-3, 3.5e-3, 4.25e-3, 5e-3, 7.5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 1.0, 5.0];

/// Buckets for calls of others over the internet, in seconds.
const CALL_BUCKETS: [f64; 8] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

macro_rules! routes {
    ($($variant:ident => $name:literal),+ $(,)?) => {
        /// The routes that are counted apart. A label never holds what a client typed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Route {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl Route {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The label.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

routes! {
    Landing => "landing",
    Chooser => "chooser",
    Scan => "scan",
    Event => "event",
    Nearest => "nearest",
    Stores => "stores",
    Qr => "qr",
    Visitor => "visitor",
    Operations => "operations",
    Callback => "callback",
    Other => "other",
}

const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

struct RouteMetrics {
    by_class: Vec<IntCounter>,
    seconds: Histogram,
}

/// All metrics of a process.
pub struct Metrics {
    registry: Registry,
    routes: Vec<RouteMetrics>,
    scans: IntCounterVec,
    refinements: IntCounterVec,
    unrecorded: IntCounter,
    steps: IntCounterVec,
    seats: IntCounterVec,
    /// Time of one call for seats.
    pub seat_seconds: Histogram,
    /// Seats that were shown while storage did not answer and that it has not counted.
    pub seats_unconfirmed: IntGauge,
    /// Such seats that storage has counted since.
    pub seats_reconciled: IntCounter,
    /// Answers to crawlers, previews and prefetches.
    pub robots: IntCounter,
    /// Pages that were looked at again.
    pub seen_again: IntCounter,
    purged: IntCounterVec,
    /// Visitors who were forgotten on demand.
    pub forgotten: IntCounter,
    /// Time of one decision.
    pub decision_seconds: Histogram,
    /// Time from handing a record over until it was on disk.
    pub commit_wait_seconds: Histogram,
    /// Time of one group commit of the outbox.
    pub commit_seconds: Histogram,
    /// Records in one group commit.
    pub commit_items: Histogram,
    /// Version of the catalog that is live.
    pub catalog_version: IntGauge,
    /// Stores in the catalog that is live.
    pub catalog_stores: IntGauge,
    /// Catalogs that were refused, because they could not be loaded or were not valid.
    pub catalog_refused: IntCounter,
    /// Catalogs that storage had lost and that this instance put back.
    pub catalog_put_back: IntCounter,
    /// Version of the catalog on disk, from which a start without storage goes on; 0 if storage is a local file.
    pub catalog_on_disk_version: IntGauge,
    /// Records in the outbox that storage does not have.
    pub outbox_depth: IntGauge,
    /// Age of the oldest of them, in seconds.
    pub outbox_oldest_seconds: IntGauge,
    /// Records that storage refused and that a person has to look at.
    pub dead_letters: IntGauge,
    /// 1 while storage answers.
    pub storage_reachable: IntGauge,
    /// Versions of the catalog that storage is ahead.
    pub catalog_lag: IntGauge,
    /// Records handed to storage.
    pub delivered: IntCounter,
    /// Deliveries that failed and are tried again.
    pub delivery_failures: IntCounter,
    /// Records that storage refuses as such and that were set aside.
    pub set_aside: IntCounter,
    /// 1 while storage does not take records.
    pub delivery_failing: IntGauge,
    /// IP databases that were refused, the one before stays in use.
    pub ip_database_refused: IntCounter,
    /// How this instance's own disk and clock stand.
    pub standing: Standing,
    /// What is delivered again.
    pub redelivery: Redelivery,
    /// What needs a person.
    pub alerting: Alerting,
    jobs_waiting: IntGaugeVec,
    jobs_dead: IntGaugeVec,
    jobs_oldest_seconds: IntGaugeVec,
    /// Greetings of new contacts.
    pub greeting: GreetingMetrics,
    platform_calls: IntCounterVec,
    platform_call_seconds: HistogramVec,
    /// Callbacks that came in.
    pub callbacks: Callbacks,
}

/// What is delivered again, because storage has lost it.
pub struct Redelivery {
    /// Delivered records that storage has lost and that are still to be delivered again; 0 if none.
    pub items: IntGauge,
    /// Records that were delivered again.
    pub delivered: IntCounter,
    /// How often storage was found to have lost something.
    pub lost: IntCounter,
    /// Times that delivered records could not be kept.
    pub not_kept: IntCounter,
}

fn redelivery(registry: &Registry) -> Redelivery {
    let gauge = |name: &str, help: &str| register(registry, IntGauge::new(format!("jinqun_{name}"), help));
    let single = |name: &str, help: &str| register(registry, IntCounter::new(format!("jinqun_{name}"), help));
    Redelivery {
        items: gauge("redelivery_items", "Records that storage has lost and that are still to be delivered again"),
        delivered: single("redelivered_total", "Records that were delivered again"),
        lost: single("storage_lost_total", "How often storage was found to have lost records that were delivered"),
        not_kept: single("not_kept_total", "Deliveries whose records could not be kept on disk for another one"),
    }
}

/// What needs a person, and what was told of it.
pub struct Alerting {
    /// The version of the catalog that is refused; 0 if none.
    pub catalog_refused_version: IntGauge,
    /// IP databases whose file cannot be read as it is.
    pub ip_databases_refusing: IntGauge,
    alerts: IntGaugeVec,
    messages: IntCounterVec,
    hooks: IntCounterVec,
}

fn of_lane(registry: &Registry, name: &str, help: &str) -> IntGaugeVec {
    register(registry, IntGaugeVec::new(Opts::new(format!("jinqun_{name}"), help), &["lane"]))
}

fn alerting(registry: &Registry) -> Alerting {
    let gauge = |name: &str, help: &str| register(registry, IntGauge::new(format!("jinqun_{name}"), help));
    let alerts = IntGaugeVec::new(Opts::new("jinqun_alerts", "What needs a person, by kind"), &["kind"]);
    let messages = Opts::new("jinqun_alert_messages_total", "Messages to webhooks by whether they arrived");
    let hooks = Opts::new("jinqun_crm_messages_total", "Messages to a CRM's webhooks by what became of them");
    Alerting {
        catalog_refused_version: gauge("catalog_refused_version", "Version of the catalog that is refused; 0 if none"),
        ip_databases_refusing: gauge("ip_databases_refusing", "IP databases whose file cannot be read as it is"),
        alerts: register(registry, alerts),
        messages: register(registry, IntCounterVec::new(messages, &["result"])),
        hooks: register(registry, IntCounterVec::new(hooks, &["result"])),
    }
}

/// Requests and latencies of every route.
fn routes(registry: &Registry) -> Vec<RouteMetrics> {
    let requests = Opts::new("jinqun_http_requests_total", "Requests by route and class of status");
    let requests = register(registry, IntCounterVec::new(requests, &["route", "status"]));
    let latency = HistogramOpts::new("jinqun_http_request_seconds", "Time from request to answer, by route");
    let latency = HistogramVec::new(latency.buckets(SLOW_BUCKETS.to_vec()), &["route"]);
    let latency = register(registry, latency);
    let of_route = |route: &Route| RouteMetrics {
        by_class: STATUS_CLASSES.iter().map(|class| requests.with_label_values(&[route.as_str(), class])).collect(),
        seconds: latency.with_label_values(&[route.as_str()]),
    };
    Route::ALL.iter().map(of_route).collect()
}

fn platform_call_seconds(registry: &Registry) -> HistogramVec {
    let opts = HistogramOpts::new("jinqun_platform_call_seconds", "Time of one attempt of a call of WeCom or WeChat");
    register(registry, HistogramVec::new(opts.buckets(CALL_BUCKETS.to_vec()), &["platform", "call"]))
}

impl Metrics {
    /// Registers everything under the prefix `jinqun_`.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a list of all metrics, which is read as one")]
    pub fn new() -> Self {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(format!("jinqun_{name}"), help), labels))
        };
        let single = |name: &str, help: &str| register(&registry, IntCounter::new(format!("jinqun_{name}"), help));
        let gauge = |name: &str, help: &str| register(&registry, IntGauge::new(format!("jinqun_{name}"), help));
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let opts = HistogramOpts::new(format!("jinqun_{name}"), help).buckets(buckets.to_vec());
            register(&registry, Histogram::with_opts(opts))
        };
        let routes = routes(&registry);
        Self {
            routes,
            scans: counter(
                "scans_total",
                "Visits by what they were shown first: outcome, source of the fix and rung of the ladder",
                &["outcome", "source", "fallback"],
            ),
            refinements: counter(
                "scan_refinements_total",
                "Refinements of visits by what they were shown then: outcome, source of the fix and rung of the ladder",
                &["outcome", "source", "fallback"],
            ),
            unrecorded: single("scans_unrecorded_total", "Answers whose record could not be put on disk"),
            steps: counter("steps_total", "Steps that the page saw", &["step"]),
            seats: counter("seats_total", "Wishes for a seat in a group by what became of them", &["result"]),
            seat_seconds: histogram(
                "seat_seconds",
                "Time of one call for seats, of any number of visits",
                &SLOW_BUCKETS,
            ),
            seats_unconfirmed: gauge(
                "seats_unconfirmed",
                "Seats shown while storage did not answer, which wait in the outbox to be counted",
            ),
            seats_reconciled: single("seats_reconciled_total", "Seats of that kind that storage has counted since"),
            robots: single("robots_total", "Answers to crawlers, link previews and prefetches, which make no visits"),
            seen_again: single("seen_again_total", "Pages that were looked at again within half an hour"),
            purged: counter("purged_total", "What was removed because it was too old", &["kind"]),
            forgotten: single("forgotten_total", "Visitors who were forgotten on demand"),
            decision_seconds: histogram("decision_seconds", "Time of one decision", &FAST_BUCKETS),
            commit_wait_seconds: histogram(
                "commit_wait_seconds",
                "Time from handing a record over until it was on disk",
                &SLOW_BUCKETS,
            ),
            commit_seconds: histogram("commit_seconds", "Time of one group commit of the outbox", &SLOW_BUCKETS),
            commit_items: histogram(
                "commit_items",
                "Records in one group commit",
                &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 512.0],
            ),
            catalog_version: gauge("catalog_version", "Version of the catalog that is live"),
            catalog_stores: gauge("catalog_stores", "Stores in the catalog that is live"),
            catalog_refused: single("catalog_refused_total", "Catalogs that were refused; the one before stays live"),
            catalog_put_back: single("catalog_put_back_total", "Catalogs that storage had lost and that were put back"),
            catalog_on_disk_version: gauge(
                "catalog_on_disk_version",
                "Version of the catalog on disk, for a start without storage; 0 if storage is a local file",
            ),
            outbox_depth: gauge("outbox_depth", "Records in the outbox that storage does not have"),
            outbox_oldest_seconds: gauge(
                "outbox_oldest_seconds",
                "Age of the oldest record in the outbox; 0 if none waits",
            ),
            dead_letters: gauge("dead_letters", "Records that storage refused, kept on this instance's disk"),
            storage_reachable: gauge("storage_reachable", "1 while storage answers, looked at with each scrape"),
            catalog_lag: gauge(
                "catalog_lag",
                "Versions of the catalog that storage is ahead; the last known while it is away",
            ),
            delivered: single("delivered_total", "Records handed to storage"),
            delivery_failures: single("delivery_failures_total", "Deliveries that failed and are tried again"),
            set_aside: single("set_aside_total", "Records that storage refuses as such; they are dead letters"),
            delivery_failing: gauge("delivery_failing", "1 while storage does not take records"),
            ip_database_refused: single(
                "ip_database_refused_total",
                "IP databases that were refused; the one before stays in use",
            ),
            standing: Standing::new(&registry),
            redelivery: redelivery(&registry),
            alerting: alerting(&registry),
            jobs_waiting: of_lane(&registry, "jobs_waiting", "Jobs that wait or are worked on"),
            jobs_dead: of_lane(&registry, "jobs_dead", "Jobs that were given up and that a person has to look at"),
            jobs_oldest_seconds: of_lane(
                &registry,
                "jobs_oldest_seconds",
                "For how long the oldest job that is ready has been ready; 0 if none is",
            ),
            greeting: GreetingMetrics::new(&registry),
            platform_calls: counter(
                "platform_calls_total",
                "Calls of WeCom and WeChat, each attempt by what became of it",
                &["platform", "call", "outcome"],
            ),
            platform_call_seconds: platform_call_seconds(&registry),
            callbacks: Callbacks::new(&registry),
            registry,
        }
    }

    /// Shows how a lane stands: jobs that wait, dead ones, and the age of the oldest that is ready in seconds.
    pub fn lane(&self, lane: &str, [waiting, dead, oldest_s]: [i64; 3]) {
        self.jobs_waiting.with_label_values(&[lane]).set(waiting);
        self.jobs_dead.with_label_values(&[lane]).set(dead);
        self.jobs_oldest_seconds.with_label_values(&[lane]).set(oldest_s);
    }

    /// Shows how many alerts of a kind there are.
    pub fn alerts(&self, kind: &str, count: i64) {
        self.alerting.alerts.with_label_values(&[kind]).set(count);
    }

    /// Counts one message to a webhook.
    pub fn alert_message(&self, has_arrived: bool) {
        self.alerting.messages.with_label_values(&[if has_arrived { "sent" } else { "failed" }]).inc();
    }

    /// Counts what became of one message to a CRM: `sent`, `failed` or `passed_over`.
    pub fn hook(&self, result: &str) {
        self.alerting.hooks.with_label_values(&[result]).inc();
    }

    /// Counts one request.
    pub fn request(&self, route: Route, status: u16, took: Duration) {
        let Some(metrics) = Route::ALL.iter().position(|it| *it == route).and_then(|at| self.routes.get(at)) else {
            return;
        };
        if let Some(counter) = metrics.by_class.get(usize::from((status / 100).clamp(1, 5) - 1)) {
            counter.inc();
        }
        metrics.seconds.observe(took.as_secs_f64());
    }

    /// Counts one attempt of a call of `WeCom` or `WeChat`. All three labels come from fixed lists.
    pub fn platform_call(&self, platform: &str, call: &str, outcome: &str, took: Duration) {
        self.platform_calls.with_label_values(&[platform, call, outcome]).inc();
        // What was not sent took no time.
        if !matches!(outcome, "limited" | "no_token" | "unfit") {
            self.platform_call_seconds.with_label_values(&[platform, call]).observe(took.as_secs_f64());
        }
    }

    /// Counts one visit, or one refinement of a visit.
    pub fn scan(&self, is_refined: bool, outcome: &str, source: &str, fallback: &str) {
        let counters = if is_refined { &self.refinements } else { &self.scans };
        counters.with_label_values(&[outcome, source, fallback]).inc();
    }

    /// Counts one answer without a durable record.
    pub fn unrecorded(&self) {
        self.unrecorded.inc();
    }

    /// Counts one wish for a seat: `taken`, `kept`, `none` or `unconfirmed`.
    pub fn seat(&self, result: &str) {
        self.seats.with_label_values(&[result]).inc();
    }

    /// Counts one step.
    pub fn step(&self, step: &str) {
        self.steps.with_label_values(&[step]).inc();
    }

    /// Counts what was removed because it was too old.
    pub fn purged(&self, kind: &str, count: u64) {
        self.purged.with_label_values(&[kind]).inc_by(count);
    }

    /// The Prometheus text format.
    ///
    /// # Errors
    /// The encoder's own, which happens only if two metrics have one name.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut out = Vec::with_capacity(16 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        Ok(out)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn register<C: prometheus::core::Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let metric = made.expect("names and labels above are valid");
    registry.register(Box::new(metric.clone())).expect("every name above stands once");
    metric
}
