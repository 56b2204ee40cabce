//! A campaign that goes on from night to night: every cut that was judged, one line each, as it happened.
//!
//! ```text
//! STATE/campaigns/KEY.jsonl          a campaign that is under way
//! STATE/campaigns/KEY.2.jsonl        another one: a rig of the first one cuts in another way now
//! STATE/campaigns/KEY-RUN.jsonl      one that was ended by RUN
//! ```
//!
//! KEY is a digest of what all cuts have in common ([`CampaignTerms`]). Which rigs make them may differ from run to run. A cut
//! is written down when it is ordered, and again when it is judged: what was ordered and not judged is open. If a machine died
//! while it wrote a line, the line does not count, and its cut is made again.

use crate::state::campaign_terms::{CampaignOnRigs, CampaignTerms};
use crate::state::{StateDir, StateError, unread, unwritten};
use dfota_core::campaign::Tallied;
use dfota_core::cut::Cut;
use dfota_core::timeline::Timeline;
use dfota_record::folders::{make_folder, share};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// One line of the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CampaignLine {
    /// The first line.
    Begun(Box<CampaignTerms>),
    /// How a rig cuts that makes cuts of the campaign.
    Rig(CuttingRig),
    /// A cut is armed.
    Ordered(Box<Tallied>),
    Cut(Box<Tallied>),
    /// An attempt whose result is missing did no harm.
    Harmless(CutAttempt),
    /// The moments of an update by this package.
    Calibrated(String, Timeline),
    /// At the end of this run, every cut was made, and the claim was open.
    AllMade(String),
    /// The campaign is over.
    Ended(CampaignEnd),
}

impl CampaignLine {
    /// The cut that it is about, where it says all of it.
    pub fn cut(&self) -> Option<&Tallied> {
        match self {
            Self::Ordered(cut) | Self::Cut(cut) => Some(cut),
            _ => None,
        }
    }
}

/// A line, and the campaign that it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptLine {
    pub suite: String,
    pub campaign: String,
    pub line: CampaignLine,
}

/// How a rig cuts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CuttingRig {
    pub rig: String,
    /// A digest.
    pub cutting: String,
}

/// A cut of a case on a module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutAttempt {
    pub case: String,
    /// Its rig and its IMEI: `bench-03/86…`.
    pub module: String,
}

impl CutAttempt {
    fn is_at(&self, cut: &Tallied) -> bool {
        let module = cut.module.as_deref().unwrap_or_default();
        cut.case == self.case && is_same_module(module, &self.module)
    }
}

/// Whether both name the same module. One that had not said its IMEI is the one on its rig.
fn is_same_module(one: &str, other: &str) -> bool {
    let (one, other) = (split(one), split(other));
    let imeis = one.imei == other.imei || one.imei.is_empty() || other.imei.is_empty();
    one.rig == other.rig && imeis
}

/// A module as the store names it.
struct NamedModule<'m> {
    rig: &'m str,
    imei: &'m str,
}

fn split(module: &str) -> NamedModule<'_> {
    let (rig, imei) = module.rsplit_once('/').unwrap_or((module, ""));
    NamedModule { rig, imei }
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

/// A campaign of the same name that this one does not go on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftAside {
    /// Its last run.
    pub run: String,
    /// How many of its cuts were settled.
    pub cuts: usize,
    /// Why, for people.
    pub why: String,
}

impl fmt::Display for LeftAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, cuts, why } = self;
        write!(
            f,
            "the campaign begins anew: {why}; cuts of earlier runs that do not count any more: {cuts}, the last in run `{run}`"
        )
    }
}

