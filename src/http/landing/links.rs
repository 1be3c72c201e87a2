//! Addresses of the landing pages, with their queries escaped.
//!
//! The routes that answer them stand in the route table.

use std::fmt::Write as _;

/// The address of a campaign's landing page, with a query.
#[must_use]
pub fn landing(slug: &str, query: &[(&str, &str)]) -> String {
    address(slug, "", query)
}

/// The address of a campaign's chooser page, with a query.
#[must_use]
pub fn chooser(slug: &str, query: &[(&str, &str)]) -> String {
    address(slug, "/choose", query)
}

/// The address of the privacy notice, in the looks of a campaign.
#[must_use]
pub fn privacy(slug: &str) -> String {
    let mut link = String::from("/privacy?campaign=");
    escape(&mut link, slug);
    link
}

/// Pairs with an empty value are left out.
fn address(slug: &str, tail: &str, query: &[(&str, &str)]) -> String {
    let mut link = String::from("/s/");
    escape(&mut link, slug);
    link.push_str(tail);
    let mut mark = '?';
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        link.push(mark);
        link.push_str(name);
        link.push('=');
        escape(&mut link, value);
        mark = '&';
    }
    link
}

/// Percent-encodes all but the unreserved characters of RFC 3986, section 2.3.
fn escape(link: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(link, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_query_holds_is_escaped() {
        assert_eq!(
            chooser("tea", &[("city", "上海"), ("q", "a&b=c d"), ("page", "")]),
            "/s/tea/choose?city=%E4%B8%8A%E6%B5%B7&q=a%26b%3Dc%20d"
        );
        assert_eq!(landing("a b", &[]), "/s/a%20b");
    }
}
