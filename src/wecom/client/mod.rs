//! The interface of `WeCom`: one typed method for each call. What is called when, and what becomes of it, is decided elsewhere.
//!
//! All methods **block**, for seconds at worst. Which errors there are and what to do about each says [`crate::platform::ERRORS`].
//! A call that makes something new is never repeated blindly. Sources: the documents named at each call.

mod chats;
mod contact_ways;
mod customers;
mod join_ways;
mod links;
mod media;
mod people;
mod tags;
mod tickets;
mod welcome;

pub use chats::{ChatListed, ChatMember, ChatQuery, GroupChat, Inviter, MemberKind};
pub use contact_ways::{ContactWay, ContactWayChange, ContactWayMade, ContactWayPlan};
pub use customers::{Customer, CustomerFollow, CustomerPerson, FollowInfo, FollowTag, FollowedCustomer};
pub use join_ways::{JoinWay, JoinWayPlan, NewGroups};
pub use links::{AcquisitionLink, AcquisitionPlan, LinkCustomer};
pub use media::{ImageKind, MEDIA_LASTS_DAYS};
pub use people::Visitor;
pub use tags::{CorpTag, NewTag, NewTags, TAG_NAME_CHARS_MAX, TAGS_MAX, TagGroup, TagMark, TagTarget};
pub use welcome::{LinkCard, MediaId, MiniprogramCard, PictureUrl, WELCOME_LASTS, Welcome, WelcomeAttachment};

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::WecomSettings;
use crate::platform::{
    ApiBase, ApiError, Call, Caller, Fetched, Lasting, Limits, OnCall, Patience, Sent, TokenKeeper, json, with_token,
};
use crate::time::Clock;

/// Document 91039.
static GET_TOKEN: Call = Call::once("gettoken", "/gettoken").limited(Limits::TOKEN);

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Asks for the next; none after the last.
    pub next: Option<String>,
}

/// The next page's cursor: the last page has an empty one, or none.
fn next(cursor: String) -> Option<String> {
    Some(cursor).filter(|it| !it.is_empty())
}

/// An answer that says nothing but yes.
#[derive(Deserialize)]
struct Done {}

/// The interface as one app of one corporation sees it. Share it: connections, token and limits are its own.
#[derive(Debug)]
pub struct Wecom {
    corp_id: String,
    secret: Hidden,
    agent_id: Option<u64>,
    authorize_base: ApiBase,
    caller: Caller,
    token: Lasting,
    ticket: Lasting,
    agent_ticket: Lasting,
}

/// A text that does not print.
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: i64,
}

impl Wecom {
    /// A client for these settings; none if they have no secret, so that nothing can be called.
    #[must_use]
    pub fn new(
        settings: &WecomSettings,
        keeper: &Arc<dyn TokenKeeper>,
        clock: Arc<dyn Clock>,
        patience: Patience,
        on_call: OnCall,
    ) -> Option<Self> {
        let secret = settings.secret.clone()?;
        // Another secret is another account, whose token is not ours.
        let digest = Sha256::digest(format!("{}\n{secret}", settings.corp_id).as_bytes());
        let account: String = HEXLOWER.encode(&digest).chars().take(32).collect();
        let lasting =
            |kind: &str| Lasting::new(format!("wecom.{kind}.{account}"), Arc::clone(keeper), Arc::clone(&clock));
        Some(Self {
            corp_id: settings.corp_id.clone(),
            secret: Hidden(secret),
            agent_id: settings.agent_id,
            authorize_base: settings.authorize_base.clone(),
            token: lasting("token"),
            ticket: lasting("ticket"),
            agent_ticket: lasting("agent_ticket"),
            caller: Caller::new("wecom", settings.api_base.clone(), clock, patience, on_call),
        })
    }

    /// `corpid`.
    #[must_use]
    pub fn corp_id(&self) -> &str {
        &self.corp_id
    }

    /// The app's `agentid`, if it was said.
    #[must_use]
    pub fn agent_id(&self) -> Option<u64> {
        self.agent_id
    }

    /// Fetches a token if there is none, and does nothing else: whether corporation and secret are right.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn check_token(&self) -> Result<(), ApiError> {
        self.token.get(GET_TOKEN.name, None, || self.fetch_token()).map(drop)
    }

    fn fetch_token(&self) -> Result<Fetched, ApiError> {
        let pairs = [("corpid", self.corp_id.as_str()), ("corpsecret", self.secret.0.as_str())];
        let answer: TokenAnswer = self.caller.ask(&GET_TOKEN, &pairs, &Sent::Nothing)?;
        Ok(Fetched { value: answer.access_token, lasts_s: answer.expires_in })
    }

    /// Makes a call with a token.
    fn ask<A: DeserializeOwned>(
        &self,
        call: &'static Call,
        pairs: &[(&str, &str)],
        sent: &Sent,
    ) -> Result<A, ApiError> {
        with_token(
            call,
            &self.token,
            |_refused| self.fetch_token(),
            |token| {
                let all: Vec<(&str, &str)> =
                    [("access_token", token)].into_iter().chain(pairs.iter().copied()).collect();
                self.caller.ask(call, &all, sent)
            },
        )
    }

    fn get<A: DeserializeOwned>(&self, call: &'static Call, pairs: &[(&str, &str)]) -> Result<A, ApiError> {
        self.ask(call, pairs, &Sent::Nothing)
    }

    fn post<A: DeserializeOwned>(&self, call: &'static Call, body: &impl Serialize) -> Result<A, ApiError> {
        self.ask(call, &[], &json(call, body)?)
    }
}

/// A client that reaches nobody.
#[cfg(test)]
fn tests_client(base: &str) -> Wecom {
    use crate::platform::MemoryKeeper;
    use crate::time::SystemClock;

    let base = ApiBase::parse(base).unwrap();
    let settings = WecomSettings {
        corp_id: "ww1".to_owned(),
        secret: Some("quiet-secret".to_owned()),
        agent_id: None,
        callback: None,
        api_base: base.clone(),
        authorize_base: base,
    };
    let keeper: Arc<dyn TokenKeeper> = Arc::new(MemoryKeeper::default());
    Wecom::new(&settings, &keeper, Arc::new(SystemClock), Patience::default(), Arc::new(|_| {})).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_be_shared_and_does_not_print_its_secret() {
        fn shared<T: Send + Sync + std::fmt::Debug>(it: &T) -> String {
            format!("{it:?}")
        }
        let client = tests_client("http://127.0.0.1:1/cgi-bin");
        assert!(!shared(&client).contains("quiet-secret"));
        let error = client.check_token().unwrap_err();
        assert!(!format!("{error:?} {error}").contains("quiet-secret"), "{error:?}");
    }
}
