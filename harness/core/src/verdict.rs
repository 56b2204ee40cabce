//! Verdicts, and the rules that reach them.

use crate::exit_code::ExitCode;
use alloc::string::String;
use core::fmt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// As expected.
    Pass,
    /// The module is at fault.
    Fail(Finding),
    /// Not the module is at fault: rig, network, server, suite or harness.
    Error(Finding),
    /// The experiment did not happen as planned.
    Inconclusive(Finding),
    /// Not run, for a reason.
    Skip {
        /// The reason.
        reason: String,
    },
    /// Not run because the run ended before it.
    NotReached,
}

/// A rule that fired, and one sentence that says what was expected and what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// For the engineer who has to act on it.
    pub sentence: String,
}

impl Verdict {
    /// The verdict that a rule's class asks for.
    pub fn by(rule: Rule, sentence: String) -> Self {
        let finding = Finding { rule, sentence };
        match rule.class() {
            Class::Product => Self::Fail(finding),
            Class::Inconclusive => Self::Inconclusive(finding),
            Class::Rig | Class::Network | Class::Server | Class::Suite | Class::Harness => {
                Self::Error(finding)
            }
        }
    }

    /// The finding, where there is one.
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Fail(finding) | Self::Error(finding) | Self::Inconclusive(finding) => Some(finding),
            Self::Pass | Self::Skip { .. } | Self::NotReached => None,
        }
    }

    /// Whose fault it is, if it is anyone's.
    pub fn class(&self) -> Option<Class> {
        self.finding().map(|finding| finding.rule.class())
    }

    /// Its name, as console and files write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Error(_) => "error",
            Self::Inconclusive(_) => "inconclusive",
            Self::Skip { .. } => "skip",
            Self::NotReached => "not-reached",
        }
    }
}

/// The exit code that verdicts give.
pub fn exit_code<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>, interrupted: bool) -> ExitCode {
    let (mut passed, mut failed, mut other) = (false, false, false);
    for verdict in verdicts {
        match verdict {
            Verdict::Pass => passed = true,
            Verdict::Fail(_) => failed = true,
            Verdict::Error(_) | Verdict::Inconclusive(_) | Verdict::NotReached => other = true,
            Verdict::Skip { .. } => {}
        }
    }
    match (failed, interrupted, other, passed) {
        (true, ..) => ExitCode::Failed,
        (_, true, ..) => ExitCode::Interrupted,
        (_, _, true, _) | (_, _, _, false) => ExitCode::Error,
        _ => ExitCode::Success,
    }
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Product,
    /// Supply, lines, serial port.
    Rig,
    /// Radio network, or the way from it to the servers.
    Network,
    /// The harness's own package servers.
    Server,
    Suite,
    Harness,
    /// No one's: the experiment was not the planned one.
    Inconclusive,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Product => "product",
            Self::Rig => "rig",
            Self::Network => "network",
            Self::Server => "server",
            Self::Suite => "suite",
            Self::Harness => "harness",
            Self::Inconclusive => "inconclusive",
        })
    }
}

/// What a rule rests on. What was not heard is not evidence: a rule that rests on something missing cannot fire over a gap
/// that could hide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Something that was heard, read or measured.
    Seen,
    /// Something that did not come.
    Missing,
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $class:ident, $basis:ident;)+) => {
        /// Everything that a verdict other than pass can rest on. Tests and reports use the ids.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Rule {
            $($(#[doc = $doc])+ #[serde(rename = $id)] $name,)+
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The id.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// Whose fault a case is on which it fired.
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)+ }
            }

            /// What it rests on.
            pub const fn basis(self) -> Basis {
                match self { $(Self::$name => Basis::$basis,)+ }
            }

            /// What it means, in a sentence or two.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

