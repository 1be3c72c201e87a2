//! Documents of the operations team, and the audit trail.

use super::{Finding, expect};
use crate::storage::{
    AUDIT_LOOK_MAX, AuditFilter, AuditPage, AuditRecord, DeskKind, Piece, SeatRules, Storage, Trouble,
};
use crate::time::Timestamp;

/// A document changes only for whoever knows what it was.
pub fn check_documents(storage: &dyn Storage) -> Finding {
    let (user, token) = (DeskKind::User, DeskKind::Token);
    expect("nothing", &storage.desk(user, "li")?, &None)?;
    expect("made", &storage.put_desk(user, "li", Some("1"), Some(0))?, &1)?;
    let again = storage.put_desk(user, "li", Some("2"), Some(0)).map_err(|it| it.kind());
    expect("made again", &again, &Err(Trouble::Conflict { current: 1 }))?;
    expect("changed", &storage.put_desk(user, "li", Some("2"), Some(1))?, &2)?;
    expect("changed blindly", &storage.put_desk(user, "li", Some("3"), None)?, &3)?;
    storage.put_desk(user, "an", Some("4"), Some(0))?;
    storage.put_desk(token, "li", Some("5"), Some(0))?;
    let bodies = |kind| -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(storage.desk_all(kind)?.into_iter().map(|it| it.body).collect())
    };
    expect("users", &bodies(user)?, &vec!["4".to_owned(), "3".to_owned()])?;
    let stale = storage.put_desk(user, "li", None, Some(1)).map_err(|it| it.kind());
    expect("removed too late", &stale, &Err(Trouble::Conflict { current: 3 }))?;
    expect("removed", &storage.put_desk(user, "li", None, Some(3))?, &0)?;
    expect("removed again", &storage.put_desk(user, "li", None, None)?, &0)?;
    expect("users left", &bodies(user)?, &vec!["4".to_owned()])?;
    expect("tokens", &bodies(token)?, &vec!["5".to_owned()])
}

/// The trail is read latest first, filtered, and page by page.
pub fn check_audit(storage: &dyn Storage) -> Finding {
    for n in 0..5_u8 {
        storage.append_audit(&AuditRecord {
            at: Timestamp::from_unix_ms(1_000 + i64::from(n)),
            actor: if n % 2 == 0 { "li" } else { "an" }.to_owned(),
            address: String::new(),
            action: if n < 3 { "store.update" } else { "user.create" }.to_owned(),
            target: n.to_string(),
            before: None,
            after: Some("{}".to_owned()),
            version: (n == 0).then_some(7),
        })?;
    }
    let targets = |filter: AuditFilter, limit| -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(storage.audit(&filter, limit)?.found.into_iter().map(|(_, it)| it.target).collect())
    };
    let all = AuditFilter::default();
    expect("all", &targets(all.clone(), 10)?, &["4", "3", "2", "1", "0"].map(str::to_owned).to_vec())?;
    let first: Vec<u64> = storage.audit(&all, 2)?.found.into_iter().map(|(number, _)| number).collect();
    let next = AuditFilter { before: first.last().copied(), ..all.clone() };
    expect("the next page", &targets(next, 2)?, &["2", "1"].map(str::to_owned).to_vec())?;
    let of = AuditFilter { actor: Some("li".to_owned()), action: Some("store.".to_owned()), ..all.clone() };
    expect("of somebody", &targets(of, 10)?, &["2", "0"].map(str::to_owned).to_vec())?;
    let between = AuditFilter {
        from: Some(Timestamp::from_unix_ms(1_001)),
        to: Some(Timestamp::from_unix_ms(1_003)),
        ..all.clone()
    };
    expect("between", &targets(between, 10)?, &["2", "1"].map(str::to_owned).to_vec())?;
    let one = AuditFilter { target: Some("0".to_owned()), ..all.clone() };
    // One call looks only so far, and says where to go on.
    let one_page = storage.audit(&one, 10)?;
    let (number, record) = one_page.found.first().cloned().ok_or("no record")?;
    let late = AuditRecord { target: "late".to_owned(), ..record };
    storage.copy_in(&[Piece::Audit(number + AUDIT_LOOK_MAX + 5, late)], &SeatRules::default())?;
    let far = storage.audit(&one, 10)?;
    expect("not found yet", &far, &AuditPage { found: Vec::new(), rest: Some(number + 6) })?;
    let on = AuditFilter { before: far.rest, ..one.clone() };
    expect("found further on", &storage.audit(&on, 10)?, &one_page)?;
    expect("enough", &storage.audit(&all, 1)?.rest, &None)?;
    expect("version", &one_page.found.first().and_then(|(_, it)| it.version), &Some(7))
}
