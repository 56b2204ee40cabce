//! A campaign that goes on from night to night: every cut that was judged, one line each, as it happened.
//!
//! ```text
//! STATE/campaigns/KEY.jsonl          a campaign that is under way
//! STATE/campaigns/KEY-RUN.jsonl      one that was ended by RUN
//! ```
//!
//! Cuts belong together only where everything that could matter is the same: the key is a digest of suite, packages, rigs,
//! program and campaign. A line that a dying machine left half written is the cut that it was about: it is made again.

use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::state::{StateDir, StateError, unread, unwritten};
use dfota_core::campaign::Tallied;
use dfota_core::cut::Cut;
use dfota_core::timeline::Timeline;
use dfota_record::digest::{file_digest, sha256_hex};
use dfota_record::folders::{make_folder, share};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Characters of the digest in a file's name.
const DIGITS: usize = 24;

/// One line of the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CampaignLine {
    Cut(Tallied),
    /// The moments of an update by this package.
    Calibrated(String, Timeline),
    /// The campaign is over.
    Ended(CampaignEnd),
}

/// How a campaign ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, String)", into = "(String, String)")]
pub struct CampaignEnd {
    /// The run that ended it.
    pub run: String,
    /// Its result in a word.
    pub verdict: String,
}

impl From<(String, String)> for CampaignEnd {
    fn from((run, verdict): (String, String)) -> Self {
        Self { run, verdict }
    }
}

impl From<CampaignEnd> for (String, String) {
    fn from(CampaignEnd { run, verdict }: CampaignEnd) -> Self {
        (run, verdict)
    }
}

/// All lines of one campaign.
#[derive(Debug)]
pub struct CampaignStore {
    path: PathBuf,
    file: Option<File>,
    cuts: Vec<Tallied>,
    /// By case, the run that settled it.
    settled: HashMap<String, String>,
    timelines: BTreeMap<String, Timeline>,
    /// Campaigns of the same key that are over.
    ended: Vec<CampaignEnd>,
}

/// The key of a campaign: what its cuts have to have in common.
pub fn key(suite: &Suite, rigs: &[&Rig], tool: &str, campaign: &str) -> String {
    let packages: Vec<&str> = suite
        .packages
        .iter()
        .map(|loaded| loaded.package.sha256.as_str())
        .collect();
    let digests: Vec<&str> = rigs.iter().map(|rig| rig.sha256.as_str()).collect();
    let paths: Vec<_> = rigs.iter().map(|rig| rig.canonical.to_string_lossy()).collect();
    let parts: [&str; 6] = [
        &suite.sha256,
        &packages.join("+"),
        &digests.join("+"),
        &paths.join("+"),
        tool,
        campaign,
    ];
    let digest = sha256_hex(parts.join("\n").as_bytes());
    digest[..DIGITS].to_owned()
}

/// SHA-256 of the program that runs.
pub fn tool_digest() -> Result<String, StateError> {
    let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    let (_, sha256) = file_digest(&path).map_err(|why| unread(&path, why))?;
    Ok(sha256)
}

/// A cut that runs have left without a verdict, and the line that says that it was a brick.
#[derive(Debug, Clone, Copy)]
struct KeptAttempt<'a> {
    brick: &'a Tallied,
    module: &'a str,
    runs: &'a BTreeSet<String>,
}

impl<'a> KeptAttempt<'a> {
    fn from_tallied(brick: &'a Tallied, runs: &'a BTreeSet<String>) -> Option<Self> {
        let module = brick.module.as_deref()?;
        Some(Self { brick, module, runs })
    }

    fn is(&self, cut: &Tallied) -> bool {
        let brick = self.brick;
        let named = (&cut.suite, &cut.campaign, &cut.case) == (&brick.suite, &brick.campaign, &brick.case);
        named && cut.module.as_deref() == Some(self.module)
    }
}

/// What became of a decision about a cut that earlier runs left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptBrick {
    /// The next run of the campaign counts it.
    Kept,
    /// It did already.
    KnownBefore,
    /// It is in no campaign that goes on.
    NowhereOpen,
}

