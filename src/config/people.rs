//! The settings of who is who: signing in, the script of `WeChat`, and the CRM that is asked before a greeting.

use super::gather::Reader;
use crate::app::wecom::LookupSettings;
use crate::http::{SignInWays, WechatScript};
use crate::webhook::Webhook;
use crate::wechat::Scope;

/// By what customers may be recognised.
pub(super) fn sign_in(read: &mut Reader<'_>) -> SignInWays {
    let wechat = read.parse("wechat.sign_in", |it| match it {
        "off" => Ok(None),
        "base" => Ok(Some(Scope::Base)),
        "userinfo" => Ok(Some(Scope::UserInfo)),
        _ => Err("is none of off, base, userinfo".to_owned()),
    });
    let wecom = read.parse("wecom.sign_in", |it| match it {
        "off" => Ok(false),
        "on" => Ok(true),
        _ => Err("is none of off, on".to_owned()),
    });
    let (wechat, wecom) = (wechat.flatten(), wecom.unwrap_or_default());
    if wechat.is_some() && !read.is_set("wechat.app_id") {
        let _: Option<()> = read.fail("wechat.app_id", "is missing, and wechat.sign_in is set");
    }
    if wecom && !read.is_set("wecom.secret") {
        let _: Option<()> = read.fail("wecom.secret", "is missing, and wecom.sign_in is set");
    }
    SignInWays { wechat, wecom }
}

/// The script of `WeChat`.
pub(super) fn script(read: &mut Reader<'_>) -> Option<WechatScript> {
    read.parse("wechat.script", WechatScript::parse)
}

/// The CRM that is asked.
pub(super) fn lookup(read: &mut Reader<'_>) -> Option<LookupSettings> {
    let at = read.parse("crm.lookup_url", Webhook::parse);
    let secret = read.text("crm.lookup_secret");
    if secret.is_some() && !read.is_set("crm.lookup_url") {
        let _: Option<()> = read.fail("crm.lookup_url", "is missing, and crm.lookup_secret is set");
    }
    at.map(|at| LookupSettings { at, secret })
}
