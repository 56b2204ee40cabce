//! The results of a run's campaigns, and how often one cut lands where.

use super::{CaseRun, Run};
use dfota_core::campaign::{Bin, Count, Role, Tallied, Tally};
use dfota_core::claim::{Bounds, Claim};
use dfota_core::outcome::Outcome;
use dfota_core::pool::{BrickedModules, PoolTally, Stratum};
use dfota_core::rate::Rate;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How sure one is of each bound of a campaign without a claim: 95 %.
const CONFIDENCE: Option<Rate> = Rate::per_million(950_000);

/// A campaign of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CampaignReport {
    /// The suite.
    pub suite: String,
    /// The id of the case that it is made of.
    pub campaign: String,
    /// Its claim.
    pub claim: Option<Claim>,
    /// What its cuts, also those of earlier runs, say together.
    pub tally: Tally,
    /// The same by module; of a run on several rigs, whose claim is judged by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolReport>,
    /// `shown`, `not-shown`, `refuted` or `open`; nothing without a claim.
    pub verdict: Option<&'static str>,
    /// The brick rate is below this, with the claim's confidence (95 % without one), by the counted cuts.
    pub bound: f64,
    /// The brick rate is above this, as surely. Each of the two bounds has the confidence for itself.
    pub lower_bound: f64,
    /// The upper bound, by window of the update.
    pub bound_by_bin: BTreeMap<Bin, f64>,
    /// The lower bound, by window of the update.
    pub lower_bound_by_bin: BTreeMap<Bin, f64>,
}

/// Every campaign of a run, in the order of the plan.
pub fn reports(run: &Run<'_>) -> Vec<CampaignReport> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    let mut claims: BTreeMap<(&str, &str), Claim> = BTreeMap::new();
    for case in &run.cases {
        let Some(part) = &case.case.part else { continue };
        let name = (case.case.suite.as_str(), part.campaign.as_str());
        if !names.contains(&name) {
            names.push(name);
        }
        if let Role::Claim(claim) = part.role {
            claims.insert(name, claim);
        }
    }
    let report = |name: (&str, &str)| {
        let (suite, campaign) = name;
        let mine = |cut: &&&Tallied| cut.suite == suite && cut.campaign == campaign;
        let cuts = run.tallied.iter().filter(mine).map(|cut| (*cut).clone());
        let report = CampaignReport::new(suite, campaign, claims.get(&name).copied());
        let pools = &run.fleet.pools;
        let is_pooled = pools.is_pooled(suite, campaign);
        let pool = is_pooled.then(|| pools.pool(suite, campaign));
        let mut report = report.with(&cuts.collect::<Vec<_>>(), pool.as_ref());
        report.written_off(run);
        report
    };
    names.into_iter().map(report).collect()
}

/// A module of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StratumReport {
    #[serde(flatten)]
    pub stratum: Stratum,
    /// The brick rate of this module is below this, with the confidence of the campaign's bounds.
    pub bound: f64,
}

/// The modules of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PoolReport {
    pub strata: Vec<StratumReport>,
    /// The cuts of all of them that the claim counts.
    pub counted: Count,
    /// Slots of the claim, and how many of them are not judged.
    pub slots: u32,
    pub unjudged: u32,
    /// What the pool says about modules of this type: there the module is the unit.
    pub modules: BrickedModules,
    /// The share of modules of this type that brick in such a campaign is below this.
    pub modules_bound: f64,
    /// P-value of the exact test of homogeneity; nothing where it cannot be made.
    pub homogeneity: Option<f64>,
    /// The pool's results in sentences.
    pub sentences: Vec<String>,
}

impl CampaignReport {
    /// Of a campaign without a cut.
    pub fn new(suite: &str, campaign: &str, claim: Option<Claim>) -> Self {
        Self {
            suite: suite.to_owned(),
            campaign: campaign.to_owned(),
            claim,
            tally: Tally::default(),
            pool: None,
            verdict: None,
            bound: 1.0,
            lower_bound: 0.0,
            bound_by_bin: BTreeMap::new(),
            lower_bound_by_bin: BTreeMap::new(),
        }
    }

