//! A campaign: one case of a suite that becomes many cuts, and what they say together.
//!
//! Every run of it is a [`Case`](crate::case::Case) of its own with a [`CampaignPart`]: the calibration comes first, cuts follow in
//! blocks that an uncut control run closes, and the claim, where there is one, is judged last. Each cut that ended is one
//! [`Tallied`]; [`Tally`] is a pure function of them, also of those of earlier nights.

use crate::claim::{Bounds, Claim, ClaimStatus};
use crate::cut::{Cut, CutKind};
use crate::rate::Rate;
use crate::sweep::{CutPlace, Jitter, Span};
use crate::update::Phase;
use crate::verdict::Verdict;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a case does in its campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CampaignPart {
    /// The id of the case in the suite that the campaign is made of.
    pub campaign: String,
    /// What this one does.
    pub role: Role,
}

/// The roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// An uncut update whose moments are timed. Cuts of the same package are laid out by it.
    Calibration,
    /// An uncut update that shows that nothing but the cuts is wrong.
    Control,
    /// A cut.
    Cut(Slot),
    /// No update: what the cuts say about the claim.
    Claim(Claim),
}

/// A cut of a campaign before it is known when exactly it falls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Slot {
    /// Where.
    pub place: CutPlace,
    /// The delay that is added to it.
    pub jitter: Jitter,
    /// What is cut.
    pub kind: CutKind,
    /// How long the supply stays off.
    pub off: Duration,
    /// How often: 1, or again in each forced resume.
    pub times: u32,
    /// The window of the claim that it is drawn for. `None` for a directed cut, which no claim counts.
    pub claim: Option<Span>,
}

/// A cut that was made and judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tallied {
    /// The suite.
    pub suite: String,
    /// The campaign.
    pub campaign: String,
    /// The id of the case.
    pub case: String,
    /// The cut, as it can be made again; nothing where an update without one bricked the module, or where nobody heard which it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// Where it landed; nothing where its moment was not met.
    pub landed: Option<Phase>,
    /// The part of the update that it fell into, for figures by phase.
    pub bin: Bin,
    /// It was drawn for the claim and landed inside the claim's window.
    pub counts: bool,
    /// It was drawn for the claim.
    pub drawn: bool,
    /// The module was bricked.
    pub brick: bool,
    /// The module was at fault, bricked or not.
    pub failed: bool,
    /// The case is over: it passed or failed. Otherwise the same cut was tried again, or nothing came of it.
    pub settled: bool,
    /// It was made, and the module could not be asked what it became: the run was interrupted, or the rig failed. The next
    /// run makes the same cut again.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub unjudged: bool,
    /// The run in which it was made, where that is an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The module, by its rig and its IMEI: `bench-03/86…`. Of a cut that an earlier run on several rigs made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
}

impl Tallied {
    /// The id of the cut; empty where there was none.
    pub fn cut_id(&self) -> String {
        self.cut.as_ref().map_or(String::new(), Cut::to_string)
    }
}

/// Parts of an update for which figures are shown apart.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    derive_more::Display,
)]
#[serde(rename_all = "kebab-case")]
pub enum Bin {
    /// Its moment was not met.
    #[display("not met")]
    Missed,
    /// Uploading or downloading.
    #[display("transfer")]
    Transfer,
    /// Ordered, no START and no UPDATING yet.
    #[display("ordered")]
    Ordered,
    /// START, no UPDATING yet.
    #[display("START")]
    Start,
    /// UPDATING below 40 %.
    #[display("UPDATING <40 %")]
    To40,
    /// Below 60 %.
    #[display("UPDATING 40–59 %")]
    To60,
    /// Below 80 %.
    #[display("UPDATING 60–79 %")]
    To80,
    /// Below 100 %.
    #[display("UPDATING 80–99 %")]
    To100,
    /// From 100 % until END.
    #[display("100 % to END")]
    Full,
    /// END had been seen.
    #[display("after END")]
    End,
}

impl Bin {
    /// Where a cut landed; `start` says that START had been seen.
    pub fn from_phase(landed: Option<Phase>, start: bool) -> Self {
        match landed {
            None | Some(Phase::Idle | Phase::DownloadFailed { .. }) => Self::Missed,
            Some(Phase::Uploading { .. } | Phase::Downloading { .. }) => Self::Transfer,
            Some(Phase::Ordered) if start => Self::Start,
            Some(Phase::Ordered) => Self::Ordered,
            Some(Phase::Updating { percent }) => match percent.get() {
                0..40 => Self::To40,
                40..60 => Self::To60,
                60..80 => Self::To80,
                80..100 => Self::To100,
                100.. => Self::Full,
            },
            Some(Phase::Ended { .. }) => Self::End,
        }
    }
}

