//! Gives bytes to everything that reads a callback, and looks whether what comes out can be. The suite does the same with few bytes.

use jinqun::wecom::{Cipher, Event, Fields, MEMBERS_MAX, Sealed};

/// Reads the bytes as an envelope, as a message, and as what is inside a sealed and signed message.
///
/// # Panics
/// If what was read breaks a bound, or is read differently the second time.
pub fn callback(bytes: &[u8]) {
    let cipher = Cipher::new("token", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "corp").expect("the key is one");
    // As ciphertext that was signed: base64 of anything.
    let encrypt = base64(bytes);
    let signature = cipher.sign("1", "2", &encrypt);
    let sealed = Sealed { signature: &signature, timestamp: "1", nonce: "2", encrypt: &encrypt };
    if let Ok(message) = cipher.open(sealed) {
        assert!(message.len() <= bytes.len());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // What is sealed here is opened again, and nothing else.
    let encrypt = cipher.seal(text, [7; 16]);
    let signature = cipher.sign("1", "2", &encrypt);
    let sealed = Sealed { signature: &signature, timestamp: "1", nonce: "2", encrypt: &encrypt };
    assert_eq!(cipher.open(sealed).as_deref(), Ok(text));
    assert!(cipher.open(Sealed { timestamp: "2", ..sealed }).is_err());
    if let Ok(fields) = Fields::read(text) {
        assert!(fields.text("Encrypt").len() <= text.len());
    }
    if let Ok(event) = Event::read(text) {
        assert_eq!(event.key.len(), 32);
        assert_eq!(Event::read(text).as_ref(), Ok(&event));
        assert!(format!("{event:?}").len() < 64 * (text.len() + MEMBERS_MAX));
    }
}

/// Base64, written out here so that the fuzzer needs no crate of its own for it.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |place: usize| u32::from(three.get(place).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4_usize {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}
