//! Signing in with `WeChat` or `WeCom`, so that a visitor is recognised who wishes to be: from the tap on the page to the cards.
//!
//! The `state` that goes around is bound to the visitor, to the page that is gone back to and to the notice that was agreed to, it ends
//! after ten minutes, and it is good once. Not how the browser is sent there.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use data_encoding::BASE32_NOPAD;
use subtle::ConstantTimeEq as _;

use super::persons::Shown;
use crate::app::{App, whole_chain};
use crate::id::VisitorId;
use crate::platform::ApiError;
use crate::wechat::Scope;

/// How long a sign-in may take, in seconds.
pub const SIGN_IN_S: u32 = 600;
/// States that are remembered as used.
const USED_MAX: usize = 50_000;
const TIME_BYTES: usize = 5;
const NONCE_BYTES: usize = 10;
/// A code that is wrong, too old or used: pages that are loaded again bring them.
const CODE_WORTHLESS: [i64; 2] = [40_029, 40_163];

/// With whom somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// With the official account.
    Wechat(Scope),
    /// With the corporation.
    Wecom,
}

impl Way {
    fn byte(self) -> u8 {
        match self {
            Self::Wechat(_) => b'x',
            Self::Wecom => b'w',
        }
    }
}

/// What a sign-in is bound to beside the visitor; the browser keeps it meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The page of ours that is gone back to.
    pub to: String,
    /// Whether the visitor agreed to the notice that is in force.
    pub has_agreed: bool,
    /// Whether this is the second try.
    pub is_again: bool,
}

/// What came of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInEnd {
    /// Whose visits these are from now on.
    Known(VisitorId),
    /// Nothing is known: they did not wish it, it was a preview, or the platform did not answer.
    Unknown,
    /// The code is worth nothing; another one may be asked for.
    Again,
    /// It is no sign-in that began here.
    Refused,
}

/// States that were used: the last ones. Where there are too many the oldest are forgotten, and nobody is refused: the platform takes
/// a code once in any case.
#[derive(Debug, Default)]
pub(in crate::app) struct UsedStates(Mutex<Used>);

#[derive(Debug, Default)]
struct Used {
    nonces: HashSet<[u8; NONCE_BYTES]>,
    /// The same, the oldest first.
    order: VecDeque<[u8; NONCE_BYTES]>,
}

impl UsedStates {
    /// Whether this one is new; it is not from now on.
    fn take(&self, nonce: [u8; NONCE_BYTES]) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !used.nonces.insert(nonce) {
            return false;
        }
        used.order.push_back(nonce);
        if used.order.len() > USED_MAX
            && let Some(oldest) = used.order.pop_front()
        {
            used.nonces.remove(&oldest);
        }
        true
    }
}

/// What comes of a sign-in that the platform does not carry out.
fn end_of(error: &ApiError, is_again: bool) -> SignInEnd {
    let is_worthless = error.code().is_some_and(|it| CODE_WORTHLESS.contains(&it));
    if is_worthless && !is_again { SignInEnd::Again } else { SignInEnd::Unknown }
}

/// What a state's code is made over.
fn sealed(head: &[u8], way: Way, visitor: VisitorId, bound: &Bound) -> Vec<u8> {
    let flags = [way.byte(), u8::from(bound.has_agreed), u8::from(bound.is_again)];
    [head, &flags, &visitor.to_bytes(), bound.to.as_bytes()].concat()
}

impl App {
    /// A state for a sign-in of this visitor: 40 letters and digits.
    #[must_use]
    pub fn sign_in_state(&self, way: Way, visitor: VisitorId, bound: &Bound) -> String {
        let seconds = self.now().unix_ms().div_euclid(1_000).unsigned_abs().to_be_bytes();
        let (_, time) = seconds.split_at(seconds.len() - TIME_BYTES);
        let chance = self.chance().to_be_bytes();
        let (_, nonce) = chance.split_at(chance.len() - NONCE_BYTES);
        let head = [time, nonce].concat();
        let code = self.parts.signer.mac(b'o', &sealed(&head, way, visitor, bound));
        BASE32_NOPAD.encode(&[&head[..], &code].concat())
    }

