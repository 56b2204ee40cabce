//! The SQLite store. All of its SQL is here.

use super::run::{HistoryCase, HistoryPlace, HistoryRun, RigIdentity};
use crate::folders::{make_folder, share};
use crate::retention::growth::DiskSample;
use crate::shell_word::shell_word;
use dfota_core::measure::Measure;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Marks the file as this program's: `dfot`.
const APPLICATION: i32 = 0x6466_6f74;
/// Version of the tables.
const VERSION: i32 = 2;
/// The oldest version that is read: its results do not say on which rig and module they were taken.
const OLDEST: i32 = 1;
/// How long another program that writes is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

const TABLES: &str = "
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, utc TEXT NOT NULL, host TEXT NOT NULL, folder TEXT NOT NULL,
    rig TEXT NOT NULL, module TEXT NOT NULL, simulated INTEGER NOT NULL, tool TEXT NOT NULL, exit INTEGER,
    seconds REAL NOT NULL, UNIQUE (utc, host, run)
) STRICT;
CREATE TABLE cases (
    id INTEGER PRIMARY KEY, suite TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (suite, name)
) STRICT;
CREATE TABLE results (
    id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    case_id INTEGER NOT NULL REFERENCES cases, verdict TEXT NOT NULL, rule TEXT, outcome TEXT, tries INTEGER NOT NULL,
    seconds REAL NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, rig TEXT, imei TEXT
) STRICT;
CREATE INDEX results_by_run ON results (run_id);
CREATE INDEX results_by_case ON results (case_id);
CREATE TABLE measures (
    result_id INTEGER NOT NULL REFERENCES results ON DELETE CASCADE, name TEXT NOT NULL, value REAL NOT NULL
) STRICT;
CREATE INDEX measures_by_result ON measures (result_id);
";

/// What version 2 adds to a store of version 1.
const SECOND: &str = "
ALTER TABLE results ADD COLUMN rig TEXT;
ALTER TABLE results ADD COLUMN imei TEXT;
";

/// Room on the disk after each run, by the folder of the run folders. It came later than the tables above, and a program that
/// does not know it leaves it alone.
const ROOM: &str = "
CREATE TABLE IF NOT EXISTS room (folder TEXT NOT NULL, at INTEGER NOT NULL, free INTEGER NOT NULL) STRICT;
";
/// For so many seconds it is kept: what was before says nothing about the days to come.
const ROOM_KEPT: i64 = 30 * 86_400;

/// The store of all runs.
#[derive(Debug)]
pub struct HistoryStore {
    connection: Connection,
    path: PathBuf,
}

/// A store that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no history at `{}` yet: `run` creates it, and `{}` rebuilds it from run folders", path.display(), rebuilding(path))]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    #[error("the history `{}` could not be used: {why}; `{}` rebuilds it from run folders", path.display(), rebuilding(path))]
    Sqlite { path: PathBuf, why: rusqlite::Error },
    #[error("the history `{}` could not be written: {why}", path.display())]
    Io { path: PathBuf, why: io::Error },
    #[error("`{}` is a SQLite file of another program: name another store with `--store FILE`", path.display())]
    Foreign { path: PathBuf },
    /// Of a later version.
    #[error("the history `{}` has version {seen}, this program reads {VERSION}: use the program that wrote it, or make it again with `{}`", path.display(), rebuilding(path))]
    Version { path: PathBuf, seen: i32 },
}

/// The command that makes a store, as it has to be typed.
fn rebuilding(store: &Path) -> String {
    let store = shell_word(&store.display().to_string());
    format!("dfota-hil history --rebuild DIR --store {store}")
}

/// Selects runs: those that fit all of it.
#[derive(Debug, Clone, Default)]
pub struct RunQuery<'q> {
    /// Of this rig alone.
    pub on: Option<&'q RigIdentity>,
    /// Of a rig of this name.
    pub rig: Option<&'q str>,
    /// Those that have cases of one of these suites.
    pub suites: Option<&'q [&'q str]>,
    /// Those of this name.
    pub run: Option<&'q str>,
    /// So many of the latest.
    pub last: Option<usize>,
}

