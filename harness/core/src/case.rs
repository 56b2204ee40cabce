//! A case as it will be run: everything resolved, nothing left to look up.

use crate::cut::CutPlan;
use crate::expect::Expect;
use crate::fault::{Faults, HttpFaults};
use crate::measure::Declared;
use crate::retries::Retries;
use crate::version::Version;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// How a package gets into the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// Downloaded over HTTP (AN §2).
    Http,
    /// Uploaded over the UART (AN §3).
    Uart,
    /// Downloaded over CoAP, ordered over LwM2M (AN §4).
    Coap,
}

impl Via {
    /// All, in the order of the application note.
    pub const ALL: [Self; 3] = [Self::Http, Self::Uart, Self::Coap];

    /// As suites write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Uart => "uart",
            Self::Coap => "coap",
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A package as the suite declares it. Its bytes are opaque: from and to are what the suite says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            boot: Duration::from_secs(30),
            attach: bc66_wire::timing::FIRST_ATTACH_MAX,
            download: Duration::from_secs(15 * 60),
            resume: Duration::from_secs(60),
            update: Duration::from_secs(10 * 60),
        }
    }
}

/// One case of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What the harness does wrong on purpose.
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
    /// Measurements that have to be taken, and their limits.
    #[serde(default)]
    pub measures: Vec<Declared>,
    /// Ids of the requirements that the case speaks to.
    pub requirements: Vec<String>,
    /// Tags for `--tag`.
    pub tags: Vec<String>,
}

impl Case {
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

    /// The id with nothing but letters, digits, `.`, `_` and `-`, and the suite before it: a file name, and different
    /// for different cases.
    pub fn slug(&self) -> String {
        let mut slug = String::new();
        for c in self.suite.chars().chain(['.']).chain(self.id.chars()) {
            match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => slug.push(c),
                '%' | ']' => {}
                _ => slug.push('-'),
            }
        }
        slug
    }
}
