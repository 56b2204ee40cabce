//! A case as it will be run: everything resolved, nothing left to look up.

pub mod ids;

pub use ids::Ids;

use crate::campaign::{CampaignPart, Role};
use crate::cut::CutPlan;
use crate::expect::Expect;
use crate::fault::{Faults, HttpFaults};
use crate::macros::named_enum;
use crate::measure::{Measure, MeasureLimits};
use crate::moment::Moment;
use crate::retries::Retries;
use crate::seed::Seed;
use crate::transport::Via;
use crate::version::Version;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A package as the suite declares it. Its bytes are opaque: from and to are what the suite says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    /// Its name in the suite.
    pub name: String,
    /// The version it updates from.
    pub from: Version,
    /// The version it updates to.
    pub to: Version,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
}

/// Longest times that are waited for, in the module's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Power-on → RDY.
    pub boot: Duration,
    /// RDY → registered.
    pub attach: Duration,
    /// Order → end of the download.
    pub download: Duration,
    /// Power-on → first START or UPDATING of a forced resume.
    pub resume: Duration,
    /// First START or UPDATING → END.
    pub update: Duration,
    /// After the last boot: how long the module is watched before it is asked once more.
    #[serde(default = "settle")]
    pub settle: Duration,
    /// How many power cycles after an update the module has to come through, and be the same.
    #[serde(default = "confirm")]
    pub confirm: u32,
}

/// The bootloader's watchdog bites after 30 s (FW, facts of the module): a loop shows within this.
fn settle() -> Duration {
    Duration::from_secs(45)
}

fn confirm() -> u32 {
    1
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            boot: Duration::from_secs(30),
            attach: bc66_spec::timing::FIRST_ATTACH_MAX,
            download: Duration::from_secs(15 * 60),
            resume: Duration::from_secs(60),
            update: Duration::from_secs(10 * 60),
            settle: settle(),
            confirm: confirm(),
        }
    }
}

/// Between supply off and supply on, at the most usual of rigs.
const SUPPLY: Duration = Duration::from_secs(10);
/// For the commands of a procedure, all together.
const COMMANDS: Duration = Duration::from_secs(60);
/// For the questions after a boot.
const QUESTIONS: Duration = Duration::from_secs(15);
/// Further boots with which a module that does not answer is tried.
const REVIVALS: u32 = 5;
/// For state and result over LwM2M.
const READ_BACK: Duration = Duration::from_secs(180);

named_enum! {
    /// What an anomaly counts as: something legal but unusual, such as percentages that go back.
    #[derive(Default)]
    pub enum Anomalies {
        /// It is told in every report.
        #[default]
        Note = "note",
        /// The case fails.
        Fail = "fail",
    }
}

/// One case of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// Stable and readable: `forced-resume[via=uart,at=50%]`.
    pub id: String,
    /// The suite it stands in.
    pub suite: String,
    /// `path:line` of the case in the suite.
    pub place: String,
    /// The package that is applied.
    pub package: Package,
    /// How it gets there.
    pub via: Via,
    /// The version that the module is brought to first.
    pub on: Version,
    /// Bytes in a block of the upload over the UART.
    pub block_size: u16,
    /// Faults that the harness injects.
    pub faults: Faults,
    /// The cut, if there is one.
    pub cut: Option<CutPlan>,
    /// What has to happen.
    pub expect: Expect,
    /// How long each part may take.
    pub limits: Limits,
    /// How often an error that is not the module's is tried again.
    #[serde(default)]
    pub retries: Retries,
    /// Whether an anomaly is a fail.
    #[serde(default)]
    pub anomalies: Anomalies,
    /// Measurements that have to be taken, and their limits.
    #[serde(default)]
    pub measures: Vec<MeasureLimits>,
    /// Ids of the requirements that the case speaks to.
    pub requirements: Vec<String>,
    /// Tags for `--tag`.
    pub tags: Vec<String>,
    /// What test management systems call it.
    #[serde(default, skip_serializing_if = "Ids::is_empty")]
    pub ids: Ids,
    /// What it does in a campaign, if it is one of a campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<CampaignPart>,
    /// The one rig that runs it, as its id has it; none where any rig may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rig: Option<String>,
}

impl Case {
    /// Bytes in a block of an upload that does not say.
    pub const BLOCK_SIZE: u16 = 1024;

    /// An update by this package that has to succeed, with nothing else to it.
    pub fn plain(id: &str, suite: &str, package: Package, via: Via) -> Self {
        Self {
            id: id.into(),
            suite: suite.into(),
            place: String::new(),
            on: package.from.clone(),
            package,
            via,
            block_size: Self::BLOCK_SIZE,
            faults: Faults::default(),
            cut: None,
            expect: Expect::success(),
            limits: Limits::default(),
            retries: Retries::default(),
            anomalies: Anomalies::default(),
            measures: Vec::new(),
            requirements: Vec::new(),
            tags: Vec::new(),
            ids: Ids::default(),
            part: None,
            rig: None,
        }
    }