    /// The same with its cuts, and with its modules, of a run on several rigs. A page of a run that goes on has its numbers
    /// from here as well.
    pub fn with(mut self, cuts: &[Tallied], pool: Option<&PoolTally>) -> Self {
        self.tally = Tally::from_cuts(cuts);
        self.verdict = self.claim.map(|claim| self.tally.status(&claim).word());
        if let Some(pool) = pool {
            self.pooled(pool);
        }
        let Some(confidence) = self.confidence() else {
            return self;
        };
        if self.pool.is_none() {
            let all = self.tally.counted.bounds(confidence);
            (self.bound, self.lower_bound) = (all.upper, all.lower);
        }
        for (bin, count) in &self.tally.by_bin {
            let bounds = count.bounds(confidence);
            self.bound_by_bin.insert(*bin, bounds.upper);
            self.lower_bound_by_bin.insert(*bin, bounds.lower);
        }
        self
    }

    /// Takes the modules in: in a run on several rigs the claim is judged by all of them together.
    fn pooled(&mut self, pool: &PoolTally) {
        let Some(confidence) = self.confidence() else {
            return;
        };
        self.verdict = self.claim.map(|claim| pool.status(&claim).word());
        let all = pool.bounds(confidence);
        (self.bound, self.lower_bound) = (all.upper, all.lower);
        let strata = pool.strata.iter().map(|stratum| StratumReport {
            bound: stratum.bounds(confidence).upper,
            stratum: stratum.clone(),
        });
        let modules = pool.modules();
        let mut sentences: Vec<String> = self.claim.iter().map(|claim| pool.sentence(claim)).collect();
        sentences.push(pool.homogeneity_sentence());
        self.pool = Some(PoolReport {
            strata: strata.collect(),
            counted: pool.counted(),
            slots: pool.slots,
            unjudged: pool.unjudged,
            modules,
            modules_bound: modules.bounds(confidence).upper,
            homogeneity: pool.homogeneity(),
            sentences,
        });
    }