impl CampaignStore {
    /// Keeps that these cuts were bricks, each in every campaign that goes on and in which one of these runs has left it without a
    /// verdict. Gives what became of each. Nothing is written where a run uses one of the campaigns.
    pub fn keep_bricks(
        state: &StateDir,
        runs: &BTreeSet<String>,
        bricks: &[Tallied],
    ) -> Result<Vec<KeptBrick>, StateError> {
        let attempts: Vec<KeptAttempt<'_>> = bricks
            .iter()
            .filter_map(|brick| KeptAttempt::from_tallied(brick, runs))
            .collect();
        let mut stores = Vec::new();
        for key in keys(&state.campaigns()) {
            let read = Self::read(state, &key)?;
            if attempts.iter().any(|attempt| read.knows(attempt)) {
                stores.push(Self::open(state, &key)?);
            }
        }
        attempts
            .iter()
            .map(|attempt| keep_brick(&mut stores, attempt))
            .collect()
    }

    /// Whether one of the runs has left the cut without a verdict.
    fn knows(&self, attempt: &KeptAttempt<'_>) -> bool {
        let by_them = |cut: &Tallied| cut.run.as_ref().is_some_and(|run| attempt.runs.contains(run));
        let mut cuts = self.cuts.iter();
        cuts.any(|cut| cut.unjudged && attempt.is(cut) && by_them(cut))
    }

    /// Whether a brick was kept since the cut was left open last.
    fn has_brick(&self, attempt: &KeptAttempt<'_>) -> bool {
        let mut last = self.cuts.iter().rev().filter(|cut| attempt.is(cut));
        last.find(|cut| cut.unjudged || cut.brick)
            .is_some_and(|cut| cut.brick)
    }

    /// A campaign whose lines somebody else keeps.
    pub fn in_memory() -> Self {
        Self {
            path: PathBuf::new(),
            file: None,
            cuts: Vec::new(),
            settled: HashMap::new(),
            timelines: BTreeMap::new(),
            ended: Vec::new(),
        }
    }

    /// The campaign of this key, for reading alone.
    pub fn read(state: &StateDir, key: &str) -> Result<Self, StateError> {
        let mut store = Self {
            path: state.campaigns().join(format!("{key}.jsonl")),
            ended: ended(&state.campaigns(), key),
            ..Self::in_memory()
        };
        match std::fs::read(&store.path) {
            Ok(bytes) => store.take(&bytes)?,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => 0,
            Err(why) => return Err(unread(&store.path, why)),
        };
        Ok(store)
    }

