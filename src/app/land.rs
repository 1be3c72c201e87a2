//! One visit: fix, decision, record. The answer leaves when the record is on disk.

use std::net::IpAddr;
use std::time::Duration;

use super::deliver::whole_chain;
use super::locate::{Clues, may_be_returned_to};
use super::seat::{SeatState, Seated, Seeker};
use super::token::{VisitToken, shown_word};
use super::{App, AppError, CatalogInUse, VisitorToken};
use crate::campaign::{Campaign, Route};
use crate::catalog::{Catalog, InForce, Joinable, Standing};
use crate::consent::{ConsentRecord, NoticeVersion};
use crate::funnel::{Step, StepRecord};
use crate::geo::Position;
use crate::group::SeatClaim;
use crate::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use crate::outbox::{Consented, Item, Unconfirmed};
use crate::routing::{Case, Decision, Fallback, Room, Wish, decide_for};
use crate::tag::TagRecord;
use crate::time::{Day, Timestamp};
use crate::visitor::AccuracyClass;

/// How long a visit may be refined, in milliseconds: a day.
const REFINE_MS_MAX: u64 = 86_400_000;
/// For how long a page that is looked at again is the same visit, in seconds from the visit's beginning.
pub const SEEN_S: u32 = 1_800;
/// How long an answer waits for its record at the most. Longer than a healthy disk ever takes, shorter than a customer's patience.
const RECORD_WAIT: Duration = Duration::from_millis(1_500);

/// One visit as the outside tells it. Everything is optional but the campaign.
#[derive(Default)]
pub struct ScanRequest {
    /// Through which landing code; none means `default`.
    pub campaign: Option<CampaignSlug>,
    /// Whether a landing code that nobody knows is answered by the default campaign. It is on pages, because printed codes cannot be
    /// recalled; a program that names a campaign that does not exist is told so.
    pub forgives_campaign: bool,
    /// A measured position, and the radius in metres of the circle that holds the true place.
    pub position: Option<(Position, Option<f64>)>,
    /// The customer's own choice.
    pub store: Option<StoreId>,
    /// The route that the customer asks for by their own hand.
    pub route: Option<Route>,
    /// A visitor token from an earlier answer.
    pub visitor: Option<String>,
    /// A scan id from an earlier answer, to refine that visit.
    pub scan: Option<String>,
    /// Whether the scan id alone proves whose visit it is. It does in a call of a program, which got it from an answer; it does not
    /// in the address of a page, which people share.
    pub trusts_scan: bool,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The notice that the customer agreed to before giving the position. None means the one in force: whoever sends a position
    /// agrees to it by sending it.
    pub consent: Option<NoticeVersion>,
    /// What the page remembers of a visit of the last minutes; looking at it again is no other visit.
    pub seen: Option<String>,
    /// Whether this is a crawler, a preview or a prefetch: it gets an answer and makes no visit.
    pub is_robot: bool,
}

/// A visit that was decided and, if `recorded`, put on disk.
pub struct Landing {
    /// The catalog that decided.
    pub catalog: CatalogInUse,
    /// The campaign that was scanned.
    pub campaign: CampaignSlug,
    /// What is shown of a campaign that nobody has published yet; none for every visit.
    pub draft: Option<Box<Campaign>>,
    /// How it stands; where it does not run, another one has answered.
    pub standing: Standing,
    /// The scan id for the client.
    pub scan: String,
    /// The visitor token for the client.
    pub visitor: String,
    /// Whether this refined an earlier visit.
    pub refined: bool,
    /// Whether the record is on stable storage.
    pub recorded: bool,
    /// The decision.
    pub decision: Decision,
    /// The route that was shown.
    pub mode: Route,
    /// The route that the visitor is assigned to, where the campaign compares two.
    pub assigned: Option<Route>,
    /// The seat in the group that is shown.
    pub seat: Option<SeatState>,
    /// The labels of the record.
    pub tags: Vec<String>,
    /// What a page remembers of the visit for [`SEEN_S`]; none for robots and for visits without a record.
    pub seen: Option<String>,
    /// When it was decided.
    pub now: Timestamp,
}

impl Landing {
    /// The campaign that has answered: the one that was scanned, while it runs.
    #[must_use]
    pub fn in_force(&self) -> &Campaign {
        self.draft.as_deref().unwrap_or_else(|| self.catalog.in_force(&self.campaign, self.now).campaign)
    }

