//! The fields of a message: a flat XML document, read without anything that XML can do beyond that.
//!
//! No document types, no entities but the five of XML and numbers, no nesting but one list, and bounds on everything.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;
use thiserror::Error;

/// Bytes of a message: the longest list of members fits in it many times.
pub const XML_BYTES_MAX: usize = 256 * 1024;
/// Different fields of a message.
const FIELDS_MAX: usize = 64;
/// Entries of its lists, all together.
const ITEMS_MAX: usize = 5_000;
/// The root, a field, an item.
const DEPTH_MAX: usize = 3;

/// Why a text is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum XmlError {
    /// It is longer than [`XML_BYTES_MAX`].
    #[error("the message is too long")]
    TooLong,
    /// It is not XML, or uses what messages do not use.
    #[error("the message is not the XML of a message")]
    NotXml,
    /// It has more fields, items or levels than any message has.
    #[error("the message has too many fields")]
    TooMany,
}

/// The fields of a message by their names, each with its texts: one, or those of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, Vec<String>>);

impl Fields {
    /// Reads `<xml><Name>text</Name>…</xml>`; the text of a field may be `<Item>text</Item>…`.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn read(xml: &str) -> Result<Self, XmlError> {
        if xml.len() > XML_BYTES_MAX {
            return Err(XmlError::TooLong);
        }
        let mut reading = Reading::default();
        let mut reader = Reader::from_str(xml);
        loop {
            match reader.read_event().map_err(|_cause| XmlError::NotXml)? {
                Event::Start(it) => reading.open(it.name().as_ref())?,
                Event::Empty(it) => {
                    reading.open(it.name().as_ref())?;
                    reading.close()?;
                }
                Event::End(_) => reading.close()?,
                Event::Text(it) => reading.text(&it.xml10_content()),
                Event::CData(it) => reading.text(&it.xml10_content()),
                Event::GeneralRef(it) => {
                    let char = it.resolve_char_ref().map_err(|_cause| XmlError::NotXml)?;
                    match (char, it.xml10_content().as_ref()) {
                        (Some(char), _) => reading.text(char.encode_utf8(&mut [0; 4])),
                        (None, "amp") => reading.text("&"),
                        (None, "lt") => reading.text("<"),
                        (None, "gt") => reading.text(">"),
                        (None, "quot") => reading.text("\""),
                        (None, "apos") => reading.text("'"),
                        (None, _) => return Err(XmlError::NotXml),
                    }
                }
                Event::Decl(_) | Event::Comment(_) => {}
                Event::PI(_) | Event::DocType(_) => return Err(XmlError::NotXml),
                Event::Eof => return reading.finish(),
            }
        }
    }

    /// The text of a field; empty if there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(|it| it.first()).map_or("", String::as_str)
    }

    /// The texts of a field.
    #[must_use]
    pub fn texts(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The number in a field.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name).trim().parse().ok()
    }
}

#[derive(Default)]
struct Reading {
    fields: Fields,
    /// The names of the elements that are open.
    open: Vec<String>,
    /// The text of the innermost element, and whether it held elements.
    text: String,
    items: usize,
    had_items: bool,
    is_over: bool,
}

impl Reading {
    fn open(&mut self, name: &str) -> Result<(), XmlError> {
        if self.is_over || (self.open.is_empty() && name != "xml") {
            return Err(XmlError::NotXml);
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(XmlError::TooMany);
        }
        self.open.push(name.to_owned());
        self.text.clear();
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        let text = std::mem::take(&mut self.text);
        let closed = self.open.pop().ok_or(XmlError::NotXml)?;
        match self.open.len() {
            0 => self.is_over = true,
            // The list itself holds nothing but what stands between its items.
            1 if std::mem::take(&mut self.had_items) => {}
            1 => self.keep(closed, text)?,
            _ => {
                let list = self.open.last().cloned().unwrap_or_default();
                self.keep(list, text)?;
                self.had_items = true;
            }
        }
        Ok(())
    }

    fn keep(&mut self, name: String, text: String) -> Result<(), XmlError> {
        self.items += 1;
        if self.items > ITEMS_MAX || (self.fields.0.len() >= FIELDS_MAX && !self.fields.0.contains_key(&name)) {
            return Err(XmlError::TooMany);
        }
        self.fields.0.entry(name).or_default().push(text);
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.open.len() > 1 {
            self.text.push_str(text);
        }
    }

    fn finish(self) -> Result<Fields, XmlError> {
        if self.is_over && self.open.is_empty() { Ok(self.fields) } else { Err(XmlError::NotXml) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_and_lists_are_read_in_any_order_and_spacing() {
        let xml = "<xml>\n  <ChatId><![CDATA[wr&1]]></ChatId>\n<Name>A &amp; B &#x4E2D;</Name>\
                   <MemChangeList><Item>wm1</Item>\n<Item><![CDATA[wm2]]></Item></MemChangeList><State/><N> 3 </N></xml>\n";
        let fields = Fields::read(xml).unwrap();
        assert_eq!((fields.text("ChatId"), fields.text("Name"), fields.text("State")), ("wr&1", "A & B 中", ""));
        assert_eq!(fields.texts("MemChangeList"), ["wm1", "wm2"]);
        assert_eq!((fields.number("N"), fields.number("Name"), fields.text("Nothing")), (Some(3), None, ""));
    }

    #[test]
    fn a_list_may_be_plain_text_or_empty() {
        let plain = Fields::read("<xml><MemChangeList>wm1</MemChangeList><A>1</A></xml>").unwrap();
        assert_eq!((plain.texts("MemChangeList").len(), plain.text("A")), (1, "1"));
        let twice = Fields::read("<xml><L><Item>1</Item></L><A>2</A><L><Item>3</Item></L></xml>").unwrap();
        assert_eq!((twice.texts("L").len(), twice.text("A")), (2, "2"));
    }

    #[test]
    fn what_messages_do_not_use_is_refused() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><xml><A>&b;</A></xml>";
        let deep = "<xml><A><Item><B>1</B></Item></A></xml>";
        let many = (0..100).map(|n| format!("<F{n}/>")).collect::<Vec<_>>().concat();
        for (xml, why) in [
            (bomb, XmlError::NotXml),
            ("<xml><A>&b;</A></xml>", XmlError::NotXml),
            ("<?php x ?><xml/>", XmlError::NotXml),
            ("<xml><A></B></xml>", XmlError::NotXml),
            ("<xml><A>", XmlError::NotXml),
            ("<html></html>", XmlError::NotXml),
            ("<xml/><xml/>", XmlError::NotXml),
            ("", XmlError::NotXml),
            (deep, XmlError::TooMany),
            (&format!("<xml>{many}</xml>"), XmlError::TooMany),
            (&format!("<xml><A>{}</A></xml>", "<Item/>".repeat(6_000)), XmlError::TooMany),
            (&" ".repeat(XML_BYTES_MAX + 1), XmlError::TooLong),
        ] {
            assert_eq!(Fields::read(xml), Err(why), "{}", xml.chars().take(60).collect::<String>());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(<xml>)?(\\PC|<|>|&|/|!|\\[|\\]){0,80}(</xml>)?") {
            let _ = Fields::read(&text);
        }
    }
}
