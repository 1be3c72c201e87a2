//! Campaigns as the operations team changes them, and what the page of a draft would look like.

use super::App;
use super::edit::{Deed, EditError, NewEntry};
use super::land::Landing;
use crate::campaign::Campaign;
use crate::catalog::{Catalog, Change, Standing};
use crate::id::{CampaignSlug, StoreId};
use crate::routing::{Case, Room, Wish, decide_for};
use crate::staff::Actor;
use crate::visitor::Fix;

/// What a campaign is to be, made of what it is; nothing means that it goes.
pub type ChangingCampaign<'a> = &'a mut dyn FnMut(Option<&Campaign>) -> Result<Option<Campaign>, EditError>;

/// The JSON of a campaign as storage keeps it.
#[must_use]
pub fn campaign_body(campaign: &Campaign) -> String {
    // Campaigns have text keys and finite numbers, which JSON can hold.
    serde_json::to_string(campaign).unwrap_or_default()
}

/// The same for the audit trail, in which a logo is its digest.
fn audited(campaign: &Campaign) -> Option<String> {
    let plain = Campaign { logo: None, ..campaign.clone() };
    let mut value = serde_json::to_value(plain).ok()?;
    if let (Some(fields), Some(logo)) = (value.as_object_mut(), &campaign.logo) {
        fields.insert("logo_digest".to_owned(), logo.digest().into());
    }
    serde_json::to_string(&value).ok()
}

impl App {
    /// Changes, makes or removes one campaign, publishes it, and returns it with the version that is live. Blocks.
    ///
    /// # Errors
    /// What `change` says, and as [`App::edit`].
    pub fn change_campaign(
        &self,
        actor: &Actor,
        slug: &CampaignSlug,
        change: ChangingCampaign<'_>,
    ) -> Result<(Option<Campaign>, u64), EditError> {
        let mut made = None;
        let version = self.edit(actor, &format!("campaign {slug}"), &mut |catalog| {
            let before = catalog.campaign(slug);
            let after = change(before)?;
            made.clone_from(&after);
            let action = match (&before, &after) {
                (None, _) => "campaign.create",
                (Some(_), Some(_)) => "campaign.update",
                (Some(_), None) => "campaign.delete",
            };
            let (old, new) = (before.and_then(audited), after.as_ref().and_then(audited));
            let deed = Deed { action, target: slug.to_string(), before: old, after: new };
            let entries = match (before, after) {
                (Some(before), Some(after)) if *before == after => Vec::new(),
                (_, Some(after)) => vec![NewEntry::Campaign(Box::new(after))],
                (Some(_), None) => vec![NewEntry::Gone(Change::Campaign(slug.clone()))],
                (None, None) => Vec::new(),
            };
            Ok((entries, deed))
        })?;
        Ok((made, version))
    }

    /// The landing of a campaign that nobody has published, as somebody sees it who has chosen this store, or nothing. Takes no
    /// seat and records nothing.
    #[must_use]
    pub fn preview(&self, draft: Campaign, store: Option<StoreId>) -> Landing {
        let (now, catalog) = (self.now(), self.catalog());
        let fix = store.map_or(Fix::Nowhere, Fix::Chosen);
        let mode = draft.mode.common();
        let case = Case { fix: &fix, catalog: &catalog, campaign: &draft, policy: self.policy(), now };
        let decision = decide_for(Wish { route: mode, room: Room::Unasked }, &case);
        Landing {
            scan: String::new(),
            visitor: String::new(),
            refined: false,
            recorded: false,
            tags: Vec::new(),
            seen: None,
            decision,
            mode,
            assigned: None,
            seat: None,
            now,
            campaign: draft.slug.clone(),
            standing: Standing::Running,
            draft: Some(Box::new(draft)),
            catalog,
        }
    }
}

/// A store to show in a preview: the first that takes customers, takes part in the campaign and has a group or a contact.
#[must_use]
pub fn sample_store(catalog: &Catalog, slug: &CampaignSlug) -> Option<StoreId> {
    let selection = catalog.selection(slug);
    let keys = (0_u32..).take(catalog.stores().len()).filter(|key| catalog.is_active(*key) && selection.takes(*key));
    let has_code = |key: &u32| catalog.groups_of(*key).len() > 0 || catalog.contacts_of(*key).len() > 0;
    let mut keys = keys.filter(has_code);
    keys.next().and_then(|key| catalog.store(key)).map(|it| it.id.clone())
}
