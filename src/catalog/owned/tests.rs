use super::*;
use crate::catalog::{Catalog, Entries, Mapping, Merged, Mode};
use crate::group::{GroupDefaults, Owner};
use crate::store::{Store, Zone};

const DAY_MS: i64 = 86_400_000;

fn rules(now_ms: i64) -> SheetRules<'static> {
    static HOSTS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| vec!["work.weixin.qq.com".to_owned()]);
    SheetRules {
        datum: None,
        link_hosts: &HOSTS,
        zone: Zone::parse("Asia/Shanghai").unwrap(),
        mapping: Mapping::default(),
        groups: GroupDefaults { capacity: 180, validity_days: 7 },
        now: Timestamp::from_unix_ms(now_ms),
    }
}

/// The rows of a sheet without quotation marks, or all their problems.
fn read(kind: OwnedKind, sheet: &str, rules: &SheetRules<'_>) -> Result<Vec<OwnedRow>, Vec<Problem>> {
    let mut lines = sheet.lines();
    let headers: Vec<&str> = lines.next().unwrap().split(',').collect();
    let columns = OwnedColumns::of_headers(&headers, kind)?;
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (row, line) in (2..).zip(lines) {
        let cells: Vec<&str> = line.split(',').collect();
        match read_owned_row(row, &columns, &|place| cells.get(place).copied().unwrap_or_default(), rules) {
            Ok(read) => rows.extend(read),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}

fn entries() -> Entries {
    Entries { stores: vec![Store::sample("S1", 31.0, 121.0), Store::sample("S2", 31.1, 121.1)], ..Entries::default() }
}

fn groups(entries: Entries, sheet: &str, mode: Mode, now_ms: i64) -> (Merged, Vec<Problem>) {
    let (rules, mut problems) = (rules(now_ms), Vec::new());
    let rows = read(OwnedKind::Groups, sheet, &rules).unwrap();
    let merged = join_groups(entries, &OwnedRows { rows, mode, rules: &rules }, &mut problems);
    (merged, problems)
}

fn counts(it: &Merged) -> [u64; 4] {
    [it.created, it.updated, it.unchanged, it.removed]
}

const SHEET: &str = "群编号,门店编号,campaign,群名称,群链接,群码类型,上限,过期时间,状态,顺序\n\
    g1,S1,,一群,https://work.weixin.qq.com/gm/1,,,,,\n\
    g2,S1,,二群,https://work.weixin.qq.com/gm/2,上传,200.0,,暂停,2\n\
    g3,,default,,https://work.weixin.qq.com/gm/3,,,2026-12-01,,\n";

#[test]
fn a_sheet_of_groups_is_read_and_joined_in_either_language() {
    let (merged, problems) = groups(entries(), SHEET, Mode::Merge, 1_000);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(counts(&merged), [3, 0, 0, 0]);
    let [one, two, three] = merged.entries.groups.as_slice() else { panic!("three groups") };
    assert_eq!((&*one.name, one.capacity, one.code.expires_at, one.status), ("一群", 180, None, GroupStatus::Active));
    let week = Some(Timestamp::from_unix_ms(1_000 + 7 * DAY_MS));
    assert_eq!((two.capacity, two.code.expires_at, two.status, two.order), (200, week, GroupStatus::Paused, 2));
    assert_eq!((three.owner.clone(), &*three.name), (Owner::Campaign(CampaignSlug::default_slug()), "default"));
    assert_eq!(three.code.expires_at.unwrap().to_string(), "2026-11-30T16:00:00Z");
    assert!(Catalog::build(1, merged.entries).is_ok());
}

#[test]
fn the_same_sheet_once_more_changes_nothing_and_prolongs_nothing() {
    let (first, _) = groups(entries(), SHEET, Mode::Merge, 1_000);
    let (again, _) = groups(first.entries, SHEET, Mode::Merge, 5 * DAY_MS);
    assert_eq!((counts(&again), again.changes.len()), ([0, 0, 3, 0], 0));
    // Another link is another code, set now.
    let sheet = "id,url,code\ng2,https://work.weixin.qq.com/gm/22,uploaded\n";
    let (set, _) = groups(again.entries, sheet, Mode::Merge, 6 * DAY_MS);
    assert_eq!(set.entries.groups[1].code.expires_at, Some(Timestamp::from_unix_ms(13 * DAY_MS)));
    assert_eq!(
        (set.entries.groups[1].capacity, set.entries.groups[1].order),
        (200, 2),
        "what is not in the sheet stays"
    );
}

#[test]
fn a_replacement_removes_what_it_does_not_name() {
    let (first, _) = groups(entries(), SHEET, Mode::Merge, 0);
    let sheet = "id,store,url\ng2,S2,https://work.weixin.qq.com/gm/2\n";
    let (merged, problems) = groups(first.entries, sheet, Mode::Replace, 0);
    assert!(problems.is_empty());
    assert_eq!((counts(&merged), merged.changes.len()), ([0, 1, 0, 2], 3));
    assert_eq!((merged.entries.groups.len(), merged.entries.groups[0].capacity), (1, 180));
}

#[test]
fn contacts_are_joined_alike() {
    let rules = rules(0);
    let rows = read(OwnedKind::Contacts, "编号,门店,姓名,链接\nlin,S1,小林,https://work.weixin.qq.com/ca/1\n", &rules)
        .unwrap();
    let mut problems = Vec::new();
    let merged = join_contacts(entries(), &OwnedRows { rows, mode: Mode::Merge, rules: &rules }, &mut problems);
    assert_eq!((counts(&merged), &*merged.entries.contacts[0].name), ([1, 0, 0, 0], "小林"));
    let refused = read(OwnedKind::Contacts, "id,capacity\n", &rules).unwrap_err();
    assert_eq!(refused[0].code, code::UNKNOWN_COLUMN, "a contact has no capacity");
}

#[test]
fn every_problem_of_a_row_is_named() {
    let sheet = "id,store,region,campaign,url,code,capacity,expires,status,order,members\n\
        ,S1,,,https://work.weixin.qq.com/gm/1,,0,,,,\n\
        a,S1,,default,http://work.weixin.qq.com/gm/1,qr,many,soon,open,first,-1\n\
        b,S1,,,https://work.weixin.qq.com/gm/1,live,,2026-12-01,,,\n";
    let found: Vec<_> = read(OwnedKind::Groups, sheet, &rules(0))
        .unwrap_err()
        .into_iter()
        .map(|it| (it.row.unwrap(), it.column.unwrap().into_owned(), it.code))
        .collect();
    let expected = [
        (2, "id", "missing"),
        (2, "capacity", "out_of_range"),
        (3, "store", "two_owners"),
        (3, "url", "not_https"),
        (3, "code", "code_unknown"),
        (3, "expires", "date_unreadable"),
        (3, "order", "not_a_number"),
        (3, "capacity", "not_a_number"),
        (3, "status", "status_unknown"),
        (3, "members", "not_a_number"),
        (4, "expires", "code_expires"),
    ];
    assert_eq!(found, expected.map(|(row, column, code)| (row, column.to_owned(), code)));
}

#[test]
fn an_owner_that_is_not_there_is_named_with_its_row() {
    let sheet = "id,store,region,campaign,url\n\
        a,S9,,,https://work.weixin.qq.com/gm/1\n\
        b,,,winter,https://work.weixin.qq.com/gm/1\n\
        c,,火星,,https://work.weixin.qq.com/gm/1\n\
        d,,,,https://work.weixin.qq.com/gm/1\n\
        e,S1,,,\n\
        f,S1,,,https://work.weixin.qq.com/gm/1\n\
        f,S1,,,https://work.weixin.qq.com/gm/1\n";
    let (merged, problems) = groups(entries(), sheet, Mode::Merge, 0);
    let found: Vec<_> = problems.iter().map(|it| (it.row.unwrap(), it.code)).collect();
    let expected = [
        (2, "unknown_store"),
        (3, "unknown_campaign"),
        (4, "unknown_region"),
        (5, "missing"),
        (6, "missing"),
        (8, "duplicate_id"),
    ];
    assert_eq!(found, expected);
    assert_eq!(merged.entries.groups.len(), 1);
}
