//! What a run over codes says: what became of each, how many, and why it ended early.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::app::ImportError;
use crate::app::join_code::CodeRefusal;
use crate::group::CHATS_MAX;
use crate::platform::ApiError;
use crate::storage::StorageError;

/// What becomes of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SyncAction {
    /// It is as it is to be.
    Kept,
    /// It is made.
    Made,
    /// It is changed in place; the picture stays.
    Updated,
    /// Nothing can be done about it.
    Problem,
}

impl SyncAction {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Kept, Self::Made, Self::Updated, Self::Problem];

    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Made => "made",
            Self::Updated => "updated",
            Self::Problem => "problem",
        }
    }
}

/// What became of one code, or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRow {
    /// `group` or `contact`.
    pub kind: &'static str,
    /// The id of the group or contact.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What.
    pub action: SyncAction,
    /// Why, or what is different.
    pub detail: Detail,
}

/// Why nothing can be done about a code, or what is different: a stable word and a sentence in two languages. Empty if there is
/// nothing to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail {
    /// A stable word.
    pub code: &'static str,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl Detail {
    fn new(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code, zh: zh.into(), en: en.into() }
    }

    pub(super) fn of_api(error: &ApiError) -> Self {
        let advice = error.advice();
        Self::new("refused", format!("{error}：{}", advice.zh), format!("{error}: {}", advice.en))
    }

    pub(super) fn strangers(all: &str) -> Self {
        Self::new(
            "not_allowed",
            format!("{all} 没有客户联系权限：请在管理后台开通，或改正 userid"),
            format!("{all} may not contact customers: allow it in the console, or correct the id"),
        )
    }

    pub(super) fn too_many_chats(count: usize) -> Self {
        Self::new(
            "too_many_chats",
            format!("写了 {count} 个群；一个活码最多 {CHATS_MAX} 个"),
            format!("{count} chats are named; a code leads to {CHATS_MAX} at most"),
        )
    }

    pub(super) fn no_chat() -> Self {
        Self::new(
            "no_chat",
            "它的群都已解散：请先建新群，并写上新群的 ID",
            "all its chats were dissolved: make a new one and name it",
        )
    }

    pub(super) fn one_member_only() -> Self {
        Self::new(
            "one_member_only",
            "这个活码当初只为一位成员生成，平台不允许改成多位：请清除它的 way，下次同步会生成新的活码",
            "its way was made for one member, and the platform keeps it so: take its way off, and the next run makes another code",
        )
    }

    pub(super) fn under_way() -> Self {
        Self::new("under_way", "另一次同步正在生成它：请稍后再试", "another run is making it: try again later")
    }

    pub(super) fn would_be_made() -> Self {
        Self::new("new", "将新建", "would be made")
    }

    pub(super) fn no_picture() -> Self {
        Self::new("no_picture", "平台没有给出它的图片", "the platform gives no picture for it")
    }

    pub(super) fn of_picture(refusal: &CodeRefusal) -> Self {
        let zh = match refusal.code {
            "not_a_picture" => "不是图片",
            "too_large" => "图片太大",
            "no_code" => "图里没有二维码",
            "several_codes" => "图里有多个二维码",
            "mini_program_code" => "是小程序码",
            "not_a_link" => "内容不是链接",
            "not_https" => "不是 https 链接",
            "host_not_allowed" => "指向未允许的域名",
            _ => "二维码读不出",
        };
        Self::new(
            "picture",
            format!("它的图片不能使用，{zh}：{}", refusal.message),
            format!("its picture cannot be used: {}", refusal.message),
        )
    }

    /// What is different, by the words that are looked for.
    pub(super) fn differs(words: &[&'static str]) -> Self {
        if words.is_empty() {
            return Self::default();
        }
        let zh = |it: &&str| match *it {
            "chats" => "群",
            "staff" => "成员",
            "state" => "渠道标识",
            "remark" => "备注",
            "code" => "二维码",
            _ => "目录",
        };
        Self::new("differs", words.iter().map(zh).collect::<Vec<_>>().join("、"), words.join(", "))
    }
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// How many codes of each kind of action.
    pub counts: BTreeMap<SyncAction, u64>,
    /// The version that is live since; none if nothing was published.
    pub version: Option<u64>,
}

/// Why a run ended early. What was done until then is done.
#[derive(Debug, Error)]
pub enum SyncError {
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] ImportError),
    /// Storage does not answer.
    #[error("storage does not answer")]
    Storage(#[from] StorageError),
    /// The platform lets this app do nothing of the kind.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Others publish faster than this could be tried again.
    #[error("others are publishing; try again")]
    Busy,
}
