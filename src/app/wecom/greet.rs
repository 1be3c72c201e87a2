//! Greets new contacts: on a path of its own, because a welcome code is good for twenty seconds, once.
//!
//! Events come from the callback as they arrive, before anything is worked in. A few threads greet, what waits is bounded, and what
//! cannot be done in time is let go: a greeting is a courtesy, and its failure is counted and hinders nothing.

mod media;
pub(super) mod who;

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use self::media::Media;
use super::greetings::Greetings;
use super::lookup::Lookup;
use super::receive::Greet;
use super::templates::verdicts;
use crate::app::Signer;
use crate::app::deliver::whole_chain;
use crate::catalog::Catalog;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::platform::{ApiError, Remedy};
use crate::storage::{SeatRules, Storage};
use crate::time::{Clock, Timestamp};
use crate::wecom::client::{WELCOME_LASTS, Welcome};
use crate::wecom::{ContactChange, Event, Happening, Wecom};

/// Greetings under way at a time: each waits for others most of its time.
const AT_A_TIME: usize = 8;
/// Greetings that wait; more could not be sent within their seconds.
const WAITING_MAX: usize = 512;
/// People that are remembered as greeted.
const GREETED_MAX: usize = 20_000;
/// For how long: a half and a whole event of one person lie minutes apart at worst.
const GREETED: Duration = Duration::from_mins(10);
/// The pause before a greeting that was not taken is sent again.
const AGAIN: Duration = Duration::from_millis(500);
/// An event this old is not looked at: its code has long lost its worth, whoever's clock is wrong.
const OLD_MS: i64 = 120_000;

/// Somebody to be greeted.
#[derive(Debug, Clone)]
struct Task {
    staff: String,
    customer: String,
    state: String,
    code: String,
    /// When it happened, by the platform's clock.
    at: Timestamp,
    /// When the code loses its worth.
    until: Instant,
}

/// What became of a greeting, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Sent,
    /// Somebody else was first: another app, another instance, or a person.
    Taken,
    /// No template fits.
    Nothing,
    /// The code lost its worth.
    Late,
    /// Too many waited.
    Dropped,
    /// The same person's other event is greeted.
    Repeated,
    Failed,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Taken => "taken",
            Self::Nothing => "no_template",
            Self::Late => "late",
            Self::Dropped => "dropped",
            Self::Repeated => "repeated",
            Self::Failed => "failed",
        }
    }
}

/// How far the greeting of a person has come.
enum Progress {
    /// It is under way; another event of theirs stands by, should it fail.
    UnderWay(Option<Task>),
    /// It was sent, or may have been.
    Over,
    /// It was not sent, with this code.
    Failed(String),
}

/// What greetings are made with.
pub struct GreeterParts {
    /// The interface that sends.
    pub wecom: Arc<Wecom>,
    /// The catalog that is live.
    pub catalog: Arc<Live<Catalog>>,
    /// Templates, customers, visits and who is in which group.
    pub storage: Arc<dyn Storage>,
    /// How seats count.
    pub seat_rules: SeatRules,
    /// Reads channels.
    pub signer: Signer,
    /// Asks the CRM, if there is one.
    pub lookup: Option<Lookup>,
    /// Where pages are.
    pub public_url: String,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

struct Inner {
    parts: GreeterParts,
    greetings: Greetings,
    media: Media,
    people: Mutex<BTreeMap<(String, String), (Progress, Instant)>>,
}

/// Greets new contacts.
#[derive(Clone)]
pub struct Greeter {
    inner: Arc<Inner>,
    tasks: SyncSender<Task>,
}

impl Greeter {
    /// A greeter; its threads end with the last clone.
    ///
    /// # Errors
    /// The system's, if it gives no threads.
    pub fn new(parts: GreeterParts) -> io::Result<Self> {
        let (tasks, waiting) = sync_channel::<Task>(WAITING_MAX);
        let greetings = Greetings::new(Arc::clone(&parts.storage));
        let inner = Arc::new(Inner { parts, greetings, media: Media::default(), people: Mutex::default() });
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..AT_A_TIME {
            let (inner, waiting) = (Arc::clone(&inner), Arc::clone(&waiting));
            thread::Builder::new().name("greeter".to_owned()).spawn(move || work(&inner, &waiting))?;
        }
        Ok(Self { inner, tasks })
    }
}

impl Greet for Greeter {
    fn greet(&self, event: &Event) {
        let Happening::Contact { staff, customer, change } = &event.happening else { return };
        let ContactChange::Added { state, welcome_code, .. } = change else { return };
        let now = self.inner.parts.clock.now();
        let age_ms = now.unix_ms().saturating_sub(event.at.unix_ms()).max(0);
        if welcome_code.is_empty() || age_ms > OLD_MS {
            return;
        }
        let age = Duration::from_millis(age_ms.unsigned_abs());
        let task = Task {
            staff: staff.clone(),
            customer: customer.clone(),
            state: state.clone(),
            code: welcome_code.clone(),
            at: event.at,
            // A clock that is behind gives no more time, and one that is ahead still lets one call be made.
            until: Instant::now() + WELCOME_LASTS.saturating_sub(age),
        };
        if !self.inner.begin(&task) {
            self.inner.count(Outcome::Repeated);
        } else if let Err(error) = self.tasks.try_send(task) {
            let (std::sync::mpsc::TrySendError::Full(task) | std::sync::mpsc::TrySendError::Disconnected(task)) = error;
            self.inner.end(&task, Outcome::Dropped);
            self.inner.count(Outcome::Dropped);
            tracing::error!("a greeting is dropped: too many wait");
        }
    }
}

fn work(inner: &Inner, waiting: &Mutex<Receiver<Task>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut task) = next else { return };
        loop {
            let outcome = inner.greet(&task);
            inner.count(outcome);
            if outcome == Outcome::Sent {
                let took_ms = inner.parts.clock.now().unix_ms().saturating_sub(task.at.unix_ms()).max(0);
                inner.parts.metrics.greeting.sent_after(Duration::from_millis(took_ms.unsigned_abs()));
            }
            match inner.end(&task, outcome) {
                Some(other) => task = other,
                None => break,
            }
        }
    }
}

