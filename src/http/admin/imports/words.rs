//! What is wrong with a sheet, in Chinese. The codes and their English sentences are the catalog's; a code without a sentence here
//! keeps its English one.

use crate::catalog::{Problem, code};
use crate::exchange::SheetLanguage;

/// The problem in the words of a language.
pub(super) fn in_language(problem: &Problem, language: SheetLanguage) -> Problem {
    let mut told = problem.clone();
    if language == SheetLanguage::Chinese
        && let Some(sentence) = chinese(problem)
    {
        told.message = sentence;
    }
    told
}

/// The whole numbers in a sentence, which its translation repeats.
fn numbers(text: &str) -> Vec<&str> {
    text.split(|it: char| !it.is_ascii_digit()).filter(|it| !it.is_empty()).collect()
}

fn chinese(problem: &Problem) -> Option<String> {
    let all = numbers(&problem.message);
    let number = |place: usize| all.get(place).copied().unwrap_or("?");
    let told = of_file(problem.code).or_else(|| of_cell(problem.code)).or_else(|| of_suspicion(problem.code));
    let sentence = match problem.code {
        code::DUPLICATE_ID => format!("与第 {} 行的编号相同", number(0)),
        code::TOO_LONG => format!("太长了，最多 {} 个字符", all.last().copied().unwrap_or("?")),
        code::COLUMN_MISSING => {
            let column = problem.column.as_deref().unwrap_or_default();
            let seen = problem.message.split("has: ").nth(1).unwrap_or_default();
            format!("表头里没有“{}”这一列。文件里有：{seen}", header(column))
        }
        code::UNKNOWN_COLUMN => format!("不认识的列：{}", problem.column.as_deref().unwrap_or_default()),
        code::CELL_ERROR => {
            format!(
                "单元格显示 {}，公式出错了；请改正公式，或直接填写内容",
                problem.value.as_deref().unwrap_or_default()
            )
        }
        code::TOO_LARGE => "文件太大，请拆成几份导入".to_owned(),
        code::TOO_MANY_COLUMNS => format!("列太多了，最多 {} 列；请删除不需要的列", all.last().copied().unwrap_or("?")),
        _ => return told.map(ToOwned::to_owned),
    };
    Some(sentence)
}

fn header(column: &str) -> &str {
    match column {
        "id" => "门店编号（id）",
        "name" => "门店名称（name）",
        "lat" => "纬度（lat）",
        "lng" => "经度（lng）",
        other => other,
    }
}

/// What is wrong with a file as a whole.
fn of_file(word: &str) -> Option<&'static str> {
    Some(match word {
        code::EMPTY => "文件是空的",
        code::NO_ROWS => "表头下面没有数据",
        code::TOO_MANY_ROWS => "行数太多，请拆成几份导入",
        code::ENCODING => "文字无法识别：既不是 UTF-8 也不是 GB18030，或文件在中间被截断；请在表格软件里另存为 .xlsx",
        code::PICTURE => "这是一张图片。请上传 XLSX、CSV 或 GeoJSON 文件",
        code::PDF => "这是 PDF 文档。请上传制作它的那份表格",
        code::WORKBOOK => "这种格式的工作簿无法读取；请在表格软件里另存为 .xlsx",
        code::OLD_WORKBOOK => "这是旧版 Excel 文件（.xls）；请打开后另存为 .xlsx",
        code::ENCRYPTED => "这份工作簿有密码保护；请打开后去掉密码，再保存上传",
        code::WORKBOOK_BROKEN => "工作簿已损坏或不完整；请在表格软件里打开后重新保存",
        code::WORKBOOK_EXPANDS => "工作簿解压后过大，为安全起见没有读取；请拆成几份，或另存为 CSV",
        code::ARCHIVE => "这是压缩包；请先解压，再上传里面的表格",
        code::MARKUP => "这是网页或 XML 文档；请在表格软件里另存为 .xlsx",
        code::NOT_A_SHEET => "这不是表格。请上传 XLSX、CSV 或 GeoJSON 文件",
        code::GEOJSON_UNREADABLE => "GeoJSON 有错误，无法读取",
        code::LINE_UNREADABLE => "这一行不是 JSON 对象，或太长，无法读取",
        code::DUPLICATE_COLUMN => "有两列含义相同，请删除或改名其中一列",
        code::UNCLOSED_QUOTE => "这一行有一个引号没有闭合，后面的内容都连成了一格",
        code::TOO_MANY_CELLS => "这一行的格数比表头多",
        "replace_needs_every_row" => "“整表替换”时不能跳过有问题的行，否则这些门店会被删除；请先改正，或改用“合并”",
        _ => return None,
    })
}

