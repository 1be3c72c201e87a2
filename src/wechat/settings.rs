//! What an operator says about the official account; not where it is read from.

use std::fmt;

use crate::platform::ApiBase;

/// An official account of `WeChat`. Its secret does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct WechatSettings {
    /// `appid`.
    pub app_id: String,
    /// The account's secret.
    pub secret: String,
    /// Where the interface is.
    pub api_base: ApiBase,
    /// Where people are sent to sign in.
    pub authorize_base: ApiBase,
}

impl fmt::Debug for WechatSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WechatSettings")
            .field("app_id", &self.app_id)
            .field("api_base", &self.api_base)
            .field("authorize_base", &self.authorize_base)
            .finish_non_exhaustive()
    }
}
