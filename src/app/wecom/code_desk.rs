//! A run over all codes that somebody of the operations team starts and looks at; one at a time on an instance.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use thiserror::Error;

use super::code_report::{SyncAction, SyncError, SyncReport, SyncRow};
use super::codes::CodeSync;
use crate::app::{App, Deed, whole_chain};
use crate::staff::Actor;
use crate::time::Timestamp;

/// Codes that are listed of a run: those that need a person first, then those that changed.
const ROWS_MAX: usize = 1_000;

/// A run, under way or over.
#[derive(Debug, Clone)]
pub struct CodeRun {
    /// Who started it.
    pub by: String,
    /// Whether it changes nothing.
    pub is_dry: bool,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How many codes of each kind of action so far.
    pub counts: BTreeMap<SyncAction, u64>,
    /// Codes that are not as they are to be, in the order in which they were looked at; at most some.
    pub rows: Vec<SyncRow>,
    /// Why it ended early.
    pub error: Option<String>,
    /// What to do about that, in Chinese and English.
    pub advice: Option<(&'static str, &'static str)>,
    /// The version that is live since.
    pub version: Option<u64>,
}

/// Why no run was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodeRunError {
    /// `WeCom` is not set up.
    #[error("WeCom is not set up")]
    Off,
    /// One is under way.
    #[error("a run is under way")]
    Busy,
    /// The system gives no thread.
    #[error("the system gives no thread")]
    NoThread,
}

/// The last run.
#[derive(Debug, Default)]
pub(in crate::app) struct CodeDesk(Mutex<Option<CodeRun>>);

impl CodeDesk {
    fn lock(&self) -> MutexGuard<'_, Option<CodeRun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut CodeRun)) {
        if let Some(run) = self.lock().as_mut() {
            change(run);
        }
    }
}

impl App {
    /// The run over all codes that is under way, or the last one on this instance.
    #[must_use]
    pub fn code_run(&self) -> Option<CodeRun> {
        self.code_desk.lock().clone()
    }

    /// Starts a run over all codes; codes may lead to these hosts, and a chat takes `capacity` members by scan.
    ///
    /// # Errors
    /// [`CodeRunError`].
    pub fn start_code_run(
        self: &Arc<Self>,
        actor: &Actor,
        is_dry: bool,
        (hosts, capacity): (Vec<String>, u32),
    ) -> Result<(), CodeRunError> {
        let wecom = Arc::clone(self.wecom().ok_or(CodeRunError::Off)?);
        let (storage, clock) = (Arc::clone(&self.parts.storage), Arc::clone(&self.parts.clock));
        let sync = CodeSync::new(storage, wecom, clock, hosts, capacity);
        let mut last = self.code_desk.lock();
        if last.as_ref().is_some_and(|it| it.ended_at.is_none()) {
            return Err(CodeRunError::Busy);
        }
        let before = last.replace(CodeRun {
            by: actor.name.clone(),
            is_dry,
            began_at: self.now(),
            ended_at: None,
            counts: BTreeMap::new(),
            rows: Vec::new(),
            error: None,
            advice: None,
            version: None,
        });
        let (this, actor) = (Arc::clone(self), actor.clone());
        let started =
            thread::Builder::new().name("codes".to_owned()).spawn(move || this.run_over_codes(&sync, &actor, is_dry));
        if started.is_err() {
            *last = before;
            return Err(CodeRunError::NoThread);
        }
        Ok(())
    }

    fn run_over_codes(&self, sync: &CodeSync, actor: &Actor, is_dry: bool) {
        let desk = &self.code_desk;
        let ran = sync.run(&actor.name, is_dry, &mut |row| {
            desk.note(|run| {
                *run.counts.entry(row.action).or_default() += 1;
                if row.action != SyncAction::Kept && run.rows.len() < ROWS_MAX {
                    run.rows.push(row.clone());
                }
            });
        });
        if !is_dry {
            // What was published is live at once; where it cannot be read now the follower does it.
            let _ = self.catch_up();
            let after = ran.as_ref().ok().map(told);
            let deed = Deed { action: "wecom.sync", target: "codes".to_owned(), before: None, after };
            let _ = self.record(actor, deed, ran.as_ref().ok().and_then(|it| it.version));
        }
        let now = self.now();
        desk.note(|run| {
            run.ended_at = Some(now);
            match &ran {
                Ok(report) => run.version = report.version,
                Err(error) => {
                    run.error = Some(whole_chain(error));
                    if let SyncError::Api(api) = error {
                        let advice = api.advice();
                        run.advice = Some((advice.zh, advice.en));
                    }
                }
            }
        });
    }
}

fn told(report: &SyncReport) -> String {
    let counts: BTreeMap<&str, u64> = report.counts.iter().map(|(action, count)| (action.as_str(), *count)).collect();
    serde_json::to_string(&counts).unwrap_or_default()
}
