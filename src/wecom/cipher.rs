//! The envelope of callbacks: who signed a message, and what is in it.
//!
//! The signature is the SHA-1 of token, timestamp, nonce and ciphertext, sorted and joined. The ciphertext is AES-256-CBC with the
//! first half of the key as its start vector, padded to blocks of 32 bytes; inside stand 16 random bytes, the length of the message
//! (32 bits, big-endian), the message, and whom it is for. Source: `WeCom` documents 90238, 90930 and 91144.
//!
//! Two things general libraries refuse are right here: the last character of the key may hold bits that are thrown away, and the
//! padding may be longer than a block of the cipher.

use aes::Aes256;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use data_encoding::{BASE64, HEXLOWER};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// Characters of an `EncodingAESKey`.
const KEY_CHARS: usize = 43;
/// Bytes that messages are padded to; not the block of the cipher.
const PAD_TO: usize = 32;
/// Bytes of a block of the cipher.
const BLOCK: usize = 16;
/// Random bytes in front of a message.
const RANDOM: usize = 16;

/// Why settings make no cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not an EncodingAESKey: 43 letters and digits")]
pub struct KeyError;

/// Why an envelope is not opened. What is inside is never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// It was not signed with the token, or was changed on its way.
    #[error("the signature does not fit")]
    Signature,
    /// The ciphertext is not base64.
    #[error("the message is not base64")]
    Base64,
    /// It does not hold what an envelope holds.
    #[error("the message cannot be decrypted")]
    Content,
    /// It is for somebody else.
    #[error("the message is for another receiver")]
    Receiver,
}

/// A sealed message with what came along with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// `msg_signature`.
    pub signature: &'a str,
    /// `timestamp`, as it came.
    pub timestamp: &'a str,
    /// `nonce`, as it came.
    pub nonce: &'a str,
    /// `Encrypt` or `echostr`.
    pub encrypt: &'a str,
}

/// Opens and seals messages of one corporation's app.
#[derive(Clone)]
pub struct Cipher {
    token: String,
    key: [u8; 32],
    receiver: String,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cipher").finish_non_exhaustive()
    }
}

impl Cipher {
    /// A cipher for the token and the key of the callback's settings; the receiver is the corporation's id.
    ///
    /// # Errors
    /// [`KeyError`] if the key is not 43 characters of base64.
    pub fn new(token: &str, encoding_aes_key: &str, receiver: &str) -> Result<Self, KeyError> {
        if encoding_aes_key.len() != KEY_CHARS {
            return Err(KeyError);
        }
        let mut specification = BASE64.specification();
        specification.check_trailing_bits = false;
        let lenient = specification.encoding().map_err(|_cause| KeyError)?;
        let bytes = lenient.decode(format!("{encoding_aes_key}=").as_bytes()).map_err(|_cause| KeyError)?;
        let key = bytes.try_into().map_err(|_bytes| KeyError)?;
        Ok(Self { token: token.to_owned(), key, receiver: receiver.to_owned() })
    }

    /// What is in an envelope.
    ///
    /// # Errors
    /// [`OpenError`]; the signature is checked first.
    pub fn open(&self, sealed: Sealed<'_>) -> Result<String, OpenError> {
        let expected = self.sign(sealed.timestamp, sealed.nonce, sealed.encrypt);
        if !bool::from(expected.as_bytes().ct_eq(sealed.signature.as_bytes())) {
            return Err(OpenError::Signature);
        }
        let mut bytes = BASE64.decode(sealed.encrypt.as_bytes()).map_err(|_cause| OpenError::Base64)?;
        let [iv, _] = self.halves();
        let plain = cbc::Decryptor::<Aes256>::new(&self.key.into(), &iv.into())
            .decrypt_padded::<NoPadding>(&mut bytes)
            .map_err(|_cause| OpenError::Content)?;
        let (message, receiver) = split(plain).ok_or(OpenError::Content)?;
        if !bool::from(receiver.ct_eq(self.receiver.as_bytes())) {
            return Err(OpenError::Receiver);
        }
        String::from_utf8(message.to_vec()).map_err(|_cause| OpenError::Content)
    }

    /// A message as ciphertext, with 16 bytes of chance in front.
    #[must_use]
    pub fn seal(&self, message: &str, random: [u8; RANDOM]) -> String {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let mut plain = [&random[..], &length.to_be_bytes(), message.as_bytes(), self.receiver.as_bytes()].concat();
        let pad = PAD_TO - plain.len() % PAD_TO;
        plain.resize(plain.len() + pad, u8::try_from(pad).unwrap_or_default());
        let [iv, _] = self.halves();
        let sealed =
            cbc::Encryptor::<Aes256>::new(&self.key.into(), &iv.into()).encrypt_padded_vec::<NoPadding>(&plain);
        BASE64.encode(&sealed)
    }

    /// The signature of a ciphertext.
    #[must_use]
    pub fn sign(&self, timestamp: &str, nonce: &str, encrypt: &str) -> String {
        let mut parts = [self.token.as_str(), timestamp, nonce, encrypt];
        parts.sort_unstable();
        HEXLOWER.encode(&Sha1::digest(parts.concat()))
    }

    fn halves(&self) -> [[u8; BLOCK]; 2] {
        let (first, second) = self.key.split_at(BLOCK);
        [first, second].map(|half| half.try_into().expect("half of 32 bytes is 16"))
    }
}

/// The message and whom it is for.
fn split(plain: &[u8]) -> Option<(&[u8], &[u8])> {
    let pad = usize::from(*plain.last()?);
    if !(1..=PAD_TO).contains(&pad) {
        return None;
    }
    let plain = plain.get(..plain.len().checked_sub(pad)?)?;
    let (_, rest) = plain.split_at_checked(RANDOM)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The sample of `WeCom`'s own documents.
    fn official() -> Cipher {
        Cipher::new("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7").unwrap()
    }

    #[test]
    fn the_sample_of_the_documents_is_read() {
        let sealed = Sealed {
            signature: "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
            timestamp: "1409659589",
            nonce: "263014780",
            encrypt: "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
        };
        assert_eq!(official().open(sealed).unwrap(), "1616140317555161061");
        let later = Sealed { timestamp: "1409659590", ..sealed };
        assert_eq!(official().open(later), Err(OpenError::Signature));
    }

    #[test]
    fn a_key_has_43_characters_of_base64() {
        for key in ["", "short", &"ä".repeat(43), &"A".repeat(42), &"A".repeat(44), &"!".repeat(43)] {
            assert!(Cipher::new("t", key, "c").is_err(), "{key:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened(message in "\\PC{0,200}", random: [u8; 16]) {
            let cipher = official();
            let encrypt = cipher.seal(&message, random);
            let signature = cipher.sign("1", "2", &encrypt);
            let sealed = Sealed { signature: &signature, timestamp: "1", nonce: "2", encrypt: &encrypt };
            prop_assert_eq!(cipher.open(sealed), Ok(message));
        }

        #[test]
        fn whatever_is_signed_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let cipher = official();
            let encrypt = BASE64.encode(&bytes);
            let signature = cipher.sign("1", "2", &encrypt);
            let sealed = Sealed { signature: &signature, timestamp: "1", nonce: "2", encrypt: &encrypt };
            prop_assert!(cipher.open(sealed).is_err());
        }
    }
}
