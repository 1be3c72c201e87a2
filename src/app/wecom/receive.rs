//! Takes callbacks: looks whether they are `WeCom`'s, and keeps their events until somebody works them in; does not work them in itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::super::{App, whole_chain};
use crate::customer::person_of;
use crate::id::VisitorId;
use crate::job::{Job, Lane};
use crate::outbox::{Item, OutboxError};
use crate::storage::BOOK_BODY_BYTES_MAX;
use crate::time::Timestamp;
use crate::wecom::{ChatChange, Cipher, ContactChange, Event, Happening, OpenError, Sealed};

/// How far the moment of a signature may lie from now, in milliseconds: repeats come within seconds, and clocks differ.
const SIGNED_WITHIN_MS: i64 = 3_600_000;
/// How long an event may take to the disk. `WeCom` hangs up after five seconds and asks again.
const KEEP_WAIT: Duration = Duration::from_secs(3);

/// Somebody who greets new contacts. A greeting has 20 seconds, so it does not wait for anything else.
pub trait Greet: Send + Sync {
    /// Looks at an event as it comes in, and greets whoever is to be greeted. Returns at once; a repeat of an event comes again.
    fn greet(&self, event: &Event);
}

/// What takes callbacks.
pub struct Callbacks {
    /// Opens their envelopes.
    pub cipher: Cipher,
    /// Greets new contacts; none if nobody is greeted.
    pub greeter: Option<Arc<dyn Greet>>,
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").finish_non_exhaustive()
    }
}

/// Why a callback is not taken.
#[derive(Debug, Error)]
pub enum ReceiveError {
    /// Callbacks are not set up.
    #[error("callbacks of WeCom are not set up")]
    Off,
    /// It is not `WeCom`'s, or not for this corporation.
    #[error(transparent)]
    Sealed(#[from] OpenError),
    /// It was signed more than an hour ago, or from now.
    #[error("the message was signed too long ago")]
    TooOld,
    /// It is not on stable storage; it has to be sent again.
    #[error("the event could not be kept")]
    NotKept,
}

impl ReceiveError {
    /// What it is counted as.
    fn word(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Sealed(OpenError::Signature) => "signature",
            Self::Sealed(OpenError::Base64 | OpenError::Content) => "content",
            Self::Sealed(OpenError::Receiver) => "receiver",
            Self::TooOld => "too_old",
            Self::NotKept => "not_kept",
        }
    }
}

/// What an event's job holds: the message as it came, so that a later version finds in it what this one does not read.
#[derive(Serialize, Deserialize)]
pub(super) struct EventBody {
    /// The message.
    pub(super) xml: String,
}

/// What an event is counted as; none if nothing is done with events of its kind.
fn kind(event: &Event) -> (&'static str, bool) {
    match &event.happening {
        Happening::Contact { change, .. } => match change {
            ContactChange::Added { is_half: false, .. } => ("contact_added", true),
            ContactChange::Added { is_half: true, .. } => ("contact_half_added", true),
            ContactChange::Edited => ("contact_edited", true),
            ContactChange::Gone(_) => ("contact_gone", true),
            ContactChange::TransferFailed => ("transfer_failed", false),
            ContactChange::Other => ("contact_other", false),
        },
        Happening::Chat { change, .. } => match change {
            ChatChange::Created => ("chat_created", true),
            ChatChange::Joined { .. } => ("chat_joined", true),
            ChatChange::Left { .. } => ("chat_left", true),
            ChatChange::Described => ("chat_described", true),
            ChatChange::Dismissed => ("chat_dismissed", true),
            ChatChange::Other => ("chat_other", false),
        },
        Happening::Tag => ("tag", false),
        Happening::Other => ("other", false),
    }
}

/// Whom an event is about alone: with them it is forgotten, whatever became of it. Of several in one event nobody can be forgotten by
/// themselves.
fn whose(event: &Event) -> Option<VisitorId> {
    match &event.happening {
        Happening::Contact { customer, .. } => Some(person_of(customer)),
        Happening::Chat { change: ChatChange::Joined { members, .. } | ChatChange::Left { members, .. }, .. } => {
            members.first().filter(|_| members.len() == 1).map(|it| person_of(it))
        }
        Happening::Chat { .. } | Happening::Tag | Happening::Other => None,
    }
}

