//! Of each defect: the smallest thing that shows it, and the rule that it has to fail by.

use bc66_sim::defect::Defect;

/// How a defect shows.
pub(crate) enum Exhibit {
    /// In a suite, run by the program on a simulated rig.
    Suite(Suite),
    /// In a sweep of cuts over every operation on the flash.
    FlashSweep(Sweep),
}

/// A suite.
pub(crate) struct Suite {
    /// How much faster than real time the module lives: slower where a cut must hit a few milliseconds.
    pub speed: u32,
    /// Limits, and what else stands before the cases.
    pub head: &'static str,
    /// Text of each case, and the type of its verdict in `junit.xml`; empty for a pass.
    pub cases: &'static [(&'static str, &'static str)],
}

/// A sweep.
pub(crate) struct Sweep {
    /// Cuts in a row: in the update, and in the resume after it.
    pub cuts: u32,
    /// The rules that fire, the one that names the defect first; no other may.
    pub rules: &'static [&'static str],
}

/// Limits for modules that die: an update takes some 60 s, a boot 2 s.
const SHORT: &str = "limits: {boot: 20s, attach: 60s, resume: 40s, update: 120s}\n";
const CLEAN: &str = "{name: clean update, update: {package: a-to-b, via: uart}}";
const CUT: &str =
    "{name: forced resume, update: {package: a-to-b, via: uart}, cut: {at: updating 30%, after: 0ms..2s}}";
const CLEAN_COAP: &str = "{name: clean update over coap, update: {package: a-to-b, via: coap}}";

const BACK: &str = "{name: the other way, update: {package: b-to-a, via: uart}}";

/// Finds out what image the case before it left.
const WAY_BACK: (&str, &str) = (
    "{name: way back, update: {package: b-to-a, via: uart}}",
    "product.preparation-failed",
);

/// The highest speed of a suite whose cuts are aimed at milliseconds.
pub(crate) const AIMED: u32 = 8;

const fn suite(cases: &'static [(&'static str, &'static str)]) -> Exhibit {
    Exhibit::Suite(Suite {
        speed: 100,
        head: SHORT,
        cases,
    })
}

/// However busy the machine is: an order has to come while the download runs, or a line to be read that is always busy.
const fn unhurried(speed: u32, cases: &'static [(&'static str, &'static str)]) -> Exhibit {
    Exhibit::Suite(Suite {
        speed,
        head: SHORT,
        cases,
    })
}

/// What is legal and odd passes elsewhere.
const fn strict(cases: &'static [(&'static str, &'static str)]) -> Exhibit {
    let head = "anomalies: fail\nlimits: {boot: 20s, attach: 60s, resume: 40s, update: 120s}\n";
    let speed = 100;
    Exhibit::Suite(Suite { speed, head, cases })
}

const fn slow(speed: u32, cases: &'static [(&'static str, &'static str)]) -> Exhibit {
    let head = "limits: {boot: 5s, resume: 10s, update: 120s, settle: 1s}\n";
    Exhibit::Suite(Suite { speed, head, cases })
}

/// Those that are asked for: `DEFECT=NAME` looks only at those whose names hold it.
pub(crate) fn asked_for() -> impl Iterator<Item = Defect> {
    let name = std::env::var("DEFECT").unwrap_or_default();
    let defects = Defect::ALL.into_iter();
    defects.filter(move |defect| defect.name().contains(&name))
}

/// Whether it takes half a minute and more, most of it without work: at a low speed, or for commands and silence that are waited for.
pub(crate) fn is_slow(defect: Defect) -> bool {
    let is_aimed = matches!(exhibit(defect), Exhibit::Suite(suite) if suite.speed <= AIMED);
    let waits = matches!(
        defect,
        Defect::AnswersOneInFive
            | Defect::HangsBeforeEnd
            | Defect::HangsInUpdating
            | Defect::RebootLoop
            | Defect::SettingsLost
    );
    is_aimed || waits
}

const fn sweep(cuts: u32, rules: &'static [&'static str]) -> Exhibit {
    Exhibit::FlashSweep(Sweep { cuts, rules })
}

