//! JSON written straight into bytes: for the answers that are made thousands of times a second; all others are derived.

/// What is written so far. Whoever uses it minds commas and brackets.
pub(super) struct Json(Vec<u8>);

impl Json {
    /// Makes room for so many bytes; more cost a copy.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// What needs no escaping: names, brackets, commas, and parts of strings known to be plain.
    pub(super) fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// A string in quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        // Without a way out of the loop the compiler looks at many bytes at a time; hardly any text has one to escape.
        let unfit = |it: u8| u8::from(it < 0x20) | u8::from(it == b'"') | u8::from(it == b'\\');
        if text.bytes().fold(0, |any, it| any | unfit(it)) != 0 {
            return self.derived(text);
        }
        self.raw("\"").raw(text).raw("\"")
    }

    /// A string, or null.
    pub(super) fn text_or_null(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.raw("null"),
        }
    }

    /// A number or whatever else serde can write.
    pub(super) fn derived(&mut self, value: impl serde::Serialize) -> &mut Self {
        // Writing into memory does not fail, and neither do texts, numbers and truth values.
        let _ = serde_json::to_writer(&mut self.0, &value);
        self
    }

    /// A list in brackets.
    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.raw("[");
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.raw(",");
            }
            each(self, item);
        }
        self.raw("]")
    }

    /// The whole.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_reads_back_as_it_was(text: String) {
            let mut json = Json::with_capacity(8);
            json.text(&text);
            prop_assert_eq!(serde_json::from_slice::<String>(&json.finish()).unwrap(), text);
        }
    }

    #[test]
    fn quotes_and_control_characters_are_escaped() {
        let mut json = Json::with_capacity(0);
        json.list(["a\"b", "c\\d", "e\nf", "店"], |json, it| {
            json.text(it);
        });
        assert_eq!(String::from_utf8(json.finish()).unwrap(), r#"["a\"b","c\\d","e\nf","店"]"#);
    }
}