/// Cuts, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// How many.
    pub cuts: u32,
    /// How many of them bricked the module.
    pub bricks: u32,
    /// How many of them were failed by the module, bricked or not.
    pub failed: u32,
}

impl Count {
    fn add(&mut self, tallied: &Tallied) {
        self.cuts += 1;
        self.bricks += u32::from(tallied.brick);
        self.failed += u32::from(tallied.failed);
    }

    /// What they say about the rate of bricks, with this confidence.
    pub fn bounds(self, confidence: Rate) -> Bounds {
        Bounds::new(self.bricks, self.cuts, confidence)
    }
}

/// What the cuts of a campaign say together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Those that the claim counts.
    pub counted: Count,
    /// The same by part of the update.
    pub by_bin: BTreeMap<Bin, Count>,
    /// Those that landed elsewhere than they were meant to, and count for nothing.
    pub outside: Count,
    /// Directed ones.
    pub directed: Count,
    /// Directed ones by part of the update.
    pub directed_by_bin: BTreeMap<Bin, Count>,
    /// Names of the earlier runs that are in it.
    pub earlier: Vec<String>,
}

impl Tally {
    /// Of all these. Where one says something else about a case that was settled before in the same run, it is right.
    pub fn from_cuts(cuts: &[Tallied]) -> Self {
        let mut last: BTreeMap<(Option<&str>, &str), usize> = BTreeMap::new();
        for (n, cut) in cuts.iter().enumerate().filter(|(_, cut)| cut.settled) {
            last.insert((cut.run.as_deref(), &cut.case), n);
        }
        let mut tally = Self::default();
        for (n, cut) in cuts.iter().enumerate().filter(|(_, cut)| cut.cut.is_some()) {
            let corrected = last.get(&(cut.run.as_deref(), cut.case.as_str()));
            if !cut.settled || corrected == Some(&n) {
                tally.add(cut);
            }
        }
        tally
    }

    /// Takes another cut in.
    pub fn add(&mut self, tallied: &Tallied) {
        if let Some(run) = tallied.run.as_ref().filter(|run| !self.earlier.contains(run)) {
            self.earlier.push(run.clone());
        }
        if tallied.counts {
            self.counted.add(tallied);
            self.by_bin.entry(tallied.bin).or_default().add(tallied);
        } else if tallied.drawn || !tallied.settled {
            self.outside.add(tallied);
        } else {
            self.directed.add(tallied);
            self.directed_by_bin.entry(tallied.bin).or_default().add(tallied);
        }
    }

    /// What they say about a claim.
    pub fn status(&self, claim: &Claim) -> ClaimStatus {
        claim.status(self.counted.bricks, self.counted.cuts)
    }

    /// The same as a verdict.
    pub fn judge(&self, claim: &Claim) -> Verdict {
        self.status(claim).verdict(self.sentence(claim))
    }