impl App {
    /// Whether callbacks are set up.
    #[must_use]
    pub fn takes_callbacks(&self) -> bool {
        self.parts.callbacks.is_some()
    }

    /// What is in the message that tries the callback's address, to be sent back as it is. It may be of any time: it tells nothing
    /// and changes nothing.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn open_echo(&self, sealed: Sealed<'_>) -> Result<String, ReceiveError> {
        let opened = self.callbacks().and_then(|it| it.cipher.open(sealed).map_err(ReceiveError::from));
        opened.map_err(|error| self.refused(error))
    }

    /// Takes an event. When this is ready the event is on stable storage; or it was none that can be read, which is counted and
    /// logged, because it would be none the next time either.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub async fn receive(&self, sealed: Sealed<'_>) -> Result<(), ReceiveError> {
        self.take(sealed).await.map_err(|error| self.refused(error))
    }

    async fn take(&self, sealed: Sealed<'_>) -> Result<(), ReceiveError> {
        let callbacks = self.callbacks()?;
        let xml = callbacks.cipher.open(sealed)?;
        let (now, signed_at) = (self.now(), signed_at(sealed.timestamp));
        if signed_at.is_none_or(|it| (now.unix_ms() - it.unix_ms()).abs() > SIGNED_WITHIN_MS) {
            return Err(ReceiveError::TooOld);
        }
        let metrics = &self.metrics().callbacks;
        let event = match Event::read(&xml) {
            Ok(event) => event,
            Err(error) => {
                metrics.event("unreadable");
                tracing::error!(cause = whole_chain(&error), bytes = xml.len(), "an event of WeCom cannot be read");
                return Ok(());
            }
        };
        let (kind, is_wanted) = kind(&event);
        metrics.event(kind);
        let body = serde_json::to_string(&EventBody { xml }).unwrap_or_default();
        if body.len() > BOOK_BODY_BYTES_MAX {
            tracing::error!(kind, bytes = body.len(), "an event of WeCom is too long to be kept");
            return Ok(());
        }
        let job = Job { id: event.key.clone(), lane: Lane::Event, body, ready_at: now, visitor: whose(&event) };
        let kept = is_wanted.then(|| self.parts.outbox.append(&Item::Job(job)));
        if let Some(greeter) = &callbacks.greeter {
            greeter.greet(&event);
        }
        match kept {
            Some(kept) => in_time(kept).await,
            None => Ok(()),
        }
    }

    fn callbacks(&self) -> Result<&Callbacks, ReceiveError> {
        self.parts.callbacks.as_ref().ok_or(ReceiveError::Off)
    }

    fn refused(&self, error: ReceiveError) -> ReceiveError {
        let cause = error.word();
        self.metrics().callbacks.refused(cause);
        match error {
            // Anybody can send these.
            ReceiveError::Off | ReceiveError::Sealed(OpenError::Signature) => tracing::debug!(cause, "a callback"),
            // These bear our signature: a setting is wrong, a clock, or the disk.
            ReceiveError::Sealed(_) | ReceiveError::TooOld | ReceiveError::NotKept => {
                tracing::warn!(cause, error = whole_chain(&error), "a callback of WeCom is not taken");
            }
        }
        error
    }
}

/// When a message was signed.
fn signed_at(seconds: &str) -> Option<Timestamp> {
    seconds.parse::<i64>().ok().map(|it| Timestamp::from_unix_ms(it.saturating_mul(1_000)))
}

async fn in_time(kept: impl Future<Output = Result<(), OutboxError>>) -> Result<(), ReceiveError> {
    match tokio::time::timeout(KEEP_WAIT, kept).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::error!(error = whole_chain(&error), "an event of WeCom could not be kept");
            Err(ReceiveError::NotKept)
        }
        Err(_elapsed) => Err(ReceiveError::NotKept),
    }
}
