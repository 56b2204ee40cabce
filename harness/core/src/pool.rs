//! A claim about several modules: their cuts are pooled, and kept apart by module.
//!
//! Four rules prevent a pool from showing a false claim. Each can only leave the claim open; none hides a brick.
//!
//! 1. **A redo does not hide a brick.** A cut that was ordered, and of which nobody knows what it did, is an *open attempt*. The
//!    claim is open until the module was heard again and has taken a delta, as after any other cut, or somebody writes the
//!    attempt off; then it is a brick ([`PoolGap::Attempts`]).
//! 2. **Fixed slots.** The cuts are laid out beforehand and all of them have to be judged, never the first that come in: a brick
//!    takes longer than a good cut ([`PoolGap::Slots`]).
//! 3. **Which rate.** With shares that do not depend on what the cuts do, the bound of the pool holds for the mean of the rates of
//!    these modules, each weighted by its cuts (Hoeffding 1956). So that this is about all of them, none has more than twice
//!    its even share, or one batch where that is more ([`quota`], [`PoolGap::Quota`]).
//! 4. **A bricked module keeps its slots.** Where the others make the cuts that it cannot make any more, the pool gets better by
//!    every brick. So a bricked module needs its even share before anything is shown, whatever bricked it
//!    ([`PoolGap::Share`]). One that may be bricked needs it too ([`PoolGap::Attempts`]).
//!
//! What a pool does not say: how many *modules of this type* brick. There the module is the unit, see [`BrickedModules`].

mod homogeneity;

pub use homogeneity::homogeneity;

use crate::campaign::Count;
use crate::claim::{Bounds, Claim, ClaimStatus};
use crate::rate::Rate;
use crate::verdict::Verdict;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most counted cuts that a module may have of so many slots: twice its even share, which is rounded up.
pub const fn quota(slots: u32, modules: u32) -> u32 {
    let modules = if modules == 0 { 1 } else { modules };
    slots.div_ceil(modules).saturating_mul(2)
}

/// One module of a pool, and what its cuts came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stratum {
    /// Its IMEI, where it said one.
    pub imei: Option<String>,
    /// The rigs that it was tested on; none where nobody knows.
    pub rigs: Vec<String>,
    /// The cuts that the claim counts.
    pub counted: Count,
    /// How many of these earlier runs made, by run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub earlier: BTreeMap<String, u32>,
    /// How many of these have no verdict and count as bricks all the same: written off, or followed by a reflash.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub without_verdict: u32,
    /// Slots of the claim that it was given last.
    pub slots: u32,
    /// How many of these are not judged.
    pub unjudged: u32,
    /// Cases whose cut was ordered on it, and of which nobody knows what they did.
    pub open: Vec<String>,
    /// Cuts and updates that bricked it, and that the claim does not count: a directed cut, one that landed elsewhere, an update
    /// without a cut.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uncounted_bricks: u32,
    /// Cases like these whose cut was ordered on it, and of which nobody knows what they did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncounted_open: Vec<String>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What is known of a module. The worse wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ModuleFate {
    Sound,
    /// A cut of its has no verdict.
    Open,
    Bricked,
}

impl Stratum {
    /// What is known of it; nothing where no cut of the claim was made or ordered on it, and nothing bricked it. A brick is one,
    /// whatever bricked it.
    fn fate(&self) -> Option<ModuleFate> {
        let is_open = !self.open.is_empty() || !self.uncounted_open.is_empty();
        match (
            self.counted.bricks + self.uncounted_bricks,
            is_open,
            self.counted.cuts,
        ) {
            (1.., ..) => Some(ModuleFate::Bricked),
            (0, true, _) => Some(ModuleFate::Open),
            (0, false, 1..) => Some(ModuleFate::Sound),
            (0, false, 0) => None,
        }
    }

