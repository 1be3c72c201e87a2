//! Codes that are kept by machine: join ways and contact ways, made once and changed in place, so that a printed code stays what it is.
//!
//! Which chats and members of staff stand behind a store's codes is said by two columns of the store sheet, `wecom_chats` (企微群ID)
//! and `wecom_staff` (企微成员), or on a group or contact itself. Codes without either are uploaded ones and stay as they are.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::code_entry::merged;
use super::code_report::{Detail, SyncAction, SyncError, SyncReport, SyncRow};
use super::rotation::dissolved;
use super::way_claim::{self, Claimed};
use super::wish::{Wish, named_chats, wishes};
use crate::app::entrance::Entrance;
use crate::app::join_code::read_link;
use crate::app::load_catalog;
use crate::group::{CHATS_MAX, JoinCode, Wecom as Behind};
use crate::platform::{ApiError, Remedy};
use crate::qr::Effort;
use crate::storage::{PublishInfo, Storage, StorageError, Trouble};
use crate::time::{Clock, Timestamp};
use crate::wecom::Wecom;
use crate::wecom::client::{ContactWayChange, ContactWayPlan, JoinWay, JoinWayPlan, NewGroups};

/// Characters of a remark, by the platform's own limit.
const REMARK_CHARS_MAX: usize = 30;
/// Changed codes that are published together: what was made is not lost for long.
const PUBLISHED_AT_ONCE: usize = 100;
/// How often a publication is tried on what others published meanwhile.
const TRIES_MAX: u32 = 12;
/// How often a call that has to wait is made again.
const WAITS_MAX: u32 = 3;
/// The longest wait for a limit; a longer one ends the run, which goes on where it ended when it is started again.
const WAIT_MAX: Duration = Duration::from_secs(65);

/// Keeps codes.
pub struct CodeSync {
    storage: Arc<dyn Storage>,
    wecom: Arc<Wecom>,
    clock: Arc<dyn Clock>,
    /// Hosts that codes may lead to.
    hosts: Vec<String>,
    /// Members up to which one chat is taken to accept scans.
    capacity: u32,
}

/// What was found or done about one code.
struct Done {
    action: SyncAction,
    detail: Detail,
    /// The group or contact as it is to be published; none if that does not change.
    entry: Option<Entrance>,
}

impl CodeSync {
    /// One that works over this storage; codes may lead to these hosts, and a chat takes `capacity` members by scan.
    #[must_use]
    pub fn new(
        storage: Arc<dyn Storage>,
        wecom: Arc<Wecom>,
        clock: Arc<dyn Clock>,
        hosts: Vec<String>,
        capacity: u32,
    ) -> Self {
        Self { storage, wecom, clock, hosts, capacity }
    }

    /// Brings every code up to date that is to be kept by machine, and tells of each; `author` publishes. A dry run asks and changes
    /// nothing. Blocks, for minutes where there are many.
    ///
    /// # Errors
    /// [`SyncError`]; what was done until then is published, and the next run goes on there.
    pub fn run(&self, author: &str, is_dry: bool, each: &mut dyn FnMut(&SyncRow)) -> Result<SyncReport, SyncError> {
        let version = self.storage.current_version()?;
        let catalog = load_catalog(&*self.storage, version)?;
        let named = named_chats(&catalog);
        let gone = dissolved(&*self.storage, named.iter().map(|it| &**it))?;
        let wishes = wishes(&catalog, self.capacity, &gone);
        let staff = if wishes.iter().any(|it| matches!(it.entrance, Entrance::Contact(_))) {
            Self::patiently(|| self.wecom.follow_users())?.into_iter().collect()
        } else {
            BTreeSet::new()
        };
        let mut report = SyncReport::default();
        let mut changed = Vec::new();
        for wish in &wishes {
            let done = match self.one(wish, &staff, is_dry) {
                Ok(done) => done,
                Err(error) if ends_run(&error) => {
                    self.publish(author, &mut changed, &mut report)?;
                    return Err(error);
                }
                Err(SyncError::Api(error)) => problem(Detail::of_api(&error)),
                Err(error) => return Err(error),
            };
            *report.counts.entry(done.action).or_default() += 1;
            each(&SyncRow {
                kind: wish.kind(),
                id: wish.entrance.id().to_owned(),
                name: wish.entrance.name().to_owned(),
                action: done.action,
                detail: done.detail,
            });
            changed.extend(done.entry);
            if changed.len() >= PUBLISHED_AT_ONCE {
                self.publish(author, &mut changed, &mut report)?;
            }
        }
        self.publish(author, &mut changed, &mut report)?;
        Ok(report)
    }