impl Inner {
    fn people(&self) -> MutexGuard<'_, BTreeMap<(String, String), (Progress, Instant)>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, outcome: Outcome) {
        self.parts.metrics.greeting.ended(outcome.as_str());
    }

    /// Whether this event is to be greeted: nobody is greeted twice, whatever their events.
    fn begin(&self, task: &Task) -> bool {
        let now = Instant::now();
        let key = (task.staff.clone(), task.customer.clone());
        let mut people = self.people();
        if people.len() >= GREETED_MAX {
            people.retain(|_, (progress, at)| matches!(progress, Progress::UnderWay(_)) || now - *at < GREETED);
        }
        let is_new = match people.get_mut(&key) {
            Some((_, at)) if now.saturating_duration_since(*at) >= GREETED => true,
            Some((Progress::UnderWay(other), _)) => {
                *other = Some(task.clone());
                false
            }
            Some((Progress::Over, _)) => false,
            Some((Progress::Failed(code), _)) => *code != task.code,
            None => people.len() < GREETED_MAX,
        };
        if is_new {
            people.insert(key, (Progress::UnderWay(None), now));
        }
        is_new
    }

    /// Notes what became of a greeting; returns the person's other event, if that may still be greeted.
    fn end(&self, task: &Task, outcome: Outcome) -> Option<Task> {
        let key = (task.staff.clone(), task.customer.clone());
        let mut people = self.people();
        let (progress, at) = people.get_mut(&key)?;
        *at = Instant::now();
        let other = match progress {
            Progress::UnderWay(other) => other.take().filter(|it| it.code != task.code),
            Progress::Over | Progress::Failed(_) => None,
        };
        let is_over = matches!(outcome, Outcome::Sent | Outcome::Taken | Outcome::Nothing);
        *progress = match (&other, is_over) {
            (_, true) => Progress::Over,
            (Some(_), false) => Progress::UnderWay(None),
            (None, false) => Progress::Failed(task.code.clone()),
        };
        other.filter(|_| !is_over)
    }

    fn greet(&self, task: &Task) -> Outcome {
        let templates = match self.greetings.in_use() {
            Ok(templates) => templates,
            Err(error) => {
                tracing::warn!(error = whole_chain(&error), "nobody can be greeted: the templates cannot be read");
                return Outcome::Failed;
            }
        };
        if !templates.iter().any(|it| it.template.is_on) {
            return Outcome::Nothing;
        }
        let catalog = self.parts.catalog.snapshot();
        let known = self.known(&catalog, task);
        let mut fitting =
            verdicts(&templates, &known).into_iter().filter_map(|(it, greeting)| Some((it, greeting.ok()?)));
        let Some((kept, greeting)) = fitting.next() else { return Outcome::Nothing };
        let attachments = self.attachments(&catalog, &known, &kept.id, greeting.parts, task.until);
        if greeting.text.is_empty() && attachments.is_empty() {
            return Outcome::Failed;
        }
        self.send(task, &Welcome { text: greeting.text, attachments })
    }

    /// Sends until it is taken, refused, or too late. One try is made however late it seems: clocks differ, and it costs little.
    fn send(&self, task: &Task, welcome: &Welcome) -> Outcome {
        loop {
            let error = match self.parts.wecom.send_welcome(&task.code, welcome) {
                Ok(()) => return Outcome::Sent,
                Err(error) => error,
            };
            if error.code() == Some(CHAT_STARTED) {
                return Outcome::Taken;
            }
            if Instant::now() + AGAIN >= task.until {
                tracing::warn!(error = whole_chain(&error), "a greeting was not taken in time");
                return Outcome::Late;
            }
            if !may_help(&error) {
                tracing::warn!(error = whole_chain(&error), "a greeting was not taken");
                return Outcome::Failed;
            }
            thread::sleep(AGAIN);
        }
    }
}

/// The chat has begun, or the welcome was sent already.
const CHAT_STARTED: i64 = 41_051;

/// Whether sending again may help, and cannot greet twice: the platform takes each code once, so a repeat of what may have arrived is
/// refused there.
fn may_help(error: &ApiError) -> bool {
    match error {
        ApiError::Unreachable { .. } | ApiError::Status { .. } | ApiError::NoToken { code: None, .. } => true,
        ApiError::Refused { .. } | ApiError::NoToken { .. } => {
            matches!(error.remedy(), Remedy::RetryLater { .. } | Remedy::SlowDown { .. })
        }
        ApiError::Garbled { .. } | ApiError::Limited { .. } | ApiError::Unfit { .. } => false,
    }
}