    /// What it is called: by its rig, for the IMEI may be masked.
    pub fn name(&self) -> String {
        match self.rigs.as_slice() {
            [] => "an unknown module".to_string(),
            rigs => rigs.join(" and "),
        }
    }

    /// What its cuts alone say about its rate, whatever those without a verdict did.
    pub fn bounds(&self, confidence: Rate) -> Bounds {
        let (Count { cuts, bricks, .. }, open) = (self.counted, self.open.len() as u32);
        worst(bricks, open, cuts + open, confidence)
    }
}

/// The modules of a claim together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolTally {
    /// By module, in the order in which they were first heard.
    pub strata: Vec<Stratum>,
    /// Slots of the claim that are laid out and were not taken out, with those of earlier runs.
    pub slots: u32,
    /// How many of these are not judged.
    pub unjudged: u32,
    /// Slots that are taken out: their rigs cannot make such cuts. A later run lays them out again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u32,
    /// Most slots of the claim in one batch. A rig gets whole batches, so a module may have one whatever its share is.
    #[serde(default)]
    pub largest_batch: u32,
    /// The modules are simulated: an IMEI tells none of them from another.
    #[serde(default)]
    pub is_simulated: bool,
    /// Folders of parts of the run of whose journal something is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// Rigs that had several modules which the mask does not tell apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
}

/// Why a pool that has cuts enough shows nothing yet.
#[derive(Debug, Clone, PartialEq, Eq, derive_more::Display)]
pub enum PoolGap {
    /// Cuts were ordered, and nobody knows what they did.
    #[display(
        "cuts that were ordered, or may have been, and have no verdict: {_0}; each stays open until its module is heard again on its rig and takes the next delta"
    )]
    Attempts(OpenAttempts),
    /// Something of what the rigs wrote down is missing. What was not heard is not evidence.
    #[display("parts of the journal that are missing or were changed: {}", _0.join(", "))]
    Parts(Vec<String>),
    /// A masked journal does not tell modules apart.
    #[display(
        "`--mask` hides which module made which cuts where one rig had several: {}; run the campaign again without `--mask`",
        _0.join(", ")
    )]
    Hidden(Vec<String>),
    /// Slots are not judged.
    #[display("{unjudged} of {slots} slots not judged")]
    Slots { unjudged: u32, slots: u32 },
    /// A module had more than its quota.
    #[display("`{module}` has {cuts} counted cuts, more than twice its even share ({quota})")]
    Quota { module: String, cuts: u32, quota: u32 },
    /// A bricked module had less than its share.
    #[display(
        "`{module}` bricked and has {cuts} counted cuts, less than its even share ({share}): other modules must not make the rest"
    )]
    Share { module: String, cuts: u32, share: u32 },
}

/// Open attempts, for a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAttempts(Vec<OpenAttempt>);

/// A cut that was ordered, and of which nobody knows what it did.
#[derive(Debug, Clone, PartialEq, Eq, derive_more::Display)]
#[display("`{case}` on `{module}`")]
pub struct OpenAttempt {
    pub case: String,
    pub module: String,
}

impl core::fmt::Display for OpenAttempts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        const NAMED: usize = 3;
        for (n, attempt) in self.0.iter().take(NAMED).enumerate() {
            write!(f, "{}{attempt}", if n == 0 { "" } else { ", " })?;
        }
        match self.0.len().checked_sub(NAMED) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}

/// The modules as the unit: how many of them bricked, whatever number of cuts each had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrickedModules {
    pub bricked: u32,
    /// How many others may have bricked: a cut of theirs has no verdict.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub open: u32,
    pub of: u32,
}

impl BrickedModules {
    /// What they say about modules of this type: how many of those would brick in as many cuts.
    pub fn bounds(self, confidence: Rate) -> Bounds {
        worst(self.bricked, self.open, self.of, confidence)
    }