/// All lines of one campaign.
#[derive(Debug)]
pub struct CampaignStore {
    path: PathBuf,
    file: Option<File>,
    /// It has no line yet.
    is_new: bool,
    cuts: Vec<Tallied>,
    /// Cuts that were ordered, and of which nothing more is known.
    ordered: Vec<Tallied>,
    /// By case, the run that settled it.
    settled: HashMap<String, String>,
    timelines: BTreeMap<String, Timeline>,
    /// How the rigs cut that have made its cuts so far, and how those of this run do, by name.
    rigs: BTreeMap<String, String>,
    own: BTreeMap<String, String>,
    /// The last run at whose end every cut was made.
    all_made: Option<String>,
    /// Campaigns of the same key that are over.
    ended: Vec<CampaignEnd>,
    aside: Option<LeftAside>,
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
        for path in all_under_way(&state.campaigns()) {
            // One that cannot be read is left alone: nobody goes on with it.
            let Ok(read) = Self::load(path, BTreeMap::new()) else {
                continue;
            };
            if attempts.iter().any(|attempt| read.knows(attempt)) {
                stores.push(read.locked()?);
            }
        }
        attempts
            .iter()
            .map(|attempt| keep_brick(&mut stores, attempt))
            .collect()
    }

    /// Ends a campaign that a decision about a cut of this run has decided, if all of its cuts were made at the end of the run. Where
    /// a later run went on with it, that run, or the next one, ends it. Whether one was ended.
    pub fn end_decided(
        state: &StateDir,
        suite: &str,
        campaign: &str,
        end: &CampaignEnd,
    ) -> Result<bool, StateError> {
        let is_it = |cut: &Tallied| cut.suite == suite && cut.campaign == campaign;
        for path in all_under_way(&state.campaigns()) {
            let Ok(read) = Self::load(path, BTreeMap::new()) else {
                continue;
            };
            if read.all_made.as_ref() == Some(&end.run) && read.cuts.iter().any(is_it) {
                read.locked()?.end(&end.run, &end.verdict)?;
                return Ok(true);
            }
        }
        Ok(false)
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
            is_new: false,
            cuts: Vec::new(),
            ordered: Vec::new(),
            settled: HashMap::new(),
            timelines: BTreeMap::new(),
            rigs: BTreeMap::new(),
            own: BTreeMap::new(),
            all_made: None,
            ended: Vec::new(),
            aside: None,
        }
    }

    /// The campaign that these rigs go on with, for reading alone.
    pub fn read(state: &StateDir, campaign: &CampaignOnRigs) -> Result<Self, StateError> {
        let (folder, key) = (state.campaigns(), campaign.terms.key());
        let numbers = under_way(&folder, &key);
        let mut changed = None;
        for number in &numbers {
            let mut store = Self::load(folder.join(file_name(&key, *number)), campaign.cutting.clone())?;
            match store.changed_rig() {
                Some(rig) => changed = Some(store.left_aside(changed_rig(&rig))),
                None => {
                    store.ended = ended(&folder, &key);
                    if store.cuts.is_empty() {
                        store.aside = changed
                            .flatten()
                            .or_else(|| others(&folder, &key, &campaign.terms));
                    }
                    return Ok(store);
                }
            }
        }
        let free = (1..).find(|number| !numbers.contains(number)).unwrap_or_default();
        Ok(Self {
            path: folder.join(file_name(&key, free)),
            own: campaign.cutting.clone(),
            ended: ended(&folder, &key),
            aside: changed
                .flatten()
                .or_else(|| others(&folder, &key, &campaign.terms)),
            ..Self::in_memory()
        })
    }

    fn load(path: PathBuf, own: BTreeMap<String, String>) -> Result<Self, StateError> {
        let mut store = Self {
            path,
            own,
            ..Self::in_memory()
        };
        let bytes = std::fs::read(&store.path).map_err(|why| unread(&store.path, why))?;
        store.take(&bytes)?;
        Ok(store)
    }

    /// The same for a run that adds to it; nobody else may meanwhile.
    pub fn open(state: &StateDir, campaign: &CampaignOnRigs) -> Result<Self, StateError> {
        let store = Self::read(state, campaign)?;
        make_folder(&state.campaigns()).map_err(|why| unwritten(&store.path, why))?;
        let mut store = store.locked()?;
        if store.is_new {
            store.add(CampaignLine::Begun(Box::new(campaign.terms.clone())))?;
        }
        Ok(store)
    }

    /// The same store, read again, for writing alone.
    fn locked(mut self) -> Result<Self, StateError> {
        let path = self.path.clone();
        let write = |why| unwritten(&path, why);
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
        (self.cuts, self.ordered, self.settled) = Default::default();
        let whole = self.take(&bytes)?;
        file.set_len(whole as u64)
            .and_then(|()| file.seek(SeekFrom::End(0)).map(drop))
            .map_err(write)?;
        self.file = Some(file);
        self.is_new = whole == 0;
        Ok(self)
    }

    /// A rig of this run that cuts in another way than it did in the campaign.
    fn changed_rig(&self) -> Option<String> {
        let changed = |(rig, cutting): &(&String, &String)| {
            self.rigs.get(*rig).is_some_and(|before| before != *cutting)
        };
        let rig = self.own.iter().find(changed)?;
        Some(rig.0.clone())
    }

    /// What is lost where this one is not gone on with; nothing where it has no cuts.
    fn left_aside(&self, why: String) -> Option<LeftAside> {
        let run = self.cuts.last()?.run.clone().unwrap_or_default();
        let cuts = self.settled.len();
        Some(LeftAside { run, cuts, why })
    }

    /// Its lines, in their order.
    pub fn lines(&self) -> Result<Vec<CampaignLine>, StateError> {
        let bytes = std::fs::read(&self.path).map_err(|why| unread(&self.path, why))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        let lines = bytes[..whole].split(|byte| *byte == b'\n');
        let read = |line| {
            serde_json::from_slice(line).map_err(|why| StateError::Broken {
                path: self.path.clone(),
                why,
            })
        };
        lines.filter(|line| !line.is_empty()).map(read).collect()
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
        // After what is judged: nobody knows what they did.
        self.cuts.append(&mut self.ordered);
        Ok(whole)
    }

    fn apply(&mut self, line: CampaignLine) {
        match line {
            CampaignLine::Cut(tallied) => {
                if let Some(run) = tallied.run.clone().filter(|_| tallied.settled) {
                    self.settled.insert(tallied.case.clone(), run);
                }
                self.judged(&CutAttempt {
                    case: tallied.case.clone(),
                    module: tallied.module.clone().unwrap_or_default(),
                });
                self.cuts.push(*tallied);
            }
            CampaignLine::Ordered(tallied) => self.ordered.push(*tallied),
            CampaignLine::Harmless(attempt) => {
                self.judged(&attempt);
                for cut in self.cuts.iter_mut().filter(|cut| attempt.is_at(cut)) {
                    cut.unjudged = false;
                }
            }
            CampaignLine::Rig(CuttingRig { rig, cutting }) => {
                self.rigs.insert(rig, cutting);
            }
            CampaignLine::Calibrated(package, timeline) => {
                self.timelines.insert(package, timeline);
            }
            CampaignLine::AllMade(run) => self.all_made = Some(run),
            CampaignLine::Begun(_) | CampaignLine::Ended(_) => {}
        }
    }

    /// It is known what became of what was ordered there.
    fn judged(&mut self, attempt: &CutAttempt) {
        self.ordered.retain(|ordered| !attempt.is_at(ordered));
    }

    /// Whether nobody knows what became of this attempt.
    pub fn is_open(&self, attempt: &CutAttempt) -> bool {
        let mut cuts = self.cuts.iter().chain(&self.ordered);
        cuts.any(|cut| cut.unjudged && attempt.is_at(cut))
    }

    /// Whether a line says the same of an attempt: that nobody knows what it did, or that it was a brick.
    pub fn knows_result(&self, cut: &Tallied) -> bool {
        let what = |cut: &Tallied| (cut.unjudged, cut.brick);
        let mut cuts = self.cuts.iter();
        cuts.any(|known| {
            let same = (&known.case, &known.module, &known.run) == (&cut.case, &cut.module, &cut.run);
            same && what(known) == what(cut)
        })
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
        if self.settled.contains_key(case) {
            return None;
        }
        let last = self.cuts.iter().rev().find(|cut| cut.case == case)?;
        last.cut.clone().filter(|_| last.unjudged)
    }

    /// How the campaigns with the same files ended that are over.
    pub fn ended(&self) -> &[CampaignEnd] {
        &self.ended
    }

    /// The campaign of the same name that this one, which has no cuts yet, does not go on with.
    pub fn aside(&self) -> Option<&LeftAside> {
        self.aside.as_ref()
    }

    /// Writes one more line.
    pub fn add(&mut self, line: CampaignLine) -> Result<(), StateError> {
        if let Some(rig) = self.new_rig(&line) {
            self.write(&rig)?;
            self.apply(rig);
        }
        self.write(&line)?;
        self.apply(line);
        Ok(())
    }

    fn write(&mut self, line: &CampaignLine) -> Result<(), StateError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        append(file, &self.path, line)?;
        if matches!(line, CampaignLine::Cut(cut) if cut.failed) {
            // The one line that must not be lost with the machine's own supply.
            file.sync_data().map_err(|why| unwritten(&self.path, why))?;
        }
        Ok(())
    }

    /// How the rig of this cut cuts, where that is not known yet.
    fn new_rig(&self, line: &CampaignLine) -> Option<CampaignLine> {
        let (CampaignLine::Cut(cut) | CampaignLine::Ordered(cut)) = line else {
            return None;
        };
        let rig = split(cut.module.as_deref()?).rig;
        let cutting = self.own.get(rig).filter(|_| !self.rigs.contains_key(rig))?;
        Some(CampaignLine::Rig(CuttingRig {
            rig: rig.to_owned(),
            cutting: cutting.clone(),
        }))
    }

    /// Writes further lines beside the store, for a thread that must not wait for its owner.
    pub fn appender(&self, rig: &str) -> Option<CampaignAppender> {
        let cutting = self.own.get(rig).filter(|_| !self.rigs.contains_key(rig));
        let first = cutting.map(|cutting| {
            CampaignLine::Rig(CuttingRig {
                rig: rig.to_owned(),
                cutting: cutting.clone(),
            })
        });
        Some(CampaignAppender {
            path: self.path.clone(),
            file: self.file.as_ref()?.try_clone().ok()?,
            first,
        })
    }

    /// Every cut was made at the end of this run, and the claim is open.
    pub fn all_made(&mut self, run: &str) -> Result<(), StateError> {
        if self.all_made.as_deref() == Some(run) {
            return Ok(());
        }
        self.add(CampaignLine::AllMade(run.to_owned()))
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

/// Adds lines to a store that is open.
#[derive(Debug)]
pub struct CampaignAppender {
    path: PathBuf,
    file: File,
    /// What has to stand before the first line.
    first: Option<CampaignLine>,
}

impl CampaignAppender {
    pub fn add(&mut self, line: &CampaignLine) -> Result<(), StateError> {
        if let Some(first) = self.first.take() {
            append(&mut self.file, &self.path, &first)?;
        }
        append(&mut self.file, &self.path, line)
    }
}

/// Writes one line, at once: the position in the file is that of every writer.
fn append(file: &mut File, path: &Path, line: &CampaignLine) -> Result<(), StateError> {
    let write = |why| unwritten(path, why);
    let mut bytes = serde_json::to_vec(line).map_err(|why| write(why.into()))?;
    bytes.push(b'\n');
    file.write_all(&bytes).map_err(write)
}

/// The file of the campaign that is under way.
fn file_name(key: &str, number: u32) -> String {
    match number {
        0 | 1 => format!("{key}.jsonl"),
        more => format!("{key}.{more}.jsonl"),
    }
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}

/// The numbers of the campaigns of this key that are under way.
fn under_way(folder: &Path, key: &str) -> Vec<u32> {
    let number = |name: String| match name.strip_prefix(key)?.strip_suffix("jsonl")? {
        "." => Some(1),
        more => more.strip_prefix('.')?.strip_suffix('.')?.parse().ok(),
    };
    let mut numbers: Vec<u32> = names(folder).filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

fn changed_rig(rig: &str) -> String {
    format!("the rig `{rig}` switches the supply, or simulates its module, in another way than before")
}

/// Why a campaign of this name begins anew, by the last of those under way that have other terms.
fn others(folder: &Path, key: &str, terms: &CampaignTerms) -> Option<LeftAside> {
    let is_other = |name: &String| {
        let stem = name.strip_suffix(".jsonl");
        // A run that ended one is behind a `-`.
        stem.is_some_and(|stem| !stem.starts_with(key) && !stem.contains('-'))
    };
    let changed = |path: &PathBuf| std::fs::metadata(path).and_then(|data| data.modified()).ok();
    let mut files: Vec<PathBuf> = names(folder)
        .filter(is_other)
        .map(|name| folder.join(name))
        .collect();
    files.sort_by_key(|path| std::cmp::Reverse(changed(path)));
    files.into_iter().find_map(|path| {
        let mut store = CampaignStore::in_memory();
        let text = std::fs::read_to_string(&path).ok()?;
        // One that cannot be read is left alone: nobody goes on with it.
        store.take(text.as_bytes()).ok()?;
        let cut = store.cuts.first()?;
        if cut.suite != terms.suite || cut.campaign != terms.campaign {
            return None;
        }
        let begun = text
            .lines()
            .next()
            .and_then(|line| serde_json::from_str(line).ok());
        let why = match begun {
            Some(CampaignLine::Begun(before)) => terms.changed_from(&before).join(", and "),
            _ => "its cuts are those of an earlier version of the program".to_owned(),
        };
        store.left_aside(why)
    })
}

fn keep_brick(stores: &mut [CampaignStore], attempt: &KeptAttempt<'_>) -> Result<KeptBrick, StateError> {
    let mut became = KeptBrick::NowhereOpen;
    for store in stores.iter_mut().filter(|store| store.knows(attempt)) {
        if !store.has_brick(attempt) {
            store.add(CampaignLine::Cut(Box::new(attempt.brick.clone())))?;
            became = KeptBrick::Kept;
        } else if became == KeptBrick::NowhereOpen {
            became = KeptBrick::KnownBefore;
        }
    }
    Ok(became)
}

/// The files of all campaigns that are under way.
fn all_under_way(folder: &Path) -> Vec<PathBuf> {
    // A run that ended one is behind a `-`.
    let goes_on = |name: &String| name.ends_with(".jsonl") && !name.contains('-');
    let mut files: Vec<PathBuf> = names(folder)
        .filter(goes_on)
        .map(|name| folder.join(name))
        .collect();
    files.sort();
    files
}

/// The last lines of the campaigns of this key that are over, the oldest first.
fn ended(folder: &Path, key: &str) -> Vec<CampaignEnd> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(std::time::SystemTime, PathBuf)> = entries
        .filter(|entry| is_ended(&entry.file_name().to_string_lossy(), key))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    let last = |path: &Path| {
        let text = std::fs::read_to_string(path).ok()?;
        match serde_json::from_str(text.lines().last()?).ok()? {
            CampaignLine::Ended(end) => Some(end),
            _ => None,
        }
    };
    files.iter().filter_map(|(_, path)| last(path)).collect()
}

/// Whether the file has a campaign of this key that is over.
fn is_ended(name: &str, key: &str) -> bool {
    let number = |c: char| c == '.' || c.is_ascii_digit();
    let rest = name.strip_prefix(key).map(|rest| rest.trim_start_matches(number));
    rest.is_some_and(|rest| rest.starts_with('-'))
}