    /// The route that the shown store may be joined by as well.
    #[must_use]
    pub fn other_route(&self) -> Option<Route> {
        let shown = match self.decision.join? {
            Joinable::Group(_) => Route::Group,
            Joinable::Contact(_) => Route::Contact,
        };
        self.decision.has_other_route.then(|| shown.other())
    }
}

/// Whose visit is decided, and what they asked for.
struct Whose<'a> {
    scan: ScanId,
    visitor: VisitorId,
    slug: &'a CampaignSlug,
    route: Option<Route>,
    is_robot: bool,
}

/// A visit that is decided, and not yet recorded.
struct Decided {
    decision: Decision,
    record: TagRecord,
    seat: Option<SeatState>,
    claim: Option<SeatClaim>,
}

impl App {
    /// Decides one visit and records it.
    ///
    /// # Errors
    /// [`AppError::UnknownCampaign`] and [`AppError::UnknownStore`]. A record that cannot be written is no error here: the
    /// answer says so in `recorded`.
    pub async fn land(&self, request: ScanRequest) -> Result<Landing, AppError> {
        let now = self.now();
        let catalog = self.catalog();
        let scanned = request.campaign.unwrap_or_else(CampaignSlug::default_slug);
        let (InForce { campaign, standing }, slug) = in_force(&catalog, scanned, request.forgives_campaign, now)?;
        if let Some(store) = &request.store
            && catalog.store_key(store).is_none()
        {
            return Err(AppError::UnknownStore(store.to_string()));
        }
        let token = request.visitor.as_deref().and_then(|it| self.parts.signer.read_visitor(it));
        let named = request.scan.as_deref().and_then(|it| self.parts.signer.read_scan(it));
        let seen = request.seen.as_deref().and_then(|it| self.parts.signer.read_visit(it, &slug));
        let age_ms = |scan: ScanId| now.unix_ms().unsigned_abs().saturating_sub(scan.unix_ms());
        // A scan id of somebody else, or of long ago, opens a new visit.
        let is_theirs = |(scan, owner): &(ScanId, VisitorId)| {
            age_ms(*scan) <= REFINE_MS_MAX && token.as_ref().map_or(request.trusts_scan, |it| it.visitor == *owner)
        };
        let is_fresh = |it: &VisitToken| {
            age_ms(it.scan) <= u64::from(SEEN_S) * 1_000
                && token.as_ref().is_some_and(|token| token.visitor == it.visitor)
        };
        let seen = seen.filter(is_fresh);
        let earlier = named.filter(is_theirs).or(seen.as_ref().map(|it| (it.scan, it.visitor)));
        let visitor =
            token.as_ref().map(|it| it.visitor).or(earlier.map(|it| it.1)).unwrap_or_else(|| self.new_visitor(now));
        let scan = earlier.map_or_else(|| self.new_scan(now), |it| it.0);
        let last_store = token.as_ref().and_then(|it| it.last_store.as_ref());
        // Looking again brings nothing to refine a visit by.
        let looks_again = request.store.is_none() && request.position.is_none();

        let whose = Whose { scan, visitor, slug: &slug, route: request.route, is_robot: request.is_robot };
        let clues = Clues { store: request.store, position: request.position, last_store, ip: request.ip };
        let consent = clues.position.map(|_| ConsentRecord {
            visitor,
            notice: request.consent.unwrap_or_else(|| self.parts.notice.clone()),
            at: now,
        });
        let blind = Clues { store: clues.store.clone(), position: None, ..clues };
        let mut decided = self.decided((&catalog, campaign), clues, &whose, now).await;
        let was_seen = looks_again && seen.is_some_and(|it| it.scan == scan && it.shown == shown(&decided.record));
        let recorded = !request.is_robot && (was_seen || self.keep(consent.clone(), &decided).await);
        self.note_claim(&decided, recorded && !was_seen);
        if let (false, false, Some(_)) = (recorded, request.is_robot, &consent) {
            // Without a durable consent the position is not used. The disk has been waited for once; this record is on its way.
            decided = self.decided((&catalog, campaign), blind, &whose, now).await;
            drop(self.parts.outbox.append(&item(None, &decided)));
        }
        let Decided { decision, record, seat, .. } = decided;
        self.count(&kind(request.is_robot, was_seen, earlier.is_some()), recorded, &decision);

        // A guess is not a store that the visitor is known to have come to; and where another one stands in for theirs, theirs stays
        // the one they came to.
        let theirs = decision.wanted.and_then(|it| catalog.store(it)).map(|it| it.id.clone());
        let theirs = theirs.filter(|it| may_be_returned_to(&catalog, campaign, it)).or_else(|| record.store.clone());
        let came_to = theirs.filter(|_| decision.outcome == crate::routing::Outcome::Routed);
        let last_store = came_to.or_else(|| last_store.cloned());
        let seen = recorded.then(|| VisitToken { scan, visitor, shown: shown(&record) });
        Ok(Landing {
            scan: self.parts.signer.scan(scan, visitor),
            visitor: self.parts.signer.visitor(&VisitorToken { visitor, last_store }),
            refined: earlier.is_some(),
            recorded,
            tags: record.tags().into_iter().map(ToOwned::to_owned).collect(),
            seen: seen.map(|it| self.parts.signer.visit(&it, &slug)),
            decision,
            mode: record.mode,
            assigned: record.assigned,
            seat,
            now,
            campaign: slug,
            draft: None,
            standing,
            catalog,
        })
    }

