//! Verdicts, and the rules that reach them.

use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Serialize};

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// As expected.
    Pass,
    /// The module is at fault.
    Fail(Finding),
    /// We are: rig, network, server, suite or harness.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// For the engineer who has to act on it.
    pub sentence: String,
}

impl Verdict {
    /// The verdict that a rule's class asks for.
    pub fn of(rule: Rule, sentence: String) -> Self {
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
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The module.
    Product,
    /// Supply, lines, serial port.
    Rig,
    /// Radio network, or the way from it to the servers.
    Network,
    /// The harness's own package servers.
    Server,
    /// The suite file.
    Suite,
    /// The harness.
    Harness,
    /// Nobody: the experiment was another one than planned.
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

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $class:ident;)+) => {
        /// Everything that a verdict other than pass can rest on. Tests and reports speak of the ids.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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

            /// What it means, in a sentence or two.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

rules! {
    /// The module does not answer any more, nor after another power cycle and a reset.
    Unresponsive = "unresponsive", Product;
    /// The module runs a version that is neither the package's source nor its target.
    WrongVersion = "wrong-version", Product;
    /// Power was lost while UPDATING, and the module runs the source version without having resumed.
    NoResume = "no-resume", Product;
    /// END,0 was reported and the source version runs on.
    EndWithoutUpdate = "end-without-update", Product;
    /// The update ended with an error code where success was expected.
    UpdateFailed = "update-failed", Product;
    /// The target version was expected and is not what runs.
    TargetNotReached = "target-not-reached", Product;
    /// The version changed where it had to stay.
    VersionChanged = "version-changed", Product;
    /// UPDATING went on for longer than the limit without an END.
    UpdateStalled = "update-stalled", Product;
    /// Neither UPDATING nor RDY came within the limit after the supply returned.
    ResumeTimeout = "resume-timeout", Product;
    /// The target version runs, but no END was reported, not even on one further boot.
    EndMissing = "end-missing", Product;
    /// The result of the update is not the expected one.
    UpdateCode = "update-code", Product;
    /// The result of the download is not the expected one.
    DownloadCode = "download-code", Product;
    /// The download never ended within its limit, although the server was reached.
    DownloadStalled = "download-stalled", Product;
    /// A command was answered otherwise than expected.
    UnexpectedReply = "unexpected-reply", Product;
    /// A command of the application note was not answered within its time.
    NoReply = "no-reply", Product;
    /// The next, known-good delta was refused: the image was not what its version said.
    ImageCorrupt = "image-corrupt", Product;
    /// START or UPDATING came although nothing had been ordered and no resume was due.
    UpdateUnasked = "update-unasked", Product;
    /// START or UPDATING came after END had been reported.
    UpdatingAfterEnd = "updating-after-end", Product;
    /// START or UPDATING came before the download had ended.
    StartBeforeDownloadEnd = "start-before-download-end", Product;
    /// START or UPDATING came after the download had failed.
    StartAfterFailedDownload = "start-after-failed-download", Product;
    /// A download URC of another transport than the ordered one came.
    WrongTransport = "wrong-transport", Product;
    /// The package was fetched a second time although UPDATING had begun.
    DownloadedAgain = "downloaded-again", Product;
    /// The IMEI is not the one it was.
    ImeiChanged = "imei-changed", Product;
    /// Something that the module could do before the update is lost: SIM, full functionality, registration or address.
    FunctionLost = "function-lost", Product;
    /// After one more power cycle the module runs another version than it did just before.
    ReadingsDiffer = "readings-differ", Product;
    /// A measurement is out of the limits that the suite declares for it.
    MeasurementOutOfLimits = "measurement-out-of-limits", Product;
    /// The firmware update object took an Update before its state was 2 (Downloaded).
    ExecuteTooEarly = "execute-too-early", Product;
    /// The update result was not reset to 0 when a download began.
    ResultNotReset = "result-not-reset", Product;
    /// The firmware update object went from 3 (Updating) back to 2 (Downloaded) and gave no result.
    UpdateWithoutResult = "update-without-result", Product;
    /// The firmware update object could be observed before a reboot and cannot be after it.
    ObserveRefused = "observe-refused", Product;
    /// What the firmware update object says contradicts what it said before.
    ObjectContradiction = "object-contradiction", Product;
    /// State or result of the firmware update object is not the expected one, or tells another story than END and the version.
    ObjectState = "object-state", Product;
    /// More of the counted cuts bricked the module than the claim survives.
    ClaimRefuted = "claim-refuted", Product;

    /// The module still sent, or the sense line still showed a supply, after it was switched off and the discharge time was over; or the module answers without having booted since.
    PowerNotCut = "power-not-cut", Rig;
    /// The module does not boot, and the sense line shows no supply although it was switched on.
    NoSupply = "no-supply", Rig;
    /// The module answers nothing although no update was under way: before the case began.
    NoModule = "no-module", Rig;
    /// The module is not of the type that the rig file names.
    WrongModule = "wrong-module", Rig;
    /// The serial port failed.
    SerialLost = "serial-lost", Rig;
    /// A line (power, reset, PWRKEY) could not be moved, or moving it did nothing.
    LineFailed = "line-failed", Rig;
    /// A cut took longer than the suite's `cut-latency` allows; the rig goes on.
    CutSlow = "cut-slow", Rig;
    /// The rig could not be opened, failed its self-check, or is broken since an earlier case.
    RigBroken = "rig-broken", Rig;
    /// The rig failed its self-check in an earlier run and has passed none since.
    RigQuarantined = "rig-quarantined", Rig;
    /// The module did not register within the limit, or got no address.
    NotRegistered = "not-registered", Network;
    /// The download failed and no request had reached the server.
    ServerNotReached = "server-not-reached", Network;
    /// The download failed after a connection had broken that no fault had asked for.
    DownloadBroken = "download-broken", Network;
    /// The package server failed.
    ServerFailed = "server-failed", Server;
    /// The module did not register at the LwM2M server within the limit.
    NotRegisteredLwm2m = "lwm2m-not-registered", Network;
    /// State and result of the firmware object could not be read back after the update.
    Lwm2mSilent = "lwm2m-silent", Network;
    /// No chain of known packages leads to the version that the case needs.
    NoChain = "no-chain", Suite;
    /// An update that was to prepare the case did not succeed.
    PreparationFailed = "preparation-failed", Harness;
    /// The harness itself failed.
    HarnessFailed = "harness-failed", Harness;

    /// The cut never happened: its moment was not met.
    CutMissed = "cut-missed", Inconclusive;
    /// The cut came after END although it was armed for an earlier moment.
    CutLate = "cut-late", Inconclusive;
    /// The update had been finished before the cut: only RDY, END,0 and the target version came.
    FinishedBeforeCut = "finished-before-cut", Inconclusive;
    /// A fault that the case declares was never brought about.
    FaultNotMet = "fault-not-met", Inconclusive;
    /// A measurement that the suite declares was never taken.
    MeasurementMissing = "measurement-missing", Inconclusive;
    /// Too few cuts have counted so far for the claim to be shown.
    ClaimOpen = "claim-open", Inconclusive;
    /// The cut that was drawn for a claim landed outside its window, in every try.
    CutOutside = "cut-outside", Inconclusive;
    /// The moments that the cut is laid out by were not timed: the campaign has no calibration.
    NotCalibrated = "not-calibrated", Inconclusive;
    /// The run was interrupted during the case.
    Interrupted = "interrupted", Inconclusive;
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