    /// Says what somebody decided about its cuts.
    fn written_off(&mut self, run: &Run<'_>) {
        let Some(pool) = &mut self.pool else { return };
        for off in run.fleet.written_off.iter().filter(|off| off.suite == self.suite) {
            let of_campaign = |case: &&CaseRun<'_>| {
                let part = case.case.part.as_ref();
                case.case.suite == off.suite
                    && case.case.id == off.case
                    && part.is_some_and(|part| part.campaign == self.campaign)
            };
            // A cut of an earlier run is in no plan of this one.
            let tallied = |cut: &&&Tallied| {
                cut.suite == off.suite && cut.case == off.case && cut.campaign == self.campaign
            };
            if run.cases.iter().any(|case| of_campaign(&case)) || run.tallied.iter().any(|cut| tallied(&cut))
            {
                pool.sentences.push(format!(
                    "{}: has no verdict and counts as a brick, because it was written off: {}",
                    off.case, off.note
                ));
            }
        }
    }

    /// The bounds of the rate.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            lower: self.lower_bound,
            upper: self.bound,
        }
    }

    /// The cuts that the claim counts.
    pub fn counted_cuts(&self) -> Count {
        self.pool.as_ref().map_or(self.tally.counted, |pool| pool.counted)
    }

    /// What the cuts say about a claim, in a sentence.
    pub fn sentence(&self, claim: &Claim) -> String {
        let pooled = self.pool.as_ref().and_then(|pool| pool.sentences.first());
        pooled.cloned().unwrap_or_else(|| self.tally.sentence(claim))
    }

    /// How sure one is of each bound: as sure as its claim asks for, 95 % without one.
    pub fn confidence(&self) -> Option<Rate> {
        self.claim.as_ref().map(|claim| claim.confidence).or(CONFIDENCE)
    }

    /// In some lines, for the end of a run.
    pub fn lines(&self) -> Vec<String> {
        let Self {
            suite,
            campaign,
            claim,
            tally,
            ..
        } = self;
        let elsewhere = match tally.outside.cuts {
            0 => String::new(),
            cuts => format!("; {cuts} landed elsewhere, or were not judged, and count for nothing"),
        };
        let counted = match (claim, self.counted_cuts()) {
            (None, Count { cuts: 0, .. }) => String::new(),
            (_, all) => format!("{}, ", count_of(all, "counted cut")),
        };
        let directed = count_of(tally.directed, "directed cut");
        let mut lines = vec![format!("{suite}::{campaign}: {counted}{directed}{elsewhere}")];
        match (&self.pool, claim) {
            (Some(pool), Some(_)) => {
                lines.extend(pool.sentences.iter().cloned());
                lines.extend(pool.strata.iter().map(StratumReport::line));
            }
            (_, Some(claim)) => lines.push(tally.sentence(claim)),
            (_, None) => {}
        }
        lines.extend(self.by_window());
        if tally.outside.bricks > 0 {
            lines.push(format!(
                "{} of the cuts that landed outside the window: not counted for the claim, and a failure all the same",
                bricks(tally.outside.bricks)
            ));
        }
        if !tally.earlier.is_empty() {
            lines.push(format!("with the cuts of {}", tally.earlier.join(", ")));
        }
        lines
    }

    /// All cuts that were counted. Their bounds are those of the claim: of several modules, whatever open attempts did.
    pub fn all_counted(&self, name: &str) -> CutWindow {
        let window = CutWindow::new(name, "counted", self.counted_cuts(), self.confidence());
        CutWindow {
            bounds: window.bounds.map(|_| self.bounds()),
            ..window
        }
    }

    /// Attempts whose cut was ordered, and of which nobody knows what they did.
    pub fn open_attempts(&self) -> usize {
        let strata = self.pool.iter().flat_map(|pool| &pool.strata);
        strata.map(|module| module.stratum.open.len()).sum()
    }

    /// The cuts that were counted, by window of the update.
    pub fn counted(&self) -> impl Iterator<Item = CutWindow> {
        let counted = self.tally.by_bin.iter();
        counted.map(|(bin, count)| CutWindow::new(bin.to_string(), "counted", *count, self.confidence()))
    }

    /// The directed cuts, by window of the update: they are no random sample, so they bound no rate.
    pub fn directed(&self) -> impl Iterator<Item = CutWindow> {
        let directed = self.tally.directed_by_bin.iter();
        directed.map(|(bin, count)| CutWindow::new(bin.to_string(), "directed", *count, None))
    }

    /// What the pool says beside the claim: of its modules and whether they differ.
    pub fn about_modules(&self) -> impl Iterator<Item = String> {
        let pool = self.pool.iter().filter(|_| self.claim.is_some());
        pool.flat_map(|pool| {
            let sentences = pool.sentences.iter().skip(1).cloned();
            sentences.chain(pool.strata.iter().map(StratumReport::line))
        })
    }

    /// The cuts in each window of the update, with the bounds of its rate.
    pub fn by_window(&self) -> impl Iterator<Item = String> {
        self.counted().chain(self.directed()).map(|window| window.line())
    }
}

impl StratumReport {
    /// The earlier runs that made some of its cuts.
    pub fn earlier_runs(&self) -> String {
        let runs: Vec<&str> = self.stratum.earlier.keys().map(String::as_str).collect();
        runs.join(", ")
    }

    fn line(&self) -> String {
        let Stratum {
            counted,
            open,
            uncounted_open,
            earlier,
            ..
        } = &self.stratum;
        let open: Vec<&str> = open.iter().chain(uncounted_open).map(String::as_str).collect();
        let open = match open.len() {
            0 => String::new(),
            _ => format!("; ordered, and nobody knows what they did: {}", open.join(", ")),
        };
        let below = if self.bound < 1.0 {
            format!(", below {:.3}%", self.bound * 100.0)
        } else {
            String::new()
        };
        let uncounted = match self.stratum.uncounted_bricks {
            0 => String::new(),
            some => format!("; {} that the claim does not count", bricks(some)),
        };
        format!(
            "{}: {}{below}{}{uncounted}{open}",
            self.stratum.name(),
            count_of(*counted, "counted cut"),
            runs(earlier),
        )
    }
}