    /// A decision, its seat, and what is to be remembered of it. A robot takes no seat.
    async fn decided(
        &self,
        (catalog, campaign): (&Catalog, &Campaign),
        clues: Clues<'_>,
        whose: &Whose<'_>,
        now: Timestamp,
    ) -> Decided {
        let fix = self.locate(catalog, campaign, clues);
        let assigned = campaign.mode.assigned(whose.visitor, &campaign.slug);
        let mode = whose.route.or(assigned).unwrap_or_else(|| campaign.mode.common());
        let case = Case { fix: &fix, catalog, campaign, policy: self.policy(), now };
        let Seated { decision, seat, claim } = if whose.is_robot {
            Seated { decision: decide_for(Wish { route: mode, room: Room::Unasked }, &case), seat: None, claim: None }
        } else {
            self.seated(mode, &case, Seeker { visitor: whose.visitor, scan: whose.scan }).await
        };
        let ids = (whose.scan, whose.visitor, whose.slug.clone());
        let mut record = record(catalog, &decision, ids, self.revisions.next(began(whose.scan), self.by_storage(now)));
        (record.mode, record.assigned) = (mode, assigned);
        record.day = Some(Day::of(record.at, self.zone().as_jiff()));
        Decided { decision, record, seat, claim }
    }

    /// Puts a record on disk, together with the consent that it rests on.
    async fn keep(&self, consent: Option<ConsentRecord>, decided: &Decided) -> bool {
        self.put(item(consent, decided)).await
    }

    /// Notes whether the claim to the seat of a visit is on its way.
    fn note_claim(&self, decided: &Decided, is_on_disk: bool) {
        let known = self.parts.seats.known();
        match &decided.claim {
            Some(_) if is_on_disk => known.waits(),
            Some(claim) => known.is_not_claimed(claim),
            None => {}
        }
    }

    fn count(&self, kind: &Kind, recorded: bool, decision: &Decision) {
        let rung = decision.fallback.map_or("none", |it: Fallback| it.rung.as_str());
        match kind {
            Kind::Robot => self.metrics().robots.inc(),
            Kind::SeenAgain => self.metrics().seen_again.inc(),
            Kind::New | Kind::Refined => {
                let is_refined = matches!(kind, Kind::Refined);
                self.metrics().scan(is_refined, decision.outcome.as_str(), decision.source.as_str(), rung);
                if !recorded {
                    self.metrics().unrecorded();
                }
            }
        }
    }

    /// Records a step that the page saw.
    ///
    /// # Errors
    /// [`AppError::UnknownScan`] if the scan id was not made here, [`AppError::Unrecorded`] if the disk does not take it.
    pub async fn step(&self, scan: &str, step: Step) -> Result<(), AppError> {
        let (scan, _) = self.parts.signer.read_scan(scan).ok_or(AppError::UnknownScan)?;
        if !self.put(Item::Step(StepRecord { scan, step, at: self.now() })).await {
            return Err(AppError::Unrecorded);
        }
        self.metrics().step(step.as_str());
        Ok(())
    }

