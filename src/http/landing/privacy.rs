//! The page of the privacy notice: what is kept, for how long, and the way to have it deleted.
//!
//! No HTTP, and nothing is deleted here.

use askama::Template;

use super::links;
use super::parts::CampaignView;
use super::texts::{Texts, fill};
use crate::app::{Erased, Retention};

/// Who else is told something of a visitor, as the settings say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is set by itself, and each is a paragraph of the notice")]
pub struct Sharing {
    /// `WeCom` tells of joins, which are linked to visits.
    pub has_joins: bool,
    /// Customers may sign in to be recognised.
    pub has_sign_in: bool,
    /// `WeCom` is told regions, as tags.
    pub tells_regions: bool,
    /// A CRM is told or asked.
    pub has_crm: bool,
}

/// For how many days each kind of record is kept, and who is told.
#[derive(Debug, Clone, Copy)]
pub struct Kept(Retention, Sharing);

impl Kept {
    /// As the settings say.
    #[must_use]
    pub fn of(retention: &Retention, sharing: Sharing) -> Self {
        Self(*retention, sharing)
    }

    /// What is linked and who is told, one text each, with how to opt out; none where that is nobody.
    #[must_use]
    pub fn shared(&self, texts: &Texts, how_to_opt_out: &'static str) -> Vec<&'static str> {
        let Sharing { has_joins, has_sign_in, tells_regions, has_crm } = self.1;
        let all = [
            (has_joins, texts.shared_joins),
            (has_sign_in, texts.shared_sign_in),
            (tells_regions, texts.shared_regions),
            (has_crm, texts.shared_crm),
            (has_joins || has_sign_in || tells_regions || has_crm, how_to_opt_out),
        ];
        all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, text)| text).collect()
    }

    /// The kinds of records with their times, one text each.
    #[must_use]
    pub fn records(&self, texts: &Texts) -> Vec<String> {
        let days = |it: u32| it.to_string();
        let Retention { tags_days, steps_days, seats_days, dead_days, feed_days, tallies_days } = self.0;
        let tallies =
            tallies_days.map_or_else(|| texts.kept_for_ever.to_owned(), |it| fill(texts.kept_days, &[&days(it)]));
        vec![
            fill(texts.kept_visits, &[&days(tags_days)]),
            fill(texts.kept_steps, &[&days(steps_days)]),
            fill(texts.kept_consents, &[&days(tags_days)]),
            fill(texts.kept_seats, &[&days(seats_days)]),
            fill(texts.kept_failed, &[&days(dead_days)]),
            fill(texts.kept_feed, &[&days(feed_days)]),
            fill(texts.kept_tallies, &[&tallies]),
        ]
    }

    /// All that the notice says in one language, but for names.
    #[must_use]
    pub fn paragraphs(&self, texts: &Texts) -> Vec<String> {
        let fixed =
            [texts.notice_who, texts.notice_purpose, texts.notice_not, texts.notice_cookie, texts.notice_rights];
        let fixed = fixed.into_iter().chain(self.shared(texts, texts.shared_out));
        fixed.map(ToOwned::to_owned).chain(self.records(texts)).collect()
    }
}

/// What came of what was asked for on the page.
#[derive(Debug, Clone)]
pub enum Ending {
    /// Everything is gone.
    Done(Erased),
    /// The box was not ticked.
    Unsure,
    /// The form is an old one, or of another browser.
    Old,
    /// Nobody is known under this browser, so nothing is deleted.
    Nobody,
    /// Nobody is known under this browser, so no wish is kept.
    NobodyWishes,
    /// It could not be deleted now.
    Failed,
    /// The wish about messages is kept.
    Kept,
    /// The wish about messages could not be kept now.
    NotKept,
}

/// The page.
#[derive(Debug, Clone, Template)]
#[template(path = "landing/templates/privacy.html", config = "src/http/askama.toml")]
pub struct PrivacyView<'a> {
    /// The words.
    pub texts: &'static Texts,
    /// The word that the content security policy lets inline style by.
    pub nonce: &'a str,
    /// How the campaign looks.
    pub campaign: CampaignView<'a>,
    /// Who is responsible.
    pub company: &'a str,
    /// How they are reached.
    pub contact: Option<&'a str>,
    /// Which version of the notice this is.
    pub version: &'a str,
    /// What is kept.
    pub kept: Kept,
    /// The word that the form bears; none where nobody is known under this browser.
    pub word: Option<&'a str>,
    /// Whether the visitor's region is not used for messages; none where that is not known.
    pub is_silent: Option<bool>,
    /// What came of what was asked for.
    pub ending: Option<Ending>,
    /// The privacy notice, which is this page.
    pub privacy_href: Option<&'a str>,
}

