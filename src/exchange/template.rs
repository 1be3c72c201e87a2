//! Empty workbooks to be filled in: the right headers, lists to choose from, a note on every column, and an example beside them.

use rust_xlsxwriter::{
    Color, DataValidation, DataValidationRule, Format, FormatAlign, Note, Workbook, Worksheet, XlsxError,
};

use super::table::WriteError;
use super::{SheetLanguage, template_columns};

/// Rows below the header that are checked while they are filled in.
const CHECKED_ROWS: u32 = 100_000;
/// The green of the headers that have to be filled in.
const REQUIRED: Color = Color::RGB(0x00D7_E9DF);
const OPTIONAL: Color = Color::RGB(0x00EE_F0EC);
/// The width of a note, in pixels.
const NOTE_WIDTH_PX: u32 = 260;

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateOf {
    /// Stores.
    Stores,
    /// Group chats.
    Groups,
    /// Contacts.
    Contacts,
}

/// What may stand in a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Allowed {
    /// Anything.
    Any,
    /// A text whose zeros and digits are to be kept.
    Text,
    /// One of these.
    Of(&'static [&'static str]),
    /// A number between these.
    Number(f64, f64),
    /// A whole number between these.
    Whole(i32, i32),
}

/// A column of a template in one language.
pub(super) struct TemplateColumn {
    pub(super) header: &'static str,
    pub(super) is_required: bool,
    /// In characters.
    pub(super) width: u8,
    pub(super) allowed: Allowed,
    pub(super) note: &'static str,
    pub(super) examples: [&'static str; 2],
}

/// Makes a template.
///
/// # Errors
/// [`WriteError`] if the workbook cannot be made.
pub fn write_template(of: TemplateOf, language: SheetLanguage) -> Result<Vec<u8>, WriteError> {
    let columns = template_columns::of(of, language);
    let say = |zh: &'static str, en: &'static str| if language == SheetLanguage::Chinese { zh } else { en };
    let (name, example) = match of {
        TemplateOf::Stores => (say("门店", "stores"), say("示例", "example")),
        TemplateOf::Groups => (say("群", "groups"), say("示例", "example")),
        TemplateOf::Contacts => (say("联系人", "contacts"), say("示例", "example")),
    };
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name(name)?;
    head(sheet, &columns)?;
    for (place, column) in (0_u16..).zip(&columns) {
        if let Some(check) = check(column, language)? {
            sheet.add_data_validation(1, place, CHECKED_ROWS, place, &check)?;
        }
        sheet.insert_note(0, place, &note(column))?;
    }
    let sheet = workbook.add_worksheet();
    sheet.set_name(example)?;
    head(sheet, &columns)?;
    for (place, column) in (0_u16..).zip(&columns) {
        for (row, example) in (1_u32..).zip(column.examples) {
            match (column.allowed, example.parse::<f64>()) {
                (Allowed::Number(..) | Allowed::Whole(..), Ok(number)) => sheet.write_number(row, place, number)?,
                _ => sheet.write_string(row, place, example)?,
            };
        }
    }
    Ok(workbook.save_to_buffer()?)
}

/// The header, frozen, and the columns below it.
fn head(sheet: &mut Worksheet, columns: &[TemplateColumn]) -> Result<(), XlsxError> {
    sheet.set_freeze_panes(1, 1)?;
    sheet.set_row_height(0, 24)?;
    let text = Format::new().set_num_format("@");
    for (place, column) in (0_u16..).zip(columns) {
        let colour = if column.is_required { REQUIRED } else { OPTIONAL };
        let style = Format::new().set_bold().set_background_color(colour).set_align(FormatAlign::VerticalCenter);
        sheet.set_column_width(place, f64::from(column.width))?;
        if matches!(column.allowed, Allowed::Any | Allowed::Text) {
            sheet.set_column_format(place, &text)?;
        }
        sheet.write_string_with_format(0, place, column.header, &style)?;
    }
    Ok(())
}

fn note(column: &TemplateColumn) -> Note {
    let lines = u32::try_from(column.note.chars().count() / 16).unwrap_or(0) + 2;
    Note::new(column.note).add_author_prefix(false).set_width(NOTE_WIDTH_PX).set_height(lines * 18)
}

/// What a spreadsheet refuses while it is typed.
fn check(column: &TemplateColumn, language: SheetLanguage) -> Result<Option<DataValidation>, XlsxError> {
    let rule = match column.allowed {
        Allowed::Any | Allowed::Text => return Ok(None),
        Allowed::Of(words) => DataValidation::new().allow_list_strings(words)?,
        Allowed::Number(least, most) => {
            DataValidation::new().allow_decimal_number(DataValidationRule::Between(least, most))
        }
        Allowed::Whole(least, most) => {
            DataValidation::new().allow_whole_number(DataValidationRule::Between(least, most))
        }
    };
    let (title, sentence) = match (language, column.allowed) {
        (SheetLanguage::Chinese, Allowed::Of(words)) => ("不能这样填", format!("请从列表中选择：{}", words.join("、"))),
        (SheetLanguage::English, Allowed::Of(words)) => {
            ("Not one of the list", format!("Choose one of: {}", words.join(", ")))
        }
        (SheetLanguage::Chinese, Allowed::Number(least, most)) => {
            ("数字超出范围", format!("请填 {least} 到 {most} 之间的数字"))
        }
        (SheetLanguage::English, Allowed::Number(least, most)) => {
            ("Out of range", format!("Fill in a number from {least} to {most}"))
        }
        (SheetLanguage::Chinese, Allowed::Whole(least, most)) => {
            ("数字超出范围", format!("请填 {least} 到 {most} 之间的整数"))
        }
        (SheetLanguage::English, Allowed::Whole(least, most)) => {
            ("Out of range", format!("Fill in a whole number from {least} to {most}"))
        }
        (_, Allowed::Any | Allowed::Text) => return Ok(None),
    };
    Ok(Some(rule.ignore_blank(true).set_error_title(title)?.set_error_message(sentence)?))
}