    /// The same for a run that adds to it; nobody else may meanwhile.
    pub fn open(state: &StateDir, key: &str) -> Result<Self, StateError> {
        let mut store = Self::read(state, key)?;
        let path = store.path.clone();
        let write = |why| unwritten(&path, why);
        make_folder(&state.campaigns()).map_err(write)?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(write)?;
        share(&path).map_err(write)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(StateError::Busy { path });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|why| unread(&path, why))?;
        (store.cuts, store.settled, store.timelines) = Default::default();
        let whole = store.take(&bytes)?;
        file.set_len(whole as u64)
            .and_then(|()| file.seek(SeekFrom::End(0)).map(drop))
            .map_err(write)?;
        store.file = Some(file);
        Ok(store)
    }

    /// Takes whole lines in; gives how many bytes they are.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, StateError> {
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        for line in bytes[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let line = serde_json::from_slice(line).map_err(|why| StateError::Broken {
                path: self.path.clone(),
                why,
            })?;
            self.apply(line);
        }
        Ok(whole)
    }

    fn apply(&mut self, line: CampaignLine) {
        match line {
            CampaignLine::Cut(tallied) => {
                if let Some(run) = tallied.run.clone().filter(|_| tallied.settled) {
                    self.settled.insert(tallied.case.clone(), run);
                }
                self.cuts.push(tallied);
            }
            CampaignLine::Calibrated(package, timeline) => {
                self.timelines.insert(package, timeline);
            }
            CampaignLine::Ended(_) => {}
        }
    }

    /// Every cut so far, with the run that made it.
    pub fn cuts(&self) -> &[Tallied] {
        &self.cuts
    }

    /// The last calibration with this package.
    pub fn timeline(&self, package: &str) -> Option<&Timeline> {
        self.timelines.get(package)
    }

    /// The run in which the case was settled, if it was.
    pub fn settled(&self, case: &str) -> Option<&str> {
        self.settled.get(case).map(String::as_str)
    }

    /// The cut of the case that was made last and never judged, if it is still open.
    pub fn unjudged(&self, case: &str) -> Option<Cut> {
        let last = self.cuts.iter().rev().find(|cut| cut.case == case)?;
        last.unjudged.then(|| last.cut.clone())
    }

    /// How the campaigns with the same files ended that are over.
    pub fn ended(&self) -> &[CampaignEnd] {
        &self.ended
    }

    /// Writes one more line.
    pub fn add(&mut self, line: CampaignLine) -> Result<(), StateError> {
        let path: &Path = &self.path;
        let write = |why| unwritten(path, why);
        let mut bytes = serde_json::to_vec(&line).map_err(|why| write(why.into()))?;
        bytes.push(b'\n');
        if let Some(file) = &mut self.file {
            file.write_all(&bytes).map_err(write)?;
            if matches!(&line, CampaignLine::Cut(cut) if cut.failed) {
                // The one line that must not be lost with the machine's own supply.
                file.sync_data().map_err(write)?;
            }
        }
        self.apply(line);
        Ok(())
    }

    /// Ends the campaign: the next run begins another one.
    pub fn end(&mut self, run: &str, verdict: &str) -> Result<(), StateError> {
        self.add(CampaignLine::Ended(CampaignEnd {
            run: run.to_owned(),
            verdict: verdict.to_owned(),
        }))?;
        let stem = self
            .path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let free = (1..)
            .map(|n| match n {
                1 => format!("{stem}-{run}.jsonl"),
                n => format!("{stem}-{run}-{n}.jsonl"),
            })
            .map(|name| self.path.with_file_name(name))
            .find(|path| !path.exists());
        let Some(ended) = free else { return Ok(()) };
        std::fs::rename(&self.path, &ended).map_err(|why| unwritten(&ended, why))
    }
}

fn keep_brick(stores: &mut [CampaignStore], attempt: &KeptAttempt<'_>) -> Result<KeptBrick, StateError> {
    let mut became = KeptBrick::NowhereOpen;
    for store in stores.iter_mut().filter(|store| store.knows(attempt)) {
        if !store.has_brick(attempt) {
            store.add(CampaignLine::Cut(attempt.brick.clone()))?;
            became = KeptBrick::Kept;
        } else if became == KeptBrick::NowhereOpen {
            became = KeptBrick::KnownBefore;
        }
    }
    Ok(became)
}

/// The keys of the campaigns that are under way.
fn keys(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_key = |key: &String| key.len() == DIGITS && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut keys: Vec<String> = names
        .filter_map(|name| Some(name.strip_suffix(".jsonl")?.to_owned()))
        .filter(is_key)
        .collect();
    keys.sort();
    keys
}

/// The last lines of the campaigns of this key that are over, the oldest first.
fn ended(folder: &Path, key: &str) -> Vec<CampaignEnd> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(std::time::SystemTime, PathBuf)> = entries
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with(&format!("{key}-"))
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    let last = |path: &Path| {
        let text = std::fs::read_to_string(path).ok()?;
        match serde_json::from_str(text.lines().last()?).ok()? {
            CampaignLine::Ended(end) => Some(end),
            CampaignLine::Cut(_) | CampaignLine::Calibrated(..) => None,
        }
    };
    files.iter().filter_map(|(_, path)| last(path)).collect()
}
