//! The interface of an official account: signing in, its token and its ticket for pages.
//!
//! All methods **block**. Sources: the documentation of `api_snsaccesstoken`, `stable_token` and `getticket`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::WechatSettings;
use crate::platform::{
    ApiError, Call, Caller, Fetched, Lasting, Limits, OnCall, Patience, Sent, TokenKeeper, json, with_token,
};
use crate::time::{Clock, Timestamp};

static SIGN_IN: Call = Call::once("sns_access_token", "/sns/oauth2/access_token").limited(Limits::SIGN_IN);
static USER: Call = Call::repeatable("sns_userinfo", "/sns/userinfo").limited(Limits::SIGN_IN);
static TOKEN: Call = Call::repeatable("stable_token", "/cgi-bin/stable_token").limited(Limits::TOKEN);
static TICKET: Call = Call::repeatable("getticket", "/cgi-bin/ticket/getticket").limited(Limits::TICKET);

/// The pause between forced tokens: the platform allows one in 30 seconds and 20 a day; this keeps to both.
const FORCE_PAUSE_MS: i64 = 4_320_000;

/// How much of a person is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Silently, the `openid` alone.
    Base,
    /// With a question to the person, the `unionid` too.
    UserInfo,
}

/// Who signed in. Nothing of it prints.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who it is to this account alone.
    pub openid: String,
    /// Who it is to all accounts of one open platform, where the platform tells.
    pub unionid: Option<String>,
    /// Whether the page was opened as a preview, with a person who is thrown away: nothing may be remembered of it.
    pub is_snapshot: bool,
    /// Reads more about the person with [`Wechat::unionid`].
    token: String,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("is_snapshot", &self.is_snapshot).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct SignInAnswer {
    access_token: String,
    openid: String,
    #[serde(default)]
    unionid: Option<String>,
    #[serde(default)]
    is_snapshotuser: i64,
}

#[derive(Deserialize)]
struct UserAnswer {
    #[serde(default)]
    unionid: Option<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: i64,
}

#[derive(Deserialize)]
struct TicketAnswer {
    ticket: String,
    expires_in: i64,
}

/// The interface of one official account. Share it: connections, token and limits are its own.
pub struct Wechat {
    settings: WechatSettings,
    caller: Caller,
    token: Lasting,
    ticket: Lasting,
    /// When a token was last forced.
    forced: Mutex<Option<Timestamp>>,
}

