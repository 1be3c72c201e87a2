//! The envelope of callbacks, written after the public description and not after the program.

use aes::Aes256;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use sha1::{Digest as _, Sha1};

use super::{AES_KEY, CORP, TOKEN};

fn key() -> [u8; 32] {
    // The key of the double has no superfluous bits, so any decoder reads it.
    let bytes = data_encoding::BASE64.decode(format!("{AES_KEY}=").as_bytes()).unwrap();
    bytes.try_into().unwrap()
}

fn iv() -> [u8; 16] {
    key().first_chunk::<16>().copied().unwrap()
}

/// A message as it travels.
pub(super) fn seal(message: &str, random: [u8; 16]) -> String {
    let mut plain = random.to_vec();
    plain.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    plain.extend(message.as_bytes());
    plain.extend(CORP.as_bytes());
    let pad = 32 - plain.len() % 32;
    plain.extend(std::iter::repeat_n(u8::try_from(pad).unwrap(), pad));
    let cipher = cbc::Encryptor::<Aes256>::new(&key().into(), &iv().into());
    data_encoding::BASE64.encode(&cipher.encrypt_padded_vec::<NoPadding>(&plain))
}

/// The message in an envelope that the program sealed.
pub(super) fn open(text: &str) -> String {
    let mut bytes = data_encoding::BASE64.decode(text.as_bytes()).unwrap();
    let cipher = cbc::Decryptor::<Aes256>::new(&key().into(), &iv().into());
    let plain = cipher.decrypt_padded::<NoPadding>(&mut bytes).unwrap();
    let length = u32::from_be_bytes(plain.get(16..20).unwrap().try_into().unwrap());
    let end = 20 + usize::try_from(length).unwrap();
    String::from_utf8(plain.get(20..end).unwrap().to_vec()).unwrap()
}

/// The signature of what travels.
pub(super) fn sign(timestamp: &str, nonce: &str, encrypt: &str) -> String {
    let mut parts = [TOKEN, timestamp, nonce, encrypt];
    parts.sort_unstable();
    data_encoding::HEXLOWER.encode(&Sha1::digest(parts.concat().as_bytes()))
}
