//! Tokens, and people who sign in.

use serde_json::json;

use super::world::{Answer, CustomerHere, Friendship, Person, Refusal, Request, SignIn, Staff, World};
use super::{APP, APP_SECRET, CORP, Double, SECRET};

/// How long a code of a sign-in is good.
const CODE_LASTS_S: i64 = 300;

impl World {
    pub(super) fn get_token(&mut self, request: &Request) -> Answer {
        if request.asked("corpid") != CORP {
            return Err(Refusal(40_013));
        }
        if request.asked("corpsecret") != SECRET {
            return Err(Refusal(40_001));
        }
        let token = self.id("corp-token-");
        self.tokens.insert(token.clone(), self.now_s + self.token_lasts_s);
        Ok(json!({ "access_token": token, "expires_in": self.token_lasts_s }))
    }

    /// The same token until five minutes before its end, unless another is demanded.
    pub(super) fn stable_token(&mut self, request: &Request) -> Answer {
        if request.text("appid") != APP {
            return Err(Refusal(40_013));
        }
        if request.text("secret") != APP_SECRET {
            return Err(Refusal(40_001));
        }
        let now = self.now_s;
        let is_forced = request.json["force_refresh"] == json!(true);
        let kept = self.app_tokens.iter().find(|(_, until)| **until > now + 300).filter(|_| !is_forced);
        let (token, until) = match kept {
            Some((token, until)) => (token.clone(), *until),
            None => (self.id("app-token-"), now + self.token_lasts_s),
        };
        self.app_tokens.insert(token.clone(), until);
        Ok(json!({ "access_token": token, "expires_in": until - now }))
    }

    /// Where a browser is sent on to, with a code.
    pub(super) fn authorize(&mut self, request: &Request) -> Option<String> {
        let redirect = request.query.get("redirect_uri").filter(|it| it.starts_with("http"))?.clone();
        let code = self.id("code-");
        let sign_in = SignIn {
            person: self.person.clone(),
            app: request.asked("appid").to_owned(),
            scope: request.asked("scope").to_owned(),
            at_s: self.now_s,
            is_used: false,
        };
        self.sign_ins.insert(code.clone(), sign_in);
        let sign = if redirect.contains('?') { '&' } else { '?' };
        Some(format!("{redirect}{sign}code={code}&state={}", request.asked("state")))
    }

    /// The person of a code of this app, which is used up.
    fn redeem(&mut self, code: &str, app: &str, again: i64) -> Result<(Person, String), Refusal> {
        let now = self.now_s;
        let found = self.sign_ins.get_mut(code).filter(|it| it.app == app && now - it.at_s <= CODE_LASTS_S);
        let sign_in = found.ok_or(Refusal(40_029))?;
        if sign_in.is_used {
            return Err(Refusal(again));
        }
        sign_in.is_used = true;
        Ok((sign_in.person.clone(), sign_in.scope.clone()))
    }

    pub(super) fn sns_sign_in(&mut self, request: &Request) -> Answer {
        if request.asked("appid") != APP || request.asked("secret") != APP_SECRET {
            return Err(Refusal(40_001));
        }
        let (person, scope) = self.redeem(request.asked("code"), APP, 40_163)?;
        let token = self.id("sns-token-");
        let mut answer = json!({
            "access_token": token, "expires_in": 7_200, "refresh_token": "r",
            "openid": person.openid, "scope": scope,
        });
        // The platform tells the unionid to those who asked the person.
        if let (Some(unionid), "snsapi_userinfo") = (&person.unionid, scope.as_str()) {
            answer["unionid"] = json!(unionid);
        }
        if person.is_snapshot {
            answer["is_snapshotuser"] = json!(1);
        }
        self.sign_ins.insert(token, SignIn { person, app: String::new(), scope, at_s: self.now_s, is_used: true });
        // A success of this call has no errcode at all.
        answer["errcode"] = json!(0);
        Ok(answer)
    }

    pub(super) fn sns_user(&mut self, request: &Request) -> Answer {
        let sign_in = self.sign_ins.get(request.asked("access_token")).ok_or(Refusal(40_001))?;
        if sign_in.scope != "snsapi_userinfo" || sign_in.person.openid != request.asked("openid") {
            return Err(Refusal(40_003));
        }
        Ok(json!({ "openid": sign_in.person.openid, "nickname": "x", "unionid": sign_in.person.unionid }))
    }

    pub(super) fn user_info(&mut self, request: &Request) -> Answer {
        let (person, _) = self.redeem(request.asked("code"), CORP, 40_029)?;
        match person.staff {
            Some(staff) => Ok(json!({ "userid": staff, "user_ticket": "t" })),
            None => Ok(match person.customer {
                Some(customer) => json!({ "openid": person.openid, "external_userid": customer }),
                None => json!({ "openid": person.openid }),
            }),
        }
    }
}

impl Double {
    /// A member of staff who may contact customers.
    pub fn add_staff(&self, staff: &str) {
        self.world().staff.insert(staff.to_owned(), Staff { may_contact: true, in_range: true });
    }

    /// A member of staff who is outside the app's range (60011).
    pub fn add_staff_out_of_range(&self, staff: &str) {
        self.world().staff.insert(staff.to_owned(), Staff { may_contact: false, in_range: false });
    }

    /// More than a thousand members are in range, so that chats must be asked for by owner (81017).
    pub fn have_many_staff(&self) {
        self.world().has_many_staff = true;
    }

    /// A person of `WeChat` whom groups and friendships may have; `wm…` is usual as a name.
    pub fn add_customer(&self, customer: &str, unionid: Option<&str>) {
        self.world().customers.insert(customer.to_owned(), CustomerHere { unionid: unionid.map(ToOwned::to_owned) });
    }

    /// Who sits in front of the browser from now on.
    pub fn sit_down(&self, person: Person) {
        self.world().person = person;
    }

    /// A code as if somebody had just come back from signing in; `app` is [`APP`] or [`CORP`].
    pub fn code_of(&self, person: Person, app: &str, scope: &str) -> String {
        let mut world = self.world();
        let code = world.id("code-");
        let sign_in =
            SignIn { person, app: app.to_owned(), scope: scope.to_owned(), at_s: world.now_s, is_used: false };
        world.sign_ins.insert(code.clone(), sign_in);
        code
    }

    /// Whether these two are friends.
    pub fn are_friends(&self, staff: &str, customer: &str) -> bool {
        self.world().friendships.contains_key(&(staff.to_owned(), customer.to_owned()))
    }

    /// The ids of tags on a friendship; none if there is no friendship.
    pub fn tags_of(&self, staff: &str, customer: &str) -> Option<Vec<String>> {
        let key = (staff.to_owned(), customer.to_owned());
        self.world().friendships.get(&key).map(|it: &Friendship| it.tags.iter().cloned().collect())
    }
}
