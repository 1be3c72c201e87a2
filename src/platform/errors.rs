//! Every error code that matters, what a program does about it and what a person does. The one table that the client, `jinqun
//! check`, alerts, dead letters and the documentation go by.
//!
//! Sources: `WeCom` documents 90454 (limits) and 90455 (codes), and what public libraries know beside them.

use std::time::Duration;

use super::remedy::{Advice, Known, MINUTE_LIMIT_WAIT, Remedy};

/// The pause after a conflict or a busy platform, once quick repeats have failed.
const AFTER: Duration = Duration::from_secs(30);
/// The pause after too many calls at once.
const CROWD_WAIT: Duration = Duration::from_secs(5);
/// When a friendship that is not there yet is looked for again.
const FRIEND_WAIT: Duration = Duration::from_mins(1);

const fn row(code: i64, remedy: Remedy, means: [&'static str; 2], todo: [&'static str; 2]) -> Known {
    let ([zh, en], [todo_zh, todo_en]) = (means, todo);
    Known { code, means: Advice { zh, en }, remedy, advice: Advice { zh: todo_zh, en: todo_en } }
}

const WAITS: [&str; 2] = ["无需操作,系统会自动重试。", "Nothing: the call is made again by itself."];
pub(super) const REPORT: [&str; 2] = [
    "这是程序的问题:请把错误码和操作报告给开发者。",
    "This is a fault of the program: report the code and what was done.",
];
const SECRET: [&str; 2] = [
    "核对 wecom.corp_id 与 wecom.secret(公众号为 wechat.app_id 与 wechat.secret),以及自建应用是否已启用。",
    "Compare wecom.corp_id and wecom.secret (wechat.app_id and wechat.secret for the official account) with the console, and see that the app is enabled.",
];
const SCOPE: [&str; 2] = [
    "在管理后台把该成员加入应用的可见范围,并加入客户联系的使用范围。",
    "In the console, put the member into the app's visible range and into those who may contact customers.",
];
const CONTACT: [&str; 2] = [
    "在管理后台:客户与上下游 → 客户联系 → API → 可调用接口的应用,勾选本应用;成员需有客户联系权限。",
    "In the console under customer contact → API → apps that may call the interface, tick this app; members need the right to contact customers.",
];
const REMADE: [&str; 2] =
    ["无需操作,系统会自动更换凭证后重试。", "Nothing: another token is fetched and the call is made again."];

