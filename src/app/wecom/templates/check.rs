//! What is wrong with a template, by field, before it is kept.

use super::words::words_of;
use super::{
    ATTACHMENTS_MAX, Attachment, DESCRIPTION_BYTES_MAX, GroupForm, MINI_TITLE_BYTES_MAX, TEXT_BYTES_MAX,
    TITLE_BYTES_MAX, Template, URL_BYTES_MAX,
};
use crate::catalog::Catalog;
use crate::id::{CampaignSlug, StoreId};

/// Characters of a name or a segment.
const NAME_CHARS_MAX: usize = 64;
/// Bytes of a mini-program's id.
const APP_ID_BYTES_MAX: usize = 64;

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Its name: `text`, `attachments[0].title`.
    pub field: String,
    /// A stable word.
    pub code: &'static str,
    /// The end of a sentence.
    pub message: String,
}

struct Flaws(Vec<Flaw>);

impl Flaws {
    fn add(&mut self, field: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.0.push(Flaw { field: field.into(), code, message: message.into() });
    }

    /// A text with placeholders.
    fn text(&mut self, field: String, text: &str, bytes_max: usize, is_required: bool) {
        if is_required && text.trim().is_empty() {
            self.add(field, "missing", "is required");
        } else if text.len() > bytes_max {
            let bytes = text.len();
            self.add(field, "too_long", format!("has {bytes} bytes, at most {bytes_max} are allowed"));
        } else if let Err(name) = words_of(text) {
            let message = format!("holds {{{name}}}, which is no placeholder; a brace by itself is written {{{{");
            self.add(field, "unknown_placeholder", message);
        } else if text.chars().any(|it| it.is_control() && it != '\n') {
            self.add(field, "bad_character", "holds a control character");
        }
    }

    /// An address with placeholders.
    fn url(&mut self, field: String, url: &str) {
        let before = self.0.len();
        self.text(field.clone(), url, URL_BYTES_MAX, true);
        if self.0.len() == before && !is_address(&url.replace(['{', '}'], "x")) {
            self.add(field, "not_https", "is not an https:// address");
        }
    }
}

/// Whether this is an address that may be sent to a customer. Characters beyond ASCII may stand in the names of placeholders.
pub(in crate::app::wecom) fn is_address(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = !host.is_empty() && host.bytes().all(|it| it.is_ascii_alphanumeric() || b".-:".contains(&it));
    let unfit =
        |it: char| it.is_whitespace() || it.is_control() || matches!(it, '"' | '<' | '>' | '\\' | '`' | '^' | '|');
    is_host && url.len() <= URL_BYTES_MAX && !rest.chars().any(unfit)
}

impl Template {
    /// Everything that is wrong with it, given the stores and campaigns that there are.
    #[must_use]
    pub fn flaws(&self, catalog: &Catalog) -> Vec<Flaw> {
        let mut flaws = Flaws(Vec::new());
        if self.name.trim().is_empty() {
            flaws.add("name", "missing", "is required");
        } else if self.name.chars().count() > NAME_CHARS_MAX || self.name.chars().any(char::is_control) {
            flaws.add("name", "too_long", format!("is not a name of up to {NAME_CHARS_MAX} characters"));
        }
        self.scope_flaws(catalog, &mut flaws);
        flaws.text("text".to_owned(), &self.text, TEXT_BYTES_MAX, self.attachments.is_empty());
        if let Some(url) = &self.coupon_url {
            flaws.url("coupon_url".to_owned(), url);
            if words_of(url).is_ok_and(|it| it.contains(&super::Word::Coupon)) {
                flaws.add("coupon_url", "unknown_placeholder", "cannot hold the coupon, which it is itself");
            }
        }
        if self.attachments.len() > ATTACHMENTS_MAX {
            let message = format!("are {}, at most {ATTACHMENTS_MAX} can be sent", self.attachments.len());
            flaws.add("attachments", "too_many", message);
        }
        for (place, it) in self.attachments.iter().enumerate().take(ATTACHMENTS_MAX) {
            attachment_flaws(&format!("attachments[{place}]"), it, &mut flaws);
        }
        flaws.0
    }

    fn scope_flaws(&self, catalog: &Catalog, flaws: &mut Flaws) {
        if let Some(store) = &self.store
            && StoreId::parse(store).ok().and_then(|it| catalog.store_key(&it)).is_none()
        {
            flaws.add("store", "unknown_store", "is no store of the catalog");
        }
        if let Some(campaign) = &self.campaign
            && CampaignSlug::parse(campaign).ok().and_then(|it| catalog.campaign(&it).map(drop)).is_none()
        {
            flaws.add("campaign", "unknown_campaign", "is no campaign of the catalog");
        }
        let is_segment = |it: &str| {
            let chars = it.chars().count();
            (1..=NAME_CHARS_MAX).contains(&chars) && !it.chars().any(char::is_control)
        };
        if self.segment.as_deref().is_some_and(|it| !is_segment(it)) {
            flaws.add("segment", "invalid", format!("is not a word of up to {NAME_CHARS_MAX} characters"));
        }
    }
}

fn attachment_flaws(at: &str, it: &Attachment, flaws: &mut Flaws) {
    let field = |name: &str| format!("{at}.{name}");
    match it {
        Attachment::Group { form, title, description } => {
            flaws.text(field("title"), title, TITLE_BYTES_MAX, false);
            flaws.text(field("description"), description, DESCRIPTION_BYTES_MAX, false);
            if *form == GroupForm::Picture && !description.is_empty() {
                flaws.add(field("description"), "not_shown", "is not shown with a picture; write it in the text");
            }
        }
        Attachment::Coupon { title, description } => {
            flaws.text(field("title"), title, TITLE_BYTES_MAX, true);
            flaws.text(field("description"), description, DESCRIPTION_BYTES_MAX, false);
        }
        Attachment::Link { title, description, url } => {
            flaws.text(field("title"), title, TITLE_BYTES_MAX, true);
            flaws.text(field("description"), description, DESCRIPTION_BYTES_MAX, false);
            flaws.url(field("url"), url);
        }
        Attachment::Miniprogram { title, app_id, page, .. } => {
            flaws.text(field("title"), title, MINI_TITLE_BYTES_MAX, true);
            flaws.text(field("page"), page, URL_BYTES_MAX, true);
            let is_id = app_id.starts_with("wx")
                && app_id.len() <= APP_ID_BYTES_MAX
                && app_id.bytes().all(|it| it.is_ascii_alphanumeric());
            if !is_id {
                flaws.add(field("app_id"), "invalid", "is not the id of a mini-program, such as wx0123456789abcdef");
            }
        }
        Attachment::Image { .. } => {}
    }
}
