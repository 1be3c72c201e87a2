//! The behaviour that every backend of [`Storage`] must show; tests call it once per backend. Not part of the service.
//!
//! Each check wants a storage that nothing was ever written to, and says what is wrong instead of panicking.

mod book;
mod catalog;
mod copying;
mod delivered;
mod desk;
mod people;
mod records;
mod seats;
mod tallies;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Debug;
use std::thread;

use super::{EntryKind, Storage, TagFilter, Trouble};
use catalog::{entries, loaded, publish, put, remove};
use records::record;

/// What a check found: nothing, or what is wrong.
pub type Finding = Result<(), Box<dyn Error + Send + Sync>>;
/// A check of one storage.
pub type Check = fn(&dyn Storage) -> Finding;

/// All checks of one storage, with their names.
pub const CHECKS: [(&str, Check); 40] = [
    ("an_empty_storage_has_version_0", check_empty),
    ("a_publication_is_loaded_in_order", catalog::check_publish_and_load),
    ("kinds_are_loaded_apart_and_say_when_they_changed", catalog::check_kinds),
    ("old_versions_stay_as_they_were", catalog::check_old_versions),
    ("a_stale_publication_changes_nothing", catalog::check_conflict),
    ("of_concurrent_publishers_exactly_one_wins", catalog::check_concurrent_publishers),
    ("versions_are_listed_latest_first", catalog::check_versions),
    ("the_later_of_two_changes_of_one_entry_stands", catalog::check_repeated_change),
    ("differences_are_told_in_both_directions", catalog::check_diff),
    ("a_catalog_is_put_back_above_every_number_given_out", catalog::check_put_back),
    ("whoever_waits_is_told_of_a_publication", catalog::check_wait),
    ("the_highest_revision_wins_in_any_order", records::check_revisions),
    ("the_earliest_step_of_each_kind_is_kept", records::check_steps),
    ("filters_choose_records_in_order", records::check_filters),
    ("a_hundred_visitors_never_get_an_eleventh_of_ten_seats", seats::check_race),
    ("a_seat_is_kept_wherever_it_is_on_the_ladder", seats::check_keep),
    ("a_visitor_moves_on_and_a_visit_holds_one_seat", seats::check_move),
    ("a_seat_without_a_join_is_given_back", seats::check_give_back),
    ("the_least_filled_group_is_filled_first", seats::check_least_filled),
    ("a_real_count_replaces_the_estimate", seats::check_members),
    ("what_was_lost_of_groups_is_put_back_once", seats::check_raise),
    ("a_seat_shown_without_storage_is_counted_once_whether_or_not_there_is_room", seats::check_claims),
    ("a_visitor_is_forgotten_and_the_counts_stay", seats::check_forget),
    ("tallies_count_visits_and_visitors_apart", tallies::check_tallies),
    ("tallies_agree_with_a_recount_whatever_comes", tallies::check_random_changes),
    ("a_forgotten_visitor_is_gone_and_stays_so", people::check_forget),
    ("consents_are_kept_once", people::check_consents),
    ("what_is_too_old_goes_and_stays_counted", people::check_purge),
    ("a_deliverer_learns_what_was_noted_of_it", delivered::check_notes),
    ("a_document_changes_only_for_who_knows_it", desk::check_documents),
    ("the_audit_trail_is_read_latest_first", desk::check_audit),
    ("the_secret_is_made_once", check_secret),
    ("a_card_changes_only_for_who_knows_it_and_counts_with_it", book::check_cards),
    ("cards_that_many_change_lose_nothing", book::check_card_race),
    ("all_cards_of_a_kind_are_met", book::check_card_pages),
    ("a_job_is_one_workers_and_is_done_once", book::check_jobs),
    ("each_job_is_given_to_one_of_many", book::check_job_race),
    ("the_feed_is_in_order_and_tells_nothing_twice", book::check_feed),
    ("with_a_visitor_goes_what_is_known_outside", book::check_forget),
    ("everything_can_be_copied", copying::check_copying),
];

fn expect<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Finding {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}").into()) }
}

/// Nothing was ever published, and that is no error.
pub fn check_empty(storage: &dyn Storage) -> Finding {
    expect("version", &storage.current_version()?, &0)?;
    expect("entries", &loaded(storage, 0)?, &Vec::new())?;
    expect("versions", &storage.versions(None, 10)?, &Vec::new())?;
    expect("tags", &storage.count_tags(&TagFilter::default())?, &0)?;
    let missing = loaded(storage, 1).err().map(|error| error.kind());
    expect("version 1", &missing, &Some(Trouble::NoSuchVersion { version: 1 }))
}

/// Whoever comes second gets what the first one made.
pub fn check_secret(storage: &dyn Storage) -> Finding {
    let secrets: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8_u8).map(|n| scope.spawn(move || storage.secret(&|| [n; 32]))).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut different = BTreeSet::new();
    for secret in secrets {
        different.insert(secret.map_err(|_panic| "somebody panicked")??);
    }
    expect("different secrets", &different.len(), &1)?;
    let later = storage.secret(&|| [99; 32])?;
    expect("secret later", &different.contains(&later), &true)
}

/// Two storages opened on the same data, as two processes do, see each other's writes and share one history.
pub fn check_two_openings(one: &dyn Storage, other: &dyn Storage) -> Finding {
    let store = EntryKind::Store;
    expect("before", &other.current_version()?, &0)?;
    publish(one, 0, &[put(store, "a", "1")])?;
    expect("published elsewhere", &other.current_version()?, &1)?;
    expect("entries", &loaded(other, 1)?, &entries([(store, "a", "1")]))?;
    let refused = publish(other, 0, &[]).map_err(|error| error.kind());
    expect("refused", &refused, &Err(Trouble::Conflict { current: 1 }))?;
    publish(other, 1, &[remove(store, "a")])?;
    expect("published back", &one.current_version()?, &2)?;
    one.deliver(&[], &[record(1, 1)?], &[])?;
    other.deliver(&[], &[record(1, 1)?], &[])?;
    expect("tags", &other.count_tags(&TagFilter::default())?, &1)?;
    expect("secret", &one.secret(&|| [1; 32])?, &other.secret(&|| [2; 32])?)
}
