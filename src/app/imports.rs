//! Sheets that people upload: compared first, then published, one at a time and behind those who answer visits.
//!
//! What an import did is kept for a while, and so are the bytes of one that was only compared, so that it can be applied without
//! being sent again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde::Serialize;
use thiserror::Error;
use tokio::sync::oneshot;

use super::export::SheetOf;
use super::publish::{ImportError, ImportOptions, ImportReport, Importer};
use super::{App, Deed, whole_chain};
use crate::catalog::owned::OwnedKind;
use crate::catalog::{Mapping, Mode, SheetRules};
use crate::geo::Datum;
use crate::group::GroupDefaults;
use crate::staff::Actor;
use crate::storage::{PublishInfo, Trouble};
use crate::time::Timestamp;

/// The largest file that is taken, in bytes.
pub const UPLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of drafts that are kept, together; the oldest go first.
const DRAFTS_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Imports whose reports are kept.
const JOBS_MAX: usize = 32;
/// How often an import is made again on what others published meanwhile.
const TRIES_MAX: usize = 3;
/// How far the thread steps back behind those that answer visits (`nice(2)`).
const NICE: i32 = 15;
/// The longest name of a file that is kept, in characters.
const FILE_NAME_CHARS_MAX: usize = 120;

/// What is to be imported.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// What the sheet is of.
    pub of: SheetOf,
    /// What the file is called.
    pub file_name: String,
    /// The file.
    pub bytes: Arc<Vec<u8>>,
    /// The datum of rows that name none.
    pub datum: Option<Datum>,
    /// How it is to be taken.
    pub options: ImportOptions,
    /// The only version of the catalog that it may change; with any other one it is compared, and changes nothing.
    pub only_version: Option<u64>,
    /// Hosts that join links may point to.
    pub link_hosts: Vec<String>,
    /// What a group has whose row does not say.
    pub groups: GroupDefaults,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportPhase {
    /// The file is being read.
    Reading,
    /// It is being compared, and published if that is asked for.
    Checking,
    /// It is over; the report says what came of it.
    Done,
    /// It was broken off.
    Failed,
}

/// An import.
#[derive(Debug, Clone)]
pub struct ImportJob {
    /// Its id.
    pub id: u64,
    /// What the sheet is of.
    pub of: SheetOf,
    /// What the file is called.
    pub file_name: String,
    /// Who makes it.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// How far it is.
    pub phase: ImportPhase,
    /// How much of the file has been read, out of how much.
    pub progress: (u64, u64),
    /// How it is taken.
    pub options: ImportOptions,
    /// The version of the catalog that it was compared with.
    pub compared_with: Option<u64>,
    /// What came of it.
    pub report: Option<Arc<ImportReport>>,
    /// Why it was broken off.
    pub failure: Option<String>,
    /// The file, as long as it can be applied.
    draft: Option<Arc<ImportRequest>>,
}

impl ImportJob {
    /// Whether it can be applied without being sent again.
    #[must_use]
    pub fn has_draft(&self) -> bool {
        self.draft.is_some()
    }

    /// The file, as long as it is kept.
    #[must_use]
    pub fn draft_bytes(&self) -> Option<&[u8]> {
        self.draft.as_ref().map(|it| it.bytes.as_slice())
    }
}

/// Somebody else's import is under way.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{by} is importing {file_name}")]
pub struct ImportBusy {
    /// Who.
    pub by: String,
    /// Which file.
    pub file_name: String,
}

/// Imports that are under way or were made.
#[derive(Debug, Default)]
pub struct Imports {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    jobs: VecDeque<ImportJob>,
    running: Option<u64>,
}

impl State {
    fn is_free(&self) -> Result<(), ImportBusy> {
        match self.jobs.iter().find(|it| self.running == Some(it.id)) {
            Some(job) => Err(ImportBusy { by: job.by.clone(), file_name: job.file_name.clone() }),
            None => Ok(()),
        }
    }
}

