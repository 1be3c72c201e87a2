//! Works events in: each is a job that becomes facts. Once, in any order, late or lost, the facts come out the same.

use std::sync::Arc;
use std::time::Duration;

use super::chat::{Because, Outcome};
use super::facts::{Change, Facts, News, With};
use super::receive::EventBody;
use super::{Fault, belongs::Belongs, known};
use crate::app::dead_jobs::advised;
use crate::app::{App, Work, retry_at};
use crate::customer::{Customer, Membership};
use crate::job::{Job, Lane};
use crate::platform::{ApiError, Remedy};
use crate::storage::{CardKind, Settled, StorageError, Trouble};
use crate::time::Timestamp;
use crate::wecom::{ChatChange, ContactChange, Event, Fields, Happening, Wecom};

/// How often an event waits for data that lags behind it; then it is left to the next reading.
const LATE_TRIES_MAX: u32 = 6;
/// How often a job is tried that fails by something that may pass.
const TRIES_MAX: u32 = 20;
/// How often a job is tried that needs somebody to mend the settings: with an hour between, about a week.
const SETTINGS_TRIES_MAX: u32 = 180;

/// Works events in.
pub struct EventWork {
    app: Arc<App>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worked {
    Done,
    /// What it tells of cannot be read yet.
    Late,
}

impl EventWork {
    /// Works events in for this service.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    fn worked(&self, job: &Job, is_last: bool) -> Result<Worked, Fault> {
        let body: EventBody = known(&job.body)?;
        let unreadable = |error: &dyn std::error::Error| StorageError::caused(Trouble::Corrupt, error.to_string());
        let event = Event::read(&body.xml).map_err(|error| unreadable(&error))?;
        let catalog = self.app.catalog();
        let facts = Facts { app: &self.app, catalog: &catalog, cause: &job.id, now: self.app.now() };
        match &event.happening {
            Happening::Contact { staff, customer, change } => {
                contact(&facts, event.at, (staff, customer), change, is_last)
            }
            Happening::Chat { chat, change } => {
                let fields = Fields::read(&body.xml).map_err(|error| unreadable(&error))?;
                let versions = (fields.text("LastMemVer"), fields.text("CurMemVer"));
                self.chat(&facts, event.at, (chat, change), versions, is_last)
            }
            Happening::Tag | Happening::Other => Ok(Worked::Done),
        }
    }

    fn chat(
        &self,
        facts: &Facts<'_>,
        at: Timestamp,
        (chat, change): (&str, &ChatChange),
        versions: (&str, &str),
        is_last: bool,
    ) -> Result<Worked, Fault> {
        if *change == ChatChange::Dismissed {
            // The catalog may have let go of it at an earlier try.
            if facts.catalog.group_of_chat(chat).is_some() || facts.chat_card(chat)?.0.is_some() {
                facts.dissolve(chat, at)?;
            }
            return Ok(Worked::Done);
        }
        let wecom = self.app.wecom();
        if facts.catalog.group_of_chat(chat).is_none() {
            let is_adopted = match wecom {
                Some(wecom) => facts.adopt(wecom, chat)?,
                None => false,
            };
            // The chat is in another catalog now, which the next try has.
            return Ok(if is_adopted { Worked::Late } else { Worked::Done });
        }
        let went_at = matches!(change, ChatChange::Left { .. }).then_some(at);
        let is_of_members = matches!(change, ChatChange::Joined { .. } | ChatChange::Left { .. });
        let because = Because { went_at, versions: is_of_members.then_some(versions) };
        let outcome = match wecom {
            Some(wecom) => read(facts, wecom, chat, &because, at)?,
            None => Outcome::Exact,
        };
        if outcome == Outcome::Late && !is_last {
            return Ok(Worked::Late);
        }
        self.named(facts, at, (chat, change), outcome, is_last)
    }

