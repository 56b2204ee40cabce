//! One update as seen from outside: a state machine over URCs and the edges of the supply.
//!
//! It decides nothing about pass or fail. It knows where the update stands, keeps one [`Life`] for each time the module
//! was alive between two edges, and names what is illegal in itself by a [`Rule`]. [`crate::judge`] does the rest.

use crate::event_id::EventId;
use crate::percent::Percent;
use crate::transport::Via;
use crate::urc::{Fota, Urc};
use crate::verdict::Rule;
use alloc::vec::Vec;
use bc66_spec::code::{DownloadCode, UpdateCode};
use core::fmt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the update stands, as far as the module has said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing was ordered.
    Idle,
    /// A block is being uploaded over the UART.
    Uploading {
        /// Its number.
        block: u32,
    },
    /// The module downloads.
    Downloading {
        /// The last percentage it reported.
        percent: Option<Percent>,
    },
    /// The download failed: nothing is under way any more.
    DownloadFailed {
        /// `<download_err>`.
        code: u32,
    },
    /// The package is there and the update is ordered, or START was seen; no UPDATING yet.
    Ordered,
    /// UPDATING was seen.
    Updating {
        /// The last percentage.
        percent: Percent,
    },
    /// END was seen.
    Ended {
        /// `<update_err>`.
        code: u32,
    },
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("idle"),
            Self::Uploading { block } => write!(f, "upload block {block}"),
            Self::Downloading {
                percent: Some(percent),
            } => write!(f, "DOWNLOADING {percent}"),
            Self::Downloading { percent: None } => f.write_str("DOWNLOADING (no percent yet)"),
            Self::DownloadFailed { code } => write!(f, "failed download ({code})"),
            Self::Ordered => f.write_str("START (no UPDATING yet)"),
            Self::Updating { percent } => write!(f, "UPDATING {percent}"),
            Self::Ended { code } => write!(f, "END,{code}"),
        }
    }
}

impl Phase {
    /// When something came, for the end of a sentence.
    pub fn as_time(self) -> alloc::string::String {
        match self {
            Self::Idle => "when no update was under way".into(),
            Self::Ended { code } => alloc::format!("after END,{code}"),
            Self::DownloadFailed { code } => alloc::format!("after the download had failed with {code}"),
            other => alloc::format!("at {other}"),
        }
    }
}

/// What may come in a life, by what the cut before it interrupted (contract: "legal after a cut").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AfterCut {
    /// The source version runs on; an update needs a new order.
    Nothing,
    /// The source version runs on, or a forced resume.
    MayResume,
    MustResume,
    /// The target version runs on.
    Finished,
}

impl Phase {
    /// What may follow when the supply is lost in this phase.
    pub fn due_after_cut(self) -> AfterCut {
        match self {
            Self::Idle | Self::Uploading { .. } | Self::DownloadFailed { .. } => AfterCut::Nothing,
            // At 100 % the package is complete in flash: HTTPEND may be as near as the next byte.
            Self::Downloading {
                percent: Some(Percent::FULL),
            }
            | Self::Ordered => AfterCut::MayResume,
            Self::Downloading { .. } => AfterCut::Nothing,
            Self::Updating { .. } => AfterCut::MustResume,
            Self::Ended { .. } => AfterCut::Finished,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateInput {
    /// The first byte of a block is about to be written.
    Block(u32),
    /// The order is about to be written.
    Order,
    /// The order was refused.
    Refused,
    /// The file server saw by the module's requests that it has so much of the package; CoAP has no DOWNLOADING (AN §5.4).
    Served(Percent),
    /// The module said something.
    Urc(Urc),
    /// The supply was cut or reset asserted. A glitch is shorter than the rail's discharge: the module may ride through.
    Cut {
        /// Whether it was one.
        glitch: bool,
    },
    /// The harness cycles the supply or resets the module itself, for instance to ask once more: nothing of it is an
    /// experiment.
    Cycle,
    /// The harness pressed PWRKEY: a boot may follow.
    Key,
    /// The harness could not hear the module for a while.
    Gap,
}

/// What the module said while it was alive between two edges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Life {
    pub start: bool,
    /// First and last percentage of UPDATING.
    pub updating: Option<(Percent, Percent)>,
    /// Result codes of END, in order.
    pub ends: Vec<UpdateCode>,
    pub download_start: bool,
    /// Last result of a download.
    pub download: Option<DownloadCode>,
    /// Times that the boot ROM's block began.
    pub boot_roms: u32,
    /// Boots between two UPDATINGs: nobody caused them.
    pub resets: u32,
    /// A reset inside UPDATING, if UPDATING goes on.
    reset_pending: u32,
    /// Boots that what came before explains: the supply, START, UPDATING.
    explained: u8,
    /// The boot ROM's block came, and RDY has not followed yet.
    booting: bool,
    /// The harness could not hear the module at some time in this life, and neither START nor UPDATING came after it.
    pub gap: bool,
    /// The same, when END was heard first.
    pub gap_before_end: bool,
    /// The application came up.
    pub ready: bool,
    /// The phase in which the life was cut; `None` for the last one and for those the harness ended itself.
    pub cut: Option<Phase>,
    /// The cut was a glitch.
    pub glitch: bool,
}

impl Life {
    /// Whether UPDATING came to 100 % and the module has booted since.
    pub fn finished(&self) -> bool {
        self.updating.is_some_and(|(_, last)| last == Percent::FULL) && self.reset_pending > 0
    }

    /// Whether the boot ROM's block was the last thing heard, so that the module was on its way up.
    pub fn is_booting(&self) -> bool {
        self.booting
    }

    /// Whether the update was seen to go on.
    pub fn updates(&self) -> bool {
        self.start || self.updating.is_some()
    }
}

/// Most events of an update that are kept by their places, ENDs of a life, and lines that broke a rule: a module can repeat
/// one for hours.
const NOTED: usize = 4096;
const KEPT: usize = 64;

/// Boots that an order or START explains: into the bootloader, and out of it, also where it refuses the package without a
/// single UPDATING.
const REBOOTS_OF_AN_UPDATE: u8 = 2;

/// Something that is illegal wherever it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// The rule it breaks.
    pub rule: Rule,
    /// The phase in which it came.
    pub phase: Phase,
    pub urc: Urc,
}

/// Something that happened, and its place in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotedInput {
    pub input: UpdateInput,
    /// The rule that it broke.
    pub broke: Option<Rule>,
    /// In which of the [`Update::lives`], counted from 0.
    pub life: usize,
    pub id: EventId,
}

