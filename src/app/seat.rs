//! A seat for every visit that is shown a group.
//!
//! A visit waits for its seat only briefly. Where storage does not answer in time the visitor is shown a group that has room as far as
//! this instance knows, and the seat is unconfirmed: a page without a code is worse than a group that is a few over. The claim to the
//! seat goes through the outbox with the visit's record, and storage counts it afterwards.

mod gate;
mod head;
mod known;
mod seater;

use std::time::{Duration, Instant};

pub use self::known::KnownSeats;
pub use self::seater::Seater;
use super::App;
use crate::campaign::{Route, Rung};
use crate::catalog::Joinable;
use crate::group::SeatClaim;
use crate::id::{ScanId, StoreId, VisitorId};
use crate::routing::{self, Case, Decision, Extent, Offer, Room, Step, Wish, decide_for, list_others, steps};
use crate::storage::{Seat, SeatAsk, SeatOffer, SeatPlace, SeatRules, Storage, StorageError};

/// How long a visit waits for its seat, for all that storage is asked.
const SEAT_WAIT: Duration = Duration::from_millis(100);

/// What became of the seat of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatState {
    /// Taken at this visit.
    Taken,
    /// Held before.
    Kept,
    /// Storage did not answer in time: the group is shown by what this instance knows, and counted afterwards.
    Unconfirmed,
}

impl SeatState {
    /// The word used in the API and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Kept => "kept",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    fn of(seat: Seat) -> Option<Self> {
        match seat {
            Seat::Taken(_) => Some(Self::Taken),
            Seat::Kept(_) => Some(Self::Kept),
            Seat::NoneHere => None,
        }
    }
}

/// Who wants a seat.
#[derive(Clone, Copy)]
pub(super) struct Seeker {
    pub visitor: VisitorId,
    pub scan: ScanId,
}

/// A decision, and the seat behind it.
pub(super) struct Seated {
    pub decision: Decision,
    /// None where no seat is needed, or none is to be had.
    pub seat: Option<SeatState>,
    /// What storage is to count afterwards.
    pub claim: Option<SeatClaim>,
}

impl App {
    /// Decides a visit and takes its seat. The farther rungs are looked at only when the first has none.
    pub(super) async fn seated(&self, route: Route, case: &Case<'_>, who: Seeker) -> Seated {
        let mut thought = Thought::default();
        let mut seated = self.decide_and_sit(route, case, who, &mut thought).await;
        thought.of(|| list_others(&mut seated.decision, case));
        self.metrics().decision_seconds.observe(thought.took.as_secs_f64());
        seated
    }

    async fn decide_and_sit(&self, route: Route, case: &Case<'_>, who: Seeker, thought: &mut Thought) -> Seated {
        let decision = thought.of(|| routing::route(Wish { route, room: Room::Unasked }, case));
        let without = |decision| Seated { decision, seat: None, claim: None };
        if !matches!(decision.join, Some(Joinable::Group(_))) {
            return without(decision);
        }
        let until = Instant::now() + SEAT_WAIT;
        let mut is_away = false;
        for extent in [Extent::First, Extent::Whole] {
            let steps = thought.of(|| steps(extent, route, &decision, case));
            let wish = ask(&steps, &decision, case, who, extent);
            let (is_whole, is_peek, wanted) = (wish.is_whole, wish.is_peek, wish.wanted.clone());
            let given = if is_away { None } else { self.parts.seats.ask(wish, until).await };
            is_away = given.is_none();
            let seat =
                given.unwrap_or_else(|| self.parts.seats.known().choose(&ask(&steps, &decision, case, who, extent)));
            if seat == Seat::NoneHere && !is_whole {
                continue;
            }
            let state = SeatState::of(seat).map(|it| if is_away { SeatState::Unconfirmed } else { it });
            self.metrics().seat(state.map_or("none", SeatState::as_str));
            let group = group_at(&steps, seat.place());
            let decision = thought.of(|| settle(route, decision, case, group));
            let claim = group.filter(|_| is_away && !is_peek).and_then(|it| case.catalog.group(it)).map(|group| {
                let (visitor, scan) = (who.visitor, who.scan);
                SeatClaim { visitor, scan, group: group.id.clone(), wanted, at: self.now() }
            });
            // A peek has taken nothing.
            return Seated { seat: state.filter(|_| !decision.is_blind()), decision, claim };
        }
        without(decision)
    }
}

