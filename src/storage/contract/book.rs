//! Cards, jobs and the feed.

use std::collections::BTreeMap;
use std::thread;

use super::{Finding, expect};
use crate::id::VisitorId;
use crate::job::{Job, Lane};
use crate::storage::{Card, CardKind, CardWrite, Count, FeedEntry, JobCounts, Settled, Storage, Trouble};
use crate::time::{Day, Timestamp};

fn visitor(number: u128) -> VisitorId {
    VisitorId::from_parts(1_700_000_000_000, number)
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_700_000_000_000 + ms)
}

fn write(id: &str, expected: u64, body: Option<&str>) -> CardWrite {
    CardWrite {
        kind: CardKind::Customer,
        id: id.to_owned(),
        expected,
        body: body.map(str::to_owned),
        visitor: None,
        counts: Vec::new(),
    }
}

fn job(id: &str, ready_ms: i64) -> Job {
    Job {
        id: id.to_owned(),
        lane: Lane::Tag,
        body: format!("{{\"id\":\"{id}\"}}"),
        ready_at: at(ready_ms),
        visitor: None,
    }
}

fn entry(id: &str, ms: i64) -> FeedEntry {
    FeedEntry { id: id.to_owned(), at: at(ms), kind: "scan.recorded".to_owned(), visitor: None, body: "{}".to_owned() }
}

fn counters(
    storage: &dyn Storage,
    from: Day,
    to: Day,
) -> Result<BTreeMap<(i64, String), i64>, crate::storage::StorageError> {
    let mut found = BTreeMap::new();
    storage.each_count(from, to, &mut |day, of, number| {
        found.insert((day.number(), of.to_owned()), number);
    })?;
    Ok(found)
}

/// A card changes only for who knows it, and what it counts for changes with it or not at all.
pub fn check_cards(storage: &dyn Storage) -> Finding {
    let day = Day::from_number(20_000);
    let count = |of: &str, by| Count { day, of: of.to_owned(), by };
    let first = CardWrite {
        visitor: Some(visitor(1)),
        counts: vec![count("a", 2), count("b", 1)],
        ..write("wm1", 0, Some("1"))
    };
    expect("first revision", &storage.write_card(&first)?, &1)?;
    let stale = storage.write_card(&first).err().map(|it| it.kind());
    expect("stale", &stale, &Some(Trouble::Conflict { current: 1 }))?;
    expect("counted once", &counters(storage, day, day)?.get(&(20_000, "a".to_owned())).copied(), &Some(2))?;
    let next = CardWrite {
        counts: vec![count("a", -2), Count { day: day.plus(1), of: "a".into(), by: 5 }],
        ..write("wm1", 1, Some("2"))
    };
    expect("second revision", &storage.write_card(&next)?, &2)?;
    let expected = BTreeMap::from([((20_000, "b".to_owned()), 1), ((20_001, "a".to_owned()), 5)]);
    expect("counters", &counters(storage, day, day.plus(1))?, &expected)?;
    expect("counters of one day", &counters(storage, day.plus(1), day.plus(9))?.len(), &1)?;
    expect("old counters", &(storage.purge_counts(day.plus(1), 10)? > 0), &true)?;
    let left = counters(storage, day, day.plus(1))?;
    expect("young counters", &left, &BTreeMap::from([((20_001, "a".to_owned()), 5)]))?;
    storage.write_card(&write("wm2", 0, Some("x")))?;
    let found = storage.cards(CardKind::Customer, &["wm2", "none", "wm1"])?;
    let bodies: Vec<_> = found.into_iter().map(|it| it.map(|it| (it.revision, it.visitor, it.body))).collect();
    expect("cards", &bodies, &vec![Some((1, None, "x".to_owned())), None, Some((2, None, "2".to_owned()))])?;
    expect("kinds are apart", &storage.cards(CardKind::Chat, &["wm1"])?, &vec![None])?;
    expect("removed", &storage.write_card(&write("wm2", 1, None))?, &0)?;
    expect("gone", &storage.cards(CardKind::Customer, &["wm2"])?, &vec![None])?;
    expect("new again", &storage.write_card(&write("wm2", 0, Some("y")))?, &1)
}