    fn new_visitor(&self, now: Timestamp) -> VisitorId {
        VisitorId::from_parts(now.unix_ms().unsigned_abs(), (self.parts.chance)())
    }

    fn new_scan(&self, now: Timestamp) -> ScanId {
        ScanId::from_parts(now.unix_ms().unsigned_abs(), (self.parts.chance)())
    }

    /// A moment by the clock of storage, where that is known.
    fn by_storage(&self, now: Timestamp) -> Timestamp {
        now.plus_ms(-self.parts.storage.clock_ahead_ms().unwrap_or(0))
    }

    async fn put(&self, item: Item) -> bool {
        let written = tokio::time::timeout(RECORD_WAIT, self.parts.outbox.append(&item)).await;
        match written {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(error = whole_chain(&error), "a record could not be put on disk; the answer says so");
                false
            }
            Err(_elapsed) => {
                tracing::error!("a record was not on disk in time; the answer says so");
                false
            }
        }
    }
}

/// A record, the consent that it rests on and the seat that storage is to count, as one.
fn item(consent: Option<ConsentRecord>, decided: &Decided) -> Item {
    let record = decided.record.clone();
    match (decided.claim.clone(), consent) {
        (Some(claim), consent) => Item::Unconfirmed(Unconfirmed { claim, consent, record }),
        (None, Some(consent)) => Item::Consented(Consented { consent, record }),
        (None, None) => Item::Tag(record),
    }
}

/// The campaign that answers, and the name that the record holds: that of a campaign, because anybody can make up names.
fn in_force(
    catalog: &Catalog,
    scanned: CampaignSlug,
    is_forgiving: bool,
    now: Timestamp,
) -> Result<(InForce<'_>, CampaignSlug), AppError> {
    let in_force = catalog.in_force(&scanned, now);
    match in_force.standing {
        Standing::Unknown if !(is_forgiving && scanned.is_printable()) => {
            Err(AppError::UnknownCampaign(scanned.to_string()))
        }
        Standing::Unknown => Ok((in_force, CampaignSlug::default_slug())),
        Standing::Running | Standing::NotStarted(_) | Standing::Ended => Ok((in_force, scanned)),
    }
}

/// What a request is counted as.
enum Kind {
    Robot,
    SeenAgain,
    Refined,
    New,
}

fn kind(is_robot: bool, was_seen: bool, is_refined: bool) -> Kind {
    match (is_robot, was_seen, is_refined) {
        (true, ..) => Kind::Robot,
        (_, true, _) => Kind::SeenAgain,
        (.., true) => Kind::Refined,
        _ => Kind::New,
    }
}

/// A word for what a record says was shown.
fn shown(record: &TagRecord) -> String {
    let maybe = |it: &Option<Box<str>>| it.clone().unwrap_or_default();
    let store = record.store.as_ref().map_or("", StoreId::as_str);
    shown_word(&[&record.outcome, store, &maybe(&record.join_kind), &maybe(&record.join_id), &maybe(&record.fallback)])
}

/// When a visit began.
fn began(scan: ScanId) -> Timestamp {
    Timestamp::from_unix_ms(i64::try_from(scan.unix_ms()).unwrap_or(i64::MAX))
}

fn record(
    catalog: &Catalog,
    decision: &Decision,
    (scan, visitor, campaign): (ScanId, VisitorId, CampaignSlug),
    revision: i64,
) -> TagRecord {
    let (join_kind, join_id) = match decision.join {
        Some(Joinable::Group(place)) => (Some("group".into()), catalog.group(place).map(|it| it.id.as_str().into())),
        Some(Joinable::Contact(place)) => {
            (Some("contact".into()), catalog.contact(place).map(|it| it.id.as_str().into()))
        }
        None => (None, None),
    };
    TagRecord {
        scan,
        revision,
        visitor,
        at: began(scan),
        day: None,
        campaign,
        outcome: decision.outcome.as_str().into(),
        store: decision.store.and_then(|it| catalog.store(it.store)).map(|it| it.id.clone()),
        join_kind,
        join_id,
        fallback: decision.fallback.map(|it| it.rung.as_str().into()),
        mode: Route::Group,
        assigned: None,
        region: decision.region.clone(),
        region_source: decision.region_source,
        source: decision.source,
        accuracy: AccuracyClass::of(decision.accuracy_m),
    }
}