/// Which earlier runs made how many of the cuts.
fn runs(earlier: &BTreeMap<String, u32>) -> String {
    let all: Vec<String> = earlier
        .iter()
        .map(|(run, cuts)| format!("{cuts} in run {run}"))
        .collect();
    match all.as_slice() {
        [] => String::new(),
        all => format!("; of them {}", all.join(", ")),
    }
}

/// The cuts of one window of the update.
#[derive(Debug, Clone)]
pub struct CutWindow {
    pub name: String,
    /// `counted` for the claim, or `directed`.
    pub kind: &'static str,
    pub count: Count,
    /// How sure its bounds are; nothing where there are none.
    confidence: Option<Rate>,
    bounds: Option<Bounds>,
}

impl CutWindow {
    pub fn new(name: impl Into<String>, kind: &'static str, count: Count, confidence: Option<Rate>) -> Self {
        Self {
            name: name.into(),
            kind,
            count,
            confidence,
            bounds: confidence.map(|confidence| count.bounds(confidence)),
        }
    }

    /// The same where nothing is said of a rate.
    pub fn without_bounds(self) -> Self {
        Self {
            confidence: None,
            bounds: None,
            ..self
        }
    }

    pub fn bounds(&self) -> Option<Bounds> {
        self.bounds
    }

    fn line(&self) -> String {
        let bounds = self.confidence.zip(self.bounds());
        let bounds = bounds.map_or(String::new(), |(confidence, bounds)| {
            format!(", {}", bounds.words(confidence))
        });
        let count = count_of(self.count, &format!("{} cut", self.kind));
        format!("  {:<18} {count}{bounds}", self.name)
    }
}

fn count_of(count: Count, what: &str) -> String {
    if count.cuts == 0 {
        return format!("no {what} yet");
    }
    let plural = if count.cuts == 1 { "" } else { "s" };
    let other = count.failed - count.bricks;
    let failed = if other > 0 {
        format!(", {other} failed otherwise")
    } else {
        String::new()
    };
    format!("{} {what}{plural}, {}{failed}", count.cuts, bricks(count.bricks))
}

fn bricks(count: u32) -> String {
    match count {
        0 => "no brick".to_owned(),
        1 => "1 brick".to_owned(),
        more => format!("{more} bricks"),
    }
}

/// What stands beside figures that count bricks.
pub const BRICK: &str = Outcome::BRICK;

/// How often the cut of `--cut` landed where, and with which verdict; nothing for a run without.
pub fn repeats(run: &Run<'_>) -> Option<String> {
    let cut = run.started.cut.as_ref()?;
    let mut landed: BTreeMap<String, u32> = BTreeMap::new();
    let mut ended: BTreeMap<String, u32> = BTreeMap::new();
    for case in &run.cases {
        let place = case.cuts_made().next().map(|made| made.landed.to_string());
        *landed
            .entry(place.unwrap_or_else(|| "nowhere".to_owned()))
            .or_default() += 1;
        let how = match case.verdict.finding() {
            Some(finding) => format!("{} {}", case.verdict.name(), finding.rule),
            None => case.verdict.name().to_owned(),
        };
        *ended.entry(how).or_default() += 1;
    }
    let shown = |counts: &BTreeMap<String, u32>| {
        let all: Vec<String> = counts
            .iter()
            .map(|(what, count)| format!("{what} {count}×"))
            .collect();
        all.join(", ")
    };
    let mut text = String::new();
    let runs = if run.cases.len() == 1 { "run" } else { "runs" };
    let _ = write!(
        text,
        "{cut}, {} {runs}: landed at {}; {}",
        run.cases.len(),
        shown(&landed),
        shown(&ended)
    );
    Some(text)
}
