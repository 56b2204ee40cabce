//! The defects that a successful update leaves in the application. A sound module has none.
//!
//! The non-volatile store notes the update, so that the defects survive reboots and cuts; only a flash tool removes them.

use super::{App, NetworkRegistration, Profile, TimedEvent};
use crate::defect::{Defect, Defects};
use crate::durations::{CRASH, END_TO_SECOND_BOOT, FLOOD_PAUSE, LATER, WATCHDOG};
use crate::flash::Flash;
use crate::life::ModuleError;
use crate::nvdm::{self, NvdmKey};
use crate::phrase::framed;
use crate::settings::Settings;
use crate::update_info::UpdateInfo;
use bc66_spec::cme;
use bc66_spec::code::UpdateCode;
use bc66_spec::module::REVISION;

/// One command in so many is answered: [`Defect::AnswersOneInFive`].
const ANSWERED: u32 = 5;
/// Lines of a flood that are sent in one go.
const FLOOD_LINES: usize = 8;
const UNKNOWN: u16 = 100;
/// What replaces the last letter of the version: [`Defect::GarbledRevision`].
const GARBAGE: [u8; 2] = [0xFF, 0xFE];

/// The state of these defects in one boot.
#[derive(Debug)]
pub(super) struct Aftermath {
    defects: Defects,
    /// An update has succeeded since the factory.
    updated: bool,
    /// This is the first boot after it, and its result is not printed yet.
    fresh: bool,
    /// Command lines of this boot.
    lines: u32,
    /// The reply that the next command gets: [`Defect::StaleReplies`].
    late_reply: Vec<u8>,
    planned: bool,
    flooding: bool,
}

impl Aftermath {
    /// At the very beginning of a boot: what the bootloader left decides.
    pub(super) fn of_boot(settings: &Settings, flash: &mut dyn Flash) -> Result<Self, ModuleError> {
        let defects = settings.defects;
        let fresh = UpdateInfo::load(flash, &App::LAYOUT)? == UpdateInfo::Over(UpdateCode::Success);
        if fresh && defects != Defects::default() {
            nvdm::set_flag(flash, NvdmKey::Updated, true)?;
        }
        if fresh && defects.has(Defect::ImeiLost) {
            nvdm::lose_imei(flash)?;
        }
        if fresh && defects.has(Defect::SettingsLost) {
            Profile::OTHER_FACTORY.save(flash)?;
        }
        Ok(Self {
            defects,
            updated: nvdm::flag(flash, NvdmKey::Updated)?,
            fresh,
            lines: 0,
            late_reply: Vec::new(),
            planned: false,
            flooding: false,
        })
    }
}

impl App {
    /// Was the module updated, and is this wrong with it since then?
    pub(crate) fn suffers(&self, defect: Defect) -> bool {
        self.aftermath.updated && self.aftermath.defects.has(defect)
    }

    /// After the result of the update is printed: plans what the defects do later in this boot.
    pub(super) fn plan_aftermath(&mut self) {
        if std::mem::replace(&mut self.aftermath.planned, true) {
            return;
        }
        let plans = [
            (Defect::LoopsLater, WATCHDOG, TimedEvent::Reboot),
            (Defect::RebootsEvery10s, CRASH, TimedEvent::Reboot),
            (Defect::DeafLater, LATER, TimedEvent::Hang),
            (Defect::CeregFlood, LATER, TimedEvent::Flood),
        ];
        for (defect, delay, moment) in plans {
            if self.suffers(defect) {
                self.due_in(delay, moment);
            }
        }
        if self.suffers(Defect::BootsTwice) && self.aftermath.fresh {
            self.due_in(END_TO_SECOND_BOOT, TimedEvent::Reboot);
        }
    }

    /// May the module register on the network?
    pub(super) fn finds_network(&self) -> bool {
        !self.suffers(Defect::LosesNetwork) && !self.aftermath.flooding
    }

    /// Loses the network and fills the line with `+CEREG: 2`; commands of the host still get through.
    pub(super) fn flood(&mut self) {
        if !self.aftermath.flooding {
            self.aftermath.flooding = true;
            self.detach();
            self.register(NetworkRegistration::Searching);
        }
        let line = format!("+CEREG: {}", NetworkRegistration::Searching as u8);
        self.uart.send(framed(&line).repeat(FLOOD_LINES));
        self.uart.flush();
        self.due_in(FLOOD_PAUSE, TimedEvent::Flood);
    }

    /// Is this command line lost?
    pub(super) fn loses_line(&mut self) -> bool {
        self.aftermath.lines += 1;
        self.suffers(Defect::AnswersOneInFive) && !self.aftermath.lines.is_multiple_of(ANSWERED)
    }

    /// The answer to every command: [`Defect::CmeForEverything`].
    pub(super) fn only_answer(&self) -> Option<String> {
        self.suffers(Defect::CmeForEverything)
            .then(|| framed(&format!("{} {UNKNOWN}", cme::CME_ERROR)))
    }

    /// What is really sent as the answer to a command.
    pub(super) fn as_sent(&mut self, text: String) -> Vec<u8> {
        let mut bytes = text.into_bytes();
        if self.suffers(Defect::GarbledRevision) {
            garble_revision(&mut bytes);
        }
        if self.suffers(Defect::StaleReplies) {
            std::mem::swap(&mut bytes, &mut self.aftermath.late_reply);
        }
        bytes
    }
}

/// Puts garbage in the place of the last letter of the version.
fn garble_revision(answer: &mut Vec<u8>) {
    let is_here = |window: &[u8]| window == REVISION.as_bytes();
    let Some(at) = answer.windows(REVISION.len()).position(is_here) else {
        return;
    };
    if let Some(len) = answer[at..].iter().position(|byte| *byte == b'\r') {
        answer.splice(at + len - 1..at + len, GARBAGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_garbled_revision() {
        let mut answer = b"\r\nRevision: BC66NBR01A02\r\n\r\nOK\r\n".to_vec();
        garble_revision(&mut answer);
        assert_eq!(answer, b"\r\nRevision: BC66NBR01A0\xFF\xFE\r\n\r\nOK\r\n");
        let mut other = b"\r\nOK\r\n".to_vec();
        garble_revision(&mut other);
        assert_eq!(other, b"\r\nOK\r\n");
    }
}