impl PrivacyView<'_> {
    /// The words of the page's title.
    #[must_use]
    pub fn title(&self) -> String {
        fill("{} · {}", &[self.texts.privacy, self.campaign.name])
    }

    /// Who is responsible, in words.
    #[must_use]
    pub fn who(&self) -> String {
        fill(self.texts.notice_who, &[self.company])
    }

    /// How they are reached, in words.
    #[must_use]
    pub fn reach(&self) -> Option<String> {
        self.contact.map(|it| fill(self.texts.notice_contact, &[it]))
    }

    /// Which version, in words.
    #[must_use]
    pub fn version(&self) -> String {
        fill(self.texts.notice_version, &[self.version])
    }

    /// What is linked and who is told, and what can be done about it on this page as it is.
    #[must_use]
    pub fn shared(&self) -> Vec<&'static str> {
        let how = match (self.word, self.is_silent) {
            (None, _) => self.texts.shared_out_nobody,
            (Some(_), None) => self.texts.shared_out_away,
            (Some(_), Some(_)) => self.texts.shared_out,
        };
        self.kept.shared(self.texts, how)
    }

    /// What stands in the place of the switch where it cannot be offered.
    #[must_use]
    pub fn no_switch(&self) -> &'static str {
        if self.word.is_none() { self.texts.silent_nobody } else { self.texts.silent_away }
    }

    /// What came of what was asked for, in words.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        Some(match self.ending.as_ref()? {
            Ending::Done(it) => {
                let count = |it: u64| it.to_string();
                fill(
                    self.texts.forget_done,
                    &[
                        &count(it.stored.tags),
                        &count(it.stored.steps),
                        &count(it.stored.consents),
                        &count(it.stored.seats),
                        &count(it.outbox.waiting + it.outbox.dead),
                    ],
                )
            }
            Ending::Unsure => self.texts.forget_unsure.to_owned(),
            Ending::Nobody => self.texts.forget_nobody.to_owned(),
            Ending::Old => self.texts.form_old.to_owned(),
            Ending::NobodyWishes => self.texts.silent_nobody.to_owned(),
            Ending::NotKept => self.texts.silent_failed.to_owned(),
            Ending::Failed => self.texts.forget_failed.to_owned(),
            Ending::Kept if self.is_silent == Some(true) => self.texts.silent_is_set.to_owned(),
            Ending::Kept => return None,
        })
    }

    /// To the landing page.
    #[must_use]
    pub fn back(&self) -> String {
        links::landing(self.campaign.slug, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::super::texts::Lang;
    use super::*;

    fn page(word: Option<&'static str>, is_silent: Option<bool>, ending: Option<Ending>) -> String {
        let sharing = Sharing { has_joins: true, ..Sharing::default() };
        let view = PrivacyView {
            texts: Lang::En.texts(),
            nonce: "n",
            campaign: samples::campaign(Lang::En),
            company: "Greenfield",
            contact: None,
            version: "1",
            kept: Kept::of(&Retention::default(), sharing),
            word,
            is_silent,
            ending,
            privacy_href: None,
        };
        view.render().unwrap()
    }

    #[test]
    fn only_a_button_that_is_there_is_named() {
        let named = "press “Do not link me or use my region”";
        let there = page(Some("w"), Some(false), None);
        assert!(there.contains(named) && there.contains("<button id=\"silent\">Do not link me or use my region<"));
        let away = page(Some("w"), None, None);
        assert!(!away.contains(named) && !away.contains("<button id=\"silent\">"), "{away}");
        assert!(away.contains("not right now") && away.contains("cannot be seen or changed right now"), "{away}");
    }

    #[test]
    fn a_wish_that_was_not_kept_is_not_told_as_a_deletion() {
        let failed = page(Some("w"), None, Some(Ending::NotKept));
        assert!(failed.contains("id=\"told\">Your choice could not be saved now."), "{failed}");
        let old = page(Some("w"), Some(false), Some(Ending::Old));
        assert!(old.contains("id=\"told\">This page was out of date"), "{old}");
    }
}
