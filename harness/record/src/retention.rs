//! Which runs stay on the disk: what is in a folder of run folders, which of it the rules remove, and how that is done.
//!
//! Only a run is ever touched: a folder, not a link, with a readable journal. A run that another
//! process holds, that is signed, or that is pinned, is never removed.

pub mod growth;

use crate::evidence::pack::{self, RunPackError};
use crate::evidence::{ENVELOPE, SIGSTORE};
use crate::journal;
use crate::report;
use crate::report::Run;
use crate::rig_names::in_order;
use crate::run_folder::BUNDLE;
use crate::run_folder::{SUMMARY, TRANSCRIPTS};
use dfota_core::verdict::Verdict;
use rustix::fs::{FlockOperation, OFlags, flock};
use serde_json::Value;
use std::collections::HashMap;
use std::fs::{DirEntry, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An empty file of this name in a run folder keeps it there.
pub const PIN: &str = "pinned";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// The newest so many runs of each rig stay.
    pub keep: Option<u32>,
    /// Runs that are no older stay.
    pub older_than: Option<Duration>,
    /// Keep runs in which a case failed.
    pub keep_failed: bool,
    /// What stays is packed, but for the newest run of each rig.
    pub pack: bool,
}

/// Why a run is never removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spared {
    /// A process holds it.
    Held,
    Signed,
    Pinned,
    /// It holds folders that no run makes: other runs, somebody's files.
    HoldsOthers,
}

impl Spared {
    pub fn words(self) -> &'static str {
        match self {
            Self::Held => "is held by another process",
            Self::Signed => "is signed",
            Self::Pinned => "is pinned",
            Self::HoldsOthers => "holds folders of something else",
        }
    }
}

/// A run that was found.
#[derive(Debug)]
pub struct FoundRun {
    pub folder: PathBuf,
    pub rig: String,
    pub began: OffsetDateTime,
    /// Whether a case failed.
    pub failed: bool,
    /// What it takes on the disk, in bytes.
    pub size: u64,
    /// Why it is never removed, if that is so.
    pub spared: Option<Spared>,
}

/// What to do with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays as it is.
    Stays,
    /// It stays, and its journal and transcripts are in its bundle alone.
    Packed,
    Removed,
}

/// The runs directly in a folder, the newest first, and what looks like a run and is left alone, with the reason.
pub fn find(folder: &Path) -> io::Result<(Vec<FoundRun>, Vec<String>)> {
    let (mut found, mut left) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if !journal::is_run(&path) {
            continue;
        }
        match look(&entry) {
            Ok(run) => found.push(run),
            Err(why) => left.push(format!("`{}` {why}: left alone", path.display())),
        }
    }
    found.sort_by(|one, other| (other.began, &other.folder).cmp(&(one.began, &one.folder)));
    left.sort();
    Ok((found, left))
}

fn look(entry: &DirEntry) -> Result<FoundRun, String> {
    let folder = entry.path();
    let text = |why: io::Error| why.to_string();
    if !entry.file_type().map_err(text)?.is_dir() {
        return Err("is a link".into());
    }
    let held = hold(&folder).map_err(|why| format!("could not be opened: {why}"))?;
    let (rig, began, failed) = facts(&folder).ok_or("holds no journal that can be read")?;
    let rig = in_order(&rig);
    let is = |name: &str| std::fs::symlink_metadata(folder.join(name)).is_ok();
    let spared = if held.is_none() {
        Some(Spared::Held)
    } else if is(ENVELOPE) || is(SIGSTORE) {
        Some(Spared::Signed)
    } else if is(PIN) {
        Some(Spared::Pinned)
    } else {
        holds_others(&folder)
            .map_err(text)?
            .then_some(Spared::HoldsOthers)
    };
    let size = size(&folder).map_err(text)?;
    Ok(FoundRun {
        folder,
        rig,
        began,
        failed,
        size,
        spared,
    })
}

