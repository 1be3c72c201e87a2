//! What alerts say, in both languages.

use super::{AlertKind, Bilingual};
use crate::job::Lane;

pub(super) fn both(zh: impl Into<String>, en: impl Into<String>) -> Bilingual {
    Bilingual { zh: zh.into(), en: en.into() }
}

pub(super) fn kind_name(kind: AlertKind) -> Bilingual {
    let (zh, en) = match kind {
        AlertKind::Storage => ("存储没有响应", "Storage does not answer"),
        AlertKind::DeliveryFailing => ("扫码记录写不进存储", "Records do not reach storage"),
        AlertKind::CatalogRefused => ("新发布的目录无法启用", "The published catalog is refused"),
        AlertKind::DeadLetters => ("无法投递的记录", "Records that cannot be delivered"),
        AlertKind::DeadJobs => ("做不成的任务", "Jobs that were given up"),
        AlertKind::IpDatabaseRefused => ("IP 库无法读取", "An IP database is refused"),
        AlertKind::StoreWithoutCode => ("门店没有可用的码", "Stores without a usable code"),
        AlertKind::CodeExpired => ("码已过期", "Codes that have expired"),
        AlertKind::GroupFull => ("群已满", "Groups that are full"),
        AlertKind::CodeExpiring => ("码快过期", "Codes about to expire"),
        AlertKind::GroupFilling => ("群快满", "Groups nearly full"),
        AlertKind::Coordinates => ("坐标可疑", "Suspicious coordinates"),
    };
    both(zh, en)
}

pub(super) fn what_to_do(kind: AlertKind) -> Bilingual {
    let (zh, en) = match kind {
        AlertKind::Storage => (
            "顾客照常扫码。请运维检查数据盘和存储文件。",
            "Customers are still served. Ask operations to look at the disk and the storage file.",
        ),
        AlertKind::DeliveryFailing => (
            "记录没有丢,在本机排队。请运维检查存储和磁盘空间。",
            "No record is lost; they wait on this machine. Ask operations to look at storage and disk space.",
        ),
        AlertKind::CatalogRefused => (
            "旧目录仍在使用。请在「历史」里回到上一个好的版本,再查日志。",
            "The one before stays live. Roll back to the last good version under History, then read the log.",
        ),
        AlertKind::DeadLetters => (
            "请运维查看日志里的原因;记录会保留一段时间。",
            "Ask operations to read the reason in the log; the records are kept for a while.",
        ),
        AlertKind::DeadJobs => (
            "看看原因;修好后在「死信」里重新执行。",
            "See the cause; once it is mended, have them done again under Dead letters.",
        ),
        AlertKind::IpDatabaseRefused => (
            "旧的 IP 库仍在使用。请重新放一份完整的文件。",
            "The one before stays in use. Put a whole file in its place.",
        ),
        AlertKind::StoreWithoutCode => (
            "上传一张新的群二维码,或者给门店加一位联系人;暂时不收客就把门店设为暂停。",
            "Upload a new group code, or give the store a contact; pause the store if it takes no customers.",
        ),
        AlertKind::GroupFull => {
            ("给这家门店再加一个群,或者调高上限。", "Add another group to the store, or raise the capacity.")
        }
        AlertKind::CodeExpired | AlertKind::CodeExpiring => {
            ("在企业微信里重新生成群二维码,截图上传。", "Make a new code in WeCom and upload its picture.")
        }
        AlertKind::GroupFilling => ("准备好下一个群。", "Get the next group ready."),
        AlertKind::Coordinates => (
            "在地图上核对位置;或者到店里用「测试位置」一键改正。",
            "Check the place on the map, or stand in the store and mend it with \"Test a place\".",
        ),
    };
    both(zh, en)
}

/// What the jobs of a lane are about.
pub(super) fn lane_name(lane: Lane) -> Bilingual {
    let (zh, en) = match lane {
        Lane::Event => ("企业微信事件", "event"),
        Lane::Tag => ("客户标签", "tag"),
        Lane::Reconcile => ("核对", "reconcile"),
    };
    both(zh, en)
}