    /// Makes a call, and again after a wait where a short one helps.
    fn patiently<T>(call: impl Fn() -> Result<T, ApiError>) -> Result<T, ApiError> {
        let mut waits = 0;
        loop {
            let error = match call() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let limits = matches!(error.remedy(), Remedy::WaitLimit { .. } | Remedy::SlowDown { .. });
            let wait = error.remedy().wait().filter(|it| limits && *it <= WAIT_MAX && waits < WAITS_MAX);
            let Some(wait) = wait else { return Err(error) };
            waits += 1;
            thread::sleep(wait);
        }
    }

    fn one(&self, wish: &Wish, staff: &BTreeSet<String>, is_dry: bool) -> Result<Done, SyncError> {
        let strangers: Vec<&str> = match &wish.entrance {
            Entrance::Group(_) => Vec::new(),
            Entrance::Contact(_) => wish.staff.iter().map(|it| &**it).filter(|it| !staff.contains(*it)).collect(),
        };
        if !strangers.is_empty() {
            return Ok(problem(Detail::strangers(&strangers.join(", "))));
        }
        if matches!(wish.entrance, Entrance::Group(_)) && wish.chats.len() > CHATS_MAX {
            return Ok(problem(Detail::too_many_chats(wish.chats.len())));
        }
        match self.way(wish)? {
            Some(way) => self.look_after(wish, &way, is_dry),
            None if is_without_chat(wish, &wish.chats) => Ok(problem(Detail::no_chat())),
            None if is_dry => Ok(Done { action: SyncAction::Made, detail: Detail::would_be_made(), entry: None }),
            None => self.make(wish),
        }
    }

    /// The way of a code: what the catalog says, or what was noted when it was made and never published.
    fn way(&self, wish: &Wish) -> Result<Option<String>, StorageError> {
        if let Some(way) = &wish.way {
            return Ok(Some(way.to_string()));
        }
        way_claim::made(&*self.storage, &wish.state())
    }

    fn make(&self, wish: &Wish) -> Result<Done, SyncError> {
        let claim = match way_claim::claim(&*self.storage, &wish.state(), self.now())? {
            Claimed::Ours(claim) => claim,
            Claimed::Theirs => return Ok(problem(Detail::under_way())),
        };
        let made = match &wish.entrance {
            Entrance::Group(_) => Self::patiently(|| self.wecom.add_join_way(&join_plan(wish, &wish.chats))),
            Entrance::Contact(_) => {
                Self::patiently(|| self.wecom.add_contact_way(&contact_plan(wish))).map(|it| it.config_id)
            }
        };
        let way = match made {
            Ok(way) => way,
            Err(error) => {
                // Where nobody knows whether it was made, nobody makes another one for a while.
                if !error.may_be_done() {
                    claim.give_up(&*self.storage)?;
                }
                return Err(error.into());
            }
        };
        // Who loses the id of a way cannot change it any more: it is noted before anything else can fail.
        claim.keep(&*self.storage, &way)?;
        let done = self.look_after(wish, &way, false)?;
        let is_problem = done.action == SyncAction::Problem;
        Ok(if is_problem { done } else { Done { action: SyncAction::Made, detail: Detail::default(), ..done } })
    }

