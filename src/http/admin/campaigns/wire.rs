//! Campaigns as the API writes them: the fields of a campaign's file, and what is worked out from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::campaign_desk::campaign_body;
use crate::campaign::{Campaign, Mode, Phase, Words};
use crate::catalog::Catalog;
use crate::http::admin::etag;
use crate::http::page::logo_url;
use crate::id::CampaignSlug;
use crate::store::Zone;
use crate::time::Timestamp;

/// A campaign's own words in one language; what is empty is left to the page.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WordsBody {
    /// The title of the document.
    title: String,
    /// A sentence at the top.
    lead: String,
    /// A sentence below the code.
    join_hint: String,
    /// The line on privacy.
    privacy: String,
}

/// A campaign: the fields of a campaign's file. Its logo is set by `campaigns/{slug}/logo`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignInput {
    /// The short name in the landing address: letters, digits, `-` and `_`.
    slug: String,
    /// The brand's name.
    name: String,
    /// The brand's colour, `#rrggbb`.
    colour: Option<String>,
    /// Stores farther away than this many metres are not offered; null: the setting's.
    reach_m: Option<f64>,
    /// Whether a store's service area wins over distance.
    service_areas: bool,
    /// `group`, `contact` or `split`.
    mode: String,
    /// With `split`: the share that is shown the contact, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_percent: Option<u8>,
    /// `in_order` or `least_filled`.
    rotation: String,
    /// The rungs in force: `next_store`, `contact`, `region`, `campaign`; null: all.
    fallbacks: Option<Vec<String>>,
    /// Stores with one of these tags; empty: all.
    store_tags: Vec<String>,
    /// Stores in one of these regions; empty: all.
    store_regions: Vec<String>,
    /// `ignore`, `prefer` or `require`.
    open_stores: String,
    /// RFC 3339; null: always.
    starts_at: Option<String>,
    /// RFC 3339; null: never.
    ends_at: Option<String>,
    /// The campaign that takes over after the end; null: `default`.
    ended_to: Option<String>,
    /// Chinese words.
    texts: WordsBody,
    /// English words.
    texts_en: WordsBody,
}

/// A campaign.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct CampaignView {
    #[serde(flatten)]
    input: CampaignInput,
    /// The address in its landing code.
    link: String,
    /// Where its logo is; null if it has none.
    logo_url: Option<String>,
    /// `running`, `not_started` or `ended`.
    standing: &'static str,
    /// Group chats of its own.
    own_groups: usize,
    /// For `If-Match`.
    etag: String,
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct CampaignPage {
    pub(super) total: usize,
    pub(super) page: usize,
    pub(super) per_page: usize,
    pub(super) items: Vec<CampaignView>,
}

/// What everything is seen by.
pub(super) struct Seen<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) zone: &'a Zone,
    pub(super) now: Timestamp,
    pub(super) public_url: &'a str,
}

/// The address in a campaign's landing code.
pub(super) fn link(public_url: &str, slug: &CampaignSlug) -> String {
    if *slug == CampaignSlug::default_slug() { format!("{public_url}/") } else { format!("{public_url}/s/{slug}") }
}

fn words(words: &Words) -> WordsBody {
    let [title, lead, join_hint, privacy] =
        [&words.title, &words.lead, &words.join_hint, &words.privacy].map(ToString::to_string);
    WordsBody { title, lead, join_hint, privacy }
}

impl Seen<'_> {
    /// The fields of a campaign as they may be sent back.
    pub(super) fn input(&self, it: &Campaign) -> CampaignInput {
        let list = |names: &[Box<str>]| names.iter().map(ToString::to_string).collect();
        let moment = |it: Option<Timestamp>| it.map(|it| it.in_zone(self.zone.as_jiff()));
        CampaignInput {
            slug: it.slug.to_string(),
            name: it.name.to_string(),
            colour: it.colour.map(|it| it.to_string()),
            reach_m: it.reach_m,
            service_areas: it.service_areas,
            mode: it.mode.as_str().to_owned(),
            contact_percent: match it.mode {
                Mode::Split { contact_percent } => Some(contact_percent),
                Mode::Group | Mode::Contact => None,
            },
            rotation: it.rotation.as_str().to_owned(),
            fallbacks: it.fallbacks.named().map(|rungs| rungs.iter().map(|it| it.as_str().to_owned()).collect()),
            store_tags: list(&it.stores.tags),
            store_regions: list(&it.stores.regions),
            open_stores: it.open_stores.as_str().to_owned(),
            starts_at: moment(it.period.starts_at),
            ends_at: moment(it.period.ends_at),
            ended_to: it.period.ended_to.as_ref().map(ToString::to_string),
            texts: words(&it.words.zh),
            texts_en: words(&it.words.en),
        }
    }

    pub(super) fn view(&self, it: &Campaign) -> CampaignView {
        CampaignView {
            link: link(self.public_url, &it.slug),
            logo_url: logo_url(it),
            standing: match it.period.phase(self.now) {
                Phase::Before(_) => "not_started",
                Phase::Running => "running",
                Phase::Ended => "ended",
            },
            own_groups: self.catalog.campaign_groups(&it.slug).len(),
            etag: etag::of(&campaign_body(it)),
            input: self.input(it),
        }
    }
}