impl Imports {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, id: u64, change: impl FnOnce(&mut ImportJob)) {
        if let Some(job) = self.lock().jobs.iter_mut().find(|it| it.id == id) {
            change(job);
        }
    }

    /// A new import, or the one with this id once more; none may be under way.
    fn begin(
        &self,
        actor: &Actor,
        at: Timestamp,
        request: &ImportRequest,
        again: Option<u64>,
    ) -> Result<u64, ImportBusy> {
        let mut state = self.lock();
        state.is_free()?;
        let id = again.unwrap_or(state.last + 1);
        state.last = state.last.max(id);
        state.jobs.retain(|it| it.id != id);
        state.jobs.push_back(ImportJob {
            id,
            of: request.of,
            file_name: request.file_name.clone(),
            by: actor.name.clone(),
            at,
            phase: ImportPhase::Reading,
            progress: (0, 1),
            options: request.options,
            compared_with: None,
            report: None,
            failure: None,
            draft: None,
        });
        while state.jobs.len() > JOBS_MAX {
            state.jobs.pop_front();
        }
        state.running = Some(id);
        Ok(id)
    }

    /// Keeps a draft, and lets go of older ones beyond the limit.
    fn keep(&self, id: u64, draft: Arc<ImportRequest>) {
        self.update(id, |job| job.draft = Some(draft));
        let mut bytes = 0;
        for job in self.lock().jobs.iter_mut().rev() {
            bytes += job.draft.as_ref().map_or(0, |it| it.bytes.len());
            if bytes > DRAFTS_BYTES_MAX {
                job.draft = None;
            }
        }
    }
}

/// The version that was compared with, how the sheet was taken in the end, and what came of it.
type Outcome = (u64, ImportOptions, ImportReport);

/// Lets the next import begin, however this one ends.
struct Turn {
    app: Arc<App>,
    id: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let broken_off = |job: &mut ImportJob| {
            if !matches!(job.phase, ImportPhase::Done | ImportPhase::Failed) {
                job.phase = ImportPhase::Failed;
                job.failure = Some("the import was broken off".to_owned());
            }
        };
        self.app.imports.update(self.id, broken_off);
        self.app.imports.lock().running = None;
    }
}

/// An import that is under way: its id, and what hears of its end.
pub type UnderWay = (u64, oneshot::Receiver<()>);

impl App {
    /// Begins an import on a thread of its own.
    ///
    /// # Errors
    /// [`ImportBusy`] if another one is under way.
    pub fn begin_import(self: &Arc<Self>, actor: &Actor, mut request: ImportRequest) -> Result<UnderWay, ImportBusy> {
        request.file_name = request.file_name.chars().take(FILE_NAME_CHARS_MAX).collect();
        self.spawn_import(actor, Arc::new(request), None)
    }

    /// Applies an import that was only compared; if the catalog has changed since, it is compared anew instead.
    ///
    /// None if there is no such draft.
    ///
    /// # Errors
    /// [`ImportBusy`] if another one is under way.
    pub fn apply_import(
        self: &Arc<Self>,
        actor: &Actor,
        id: u64,
        skip_bad_rows: bool,
    ) -> Result<Option<UnderWay>, ImportBusy> {
        let job = self.import(id);
        let Some((draft, only_version)) = job.and_then(|it| Some((it.draft?, it.compared_with))) else {
            return Ok(None);
        };
        let options = ImportOptions { dry_run: false, skip_bad_rows, ..draft.options };
        let request = ImportRequest { options, only_version, ..(*draft).clone() };
        self.spawn_import(actor, Arc::new(request), Some(id)).map(Some)
    }

    /// Whether an import may begin, so that nobody sends a large file in vain.
    ///
    /// # Errors
    /// [`ImportBusy`] if one is under way.
    pub fn may_import(&self) -> Result<(), ImportBusy> {
        self.imports.lock().is_free()
    }

    /// The import with this id, if it is still known.
    #[must_use]
    pub fn import(&self, id: u64) -> Option<ImportJob> {
        self.imports.lock().jobs.iter().find(|it| it.id == id).cloned()
    }

    /// The imports that are known, the last first.
    #[must_use]
    pub fn recent_imports(&self) -> Vec<ImportJob> {
        self.imports.lock().jobs.iter().rev().cloned().collect()
    }

