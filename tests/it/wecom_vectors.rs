//! Checks the envelope of callbacks against all public vectors of the real-data folder, which other libraries made.

use std::fs;
use std::path::PathBuf;

use jinqun::wecom::{Cipher, Event, Fields, OpenError, Sealed};
use serde_json::Value;

fn vectors() -> Option<Value> {
    let Some(folder) = std::env::var_os("JINQUN_REAL_DATA").map(PathBuf::from) else {
        eprintln!("skipped: JINQUN_REAL_DATA is not set");
        return None;
    };
    let text = fs::read_to_string(folder.join("../wecom-vectors.json")).expect("the vectors lie beside the data");
    Some(serde_json::from_str(&text).expect("the vectors are JSON"))
}

fn list<'a>(vectors: &'a Value, name: &str) -> &'a [Value] {
    vectors[name].as_array().expect("is a list")
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_else(|| panic!("{} has a {name}", vector["id"]))
}

fn open(vector: &Value) -> Result<String, OpenError> {
    let cipher = Cipher::new(text(vector, "token"), text(vector, "encoding_aes_key"), text(vector, "receive_id"));
    cipher.expect("the key is right").open(Sealed {
        signature: text(vector, "msg_signature"),
        timestamp: text(vector, "timestamp"),
        nonce: text(vector, "nonce"),
        encrypt: text(vector, "encrypt"),
    })
}

#[test]
fn what_other_libraries_sealed_is_opened_and_sealed_the_same() {
    let Some(vectors) = vectors() else { return };
    for vector in list(&vectors, "wecom_crypto") {
        let id = text(vector, "id");
        assert_eq!(open(vector).as_deref(), Ok(text(vector, "plaintext")), "{id}");
        let random: Vec<u8> = data_encoding::HEXLOWER.decode(text(vector, "random16").as_bytes()).unwrap();
        let Ok(random) = <[u8; 16]>::try_from(random) else { continue };
        let cipher = Cipher::new(text(vector, "token"), text(vector, "encoding_aes_key"), text(vector, "receive_id"));
        let sealed = cipher.unwrap().seal(text(vector, "plaintext"), random);
        assert_eq!(sealed, text(vector, "encrypt"), "{id}");
    }
}

#[test]
fn what_is_not_right_is_refused() {
    let Some(vectors) = vectors() else { return };
    let found: Vec<_> =
        list(&vectors, "wecom_crypto_negative").iter().map(|it| (text(it, "id"), open(it).unwrap_err())).collect();
    let expected = [
        ("neg-wrong-receive-id", OpenError::Receiver),
        ("neg-bad-signature", OpenError::Signature),
        ("neg-timestamp-changed", OpenError::Signature),
        ("neg-pad-zero", OpenError::Content),
        ("neg-pad-33", OpenError::Content),
        ("neg-msg-len-overflow", OpenError::Content),
        ("neg-too-short", OpenError::Content),
        ("neg-not-block-multiple", OpenError::Content),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_envelopes_and_the_messages_of_the_vectors_are_read() {
    let Some(vectors) = vectors() else { return };
    let mut events = 0;
    for vector in list(&vectors, "wecom_crypto").iter().filter(|it| it["kind"] == "post") {
        let envelope = Fields::read(text(vector, "envelope")).expect("an envelope is XML");
        assert_eq!(envelope.text("Encrypt"), text(vector, "encrypt"), "{}", vector["id"]);
        events += u32::from(Event::read(text(vector, "plaintext")).is_ok());
    }
    assert_eq!(events, 3);
}
