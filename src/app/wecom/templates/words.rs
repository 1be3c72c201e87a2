//! Texts with placeholders: `你好，这里是{store}`. What stands for a placeholder is not known here.

use std::fmt::Write as _;

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// The store's name.
    Store,
    /// The store's id.
    StoreId,
    /// Its address.
    Address,
    /// Its hours.
    Hours,
    /// Its province.
    Province,
    /// Its city.
    City,
    /// Its district.
    District,
    /// The name of the contact who was added.
    Contact,
    /// The campaign's name.
    Campaign,
    /// The group's name.
    Group,
    /// The address of the page that shows the group's code.
    GroupLink,
    /// The address of the coupon.
    Coupon,
}

/// Every placeholder with its English and its Chinese name.
pub const WORDS: [(Word, &str, &str); 12] = [
    (Word::Store, "store", "门店"),
    (Word::StoreId, "store_id", "门店编号"),
    (Word::Address, "address", "地址"),
    (Word::Hours, "hours", "营业时间"),
    (Word::Province, "province", "省"),
    (Word::City, "city", "市"),
    (Word::District, "district", "区"),
    (Word::Contact, "contact", "店长"),
    (Word::Campaign, "campaign", "活动"),
    (Word::Group, "group", "群"),
    (Word::GroupLink, "group_link", "群链接"),
    (Word::Coupon, "coupon", "优惠券"),
];

impl Word {
    fn named(name: &str) -> Option<Self> {
        WORDS.iter().find(|(_, english, chinese)| *english == name || *chinese == name).map(|(word, ..)| *word)
    }

    /// The English name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        WORDS.iter().find(|(word, ..)| *word == self).map_or("", |(_, english, _)| english)
    }
}

/// How a value is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// As it is.
    Plain,
    /// As a part of an address, escaped; but one that is an address by itself and stands at the beginning.
    InAddress,
}

enum Piece<'a> {
    Text(&'a str),
    Brace,
    Word(Word),
}

/// Calls for every piece of a text.
///
/// # Errors
/// The name of the first placeholder that is none, or what stands behind a `{` that nothing closes.
fn each<'a>(text: &'a str, mut piece: impl FnMut(Piece<'a>)) -> Result<(), &'a str> {
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        piece(Piece::Text(before));
        if let Some(behind) = behind.strip_prefix('{') {
            piece(Piece::Brace);
            rest = behind;
            continue;
        }
        let (name, behind) = behind.split_once('}').ok_or(behind)?;
        piece(Piece::Word(Word::named(name.trim()).ok_or(name)?));
        rest = behind;
    }
    piece(Piece::Text(rest));
    Ok(())
}

/// The placeholders of a text. A `{` by itself is written `{{`.
///
/// # Errors
/// The name of the first placeholder that is none, cut to 40 characters.
pub fn words_of(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let read = each(text, |piece| {
        if let Piece::Word(word) = piece {
            words.push(word);
        }
    });
    read.map(|()| words).map_err(|name| name.chars().take(40).collect())
}

/// The text with every placeholder filled in.
///
/// # Errors
/// The first placeholder that has no value.
pub fn filled<'v>(text: &str, put: Put, value: impl Fn(Word) -> Option<&'v str>) -> Result<String, Word> {
    let (mut out, mut missing) = (String::with_capacity(text.len() * 2), None);
    let read = each(text, |piece| match piece {
        Piece::Text(text) => out.push_str(text),
        Piece::Brace => out.push('{'),
        Piece::Word(word) => match value(word).filter(|it| !it.is_empty()) {
            None => missing = missing.or(Some(word)),
            Some(value) if put == Put::InAddress && !(out.is_empty() && value.starts_with("https://")) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "{}", form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>());
            }
            Some(value) => out.push_str(value),
        },
    });
    // Texts are looked at before they are kept; of one that was not, nothing is sent.
    if read.is_err() {
        out.clear();
    }
    missing.map_or(Ok(out), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(word: Word) -> Option<&'static str> {
        match word {
            Word::Store => Some("茶·人民广场<b>"),
            Word::Coupon => Some("https://c.example.com/1?a=b"),
            Word::City => Some(""),
            Word::StoreId
            | Word::Address
            | Word::Hours
            | Word::Province
            | Word::District
            | Word::Contact
            | Word::Campaign
            | Word::Group
            | Word::GroupLink => None,
        }
    }

    #[test]
    fn placeholders_of_both_languages_are_filled_in() {
        let text = "你好 {store}/{门店} {{x} {coupon}";
        assert_eq!(
            filled(text, Put::Plain, value),
            Ok("你好 茶·人民广场<b>/茶·人民广场<b> {x} https://c.example.com/1?a=b".to_owned())
        );
        assert_eq!(words_of(text), Ok(vec![Word::Store, Word::Store, Word::Coupon]));
    }

    #[test]
    fn a_placeholder_that_is_none_is_named_and_one_without_a_value_too() {
        assert_eq!(words_of("a {stroe} b"), Err("stroe".to_owned()));
        assert_eq!(words_of("a {store"), Err("store".to_owned()));
        assert_eq!(filled("{store} {city}", Put::Plain, value), Err(Word::City));
        assert_eq!(filled("{group}", Put::Plain, value), Err(Word::Group));
    }

    #[test]
    fn in_an_address_values_are_escaped() {
        assert_eq!(
            filled("https://a.example.com/?s={store}", Put::InAddress, value),
            Ok("https://a.example.com/?s=%E8%8C%B6%C2%B7%E4%BA%BA%E6%B0%91%E5%B9%BF%E5%9C%BA%3Cb%3E".to_owned())
        );
        assert_eq!(filled("{coupon}", Put::InAddress, value), Ok("https://c.example.com/1?a=b".to_owned()));
    }
}
