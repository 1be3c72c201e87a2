//! The settings of `WeCom` and `WeChat`: whole groups or none, and every gap named.

use super::gather::Reader;
use crate::app::wecom::TagSettings;
use crate::platform::ApiBase;
use crate::wechat::WechatSettings;
use crate::wecom::client::{TAG_NAME_CHARS_MAX, TAGS_MAX};
use crate::wecom::{CallbackSettings, Cipher, WecomSettings};

/// The longest id or secret, in bytes.
const WORD_BYTES_MAX: usize = 256;
/// The longest token of a callback, in characters (document 91116).
const TOKEN_CHARS_MAX: usize = 32;
/// Where `WeCom`'s interface lies on its host.
const WECOM_PATH: &str = "/cgi-bin";
const WECOM_BASE: &str = "https://qyapi.weixin.qq.com/cgi-bin";
const WECHAT_BASE: &str = "https://api.weixin.qq.com";
const AUTHORIZE_BASE: &str = "https://open.weixin.qq.com";

fn word(text: &str) -> Result<String, String> {
    if text.len() <= WORD_BYTES_MAX && text.bytes().all(|it| it.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("holds characters that no id or secret has, or is too long".to_owned())
    }
}

fn token(text: &str) -> Result<String, String> {
    if text.len() <= TOKEN_CHARS_MAX && text.bytes().all(|it| it.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err(format!("is not up to {TOKEN_CHARS_MAX} letters and digits"))
    }
}

fn aes_key(text: &str) -> Result<String, String> {
    Cipher::new("", text, "").map(|_cipher| text.to_owned()).map_err(|error| error.to_string())
}

fn base(read: &mut Reader<'_>, name: &str, default: &str) -> ApiBase {
    let said = read.parse(name, |it| ApiBase::parse(it).map_err(|error| error.to_string()));
    said.unwrap_or_else(|| ApiBase::parse(default).expect("the address above is one"))
}

/// Fails for the first of some settings that is there while the one they need is not.
fn require(read: &mut Reader<'_>, missing: &str, given: &[(&str, bool)]) {
    if let Some((name, _)) = given.iter().find(|(_, is_set)| *is_set) {
        let _: Option<()> = read.fail(missing, format_args!("is missing, and {name} is set"));
    }
}

/// What is said about `WeCom`; none if nothing is.
pub(super) fn wecom(read: &mut Reader<'_>) -> Option<WecomSettings> {
    let corp_id = read.parse("wecom.corp_id", word);
    let secret = read.parse("wecom.secret", word);
    // A value that is there but wrong is named by itself, not as missing.
    let (has_token, has_key) = (read.is_set("wecom.token"), read.is_set("wecom.aes_key"));
    let token = read.parse("wecom.token", token);
    let aes_key = read.parse("wecom.aes_key", aes_key);
    let receive_id = read.parse("wecom.receive_id", word);
    let agent_id = read.count("wecom.agent_id", 1..=4_294_967_295).and_then(|it| u64::try_from(it).ok());
    let api_base = base(read, "wecom.api_base", WECOM_BASE).or_path(WECOM_PATH);
    let authorize_base = base(read, "wechat.authorize_base", AUTHORIZE_BASE);
    match (has_token, has_key) {
        (true, false) => require(read, "wecom.aes_key", &[("wecom.token", true)]),
        (false, true) => require(read, "wecom.token", &[("wecom.aes_key", true)]),
        (false, false) => require(read, "wecom.token", &[("wecom.receive_id", receive_id.is_some())]),
        (true, true) => {}
    }
    if !read.is_set("wecom.corp_id") {
        let given = [
            ("wecom.secret", read.is_set("wecom.secret")),
            ("wecom.token", has_token),
            ("wecom.aes_key", has_key),
            ("wecom.agent_id", read.is_set("wecom.agent_id")),
        ];
        require(read, "wecom.corp_id", &given);
    } else if !read.is_set("wecom.secret") && !has_token {
        require(read, "wecom.secret", &[("wecom.corp_id", true)]);
    }
    let corp_id = corp_id?;
    let callback = token.zip(aes_key).map(|(token, aes_key)| CallbackSettings {
        token,
        aes_key,
        receive_id: receive_id.unwrap_or_else(|| corp_id.clone()),
    });
    Some(WecomSettings { corp_id, secret, agent_id, callback, api_base, authorize_base })
}

/// How tags are made in `WeCom`.
pub(super) fn tags(read: &mut Reader<'_>) -> TagSettings {
    let group = read.parse("wecom.tag_group", |it| {
        let is_name = (1..=TAG_NAME_CHARS_MAX).contains(&it.chars().count());
        if is_name { Ok(it.to_owned()) } else { Err(format!("has not 1 to {TAG_NAME_CHARS_MAX} characters")) }
    });
    let tags_max = read.count("wecom.tags_max", 10..=TAGS_MAX);
    TagSettings { group: group.unwrap_or_default(), tags_max: tags_max.unwrap_or(TAGS_MAX) }
}

/// What is said about `WeChat`; none if nothing is.
pub(super) fn wechat(read: &mut Reader<'_>) -> Option<WechatSettings> {
    let app_id = read.parse("wechat.app_id", word);
    let secret = read.parse("wechat.secret", word);
    let api_base = base(read, "wechat.api_base", WECHAT_BASE);
    let authorize_base = base(read, "wechat.authorize_base", AUTHORIZE_BASE);
    match (read.is_set("wechat.app_id"), read.is_set("wechat.secret")) {
        (true, false) => require(read, "wechat.secret", &[("wechat.app_id", true)]),
        (false, true) => require(read, "wechat.app_id", &[("wechat.secret", true)]),
        _ => {}
    }
    let (app_id, secret) = app_id.zip(secret)?;
    Some(WechatSettings { app_id, secret, api_base, authorize_base })
}
