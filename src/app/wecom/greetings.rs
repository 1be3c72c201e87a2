//! Templates of greetings as they are kept, read by whoever greets, and edited by the operations team; not what they say.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use thiserror::Error;

use super::greet::who::Place;
use super::templates::{
    Flaw, Kept, Known, Membership, Standing, TEMPLATES_MAX, Template, Verdict, coupon_of, verdicts,
};
use crate::app::{App, Deed};
use crate::id::{CampaignSlug, StoreId};
use crate::staff::Actor;
use crate::storage::{DeskEntry, DeskKind, Storage, StorageError, Trouble};

/// How long templates are used before they are read again.
const FRESH: Duration = Duration::from_secs(2);
/// The largest picture of a template, in bytes.
pub const GREETING_PICTURE_BYTES_MAX: usize = 256 * 1024;

/// Templates for those who greet.
pub(super) struct Greetings {
    storage: Arc<dyn Storage>,
    read: Mutex<Option<(Instant, Arc<Vec<Kept>>)>>,
}

/// Why a template was not changed.
#[derive(Debug, Error)]
pub enum GreetingError {
    /// There is none with this id.
    #[error("there is no such greeting")]
    Missing,
    /// Somebody else changed it meanwhile.
    #[error("it has been changed meanwhile")]
    Stale,
    /// There are too many.
    #[error("there are {TEMPLATES_MAX} greetings already, which is as many as there may be")]
    TooMany,
    /// What is wrong with it.
    #[error("the greeting cannot be used")]
    Flawed(Vec<Flaw>),
    /// Storage does not answer.
    #[error("greetings cannot be read or written")]
    Storage(StorageError),
}

impl From<StorageError> for GreetingError {
    fn from(error: StorageError) -> Self {
        if matches!(error.kind(), Trouble::Conflict { .. }) { Self::Stale } else { Self::Storage(error) }
    }
}

fn decode(entry: &DeskEntry) -> Result<Template, StorageError> {
    serde_json::from_str(&entry.body).map_err(|error| StorageError::caused(Trouble::Corrupt, error))
}

fn all(storage: &dyn Storage) -> Result<Vec<(Kept, u64)>, StorageError> {
    let entries = storage.desk_all(DeskKind::Greeting)?;
    let kept = |it: &DeskEntry| Ok((Kept { id: it.id.clone(), template: decode(it)? }, it.revision));
    entries.iter().map(kept).collect()
}

impl Greetings {
    pub(super) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, read: Mutex::default() }
    }

    /// The templates, of a moment ago at most; while storage is away those that were read last.
    ///
    /// # Errors
    /// Storage's, if there are none yet.
    pub(super) fn in_use(&self) -> Result<Arc<Vec<Kept>>, StorageError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, templates)) = read.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(Arc::clone(templates));
        }
        let templates = match (all(&*self.storage), read.take()) {
            (Ok(all), _) => Arc::new(all.into_iter().map(|(it, _)| it).collect()),
            (Err(_away), Some((_, before))) => before,
            (Err(error), None) => return Err(error),
        };
        *read = Some((Instant::now(), Arc::clone(&templates)));
        Ok(templates)
    }

    /// The picture of a template, PNG.
    ///
    /// # Errors
    /// Storage's.
    pub(super) fn picture(&self, id: &str) -> Result<Option<Vec<u8>>, StorageError> {
        picture(&*self.storage, id)
    }
}

fn picture(storage: &dyn Storage, id: &str) -> Result<Option<Vec<u8>>, StorageError> {
    let Some(entry) = storage.desk(DeskKind::GreetingPicture, id)? else { return Ok(None) };
    let bytes = BASE64.decode(entry.body.as_bytes());
    bytes.map(Some).map_err(|error| StorageError::caused(Trouble::Corrupt, error))
}

/// For whom a greeting is tried out.
#[derive(Debug, Clone, Default)]
pub struct PreviewAsk {
    /// The store; none for nobody's.
    pub store: Option<StoreId>,
    /// The campaign; none for the default one.
    pub campaign: Option<CampaignSlug>,
    /// Whether they have been here before.
    pub standing: Option<Standing>,
    /// Whether the CRM knows them.
    pub membership: Option<Membership>,
    /// Their segment.
    pub segment: Option<String>,
}

impl App {
    /// What every template comes to for somebody, the most special first; with a draft in the place of the kept ones if there is one.
    /// Nobody is asked and nothing is sent. Blocks.
    ///
    /// # Errors
    /// [`GreetingError`]: storage's, or what is wrong with the draft.
    pub fn preview_greeting(
        &self,
        ask: &PreviewAsk,
        draft: Option<&Template>,
        public_url: &str,
    ) -> Result<Vec<(Kept, Verdict)>, GreetingError> {
        let templates = match draft {
            Some(draft) => {
                self.unflawed(draft)?;
                vec![Kept { id: String::new(), template: draft.clone() }]
            }
            None => all(&*self.parts.storage)?.into_iter().map(|(it, _)| it).collect(),
        };
        let catalog = self.catalog();
        let store = ask.store.as_ref().and_then(|it| catalog.store(catalog.store_key(it)?));
        let slug = ask.campaign.clone().unwrap_or_else(CampaignSlug::default_slug);
        let rules = self.parts.seat_rules;
        let place = Place { catalog: &catalog, storage: &*self.parts.storage, rules, public_url, now: self.now() };
        let mut known = Known {
            standing: ask.standing,
            membership: ask.membership,
            segment: ask.segment.clone(),
            contact: store
                .and_then(|it| catalog.contacts_of(catalog.store_key(&it.id)?).next())
                .map_or_else(String::new, |(_, it)| it.name.to_string()),
            ..place.known(store, &slug)
        };
        known.coupon = store.and_then(|it| coupon_of(it, &known)).unwrap_or_default();
        Ok(verdicts(&templates, &known).into_iter().map(|(it, verdict)| (it.clone(), verdict)).collect())
    }

