//! The catalog that an instance followed last, in a file beside it, so that it starts without the storage that all share. Not a
//! storage: it holds one version and no records, and what it holds can be fetched again.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::{Connection, OptionalExtension as _, Transaction};
use sha2::{Digest as _, Sha256};

use super::super::{Change, EachEntry, PublishInfo, StorageError, Trouble, VersionInfo};
use super::{catalog, from_sql, lock, schema, to_sql, whole};
use crate::time::Timestamp;

/// The tables of the file.
const MIGRATIONS: [&str; 1] = [include_str!("mirror.sql")];

/// One version of a catalog in a file, changed whole or not at all, and checked when it is read.
#[derive(Debug)]
pub struct Mirror {
    conn: Mutex<Connection>,
}

impl Mirror {
    /// Opens the file at `path` and makes it where there is none.
    ///
    /// # Errors
    /// [`Trouble::Corrupt`] if it is something else, [`Trouble::TooNew`], or [`Trouble::Unavailable`].
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let conn = schema::open_file(path, &MIGRATIONS, |_conn, _found| Ok(()))?;
        // What is lost with the power is fetched again; what is there is whole all the same.
        conn.execute_batch("PRAGMA synchronous = NORMAL")?;
        Ok(Self { conn: Mutex::new(conn) })
    }

    /// Moves a file that cannot be used out of the way, in place of one that was moved before, and says where it is.
    ///
    /// # Errors
    /// The file system's.
    pub fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
        let beside = |end: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let aside = beside(".damaged");
        std::fs::rename(path, &aside)?;
        for end in ["-wal", "-shm"] {
            // There may be none.
            let _ = std::fs::remove_file(beside(end));
        }
        Ok(aside)
    }

    /// Hands over everything, and says which version it is; none if there is none.
    ///
    /// # Errors
    /// [`Trouble::Corrupt`] if it is not what was written; what was handed over is worth nothing then.
    pub fn read(&self, each: EachEntry<'_>) -> Result<Option<VersionInfo>, StorageError> {
        let mut conn = lock(&self.conn);
        let conn = conn.transaction()?;
        let Some((info, sum)) = held(&conn)? else { return Ok(None) };
        let mut found = of_info(&info);
        catalog::each_of(&conn, "SELECT kind, id, body FROM entry ORDER BY kind, id", &mut |kind, id, body| {
            found = found.wrapping_add(of_entry(catalog::number(kind), id, body));
            each(kind, id, body);
        })?;
        if found == sum { Ok(Some(info)) } else { Err(damaged("the entries are not those that were written")) }
    }

    /// Which version it holds; none if there is none.
    ///
    /// # Errors
    /// As all methods.
    pub fn held(&self) -> Result<Option<VersionInfo>, StorageError> {
        let mut conn = lock(&self.conn);
        Ok(held(&conn.transaction()?)?.map(|(info, _sum)| info))
    }

    /// Holds a version with these entries, in place of everything.
    ///
    /// # Errors
    /// As all methods; then everything is as it was.
    pub fn replace(&self, info: &VersionInfo, entries: &mut dyn Iterator<Item = Change>) -> Result<(), StorageError> {
        whole(&mut lock(&self.conn), |conn| {
            conn.execute("DELETE FROM entry", ())?;
            let sum = apply(conn, 0, entries)?;
            note(conn, info, sum)
        })
    }

    /// Holds another version, which differs by these changes from the one that it holds.
    ///
    /// # Errors
    /// [`Trouble::Conflict`] if it holds another one than `before`.
    pub fn change(
        &self,
        before: u64,
        info: &VersionInfo,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<(), StorageError> {
        whole(&mut lock(&self.conn), |conn| {
            let (old, sum) = held(conn)?.ok_or(Trouble::Conflict { current: 0 })?;
            if old.version != before {
                return Err(Trouble::Conflict { current: old.version }.into());
            }
            let sum = apply(conn, sum.wrapping_sub(of_info(&old)), changes)?;
            note(conn, info, sum)
        })
    }

    /// The secret of the installation, if it is known.
    ///
    /// # Errors
    /// [`Trouble::Corrupt`] if it is not what was written.
    pub fn secret(&self) -> Result<Option<[u8; 32]>, StorageError> {
        let conn = lock(&self.conn);
        let found: Option<([u8; 32], [u8; 16])> =
            conn.query_one("SELECT bytes, digest FROM secret", (), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((bytes, check)) if check != digest(&[&bytes]).to_be_bytes() => {
                Err(damaged("the secret is not the one that was written"))
            }
            Some((bytes, _)) => Ok(Some(bytes)),
            None => Ok(None),
        }
    }

    /// Keeps the secret of the installation.
    ///
    /// # Errors
    /// As all methods.
    pub fn keep_secret(&self, bytes: &[u8; 32]) -> Result<(), StorageError> {
        whole(&mut lock(&self.conn), |conn| {
            let sql = "INSERT OR REPLACE INTO secret (id, bytes, digest) VALUES (1, ?1, ?2)";
            conn.execute(sql, (bytes, digest(&[bytes]).to_be_bytes()))?;
            Ok(())
        })
    }
}

fn damaged(what: &str) -> StorageError {
    StorageError::caused(Trouble::Corrupt, what)
}

fn held(conn: &Transaction<'_>) -> Result<Option<(VersionInfo, u128)>, StorageError> {
    let mut query = conn.prepare_cached("SELECT version, at, author, note, changes, sum FROM held")?;
    let mut rows = query.query(())?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let info = PublishInfo { at: Timestamp::from_unix_ms(row.get(1)?), author: row.get(2)?, note: row.get(3)? };
    let info = VersionInfo { version: from_sql(row.get(0)?)?, info, changes: from_sql(row.get(4)?)? };
    Ok(Some((info, u128::from_be_bytes(row.get(5)?))))
}

