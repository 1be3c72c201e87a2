//! Signed tokens: who a visitor is, and which visit an answer belongs to.
//!
//! Both are readable and carry a message authentication code (HMAC-SHA-256, RFC 2104, cut to 80 bits), so that any instance
//! checks them without a look-up, and a forged one is simply a new visitor.

use std::sync::Arc;

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::id::{CampaignSlug, ScanId, StoreId, VisitorId};

/// Bytes of the code that a token keeps. 80 bits cannot be guessed over a network.
const MAC_BYTES: usize = 10;
/// The longest text that can be a token.
const TOKEN_BYTES_MAX: usize = 512;
const ULID_CHARS: usize = 26;
const ID_BYTES: usize = 16;
/// Characters that tell what a visit was shown.
const SHOWN_CHARS: usize = 8;

/// A visitor, and the store of their last visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorToken {
    /// The visitor.
    pub visitor: VisitorId,
    /// The store that was shown last.
    pub last_store: Option<StoreId>,
}

/// What a page remembers of a visit, so that looking at it again is no other visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitToken {
    /// The visit.
    pub scan: ScanId,
    /// Whose.
    pub visitor: VisitorId,
    /// A word for what was shown; see [`shown_word`].
    pub shown: String,
}

/// A word of eight characters for what was shown: 40 bits of the SHA-256 of its parts.
#[must_use]
pub fn shown_word(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    BASE32_NOPAD.encode(digest.split_at(SHOWN_CHARS * 5 / 8).0)
}

/// Signs and checks tokens with the service's secret.
#[derive(Clone)]
pub struct Signer {
    keyed: Arc<Hmac<Sha256>>,
}