/// The time that a decision takes, without the wait for a seat.
#[derive(Default)]
struct Thought {
    took: Duration,
}

impl Thought {
    fn of<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        self.took += started.elapsed();
        done
    }
}

/// The decision for what storage has said.
fn settle(route: Route, decision: Decision, case: &Case<'_>, group: Option<u32>) -> Decision {
    let join = group.map(Joinable::Group);
    if join.is_some() && join == decision.join {
        return decision;
    }
    routing::route(Wish { route, room: group.map_or(Room::Nowhere, Room::In) }, case)
}

/// The groups of a ladder down to the first contact, behind which nobody comes.
fn rungs(steps: &[Step]) -> impl Iterator<Item = &[u32]> {
    steps.iter().map_while(|it| match &it.offer {
        Offer::Groups(groups) => Some(groups.as_slice()),
        Offer::Contact(_) => None,
    })
}

/// The group at a place of an ask that was made from these steps.
fn group_at(steps: &[Step], place: Option<SeatPlace>) -> Option<u32> {
    let place = place?;
    rungs(steps).nth(place.rung)?.get(place.offer).copied()
}

/// The wish for a seat on these steps. A visit without a store is given all of them at once.
fn ask(steps: &[Step], decision: &Decision, case: &Case<'_>, who: Seeker, extent: Extent) -> SeatAsk {
    let catalog = case.catalog;
    let offer = |place: &u32| {
        let group = catalog.group(*place)?;
        Some(SeatOffer { group: group.id.clone(), capacity: group.capacity })
    };
    let shows_own = decision.fallback.is_none_or(|it| it.rung == Rung::Group);
    let right = decision.wanted.or(decision.store.map(|it| it.store)).and_then(|it| catalog.store(it));
    SeatAsk {
        visitor: who.visitor,
        scan: who.scan,
        wanted: wanted(right.map(|it| &it.id), decision, case),
        rungs: rungs(steps).map(|groups| groups.iter().filter_map(offer).collect()).collect(),
        rotation: case.campaign.rotation,
        is_whole: extent == Extent::Whole || !shows_own || right.is_none(),
        is_peek: decision.is_blind(),
    }
}

/// What the visitor wants. Who is led past a closed store wants something else than who is led to it.
fn wanted(store: Option<&StoreId>, decision: &Decision, case: &Case<'_>) -> Box<str> {
    match store {
        Some(id) if decision.is_of_open_stores => ["open:", id.as_str()].concat().into(),
        Some(id) => ["store:", id.as_str()].concat().into(),
        None => ["campaign:", case.campaign.slug.as_str()].concat().into(),
    }
}

/// What a visitor without a seat would be shown, and every step down the ladder.
pub struct Peeked {
    /// The decision.
    pub decision: Decision,
    /// Every step, also those that are not reached.
    pub steps: Vec<Step>,
}

/// Decides for a visitor without a seat, and takes none. Blocks.
///
/// # Errors
/// Storage's, if it does not say who has room.
pub fn peek(storage: &dyn Storage, rules: &SeatRules, route: Route, case: &Case<'_>) -> Result<Peeked, StorageError> {
    let decision = decide_for(Wish { route, room: Room::Unasked }, case);
    let steps = steps(Extent::Whole, route, &decision, case);
    if !matches!(decision.join, Some(Joinable::Group(_))) {
        return Ok(Peeked { decision, steps });
    }
    // Nobody has this id, and a peek leaves nothing behind.
    let who = Seeker { visitor: VisitorId::from_parts(0, 0), scan: ScanId::from_parts(0, 0) };
    let ask = SeatAsk { is_peek: true, ..ask(&steps, &decision, case, who, Extent::Whole) };
    let seat = storage.take_seats(&[ask], rules, case.now)?.into_iter().next().unwrap_or(Seat::NoneHere);
    let decision = settle(route, decision, case, group_at(&steps, seat.place()));
    Ok(Peeked { decision, steps })
}
