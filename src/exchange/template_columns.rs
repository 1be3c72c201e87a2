//! What stands in the templates: headers, notes and examples in both languages. How they are drawn is for `template`.

use super::SheetLanguage;
use super::template::{Allowed, TemplateColumn, TemplateOf};

/// A column in both languages: headers, whether it is required, width, what is allowed, notes, examples.
struct Both {
    zh: &'static str,
    en: &'static str,
    is_required: bool,
    width: u8,
    allowed: Allowed,
    allowed_zh: Option<Allowed>,
    note_zh: &'static str,
    note_en: &'static str,
    examples: [&'static str; 2],
}

const DATUMS: Allowed = Allowed::Of(&["gcj02", "bd09", "wgs84"]);
const DATUMS_ZH: Allowed = Allowed::Of(&["高德", "腾讯", "百度", "wgs84"]);
const LATITUDES: Allowed = Allowed::Number(-90.0, 90.0);
const LONGITUDES: Allowed = Allowed::Number(-180.0, 180.0);
const CAPACITIES: Allowed = Allowed::Whole(1, 100_000);

const fn column(zh: &'static str, en: &'static str, width: u8, allowed: Allowed) -> Both {
    Both { zh, en, is_required: false, width, allowed, allowed_zh: None, note_zh: "", note_en: "", examples: ["", ""] }
}

impl Both {
    const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    const fn in_chinese(self, allowed: Allowed) -> Self {
        Self { allowed_zh: Some(allowed), ..self }
    }

    const fn notes(self, note_zh: &'static str, note_en: &'static str) -> Self {
        Self { note_zh, note_en, ..self }
    }

