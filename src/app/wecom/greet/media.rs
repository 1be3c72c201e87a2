//! The pictures of greetings at the platform: uploaded when first needed, and used again while they are good there.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::Inner;
use crate::app::deliver::whole_chain;
use crate::app::wecom::templates::{Known, Part, PictureFrom};
use crate::catalog::Catalog;
use crate::id::CampaignSlug;
use crate::qr::Code;
use crate::time::Timestamp;
use crate::wecom::client::{ImageKind, LinkCard, MEDIA_LASTS_DAYS, MediaId, MiniprogramCard, WelcomeAttachment};

/// Uploads that are remembered; some 100 bytes each.
const MEDIA_MAX: usize = 50_000;
/// How long before its end an upload is no longer used.
const EARLY_MS: i64 = 6 * 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// The edge of a group's code, in pixels.
const CODE_PX: u32 = 480;
/// An upload takes seconds at worst; with less than this left the greeting goes without it.
const UPLOAD_ROOM: Duration = Duration::from_secs(6);

/// What was uploaded, by what it shows.
#[derive(Default)]
pub(super) struct Media(Mutex<BTreeMap<[u8; 16], (String, Timestamp)>>);

impl Media {
    fn get(&self, key: &[u8; 16], now: Timestamp) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(key).filter(|(_, until)| now < *until).map(|(id, _)| id.clone())
    }

    fn put(&self, key: [u8; 16], id: String, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MEDIA_MAX {
            all.retain(|_, (_, until)| now < *until);
        }
        if all.len() >= MEDIA_MAX {
            all.clear();
        }
        all.insert(key, (id, now.plus_ms(i64::from(MEDIA_LASTS_DAYS) * DAY_MS - EARLY_MS)));
    }
}

fn digest(kind: u8, of: &[u8]) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::new().chain_update([kind]).chain_update(of).finalize().into();
    let (head, _) = digest.split_first_chunk().expect("32 bytes hold 16");
    *head
}

impl Inner {
    /// What comes with a greeting, as the platform takes it. A picture that cannot be uploaded is left out; a group's code becomes the
    /// link to its page.
    pub(super) fn attachments(
        &self,
        catalog: &Catalog,
        known: &Known,
        template: &str,
        parts: Vec<Part>,
        until: Instant,
    ) -> Vec<WelcomeAttachment> {
        let upload = |from| self.upload((catalog, known, template), from, until);
        let link = |title, description, url| {
            WelcomeAttachment::Link(LinkCard { title, picture: String::new(), description, url })
        };
        let attachment = |part| match part {
            Part::Link { title, description, url } => Some(link(title, description, url)),
            Part::Image(from) => match (upload(from), from, &known.group) {
                (Some(media_id), ..) => Some(WelcomeAttachment::Image(MediaId { media_id })),
                (None, PictureFrom::Code, Some(group)) => {
                    Some(link(group.name.clone(), String::new(), group.page.clone()))
                }
                (None, ..) => None,
            },
            Part::Miniprogram { title, app_id, page, picture } => {
                let picture = upload(picture)?;
                Some(WelcomeAttachment::Miniprogram(MiniprogramCard { title, picture, app_id, page }))
            }
        };
        parts.into_iter().filter_map(attachment).collect()
    }

    /// The id of an upload of a picture, made now if there is none.
    fn upload(
        &self,
        (catalog, known, template): (&Catalog, &Known, &str),
        from: PictureFrom,
        until: Instant,
    ) -> Option<String> {
        let code = known.group.as_ref().map(|it| it.code.as_str()).unwrap_or_default();
        // A code is drawn only to be uploaded; others are few, and known by what they show.
        let (key, picture) = match from {
            PictureFrom::Code => (digest(b'c', code.as_bytes()), None),
            PictureFrom::Logo => {
                let slug = CampaignSlug::parse(&known.campaign.0).ok();
                let campaign = slug.and_then(|it| catalog.campaign(&it)).unwrap_or(catalog.default_campaign());
                let logo = campaign.logo.as_ref().or(catalog.default_campaign().logo.as_ref())?;
                let kind = if logo.content_type() == "image/jpeg" { ImageKind::Jpeg } else { ImageKind::Png };
                (digest(b'l', logo.bytes()), Some((kind, logo.bytes().to_vec())))
            }
            PictureFrom::Own => {
                let picture = self.greetings.picture(template).ok().flatten()?;
                (digest(b'o', &picture), Some((ImageKind::Png, picture)))
            }
        };
        let now = self.parts.clock.now();
        if let Some(id) = self.media.get(&key, now) {
            return Some(id);
        }
        if until.saturating_duration_since(Instant::now()) < UPLOAD_ROOM {
            return None;
        }
        let (kind, bytes) = match picture {
            Some(picture) => picture,
            None => (ImageKind::Png, Code::new(code).and_then(|it| it.png(CODE_PX)).ok()?),
        };
        match self.parts.wecom.upload_media(kind, &bytes) {
            Ok(id) => {
                self.media.put(key, id.clone(), now);
                Some(id)
            }
            Err(error) => {
                tracing::warn!(error = whole_chain(&error), "a greeting goes without its picture");
                None
            }
        }
    }
}
