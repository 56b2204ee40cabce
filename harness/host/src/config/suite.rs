//! A suite as it will be planned: every case expanded and checked, every package read.

pub mod case_file;
pub mod defaults;
pub mod fault_file;
pub mod matrix;
pub mod measure_file;
pub mod rig_demand;
pub mod suite_file;
pub mod suite_keys;
pub mod suite_literals;
pub mod sweep_file;
pub mod transport;

use crate::config::suite::rig_demand::RigDemand;
use bc66_sim::package::PackagePurpose;
use bytes::Bytes;
use dfota_core::case::{Case, Package};
use dfota_core::claim::Claim;
use dfota_core::cut::CutKind;
use dfota_core::sweep::Sweep;
use dfota_core::transport::Via;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

/// A suite, its file read and found sound.
#[derive(Debug, Clone)]
pub struct Suite {
    pub name: String,
    /// Its file, as the path was given.
    pub file: PathBuf,
    /// The same with links resolved.
    pub canonical: PathBuf,
    pub text: String,
    /// Its SHA-256 in hex.
    pub sha256: String,
    /// The packages, in the order of the file.
    pub packages: Vec<LoadedPackage>,
    /// How the packages get into the module that bring it to the version a case starts from.
    pub prepare: Via,
    /// The cases, in the order of the file, each matrix multiplied out, its last key running fastest.
    pub cases: Vec<SuiteCase>,
    /// Which rigs may run its cases.
    pub demand: RigDemand,
    /// Its cases are repeated until the run is stopped.
    pub until_stopped: bool,
    /// Warnings: what is legal and probably not meant, each with its place.
    pub warnings: Vec<String>,
}

/// A package with its bytes. They are opaque, but for [`LoadedPackage::purpose`].
#[derive(Debug, Clone)]
pub struct LoadedPackage {
    /// As the suite declares it.
    pub package: Package,
    /// Where it was read.
    pub path: PathBuf,
    /// Where its suite names the file: bytes of the suite's text.
    pub named_at: Range<usize>,
    pub bytes: Bytes,
}

impl LoadedPackage {
    /// What it is made for, where it is one for the simulated module: its magic says so.
    pub fn purpose(&self) -> Option<PackagePurpose> {
        bc66_sim::package::purpose(&self.bytes)
    }
}

/// A case of a suite, before a rig is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteCase {
    /// The case. `off` of its cut is zero while [`Self::off_is_discharge`].
    pub case: Case,
    /// Whether the suite leaves it to the rig how long a cut lasts.
    pub off_is_discharge: bool,
    /// Why the suite does not want it run.
    pub skip: Option<String>,
    /// The campaign that is made of it, if one is.
    pub campaign: Option<SuiteCampaign>,
}

/// Many cuts in place of one, before a rig is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteCampaign {
    pub sweep: Option<Sweep>,
    pub claim: Option<ClaimCuts>,
    /// An uncut control run closes every block of so many cuts.
    pub block: u32,
}

/// A claim, and how its cuts are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimCuts {
    pub claim: Claim,
    pub kind: CutKind,
    /// How long the supply stays off; `None`: the rig's discharge time.
    pub off: Option<Duration>,
}

impl Suite {
    /// Whether it has packages that are made for this.
    pub fn is_for(&self, purpose: PackagePurpose) -> bool {
        self.packages
            .iter()
            .any(|loaded| loaded.purpose() == Some(purpose))
    }

    /// The package of this name.
    pub fn package(&self, name: &str) -> Option<&LoadedPackage> {
        self.packages.iter().find(|loaded| loaded.package.name == name)
    }
}
