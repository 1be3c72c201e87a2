//! Which visit led to a friendship: the channel that an acquisition link carries, and its way back as the `state` of an event.
//!
//! Not the states of contact ways and join ways, which name a code and no visit.

use super::persons::is_silent;
use crate::app::{App, Signer};
use crate::id::{ScanId, VisitorId};
use crate::storage::{Storage, StorageError};
use crate::time::Timestamp;

/// For how long after its visit a channel counts: a link that is passed on later tells nothing about who passed it on.
pub const CHANNEL_MS_MAX: u64 = 86_400_000;

/// The visit that a channel names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// The visit.
    pub scan: ScanId,
    /// Whose it was.
    pub visitor: VisitorId,
}

/// The visit whose link led to an event with this `state`; none if the state is no channel that was signed here, or one of a visit
/// more than [`CHANNEL_MS_MAX`] before `at`.
#[must_use]
pub fn scan_of_state(signer: &Signer, state: &str, at: Timestamp) -> Option<Channel> {
    let (scan, visitor) = signer.read_channel(state)?;
    let age_ms = at.unix_ms().unsigned_abs().saturating_sub(scan.unix_ms());
    (age_ms <= CHANNEL_MS_MAX).then_some(Channel { scan, visitor })
}

/// Whether a visitor whom a channel names wishes that nothing is told of them: they opted out, or were forgotten since the visit, and
/// with them what they wished.
pub(super) fn wishes_silence(storage: &dyn Storage, channel: Channel) -> Result<Silence, StorageError> {
    let forgotten = storage.forgotten(&[channel.visitor])?.pop().flatten();
    if forgotten.is_some_and(|at| at.unix_ms().unsigned_abs() >= channel.scan.unix_ms()) {
        return Ok(Silence::Forgotten);
    }
    let is_silent = is_silent(storage, channel.visitor)?;
    Ok(if is_silent { Silence::OptedOut } else { Silence::None })
}

/// What a visitor wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing against being known.
    None,
    /// They opted out.
    OptedOut,
    /// They were forgotten: they are nobody any more.
    Forgotten,
}

impl App {
    /// The channel of a visit, for the acquisition link that it is shown; none where friendships are not told of, where nobody made
    /// the scan id here, and of who has opted out or was forgotten. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn channel(&self, scan: &str) -> Result<Option<String>, StorageError> {
        let visit = self.parts.signer.read_scan(scan).filter(|_| self.parts.callbacks.is_some());
        let Some((scan, visitor)) = visit else { return Ok(None) };
        let silence = wishes_silence(&*self.parts.storage, Channel { scan, visitor })?;
        Ok((silence == Silence::None).then(|| self.parts.signer.channel(scan, visitor)))
    }

    /// Whether a text is the channel of a visit that may still lead to a friendship.
    #[must_use]
    pub fn is_channel(&self, text: &str) -> bool {
        scan_of_state(&self.parts.signer, text, self.now()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_MS: u64 = 1_700_000_000_000;

    fn channel() -> Channel {
        Channel { scan: ScanId::from_parts(AT_MS, 7), visitor: VisitorId::from_parts(AT_MS, 8) }
    }

    fn after(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_700_000_000_000 + ms)
    }

    #[test]
    fn a_channel_fits_the_platform_and_comes_back_as_the_visit() {
        let signer = Signer::new(b"one");
        let text = signer.channel(channel().scan, channel().visitor);
        assert!(text.len() <= 64, "{text}");
        assert!(text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_')), "{text}");
        assert_eq!(scan_of_state(&signer, &text, after(60_000)), Some(channel()));
    }

    #[test]
    fn a_channel_of_somebody_else_of_yesterday_or_cut_off_names_nobody() {
        let signer = Signer::new(b"one");
        let text = signer.channel(channel().scan, channel().visitor);
        assert_eq!(scan_of_state(&Signer::new(b"two"), &text, after(0)), None);
        assert_eq!(scan_of_state(&signer, &text, after(86_400_001)), None);
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).unwrap();
            assert_eq!(scan_of_state(&signer, &forged, after(0)), None, "{forged}");
            assert_eq!(scan_of_state(&signer, text.split_at(at).0, after(0)), None);
        }
        for state in ["", "c_SH-0001", "g~0123456789abcdef0123456789", "é", &"A".repeat(56)] {
            assert_eq!(scan_of_state(&signer, state, after(0)), None, "{state}");
        }
    }
}