impl fmt::Debug for Wechat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wechat").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Wechat {
    /// A client for these settings.
    #[must_use]
    pub fn new(
        settings: &WechatSettings,
        keeper: &Arc<dyn TokenKeeper>,
        clock: Arc<dyn Clock>,
        patience: Patience,
        on_call: OnCall,
    ) -> Self {
        let digest = Sha256::digest(format!("{}\n{}", settings.app_id, settings.secret).as_bytes());
        let account: String = HEXLOWER.encode(&digest).chars().take(32).collect();
        let lasting =
            |kind: &str| Lasting::new(format!("wechat.{kind}.{account}"), Arc::clone(keeper), Arc::clone(&clock));
        Self {
            settings: settings.clone(),
            token: lasting("token"),
            ticket: lasting("ticket"),
            forced: Mutex::default(),
            caller: Caller::new("wechat", settings.api_base.clone(), clock, patience, on_call),
        }
    }

    /// `appid`.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.settings.app_id
    }

    /// Where to send somebody to sign in; they come back to `redirect` with a code and this state. Of `state` letters and digits
    /// only, at most 128 bytes. Order and end of the address are as the platform wants them.
    #[must_use]
    pub fn authorize_url(&self, redirect: &str, scope: Scope, state: &str) -> String {
        let scope = match scope {
            Scope::Base => "snsapi_base",
            Scope::UserInfo => "snsapi_userinfo",
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("appid", &self.settings.app_id).append_pair("redirect_uri", redirect);
        query.append_pair("response_type", "code").append_pair("scope", scope).append_pair("state", state);
        format!("{}/connect/oauth2/authorize?{}#wechat_redirect", self.settings.authorize_base, query.finish())
    }

    /// Who came back with this code. Not repeated: a code is good once.
    ///
    /// # Errors
    /// [`ApiError`]; 40029 or 40163 if the code is wrong, too old or used.
    pub fn sign_in(&self, code: &str) -> Result<SignedIn, ApiError> {
        let pairs = [
            ("appid", self.settings.app_id.as_str()),
            ("secret", self.settings.secret.as_str()),
            ("code", code),
            ("grant_type", "authorization_code"),
        ];
        let answer: SignInAnswer = self.caller.ask(&SIGN_IN, &pairs, &Sent::Nothing)?;
        Ok(SignedIn {
            openid: answer.openid,
            unionid: answer.unionid.filter(|it| !it.is_empty()),
            is_snapshot: answer.is_snapshotuser == 1,
            token: answer.access_token,
        })
    }

    /// Who this person is at the open platform; told for [`Scope::UserInfo`] only.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn unionid(&self, person: &SignedIn) -> Result<Option<String>, ApiError> {
        let pairs = [("access_token", person.token.as_str()), ("openid", person.openid.as_str()), ("lang", "zh_CN")];
        let answer: UserAnswer = self.caller.ask(&USER, &pairs, &Sent::Nothing)?;
        Ok(answer.unionid.filter(|it| !it.is_empty()))
    }

    /// Fetches a token if there is none, and does nothing else: whether account and secret are right.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn check_token(&self) -> Result<(), ApiError> {
        self.token.get(TOKEN.name, None, || self.fetch_token(None)).map(drop)
    }

    /// The ticket that pages are signed with; kept, as few calls are allowed.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn jsapi_ticket(&self) -> Result<String, ApiError> {
        self.ticket.get(TICKET.name, None, || {
            let fetch = |refused: Option<&str>| self.fetch_token(refused);
            let answer: TicketAnswer = with_token(&TICKET, &self.token, fetch, |token| {
                self.caller.ask(&TICKET, &[("access_token", token), ("type", "jsapi")], &Sent::Nothing)
            })?;
            Ok(Fetched { value: answer.ticket, lasts_s: answer.expires_in })
        })
    }

    /// A token; the same one as before until shortly before its end, unless that one was refused.
    fn fetch_token(&self, refused: Option<&str>) -> Result<Fetched, ApiError> {
        let first = self.ask_token(false)?;
        if refused != Some(first.value.as_str()) || !self.may_force() {
            return Ok(first);
        }
        self.ask_token(true)
    }

    fn ask_token(&self, is_forced: bool) -> Result<Fetched, ApiError> {
        let body = json!({
            "grant_type": "client_credential",
            "appid": self.settings.app_id,
            "secret": self.settings.secret,
            "force_refresh": is_forced,
        });
        let answer: TokenAnswer = self.caller.ask(&TOKEN, &[], &json(&TOKEN, &body)?)?;
        Ok(Fetched { value: answer.access_token, lasts_s: answer.expires_in })
    }

    fn may_force(&self) -> bool {
        let now = self.caller.clock().now();
        let mut forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        let may = forced.is_none_or(|it| it.plus_ms(FORCE_PAUSE_MS) <= now);
        if may {
            *forced = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{ApiBase, MemoryKeeper};
    use crate::time::SystemClock;

    #[test]
    fn the_address_to_sign_in_is_in_the_platforms_order() {
        let base = ApiBase::parse("https://open.weixin.qq.com").unwrap();
        let settings = WechatSettings {
            app_id: "wx1".to_owned(),
            secret: "quiet-secret".to_owned(),
            api_base: base.clone(),
            authorize_base: base,
        };
        let keeper: Arc<dyn TokenKeeper> = Arc::new(MemoryKeeper::default());
        let client = Wechat::new(&settings, &keeper, Arc::new(SystemClock), Patience::default(), Arc::new(|_| {}));
        assert_eq!(
            client.authorize_url("https://a.example.com/in?x=1&y=2", Scope::Base, "s1"),
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1\
             &redirect_uri=https%3A%2F%2Fa.example.com%2Fin%3Fx%3D1%26y%3D2\
             &response_type=code&scope=snsapi_base&state=s1#wechat_redirect"
        );
        assert!(!format!("{client:?}").contains("quiet-secret"));
    }
}
