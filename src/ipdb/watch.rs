//! Keeps the IP databases up to date with their files.
//!
//! It has no clock and no task of its own: the caller asks from time to time, and logs what comes back.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::live::Live;

use super::{Database, Ip2regionFields, IpDatabases, IpPlace, IpdbError, IpdbErrorKind, Settings};

/// The databases in use, and which states of their files have been looked at.
#[derive(Debug)]
pub struct IpLocator {
    fields: Ip2regionFields,
    slots: Mutex<Vec<Slot>>,
    live: Live<IpDatabases>,
}

/// What became of a file that changed.
#[derive(Debug)]
pub enum ReloadOutcome {
    /// The file was read and is in use.
    Loaded {
        /// The file.
        path: PathBuf,
    },
    /// The file was refused. Told once for each state of the file.
    Refused {
        /// Why, and which file.
        error: IpdbError,
        /// Whether an earlier state of this file stays in use; if not, the file answers nothing.
        keeps_old: bool,
    },
}

#[derive(Debug)]
struct Slot {
    path: PathBuf,
    seen: Seen,
    database: Option<Arc<Database>>,
}

/// What was found at a path when it was last looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// A file of this state was read, with success or without.
    File {
        modified: Option<SystemTime>,
        bytes: u64,
    },
    /// The file could not be read. That may pass without the file changing, so it is tried again each time.
    Unreadable(ErrorKind),
}

impl Seen {
    fn look(path: &Path) -> Self {
        match std::fs::metadata(path) {
            Ok(facts) => Self::File { modified: facts.modified().ok(), bytes: facts.len() },
            Err(error) => Self::Unreadable(error.kind()),
        }
    }
}

impl IpLocator {
    /// Opens the databases that can be opened, and says of each other why not.
    ///
    /// Whether a refused file stops the start is for the caller to decide. A refused file is tried again by
    /// [`Self::reload_if_changed`].
    #[must_use]
    pub fn open(settings: Settings) -> (Self, Vec<IpdbError>) {
        let slot = |path| Slot { path, seen: Seen::Nothing, database: None };
        let mut slots: Vec<Slot> = settings.paths.into_iter().map(slot).collect();
        let mut errors = Vec::new();
        for slot in &mut slots {
            if let Some(ReloadOutcome::Refused { error, .. }) = slot.reload(&settings.ip2region_fields) {
                errors.push(error);
            }
        }
        let live = Live::new(in_use(&slots));
        (Self { fields: settings.ip2region_fields, slots: Mutex::new(slots), live }, errors)
    }

    /// Reads files whose time of change or size differ from what was read last, and swaps all of them in at once.
    ///
    /// Look-ups go on meanwhile with what there was. Reading a large file takes a second or more, so this belongs on
    /// a thread that may wait.
    pub fn reload_if_changed(&self) -> Vec<ReloadOutcome> {
        // A slot is replaced in whole assignments, so a panic elsewhere leaves nothing half done.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let outcomes: Vec<ReloadOutcome> = slots.iter_mut().filter_map(|slot| slot.reload(&self.fields)).collect();
        if outcomes.iter().any(|outcome| matches!(outcome, ReloadOutcome::Loaded { .. })) {
            self.live.store(in_use(&slots));
        }
        outcomes
    }

    /// Where an address is, as [`IpDatabases::locate`] says.
    #[must_use]
    pub fn locate(&self, ip: IpAddr) -> Option<IpPlace> {
        self.live.load().locate(ip)
    }

    /// The version of the databases in use; it rises with every swap.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.live.generation()
    }

    /// How many databases are in use; fewer than configured if files were refused.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.live.load().len()
    }
}

fn in_use(slots: &[Slot]) -> IpDatabases {
    IpDatabases::new(slots.iter().filter_map(|slot| slot.database.clone()).collect())
}

