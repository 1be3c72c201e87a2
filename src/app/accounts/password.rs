//! Passwords: what one must be, how it is hashed, and how it is known again.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;

use super::AccountError;

/// The shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// The longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 512;

/// Memory of a hash, in KiB. This and the next two are OWASP's for argon2id
/// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
const MEMORY_KIB: u32 = 19_456;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Threads of a hash.
const LANES: u32 = 1;

/// The hash of "nobody has this password", which is looked at where there is no user.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AcdBGZ471shRqfpmOvCGBw$HC30Uv2RfUObS+Ptgw4sdWE4wcS2zZWpKNTfOjnoNPM";

/// Why a text can be no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// Short ones are guessed.
    #[error("is shorter than {PASSWORD_CHARS_MIN} characters")]
    TooShort,
    /// Hashing a long one would keep the machine busy.
    #[error("is longer than {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// The first guess of everybody.
    #[error("is the name itself, one character again and again, or one that everybody tries")]
    TooPlain,
}

/// Passwords of ten characters and more that stand near the top of every list of stolen ones.
const PLAIN: [&str; 8] = [
    "1234567890",
    "0123456789",
    "qwertyuiop",
    "password123",
    "password1234",
    "1q2w3e4r5t",
    "qwerty12345",
    "administrator",
];

/// Whether this may become the password of somebody of this name.
///
/// # Errors
/// [`PasswordError`] if not.
pub(super) fn check(password: &str, name: &str) -> Result<(), PasswordError> {
    let lower = password.to_lowercase();
    let first = lower.chars().next();
    if password.chars().count() < PASSWORD_CHARS_MIN {
        Err(PasswordError::TooShort)
    } else if password.len() > PASSWORD_BYTES_MAX {
        Err(PasswordError::TooLong)
    } else if lower.chars().all(|it| Some(it) == first) || lower == name || PLAIN.contains(&&*lower) {
        Err(PasswordError::TooPlain)
    } else {
        Ok(())
    }
}

fn hasher() -> Result<Argon2<'static>, AccountError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.map_err(|error| AccountError::Machine(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash of a password with a salt of its own, in PHC format. Takes some 20 MiB of memory and tens of milliseconds.
pub(super) fn hash(password: &str) -> Result<String, AccountError> {
    let hash: PasswordHash =
        hasher()?.hash_password(password.as_bytes()).map_err(|error| AccountError::Machine(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether this is the password of a hash. Without a hash it takes as long and is not.
pub(super) fn is_of(password: &str, hash: Option<&str>) -> Result<bool, AccountError> {
    let is_long = password.len() > PASSWORD_BYTES_MAX;
    let password = if is_long { "" } else { password };
    let Ok(known) = PasswordHash::new(hash.unwrap_or(NOBODYS)) else { return Ok(false) };
    let is_right = hasher()?.verify_password(password.as_bytes(), &known).is_ok();
    Ok(is_right && hash.is_some() && !is_long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_by_its_hash_only() {
        let made = hash("correct horse battery").unwrap();
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert_ne!(made, hash("correct horse battery").unwrap(), "each has a salt of its own");
        assert!(NOBODYS.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "a name that nobody has takes as long");
        assert!(is_of("correct horse battery", Some(&made)).unwrap());
        for (wrong, known) in [
            ("correct horse batterz", Some(&*made)),
            ("", Some(&made)),
            ("nobody has this password", None),
            ("x", Some("?")),
        ] {
            assert!(!is_of(wrong, known).unwrap(), "{wrong}");
        }
    }

    #[test]
    fn what_everybody_tries_is_no_password() {
        for (bad, error) in [
            ("short", PasswordError::TooShort),
            ("aaaaaaaaaaaaaa", PasswordError::TooPlain),
            ("Password123", PasswordError::TooPlain),
            ("li-lei-of-shanghai", PasswordError::TooPlain),
            (&*"long ".repeat(200), PasswordError::TooLong),
        ] {
            assert_eq!(check(bad, "li-lei-of-shanghai"), Err(error), "{bad}");
        }
        assert_eq!(check("七个字也可以成句话的", "li"), Ok(()));
    }
}
