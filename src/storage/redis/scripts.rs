//! The scripts, and how they are run: many calls at once, each of them one step; not what they do.

use std::sync::LazyLock;

use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, Script, ServerErrorKind};

use super::super::StorageError;
use super::keys;
use super::link::{Link, Patience};

/// A script, and the name by which servers that have seen it know it.
pub(super) struct Lua {
    text: &'static str,
    hash: String,
}

fn lua(text: &'static str) -> Lua {
    Lua { text, hash: Script::new(text).get_hash().to_owned() }
}

/// Changes visits.
pub(super) static VISITS: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/visits.lua")));
/// Says whose visits are.
pub(super) static CLAIM: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/claim.lua")));
/// Lets go of what is known of visits beside their records.
pub(super) static RELEASE: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/release.lua")));
/// Reads visits.
pub(super) static PAGE: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/page.lua")));
/// Keeps and forgets consents.
pub(super) static CONSENTS: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/consents.lua")));
/// Notes how far a deliverer is.
pub(super) static DELIVERED: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/delivered.lua")));
/// Removes old consents.
pub(super) static OLD_CONSENTS: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/old_consents.lua")));
/// Removes old tallies.
pub(super) static OLD_TALLIES: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/old_tallies.lua")));
/// Removes old marks.
pub(super) static OLD_MARKS: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/old_marks.lua")));

/// Changes a card.
pub(super) static CARD: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/card.lua")));
/// Forgets a card.
pub(super) static CARD_FORGET: LazyLock<Lua> = LazyLock::new(|| lua(include_str!("scripts/card_forget.lua")));

/// A script that follows a text which it shares with others.
macro_rules! sharing {
    ($(#[$doc:meta])* $name:ident: $shared:literal, $own:literal) => {
        $(#[$doc])*
        pub(super) static $name: LazyLock<Lua> = LazyLock::new(|| {
            lua(concat!(include_str!(concat!("scripts/", $shared)), include_str!(concat!("scripts/", $own))))
        });
    };
}

sharing! {
    /// Takes jobs on.
    JOBS_PUT: "jobs.lua", "jobs_put.lua"
}
sharing! {
    /// Gives jobs to a worker.
    JOBS_LEASE: "jobs.lua", "jobs_lease.lua"
}
sharing! {
    /// Says what became of a job.
    JOBS_SETTLE: "jobs.lua", "jobs_settle.lua"
}
sharing! {
    /// Counts jobs.
    JOBS_COUNTS: "jobs.lua", "jobs_counts.lua"
}
sharing! {
    /// Reads dead jobs.
    JOBS_DEAD: "jobs.lua", "jobs_dead.lua"
}
sharing! {
    /// Makes dead jobs ready again.
    JOBS_RETRY: "jobs.lua", "jobs_retry.lua"
}
sharing! {
    /// Forgets jobs of a visitor.
    JOBS_FORGET: "jobs.lua", "jobs_forget.lua"
}
sharing! {
    /// Lets go of jobs that were done long ago.
    JOBS_PURGE: "jobs.lua", "jobs_purge.lua"
}
sharing! {
    /// Removes jobs that were given up long ago.
    JOBS_PURGE_DEAD: "jobs.lua", "jobs_purge_dead.lua"
}
sharing! {
    /// Adds to the feed.
    FEED_PUT: "feed.lua", "feed_put.lua"
}
sharing! {
    /// Reads the feed.
    FEED_READ: "feed.lua", "feed_read.lua"
}
sharing! {
    /// Forgets entries of a visitor.
    FEED_FORGET: "feed.lua", "feed_forget.lua"
}
sharing! {
    /// Removes old entries.
    FEED_PURGE: "feed.lua", "feed_purge.lua"
}

/// What one call of a script is told.
#[derive(Debug, Default)]
pub(super) struct Call {
    keys: Vec<Vec<u8>>,
    args: Vec<Vec<u8>>,
}

impl Call {
    /// A call that names these keys.
    pub(super) fn new<K: Into<Vec<u8>>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self { keys: keys.into_iter().map(Into::into).collect(), args: Vec::new() }
    }

    /// Adds an argument.
    pub(super) fn arg(&mut self, arg: impl Into<Vec<u8>>) -> &mut Self {
        self.args.push(arg.into());
        self
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut cmd = redis::cmd(name);
        let never = self.keys.first().map(|it| keys::never(it));
        cmd.arg(script).arg(self.keys.len() + usize::from(never.is_some())).arg(&self.keys).arg(never).arg(&self.args);
        cmd
    }
}

/// Runs a script once for each call, all of them in one go. All keys are of one hash tag.
pub(super) fn run<T: FromRedisValue>(link: &Link, script: &Lua, calls: &[Call]) -> Result<Vec<T>, StorageError> {
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    link.with(Patience::Work, |conn| {
        let mut pipe = Pipeline::with_capacity(calls.len());
        for call in calls {
            pipe.add_command(call.command("EVALSHA", &script.hash));
        }
        match pipe.query(conn) {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                // The server has not seen the script since its last start; the first call brings it. None of them has run, and
                // running one again would be harmless.
                let mut pipe = Pipeline::with_capacity(calls.len());
                for (n, call) in calls.iter().enumerate() {
                    let by_text = || call.command("EVAL", script.text);
                    pipe.add_command(if n == 0 { by_text() } else { call.command("EVALSHA", &script.hash) });
                }
                pipe.query(conn)
            }
            done => done,
        }
    })
}

/// Runs a script once.
pub(super) fn run_one<T: FromRedisValue>(link: &Link, script: &Lua, call: Call) -> Result<T, StorageError> {
    run(link, script, &[call])?.pop().ok_or_else(|| super::damaged("a call has no answer"))
}