/// Whether there is a folder in it that no run makes, as in one where `--out` named the folder of something else.
fn holds_others(folder: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let made = [TRANSCRIPTS, report::anew::FOLDER, journal::merge::RIGS]
            .iter()
            .any(|name| entry.file_name() == *name);
        if entry.file_type()?.is_dir() && !made {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Rig, beginning, and whether a case failed: as `run.json` says, or the journal of a run that was killed.
fn facts(folder: &Path) -> Option<(String, OffsetDateTime, bool)> {
    let time = |utc: &str| OffsetDateTime::parse(utc, &Rfc3339).ok();
    let summary = std::fs::read(folder.join(SUMMARY)).ok();
    let summary: Option<Value> = summary.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if let Some(run) = summary
        && let (Some(rig), Some(utc)) = (run["rig"]["name"].as_str(), run["started"].as_str())
    {
        let mut cases = run["cases"].as_array().into_iter().flatten();
        return Some((
            rig.to_owned(),
            time(utc)?,
            cases.any(|case| case["verdict"] == "fail"),
        ));
    }
    let records = journal::read(folder, false).ok()?;
    let run = Run::new(&records).ok()?;
    let failed = run.count(|verdict| matches!(verdict, Verdict::Fail(_))) > 0;
    Some((run.started.rig.file.name.clone(), time(run.utc)?, failed))
}

/// Holds a run until the file is dropped; `None`: another process does.
///
/// The lock is on what makes the folder a run. A file system without locks has none: then nobody is kept out.
pub fn hold(folder: &Path) -> io::Result<Option<File>> {
    let open = |name: &str, append: bool| {
        let mut options = File::options();
        let no_link = OFlags::NOFOLLOW.bits().cast_signed();
        options.read(true).append(append).custom_flags(no_link);
        options.open(folder.join(name))
    };
    // The merged journal of a run on several rigs is replaced; that of the parent stays.
    let file = open(journal::PARENT_FILE, true)
        .or_else(|_| open(journal::FILE, true))
        .or_else(|_| open(journal::FILE, false))
        .or_else(|_| open(BUNDLE, false))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        _ => Ok(Some(file)),
    }
}

/// What a file or a folder with all that is in it takes on the disk. No link is followed; what has another name elsewhere
/// frees nothing.
pub fn size(path: &Path) -> io::Result<u64> {
    let of = |file: &Metadata| {
        if file.is_file() && file.nlink() > 1 {
            0
        } else {
            file.blocks() * 512
        }
    };
    let about = std::fs::symlink_metadata(path)?;
    let mut bytes = of(&about);
    if about.is_dir() {
        for entry in std::fs::read_dir(path)? {
            bytes += size(&entry?.path())?;
        }
    }
    Ok(bytes)
}

/// What the rules make of runs, the newest of which come first.
pub fn fates(found: &[FoundRun], rules: &Rules, now: SystemTime) -> Vec<Fate> {
    let now = OffsetDateTime::from(now);
    let mut newer: HashMap<&str, u32> = HashMap::new();
    let fate = |run| fate(run, rules, now, &mut newer);
    found.iter().map(fate).collect()
}

fn fate<'f>(
    run: &'f FoundRun,
    rules: &Rules,
    now: OffsetDateTime,
    newer: &mut HashMap<&'f str, u32>,
) -> Fate {
    let before = newer.entry(&run.rig).or_default();
    let place = *before;
    *before += 1;
    let beyond = rules.keep.is_none_or(|keep| place >= keep);
    let old = rules.older_than.is_none_or(|age| now - run.began > age);
    let removes = rules.keep.is_some() || rules.older_than.is_some();
    let spared = run.spared.is_some() || rules.keep_failed && run.failed;
    let still = matches!(run.spared, None | Some(Spared::Signed));
    if removes && beyond && old && !spared {
        Fate::Removed
    } else if rules.pack && place > 0 && still {
        Fate::Packed
    } else {
        Fate::Stays
    }
}

