//! Every setting: its name, its variable, its default and what it is for.

use std::fmt::Write as _;

use crate::storage::redis::RedisAt;

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    List,
    Whole,
    Number,
}

/// One setting.
#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub variable: &'static str,
    pub form: Form,
    pub is_secret: bool,
    /// What is shown of a secret.
    pub shown: fn(&str) -> String,
    /// As in the file; empty for none.
    pub default: &'static str,
    pub doc: &'static str,
}

const fn key(name: &'static str, variable: &'static str, form: Form, default: &'static str, doc: &'static str) -> Key {
    Key { name, variable, form, is_secret: false, shown: nothing, default, doc }
}

fn nothing(_value: &str) -> String {
    "***".to_owned()
}

/// An address without its password; of what is none, nothing.
fn without_password(value: &str) -> String {
    if RedisAt::is_meant(value) {
        RedisAt::parse(value).map_or_else(|_cause| nothing(value), |it| it.to_string())
    } else {
        value.to_owned()
    }
}

const fn secret(name: &'static str, variable: &'static str, doc: &'static str) -> Key {
    Key { name, variable, form: Form::Text, is_secret: true, shown: nothing, default: "", doc }
}

/// All settings, in the order in which they are shown.
pub(super) const KEYS: &[Key] = &[
    key(
        "listen",
        "JINQUN_LISTEN",
        Form::Text,
        "\"127.0.0.1:8080\"",
        "Where to listen. Port 0 picks a free one; the first line printed says which.",
    ),
    key(
        "public_url",
        "JINQUN_PUBLIC_URL",
        Form::Text,
        "",
        "Where customers reach this service, for example https://join.example.com. Printed codes hold it. Default: http:// and the bound address.",
    ),
    key(
        "data_dir",
        "JINQUN_DATA_DIR",
        Form::Text,
        "\"data\"",
        "The folder for the outbox, the embedded storage and the last good catalog.",
    ),
    Key {
        name: "storage",
        variable: "JINQUN_STORAGE",
        form: Form::Text,
        is_secret: true,
        shown: without_password,
        default: "\"sqlite:\"",
        doc: "Where records and the catalog are kept: sqlite: (a file in data_dir), sqlite:FILE, or Redis for several instances: redis://user:password@host:6379/0, redis+sentinel://host:26379,host:26379/service or redis+cluster://host:6379,host:6379; rediss for TLS. User and password may be left out; signs in them are percent-encoded.",
    },
    key(
        "storage_ca",
        "JINQUN_STORAGE_CA",
        Form::Text,
        "",
        "A PEM file with the certificate authorities that Redis's certificate is checked against. Default: the system's.",
    ),
    key(
        "ip_databases",
        "JINQUN_IP_DATABASES",
        Form::List,
        "[]",
        "IP databases (.mmdb and .xdb), asked in order, read again when they change.",
    ),
    key(
        "ip2region_fields",
        "JINQUN_IP2REGION_FIELDS",
        Form::Text,
        "\"auto\"",
        "The order of fields in .xdb files, for example country|skip|province|city|skip.",
    ),
    key(
        "trusted_proxies",
        "JINQUN_TRUSTED_PROXIES",
        Form::List,
        "[]",
        "Networks of proxies whose X-Forwarded-For is believed, for example 10.0.0.0/8.",
    ),
    key(
        "allowed_origins",
        "JINQUN_ALLOWED_ORIGINS",
        Form::List,
        "[]",
        "Origins whose own pages may call /api/v1/, for example https://shop.example.com.",
    ),
    secret("admin_token", "JINQUN_ADMIN_TOKEN", "A bootstrap token with the role admin."),
    secret(
        "secret",
        "JINQUN_SECRET",
        "Signs visitor tokens, at least 16 characters. Default: made once and kept in storage.",
    ),
    key(
        "tls_cert",
        "JINQUN_TLS_CERT",
        Form::Text,
        "",
        "A PEM file with the certificate chain; with tls_key the service speaks HTTPS. Phones give their position to HTTPS pages only.",
    ),
    key("tls_key", "JINQUN_TLS_KEY", Form::Text, "", "A PEM file with the private key."),
    key("workers", "JINQUN_WORKERS", Form::Whole, "", "Worker threads. Default: one a core."),
    key(
        "time_zone",
        "JINQUN_TIME_ZONE",
        Form::Text,
        "\"Asia/Shanghai\"",
        "The zone of opening hours and of dates in sheets that name none.",
    ),
    key(
        "join_link_hosts",
        "JINQUN_JOIN_LINK_HOSTS",
        Form::List,
        "[\"work.weixin.qq.com\", \"weixin.qq.com\", \"u.wechat.com\"]",
        "Hosts that join links may point to.",
    ),
    key(
        "map_tiles",
        "JINQUN_MAP_TILES",
        Form::Text,
        "",
        "The background of the operations team's maps, for example https://tiles.example.com/{z}/{x}/{y}.png. Browsers ask this host for pictures. Default: none, outlines alone.",
    ),
    key(
        "map_tiles_attribution",
        "JINQUN_MAP_TILES_ATTRIBUTION",
        Form::Text,
        "",
        "Whose tiles they are, as their terms want it shown.",
    ),
    key(
        "map_tiles_datum",
        "JINQUN_MAP_TILES_DATUM",
        Form::Text,
        "\"wgs84\"",
        "What the tiles are drawn in: wgs84, or gcj02 for most Chinese ones.",
    ),
    key(
        "shutdown_s",
        "JINQUN_SHUTDOWN_S",
        Form::Whole,
        "30",
        "Seconds that requests under way get to finish at a stop.",
    ),
    key("log", "JINQUN_LOG", Form::Text, "\"info\"", "What is logged: error, warn, info, debug or trace."),
    key(
        "log_format",
        "JINQUN_LOG_FORMAT",
        Form::Text,
        "\"auto\"",
        "How it is written: text, json, or auto (text on a terminal, else json).",
    ),
    key(
        "outbox_items_max",
        "JINQUN_OUTBOX_ITEMS_MAX",
        Form::Whole,
        "5000000",
        "Records that may wait for storage; beyond that answers say that they are not recorded.",
    ),
    key(
        "outbox_keep_hours",
        "JINQUN_OUTBOX_KEEP_HOURS",
        Form::Whole,
        "",
        "Hours for which delivered records are kept on this instance's disk, so that they can be delivered again to a Redis that has lost them: longer than the time between two back-ups of Redis. 0 keeps none. Default: 48 with Redis, 0 with a file.",
    ),
    key(
        "outbox_keep_items_max",
        "JINQUN_OUTBOX_KEEP_ITEMS_MAX",
        Form::Whole,
        "1000000",
        "Delivered records that are kept at the most, about 700 bytes each; beyond that the oldest go.",
    ),
    key(
        "routing.reach_m",
        "JINQUN_ROUTING_REACH_M",
        Form::Number,
        "50000.0",
        "Stores farther away than this many metres are not offered, unless the campaign says otherwise.",
    ),
    key(
        "routing.accuracy_trusted_m",
        "JINQUN_ROUTING_ACCURACY_TRUSTED_M",
        Form::Number,
        "100.0",
        "A measured position with at most this radius in metres routes without a question.",
    ),
    key(
        "routing.guess_candidates_max",
        "JINQUN_ROUTING_GUESS_CANDIDATES_MAX",
        Form::Whole,
        "3",
        "With at most this many stores possible in a wider circle, the nearest is shown as a guess.",
    ),
    key(
        "routing.candidates_max",
        "JINQUN_ROUTING_CANDIDATES_MAX",
        Form::Whole,
        "50",
        "How many stores one decision looks at, at the most.",
    ),
    key(
        "routing.alternatives_max",
        "JINQUN_ROUTING_ALTERNATIVES_MAX",
        Form::Whole,
        "5",
        "How many other stores are listed.",
    ),
    key(
        "routing.prefer_open_detour_m",
        "JINQUN_ROUTING_PREFER_OPEN_DETOUR_M",
        Form::Number,
        "2000.0",
        "Where a campaign prefers open stores, one is taken before a closed one that is nearer by at most so many metres.",
    ),
    key(
        "groups.capacity_default",
        "JINQUN_GROUPS_CAPACITY_DEFAULT",
        Form::Whole,
        "200",
        "Members up to which a group is taken to accept scans, where its sheet does not say.",
    ),
    key(
        "groups.validity_days",
        "JINQUN_GROUPS_VALIDITY_DAYS",
        Form::Whole,
        "7",
        "Days for which an uploaded group code works from when it is set, where its sheet does not say.",
    ),
    key(
        "seats.hold_minutes",
        "JINQUN_SEATS_HOLD_MINUTES",
        Form::Whole,
        "30",
        "Minutes for which a visitor's seat in a group is held without a join.",
    ),
    key(
        "seats.join_rate",
        "JINQUN_SEATS_JOIN_RATE",
        Form::Number,
        "0.48",
        "How many heads a seat counts for that was given back without a join, until the group's members are counted.",
    ),
    key(
        "seats.remember_days",
        "JINQUN_SEATS_REMEMBER_DAYS",
        Form::Whole,
        "30",
        "Days for which it is remembered who was shown which group, so that who comes back is led there again.",
    ),
    key(
        "retention.tags_days",
        "JINQUN_RETENTION_TAGS_DAYS",
        Form::Whole,
        "730",
        "For how many days tag records and consents are kept, and what is known of customers with whom all has ended.",
    ),
    key(
        "retention.steps_days",
        "JINQUN_RETENTION_STEPS_DAYS",
        Form::Whole,
        "730",
        "For how many days the steps of visits are kept.",
    ),
    key(
        "retention.dead_days",
        "JINQUN_RETENTION_DEAD_DAYS",
        Form::Whole,
        "90",
        "For how many days records are kept that could not be delivered, and jobs that were given up.",
    ),
    key(
        "retention.feed_days",
        "JINQUN_RETENTION_FEED_DAYS",
        Form::Whole,
        "30",
        "For how many days entries of the feed are kept, and what is remembered of jobs that are done.",
    ),
    key(
        "retention.tallies_days",
        "JINQUN_RETENTION_TALLIES_DAYS",
        Form::Whole,
        "",
        "For how many days tallies and counters of joins are kept, which name no customer; not fewer than tag records. Default: for ever.",
    ),
    key(
        "alerts.expiring_days",
        "JINQUN_ALERTS_EXPIRING_DAYS",
        Form::Whole,
        "3",
        "How many days before a join code expires somebody is told.",
    ),
    key(
        "alerts.group_percent",
        "JINQUN_ALERTS_GROUP_PERCENT",
        Form::Whole,
        "80",
        "How full a group is, in percent of its capacity, when somebody is told.",
    ),
    key(
        "alerts.remind_days",
        "JINQUN_ALERTS_REMIND_DAYS",
        Form::Whole,
        "3",
        "After how many days an alert that is still there is told again.",
    ),
    Key {
        name: "alerts.webhooks",
        variable: "JINQUN_ALERTS_WEBHOOKS",
        form: Form::List,
        is_secret: true,
        shown: nothing,
        default: "[]",
        doc: "Addresses that are told of alerts, https:// only. A group robot of WeCom (https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…) gets its own format, all others JSON; wecom+https:// and json+https:// say it.",
    },
    secret(
        "alerts.secret",
        "JINQUN_ALERTS_SECRET",
        "Signs JSON messages about alerts: Jinqun-Signature holds sha256= and the HMAC-SHA256 of the body.",
    ),
    key(
        "crm.feed",
        "JINQUN_CRM_FEED",
        Form::Text,
        "\"on\"",
        "Whether visits are written to the feed that a CRM reads or is told of: on or off. Joins and tags are always written.",
    ),
    Key {
        name: "crm.webhooks",
        variable: "JINQUN_CRM_WEBHOOKS",
        form: Form::List,
        is_secret: true,
        shown: nothing,
        default: "[]",
        doc: "Addresses that are told of everything in the feed, https:// only, as the Standard Webhooks specification says.",
    },
    secret(
        "crm.webhook_secret",
        "JINQUN_CRM_WEBHOOK_SECRET",
        "Signs messages to the addresses of crm.webhooks: whsec_ and the base64 of 24 to 64 bytes.",
    ),
    key(
        "crm.events",
        "JINQUN_CRM_EVENTS",
        Form::List,
        "[\"scan.recorded\", \"customer.joined\", \"customer.left\", \"tag.set\"]",
        "Of what the addresses of crm.webhooks are told.",
    ),
    Key {
        name: "crm.lookup_url",
        variable: "JINQUN_CRM_LOOKUP_URL",
        form: Form::Text,
        is_secret: true,
        shown: nothing,
        default: "",
        doc: "Asked before a greeting whether the CRM knows the customer, https:// only (http:// on this machine); see docs/wecom.md. Default: nobody is asked.",
    },
    secret(
        "crm.lookup_secret",
        "JINQUN_CRM_LOOKUP_SECRET",
        "Signs those questions as Standard Webhooks are; whsec_ and base64, or any text.",
    ),
    key(
        "privacy.company",
        "JINQUN_PRIVACY_COMPANY",
        Form::Text,
        "",
        "Who is responsible, as the privacy notice says. Default: the campaign's name.",
    ),
    key(
        "privacy.contact",
        "JINQUN_PRIVACY_CONTACT",
        Form::Text,
        "",
        "How they are reached: an address, a number or a mailbox.",
    ),
    key(
        "privacy.version",
        "JINQUN_PRIVACY_VERSION",
        Form::Text,
        "",
        "The version of the privacy notice, for example 2026-07. Default: a digest of what it says.",
    ),
    key("wecom.corp_id", "JINQUN_WECOM_CORP_ID", Form::Text, "", "The corporation's id in WeCom."),
    secret("wecom.secret", "JINQUN_WECOM_SECRET", "The secret of the WeCom app."),
    key(
        "wecom.agent_id",
        "JINQUN_WECOM_AGENT_ID",
        Form::Whole,
        "",
        "The AgentId of the WeCom app, for pages inside WeCom and for its sign-in.",
    ),
    secret("wecom.token", "JINQUN_WECOM_TOKEN", "The token of the WeCom callback."),
    secret("wecom.aes_key", "JINQUN_WECOM_AES_KEY", "The EncodingAESKey of the WeCom callback, 43 letters and digits."),
    key(
        "wecom.receive_id",
        "JINQUN_WECOM_RECEIVE_ID",
        Form::Text,
        "",
        "Whom callbacks are for. Default: the corporation's id; the suite's id for third-party apps.",
    ),
    key(
        "wecom.tag_group",
        "JINQUN_WECOM_TAG_GROUP",
        Form::Text,
        "\"门店区域\"",
        "The group of tags in WeCom that customers' regions and stores are set in, at most 30 characters.",
    ),
    key(
        "wecom.tags_max",
        "JINQUN_WECOM_TAGS_MAX",
        Form::Whole,
        "2000",
        "Tags of the corporation up to which new ones are made; WeCom allows 3000. From 60 percent of it on none are made for stores, from 85 percent on none for districts.",
    ),
    key(
        "wecom.sign_in",
        "JINQUN_WECOM_SIGN_IN",
        Form::Text,
        "\"off\"",
        "on: the page offers customers in WeChat to be recognised by WeCom, which knows those who are contacts already.",
    ),
    key(
        "wecom.api_base",
        "JINQUN_WECOM_API_BASE",
        Form::Text,
        "\"https://qyapi.weixin.qq.com/cgi-bin\"",
        "Where the WeCom API is, https:// only (http:// on this machine). Without a path /cgi-bin is meant.",
    ),
    key("wechat.app_id", "JINQUN_WECHAT_APP_ID", Form::Text, "", "The official account's app id."),
    secret("wechat.secret", "JINQUN_WECHAT_SECRET", "The official account's secret."),
    key(
        "wechat.sign_in",
        "JINQUN_WECHAT_SIGN_IN",
        Form::Text,
        "\"off\"",
        "Whether the page offers customers in WeChat to be recognised: off, base (silently, by openid) or userinfo (WeChat asks them, by unionid).",
    ),
    key(
        "wechat.script",
        "JINQUN_WECHAT_SCRIPT",
        Form::Text,
        "\"https://res.wx.qq.com/open/js/jweixin-1.6.0.js\"",
        "The script of WeChat's JS-SDK, by which pages in WeChat ask for the position where an official account is set.",
    ),
    key(
        "wechat.api_base",
        "JINQUN_WECHAT_API_BASE",
        Form::Text,
        "\"https://api.weixin.qq.com\"",
        "Where the WeChat API is, https:// only (http:// on this machine).",
    ),
    key(
        "wechat.authorize_base",
        "JINQUN_WECHAT_AUTHORIZE_BASE",
        Form::Text,
        "\"https://open.weixin.qq.com\"",
        "Where browsers are sent to sign in with WeChat or WeCom.",
    ),
];

/// The example file: every setting with its default, commented out.
#[must_use]
pub fn example() -> String {
    let mut out = String::from(
        "# Settings of jinqun with their defaults. The environment wins over this file, flags win over both.\n\
         # A secret may also be given as NAME_file (here) or NAME_FILE (in the environment): the file that holds it.\n",
    );
    // Writing to a String cannot fail.
    let mut section = "";
    for key in KEYS {
        let (in_section, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if in_section != section {
            section = in_section;
            let _ = writeln!(out, "\n[{section}]");
        }
        let default = match (key.default, key.form) {
            ("", Form::Text) => "\"\"",
            ("", Form::List) => "[]",
            ("", Form::Whole | Form::Number) => "0",
            (default, _) => default,
        };
        let _ = writeln!(
            out,
            "
# {} ({})
# {name} = {default}",
            key.doc, key.variable
        );
    }
    out
}