/// What shows a defect. A new one does not compile without its row.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn exhibit(defect: Defect) -> Exhibit {
    match defect {
        Defect::ForgetsResume | Defect::NoMarker => suite(&[(CUT, "product.no-resume")]),
        Defect::EndZeroOldVersion => suite(&[(CLEAN, "product.end-without-update")]),
        Defect::EndZeroCorruptedImage => suite(&[(CLEAN, "product.image-corrupt"), WAY_BACK]),
        Defect::HangsInUpdating => suite(&[(CLEAN, "product.update-stalled")]),
        Defect::DeadAfterCut | Defect::RebootLoop => suite(&[(CUT, "product.unresponsive")]),
        Defect::NeverPrintsEnd => suite(&[(CLEAN, "product.end-missing")]),
        Defect::StuckAtUpdating => suite(&[(CLEAN_COAP, "product.object-state")]),
        Defect::ResultNotReset => suite(&[
            (CLEAN_COAP, ""),
            (
                "{name: way back over coap, update: {package: b-to-a, via: coap}}",
                "product.result-not-reset",
            ),
        ]),
        Defect::CannotBeReObserved => suite(&[(CLEAN_COAP, "product.observe-refused")]),
        Defect::ExecutesInAnyState => unhurried(
            25,
            &[(
                "{name: update ordered too early, update: {package: a-to-b, via: coap}, faults: {coap: {execute-early: true, max-block: 256, delay: 1s}}}",
                "product.execute-too-early",
            )],
        ),
        // A cut in the last chunk, or behind it before the result stands; its end holds the version, so that nothing that
        // could run may be left.
        Defect::MarkerClearedEarly => sweep(1, &["no-resume", "unresponsive", "end-missing"]),
        Defect::NoBackup => sweep(1, &["update-failed", "unresponsive"]),
        Defect::BackupNotVerified => sweep(2, &["update-failed", "unresponsive"]),
        Defect::TornBackupTrusted => sweep(1, &["update-failed", "unresponsive"]),
        Defect::ResumesWrongChunk => suite(&[(CUT, "product.image-corrupt"), WAY_BACK]),
        Defect::DownloadsAgain => suite(&[(
            "{name: forced resume over http, update: {package: a-to-b, via: http}, cut: {at: updating 30%, after: 0ms..2s}}",
            "product.downloaded-again",
        )]),
        Defect::BricksAbove90 => suite(&[
            (
                "{name: power lost at 50 %, update: {package: a-to-b, via: uart}, cut: {at: updating 50%}}",
                "",
            ),
            (
                "{name: power lost at 95 %, update: {package: b-to-a, via: uart}, cut: {at: updating 95%}}",
                "product.unresponsive",
            ),
        ]),
        Defect::BricksNearPercent => slow(
            5,
            &[
                (
                    "{name: power lost between percentages, update: {package: a-to-b, via: uart}, cut: {at: updating 20%, after: 250ms}}",
                    "",
                ),
                (
                    "{name: power lost at a percentage, update: {package: b-to-a, via: uart}, cut: {at: updating 20%}}",
                    "product.unresponsive",
                ),
            ],
        ),
        Defect::LosesNetwork => suite(&[(CLEAN, "product.function-lost")]),
        Defect::ImeiLost => suite(&[(CLEAN, "product.imei-changed")]),
        Defect::WrongCrcAccepted => suite(&[(
            "{name: block with a wrong crc, update: {package: a-to-b, via: uart}, faults: {uart: {corrupt-block: 1}}, expect: {reply: ERROR, version: unchanged}}",
            "product.unexpected-reply",
        )]),
        Defect::WrongDigestAccepted => suite(&[(
            "{name: damaged package, update: {package: a-to-b, via: uart}, faults: {uart: {damage: 50%}}, expect: {update: 255, version: unchanged}}",
            "product.update-code",
        )]),
        Defect::WrongBaseAccepted => suite(&[(
            "{name: wrong base version, update: {package: b-to-a, via: uart, on: BC66NBR01A01}, expect: {update: 254, version: unchanged}}",
            "product.update-code",
        )]),
        Defect::RangeIgnored => suite(&[(
            "{name: power lost downloading, update: {package: a-to-b, via: http}, cut: {at: downloading 50%}, faults: {http: {ignore-range: true}}}",
            "product.update-failed",
        )]),
        Defect::IgnoresUpdateAfterGlitch => slow(
            2,
            &[(
                "{name: glitch, update: {package: a-to-b, via: uart}, cut: {at: updating 20%, off: 1ms}}",
                "product.no-resume",
            )],
        ),
        Defect::NeedsLongOff => suite(&[
            (
                "{name: long without power, update: {package: a-to-b, via: uart}, cut: {at: updating 30%, off: 15s}}",
                "",
            ),
            (
                "{name: shortly without power, update: {package: b-to-a, via: uart}, cut: {at: updating 30%, off: 5s}}",
                "product.no-resume",
            ),
        ]),
        Defect::BusyForEver => suite(&[(CLEAN, ""), (BACK, "product.update-failed")]),
        Defect::SettingsLost | Defect::DeafLater | Defect::HangsBeforeEnd | Defect::AnswersOneInFive => {
            suite(&[(CLEAN, "product.unresponsive")])
        }
        Defect::LoopsLater | Defect::RebootsEvery10s | Defect::BootsTwice => {
            suite(&[(CLEAN, "product.reboots-by-itself")])
        }
        Defect::QuietAfterUpdate => suite(&[(CLEAN, "product.end-missing")]),
        // As much of the line as it fills, a fast one would have to be read by a fast machine.
        Defect::CeregFlood => unhurried(8, &[(CLEAN, "product.floods-the-line")]),
        Defect::GarbledRevision => suite(&[(CLEAN, "product.identity-lost")]),
        // The version comes one question late; the answer to the next one is no IMEI.
        Defect::StaleReplies => suite(&[(CLEAN, "product.imei-changed")]),
        Defect::CmeForEverything => suite(&[(CLEAN, "product.unresponsive")]),
        Defect::SimIdentityLost => suite(&[(CLEAN, "product.function-lost")]),
        Defect::RestoresOldWithError | Defect::FiveTriesThenOld => suite(&[(CUT, "product.update-failed")]),
        Defect::GivesUpResume => suite(&[(CUT, "product.update-failed")]),
        Defect::GivesUpSilently => suite(&[(CUT, "product.no-resume")]),
        Defect::ResumeWithoutUpdating => strict(&[(CUT, "product.anomaly")]),
        Defect::ResetsWhileUpdating | Defect::PercentOutOfRange => strict(&[(CLEAN, "product.anomaly")]),
        Defect::OldImageOnSecondBoot => suite(&[(CLEAN, "product.readings-differ")]),
        Defect::UpdatesAgainLater => suite(&[(
            "{name: clean update, update: {package: a-to-b, via: uart}, confirm: 2}",
            "product.updating-after-end",
        )]),
        Defect::LargeBlocksCorrupted => suite(&[
            (CLEAN, ""),
            (
                "{name: large blocks, update: {package: b-to-a, via: uart, block_size: 8192}}",
                "product.update-failed",
            ),
        ]),
    }
}

impl Suite {
    /// Its text, behind the packages.
    pub(crate) fn text(&self) -> String {
        let cases: String = self
            .cases
            .iter()
            .map(|(case, _)| format!("  - {case}\n"))
            .collect();
        format!("{}cases:\n{cases}", self.head)
    }
}

impl Exhibit {
    /// The rule that names the defect.
    pub(crate) fn rule(&self) -> &'static str {
        match self {
            Self::Suite(suite) => {
                let mut kinds = suite.cases.iter().map(|(_, kind)| *kind);
                let kind = kinds.find(|kind| !kind.is_empty()).expect("a defect shows");
                kind.split_once('.').map_or(kind, |(_, rule)| rule)
            }
            Self::FlashSweep(sweep) => sweep.rules.first().expect("a defect shows"),
        }
    }
}