    /// What random choices of the case are drawn under, beside the seed: the same on every rig.
    pub fn dice(&self) -> String {
        format!("{}::{}", self.suite, self.id_on_any_rig())
    }

    /// The id without the rig: `clean[via=uart,rig=bench-a]` is `clean[via=uart]`.
    pub fn id_on_any_rig(&self) -> String {
        let Some(rig) = &self.rig else {
            return self.id.clone();
        };
        // A suite may have such a value in its matrix: that of the rig is behind it.
        for (own, rest) in [
            (format!(",rig={rig}]"), "]"),
            (format!(",rig={rig},"), ","),
            (format!("[rig={rig},"), "["),
            (format!("[rig={rig}]"), ""),
        ] {
            if let Some((before, after)) = self.id.rsplit_once(own.as_str()) {
                return format!("{before}{rest}{after}");
            }
        }
        self.id.clone()
    }

    /// Nothing is done for a claim: it is judged by the cuts of its campaign.
    pub fn is_claim(&self) -> bool {
        matches!(&self.part, Some(part) if matches!(part.role, Role::Claim(_)))
    }

    /// The same package as an update that prepares a case: nothing is done wrong, and it has to succeed. It is given in
    /// blocks of the default size, whatever the case tries.
    pub fn prepares(&self) -> Self {
        Self {
            on: self.package.from.clone(),
            block_size: Self::BLOCK_SIZE,
            faults: Faults::default(),
            cut: None,
            expect: Expect::success(),
            measures: Vec::new(),
            anomalies: Anomalies::Note,
            part: None,
            ..self.clone()
        }
    }

    /// How long the module is watched after its last boot: in a campaign the calibration and the control at the end of each
    /// block are enough.
    pub fn settle(&self) -> Duration {
        match self.slot() {
            Some(_) => Duration::ZERO,
            None => self.limits.settle,
        }
    }

    /// The longest time that an update and the questions after it may take, by its limits, in the module's time: a module
    /// that never comes to rest is stopped then.
    pub fn bound(&self) -> Duration {
        let Limits {
            boot,
            attach,
            download,
            resume,
            update,
            settle,
            confirm,
        } = self.limits;
        let cut = self.cut.as_ref().map_or(Duration::ZERO, |cut| {
            (cut.after_max + cut.off + SUPPLY + resume.max(boot) + update) * cut.times
        });
        let transfer = match self.via {
            // Three times what the bytes take on the wire, and as long again for the module to write them.
            Via::Uart => Duration::from_millis(self.package.bytes / 2) + COMMANDS,
            Via::Http | Via::Coap => download + attach + COMMANDS,
        };
        // Each boot and each question may take the whole of its limit; two more power cycles, reset and PWRKEY are tried on
        // a module that does not answer.
        let asked = (SUPPLY + boot * 2 + QUESTIONS) * (confirm + REVIVALS);
        let registered = if self.via == Via::Coap {
            attach * 2 + READ_BACK
        } else {
            Duration::ZERO
        };
        transfer + update + cut + asked + attach * 2 + registered + settle
    }

    /// Why it can never take a measurement, if it cannot.
    pub fn cannot_take(&self, measure: Measure) -> Option<&'static str> {
        match measure {
            measure if measure.needs_a_cut() && self.cut.is_none() => Some("the case has no `cut`"),
            Measure::BytesAgain if self.via == Via::Uart => Some("what is uploaded is not downloaded"),
            _ => None,
        }
    }

    /// Whether the case has to take a measurement whose limit is declared for the whole suite.
    pub fn has_to_take(&self, measure: Measure) -> bool {
        let resumes = matches!(self.cut.as_ref().map(|cut| cut.at), Some(Moment::Updating(_)));
        match measure {
            Measure::TimeToResume | Measure::ResumedAt => resumes,
            Measure::UpdateTime => self.expect == Expect::success(),
            _ => self.cannot_take(measure).is_none(),
        }
    }

    /// The case with only those measurements that it has to take; a cut of a campaign keeps all until it is known
    /// where it falls.
    pub fn with_its_measures(mut self) -> Self {
        let cut_to_come =
            self.cut.is_none() && matches!(&self.part, Some(part) if matches!(part.role, Role::Cut(_)));
        if !cut_to_come {
            let mut measures = core::mem::take(&mut self.measures);
            measures.retain(|declared| self.has_to_take(declared.measure));
            self.measures = measures;
        }
        self
    }

    /// The case after a cut that left nothing to resume: the update alone, and it has to succeed. Codes that the case
    /// expects, and what brings them about, belong to it; so does a server that ignores ranges, for it matters where a
    /// download goes on.
    pub fn again(&self) -> Self {
        let codes = self.expect.update.is_some() || self.expect.download.is_some();
        let (faults, expect) = if codes {
            (self.faults.clone(), self.expect.clone())
        } else {
            let http = HttpFaults {
                ignore_range: self.faults.http.ignore_range,
                ..HttpFaults::default()
            };
            let faults = Faults {
                http,
                ..Faults::default()
            };
            (faults, Expect::success())
        };
        Self {
            cut: None,
            faults,
            expect,
            ..self.clone()
        }
    }

    /// The suite and the id as a file name of nothing but letters, digits, `.`, `_` and `-`. What had to be replaced, and
    /// what looks as if it had been, gets a digest at its end, so that different cases have different names.
    pub fn slug(&self) -> String {
        let full = format!("{}.{}", self.suite, self.id);
        let mut slug = String::new();
        for c in full.chars() {
            match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => slug.push(c),
                '%' | ']' => {}
                _ => slug.push('-'),
            }
        }
        // A suite and an id are told apart by the first dot: one in the suite's name would move it.
        if slug == full && slug.len() <= SLUG_BYTES && !self.suite.contains('.') && !ends_in_a_digest(&slug) {
            return slug;
        }
        slug.truncate(SLUG_BYTES);
        let digest = Seed(0).draw(&format!("{}::{}", self.suite, self.id)) & 0xffff_ffff;
        format!("{slug}-{digest:08x}")
    }
}