/// Of many who change one card at once each has to look again, and nothing is lost.
pub fn check_card_race(storage: &dyn Storage) -> Finding {
    let add = |number: u32| -> Finding {
        for _ in 0..10 {
            loop {
                let card = storage.cards(CardKind::Chat, &["wr"])?.pop().flatten();
                let (revision, before) =
                    card.map_or((0, 0), |it: Card| (it.revision, it.body.parse::<u32>().unwrap_or(0)));
                let counts = vec![Count { day: Day::from_number(1), of: "n".into(), by: i64::from(number) }];
                let body = Some((before + number).to_string());
                let write = CardWrite { kind: CardKind::Chat, counts, body, ..write("wr", revision, None) };
                match storage.write_card(&write) {
                    Ok(_) => break,
                    Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (1..=4).map(|number| scope.spawn(move || add(number))).collect();
        threads.into_iter().try_for_each(|it| it.join().unwrap_or_else(|_| Err("a thread panicked".into())))
    })?;
    let card = storage.cards(CardKind::Chat, &["wr"])?.pop().flatten();
    expect("card", &card.map(|it| (it.revision, it.body)), &Some((40, "100".to_owned())))?;
    let day = Day::from_number(1);
    expect("counter", &counters(storage, day, day)?, &BTreeMap::from([((1, "n".to_owned()), 100)]))
}

/// All cards of a kind are met, in pages.
pub fn check_card_pages(storage: &dyn Storage) -> Finding {
    for n in 0..57 {
        storage.write_card(&write(&format!("wm{n:02}"), 0, Some("{}")))?;
    }
    let mut met = std::collections::BTreeSet::new();
    let mut cursor: Option<String> = None;
    for _ in 0..1_000 {
        let (page, next) = storage.cards_page(CardKind::Customer, cursor.as_deref(), 10)?;
        met.extend(page.into_iter().map(|it| it.id));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    expect("ended", &cursor, &None)?;
    expect("met", &met.len(), &57)
}

/// A job is one worker's at a time, is done once, and is not lost by who does not come back.
pub fn check_jobs(storage: &dyn Storage) -> Finding {
    storage.enqueue(&[job("late", 500), job("b", 20), job("a", 10)], at(0))?;
    storage.enqueue(&[job("a", 0)], at(0))?;
    let taken = storage.lease_jobs(Lane::Tag, at(100), at(1_000), 10)?;
    let ids: Vec<_> = taken.iter().map(|it| (it.job.id.as_str(), it.tries)).collect();
    expect("ready", &ids, &vec![("a", 1), ("b", 1)])?;
    expect("leased", &storage.lease_jobs(Lane::Tag, at(100), at(1_000), 10)?.len(), &0)?;
    expect("another lane", &storage.lease_jobs(Lane::Event, at(100), at(1_000), 10)?.len(), &0)?;
    let [a, b] = &*taken else { return Err("two jobs were taken".into()) };
    expect("body", &a.job.body, &"{\"id\":\"a\"}".to_owned())?;
    expect("done", &storage.settle_job(a, &Settled::Done, at(110))?, &true)?;
    expect("done again", &storage.settle_job(a, &Settled::Done, at(111))?, &false)?;
    storage.enqueue(&[job("a", 0)], at(120))?;
    // The worker of `b` does not come back; somebody else takes it, and then the first is too late.
    let again = storage.lease_jobs(Lane::Tag, at(1_000), at(2_000), 10)?;
    let ids: Vec<_> = again.iter().map(|it| (it.job.id.as_str(), it.tries)).collect();
    expect("taken over", &ids, &vec![("late", 1), ("b", 2)])?;
    expect("too late", &storage.settle_job(b, &Settled::Done, at(1_001))?, &false)?;
    let [late, b] = &*again else { return Err("two jobs were taken".into()) };
    storage.settle_job(late, &Settled::Again(at(3_000), "busy".into()), at(1_002))?;
    storage.settle_job(b, &Settled::Dead("no such staff".into()), at(1_003))?;
    let counts = storage.job_counts(Lane::Tag, at(1_100))?;
    expect("counts", &counts, &JobCounts { waiting: 1, dead: 1, oldest_ready_at: None })?;
    let counts = storage.job_counts(Lane::Tag, at(3_500))?;
    expect("oldest", &counts.oldest_ready_at, &Some(at(3_000)))?;
    let dead = storage.dead_jobs(Lane::Tag, 0, 10)?;
    let told: Vec<_> = dead.iter().map(|it| (it.job.id.as_str(), it.tries, it.cause.as_str(), it.at)).collect();
    expect("dead", &told, &vec![("b", 2, "no such staff", at(1_003))])?;
    expect("too young", &storage.purge_dead_jobs(at(1_003), 10)?, &0)?;
    expect("none of that id", &storage.retry_jobs(Lane::Tag, Some("a"), at(1_200))?, &0)?;
    expect("retried", &storage.retry_jobs(Lane::Tag, None, at(1_200))?, &1)?;
    let taken = storage.lease_jobs(Lane::Tag, at(1_200), at(2_000), 10)?;
    expect("once more", &taken.iter().map(|it| it.job.id.as_str()).collect::<Vec<_>>(), &vec!["b"])?;
    expect("let go of", &storage.purge_book(at(111), 100)?, &1)?;
    storage.enqueue(&[job("a", 0)], at(1_300))?;
    let taken = storage.lease_jobs(Lane::Tag, at(1_300), at(2_000), 10)?;
    expect("taken on anew", &taken.iter().map(|it| it.job.id.as_str()).collect::<Vec<_>>(), &vec!["a"])?;
    dead_jobs_have_an_age(storage)
}

fn dead_jobs_have_an_age(storage: &dyn Storage) -> Finding {
    let theirs = |id: &str| Job { visitor: Some(visitor(1)), lane: Lane::Event, ..job(id, 0) };
    storage.enqueue(&[theirs("one"), theirs("two"), theirs("three")], at(0))?;
    for (n, it) in storage.lease_jobs(Lane::Event, at(1), at(10), 10)?.iter().enumerate() {
        let when = at(i64::try_from(n)?);
        storage.settle_job(it, &Settled::Dead("so".into()), when)?;
    }
    expect("one at a time", &storage.purge_dead_jobs(at(2), 1)?, &1)?;
    expect("the other old one", &storage.purge_dead_jobs(at(2), 10)?, &1)?;
    let dead = storage.dead_jobs(Lane::Event, 0, 10)?;
    expect("left", &dead.iter().map(|it| it.at).collect::<Vec<_>>(), &vec![at(2)])?;
    expect("forgotten with the visitor", &storage.forget(visitor(1), at(20))?.book, &1)
}

/// Of many workers each job is given to one.
pub fn check_job_race(storage: &dyn Storage) -> Finding {
    let jobs: Vec<_> = (0..200).map(|n| job(&format!("j{n}"), n)).collect();
    storage.enqueue(&jobs, at(0))?;
    let taken: Vec<_> = thread::scope(|scope| {
        let take = || -> Result<Vec<String>, crate::storage::StorageError> {
            let mut mine = Vec::new();
            loop {
                let page = storage.lease_jobs(Lane::Tag, at(10_000), at(60_000), 7)?;
                if page.is_empty() {
                    return Ok(mine);
                }
                mine.extend(page.into_iter().map(|it| it.job.id));
            }
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut all = Vec::new();
    for it in taken {
        all.extend(it.map_err(|_panicked| "a thread panicked")??);
    }
    all.sort_unstable();
    let count = all.len();
    all.dedup();
    expect("given out, and different ones", &(count, all.len()), &(200, 200))
}

/// The feed is in order, numbers are never used again, and what is known is left out.
pub fn check_feed(storage: &dyn Storage) -> Finding {
    expect("empty", &(storage.feed(0, 10)?.len(), storage.feed_end()?), &(0, 0))?;
    storage.append_feed(&[entry("a", 1), entry("b", 2), entry("a", 3)])?;
    storage.append_feed(&[entry("b", 4), entry("c", 5)])?;
    let all = storage.feed(0, 10)?;
    let ids: Vec<_> = all.iter().map(|(_, it)| (it.id.as_str(), it.at)).collect();
    expect("order", &ids, &vec![("a", at(1)), ("b", at(2)), ("c", at(5))])?;
    let numbers: Vec<u64> = all.iter().map(|(number, _)| *number).collect();
    expect("numbers rise", &numbers.is_sorted_by(|a, b| a < b), &true)?;
    let [first, .., last] = &*numbers else { return Err("there are three".into()) };
    expect("end", &storage.feed_end()?, last)?;
    expect("after", &storage.feed(*first, 1)?.iter().map(|(_, it)| it.id.as_str()).collect::<Vec<_>>(), &vec!["b"])?;
    expect("purged", &storage.purge_book(at(6), 100)?, &3)?;
    expect("end stays", &storage.feed_end()?, last)?;
    storage.append_feed(&[entry("d", 7)])?;
    expect("higher", &storage.feed(*last, 10)?.len(), &1)
}

/// With a visitor goes what is known of them outside.
pub fn check_forget(storage: &dyn Storage) -> Finding {
    let theirs = |kind, id: &str| CardWrite { kind, visitor: Some(visitor(1)), ..write(id, 0, Some("{}")) };
    storage.write_card(&theirs(CardKind::Customer, "wm1"))?;
    storage.write_card(&theirs(CardKind::Identity, "unionid:1"))?;
    storage.write_card(&CardWrite { visitor: Some(visitor(2)), ..write("wm2", 0, Some("{}")) })?;
    let mut of: Vec<_> = storage.cards_of(visitor(1))?.into_iter().map(|(kind, it)| (kind, it.id)).collect();
    of.sort();
    let expected = vec![(CardKind::Customer, "wm1".to_owned()), (CardKind::Identity, "unionid:1".to_owned())];
    expect("cards of a visitor", &of, &expected)?;
    storage.enqueue(&[Job { visitor: Some(visitor(1)), ..job("a", 0) }, job("b", 0)], at(0))?;
    storage.append_feed(&[FeedEntry { visitor: Some(visitor(1)), ..entry("a", 0) }, entry("b", 0)])?;
    let theirs = |n| storage.feed_of(visitor(n), 10).map(|it| it.into_iter().map(|(_, it)| it.id).collect::<Vec<_>>());
    expect("feed of a visitor", &theirs(1)?, &vec!["a".to_owned()])?;
    expect("feed of another", &theirs(2)?, &Vec::new())?;
    expect("removed", &storage.forget(visitor(1), at(10))?.book, &4)?;
    expect("forgotten", &storage.forgotten(&[visitor(2), visitor(1)])?, &vec![None, Some(at(10))])?;
    expect("cards", &storage.cards_of(visitor(1))?.len(), &0)?;
    let left = storage.cards(CardKind::Customer, &["wm1", "wm2"])?;
    expect("of others", &left.iter().map(Option::is_some).collect::<Vec<_>>(), &vec![false, true])?;
    let jobs = storage.lease_jobs(Lane::Tag, at(10), at(20), 10)?;
    expect("jobs", &jobs.iter().map(|it| it.job.id.as_str()).collect::<Vec<_>>(), &vec!["b"])?;
    expect("feed", &storage.feed(0, 10)?.iter().map(|(_, it)| it.id.as_str()).collect::<Vec<_>>(), &vec!["b"])
}