#[derive(Debug, Clone)]
pub struct Update {
    via: Via,
    phase: Phase,
    due: AfterCut,
    after_cuts: AfterCut,
    glitch: bool,
    ordered: bool,
    full: bool,
    /// UPDATING was heard since the order, and no END since then.
    begun: bool,
    /// Where the last cut landed is not known: UPDATING or END may have come before it while nobody could hear it.
    uncertain: bool,
    lives: Vec<Life>,
    violations: Vec<Violation>,
    noted: Vec<NotedInput>,
}

impl Update {
    /// Before an update over `via`.
    pub fn new(via: Via) -> Self {
        Self {
            via,
            phase: Phase::Idle,
            due: AfterCut::Nothing,
            after_cuts: AfterCut::Nothing,
            glitch: false,
            ordered: false,
            full: false,
            begun: false,
            uncertain: false,
            lives: alloc::vec![Life::default()],
            violations: Vec::new(),
            noted: Vec::new(),
        }
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What may come in the present life.
    pub fn due(&self) -> AfterCut {
        self.due
    }

    /// What had to come after the cuts, as they landed; the harness's own cycles of the supply change nothing of it.
    pub fn after_cuts(&self) -> AfterCut {
        self.after_cuts
    }

    /// Whether what came before the last cut may not have been heard.
    pub fn is_uncertain(&self) -> bool {
        self.uncertain
    }

    pub fn life(&self) -> &Life {
        self.lives.last().expect("there is always one")
    }

    /// All lives, the present one last.
    pub fn lives(&self) -> &[Life] {
        &self.lives
    }

    /// Boots inside UPDATING that nobody caused.
    pub fn unexplained_resets(&self) -> u32 {
        self.lives.iter().map(|life| life.resets).sum()
    }

    /// What was illegal in itself, in the order it came.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Every END, in order.
    pub fn ends(&self) -> impl Iterator<Item = UpdateCode> + '_ {
        self.lives.iter().flat_map(|life| life.ends.iter().copied())
    }

    /// Where the last END stands, if it refused the package with 254 or 255: it does not fit the image, or is invalid.
    pub fn refused(&self) -> Option<EventId> {
        let end = |noted: &NotedInput| match noted.input {
            UpdateInput::Urc(Urc::Fota(Fota::End(code))) => Some((code, noted.id)),
            _ => None,
        };
        let (code, id) = self.noted.iter().rev().find_map(end)?;
        matches!(code, UpdateCode::Mismatch | UpdateCode::Invalid).then_some(id)
    }

    /// The last result of a download.
    pub fn download(&self) -> Option<DownloadCode> {
        self.lives.iter().rev().find_map(|life| life.download)
    }

    /// What happened and has a place in the journal, in the order it came.
    pub fn noted(&self) -> &[NotedInput] {
        &self.noted
    }