impl HistoryStore {
    /// Opens a store to write to, and makes it where there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder).map_err(unwritable(path))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let store = Self::connect(path, flags)?;
        // SQLite gives its own journal the mode of this file.
        share(path).map_err(unwritable(path))?;
        Ok(store)
    }

    /// Opens a store to read.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            let path = path.to_owned();
            return Err(StoreError::Missing { path });
        }
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let sqlite = |why| unusable(path, why);
        let connection =
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(sqlite)?;
        connection.busy_timeout(PATIENCE).map_err(sqlite)?;
        // It can be made again: not every commit has to wait for the disk.
        connection
            .execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;")
            .map_err(sqlite)?;
        let mut store = Self {
            connection,
            path: path.to_owned(),
        };
        if !flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
            store.make().map_err(sqlite)?;
        }
        store.check()?;
        Ok(store)
    }

    /// Makes the tables in an empty file. Two runs may begin the store at once: the lock comes first.
    fn make(&mut self) -> rusqlite::Result<()> {
        let begun = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let tables: i64 = begun.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables == 0 {
            begun.execute_batch(TABLES)?;
            begun.pragma_update(None, "application_id", APPLICATION)?;
            begun.pragma_update(None, "user_version", VERSION)?;
        }
        if begun.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0))? == APPLICATION {
            begun.execute_batch(ROOM)?;
            if begun.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))? == 1 {
                begun.execute_batch(SECOND)?;
                begun.pragma_update(None, "user_version", VERSION)?;
            }
        }
        begun.commit()
    }

    fn check(&self) -> Result<(), StoreError> {
        let number = |name: &str| {
            let value = self
                .connection
                .pragma_query_value(None, name, |row| row.get::<_, i32>(0));
            value.map_err(|why| unusable(&self.path, why))
        };
        let path = self.path.clone();
        match (number("application_id")?, number("user_version")?) {
            (APPLICATION, OLDEST..=VERSION) => Ok(()),
            (APPLICATION, seen) => Err(StoreError::Version { path, seen }),
            _ => Err(StoreError::Foreign { path }),
        }
    }

    /// Adds runs; one that is there already is replaced.
    pub fn insert<'r>(&mut self, runs: impl IntoIterator<Item = &'r HistoryRun>) -> Result<(), StoreError> {
        let insert = || {
            let begun = self
                .connection
                .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            for run in runs {
                insert_run(&begun, run)?;
            }
            begun.commit()
        };
        insert().map_err(|why| unusable(&self.path, why))
    }

    /// Adds how much of the disk was free in the folder of the run folders.
    pub fn insert_sample(
        &mut self,
        folder: &Path,
        DiskSample { at, free }: DiskSample,
    ) -> Result<(), StoreError> {
        let insert = || {
            let oldest = at - ROOM_KEPT;
            self.connection
                .execute("DELETE FROM room WHERE at < ?1", params![oldest])?;
            let folder = folder.to_string_lossy();
            let free = i64::try_from(free).unwrap_or(i64::MAX);
            self.connection
                .execute("INSERT INTO room VALUES (?1, ?2, ?3)", params![folder, at, free])
        };
        insert().map(drop).map_err(|why| unusable(&self.path, why))
    }

    /// How much of the disk was free, the oldest first. A store from before this was recorded has none.
    pub fn samples(&self, folder: &Path) -> Vec<DiskSample> {
        let select = || {
            let mut select = self
                .connection
                .prepare("SELECT at, free FROM room WHERE folder = ?1 ORDER BY at")?;
            let samples = select.query_map([folder.to_string_lossy()], |row| {
                Ok(DiskSample {
                    at: row.get(0)?,
                    free: row.get::<_, i64>(1)?.unsigned_abs(),
                })
            })?;
            samples.collect::<rusqlite::Result<Vec<_>>>()
        };
        select().unwrap_or_default()
    }

    /// The runs that a query selects, the oldest first.
    pub fn runs(&self, query: &RunQuery<'_>) -> Result<Vec<HistoryRun>, StoreError> {
        self.find(query).map_err(|why| unusable(&self.path, why))
    }

    fn find(&self, query: &RunQuery<'_>) -> rusqlite::Result<Vec<HistoryRun>> {
        let mut newest_first = self.connection.prepare(
            "SELECT id, run, utc, host, folder, rig, module, simulated, tool, exit, seconds FROM runs
             ORDER BY utc DESC, id DESC",
        )?;
        let mut rows = newest_first.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let run = HistoryRun {
                run: row.get(1)?,
                utc: row.get(2)?,
                host: row.get(3)?,
                folder: row.get(4)?,
                rig: RigIdentity {
                    name: row.get(5)?,
                    module: row.get(6)?,
                    simulated: row.get(7)?,
                }
                .in_order(),
                tool: row.get(8)?,
                exit: row.get(9)?,
                seconds: row.get(10)?,
                results: Vec::new(),
            };
            let id: i64 = row.get(0)?;
            if query.on.is_none_or(|rig| *rig == run.rig)
                && query.rig.is_none_or(|name| name == run.rig.name)
                && query.run.is_none_or(|name| name == run.run)
                && self.has_any(id, query.suites)?
            {
                found.push((id, run));
                if query.last == Some(found.len()) {
                    break;
                }
            }
        }
        found.reverse();
        let with_results = |(id, run)| {
            let results = self.results(id)?;
            Ok(HistoryRun { results, ..run })
        };
        found.into_iter().map(with_results).collect()
    }

    fn has_any(&self, run: i64, suites: Option<&[&str]>) -> rusqlite::Result<bool> {
        let Some(suites) = suites else { return Ok(true) };
        let mut first = self.connection.prepare(
            "SELECT 1 FROM results JOIN cases ON cases.id = results.case_id WHERE run_id = ?1 AND suite = ?2 LIMIT 1",
        )?;
        for suite in suites {
            let found: Option<i64> = first
                .query_row(params![run, suite], |row| row.get(0))
                .optional()?;
            if found.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn results(&self, run: i64) -> rusqlite::Result<Vec<HistoryCase>> {
        let mut measures: HashMap<i64, Vec<(Measure, f64)>> = HashMap::new();
        let mut select = self.connection.prepare(
            "SELECT result_id, measures.name, value FROM results JOIN measures ON result_id = results.id
             WHERE run_id = ?1 ORDER BY results.id, measures.rowid",
        )?;
        let mut rows = select.query([run])?;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(1)?.as_str()?;
            // One that a later version has is not known here.
            if let Some(measure) = Measure::ALL.into_iter().find(|measure| measure.name() == name) {
                measures
                    .entry(row.get(0)?)
                    .or_default()
                    .push((measure, row.get(2)?));
            }
        }
        // A store that may only be read keeps its version.
        let version: i32 = self
            .connection
            .pragma_query_value(None, "user_version", |row| row.get(0))?;
        let place = if version < VERSION {
            "NULL, NULL"
        } else {
            "rig, imei"
        };
        let mut select = self.connection.prepare(&format!(
            "SELECT results.id, suite, name, verdict, rule, outcome, tries, seconds, source, target, {place}
             FROM results JOIN cases ON cases.id = case_id WHERE run_id = ?1 ORDER BY results.id",
        ))?;
        let results = select.query_map([run], |row| {
            Ok(HistoryCase {
                suite: row.get(1)?,
                case: row.get(2)?,
                verdict: row.get(3)?,
                rule: row.get(4)?,
                outcome: row.get(5)?,
                tries: row.get(6)?,
                seconds: row.get(7)?,
                source: row.get(8)?,
                target: row.get(9)?,
                measures: measures.remove(&row.get(0)?).unwrap_or_default(),
                on: HistoryPlace {
                    rig: row.get(10)?,
                    imei: row.get(11)?,
                },
            })
        })?;
        results.collect()
    }
}