    /// The same in words.
    pub fn sentence(self, confidence: Rate) -> String {
        let Self { bricked, open, of } = self;
        if of == 0 {
            return "no module has a counted cut yet".to_string();
        }
        let modules = if of == 1 { "module" } else { "modules" };
        let maybe = match open {
            0 => String::new(),
            open => format!(" and {open} may have"),
        };
        format!(
            "{bricked} of {of} {modules} bricked{maybe}, so with {confidence} confidence the share of modules of this type that brick in such a campaign is {}",
            self.bounds(confidence).below()
        )
    }
}

impl PoolTally {
    /// What the cuts of all modules say about the mean of their rates. A cut without a verdict may be a brick or not.
    pub fn bounds(&self, confidence: Rate) -> Bounds {
        let (Count { cuts, bricks, .. }, open) = (self.counted(), self.open());
        worst(bricks, open, cuts + open, confidence)
    }

    /// Cuts without a verdict.
    fn open(&self) -> u32 {
        self.strata.iter().map(|stratum| stratum.open.len() as u32).sum()
    }

    /// Modules that a cut of the claim counts for.
    fn cut(&self) -> impl Iterator<Item = &Stratum> {
        self.strata.iter().filter(|stratum| stratum.counted.cuts > 0)
    }

    /// The cuts of all modules.
    pub fn counted(&self) -> Count {
        let mut all = Count::default();
        for Count { cuts, bricks, failed } in self.strata.iter().map(|stratum| stratum.counted) {
            all.cuts += cuts;
            all.bricks += bricks;
            all.failed += failed;
        }
        all
    }

    /// The modules as the unit. One that was moved to another rig is the same one, where its IMEI tells.
    pub fn modules(&self) -> BrickedModules {
        let fates = self.fates(self.strata.iter());
        let count = |fate: ModuleFate| fates.iter().filter(|other| **other == fate).count() as u32;
        BrickedModules {
            bricked: count(ModuleFate::Bricked),
            open: count(ModuleFate::Open),
            of: fates.len() as u32,
        }
    }

    /// How many modules the claim is about: those that cuts of the claim were made or ordered on.
    fn claimed_modules(&self) -> usize {
        let is_cut = |stratum: &&Stratum| stratum.counted.cuts > 0 || !stratum.open.is_empty();
        self.fates(self.strata.iter().filter(is_cut)).len()
    }