impl Signer {
    /// A signer for a secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        // HMAC's own rule for long keys (RFC 2104), applied to every one: the digest, padded to a block.
        let mut key = [0_u8; 64];
        let digest: [u8; 32] = Sha256::digest(secret).into();
        key.split_at_mut(32).0.copy_from_slice(&digest);
        let keyed = Hmac::new(&key.into());
        Self { keyed: Arc::new(keyed) }
    }

    /// The code of a text for a purpose, of which each has a letter of its own.
    pub(in crate::app) fn mac(&self, purpose: u8, text: &[u8]) -> [u8; MAC_BYTES] {
        let mut mac = (*self.keyed).clone();
        mac.update(&[purpose]);
        mac.update(text);
        let code: [u8; 32] = mac.finalize().into_bytes().into();
        let (head, _) = code.split_first_chunk().expect("32 bytes hold 10");
        *head
    }

    fn is_right(&self, purpose: u8, text: &str, code: &str) -> bool {
        let Ok(given) = BASE32_NOPAD.decode(code.as_bytes()) else {
            return false;
        };
        bool::from(self.mac(purpose, text.as_bytes()).as_slice().ct_eq(&given))
    }

    fn sign(&self, purpose: u8, mut text: String, separator: &str) -> String {
        let code = BASE32_NOPAD.encode(&self.mac(purpose, text.as_bytes()));
        text.push_str(separator);
        text.push_str(&code);
        text
    }

    /// Writes a visitor token: `ULID.store.code`, with the store in base64url.
    #[must_use]
    pub fn visitor(&self, token: &VisitorToken) -> String {
        let store = token.last_store.as_ref().map_or("", |it| it.as_str());
        self.sign(b'v', format!("{}.{}", token.visitor, BASE64URL_NOPAD.encode(store.as_bytes())), ".")
    }

    /// Reads a visitor token; none if it was not signed here.
    #[must_use]
    pub fn read_visitor(&self, text: &str) -> Option<VisitorToken> {
        if text.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (body, code) = text.rsplit_once('.')?;
        if !self.is_right(b'v', body, code) {
            return None;
        }
        let (visitor, store) = body.split_once('.')?;
        let store = String::from_utf8(BASE64URL_NOPAD.decode(store.as_bytes()).ok()?).ok()?;
        Some(VisitorToken { visitor: VisitorId::parse(visitor).ok()?, last_store: StoreId::parse(&store).ok() })
    }

    /// Writes a scan id as clients see it: the visit's ULID, the visitor's ULID and a code. Whoever holds it may refine the
    /// visit, which is only the client that got it.
    #[must_use]
    pub fn scan(&self, scan: ScanId, visitor: VisitorId) -> String {
        self.sign(b's', format!("{scan}{visitor}"), "")
    }

    /// Writes what a page remembers of a visit for a short while: the visit, its visitor and a word for what was shown. It is good
    /// for its campaign only.
    #[must_use]
    pub fn visit(&self, visit: &VisitToken, campaign: &CampaignSlug) -> String {
        let text = format!("{}{}{}", visit.scan, visit.visitor, visit.shown);
        let code = BASE32_NOPAD.encode(&self.mac(b'p', format!("{text}{campaign}").as_bytes()));
        text + &code
    }

    /// Reads it; none if it was not signed here for this campaign.
    #[must_use]
    pub fn read_visit(&self, text: &str, campaign: &CampaignSlug) -> Option<VisitToken> {
        let (body, code) = text.split_at_checked(2 * ULID_CHARS + SHOWN_CHARS)?;
        if !self.is_right(b'p', &format!("{body}{campaign}"), code) {
            return None;
        }
        let (scan, rest) = body.split_at_checked(ULID_CHARS)?;
        let (visitor, shown) = rest.split_at_checked(ULID_CHARS)?;
        Some(VisitToken {
            scan: ScanId::parse(scan).ok()?,
            visitor: VisitorId::parse(visitor).ok()?,
            shown: shown.to_owned(),
        })
    }

    /// The word that a form of a visitor's own page bears, so that no other site can send it.
    #[must_use]
    pub fn form(&self, visitor: VisitorId) -> String {
        BASE32_NOPAD.encode(&self.mac(b'f', visitor.to_string().as_bytes()))
    }

    /// Whether that is the word of a form of this visitor's page.
    #[must_use]
    pub fn is_form(&self, visitor: VisitorId, word: &str) -> bool {
        self.is_right(b'f', &visitor.to_string(), word)
    }

    /// Writes the channel of an acquisition link: visit, visitor and code, 56 characters of base64url, of which the platform takes 64.
    #[must_use]
    pub fn channel(&self, scan: ScanId, visitor: VisitorId) -> String {
        let ids = [scan.to_bytes(), visitor.to_bytes()].concat();
        BASE64URL_NOPAD.encode(&[&ids[..], &self.mac(b'a', &ids)].concat())
    }

    /// Reads a channel; none if it was not signed here.
    #[must_use]
    pub fn read_channel(&self, text: &str) -> Option<(ScanId, VisitorId)> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (ids, code) = bytes.split_at_checked(2 * ID_BYTES)?;
        if !bool::from(self.mac(b'a', ids).as_slice().ct_eq(code)) {
            return None;
        }
        let (scan, visitor) = ids.split_at_checked(ID_BYTES)?;
        Some((ScanId::from_bytes(scan.try_into().ok()?), VisitorId::from_bytes(visitor.try_into().ok()?)))
    }

    /// Reads a scan id; none if it was not signed here.
    #[must_use]
    pub fn read_scan(&self, text: &str) -> Option<(ScanId, VisitorId)> {
        let body = text.get(..2 * ULID_CHARS)?;
        let code = text.get(2 * ULID_CHARS..)?;
        if !self.is_right(b's', body, code) {
            return None;
        }
        let (scan, visitor) = body.split_at_checked(ULID_CHARS)?;
        Some((ScanId::parse(scan).ok()?, VisitorId::parse(visitor).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(store: Option<&str>) -> VisitorToken {
        VisitorToken {
            visitor: VisitorId::from_parts(1_700_000_000_000, 42),
            last_store: store.map(|it| StoreId::parse(it).unwrap()),
        }
    }

    #[test]
    fn a_token_is_read_back_by_the_same_secret_only() {
        let signer = Signer::new(b"one");
        for store in [None, Some("SH-0001"), Some("门店.3")] {
            let text = signer.visitor(&token(store));
            assert_eq!(signer.read_visitor(&text), Some(token(store)));
            assert_eq!(Signer::new(b"two").read_visitor(&text), None);
        }
    }

    #[test]
    fn a_changed_character_is_a_forgery() {
        let signer = Signer::new(b"one");
        let text = signer.visitor(&token(Some("SH-0001")));
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).unwrap();
            assert_eq!(signer.read_visitor(&forged), None, "{forged}");
        }
        for forged in ["", ".", "..", "a.b.c", &"x".repeat(10_000)] {
            assert_eq!(signer.read_visitor(forged), None);
            assert_eq!(signer.read_scan(forged), None);
        }
    }

    #[test]
    fn what_a_page_remembers_is_good_for_its_campaign_only() {
        let signer = Signer::new(b"one");
        let visit = VisitToken {
            scan: ScanId::from_parts(1_700_000_000_000, 7),
            visitor: VisitorId::from_parts(1_700_000_000_000, 8),
            shown: shown_word(&["routed", "SH-0001"]),
        };
        let (tea, milk) = (CampaignSlug::parse("茶").unwrap(), CampaignSlug::parse("milk").unwrap());
        let text = signer.visit(&visit, &tea);
        assert_eq!(signer.read_visit(&text, &tea), Some(visit.clone()));
        assert_eq!(signer.read_visit(&text, &milk), None);
        assert_eq!(Signer::new(b"two").read_visit(&text, &tea), None);
        assert_eq!(signer.read_scan(&text), None);
        assert_ne!(shown_word(&["routed", "SH-0001"]), shown_word(&["routedSH-0001", ""]));
        let other = VisitorId::from_parts(1_700_000_000_000, 9);
        assert!(signer.is_form(visit.visitor, &signer.form(visit.visitor)));
        assert!(!signer.is_form(other, &signer.form(visit.visitor)) && !signer.is_form(other, ""));
    }

    #[test]
    fn a_scan_id_starts_with_its_ulid_and_is_no_visitor_token() {
        let signer = Signer::new(b"one");
        let (scan, visitor) = (ScanId::from_parts(1_700_000_000_000, 7), VisitorId::from_parts(1_700_000_000_000, 8));
        let text = signer.scan(scan, visitor);
        assert!(text.starts_with("01HF7YAT000000000000000007"), "{text}");
        assert_eq!(signer.read_scan(&text), Some((scan, visitor)));
        assert_eq!(signer.read_visitor(&text), None);
        assert_eq!(signer.read_scan(&text.replacen("01", "é", 1)), None);
    }
}