    fn spawn_import(
        self: &Arc<Self>,
        actor: &Actor,
        request: Arc<ImportRequest>,
        again: Option<u64>,
    ) -> Result<UnderWay, ImportBusy> {
        let id = self.imports.begin(actor, self.now(), &request, again)?;
        let (ended, ends) = oneshot::channel();
        let (turn, actor) = (Turn { app: Arc::clone(self), id }, actor.clone());
        let spawned = thread::Builder::new().name("import".to_owned()).spawn(move || {
            // Where the system refuses it, the import only competes more.
            let _ = rustix::process::nice(NICE);
            turn.app.run_import(turn.id, &actor, &request);
            drop(turn);
            // Who waits for it may be gone.
            let _ = ended.send(());
        });
        if spawned.is_err() {
            tracing::error!("the system gives no thread for an import");
        }
        Ok((id, ends))
    }

    fn run_import(&self, id: u64, actor: &Actor, request: &Arc<ImportRequest>) {
        let mut outcome = self.try_import(id, actor, request);
        for _ in 1..TRIES_MAX {
            match &outcome {
                Err(ImportError::Storage(error)) if matches!(error.kind(), Trouble::Conflict { .. }) => {
                    outcome = self.try_import(id, actor, request);
                }
                _ => break,
            }
        }
        match outcome {
            Ok((compared_with, options, report)) => {
                let may_apply = report.version.is_none() && report.rows > 0;
                self.imports.update(id, |job| {
                    job.phase = ImportPhase::Done;
                    job.options = options;
                    job.compared_with = Some(compared_with);
                    job.report = Some(Arc::new(report));
                });
                if may_apply {
                    self.imports.keep(id, Arc::clone(request));
                }
            }
            Err(error) => {
                tracing::error!(error = whole_chain(&error), "an import was broken off");
                self.imports.update(id, |job| {
                    job.phase = ImportPhase::Failed;
                    job.failure = Some(error.to_string());
                });
            }
        }
    }

    fn try_import(&self, id: u64, actor: &Actor, request: &ImportRequest) -> Result<Outcome, ImportError> {
        match self.catch_up() {
            // Replacing is also the way out of a catalog that cannot be read.
            Err(ImportError::Entry { .. } | ImportError::Invalid(_)) if request.options.mode == Mode::Replace => {}
            caught_up => caught_up?,
        }
        let held = self.catalog();
        let is_stale = request.only_version.is_some_and(|it| it != held.version());
        let options = ImportOptions { dry_run: request.options.dry_run || is_stale, ..request.options };
        let info = PublishInfo {
            at: self.now(),
            author: actor.name.clone(),
            note: format!("import of {}", request.file_name),
        };
        let storage = Arc::clone(&self.parts.storage);
        let importer = Importer::new(&*storage, info).comparing_with(&held);
        let rules = SheetRules {
            datum: request.datum,
            link_hosts: &request.link_hosts,
            zone: self.parts.zone.clone(),
            mapping: Mapping::default(),
            groups: request.groups,
            now: self.now(),
        };
        let mut progress = |done: u64, total: u64| {
            let phase = if done >= total { ImportPhase::Checking } else { ImportPhase::Reading };
            self.imports.update(id, |job| {
                job.progress = (done, total);
                job.phase = phase;
            });
        };
        let bytes = request.bytes.as_slice();
        let report = match request.of {
            SheetOf::Stores => importer.stores(bytes, &request.file_name, &rules, options, &mut progress)?,
            SheetOf::Groups => importer.owned(OwnedKind::Groups, bytes, &rules, options, &mut progress)?,
            SheetOf::Contacts => importer.owned(OwnedKind::Contacts, bytes, &rules, options, &mut progress)?,
        };
        if let Some(catalog) = importer.take_published() {
            self.parts.live_now(catalog);
            self.audit_import(actor, request, &report)?;
        }
        Ok((held.version(), options, report))
    }

    fn audit_import(&self, actor: &Actor, request: &ImportRequest, report: &ImportReport) -> Result<(), ImportError> {
        let action = match request.of {
            SheetOf::Stores => "stores.import",
            SheetOf::Groups => "groups.import",
            SheetOf::Contacts => "contacts.import",
        };
        let ImportReport { rows, created, updated, unchanged, removed, rejected, .. } = report;
        let mode = if request.options.mode == Mode::Replace { "replace" } else { "merge" };
        let after = serde_json::json!({"mode": mode, "rows": rows, "created": created, "updated": updated,
            "unchanged": unchanged, "removed": removed, "rejected": rejected});
        let target = request.file_name.clone();
        let deed = Deed { action, target, before: None, after: Some(after.to_string()) };
        Ok(self.record(actor, deed, report.version)?)
    }
}
