//! One update as seen from outside: a state machine over URCs and the edges of the supply.
//!
//! It decides nothing about pass or fail. It knows where the update stands, keeps one [`Life`] for each time the module
//! was alive between two edges, and names what is illegal in itself by a [`Rule`]. [`crate::judge`] does the rest.

mod life;
mod phase;

pub use life::{Boots, Life, UpdateProgress};
pub use phase::{AfterCut, Phase};

use crate::event_id::EventId;
use crate::percent::Percent;
use crate::transport::Via;
use crate::urc::{Fota, Urc};
use crate::verdict::Rule;
use alloc::vec::Vec;
use bc66_spec::code::{DownloadCode, UpdateCode};
use life::REBOOTS_OF_AN_UPDATE;

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

/// Most events of an update that are kept by their places, ENDs of a life, and lines that broke a rule: a module can repeat
/// one for hours.
const NOTED: usize = 4096;
const KEPT: usize = 64;

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
    /// What may come in the present life.
    expected: AfterCut,
    /// What had to come after the cuts, as they landed.
    expected_after_cuts: AfterCut,
    glitch: bool,
    ordered: bool,
    full: bool,
    /// UPDATING was heard since the order, and no END since then.
    begun: bool,
    /// Where the last cut landed is not known: UPDATING or END may have come before it in a gap.
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
            expected: AfterCut::SourceStays,
            expected_after_cuts: AfterCut::SourceStays,
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
    pub fn expected(&self) -> AfterCut {
        self.expected
    }

    /// What had to come after the cuts, as they landed; the harness's own cycles of the supply change nothing of it.
    pub fn expected_after_cuts(&self) -> AfterCut {
        self.expected_after_cuts
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
        self.lives.iter().map(|life| life.boots.resets).sum()
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
                self.expected = AfterCut::SourceStays;
                (self.full, self.begun, self.uncertain) = (false, false, false);
                self.phase = if self.via == Via::Uart {
                    self.life_mut().explain(REBOOTS_OF_AN_UPDATE);
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
                let before = self.expected;
                self.expected = self.expected_now();
                self.expected_after_cuts = self.expected;
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
                self.expected = self.expected_now();
                self.next_life(false);
            }
            UpdateInput::Key => self.life_mut().explain_one(),
            UpdateInput::Gap => {
                // A START that was not heard explains boots; behind END there is none that is legal.
                let ended = self.ends().next().is_some();
                let life = self.life_mut();
                life.gap = true;
                if !ended {
                    life.explain(REBOOTS_OF_AN_UPDATE);
                }
            }
        }
        None
    }

    /// What is legal when the supply is lost now. A resume that had to come before has to come until END,0, also when the
    /// resumed update had not come as far as UPDATING again; and a finished update stays finished. A resume that ended with
    /// an error code has not happened.
    fn expected_now(&self) -> AfterCut {
        let landed = match self.phase.after_cut() {
            // START came again; it is an update that had begun to write all the same.
            AfterCut::MayResume if self.begun => AfterCut::MustResume,
            expected => expected,
        };
        match (self.expected, landed) {
            (AfterCut::MustResume, AfterCut::TargetStays) if self.phase != (Phase::Ended { code: 0 }) => {
                AfterCut::MustResume
            }
            (_, AfterCut::TargetStays) => AfterCut::TargetStays,
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
        let next = Life::after(self.lives.last().filter(|_| glitch));
        self.lives.push(next);
    }

    fn on_urc(&mut self, urc: Urc) -> Option<Rule> {
        let broken = match urc {
            Urc::BootRom => self.life_mut().boot().then_some(Rule::RebootsByItself),
            Urc::Rdy => self.life_mut().come_up().then_some(Rule::RebootsByItself),
            Urc::Fota(fota) => self.broken_by(fota),
            Urc::BootRomMore | Urc::Cfun(_) | Urc::SimReady | Urc::Ip | Urc::LwReg(_) | Urc::LwUpdate(_) => {
                None
            }
        };
        if let Some(rule) = broken
            && self.violations.len() < KEPT
        {
            self.violations.push(Violation {
                rule,
                phase: self.phase,
                urc,
            });
        }
        if let Urc::Fota(fota) = urc {
            self.advance(fota);
        }
        broken
    }

    /// The rule that a URC breaks in the present phase.
    fn broken_by(&self, fota: Fota) -> Option<Rule> {
        match fota {
            Fota::HttpStart | Fota::HttpEnd(_) if self.via != Via::Http => Some(Rule::WrongTransport),
            Fota::CoapStart | Fota::CoapEnd(_) if self.via != Via::Coap => Some(Rule::WrongTransport),
            Fota::Downloading(_) if self.via == Via::Uart => Some(Rule::WrongTransport),
            Fota::HttpStart | Fota::CoapStart
                if self.expected == AfterCut::MustResume && !self.glitch && !self.ordered =>
            {
                Some(Rule::DownloadedAgain)
            }
            Fota::Start | Fota::Updating { .. } => match (self.phase, self.expected) {
                (Phase::Ended { .. }, _) => Some(Rule::UpdatingAfterEnd),
                // How the download went on may have been said in a gap.
                (Phase::Downloading { .. } | Phase::DownloadFailed { .. }, _) if self.life().gap => None,
                // Over CoAP the update is ordered through LwM2M after the download, and COAPEND may be lost.
                // At 100 % all of it is there: HTTPEND may have been torn by the reboot that follows it.
                (Phase::Downloading { .. }, _) if self.via == Via::Http && !self.full => {
                    Some(Rule::StartBeforeDownloadEnd)
                }
                (Phase::DownloadFailed { .. }, _) => Some(Rule::StartAfterFailedDownload),
                (Phase::Idle | Phase::Uploading { .. }, AfterCut::SourceStays) => Some(Rule::UpdateUnasked),
                _ => None,
            },
            _ => None,
        }
    }

    fn advance(&mut self, fota: Fota) {
        match fota {
            Fota::HttpStart | Fota::CoapStart => {
                self.full = false;
                self.phase = Phase::Downloading { percent: None };
            }
            Fota::Downloading(percent) => {
                self.full = percent == Percent::FULL;
                if self.full {
                    self.life_mut().explain(REBOOTS_OF_AN_UPDATE);
                }
                self.phase = Phase::Downloading {
                    percent: Some(percent),
                }
            }
            Fota::HttpEnd(code) | Fota::CoapEnd(code) => {
                let life = self.life_mut();
                life.download = Some(code);
                if code == DownloadCode::Success {
                    life.explain(REBOOTS_OF_AN_UPDATE);
                }
                self.phase = match code {
                    DownloadCode::Success => Phase::Ordered,
                    failed => Phase::DownloadFailed { code: failed.raw() },
                };
            }
            Fota::Start => {
                self.life_mut().start();
                self.phase = Phase::Ordered;
            }
            Fota::Updating { percent, .. } => {
                (self.begun, self.uncertain) = (true, false);
                self.life_mut().update_to(percent);
                self.phase = Phase::Updating { percent };
            }
            Fota::End(code) => {
                let refused = code == UpdateCode::Busy && matches!(self.phase, Phase::Downloading { .. });
                self.life_mut().end(code, KEPT);
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