    /// Compares a way with what it is to be, changes it in place, and takes over what the platform added and what its picture says.
    fn look_after(&self, wish: &Wish, way: &str, is_dry: bool) -> Result<Done, SyncError> {
        let (mut differs, picture, chats) = match &wish.entrance {
            Entrance::Group(_) => {
                let is = Self::patiently(|| self.wecom.join_way(way))?;
                let gone = dissolved(&*self.storage, is.chats.iter().map(String::as_str))?;
                let chats = together(wish, &is, &gone);
                if is_without_chat(wish, &chats) {
                    return Ok(problem(Detail::no_chat()));
                }
                let differs = Self::differs_as_group(wish, &is, &chats);
                if !differs.is_empty() && !is_dry {
                    Self::patiently(|| self.wecom.update_join_way(way, &join_plan(wish, &chats)))?;
                }
                (differs, is.qr_code, chats)
            }
            Entrance::Contact(_) => {
                let is = Self::patiently(|| self.wecom.contact_way(way))?;
                let plan = contact_plan(wish);
                if is.leads_to_one() && plan.staff.len() > 1 {
                    return Ok(problem(Detail::one_member_only()));
                }
                let mut differs = Vec::new();
                let same = |a: &[String], b: &[String]| a.iter().collect::<BTreeSet<_>>() == b.iter().collect();
                if !same(&is.staff, &plan.staff) {
                    differs.push("staff");
                }
                if is.state != plan.state {
                    differs.push("state");
                }
                if is.remark != plan.remark {
                    differs.push("remark");
                }
                if !differs.is_empty() && !is_dry {
                    let change = ContactWayChange {
                        remark: Some(plan.remark),
                        state: Some(plan.state),
                        staff: Some(plan.staff),
                        skip_verify: None,
                    };
                    Self::patiently(|| self.wecom.update_contact_way(way, &change))?;
                }
                (differs, is.qr_code, Vec::new())
            }
        };
        let behind = Behind { chats, staff: wish.staff.clone(), way: Some(way.into()), is_without_chat: false };
        let is_known = wish.is_published && wish.entrance.behind() == Some(&behind);
        let code = if is_dry && !is_known { None } else { Some(self.code(wish, picture.as_deref(), is_known)?) };
        let code = match code {
            Some(Err(why)) => return Ok(problem(why)),
            Some(Ok(code)) => code,
            None => wish.entrance.code().clone(),
        };
        if wish.is_published && code.link != wish.entrance.code().link {
            differs.push("code");
        } else if wish.is_published && !is_known {
            differs.push("catalog");
        }
        let entry = wish.entrance.clone().with_code(code).with_behind(behind);
        let is_same = wish.is_published && entry == wish.entrance;
        let action = if differs.is_empty() && is_same { SyncAction::Kept } else { SyncAction::Updated };
        Ok(Done { action, detail: Detail::differs(&differs), entry: (!is_same && !is_dry).then_some(entry) })
    }