    /// What is used up of a state, if it was made for just this, lately.
    fn nonce_of(&self, state: &str, way: Way, visitor: VisitorId, bound: &Bound) -> Option<[u8; NONCE_BYTES]> {
        let bytes = BASE32_NOPAD.decode(state.as_bytes()).ok()?;
        let (head, code) = bytes.split_at_checked(TIME_BYTES + NONCE_BYTES)?;
        if !bool::from(self.parts.signer.mac(b'o', &sealed(head, way, visitor, bound)).as_slice().ct_eq(code)) {
            return None;
        }
        let (time, nonce) = head.split_at(TIME_BYTES);
        let began_s = time.iter().fold(0_i64, |all, byte| all * 256 + i64::from(*byte));
        let now = self.now();
        let age_s = now.unix_ms().div_euclid(1_000) - began_s;
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).ok()?;
        (0..=i64::from(SIGN_IN_S)).contains(&age_s).then_some(nonce)
    }

    /// Ends a sign-in: reads who it is, and joins that to the visitor if they agreed. Blocks for seconds at worst.
    pub fn end_sign_in(
        &self,
        way: Way,
        visitor: VisitorId,
        bound: &Bound,
        (state, code): (&str, Option<&str>),
    ) -> SignInEnd {
        let Some(nonce) = self.nonce_of(state, way, visitor, bound) else { return SignInEnd::Refused };
        // Who does not wish to be recognised comes back without a code. That uses nothing up.
        let Some(code) = code else { return SignInEnd::Unknown };
        if !self.used_states.take(nonce) {
            return SignInEnd::Refused;
        }
        let shown = match self.shown(way, code) {
            Ok(Some(shown)) => shown,
            Ok(None) => return SignInEnd::Unknown,
            Err(error) => {
                tracing::info!(error = whole_chain(&error), "a visitor was not recognised");
                return end_of(&error, bound.is_again);
            }
        };
        if !bound.has_agreed {
            return SignInEnd::Unknown;
        }
        match self.join_person(visitor, &shown) {
            Ok(visitor) => SignInEnd::Known(visitor),
            Err(error) => {
                tracing::warn!(error = whole_chain(&error), "who a visitor is could not be kept");
                SignInEnd::Unknown
            }
        }
    }

    /// Who came back with a code; none for a preview, for staff, and for whom nothing is told of.
    fn shown(&self, way: Way, code: &str) -> Result<Option<Shown>, ApiError> {
        match way {
            Way::Wechat(scope) => {
                let Some(wechat) = self.wechat() else { return Ok(None) };
                let person = wechat.sign_in(code)?;
                if person.is_snapshot {
                    return Ok(None);
                }
                let unionid = match &person.unionid {
                    None if scope == Scope::UserInfo => wechat.unionid(&person)?,
                    told => told.clone(),
                };
                Ok(Some(Shown { openid: Some(person.openid), unionid, customer: None }))
            }
            Way::Wecom => {
                let Some(wecom) = self.wecom() else { return Ok(None) };
                let person = wecom.who(code)?;
                let customer = person.customer.filter(|_| person.staff.is_none());
                Ok(customer.map(|it| Shown { customer: Some(it), ..Shown::default() }))
            }
        }
    }

    /// Where a browser is sent to sign in and to come back to `redirect`; none if that way is not set up.
    #[must_use]
    pub fn sign_in_url(&self, way: Way, redirect: &str, state: &str) -> Option<String> {
        match way {
            Way::Wechat(scope) => Some(self.wechat()?.authorize_url(redirect, scope, state)),
            Way::Wecom => Some(self.wecom()?.authorize_url(redirect, state)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_too_many_signed_in_the_oldest_is_forgotten_and_nobody_refused() {
        let used = UsedStates::default();
        let nonce = |n: usize| {
            let bytes = n.to_be_bytes();
            let mut nonce = [0; NONCE_BYTES];
            nonce[..bytes.len()].copy_from_slice(&bytes);
            nonce
        };
        assert!((0..=USED_MAX).all(|n| used.take(nonce(n))));
        assert!(!used.take(nonce(USED_MAX)) && !used.take(nonce(1)));
        assert!(used.take(nonce(0)));
    }

    /// By the reference: a code that is wrong, old or used is asked for once more; for anything else the visitor stays unknown.
    #[test]
    fn a_worthless_code_is_asked_for_once_more() {
        let refused = |code| ApiError::Refused { call: "sign_in", code, from_ip: None };
        for code in [40_029, 40_163] {
            assert_eq!(end_of(&refused(code), false), SignInEnd::Again);
            assert_eq!(end_of(&refused(code), true), SignInEnd::Unknown);
        }
        for code in [-1, 40_001, 40_013, 42_001, 45_009, 48_002, 50_001, 60_020, 99_999] {
            assert_eq!(end_of(&refused(code), false), SignInEnd::Unknown, "{code}");
        }
    }
}
