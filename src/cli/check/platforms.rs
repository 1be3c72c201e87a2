//! What `jinqun check` asks `WeCom` and `WeChat`: for a token, for what the app may read, and whether the callback is set up.

use std::sync::Arc;

use super::Finding;
use crate::config::Config;
use crate::platform::{ApiError, known};
use crate::startup;
use crate::time::{Clock, SystemClock};
use crate::wechat::Wechat;
use crate::wecom::client::ChatQuery;
use crate::wecom::{Sealed, Wecom, WecomSettings};

/// What is sealed and opened again to try the callback's key.
const PROBE: &str = "1616140317555161061";

/// Asks both platforms, as far as the settings name them. Returns what is well, in words.
pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) -> Vec<String> {
    let mut said = Vec::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let clients = startup::open_platforms(config, None, &clock, None);
    if let Some(settings) = &config.wecom {
        check_callback(config, settings, findings, &mut said);
    }
    match &clients.wecom {
        Some(wecom) => check_wecom(wecom, findings, &mut said),
        None if config.wecom.is_some() => {
            said.push("WeCom: no secret is set, so callbacks are read and nothing is asked".to_owned());
        }
        None => {}
    }
    if let Some(wechat) = &clients.wechat {
        check_wechat(wechat, findings, &mut said);
    }
    said
}

fn failed(platform: &str, error: &ApiError) -> Finding {
    let means =
        error.code().and_then(known).map(|it| format!(": {} ({})", it.means.en, it.means.zh)).unwrap_or_default();
    Finding { what: format!("{platform}: {error}{means}"), remedy: error.advice().en }
}

fn check_callback(config: &Config, settings: &WecomSettings, findings: &mut Vec<Finding>, said: &mut Vec<String>) {
    let mut find = |what: &str, remedy| findings.push(Finding { what: what.to_owned(), remedy });
    let Some(callback) = &settings.callback else {
        return find(
            "WeCom: there is no callback, so joins and new customers are not seen",
            "set wecom.token and wecom.aes_key to what the console shows under the app's API reception, and enter the address of /wecom/callback there",
        );
    };
    let opens = callback.cipher().is_ok_and(|cipher| {
        let encrypt = cipher.seal(PROBE, [0; 16]);
        let signature = cipher.sign("0", "0", &encrypt);
        let sealed = Sealed { signature: &signature, timestamp: "0", nonce: "0", encrypt: &encrypt };
        cipher.open(sealed).as_deref() == Ok(PROBE)
    });
    if !opens {
        find("WeCom: the callback's key opens nothing", "copy wecom.aes_key from the console again");
    }
    match &config.public_url {
        Some(url) => said.push(format!("WeCom: the callback's address is {url}/wecom/callback")),
        None => find(
            "WeCom: public_url is not set, so nobody knows the callback's address",
            "set public_url to where the internet reaches this service, for example https://join.example.com",
        ),
    }
}

fn check_wecom(wecom: &Wecom, findings: &mut Vec<Finding>, said: &mut Vec<String>) {
    if let Err(error) = wecom.check_token() {
        return findings.push(failed("WeCom", &error));
    }
    let staff = match wecom.follow_users() {
        Ok(staff) if staff.is_empty() => {
            return findings.push(Finding {
                what: "WeCom: no member may contact customers".to_owned(),
                remedy: "in the console, add members under customer contact, and put them into the app's visible range",
            });
        }
        Ok(staff) => staff,
        Err(error) => return findings.push(failed("WeCom", &error)),
    };
    said.push(format!("WeCom: a token was given; {} members may contact customers", staff.len()));
    let owners: Vec<String> = staff.into_iter().take(1).collect();
    let chats = wecom.group_chats(&ChatQuery { owners, cursor: None }).map(drop);
    let mut failures: Vec<ApiError> = [chats, wecom.tags(&[]).map(drop)].into_iter().filter_map(Result::err).collect();
    // One setting that is wrong fails every call; it is told once.
    failures.dedup_by_key(|it| it.code());
    findings.extend(failures.iter().map(|it| failed("WeCom", it)));
}

fn check_wechat(wechat: &Wechat, findings: &mut Vec<Finding>, said: &mut Vec<String>) {
    match wechat.check_token() {
        Ok(()) => said.push("WeChat: a token was given".to_owned()),
        Err(error) => findings.push(failed("WeChat", &error)),
    }
}
