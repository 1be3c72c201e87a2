//! Staff who may contact customers, and who signed in. Documents 92571, 96442 and 98177; callback addresses 92521.

use serde::Deserialize;

use super::Wecom;
use crate::platform::{ApiError, Call};

static FOLLOW_USERS: Call = Call::repeatable("get_follow_user_list", "/externalcontact/get_follow_user_list");
static CALLBACK_IPS: Call = Call::repeatable("getcallbackip", "/getcallbackip");
static WHO: Call = Call::once("getuserinfo", "/auth/getuserinfo");

/// Who signed in. Who is no member has an `openid`, and an `external_userid` if they are a customer already.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Visitor {
    /// `userid` of a member of staff.
    #[serde(default, alias = "UserId", rename = "userid")]
    pub staff: Option<String>,
    /// Who it is to this corporation alone.
    #[serde(default, alias = "OpenId")]
    pub openid: Option<String>,
    /// `external_userid`.
    #[serde(default, rename = "external_userid")]
    pub customer: Option<String>,
}

impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visitor").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct FollowUsers {
    #[serde(default)]
    follow_user: Vec<String>,
}

#[derive(Deserialize)]
struct Ips {
    #[serde(default)]
    ip_list: Vec<String>,
}

impl Wecom {
    /// `userid` of the members who may contact customers.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn follow_users(&self) -> Result<Vec<String>, ApiError> {
        let answer: FollowUsers = self.get(&FOLLOW_USERS, &[])?;
        Ok(answer.follow_user)
    }

    /// The addresses that callbacks come from.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn callback_ips(&self) -> Result<Vec<String>, ApiError> {
        let answer: Ips = self.get(&CALLBACK_IPS, &[])?;
        Ok(answer.ip_list)
    }

    /// Where to send somebody to sign in; they come back to `redirect` with a code and this state. Of `state` letters and digits
    /// only, at most 128 bytes. Order and end of the address are as the platform wants them.
    #[must_use]
    pub fn authorize_url(&self, redirect: &str, state: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("appid", &self.corp_id).append_pair("redirect_uri", redirect);
        query.append_pair("response_type", "code").append_pair("scope", "snsapi_base").append_pair("state", state);
        if let Some(agent) = self.agent_id {
            query.append_pair("agentid", &agent.to_string());
        }
        format!("{}/connect/oauth2/authorize?{}#wechat_redirect", self.authorize_base, query.finish())
    }

    /// Who came back with this code. Not repeated: a code is good once.
    ///
    /// # Errors
    /// [`ApiError`]; 40029 if the code is wrong, too old or used.
    pub fn who(&self, code: &str) -> Result<Visitor, ApiError> {
        self.get(&WHO, &[("code", code)])
    }
}