/// Most readable bytes of a slug: file systems take names of 255 bytes.
const SLUG_BYTES: usize = 200;

/// `case#2` is the second turn of `case`.
pub fn without_turn(id: &str) -> &str {
    match id.rsplit_once('#') {
        Some((case, turn)) if !turn.is_empty() && turn.bytes().all(|byte| byte.is_ascii_digit()) => case,
        _ => id,
    }
}

fn ends_in_a_digest(slug: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    slug.rsplit_once('-')
        .is_some_and(|(_, digest)| digest.len() == 8 && digest.bytes().all(hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(suite: &str, id: &str) -> String {
        let package = Package {
            name: String::new(),
            from: "A".parse().unwrap(),
            to: "B".parse().unwrap(),
            bytes: 1,
            sha256: String::new(),
        };
        let case = Case::plain(id, suite, package, Via::Uart);
        case.slug()
    }

    #[test]
    fn plain_names_are_left_alone() {
        assert_eq!(slug("lab", "clean-update"), "lab.clean-update");
    }

    #[test]
    fn dice_do_not_know_the_rig() {
        let package = Package {
            name: String::new(),
            from: "A".parse().unwrap(),
            to: "B".parse().unwrap(),
            bytes: 0,
            sha256: String::new(),
        };
        let dice = |id: &str, rig: Option<&str>| {
            let case = Case::plain(id, "lab", package.clone(), Via::Uart);
            Case {
                rig: rig.map(Into::into),
                ..case
            }
            .dice()
        };
        for (id, dice_of) in [
            ("clean[rig=a]", "lab::clean"),
            ("clean[rig=a]#2", "lab::clean#2"),
            ("clean[n=1,rig=a]", "lab::clean[n=1]"),
            ("some[rig=a,cut=001]", "lab::some[cut=001]"),
            ("some[n=1,rig=a,cut=001]", "lab::some[n=1,cut=001]"),
            ("some[rig=a,rig=a,cut=001]", "lab::some[rig=a,cut=001]"),
            ("clean[rig=ab]", "lab::clean[rig=ab]"),
        ] {
            assert_eq!(dice(id, Some("a")), dice_of);
            assert_eq!(dice(id, None), alloc::format!("lab::{id}"), "of its matrix");
        }
    }

    #[test]
    fn different_cases_have_different_slugs() {
        let cases = [
            ("lab", "a[n=1]"),
            ("lab", "a-n-1"),
            ("lab", "a[n=1%]"),
            ("lab", "a[n=1]#2"),
            ("lab", "a[n=1-2]"),
            ("lab", "a[n=1/2]"),
            ("lab.a", "b"),
            ("lab", "a.b"),
            ("a|b", "c"),
            ("a&b", "c"),
        ];
        let mut slugs: Vec<String> = cases.iter().map(|(suite, id)| slug(suite, id)).collect();
        let hashed = slug("lab", "a[n=1]");
        // A name that was chosen to look like another one's slug.
        slugs.push(slug("lab", hashed.strip_prefix("lab.").unwrap()));
        slugs.push(slug(&"long".repeat(99), "a"));
        slugs.push(slug(&"long".repeat(99), "b"));
        for slug in &slugs {
            assert!(slug.len() < 240, "{slug}");
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            assert!(slug.chars().all(plain), "{slug}");
        }
        let count = slugs.len();
        slugs.sort();
        slugs.dedup();
        assert_eq!(slugs.len(), count, "{slugs:?}");
    }
}