    /// What is known of each module of these.
    fn fates<'s>(&self, strata: impl Iterator<Item = &'s Stratum>) -> Vec<ModuleFate> {
        let mut moved: BTreeMap<&str, ModuleFate> = BTreeMap::new();
        let mut others: Vec<ModuleFate> = Vec::new();
        for stratum in strata {
            let Some(fate) = stratum.fate() else { continue };
            // A masked number may be that of any module.
            let imei = stratum.imei.as_deref();
            match imei.filter(|imei| !self.is_simulated && !imei.contains('*')) {
                Some(imei) => {
                    let known = moved.entry(imei).or_insert(fate);
                    *known = fate.max(*known);
                }
                None => others.push(fate),
            }
        }
        others.extend(moved.into_values());
        others
    }

    /// The p-value of the exact test of homogeneity; nothing where there is no brick or one module.
    pub fn homogeneity(&self) -> Option<f64> {
        homogeneity(self.strata.iter().map(|stratum| stratum.counted))
    }

    /// The same in words.
    pub fn homogeneity_sentence(&self) -> String {
        match self.homogeneity() {
            None => "no test of homogeneity: it needs a brick, a good cut and two modules".to_string(),
            Some(p) if p < 0.05 => format!(
                "the modules differ: with the same rate in each, bricks are spread as unevenly as this in {} of all campaigns (exact test of homogeneity, p {})",
                share(p),
                p_value(p)
            ),
            Some(p) => format!(
                "nothing shows that the modules differ (exact test of homogeneity, p = {p:.2}); few bricks cannot show it"
            ),
        }
    }

    /// Whatever keeps the claim open beside the number of cuts and bricks.
    pub fn gaps(&self) -> Vec<PoolGap> {
        let share = self.even_share();
        let open = self.strata.iter().flat_map(|stratum| {
            let uncounted = stratum.uncounted_open.iter();
            let uncounted = uncounted.filter(move |_| stratum.counted.cuts < share);
            stratum.open.iter().chain(uncounted).map(|case| OpenAttempt {
                case: case.clone(),
                module: stratum.name(),
            })
        });
        let open: Vec<OpenAttempt> = open.collect();
        let attempts = (!open.is_empty()).then_some(PoolGap::Attempts(OpenAttempts(open)));
        let slots = (self.unjudged > 0).then_some(PoolGap::Slots {
            unjudged: self.unjudged,
            slots: self.slots,
        });
        let parts = (!self.unread.is_empty()).then(|| PoolGap::Parts(self.unread.clone()));
        let hidden = (!self.hidden.is_empty()).then(|| PoolGap::Hidden(self.hidden.clone()));
        let gaps = parts.into_iter().chain(attempts).chain(slots).chain(hidden);
        gaps.chain(self.over_quota())
            .chain(self.short_of_share())
            .collect()
    }

    /// Modules with more than their quota. What has no verdict takes no slot.
    fn over_quota(&self) -> impl Iterator<Item = PoolGap> {
        let modules = self
            .strata
            .iter()
            .filter(|stratum| stratum.counted.cuts > stratum.without_verdict || stratum.slots > 0);
        let quota = quota(self.slots, modules.count() as u32).max(self.largest_batch);
        self.cut().filter_map(move |stratum| {
            let cuts = stratum.counted.cuts.saturating_sub(stratum.without_verdict);
            (cuts > quota).then(|| PoolGap::Quota {
                module: stratum.name(),
                cuts,
                quota,
            })
        })
    }

    /// The even share of the counted cuts, which is rounded down, of all modules that have some, or that something bricked or
    /// may have bricked.
    fn even_share(&self) -> u32 {
        let modules = self.strata.iter().filter(|stratum| stratum.fate().is_some());
        self.counted().cuts / (modules.count() as u32).max(1)
    }

    /// Bricked modules with less than their even share.
    fn short_of_share(&self) -> impl Iterator<Item = PoolGap> {
        let share = self.even_share();
        let short = move |stratum: &&Stratum| {
            stratum.fate() == Some(ModuleFate::Bricked) && stratum.counted.cuts < share
        };
        self.strata
            .iter()
            .filter(short)
            .map(move |stratum| PoolGap::Share {
                module: stratum.name(),
                cuts: stratum.counted.cuts,
                share,
            })
    }

    /// Whether no later run can mend what keeps the claim open: every slot is judged, and nothing is waited for.
    pub fn is_stuck(&self, claim: &Claim) -> bool {
        let waits = |gap: &PoolGap| {
            matches!(
                gap,
                PoolGap::Attempts(_) | PoolGap::Slots { .. } | PoolGap::Parts(_) | PoolGap::Hidden(_)
            )
        };
        let gaps = self.gaps();
        let is_open = matches!(self.status(claim), ClaimStatus::Open { more: 0 });
        is_open && !gaps.is_empty() && !gaps.iter().any(waits)
    }

    /// What they say about a claim. That it is not shown, or refuted, is said as soon as nothing can mend it: slots that are
    /// not judged, and cuts without a verdict, are taken for good cuts.
    pub fn status(&self, claim: &Claim) -> ClaimStatus {
        let Count { cuts, bricks, .. } = self.counted();
        let at_best = claim.status(bricks, cuts + self.unjudged + self.open());
        if matches!(at_best, ClaimStatus::Refuted | ClaimStatus::NotShown { .. }) {
            return at_best;
        }
        // A brick without a verdict is held against the claim, and is none of the cuts that it needs.
        let judged = cuts.saturating_sub(self.without_verdict());
        match claim.status(bricks, judged) {
            ClaimStatus::Shown if self.gaps().is_empty() => ClaimStatus::Shown,
            _ => ClaimStatus::Open {
                more: claim.cuts().saturating_sub(judged),
            },
        }
    }

    /// Bricks without a verdict.
    fn without_verdict(&self) -> u32 {
        self.strata.iter().map(|stratum| stratum.without_verdict).sum()
    }

    /// The same as a verdict.
    pub fn judge(&self, claim: &Claim) -> Verdict {
        self.status(claim).verdict(self.sentence(claim))
    }

    /// The same in one line: for these modules, and for modules of their type.
    pub fn sentence(&self, claim: &Claim) -> String {
        let Count { cuts, bricks, .. } = self.counted();
        let (status, bounds) = (self.status(claim), self.bounds(claim.confidence));
        let (first, second) = match status {
            ClaimStatus::Refuted => (bounds.above(), bounds.below()),
            _ => (bounds.below(), bounds.above()),
        };
        let standing = match status {
            ClaimStatus::Open { more } => self.why_open(more),
            decided => decided.to_string(),
        };
        let (modules, sure) = (self.modules(), claim.confidence);
        let open = match self.open() {
            0 => "",
            _ => ", whatever the cuts without a verdict did",
        };
        let without = match self.without_verdict() {
            0 => String::new(),
            some => format!(" ({some} without a verdict: written off, or reflashed)"),
        };
        let claimed = self.claimed_modules();
        let these = match claimed {
            0 => "in the modules of this run".to_string(),
            1 => "in this one module".to_string(),
            more => format!("in these {more} modules"),
        };
        let mean = match claimed {
            0 | 1 => "its rate",
            _ => "the mean rate of these modules, each weighted by its cuts,",
        };
        let did = match cuts {
            0 => format!("no cut counts yet{open}"),
            _ => format!(
                "{bricks} of {cuts} counted cuts did{without}, so with {sure} confidence {mean} is {first}, and with {sure} confidence {second} (each bound for itself{open})"
            ),
        };
        format!(
            "the claim that {these} fewer than {} of the cuts in `{}` brick the module is {standing}; {did}; {}",
            claim.brick_rate_below,
            claim.over,
            modules.sentence(sure),
        )
    }

    fn why_open(&self, more: u32) -> String {
        let skipped = (more > 0).then(|| skipped_sentence(self.skipped)).flatten();
        let more = (more > 0).then(|| format!("{more} more have to count"));
        let gaps = self.gaps().into_iter().map(|gap| gap.to_string());
        let reasons: Vec<String> = gaps.chain(more).chain(skipped).collect();
        format!("open: {}", reasons.join("; "))
    }
}