rules! {
    /// The module does not answer, even after another power cycle and a reset.
    Unresponsive = "unresponsive", Product, Seen;
    /// The module runs a version that is neither the package's source nor its target.
    WrongVersion = "wrong-version", Product, Seen;
    /// Power was lost while UPDATING, and the module runs the source version without having resumed.
    NoResume = "no-resume", Product, Missing;
    /// END,0 was reported and the source version runs on.
    EndWithoutUpdate = "end-without-update", Product, Seen;
    /// The update ended with an error code where success was expected, also after a forced resume.
    UpdateFailed = "update-failed", Product, Seen;
    /// The target version was expected and is not what runs.
    TargetNotReached = "target-not-reached", Product, Seen;
    /// The version changed where it had to stay.
    VersionChanged = "version-changed", Product, Seen;
    /// UPDATING went on for longer than the limit without an END.
    UpdateStalled = "update-stalled", Product, Missing;
    /// Neither UPDATING nor RDY came within the limit after the supply returned.
    ResumeTimeout = "resume-timeout", Product, Missing;
    /// The target version runs, or a result code is expected, but no END was reported, not even on one further boot.
    EndMissing = "end-missing", Product, Missing;
    /// The result of the update is not the expected one.
    UpdateCode = "update-code", Product, Seen;
    /// The result of the download is not the expected one.
    DownloadCode = "download-code", Product, Seen;
    /// An end of the download was expected, and none was reported.
    DownloadEndMissing = "download-end-missing", Product, Missing;
    /// The download never ended within its limit, although the server was reached.
    DownloadStalled = "download-stalled", Product, Missing;
    /// The reply to a command is not the expected one.
    UnexpectedReply = "unexpected-reply", Product, Seen;
    /// A command of the application note was not answered within its time.
    NoReply = "no-reply", Product, Missing;
    /// The next, known-good delta was refused: the image does not match its version.
    ImageCorrupt = "image-corrupt", Product, Seen;
    /// START or UPDATING came although no update had been ordered and no resume was expected.
    UpdateUnasked = "update-unasked", Product, Seen;
    /// START or UPDATING came after END had been reported.
    UpdatingAfterEnd = "updating-after-end", Product, Seen;
    /// START or UPDATING came before the download had ended.
    StartBeforeDownloadEnd = "start-before-download-end", Product, Seen;
    /// START or UPDATING came after the download had failed.
    StartAfterFailedDownload = "start-after-failed-download", Product, Seen;
    /// A download URC of another transport than the ordered one came.
    WrongTransport = "wrong-transport", Product, Seen;
    /// The package was fetched a second time although UPDATING had begun.
    DownloadedAgain = "downloaded-again", Product, Seen;
    /// The case could not be prepared: an earlier case left an image that no known-good delta fits.
    PreparationFailed = "preparation-failed", Product, Seen;
    /// The IMEI is not the one from before the update.
    ImeiChanged = "imei-changed", Product, Seen;
    /// A capability from before the update is lost or has changed: SIM and its numbers, full functionality, registration or address.
    FunctionLost = "function-lost", Product, Seen;
    /// After one more power cycle the module runs another version than it did just before.
    ReadingsDiffer = "readings-differ", Product, Seen;
    /// The module booted, or was reset, after its application had come up, and the harness had not caused it.
    RebootsByItself = "reboots-by-itself", Product, Seen;
    /// The module sends unsolicited output without end: its line is busy for more than a quarter of the time.
    FloodsTheLine = "floods-the-line", Product, Seen;
    /// The module answers, but its identity and version cannot be read; before the update they could.
    IdentityLost = "identity-lost", Product, Seen;
    /// Something legal but unusual happened, and the suite declares that to be a fail (`anomalies: fail`).
    Anomaly = "anomaly", Product, Seen;
    /// A measurement is out of the limits that the suite declares for it.
    MeasurementOutOfLimits = "measurement-out-of-limits", Product, Seen;
    /// The firmware update object took an Update before its state was 2 (Downloaded).
    ExecuteTooEarly = "execute-too-early", Product, Seen;
    /// The update result was not reset to 0 when a download began.
    ResultNotReset = "result-not-reset", Product, Seen;
    /// The firmware update object went from 3 (Updating) back to 2 (Downloaded) and gave no result.
    UpdateWithoutResult = "update-without-result", Product, Seen;
    /// The firmware update object could be observed before a reboot and cannot be after it.
    ObserveRefused = "observe-refused", Product, Seen;
    /// What the firmware update object says contradicts what it said before.
    ObjectContradiction = "object-contradiction", Product, Seen;
    /// State or result of the firmware update object is not the expected one, or contradicts END and the version.
    ObjectState = "object-state", Product, Seen;
    /// More of the counted cuts bricked the module than the claim survives: these cuts cannot show the claim, but do not refute it.
    ClaimNotShown = "claim-not-shown", Product, Seen;
    /// So many of the counted cuts bricked the module that the claim cannot hold: the lower bound of the rate lies above it.
    ClaimRefuted = "claim-refuted", Product, Seen;

    /// The module still sent, or the sense line still showed a supply, after it was switched off and the discharge time was over; or the module answers without having booted since.
    PowerNotCut = "power-not-cut", Rig, Seen;
    /// The module does not boot, and the sense line shows no supply although it was switched on.
    NoSupply = "no-supply", Rig, Seen;
    /// The module did not answer before the case began, while no update was under way.
    NoModule = "no-module", Rig, Missing;
    /// The module is not of the type that the rig file names.
    WrongModule = "wrong-module", Rig, Seen;
    /// The serial port failed, or was away when the module may have sent the missing line.
    SerialLost = "serial-lost", Rig, Seen;
    /// A line (power, reset, PWRKEY) could not be moved, or moving it did nothing.
    LineFailed = "line-failed", Rig, Seen;
    /// A cut took longer than the suite's `cut-latency` allows; the rig goes on.
    CutSlow = "cut-slow", Rig, Seen;
    /// The rig could not be opened, failed its self-check, or is broken since an earlier case.
    RigBroken = "rig-broken", Rig, Seen;
    /// The rig failed its self-check in an earlier run and has passed none since.
    RigQuarantined = "rig-quarantined", Rig, Seen;
    /// No rig ran the case to its end: each that took it was lost, or no rig is left that can run it.
    RigLost = "rig-lost", Rig, Seen;
    /// The module did not register within the limit, or got no address.
    NotRegistered = "not-registered", Network, Missing;
    /// The download failed and no request had reached the server.
    ServerNotReached = "server-not-reached", Network, Missing;
    /// The download failed after a connection had broken without an injected fault.
    DownloadBroken = "download-broken", Network, Seen;
    /// The package server failed, or could not listen.
    ServerFailed = "server-failed", Server, Seen;
    /// The module did not register at the LwM2M server within the limit.
    NotRegisteredLwm2m = "lwm2m-not-registered", Network, Missing;
    /// State and result of the firmware object could not be read back after the update.
    Lwm2mSilent = "lwm2m-silent", Network, Missing;
    /// No chain of known packages leads to the version that the case needs.
    NoChain = "no-chain", Suite, Seen;
    /// The harness itself failed.
    HarnessFailed = "harness-failed", Harness, Seen;

    /// The cut never happened: its moment was not met.
    CutMissed = "cut-missed", Inconclusive, Missing;
    /// The cut came after END although it was armed for an earlier moment.
    CutLate = "cut-late", Inconclusive, Seen;
    /// The update had been finished before the cut: only RDY, END,0 and the target version came.
    FinishedBeforeCut = "finished-before-cut", Inconclusive, Missing;
    /// A fault that the case declares was never injected.
    FaultNotMet = "fault-not-met", Inconclusive, Missing;
    /// A measurement that the suite declares was never taken.
    MeasurementMissing = "measurement-missing", Inconclusive, Missing;
    /// Too few cuts have counted so far for the claim to be shown.
    ClaimOpen = "claim-open", Inconclusive, Seen;
    /// The cut that was drawn for a claim landed outside its window, in every try.
    CutOutside = "cut-outside", Inconclusive, Seen;
    /// The campaign has no calibration: the moments that place the cut were not timed.
    NotCalibrated = "not-calibrated", Inconclusive, Seen;
    /// The run was interrupted during the case.
    Interrupted = "interrupted", Inconclusive, Seen;
}

impl Rule {
    /// Whether the cases after it cannot be run. A cut that was slow says nothing of the next one.
    pub fn breaks_the_rig(self) -> bool {
        self.class() == Class::Rig && self != Self::CutSlow
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_kebab_case_and_explained() {
        for (n, rule) in Rule::ALL.iter().enumerate() {
            assert!(
                rule.id()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{rule}"
            );
            assert!(
                Rule::ALL[..n].iter().all(|other| other.id() != rule.id()),
                "{rule} twice"
            );
            assert!(rule.meaning().ends_with('.'), "{rule}: {}", rule.meaning());
            let json = serde_json::to_string(rule).unwrap();
            assert_eq!(json, alloc::format!("\"{}\"", rule.id()));
        }
    }
}