/// Every code, by number.
pub const TABLE: &[Known] = &[
    row(-1, Remedy::RetryLater { after: AFTER }, ["平台繁忙", "the platform is busy"], WAITS),
    row(6_000, Remedy::RetryLater { after: AFTER }, ["数据版本冲突", "somebody changed it at the same moment"], WAITS),
    row(40_001, Remedy::RefreshToken, ["Secret 或凭证不正确", "the secret or the token is wrong"], SECRET),
    row(
        40_003,
        Remedy::BadData,
        ["成员 userid 不正确", "the member's userid is not right"],
        ["在门店联系人里改正该成员的 userid。", "Correct the member's userid in the contacts of the store."],
    ),
    row(
        40_013,
        Remedy::FixSettings { what: "wecom.corp_id" },
        ["企业 ID 不正确", "the corporation's id is wrong"],
        SECRET,
    ),
    row(40_014, Remedy::RefreshToken, ["凭证不正确", "the token is not right"], REMADE),
    row(
        40_029,
        Remedy::RestartSignIn,
        ["登录 code 无效、过期或已使用", "the code of the sign-in is wrong, too old or used"],
        ["无需操作,顾客会被重新带去登录。", "Nothing: the customer is sent to sign in again."],
    ),
    row(40_033, Remedy::Bug, ["请求里有 \\uxxxx 字符", "the request holds \\uxxxx escapes"], REPORT),
    row(40_058, Remedy::Bug, ["参数不正确", "a parameter is wrong"], REPORT),
    row(
        40_068,
        Remedy::RefreshTagCache,
        ["标签 ID 无效", "there is no such tag"],
        [
            "无需操作,系统会重新读取标签;若反复出现,检查标签是否被人删除。",
            "Nothing: tags are read again; if it comes back, see whether somebody deletes them.",
        ],
    ),
    row(
        40_071,
        Remedy::AdoptExisting,
        ["标签名已存在", "a tag of this name is there"],
        ["无需操作,系统会使用已有的标签。", "Nothing: the tag that is there is used."],
    ),
    row(
        40_072,
        Remedy::BadData,
        ["标签名长度不对", "the tag's name is too long or empty"],
        ["把标签名缩短到 30 个字以内。", "Shorten the tag's name to 30 characters."],
    ),
    row(
        40_096,
        Remedy::BadData,
        ["客户 ID 无效", "there is no such customer"],
        ["无需操作,该客户的任务会作废。", "Nothing: what was to be done for this customer is let go."],
    ),
    row(
        40_163,
        Remedy::RestartSignIn,
        ["登录 code 已使用(页面被刷新)", "the code of the sign-in was used; the page was loaded again"],
        ["无需操作,顾客会被重新带去登录。", "Nothing: the customer is sent to sign in again."],
    ),
    row(41_001, Remedy::Bug, ["缺少凭证", "the call has no token"], REPORT),
    row(41_037, Remedy::Bug, ["联系我的 type 缺失或无效", "the type of the contact way is missing or wrong"], REPORT),
    row(41_040, Remedy::Bug, ["联系我的 scene 缺失或无效", "the scene of the contact way is missing or wrong"], REPORT),
    row(
        41_051,
        Remedy::AlreadyDone,
        ["会话已开始,欢迎语已发送或已失效", "the chat has begun: the welcome was sent, or is too late"],
        [
            "若顾客没有收到欢迎语,检查是否另有应用或后台欢迎语抢先发送。",
            "If customers get no welcome, see whether another app or the console's own welcome is first.",
        ],
    ),
    row(42_001, Remedy::RefreshToken, ["凭证已过期", "the token has expired"], REMADE),
    row(
        45_009,
        Remedy::WaitLimit { wait: MINUTE_LIMIT_WAIT },
        ["调用次数超过上限", "too many calls"],
        [
            "无需操作,系统会等待后继续;若反复出现,检查同一企业是否有别的系统在大量调用。",
            "Nothing: it goes on after a pause; if it comes back, see who else calls for this corporation.",
        ],
    ),
    row(
        45_033,
        Remedy::SlowDown { after: CROWD_WAIT },
        ["并发调用超过上限", "too many calls at once"],
        ["无需操作,系统会降低并发。", "Nothing: fewer calls are made at once."],
    ),
    row(
        48_002,
        Remedy::FixSettings { what: "console: API permissions" },
        ["应用没有接口权限", "the app lacks the permission"],
        CONTACT,
    ),
    row(
        50_001,
        Remedy::FixSettings { what: "console: trusted domain" },
        ["跳转域名未登记", "the domain that people come back to is not trusted"],
        [
            "在管理后台把 public_url 的域名设为应用的可信域名(公众号:网页授权域名)。",
            "In the console, make the domain of public_url the app's trusted domain (official account: the domain of web authorisation).",
        ],
    ),
    row(
        50_002,
        Remedy::FixSettings { what: "console: visible range" },
        ["成员不在权限范围", "the member is outside the range"],
        SCOPE,
    ),
    row(
        60_011,
        Remedy::FixSettings { what: "console: visible range" },
        ["没有访问该成员的权限", "no right to this member"],
        SCOPE,
    ),
    row(
        60_020,
        Remedy::FixSettings { what: "console: trusted IP" },
        ["本机 IP 不在可信 IP 中", "our address is not among the trusted ones"],
        [
            "在管理后台的应用详情里,把本服务的出口 IP 加入「企业可信IP」,约一分钟后生效。",
            "In the console, add the address from which this service reaches the internet to the app's trusted IPs; it works after about a minute.",
        ],
    ),
    row(
        60_111,
        Remedy::BadData,
        ["成员不存在", "there is no such member"],
        [
            "在门店联系人里改正该成员的 userid,或换一位成员。",
            "Correct the member's userid in the contacts of the store, or name another member.",
        ],
    ),
    row(
        81_017,
        Remedy::Bug,
        ["成员超过 1000 人,需按群主筛选", "more than 1000 members in range: chats must be asked for by owner"],
        REPORT,
    ),
    row(
        84_061,
        Remedy::NotAFriendYet { after: FRIEND_WAIT },
        ["与该客户不是好友", "member and customer are not friends"],
        ["无需操作,标签会等到成为好友后再打。", "Nothing: tags wait until they are friends."],
    ),
    row(
        84_074,
        Remedy::FixSettings { what: "console: customer contact" },
        ["没有客户联系权限", "no right to contact customers"],
        CONTACT,
    ),
    row(
        90_500,
        Remedy::BadData,
        ["群主未离职", "the owner of the group has not left"],
        ["无需操作,该群不需要继承。", "Nothing: the group needs no new owner."],
    ),
    row(
        90_501,
        Remedy::BadData,
        ["该群不是客户群", "the chat is no group of customers"],
        ["在门店群设置里换成客户群。", "Name a group of customers in the groups of the store."],
    ),
];

/// What is known about a code.
#[must_use]
pub fn known(code: i64) -> Option<&'static Known> {
    TABLE.iter().find(|it| it.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_says_what_to_do() {
        let codes: Vec<i64> = TABLE.iter().map(|it| it.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
        assert!(TABLE.iter().all(|it| !it.advice.zh.is_empty() && it.advice.en.ends_with('.')));
    }

    /// The codes of the reference, written down here once more.
    #[test]
    fn every_code_of_the_reference_is_in_the_table() {
        let reference = [
            -1, 6000, 40001, 40003, 40013, 40014, 40029, 40033, 40058, 40068, 40071, 40072, 40096, 40163, 41001, 41037,
            41040, 41051, 42001, 45009, 45033, 48002, 50001, 50002, 60011, 60020, 60111, 81017, 84061, 84074, 90500,
            90501,
        ];
        assert!(reference.iter().all(|code| known(*code).is_some()));
        assert_eq!(TABLE.len(), reference.len());
    }
}