    /// Notes those whom the event names. That they came or went is sure, whatever a list shows. Who came and is not in the list has
    /// gone since, or the list lags: that is looked into again and again, and at last left to the next reading.
    fn named(
        &self,
        facts: &Facts<'_>,
        at: Timestamp,
        (chat, change): (&str, &ChatChange),
        outcome: Outcome,
        is_last: bool,
    ) -> Result<Worked, Fault> {
        let (ChatChange::Joined { members, .. } | ChatChange::Left { members, .. }) = change else {
            return Ok(Worked::Done);
        };
        let (_, kept) = facts.chat_card(chat)?;
        let is_settled = is_last || self.app.wecom().is_none() || outcome == Outcome::Exact;
        let (mut expected, mut is_late) = (Vec::new(), false);
        for customer in members.iter().filter(|it| is_customer(facts, it)) {
            let with = With::Chat { chat, owner: &kept.owner };
            let note =
                |change, is_whole| facts.note(&News { customer, with, change, state: "", unionid: None, is_whole });
            let is_there = kept.customers.contains(customer);
            if matches!(change, ChatChange::Left { .. }) {
                note(Change::Went { at }, true)?;
                // Then the heads that were counted are those of before.
                is_late |= is_there && !is_settled;
                continue;
            }
            // Also who is there: they may have been away without anybody noticing.
            let came = Change::Came { at, is_sure: true };
            note(came, is_there || is_settled)?;
            if let Some(at) = kept.dismissed_at {
                note(Change::Dissolved { at }, true)?;
            } else if !is_there && !facts.is_member(customer, chat)? {
                note(came, true)?;
            } else if !is_there && is_settled {
                expected.push(customer.as_str());
            } else {
                is_late |= !is_there;
            }
        }
        if !expected.is_empty() && self.app.wecom().is_some() {
            facts.expect(chat, &expected)?;
        }
        Ok(if is_late { Worked::Late } else { Worked::Done })
    }
}

/// Reads a chat; one that is no longer there was dissolved.
fn read(facts: &Facts<'_>, wecom: &Wecom, chat: &str, because: &Because<'_>, at: Timestamp) -> Result<Outcome, Fault> {
    match facts.read_chat(wecom, chat, because) {
        Err(Fault::Api(error)) if error.code() == Some(super::NO_CUSTOMER_CHAT) => {
            facts.dissolve(chat, at)?;
            Ok(Outcome::Dissolved)
        }
        other => other,
    }
}

/// Whether an id is a customer's: those begin with `wm` or `wo`, and are nobody's of the staff.
fn is_customer(facts: &Facts<'_>, id: &str) -> bool {
    let is_theirs = id.starts_with("wm") || id.starts_with("wo");
    is_theirs && facts.catalog.contacts_of_staff(id).next().is_none()
}

fn contact(
    facts: &Facts<'_>,
    at: Timestamp,
    (staff, customer): (&str, &str),
    change: &ContactChange,
    is_last: bool,
) -> Result<Worked, Fault> {
    let (state, change) = match change {
        ContactChange::Added { state, .. } => (state.as_str(), Change::Came { at, is_sure: false }),
        ContactChange::Edited => ("", Change::Seen),
        ContactChange::Gone(_) => ("", Change::Went { at }),
        ContactChange::TransferFailed | ContactChange::Other => return Ok(Worked::Done),
    };
    let with = With::Staff(staff);
    // Who it is can be read of those that came; it is not waited for where nobody can be asked.
    let is_whole = facts.app.wecom().is_none() || matches!(change, Change::Went { .. });
    let mut news = News { customer, with, change, state, unionid: None, is_whole };
    if !facts.concerns(&news)? {
        return Ok(Worked::Done);
    }
    if change != Change::Seen {
        facts.note(&news)?;
    }
    if matches!(change, Change::Went { .. }) {
        return Ok(Worked::Done);
    }
    let Some(wecom) = facts.app.wecom() else { return Ok(Worked::Done) };
    let read = match wecom.customer(customer, None) {
        Ok(read) => read,
        Err(error) => {
            if change != Change::Seen && (is_last || error.remedy().wait().is_none() && !is_of_settings(&error)) {
                facts.note(&News { is_whole: true, ..news })?;
            }
            let is_late = matches!(error.remedy(), Remedy::NotAFriendYet { .. });
            return if is_late { Ok(Worked::Late) } else { Err(error.into()) };
        }
    };
    news.is_whole = true;
    news.unionid = read.person.unionid.as_deref();
    let follow = read.follows.iter().find(|it| it.staff == staff);
    // What was changed by hand belongs to a friendship whose beginning may have been lost.
    if change == Change::Seen {
        let Some(follow) = follow else { return Ok(Worked::Done) };
        news.change = Change::There { at: Timestamp::from_unix_ms(follow.since.saturating_mul(1_000)), is_sure: false };
        news.state = follow.state.as_deref().unwrap_or_default();
    }
    facts.note(&news)?;
    Ok(Worked::Done)
}