    /// Takes what happened and where it stands in the journal; gives the rule that it broke.
    pub fn on_event(&mut self, input: UpdateInput, id: EventId) -> Option<Rule> {
        let life = self.lives.len() - 1;
        let broke = self.on(input);
        // What says nothing of an update can come for ever.
        let tells = !matches!(
            input,
            UpdateInput::Urc(
                Urc::BootRomMore | Urc::Cfun(_) | Urc::SimReady | Urc::Ip | Urc::LwReg(_) | Urc::LwUpdate(_)
            )
        );
        if !tells || self.noted.len() >= NOTED {
            return broke;
        }
        self.noted.push(NotedInput {
            input,
            broke,
            life,
            id,
        });
        broke
    }

    /// Takes what happened; gives the rule that it broke.
    pub fn on(&mut self, input: UpdateInput) -> Option<Rule> {
        match input {
            UpdateInput::Block(block) => self.phase = Phase::Uploading { block },
            UpdateInput::Order => {
                self.ordered = true;
                self.due = AfterCut::Nothing;
                (self.full, self.begun, self.uncertain) = (false, false, false);
                self.phase = if self.via == Via::Uart {
                    self.life_mut().explained = REBOOTS_OF_AN_UPDATE;
                    Phase::Ordered
                } else {
                    Phase::Downloading { percent: None }
                };
            }
            UpdateInput::Refused => {
                self.ordered = false;
                self.phase = Phase::Idle;
            }
            UpdateInput::Served(percent) => {
                if let Phase::Downloading { .. } = self.phase {
                    self.phase = Phase::Downloading {
                        percent: Some(percent),
                    };
                }
            }
            UpdateInput::Urc(urc) => return self.on_urc(urc),
            UpdateInput::Cut { glitch } => {
                let before = self.due;
                self.due = self.due_now();
                self.after_cuts = self.due;
                // A cut that certainly landed in UPDATING stays one, whatever was not heard later.
                if before != AfterCut::MustResume {
                    self.uncertain = self.life().gap || (self.uncertain && self.life().updating.is_none());
                }
                let phase = self.phase;
                let life = self.life_mut();
                (life.cut, life.glitch) = (Some(phase), glitch);
                self.next_life(glitch);
            }
            UpdateInput::Cycle => {
                self.due = self.due_now();
                self.next_life(false);
            }
            UpdateInput::Key => {
                let life = self.life_mut();
                life.explained = life.explained.max(1);
            }
            UpdateInput::Gap => {
                // A START that was not heard explains boots; behind END there is none that is legal.
                let ended = self.ends().next().is_some();
                let life = self.life_mut();
                life.gap = true;
                if !ended {
                    life.explained = REBOOTS_OF_AN_UPDATE;
                }
            }
        }
        None
    }

    /// What may follow when the supply is lost now. A resume that was due before stays due until END,0, also when the
    /// resumed update had not come as far as UPDATING again; and a finished update stays finished. A resume that ended
    /// with an error code has not happened.
    fn due_now(&self) -> AfterCut {
        let landed = match self.phase.due_after_cut() {
            // START came again; it is an update that had begun to write all the same.
            AfterCut::MayResume if self.begun => AfterCut::MustResume,
            due => due,
        };
        match (self.due, landed) {
            (AfterCut::MustResume, AfterCut::Finished) if self.phase != (Phase::Ended { code: 0 }) => {
                AfterCut::MustResume
            }
            (_, AfterCut::Finished) => AfterCut::Finished,
            (before, after) => before.max(after),
        }
    }

    fn next_life(&mut self, glitch: bool) {
        self.glitch = glitch;
        if !glitch {
            self.ordered = false;
            if !matches!(self.phase, Phase::Ended { .. }) {
                self.phase = Phase::Idle;
            }
        }
        // A module that lives through a glitch still has the boots before it that were explained.
        let before = if glitch { self.life().explained } else { 0 };
        self.lives.push(Life {
            explained: before + 1,
            ..Life::default()
        });
    }

    fn on_urc(&mut self, urc: Urc) -> Option<Rule> {
        match urc {
            Urc::BootRom => return self.boots(urc),
            Urc::Rdy => return self.comes_up(urc),
            Urc::Fota(fota) => {
                let broken = self.broken_by(fota);
                if let Some(rule) = broken {
                    self.violate(rule, urc);
                }
                self.advance(fota);
                return broken;
            }
            Urc::BootRomMore | Urc::Cfun(_) | Urc::SimReady | Urc::Ip | Urc::LwReg(_) | Urc::LwUpdate(_) => {}
        }
        None
    }

    fn violate(&mut self, rule: Rule, urc: Urc) {
        if self.violations.len() >= KEPT {
            return;
        }
        self.violations.push(Violation {
            rule,
            phase: self.phase,
            urc,
        });
    }

