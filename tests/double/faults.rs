//! What goes wrong on demand.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Double;

/// Something that goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused with this code, and nothing is done.
    Code(i64),
    /// It is answered late.
    Delay(Duration),
    /// The connection ends without an answer, and nothing is done.
    Drop,
    /// It is done, and the connection ends without an answer.
    DropAfter,
    /// The answer is no JSON, and nothing is done.
    Garbage,
    /// The answer has this status, and nothing is done.
    Status(u16),
}

/// Faults by path.
#[derive(Default)]
pub(super) struct Faults {
    once: BTreeMap<String, VecDeque<Fault>>,
    always: BTreeMap<String, Fault>,
}

impl Faults {
    /// The fault of the next call of a path.
    pub(super) fn next(&mut self, path: &str) -> Option<Fault> {
        let path = path.strip_prefix("/cgi-bin").unwrap_or(path);
        let once = self.once.get_mut(path).and_then(VecDeque::pop_front);
        once.or_else(|| self.always.get(path).copied())
    }
}

impl Double {
    /// The next call of a path (such as `/externalcontact/mark_tag`) that has no fault yet goes wrong.
    pub fn fail(&self, path: &str, fault: Fault) {
        self.fail_times(path, fault, 1);
    }

    /// The next calls of a path go wrong.
    pub fn fail_times(&self, path: &str, fault: Fault, times: usize) {
        let mut world = self.world();
        world.faults.once.entry(path.to_owned()).or_default().extend(std::iter::repeat_n(fault, times));
    }

    /// Every call of a path goes wrong, until [`Double::mend`].
    pub fn fail_always(&self, path: &str, fault: Fault) {
        self.world().faults.always.insert(path.to_owned(), fault);
    }

    /// Nothing goes wrong any more.
    pub fn mend(&self) {
        self.world().faults = Faults::default();
    }

    /// A path may be called so often in a minute of the double's clock; beyond that 45009.
    pub fn limit_per_minute(&self, path: &str, limit: u32) {
        self.world().limits.insert(path.to_owned(), limit);
    }

    /// Calls come from an address that is not trusted (60020), or from a good one.
    pub fn trust(&self, is_trusted: bool) {
        self.world().is_trusted = is_trusted;
    }

    /// The app has no permission for a path (48002).
    pub fn forbid(&self, path: &str) {
        self.world().forbidden.insert(path.to_owned());
    }

    /// All tokens of both platforms are worth nothing from now on (40014).
    pub fn invalidate_tokens(&self) {
        let mut world = self.world();
        world.tokens.clear();
        world.app_tokens.clear();
    }

    /// All tokens have run out (42001).
    pub fn expire_tokens(&self) {
        let mut world = self.world();
        let now_s = world.now_s;
        let World { tokens, app_tokens, .. } = &mut *world;
        tokens.values_mut().chain(app_tokens.values_mut()).for_each(|it| *it = now_s);
    }

    /// How long tokens that are fetched from now on last.
    pub fn tokens_last_s(&self, seconds: i64) {
        self.world().token_lasts_s = seconds;
    }

    /// `groupchat/get`, `groupchat/list` and `externalcontact/get` go on showing what there is now, until [`Double::catch_up`].
    pub fn lag(&self) {
        let mut world = self.world();
        world.old_chats = Some(world.chats.clone());
        world.old_friendships = Some(world.friendships.clone());
    }

    /// Readers see what there is.
    pub fn catch_up(&self) {
        let mut world = self.world();
        world.old_chats = None;
        world.old_friendships = None;
    }

    /// Whether members of groups show the state of the way that they came by; the platform does not promise it.
    pub fn show_state(&self, is_shown: bool) {
        self.world().shows_state = is_shown;
    }
}

use super::world::World;
