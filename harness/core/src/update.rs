//! One update as seen from outside: a state machine over URCs and the edges of the supply.
//!
//! It decides nothing about pass or fail. It knows where the update stands, keeps one [`Life`] for each time the module
//! was alive between two edges, and names what is illegal in itself by a [`Rule`]. [`crate::judge`] does the rest.

use crate::case::Via;
use crate::mark::Mark;
use crate::percent::Percent;
use crate::urc::{Fota, Urc};
use crate::verdict::Rule;
use alloc::vec::Vec;
use bc66_wire::code::{DownloadCode, UpdateCode};
use core::fmt;
use serde::{Deserialize, Serialize};

/// Where the update stands, as far as the module has said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// What may come in a life, by what the cut before it interrupted (contract: "legal after a cut").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The source version runs on; an update needs a new order.
    Nothing,
    /// The source version runs on, or a forced resume.
    MayResume,
    /// A forced resume.
    MustResume,
    /// The target version runs on.
    Finished,
}

impl Phase {
    /// What may follow when the supply is lost in this phase.
    pub fn due_after_cut(self) -> Due {
        match self {
            Self::Idle | Self::Uploading { .. } | Self::DownloadFailed { .. } => Due::Nothing,
            // At 100 % the package is complete in flash: HTTPEND may be as near as the next byte.
            Self::Downloading {
                percent: Some(Percent::FULL),
            }
            | Self::Ordered => Due::MayResume,
            Self::Downloading { .. } => Due::Nothing,
            Self::Updating { .. } => Due::MustResume,
            Self::Ended { .. } => Due::Finished,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
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
    /// The harness cycles the supply itself, for instance to ask once more: nothing of it is an experiment.
    Cycle,
}

/// What the module said while it was alive between two edges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Life {
    /// START was seen.
    pub start: bool,
    /// First and last percentage of UPDATING.
    pub updating: Option<(Percent, Percent)>,
    /// Result codes of END, in order.
    pub ends: Vec<UpdateCode>,
    /// A download began.
    pub download_start: bool,
    /// Last result of a download.
    pub download: Option<DownloadCode>,
    /// Times that the boot ROM's block began.
    pub boot_roms: u32,
    /// The application came up.
    pub ready: bool,
    /// The phase in which the life was cut; `None` for the last one and for those the harness ended itself.
    pub cut: Option<Phase>,
    /// The cut was a glitch.
    pub glitch: bool,
}

impl Life {
    /// Whether the update was seen to go on.
    pub fn updates(&self) -> bool {
        self.start || self.updating.is_some()
    }
}

/// Something that is illegal wherever it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// The rule it breaks.
    pub rule: Rule,
    /// The phase in which it came.
    pub phase: Phase,
    /// What came.
    pub urc: Urc,
}

/// Something that happened, and its place in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// What.
    pub input: Input,
    /// The rule that it broke.
    pub broke: Option<Rule>,
    /// In which of the [`Update::lives`], counted from 0.
    pub life: usize,
    /// Where it stands.
    pub mark: Mark,
}

/// The machine.
#[derive(Debug, Clone)]
pub struct Update {
    via: Via,
    phase: Phase,
    due: Due,
    glitch: bool,
    ordered: bool,
    lives: Vec<Life>,
    violations: Vec<Violation>,
    noted: Vec<Noted>,
}