    /// The boot ROM's block began. After the application had come up, only what is known explains a boot.
    fn boots(&mut self, urc: Urc) -> Option<Rule> {
        let life = self.life_mut();
        life.boot_roms += 1;
        life.reset_pending += u32::from(life.updating.is_some());
        let unasked = life.ready && life.explained == 0;
        life.explained = life.explained.saturating_sub(1);
        (life.booting, life.ready) = (true, false);
        unasked.then(|| {
            self.violate(Rule::RebootsByItself, urc);
            Rule::RebootsByItself
        })
    }

    /// RDY. At another rate of the line it is all that can be read of a boot.
    fn comes_up(&mut self, urc: Urc) -> Option<Rule> {
        let life = self.life_mut();
        let alone = !core::mem::take(&mut life.booting);
        let unasked = life.ready && alone && life.explained == 0;
        life.ready = true;
        life.explained = life.explained.saturating_sub(u8::from(alone));
        unasked.then(|| {
            self.violate(Rule::RebootsByItself, urc);
            Rule::RebootsByItself
        })
    }

    /// The rule that a URC breaks in the present phase.
    fn broken_by(&self, fota: Fota) -> Option<Rule> {
        match fota {
            Fota::HttpStart | Fota::HttpEnd(_) if self.via != Via::Http => Some(Rule::WrongTransport),
            Fota::CoapStart | Fota::CoapEnd(_) if self.via != Via::Coap => Some(Rule::WrongTransport),
            Fota::Downloading(_) if self.via == Via::Uart => Some(Rule::WrongTransport),
            Fota::HttpStart | Fota::CoapStart
                if self.due == AfterCut::MustResume && !self.glitch && !self.ordered =>
            {
                Some(Rule::DownloadedAgain)
            }
            Fota::Start | Fota::Updating { .. } => match (self.phase, self.due) {
                (Phase::Ended { .. }, _) => Some(Rule::UpdatingAfterEnd),
                // How the download went on may have been said while nobody could hear it.
                (Phase::Downloading { .. } | Phase::DownloadFailed { .. }, _) if self.life().gap => None,
                // Over CoAP the update is ordered through LwM2M after the download, and COAPEND may be lost.
                // At 100 % all of it is there: HTTPEND may have been torn by the reboot that follows it.
                (Phase::Downloading { .. }, _) if self.via == Via::Http && !self.full => {
                    Some(Rule::StartBeforeDownloadEnd)
                }
                (Phase::DownloadFailed { .. }, _) => Some(Rule::StartAfterFailedDownload),
                (Phase::Idle | Phase::Uploading { .. }, AfterCut::Nothing) => Some(Rule::UpdateUnasked),
                _ => None,
            },
            _ => None,
        }
    }

    fn advance(&mut self, fota: Fota) {
        match fota {
            Fota::HttpStart | Fota::CoapStart => {
                self.life_mut().download_start = true;
                self.full = false;
                self.phase = Phase::Downloading { percent: None };
            }
            Fota::Downloading(percent) => {
                self.full = percent == Percent::FULL;
                if self.full {
                    self.life_mut().explained = REBOOTS_OF_AN_UPDATE;
                }
                self.phase = Phase::Downloading {
                    percent: Some(percent),
                }
            }
            Fota::HttpEnd(code) | Fota::CoapEnd(code) => {
                let life = self.life_mut();
                life.download = Some(code);
                if code == DownloadCode::Success {
                    life.explained = REBOOTS_OF_AN_UPDATE;
                }
                self.phase = match code {
                    DownloadCode::Success => Phase::Ordered,
                    failed => Phase::DownloadFailed { code: failed.raw() },
                };
            }
            Fota::Start => {
                let life = self.life_mut();
                life.start = true;
                (life.ready, life.gap) = (false, false);
                life.explained = REBOOTS_OF_AN_UPDATE;
                self.phase = Phase::Ordered;
            }
            Fota::Updating { percent, .. } => {
                (self.begun, self.uncertain) = (true, false);
                let life = self.life_mut();
                life.updating = Some((life.updating.map_or(percent, |(first, _)| first), percent));
                life.resets += core::mem::take(&mut life.reset_pending);
                (life.ready, life.gap) = (false, false);
                life.explained = 1;
                self.phase = Phase::Updating { percent };
            }
            Fota::End(code) => {
                let refused = code == UpdateCode::Busy && matches!(self.phase, Phase::Downloading { .. });
                let life = self.life_mut();
                life.booting = false;
                if life.ends.is_empty() {
                    life.gap_before_end = life.gap;
                }
                if life.ends.len() < KEPT {
                    life.ends.push(code);
                }
                // "DFOTA is busy" in the middle of a download refuses a second order; the first goes on.
                if !refused {
                    self.begun = false;
                    self.phase = Phase::Ended { code: code.raw() };
                }
            }
            Fota::Unknown => {}
        }
    }

    fn life_mut(&mut self) -> &mut Life {
        self.lives.last_mut().expect("there is always one")
    }
}
