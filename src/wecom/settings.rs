//! What an operator says about the corporation's app; not where it is read from.

use std::fmt;

use super::{Cipher, KeyError};
use crate::platform::ApiBase;

/// The corporation and its app in `WeCom`. Secrets in it do not print.
#[derive(Clone, PartialEq, Eq)]
pub struct WecomSettings {
    /// `corpid`.
    pub corp_id: String,
    /// The app's secret; without it nothing is called, and only callbacks are read.
    pub secret: Option<String>,
    /// The app's `agentid`, for what is signed for the app itself and for signing in.
    pub agent_id: Option<u64>,
    /// What opens callbacks; none means that there are none.
    pub callback: Option<CallbackSettings>,
    /// Where the interface is.
    pub api_base: ApiBase,
    /// Where people are sent to sign in.
    pub authorize_base: ApiBase,
}

impl fmt::Debug for WecomSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WecomSettings")
            .field("corp_id", &self.corp_id)
            .field("agent_id", &self.agent_id)
            .field("api_base", &self.api_base)
            .finish_non_exhaustive()
    }
}

/// What the callback was set up with. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackSettings {
    /// The token that signs.
    pub token: String,
    /// The `EncodingAESKey`.
    pub aes_key: String,
    /// Whom messages are for: the corporation's id, if nothing else was said.
    pub receive_id: String,
}

impl CallbackSettings {
    /// What opens and seals messages.
    ///
    /// # Errors
    /// [`KeyError`] if the key is none; settings that were read have a good one.
    pub fn cipher(&self) -> Result<Cipher, KeyError> {
        Cipher::new(&self.token, &self.aes_key, &self.receive_id)
    }
}

impl fmt::Debug for CallbackSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackSettings").finish_non_exhaustive()
    }
}