impl Update {
    /// Before an update over `via`.
    pub fn new(via: Via) -> Self {
        Self {
            via,
            phase: Phase::Idle,
            due: Due::Nothing,
            glitch: false,
            ordered: false,
            lives: alloc::vec![Life::default()],
            violations: Vec::new(),
            noted: Vec::new(),
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What may come in the present life.
    pub fn due(&self) -> Due {
        self.due
    }

    /// The present life.
    pub fn life(&self) -> &Life {
        self.lives.last().expect("there is always one")
    }

    /// All lives, the present one last.
    pub fn lives(&self) -> &[Life] {
        &self.lives
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
    pub fn refused(&self) -> Option<Mark> {
        let end = |noted: &Noted| match noted.input {
            Input::Urc(Urc::Fota(Fota::End(code))) => Some((code, noted.mark)),
            _ => None,
        };
        let (code, mark) = self.noted.iter().rev().find_map(end)?;
        matches!(code, UpdateCode::Mismatch | UpdateCode::Invalid).then_some(mark)
    }

    /// The last result of a download.
    pub fn download(&self) -> Option<DownloadCode> {
        self.lives.iter().rev().find_map(|life| life.download)
    }

    /// What happened and has a place in the journal, in the order it came.
    pub fn noted(&self) -> &[Noted] {
        &self.noted
    }

    /// Takes what happened and where it stands in the journal; gives the rule that it broke.
    pub fn on_marked(&mut self, input: Input, mark: Mark) -> Option<Rule> {
        let life = self.lives.len() - 1;
        let broke = self.on(input);
        self.noted.push(Noted {
            input,
            broke,
            life,
            mark,
        });
        broke
    }

    /// Takes what happened; gives the rule that it broke.
    pub fn on(&mut self, input: Input) -> Option<Rule> {
        match input {
            Input::Block(block) => self.phase = Phase::Uploading { block },
            Input::Order => {
                self.ordered = true;
                self.due = Due::Nothing;
                self.phase = if self.via == Via::Uart {
                    Phase::Ordered
                } else {
                    Phase::Downloading { percent: None }
                };
            }
            Input::Refused => {
                self.ordered = false;
                self.phase = Phase::Idle;
            }
            Input::Served(percent) => {
                if let Phase::Downloading { .. } = self.phase {
                    self.phase = Phase::Downloading {
                        percent: Some(percent),
                    };
                }
            }
            Input::Urc(urc) => return self.on_urc(urc),
            Input::Cut { glitch } => {
                self.due = self.due_now();
                let phase = self.phase;
                let life = self.life_mut();
                (life.cut, life.glitch) = (Some(phase), glitch);
                self.next_life(glitch);
            }
            Input::Cycle => {
                self.due = self.due_now();
                self.next_life(false);
            }
        }
        None
    }

    /// What may follow when the supply is lost now. A resume that was due before stays due until END, also when the
    /// resumed update had not come as far as UPDATING again; and a finished update stays finished.
    fn due_now(&self) -> Due {
        match (self.due, self.phase.due_after_cut()) {
            (_, Due::Finished) => Due::Finished,
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
        self.lives.push(Life::default());
    }

    fn on_urc(&mut self, urc: Urc) -> Option<Rule> {
        match urc {
            Urc::BootRom => self.life_mut().boot_roms += 1,
            Urc::Rdy => self.life_mut().ready = true,
            Urc::Fota(fota) => {
                let broken = self.broken_by(fota);
                if let Some(rule) = broken {
                    self.violations.push(Violation {
                        rule,
                        phase: self.phase,
                        urc,
                    });
                }
                self.advance(fota);
                return broken;
            }
            Urc::BootRomMore | Urc::Cfun(_) | Urc::SimReady | Urc::Ip | Urc::LwReg(_) | Urc::LwUpdate(_) => {}
        }
        None
    }

    /// The rule that a URC breaks in the present phase.
    fn broken_by(&self, fota: Fota) -> Option<Rule> {
        match fota {
            Fota::HttpStart | Fota::HttpEnd(_) if self.via != Via::Http => Some(Rule::WrongTransport),
            Fota::CoapStart | Fota::CoapEnd(_) if self.via != Via::Coap => Some(Rule::WrongTransport),
            Fota::Downloading(_) if self.via == Via::Uart => Some(Rule::WrongTransport),
            Fota::HttpStart | Fota::CoapStart
                if self.due == Due::MustResume && !self.glitch && !self.ordered =>
            {
                Some(Rule::DownloadedAgain)
            }
            Fota::Start | Fota::Updating { .. } => match (self.phase, self.due) {
                (Phase::Ended { .. }, _) => Some(Rule::UpdatingAfterEnd),
                // Over CoAP the update is ordered through LwM2M after the download, and COAPEND may be lost.
                (Phase::Downloading { .. }, _) if self.via == Via::Http => Some(Rule::StartBeforeDownloadEnd),
                (Phase::DownloadFailed { .. }, _) => Some(Rule::StartAfterFailedDownload),
                (Phase::Idle | Phase::Uploading { .. }, Due::Nothing) => Some(Rule::UpdateUnasked),
                _ => None,
            },
            _ => None,
        }
    }

    fn advance(&mut self, fota: Fota) {
        match fota {
            Fota::HttpStart | Fota::CoapStart => {
                self.life_mut().download_start = true;
                self.phase = Phase::Downloading { percent: None };
            }
            Fota::Downloading(percent) => {
                self.phase = Phase::Downloading {
                    percent: Some(percent),
                }
            }
            Fota::HttpEnd(code) | Fota::CoapEnd(code) => {
                self.life_mut().download = Some(code);
                self.phase = match code {
                    DownloadCode::Success => Phase::Ordered,
                    failed => Phase::DownloadFailed { code: failed.raw() },
                };
            }
            Fota::Start => {
                self.life_mut().start = true;
                self.phase = Phase::Ordered;
            }
            Fota::Updating { percent, .. } => {
                let life = self.life_mut();
                life.updating = Some((life.updating.map_or(percent, |(first, _)| first), percent));
                self.phase = Phase::Updating { percent };
            }
            Fota::End(code) => {
                let refused = code == UpdateCode::Busy && matches!(self.phase, Phase::Downloading { .. });
                self.life_mut().ends.push(code);
                // "DFOTA is busy" in the middle of a download refuses a second order; the first goes on.
                if !refused {
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