fn insert_run(begun: &Transaction<'_>, run: &HistoryRun) -> rusqlite::Result<()> {
    begun.execute(
        "DELETE FROM runs WHERE utc = ?1 AND host = ?2 AND run = ?3",
        params![run.utc, run.host, run.run],
    )?;
    begun.execute(
        "INSERT INTO runs (run, utc, host, folder, rig, module, simulated, tool, exit, seconds)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            run.run,
            run.utc,
            run.host,
            run.folder,
            run.rig.name,
            run.rig.module,
            run.rig.simulated,
            run.tool,
            run.exit,
            run.seconds
        ],
    )?;
    let run_id = begun.last_insert_rowid();
    let mut name = begun.prepare("INSERT INTO cases (suite, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    let mut named = begun.prepare("SELECT id FROM cases WHERE suite = ?1 AND name = ?2")?;
    let mut result = begun.prepare(
        "INSERT INTO results (run_id, case_id, verdict, rule, outcome, tries, seconds, source, target, rig, imei)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let mut measure = begun.prepare("INSERT INTO measures (result_id, name, value) VALUES (?1, ?2, ?3)")?;
    for case in &run.results {
        name.execute(params![case.suite, case.case])?;
        let case_id: i64 = named.query_row(params![case.suite, case.case], |row| row.get(0))?;
        result.execute(params![
            run_id,
            case_id,
            case.verdict,
            case.rule,
            case.outcome,
            case.tries,
            case.seconds,
            case.source,
            case.target,
            case.on.rig,
            case.on.imei
        ])?;
        let id = begun.last_insert_rowid();
        for (name, value) in &case.measures {
            measure.execute(params![id, name.name(), value])?;
        }
    }
    Ok(())
}

fn unusable(path: &Path, why: rusqlite::Error) -> StoreError {
    StoreError::Sqlite {
        path: path.to_owned(),
        why,
    }
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = path.to_owned();
    move |why| StoreError::Io {
        path: path.clone(),
        why,
    }
}

/// Makes a store of these runs alone, in the place of whatever is there.
pub fn rebuild(path: &Path, runs: &[HistoryRun]) -> Result<(), StoreError> {
    let io = unwritable(path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    make_folder(folder).map_err(&io)?;
    let new = tempfile::Builder::new()
        .prefix(".")
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(&io)?;
    HistoryStore::open(new.path())?.insert(runs)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    new.as_file().set_permissions(mode).map_err(&io)?;
    // A journal of the old store, left by a crash, would be played into the new one.
    let left = PathBuf::from(format!("{}-journal", path.display()));
    match std::fs::remove_file(left) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(io(why)),
        _ => {}
    }
    new.persist(path).map_err(|error| io(error.error))?;
    share(path).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str) -> HistoryRun {
        let result = HistoryCase {
            suite: "smoke".into(),
            case: "a".into(),
            verdict: "pass".into(),
            on: HistoryPlace {
                rig: Some("bench-01".into()),
                imei: Some("867725036031171".into()),
            },
            ..HistoryCase::default()
        };
        HistoryRun {
            run: name.into(),
            results: vec![result],
            ..HistoryRun::default()
        }
    }

    fn places(store: &HistoryStore) -> Vec<Option<String>> {
        let runs = store.runs(&RunQuery::default()).expect("runs");
        let results = runs.into_iter().flat_map(|run| run.results);
        results.map(|case| case.on.rig).collect()
    }

    /// A store of the first version is read as it is, and gets what is new when it is written to.
    #[test]
    fn a_store_of_the_first_version() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(super::super::FILE);
        let mut store = HistoryStore::open(&path).expect("a store");
        store.insert([&run("old")]).expect("kept");
        let first = "ALTER TABLE results DROP COLUMN rig; ALTER TABLE results DROP COLUMN imei; PRAGMA user_version = 1;";
        store.connection.execute_batch(first).expect("the first version");
        drop(store);
        assert_eq!(places(&HistoryStore::read(&path).expect("a store")), [None]);
        let mut store = HistoryStore::open(&path).expect("a store");
        store.insert([&run("older"), &run("older")]).expect("kept");
        assert_eq!(places(&store), [None, Some("bench-01".to_owned())]);
        assert_eq!(places(&HistoryStore::read(&path).expect("a store")).len(), 2);
    }
}