    const fn like(self, examples: [&'static str; 2]) -> Self {
        Self { examples, ..self }
    }
}

const STORES: &[Both] = &[
    column("门店编号", "id", 14, Allowed::Text)
        .required()
        .notes("必填，唯一。以文本保存，前面的 0 不会丢失。", "Required, unique. Kept as text, so leading zeros stay.")
        .like(["SH-0001", "00286"]),
    column("门店名称", "name", 24, Allowed::Any)
        .required()
        .notes("必填。顾客看到的名称。", "Required. What customers see.")
        .like(["人民广场店", "外滩店"]),
    column("地址", "address", 32, Allowed::Any).notes("街道与门牌号。", "Street and number.").like(["南京西路388号", ""]),
    column("省", "province", 10, Allowed::Any).notes("省或直辖市。", "Province.").like(["上海市", "上海市"]),
    column("市", "city", 10, Allowed::Any).notes("城市。", "City.").like(["上海市", "上海市"]),
    column("区", "district", 10, Allowed::Any).notes("区或县。", "District.").like(["黄浦区", "黄浦区"]),
    column("纬度", "lat", 12, LATITUDES)
        .required()
        .notes("必填，十进制度，例如 31.2319。国内在 3 到 54 之间。", "Required, decimal degrees, such as 31.2319.")
        .like(["31.2299", "31.2361"]),
    column("经度", "lng", 12, LONGITUDES)
        .required()
        .notes("必填，十进制度，例如 121.4693。国内在 73 到 136 之间。", "Required, decimal degrees, such as 121.4693.")
        .like(["121.4738", "121.4900"]),
    column("坐标系", "datum", 10, DATUMS)
        .in_chinese(DATUMS_ZH)
        .notes(
            "坐标来自哪里：高德和腾讯是 gcj02，百度是 bd09，GPS 是 wgs84。不填时在导入页面统一选择。填错会偏几百米。",
            "Where the numbers come from: AMap and Tencent are gcj02, Baidu is bd09, GPS is wgs84. Left empty, the import asks.",
        )
        .like(["gcj02", "gcj02"]),
    column("状态", "status", 10, Allowed::Of(&["active", "paused", "closed"]))
        .in_chinese(Allowed::Of(&["营业", "暂停", "关闭"]))
        .notes("不填视为营业。", "Empty means active.")
        .like(["active", "paused"]),
    column("营业时间", "hours", 22, Allowed::Text)
        .notes(
            "例如 08:00-22:00，跨夜写 09:00-次日01:00，多段用逗号隔开。不填表示未知，不代表关门。",
            "Such as 08:00-22:00; several are joined by a comma. Empty means unknown, which is not closed.",
        )
        .like(["08:00-22:00", "09:00-14:00,17:00-21:00"]),
    column("临时闭店", "closures", 22, Allowed::Text)
        .notes("不营业的日期，例如 2026-12-31，多个用逗号隔开。", "Days on which it does not open, such as 2026-12-31.")
        .like(["2027-02-06..2027-02-08", ""]),
    column("群链接", "group_url", 34, Allowed::Any)
        .notes("第一个群的入群链接。", "The join link of a first group chat.")
        .like(["https://work.weixin.qq.com/gm/example", ""]),
    column("群名称", "group_name", 18, Allowed::Any).notes("群的名称。", "Its name.").like(["人民广场福利群", ""]),
    column("群上限", "group_capacity", 10, CAPACITIES).notes("群最多多少人。", "How many it holds.").like(["200", ""]),
    column("群过期时间", "group_expires", 20, Allowed::Text)
        .notes("群码失效的时间，例如 2026-12-01 18:00。", "When its code expires, such as 2026-12-01 18:00.")
        .like(["2026-12-01 18:00", ""]),
    column("店长链接", "contact_url", 34, Allowed::Any)
        .notes("店长的添加链接。", "The link of the store's contact.")
        .like(["", "https://work.weixin.qq.com/ca/example"]),
    column("店长", "contact_name", 12, Allowed::Any).notes("店长的名字。", "The contact's name.").like(["", "小林"]),
    column("标签", "tags", 18, Allowed::Any).notes("多个用分号隔开。", "Joined by semicolons.").like(["旗舰店;24小时", ""]),
];

const ID: Both = column("编号", "id", 18, Allowed::Text)
    .required()
    .notes("必填，唯一。", "Required, unique.")
    .like(["SH-0001-2", "huangpu"]);
const OF_STORE: Both = column("门店编号", "store", 14, Allowed::Text)
    .notes("属于哪家门店。门店、区域、活动三者只填一个。", "Whose it is: fill in one of store, region and campaign.")
    .like(["SH-0001", ""]);
const OF_REGION: Both = column("区域", "region", 14, Allowed::Any)
    .notes("属于哪个区域。", "The region that it belongs to.")
    .like(["", "黄浦区"]);
const OF_CAMPAIGN: Both = column("活动", "campaign", 14, Allowed::Text)
    .notes("属于哪个活动。", "The campaign that it belongs to.")
    .like(["", ""]);
const URL: Both = column("链接", "url", 36, Allowed::Any)
    .notes("入群或添加的链接，https 开头。", "The link, with https.")
    .like(["https://work.weixin.qq.com/gm/example", "https://work.weixin.qq.com/gm/example2"]);
const CODE: Both = column("码类型", "code", 10, Allowed::Of(&["live", "uploaded"]))
    .in_chinese(Allowed::Of(&["活码", "上传"]))
    .notes("活码长期有效；上传的群码会过期。", "A live code does not expire; an uploaded one does.")
    .like(["uploaded", "live"]);
const EXPIRES: Both = column("过期时间", "expires", 20, Allowed::Text)
    .notes("例如 2026-12-01 18:00。活码不填。", "Such as 2026-12-01 18:00; empty for a live code.")
    .like(["2026-12-01 18:00", ""]);
const ORDER: Both = column("顺序", "order", 8, Allowed::Whole(-10_000, 10_000))
    .notes("小的在前。", "The smallest comes first.")
    .like(["1", "1"]);

const GROUPS: &[Both] = &[
    ID,
    OF_STORE,
    OF_REGION,
    OF_CAMPAIGN,
    column("名称", "name", 22, Allowed::Any)
        .notes("群的名称。", "The name of the group.")
        .like(["人民广场 2 群", "黄浦区福利群"]),
    URL,
    CODE,
    EXPIRES,
    column("上限", "capacity", 8, CAPACITIES).notes("群最多多少人。", "How many it holds.").like(["200", "200"]),
    column("状态", "status", 8, Allowed::Of(&["active", "paused"]))
        .in_chinese(Allowed::Of(&["启用", "暂停"]))
        .notes("不填视为启用。", "Empty means active.")
        .like(["active", "active"]),
    ORDER,
    column("人数", "members", 8, Allowed::Whole(0, 100_000))
        .notes("现在有多少人，可以不填。", "How many members it has; may be empty.")
        .like(["", ""]),
];

const CONTACTS: &[Both] = &[
    ID,
    OF_STORE,
    OF_REGION,
    OF_CAMPAIGN,
    column("名称", "name", 22, Allowed::Any)
        .notes("顾客看到的名字。", "What customers see.")
        .like(["店长小林", "店长小王"]),
    URL,
    CODE,
    EXPIRES,
    ORDER,
];

/// The columns of a template in a language.
pub(super) fn of(of: TemplateOf, language: SheetLanguage) -> Vec<TemplateColumn> {
    let columns = match of {
        TemplateOf::Stores => STORES,
        TemplateOf::Groups => GROUPS,
        TemplateOf::Contacts => CONTACTS,
    };
    let one = |it: &Both| {
        let is_chinese = language == SheetLanguage::Chinese;
        let allowed = if is_chinese { it.allowed_zh.unwrap_or(it.allowed) } else { it.allowed };
        TemplateColumn {
            header: if is_chinese { it.zh } else { it.en },
            is_required: it.is_required,
            width: it.width,
            allowed,
            note: if is_chinese { it.note_zh } else { it.note_en },
            examples: it.examples.map(|word| if is_chinese { in_chinese(it, word) } else { word }),
        }
    };
    columns.iter().map(one).collect()
}

/// The word of a Chinese list that stands for this one of the English list.
fn in_chinese(column: &Both, word: &'static str) -> &'static str {
    let (Allowed::Of(english), Some(Allowed::Of(chinese))) = (column.allowed, column.allowed_zh) else { return word };
    let place = english.iter().position(|it| *it == word);
    place.and_then(|it| chinese.get(it)).copied().unwrap_or(word)
}
