//! How every backend remembers how far deliverers are.

use super::super::{
    AGAIN_MS, DeliveryFound, DeliveryNote, MarksFound, SeatAsk, SeatOffer, SeatRules, Storage, Trouble,
};
use super::{Finding, expect};
use crate::campaign::Rotation;
use crate::id::{GroupId, ScanId, VisitorId};
use crate::time::Timestamp;

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_790_000_000_000)
}

/// What was noted is told; what was noted is never taken to be more than it is; and seats wait for who delivers again.
pub fn check_notes(storage: &dyn Storage) -> Finding {
    let note = |who, known, next| DeliveryNote { who: [who; 16], known, next, is_again: false };
    let lowest = |it: DeliveryNote| storage.note_delivered(&it, now()).map(|found| found.lowest);
    expect("a new one", &lowest(note(1, 0, 0))?, &0)?;
    expect("its first", &lowest(note(1, 0, 500))?, &0)?;
    expect("another", &lowest(note(2, 0, 7))?, &0)?;
    expect("a look", &lowest(note(1, 500, 500))?, &500)?;
    expect("the next", &lowest(note(1, 500, 900))?, &500)?;
    // Somebody brought back what was there at 900; nothing is noted over it.
    expect("lost", &lowest(note(1, 1_000, 2_000))?, &900)?;
    expect("still lost", &lowest(note(1, 1_000, 1_000))?, &900)?;
    expect("from there", &lowest(note(1, 900, 1_500))?, &900)?;
    expect("the other", &lowest(note(2, 7, 7))?, &7)?;
    let group = [GroupId::parse("a")?];
    storage.note_delivered(&DeliveryNote { is_again: true, ..note(2, 7, 7) }, now())?;
    let counts = |at| storage.head_counts(&group, at).map(|it| it.len()).map_err(|it| it.kind());
    expect("seats while one delivers again", &counts(now()), &Err(Trouble::Unavailable))?;
    let ask = SeatAsk {
        visitor: VisitorId::from_parts(1, 2),
        scan: ScanId::from_parts(1, 2),
        wanted: "store:x".into(),
        rungs: vec![vec![SeatOffer { group: GroupId::parse("a")?, capacity: 9 }]],
        rotation: Rotation::InOrder,
        is_whole: true,
        is_peek: false,
    };
    let taken = storage.take_seats(std::slice::from_ref(&ask), &SeatRules::default(), now()).map_err(|it| it.kind());
    expect("a seat while one delivers again", &taken, &Err(Trouble::Unavailable))?;
    expect("seats after its silence", &counts(now().plus_ms(AGAIN_MS + 1)), &Ok(1))?;
    storage.note_delivered(&note(2, 7, 7), now())?;
    expect("seats afterwards", &counts(now()), &Ok(1))?;
    storage.forget(VisitorId::from_parts(1, 1), now())?;
    let expected = DeliveryFound { lowest: 7, forgotten: MarksFound { count: 1, latest: Some(now()) } };
    expect("marks", &storage.note_delivered(&note(2, 7, 7), now())?, &expected)
}