impl Facts<'_> {
    /// Whether a customer is in a chat, by what is known of both.
    fn is_member(&self, customer: &str, chat: &str) -> Result<bool, StorageError> {
        let card = self.app.parts.storage.cards(CardKind::Customer, &[customer])?.into_iter().flatten().next();
        let kept: Customer = card.map_or(Ok(Customer::default()), |it| known(&it.body))?;
        Ok(kept.chats.get(chat).is_some_and(Membership::is_live))
    }

    /// Whether news of a contact is any of our business: the code, the member of staff or the customer is known here, or a visit of
    /// ours led to it.
    pub(super) fn concerns(&self, news: &News<'_>) -> Result<bool, StorageError> {
        let is_ours = Belongs::find(self.catalog, news).is_ours()
            || super::identity::scan_of_state(&self.app.parts.signer, news.state, self.now).is_some();
        if is_ours {
            return Ok(true);
        }
        let cards = self.app.parts.storage.cards(CardKind::Customer, &[news.customer])?;
        Ok(cards.into_iter().flatten().next().is_some())
    }
}

impl Work for EventWork {
    fn lane(&self) -> Lane {
        Lane::Event
    }

    fn work(&self, job: &Job, tries: u32) -> Settled {
        let now = self.app.now();
        match self.worked(job, tries >= LATE_TRIES_MAX) {
            Ok(Worked::Late) if tries < LATE_TRIES_MAX => {
                Settled::Again(retry_at(now, tries), "what it tells of cannot be read yet".to_owned())
            }
            // What is still late is found with the next event, or by the next reading.
            Ok(Worked::Done | Worked::Late) => Settled::Done,
            Err(fault) => settled(&fault, now, tries),
        }
    }
}

/// Whether nothing helps until somebody has changed a setting here or in the console, a wrong secret among them.
fn is_of_settings(error: &ApiError) -> bool {
    matches!(error.remedy(), Remedy::FixSettings { .. } | Remedy::RefreshToken)
}

/// What becomes of a job that failed.
pub(super) fn settled(fault: &Fault, now: Timestamp, tries: u32) -> Settled {
    let cause = crate::app::whole_chain(fault);
    let may_pass = match fault {
        Fault::Storage(error) => error.kind() != Trouble::Corrupt,
        Fault::Edit(_) => true,
        // There is no such customer any more.
        Fault::Api(error) if error.code() == Some(super::NO_CUSTOMER) => return Settled::Done,
        Fault::Api(error) => {
            let most = if is_of_settings(error) { SETTINGS_TRIES_MAX } else { TRIES_MAX };
            let wait = error.remedy().wait().or_else(|| is_of_settings(error).then_some(Duration::ZERO));
            if let Some(wait) = wait.filter(|_| tries < most) {
                let wait = now.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
                return Settled::Again(wait.max(retry_at(now, tries)), cause);
            }
            return Settled::Dead(advised(&cause, error.advice()));
        }
    };
    if may_pass && tries < TRIES_MAX { Settled::Again(retry_at(now, tries), cause) } else { Settled::Dead(cause) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the reference, for jobs of events and of reconciliation: at their first try and at their twentieth.
    #[test]
    fn every_code_lets_a_job_wait_wait_for_a_person_end_or_die() {
        let now = Timestamp::from_unix_ms(1_784_088_000_000);
        let word = |code, tries| {
            let fault = Fault::Api(ApiError::Refused { call: "get", code, from_ip: None });
            match settled(&fault, now, tries) {
                Settled::Again(at, _) => {
                    assert!(at > now);
                    "waits"
                }
                Settled::Dead(_) => "dead",
                Settled::Done => "done",
            }
        };
        // Busy, a conflict, limits, not a friend yet: these pass, or not for ten hours.
        for code in [-1, 6_000, 45_009, 45_033, 84_061] {
            assert_eq!((word(code, 1), word(code, 20)), ("waits", "dead"), "{code}");
        }
        // The secret, the corporation, permissions, ranges, the address: somebody mends them within a week.
        for code in [40_001, 40_013, 40_014, 42_001, 48_002, 50_001, 50_002, 60_011, 60_020, 84_074] {
            assert_eq!((word(code, 1), word(code, 20), word(code, 180)), ("waits", "waits", "dead"), "{code}");
        }
        // The customer is no more.
        assert_eq!(word(40_096, 1), "done");
        // What was sent is wrong, and stays so; or nobody knows the code.
        let wrong = [
            40_003, 40_029, 40_033, 40_058, 40_068, 40_071, 40_072, 40_163, 41_001, 41_037, 41_040, 41_051, 60_111,
            81_017, 90_500, 90_501, 99_999,
        ];
        for code in wrong {
            assert_eq!(word(code, 1), "dead", "{code}");
        }
        // A limit by the minute is waited for.
        let limit = Fault::Api(ApiError::Refused { call: "get", code: 45_009, from_ip: None });
        assert!(matches!(settled(&limit, now, 1), Settled::Again(at, _) if at >= now.plus_ms(60_000)));
    }
}
