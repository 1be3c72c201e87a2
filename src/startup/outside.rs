//! Assembles what works for the world outside: jobs for `WeCom`, messages to a CRM. It works beside the server, and a fault there is no
//! fault of a visit.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context as _;

use super::Platforms;
use crate::app::crm::Hooks;
use crate::app::wecom::{Callbacks, EventWork, Greet, Moved, ReconcileWork, TagIds, Tagger};
use crate::app::{AfterDelivery, App, JobRunner};
use crate::config::Config;
use crate::storage::Storage;
use crate::time::Clock;

/// Something that works for ever; it ends only if it broke off.
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What works outside, ready to be started.
#[derive(Default)]
pub(super) struct Outside {
    /// Who is told of what was delivered.
    pub(super) after: Vec<Arc<dyn AfterDelivery>>,
    tasks: Vec<(&'static str, Task)>,
}

impl Outside {
    /// Nothing but who is told of what was delivered.
    pub(super) fn after(after: Vec<Arc<dyn AfterDelivery>>) -> Self {
        Self { after, tasks: Vec::new() }
    }

    /// Adds a task, by a name for the log.
    pub(super) fn add(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push((name, Box::pin(task)));
    }

    /// Adds a runner of jobs.
    pub(super) fn add_runner(&mut self, name: &'static str, runner: JobRunner) {
        self.add(name, async move { runner.run().await });
    }

    /// Adds what works events of `WeCom` in and looks for those that were lost, as far as it is used.
    pub(super) fn work_in_events(&mut self, config: &Config, app: &Arc<App>) {
        if config.wecom.is_some() {
            self.add_runner("events of WeCom", app.runner(Arc::new(EventWork::new(Arc::clone(app)))));
        }
        if app.wecom().is_some() {
            let work = || ReconcileWork::new(Arc::clone(app));
            self.add_runner("reconciliation with WeCom", app.runner(Arc::new(work())));
            let planner = work();
            self.add("plans of reconciliation", async move { planner.plan().await });
        }
    }

    /// Adds what tells a CRM's webhooks.
    pub(super) fn tell(&mut self, hooks: &Hooks) -> &mut Self {
        for webhook in hooks.webhooks() {
            self.add("webhook", hooks.clone().run(webhook.clone()));
        }
        self
    }

    /// Adds what sets tags in `WeCom`, if it is used.
    pub(super) fn tag(
        &mut self,
        config: &Config,
        platforms: &Platforms,
        storage: &Arc<dyn Storage>,
        clock: &Arc<dyn Clock>,
    ) {
        let Some(wecom) = &platforms.wecom else { return };
        let ids = TagIds::new(Arc::clone(wecom), &config.wecom_tags);
        self.after.push(Arc::new(Moved::new(Arc::clone(storage), Arc::clone(clock))));
        let tagger = Tagger::new(Arc::clone(storage), Arc::clone(wecom), ids, Arc::clone(clock));
        self.add_runner("tags", JobRunner::new(Arc::clone(storage), Arc::clone(clock), Arc::new(tagger)));
    }

    /// Works for ever. Returns the name of the first task that ended by itself.
    pub(super) async fn run(self) -> &'static str {
        let mut running = tokio::task::JoinSet::new();
        for (name, task) in self.tasks {
            running.spawn(async move {
                task.await;
                name
            });
        }
        match running.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(_broken_off)) => "a task",
            None => std::future::pending().await,
        }
    }
}

/// What takes callbacks, if they are set up.
pub(super) fn callbacks(config: &Config, greeter: Option<Arc<dyn Greet>>) -> anyhow::Result<Option<Callbacks>> {
    let Some(settings) = config.wecom.as_ref().and_then(|it| it.callback.as_ref()) else { return Ok(None) };
    let cipher = settings.cipher().context("wecom.aes_key cannot be used")?;
    Ok(Some(Callbacks { cipher, greeter }))
}