/// What is wrong with one cell.
fn of_cell(word: &str) -> Option<&'static str> {
    Some(match word {
        code::MISSING => "必填，不能为空",
        code::BAD_CHARACTER => "含有不能使用的字符",
        code::RESERVED => "这个词在系统的网址里另有用途（如 import、export），请换一个编号",
        code::ID_ROUNDED => "编号被表格软件变成了科学计数，末尾的数字已丢失；请把这一列设为文本后重新填写",
        code::NOT_A_NUMBER => "不是数字",
        code::OUT_OF_RANGE => "数字超出范围；纬度和经度是不是写反了？",
        code::DATUM_MISSING => "没有写明坐标系；请在页面上选择坐标来自哪种地图",
        code::DATUM_UNKNOWN => "不认识的坐标系；可填 wgs84、gcj02（高德、腾讯）、bd09（百度）",
        code::STATUS_UNKNOWN => "不认识的状态；可填 营业、暂停、关闭",
        code::HOURS_UNREADABLE => "看不懂营业时间；请写成 08:00-22:00 或 09:00-次日01:00",
        code::CLOSURES_UNREADABLE => "看不懂闭店日期；请写成 2026-12-31",
        code::DATE_UNREADABLE => "看不懂时间；请写成 2026-12-01 或 2026-12-01 18:00",
        code::NOT_HTTPS => "链接必须以 https:// 开头",
        code::HOST_NOT_ALLOWED => "链接的网站不在允许的名单里",
        code::TOO_MANY_TAGS => "标签太多",
        code::TOO_MANY_EXTRAS => "其他列太多",
        code::CODE_UNKNOWN => "码类型可填 活码、上传",
        code::CODE_EXPIRES => "活码不会过期，过期时间请留空",
        code::TWO_OWNERS => "门店、区域、活动只能填一个",
        code::UNKNOWN_STORE => "没有这家门店",
        code::UNKNOWN_CAMPAIGN => "没有这个活动",
        code::NO_GEOMETRY => "这个点没有坐标",
        code::NOT_A_POINT => "门店必须是一个点",
        _ => return None,
    })
}

/// What is only suspicious.
fn of_suspicion(word: &str) -> Option<&'static str> {
    Some(match word {
        code::SWAPPED => "纬度和经度像是写反了",
        code::ZERO_ZERO => "坐标是 0, 0，多半没有填",
        code::TOO_CLOSE => "10 米之内还有另一家门店",
        code::OUTSIDE_REGION => "坐标不在这一行写的区里",
        code::DATUM_SUSPECT => "位置移动的距离像是坐标系选错了",
        code::COLUMN_CHOICE => "有几列都像这个含义，取了其中一列",
        code::TIMEZONE_UNKNOWN => "不认识的时区，已忽略",
        code::TOO_MANY_IDS => "企微群或成员太多；一个活码最多 5 个群或 100 名成员，请删去多余的",
        code::ID_UNFIT => "有一部分不是企业微信的编号，已忽略",
        code::LINK_MISSING => "有名称没有链接，已忽略",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_sheet_has_a_chinese_sentence() {
        // Those of maps of regions are imported from the command line alone.
        let elsewhere = [
            "not_an_area",
            "level_unknown",
            "parent_level",
            "open_ring",
            "too_few_positions",
            "empty_area",
            "too_many_vertices",
            "too_tangled",
            "around_pole",
            "hole_outside",
            "self_intersecting",
            "wrong_winding",
            "antimeridian",
            "datum_assumed",
            "not_a_region",
            "mapped_column_missing",
        ];
        for word in code::ALL.iter().filter(|it| !elsewhere.contains(it)) {
            let told = in_language(&Problem::new(word, "english 12"), SheetLanguage::Chinese);
            assert_ne!(told.message, "english 12", "{word}");
        }
    }

    #[test]
    fn numbers_are_repeated() {
        let problem = Problem::new(code::DUPLICATE_ID, "row 587 has the same id").in_row(591);
        assert_eq!(in_language(&problem, SheetLanguage::Chinese).message, "与第 587 行的编号相同");
        assert_eq!(in_language(&problem, SheetLanguage::English).message, "row 587 has the same id");
    }
}