/// What to do about so many cuts of a claim that their rigs cannot make; nothing where there are none. A skip depends on how fast
/// a rig is and not on what the module does, so another rig may make the cut.
pub fn skipped_sentence(cuts: u32) -> Option<String> {
    let (them, cuts) = match cuts {
        0 => return None,
        1 => ("it", "1 cut was".to_string()),
        more => ("them", format!("{more} cuts were")),
    };
    Some(format!(
        "{cuts} skipped, because the rig cannot make {them}: run the campaign again with a rig that can"
    ))
}

/// Bounds that hold whatever the open ones came to.
fn worst(bricks: u32, open: u32, of: u32, confidence: Rate) -> Bounds {
    Bounds {
        upper: Bounds::new(bricks + open, of, confidence).upper,
        ..Bounds::new(bricks, of, confidence)
    }
}

/// A small p-value: no number is too small to be told from nothing.
fn p_value(p: f64) -> String {
    match p {
        tiny if tiny < 0.0001 => "< 0.0001".to_string(),
        _ => format!("= {p:.4}"),
    }
}

/// A small probability in words.
fn share(p: f64) -> String {
    match p * 100.0 {
        tiny if tiny < 0.01 => "less than 0.01 %".to_string(),
        percent => format!("{percent:.2} %"),
    }
}