    fn differs_as_group(wish: &Wish, is: &JoinWay, chats: &[Box<str>]) -> Vec<&'static str> {
        let plan = join_plan(wish, chats);
        let mut differs = Vec::new();
        if is.chats.iter().collect::<BTreeSet<_>>() != plan.chats.iter().collect() {
            differs.push("chats");
        }
        if is.state != plan.state {
            differs.push("state");
        }
        if is.remark != plan.remark {
            differs.push("remark");
        }
        differs
    }

    /// The code in a way's picture: fetched, read, checked. What is published already and belongs to the way is not fetched again.
    fn code(&self, wish: &Wish, picture: Option<&str>, is_known: bool) -> Result<Result<JoinCode, Detail>, SyncError> {
        if is_known && wish.entrance.code().expires_at.is_none() {
            return Ok(Ok(wish.entrance.code().clone()));
        }
        let Some(address) = picture else { return Ok(Err(Detail::no_picture())) };
        let bytes = Self::patiently(|| self.wecom.picture(address))?;
        Ok(match read_link(&bytes, &self.hosts, Effort::default()) {
            Ok(read) => Ok(JoinCode { link: read.link, expires_at: None }),
            Err(refusal) => Err(Detail::of_picture(&refusal)),
        })
    }

    /// Publishes what changed, over what others published meanwhile: only the code and what stands behind it are ours.
    fn publish(&self, author: &str, changed: &mut Vec<Entrance>, report: &mut SyncReport) -> Result<(), SyncError> {
        if changed.is_empty() {
            return Ok(());
        }
        let note = format!("{} codes kept by machine", changed.len());
        for tries in 0..TRIES_MAX {
            thread::sleep(Duration::from_millis(20).mul_f64(f64::from(tries) * fastrand::f64()));
            let version = self.storage.current_version()?;
            let catalog = load_catalog(&*self.storage, version)?;
            let entries: Vec<_> = changed.iter().filter_map(|it| merged(&catalog, it)).collect();
            let stored: Vec<_> = entries.into_iter().map(|it| it.into_entry().stored()).collect();
            let info = PublishInfo { at: self.now(), author: author.to_owned(), note: note.clone() };
            match self.storage.publish(version, &info, &mut stored.into_iter()) {
                Ok(version) => {
                    report.version = Some(version);
                    changed.clear();
                    return Ok(());
                }
                Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(SyncError::Busy)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn problem(detail: Detail) -> Done {
    Done { action: SyncAction::Problem, detail, entry: None }
}

/// Whether an error is about all codes and not about this one.
fn ends_run(error: &SyncError) -> bool {
    match error {
        SyncError::Api(error) => matches!(
            error.remedy(),
            Remedy::FixSettings { .. }
                | Remedy::RefreshToken
                | Remedy::WaitLimit { .. }
                | Remedy::SlowDown { .. }
                | Remedy::RetryLater { .. }
        ),
        SyncError::Catalog(_) | SyncError::Storage(_) | SyncError::Busy => true,
    }
}

fn remark(wish: &Wish) -> String {
    wish.entrance.name().chars().take(REMARK_CHARS_MAX).collect()
}

/// A code of a group leads nowhere without a chat.
fn is_without_chat(wish: &Wish, chats: &[Box<str>]) -> bool {
    matches!(wish.entrance, Entrance::Group(_)) && chats.is_empty()
}

/// The chats behind a code: those that were named, and those that the platform made beside them when they were full. The platform
/// goes on naming chats that are `gone`, and takes no list with one of them.
fn together(wish: &Wish, is: &JoinWay, gone: &BTreeSet<String>) -> Vec<Box<str>> {
    let mut chats = wish.chats.clone();
    for chat in is.chats.iter().filter(|it| !gone.contains(*it)) {
        if chats.len() < CHATS_MAX && !chats.iter().any(|it| **it == **chat) {
            chats.push(chat.as_str().into());
        }
    }
    chats
}

fn join_plan(wish: &Wish, chats: &[Box<str>]) -> JoinWayPlan {
    JoinWayPlan {
        remark: remark(wish),
        chats: chats.iter().map(ToString::to_string).collect(),
        state: wish.state(),
        new_groups: Some(NewGroups { name: wish.entrance.name().chars().take(36).collect(), first: 2 }),
    }
}

fn contact_plan(wish: &Wish) -> ContactWayPlan {
    ContactWayPlan {
        remark: remark(wish),
        state: wish.state(),
        staff: wish.staff.iter().map(ToString::to_string).collect(),
        skip_verify: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the reference: what one code's data bring about is that code's problem, everything else would meet all of them.
    #[test]
    fn a_run_ends_for_what_all_codes_would_meet() {
        let ends =
            [-1, 6_000, 40_001, 40_013, 40_014, 42_001, 45_009, 45_033, 48_002, 50_001, 50_002, 60_011, 60_020, 84_074];
        let goes_on = [40_003, 40_058, 40_096, 41_037, 41_040, 60_111, 84_061, 90_500, 90_501, 99_999];
        let refused = |code| SyncError::Api(ApiError::Refused { call: "add", code, from_ip: None });
        for code in ends {
            assert!(ends_run(&refused(code)), "{code}");
        }
        for code in goes_on {
            assert!(!ends_run(&refused(code)), "{code}");
        }
    }
}