impl FoundRun {
    pub fn pack(&self) -> Result<(), RunPackError> {
        let _held = self.hold().map_err(RunPackError::io(journal::FILE))?;
        pack::pack(&self.folder)
    }

    fn hold(&self) -> io::Result<File> {
        hold(&self.folder)?.ok_or_else(|| io::Error::other("another process has taken it meanwhile"))
    }

    /// Removes it. What makes it a run goes last: one that was removed half is known as one the next time.
    pub fn remove(&self) -> io::Result<()> {
        const LAST: [&str; 4] = [BUNDLE, SUMMARY, journal::PARENT_FILE, journal::FILE];
        let _held = self.hold()?;
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if LAST.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            // Neither follows a link: it is the link that is removed.
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?
            } else {
                std::fs::remove_file(entry.path())?
            }
        }
        for name in LAST {
            match std::fs::remove_file(self.folder.join(name)) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
                _ => {}
            }
        }
        std::fs::remove_dir(&self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + DAY * 20_000
    }

    fn run(rig: &str, days_ago: u32) -> FoundRun {
        FoundRun {
            folder: format!("{rig}-{days_ago}").into(),
            rig: rig.into(),
            began: OffsetDateTime::from(now() - DAY * days_ago),
            failed: false,
            size: 1,
            spared: None,
        }
    }

    /// Runs of 0, 10, 20, 30 and 40 days ago; the third failed, the fourth is `spared`.
    fn runs(spared: Option<Spared>) -> Vec<FoundRun> {
        let mut runs: Vec<FoundRun> = [0, 10, 20, 30, 40].map(|days| run("a", days)).into();
        runs[2].failed = true;
        runs[3].spared = spared;
        runs
    }

    fn shown(runs: &[FoundRun], rules: Rules) -> String {
        let letter = |fate| match fate {
            Fate::Stays => '.',
            Fate::Packed => 'p',
            Fate::Removed => 'x',
        };
        fates(runs, &rules, now()).into_iter().map(letter).collect()
    }

    #[rstest::rstest]
    #[case::nothing_asked(None, None, false, false, ".....")]
    #[case::keep(Some(2), None, false, false, "..xxx")]
    #[case::age(None, Some(15), false, false, "..xxx")]
    #[case::each_spares_more(Some(1), Some(25), false, false, "...xx")]
    #[case::each_spares_more(Some(4), Some(15), false, false, "....x")]
    #[case::failed(Some(1), None, true, false, ".x.xx")]
    #[case::packed(None, None, false, true, ".pppp")]
    #[case::removed_and_packed(Some(3), None, false, true, ".ppxx")]
    fn rules(
        #[case] keep: Option<u32>,
        #[case] days: Option<u32>,
        #[case] keep_failed: bool,
        #[case] pack: bool,
        #[case] expected: &str,
    ) {
        let rules = Rules {
            keep,
            older_than: days.map(|days| DAY * days),
            keep_failed,
            pack,
        };
        assert_eq!(shown(&runs(None), rules), expected);
    }

    #[rstest::rstest]
    #[case(Spared::Signed, "..xpx")]
    #[case(Spared::Pinned, "..x.x")]
    #[case(Spared::Held, "..x.x")]
    #[case(Spared::HoldsOthers, "..x.x")]
    fn what_is_never_removed(#[case] spared: Spared, #[case] expected: &str) {
        let rules = Rules {
            keep: Some(1),
            pack: true,
            older_than: Some(DAY * 15),
            ..Rules::default()
        };
        assert_eq!(shown(&runs(Some(spared)), rules).replacen("p", ".", 1), expected);
    }

    #[test]
    fn each_rig_has_its_own() {
        let runs = [run("a", 1), run("b", 2), run("a", 3), run("b", 4), run("c", 5)];
        let rules = Rules {
            keep: Some(1),
            ..Rules::default()
        };
        assert_eq!(shown(&runs, rules), "..xx.");
    }
}