    /// The same in one line, with both bounds: first the one that decides.
    pub fn sentence(&self, claim: &Claim) -> String {
        let Count { cuts, bricks, .. } = self.counted;
        let (status, bounds) = (self.status(claim), self.counted.bounds(claim.confidence));
        let (first, second) = match status {
            ClaimStatus::Refuted => (bounds.above(), bounds.below()),
            _ => (bounds.below(), bounds.above()),
        };
        let sure = claim.confidence;
        format!(
            "the claim that fewer than {} of the cuts in `{}` brick the module is {status}; {bricks} of {cuts} counted cuts did, so with {sure} confidence the rate is {first}, and with {sure} confidence {second} (each bound for itself)",
            claim.brick_rate_below, claim.over,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::percent::Percent;
    use crate::verdict::Rule;

    const CLAIM: &str =
        r#"{"brick_rate_below": "1%", "confidence": "95%", "bricks": 0, "over": "start..end"}"#;

    fn tallied(landed: Option<Phase>, counts: bool, brick: bool) -> Tallied {
        Tallied {
            suite: "s".into(),
            campaign: "c".into(),
            case: "c[cut=001]".into(),
            cut: Some("start+0ms/power/5s".parse().unwrap()),
            landed,
            bin: Bin::from_phase(landed, true),
            counts,
            drawn: true,
            brick,
            failed: brick,
            settled: counts,
            unjudged: false,
            run: None,
            module: None,
        }
    }

    fn at(percent: u8) -> Option<Phase> {
        let percent = Percent::new(percent)?;
        Some(Phase::Updating { percent })
    }

    #[test]
    fn a_claim_is_open_until_enough_cuts_count() {
        let claim: Claim = serde_json::from_str(CLAIM).unwrap();
        let mut tally = Tally::default();
        for n in 0..298 {
            tally.add(&tallied(at(20 + (n % 80) as u8), true, false));
            tally.add(&tallied(Some(Phase::Ended { code: 0 }), false, false));
        }
        let open = tally.judge(&claim);
        assert_eq!(open.finding().unwrap().rule, Rule::ClaimOpen);
        assert!(open.finding().unwrap().sentence.contains("1 more have to count"));
        tally.add(&tallied(at(50), true, false));
        assert_eq!(tally.judge(&claim), Verdict::Pass);
        let said = tally.sentence(&claim);
        assert!(
            said.ends_with(
                "is shown; 0 of 299 counted cuts did, so with 95% confidence the rate is below 0.997%, and with 95% confidence at least 0% (each bound for itself)"
            ),
            "{said}"
        );
        assert_eq!((tally.outside.cuts, tally.by_bin.len()), (298, 4));
    }

    fn of(bricks: u32, cuts: u32) -> Tally {
        let mut tally = Tally::default();
        for n in 0..cuts {
            tally.add(&tallied(at(50), true, n < bricks));
        }
        tally
    }

    #[test]
    fn one_brick_too_many_fails_it_at_once_and_one_outside_does_not_count() {
        let claim: Claim = serde_json::from_str(CLAIM).unwrap();
        let mut tally = Tally::default();
        tally.add(&tallied(Some(Phase::Ended { code: 0 }), false, true));
        assert_eq!(tally.judge(&claim).finding().unwrap().rule, Rule::ClaimOpen);
        tally.add(&tallied(at(50), true, true));
        let refuted = tally.judge(&claim);
        // One of one has a lower bound of 5 %.
        assert_eq!(refuted.finding().unwrap().rule, Rule::ClaimRefuted);
        assert_eq!((tally.outside.bricks, tally.counted.bricks), (1, 1));
    }

    /// What too many bricks leave unshown is one thing, what the lower bound says is false another. Either fails.
    #[test]
    fn not_shown_is_not_refuted() {
        let mut claim: Claim = serde_json::from_str(CLAIM).unwrap();
        claim.brick_rate_below = "25%".parse().unwrap();
        let not_shown = of(11, 75).judge(&claim);
        let finding = not_shown.finding().unwrap();
        assert_eq!(finding.rule, Rule::ClaimNotShown);
        assert!(matches!(not_shown, Verdict::Fail(_)));
        assert_eq!(
            finding.sentence,
            "the claim that fewer than 25% of the cuts in `start..end` brick the module is not shown: it survives no brick; 11 of 75 counted cuts did, so with 95% confidence the rate is below 23.108%, and with 95% confidence above 8.448% (each bound for itself)"
        );
        claim.brick_rate_below = "8%".parse().unwrap();
        let refuted = of(11, 75).judge(&claim);
        assert!(matches!(refuted, Verdict::Fail(_)));
        let finding = refuted.finding().unwrap();
        assert_eq!(finding.rule, Rule::ClaimRefuted);
        assert!(
            finding.sentence.contains(
                "is refuted; 11 of 75 counted cuts did, so with 95% confidence the rate is above 8.448%, and"
            ),
            "{}",
            finding.sentence
        );
    }

    #[test]
    fn a_claim_can_allow_for_a_brick() {
        let mut claim: Claim = serde_json::from_str(CLAIM).unwrap();
        claim.bricks = 1;
        let mut tally = Tally::default();
        for n in 0..473 {
            tally.add(&tallied(at(60), true, n == 7));
        }
        assert_eq!(tally.judge(&claim), Verdict::Pass);
    }

    #[test]
    fn what_was_tallied_can_be_corrected() {
        let good = tallied(at(50), true, false);
        let corrupt = tallied(at(50), true, true);
        let tally = Tally::from_cuts(&[good, corrupt]);
        assert_eq!((tally.counted.cuts, tally.counted.bricks), (1, 1));
    }

    #[test]
    fn earlier_runs_are_named_once() {
        let mut tally = Tally::default();
        for run in ["a", "a", "b"] {
            let mut tallied = tallied(at(50), true, false);
            tallied.run = Some(run.into());
            tally.add(&tallied);
        }
        assert_eq!(tally.earlier, ["a", "b"]);
    }
}
