//! What the cuts of a campaign have to have in common, and what may differ from run to run.
//!
//! | the same in all of its runs | may differ |
//! |---|---|
//! | suite, packages, program, the campaign's id | which rigs, how many, their files and paths |
//! | type of the module, and whether it is simulated | the modules: each is a stratum of its own |
//! | how long the supply stays off where the suite leaves that to the rigs | calibrations: each rig has its own |
//!
//! A rig also has to make its cuts in the same way in all runs: its power switch and its simulated defects must not change.

use crate::config::rig::{Link, Rig, module_word};
use crate::config::suite::{Suite, SuiteCampaign, SuiteCase};
use dfota_core::duration::Short;
use dfota_record::digest::sha256_hex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Characters of the digest in a file's name.
const DIGITS: usize = 24;

/// A campaign, and the rigs that are to go on with it.
#[derive(Debug, Clone)]
pub struct CampaignOnRigs {
    pub terms: CampaignTerms,
    /// By the name of each rig, how it cuts.
    pub cutting: BTreeMap<String, String>,
}

impl CampaignOnRigs {
    pub fn new(terms: CampaignTerms, rigs: &[&Rig]) -> Self {
        let cutting = rigs.iter().map(|rig| (rig.name.clone(), cutting(rig)));
        Self {
            terms,
            cutting: cutting.collect(),
        }
    }
}

/// What the cuts of a campaign have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignTerms {
    pub suite: String,
    pub campaign: String,
    /// SHA-256 of the suite's file.
    suite_sha256: String,
    /// SHA-256 of each package, in the order of the suite.
    packages: Vec<String>,
    /// SHA-256 of the program.
    program: String,
    /// Types of modules, each with what its rigs are: `bc66`, `bc66 simulated`.
    modules: BTreeSet<String>,
    /// How long a cut lasts that leaves it to the rigs; nothing where none does.
    discharge: Option<Duration>,
}

impl CampaignTerms {
    /// Those of the campaign that is made of a case, on the rigs that may make its cuts.
    pub fn new(suite: &Suite, declared: &SuiteCase, campaign: &str, rigs: &[&Rig], program: &str) -> Self {
        let packages = suite.packages.iter().map(|loaded| &loaded.package);
        let longest = rigs.iter().map(|rig| rig.discharge()).max();
        let is_left = declared.campaign.as_ref().is_some_and(leaves_off_to_the_rig);
        Self {
            suite: suite.name.clone(),
            campaign: campaign.to_owned(),
            suite_sha256: suite.sha256.clone(),
            packages: packages.map(|package| package.sha256.clone()).collect(),
            program: program.to_owned(),
            modules: rigs.iter().map(|rig| class(rig)).collect(),
            discharge: longest.filter(|_| is_left),
        }
    }

    /// What a campaign is found by: a digest of all of them.
    pub fn key(&self) -> String {
        let Self {
            suite,
            campaign,
            suite_sha256,
            packages,
            program,
            modules,
            discharge,
        } = self;
        let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
        let off = discharge.map_or(String::new(), |off| off.as_nanos().to_string());
        let parts: [&str; 7] = [
            suite,
            campaign,
            suite_sha256,
            &packages.join("+"),
            program,
            &modules.join("+"),
            &off,
        ];
        short(&parts.join("\n"))
    }

    /// What has changed from `before` to these, for people; nothing where both are the same.
    pub fn changed_from(&self, before: &Self) -> Vec<String> {
        let list = |modules: &BTreeSet<String>| {
            let all: Vec<&str> = modules.iter().map(String::as_str).collect();
            all.join(", ")
        };
        let off =
            |off: Option<Duration>| off.map_or_else(|| "fixed".to_owned(), |off| Short(off).to_string());
        let mut changed = Vec::new();
        let mut differs = |is_other: bool, what: &dyn Fn() -> String| {
            if is_other {
                changed.push(what());
            }
        };
        differs(self.suite_sha256 != before.suite_sha256, &|| {
            "the suite file has changed".into()
        });
        differs(self.packages != before.packages, &|| {
            "a package has changed".into()
        });
        differs(self.program != before.program, &|| {
            "the program has changed".into()
        });
        differs(self.modules != before.modules, &|| {
            let (now, then) = (list(&self.modules), list(&before.modules));
            format!("the modules are of another type: {now}, before {then}")
        });
        differs(self.discharge != before.discharge, &|| {
            let (now, then) = (off(self.discharge), off(before.discharge));
            format!(
                "the longest `discharge` of the rigs is {now}, before {then}, and cuts last as long; with `off` in the suite they do not depend on it"
            )
        });
        changed
    }
}

/// Whether the length of some cuts is that of the rig's discharge.
fn leaves_off_to_the_rig(campaign: &SuiteCampaign) -> bool {
    let claim = campaign.claim.as_ref().is_some_and(|claim| claim.off.is_none());
    let sweep = campaign
        .sweep
        .as_ref()
        .is_some_and(|sweep| sweep.offs.contains(&None));
    claim || sweep
}

/// Modules of a type. A simulated one says nothing about real ones.
fn class(rig: &Rig) -> String {
    let module = module_word(rig.module);
    if rig.is_simulated() {
        format!("{module} simulated")
    } else {
        module.to_owned()
    }
}

/// A digest of what a cut on the rig depends on beside its module: what switches the supply and RESET, and what isolates the UART;
/// of a simulated module, how it is simulated.
fn cutting(rig: &Rig) -> String {
    let text = match &rig.link {
        Link::Bench(bench) => format!(
            "{:?} {:?} {:?} {:?}",
            bench.power.driver, bench.power.discharge, bench.reset, bench.isolate
        ),
        Link::Simulated(simulated) => format!(
            "{} {:?} {:?}",
            simulated.speed, simulated.defects, simulated.dialects
        ),
    };
    short(&text)
}

fn short(text: &str) -> String {
    let mut digest = sha256_hex(text.as_bytes());
    digest.truncate(DIGITS);
    digest
}