fn note(conn: &Transaction<'_>, it: &VersionInfo, sum: u128) -> Result<(), StorageError> {
    let sql =
        "INSERT OR REPLACE INTO held (id, version, at, author, note, changes, sum) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)";
    let (version, changes) = (to_sql(it.version), to_sql(it.changes));
    let sum = sum.wrapping_add(of_info(it)).to_be_bytes();
    conn.execute(sql, (version, it.info.at.unix_ms(), &it.info.author, &it.info.note, changes, sum))?;
    Ok(())
}

/// Applies changes, and keeps the sum of the entries in step.
fn apply(
    conn: &Transaction<'_>,
    mut sum: u128,
    changes: &mut dyn Iterator<Item = Change>,
) -> Result<u128, StorageError> {
    let mut find = conn.prepare_cached("SELECT body FROM entry WHERE kind = ?1 AND id = ?2")?;
    let mut put = conn.prepare_cached("INSERT OR REPLACE INTO entry (kind, id, body) VALUES (?1, ?2, ?3)")?;
    let mut remove = conn.prepare_cached("DELETE FROM entry WHERE kind = ?1 AND id = ?2")?;
    for it in changes {
        let kind = catalog::number(it.kind);
        let old: Option<String> = find.query_one((kind, &it.id), |row| row.get(0)).optional()?;
        if let Some(old) = old {
            sum = sum.wrapping_sub(of_entry(kind, &it.id, &old));
        }
        match &it.body {
            Some(body) => {
                put.execute((kind, &it.id, body))?;
                sum = sum.wrapping_add(of_entry(kind, &it.id, body));
            }
            None => {
                remove.execute((kind, &it.id))?;
            }
        }
    }
    Ok(sum)
}

fn of_entry(kind: i64, id: &str, body: &str) -> u128 {
    digest(&[&kind.to_be_bytes(), id.as_bytes(), body.as_bytes()])
}

fn of_info(it: &VersionInfo) -> u128 {
    let PublishInfo { at, author, note } = &it.info;
    let numbers = [it.version.to_be_bytes(), it.changes.to_be_bytes(), at.unix_ms().to_be_bytes()];
    digest(&[numbers.as_flattened(), author.as_bytes(), note.as_bytes()])
}

/// The first 128 bits of a digest over parts and their lengths. Sums of them tell what changed by accident, not by malice:
/// whoever may write the file holds the secret as well.
fn digest(parts: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let bytes: [u8; 32] = hash.finalize().into();
    let mut first = [0; 16];
    first.copy_from_slice(bytes.split_at(16).0);
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::super::super::EntryKind;
    use super::*;

    fn info(version: u64) -> VersionInfo {
        let info = PublishInfo { at: Timestamp::from_unix_ms(5), author: "王".to_owned(), note: String::new() };
        VersionInfo { version, info, changes: 2 }
    }

    fn put(id: &str, body: &str) -> Change {
        Change { kind: EntryKind::Store, id: id.to_owned(), body: Some(body.to_owned()) }
    }

    fn all(mirror: &Mirror) -> Result<(u64, Vec<String>), Trouble> {
        let mut entries = Vec::new();
        let info = mirror.read(&mut |kind, id, body| entries.push(format!("{} {id} {body}", kind.as_str())));
        info.map(|it| (it.map_or(0, |it| it.version), entries)).map_err(|error| error.kind())
    }

    #[test]
    fn changes_lead_to_what_a_whole_copy_holds() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Mirror::open(&folder.path().join("catalog.sqlite")).unwrap();
        assert_eq!(all(&mirror), Ok((0, Vec::new())));
        mirror.replace(&info(3), &mut [put("a", "1"), put("b", "1")].into_iter()).unwrap();
        let gone = Change { kind: EntryKind::Store, id: "a".to_owned(), body: None };
        mirror.change(3, &info(4), &mut [gone, put("b", "2"), put("c", "1")].into_iter()).unwrap();
        assert_eq!(all(&mirror), Ok((4, vec!["store b 2".to_owned(), "store c 1".to_owned()])));
        let stale = mirror.change(3, &info(5), &mut std::iter::empty()).map_err(|error| error.kind());
        assert_eq!(stale, Err(Trouble::Conflict { current: 4 }));
        mirror.replace(&info(9), &mut [put("d", "1")].into_iter()).unwrap();
        assert_eq!(all(&mirror), Ok((9, vec!["store d 1".to_owned()])));
        mirror.keep_secret(&[7; 32]).unwrap();
        assert_eq!((mirror.secret().unwrap(), mirror.held().unwrap().unwrap()), (Some([7; 32]), info(9)));
    }

    #[test]
    fn what_was_not_written_is_damage() {
        for damage in [
            "UPDATE entry SET body = '2' WHERE id = 'a'",
            "DELETE FROM entry WHERE id = 'b'",
            "INSERT INTO entry VALUES (1, 'c', '1')",
            "UPDATE held SET version = 4",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("catalog.sqlite");
            let mirror = Mirror::open(&path).unwrap();
            mirror.replace(&info(3), &mut [put("a", "1"), put("b", "1")].into_iter()).unwrap();
            Connection::open(&path).unwrap().execute_batch(damage).unwrap();
            assert_eq!(all(&mirror), Err(Trouble::Corrupt), "{damage}");
        }
    }
}