    /// All templates with their revisions, by their names. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn greetings(&self) -> Result<Vec<(Kept, u64)>, StorageError> {
        let mut all = all(&*self.parts.storage)?;
        all.sort_by(|(a, _), (b, _)| (&a.template.name, &a.id).cmp(&(&b.template.name, &b.id)));
        Ok(all)
    }

    /// A template with its revision. Blocks.
    ///
    /// # Errors
    /// [`GreetingError::Missing`], or storage's.
    pub fn greeting(&self, id: &str) -> Result<(Template, u64), GreetingError> {
        let entry = self.parts.storage.desk(DeskKind::Greeting, id)?.ok_or(GreetingError::Missing)?;
        Ok((decode(&entry)?, entry.revision))
    }

    /// Keeps a new template; returns its id. Blocks.
    ///
    /// # Errors
    /// [`GreetingError`].
    pub fn add_greeting(&self, actor: &Actor, template: &Template) -> Result<String, GreetingError> {
        self.unflawed(template)?;
        if self.parts.storage.desk_all(DeskKind::Greeting)?.len() >= TEMPLATES_MAX {
            return Err(GreetingError::TooMany);
        }
        let id = format!("g{:012x}", self.chance() & 0xffff_ffff_ffff);
        self.write_greeting(actor, &id, None, Some(template), Some(0))?;
        Ok(id)
    }

    /// Puts a template in the place of another, if that one has the revision that `is_expected` wants. Blocks.
    ///
    /// # Errors
    /// [`GreetingError`].
    pub fn change_greeting(
        &self,
        actor: &Actor,
        id: &str,
        template: &Template,
        is_expected: impl Fn(u64) -> bool,
    ) -> Result<u64, GreetingError> {
        let (before, revision) = self.greeting(id)?;
        if !is_expected(revision) {
            return Err(GreetingError::Stale);
        }
        self.unflawed(template)?;
        self.write_greeting(actor, id, Some(&before), Some(template), Some(revision))
    }

    /// Removes a template and its picture, if it has the revision that `is_expected` wants. Blocks.
    ///
    /// # Errors
    /// [`GreetingError`].
    pub fn remove_greeting(
        &self,
        actor: &Actor,
        id: &str,
        is_expected: impl Fn(u64) -> bool,
    ) -> Result<(), GreetingError> {
        let (before, revision) = self.greeting(id)?;
        if !is_expected(revision) {
            return Err(GreetingError::Stale);
        }
        self.write_greeting(actor, id, Some(&before), None, Some(revision))?;
        self.parts.storage.put_desk(DeskKind::GreetingPicture, id, None, None)?;
        Ok(())
    }

    /// The picture of a template, PNG. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn greeting_picture(&self, id: &str) -> Result<Option<Vec<u8>>, StorageError> {
        picture(&*self.parts.storage, id)
    }

    /// Sets or removes the picture of a template. Blocks.
    ///
    /// # Errors
    /// [`GreetingError`].
    pub fn set_greeting_picture(&self, actor: &Actor, id: &str, png: Option<&[u8]>) -> Result<(), GreetingError> {
        self.greeting(id)?;
        let body = png.map(|it| BASE64.encode(it));
        self.parts.storage.put_desk(DeskKind::GreetingPicture, id, body.as_deref(), None)?;
        let action = if png.is_some() { "greeting.picture" } else { "greeting.picture_removed" };
        Ok(self.record(actor, Deed { action, target: id.to_owned(), before: None, after: None }, None)?)
    }

    fn unflawed(&self, template: &Template) -> Result<(), GreetingError> {
        let flaws = template.flaws(&self.catalog());
        if flaws.is_empty() { Ok(()) } else { Err(GreetingError::Flawed(flaws)) }
    }

    fn write_greeting(
        &self,
        actor: &Actor,
        id: &str,
        before: Option<&Template>,
        after: Option<&Template>,
        expected: Option<u64>,
    ) -> Result<u64, GreetingError> {
        let json = |it: Option<&Template>| it.and_then(|it| serde_json::to_string(it).ok());
        let (before, after) = (json(before), json(after));
        let revision = self.parts.storage.put_desk(DeskKind::Greeting, id, after.as_deref(), expected)?;
        let action = match (&before, &after) {
            (None, _) => "greeting.create",
            (Some(_), Some(_)) => "greeting.update",
            (Some(_), None) => "greeting.delete",
        };
        self.record(actor, Deed { action, target: id.to_owned(), before, after }, None)?;
        Ok(revision)
    }
}