impl Slot {
    /// Reads the file if its state differs from the one last seen. Nothing if there is nothing to tell.
    fn reload(&mut self, fields: &Ip2regionFields) -> Option<ReloadOutcome> {
        // Looking before reading: a file that changes during the reading differs at the next look.
        let now = Seen::look(&self.path);
        if now == self.seen && matches!(now, Seen::File { .. }) {
            return None;
        }
        let before = self.seen;
        match Database::open(&self.path, fields) {
            Ok(database) => {
                self.seen = now;
                self.database = Some(Arc::new(database));
                Some(ReloadOutcome::Loaded { path: self.path.clone() })
            }
            Err(error) => {
                self.seen = if let IpdbErrorKind::Unreadable(cause) = &error.kind {
                    Seen::Unreadable(cause.kind())
                } else {
                    now
                };
                let keeps_old = self.database.is_some();
                (self.seen != before).then_some(ReloadOutcome::Refused { error, keeps_old })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    const DEMO_MMDB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ip/demo.mmdb");
    const DEMO_XDB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ip/demo.xdb");

    fn settings(paths: &[&Path]) -> Settings {
        Settings { paths: paths.iter().map(|path| path.to_path_buf()).collect(), ..Settings::default() }
    }

    fn city(locator: &IpLocator) -> Option<String> {
        locator.locate("203.0.113.1".parse().unwrap())?.city.map(String::from)
    }

    fn outcome(outcomes: &[ReloadOutcome]) -> &'static str {
        match outcomes {
            [] => "nothing",
            [ReloadOutcome::Loaded { .. }] => "loaded",
            [ReloadOutcome::Refused { keeps_old: true, .. }] => "refused, keeps the old one",
            [ReloadOutcome::Refused { keeps_old: false, .. }] => "refused",
            _ => "several",
        }
    }

    #[test]
    fn a_broken_file_keeps_the_old_database_and_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mmdb");
        let good = fs::read(DEMO_MMDB).unwrap();
        fs::write(&path, &good).unwrap();
        let (locator, errors) = IpLocator::open(settings(&[&path]));
        assert!(errors.is_empty());
        assert_eq!(city(&locator).as_deref(), Some("上海"));
        assert_eq!(outcome(&locator.reload_if_changed()), "nothing");

        fs::write(&path, &good[..good.len() / 2]).unwrap();
        assert_eq!(outcome(&locator.reload_if_changed()), "refused, keeps the old one");
        assert_eq!(outcome(&locator.reload_if_changed()), "nothing");
        assert_eq!((city(&locator).as_deref(), locator.version()), (Some("上海"), 1));

        fs::remove_file(&path).unwrap();
        assert_eq!(outcome(&locator.reload_if_changed()), "refused, keeps the old one");
        assert_eq!(outcome(&locator.reload_if_changed()), "nothing");
        assert_eq!(city(&locator).as_deref(), Some("上海"));

        fs::write(&path, &good).unwrap();
        assert_eq!(outcome(&locator.reload_if_changed()), "loaded");
        assert_eq!((city(&locator).as_deref(), locator.version()), (Some("上海"), 2));
    }

    #[test]
    fn a_file_that_only_its_time_tells_apart_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.xdb");
        fs::copy(DEMO_XDB, &path).unwrap();
        let (locator, _) = IpLocator::open(settings(&[&path]));
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
        assert_eq!(outcome(&locator.reload_if_changed()), "loaded");
        assert_eq!(locator.version(), 2);
    }

    #[test]
    fn a_file_refused_at_the_start_is_taken_when_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let late = folder.path().join("late.xdb");
        let (locator, errors) = IpLocator::open(settings(&[&late, Path::new(DEMO_MMDB)]));
        assert_eq!(errors.iter().map(|it| it.path.as_path()).collect::<Vec<_>>(), [late.as_path()]);
        assert_eq!(locator.in_use(), 1);
        assert_eq!(outcome(&locator.reload_if_changed()), "nothing");
        fs::copy(DEMO_XDB, &late).unwrap();
        assert_eq!(outcome(&locator.reload_if_changed()), "loaded");
        assert_eq!(locator.in_use(), 2);
        // The file stands first, so it is asked first; it has names only.
        assert!(locator.locate("203.0.113.1".parse().unwrap()).unwrap().position.is_none());
    }
}
