//! A suite as it will be planned: every case expanded and checked, every package read.

pub mod case_file;
pub mod fault_file;
pub mod matrix;
pub mod measure_file;
pub mod suite_file;
pub mod suite_keys;
pub mod suite_literals;

use bytes::Bytes;
use dfota_core::case::{Case, Package, Via};
use std::path::PathBuf;

/// A suite, its file read and found sound.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Its file, as the path was given.
    pub file: PathBuf,
    /// The same with links resolved.
    pub canonical: PathBuf,
    /// The file's text.
    pub text: String,
    /// Its SHA-256 in hex.
    pub sha256: String,
    /// The packages, in the order of the file.
    pub packages: Vec<LoadedPackage>,
    /// How the packages get into the module that bring it to the version a case starts from.
    pub prepare: Via,
    /// The cases, in the order of the file, each matrix multiplied out, its last key running fastest.
    pub cases: Vec<SuiteCase>,
    /// What is no mistake but worth a word, each with its place.
    pub warnings: Vec<String>,
}

/// A package with its bytes, which nobody looks into.
#[derive(Debug, Clone)]
pub struct LoadedPackage {
    /// As the suite declares it.
    pub package: Package,
    /// Where it was read.
    pub path: PathBuf,
    /// All of it.
    pub bytes: Bytes,
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
}

impl Suite {
    /// The package of this name.
    pub fn package(&self, name: &str) -> Option<&LoadedPackage> {
        self.packages.iter().find(|loaded| loaded.package.name == name)
    }
}
