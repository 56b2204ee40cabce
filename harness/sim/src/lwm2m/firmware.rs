//! The firmware update object, `/5/0`, as OMA has it (TS10 E.6): state, result and what leads from one to another.
//!
//! It survives a reboot (FW: `restore_and_report_fota_status`). It decides only; the application downloads and updates.

use crate::coap::{MessageCode, Uri, UriError};
use crate::defect::{Defect, Defects};
use crate::update_info::UpdateInfo;
use bc66_spec::code::UpdateCode;
use bc66_spec::lwm2m::{State, URI_MAX, UpdateResult};

/// What the application is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServerAction {
    Download(Uri),
    Cancel,
    /// Update with so many bytes of the delta area.
    Update(usize),
    /// Reboot (`/3/0/4`).
    Reboot,
    /// Send an update of the registration (`/1/0/8`, or a new lifetime in `/1/0/1`).
    UpdateRegistration,
}

/// What follows a write or an execution: nothing, an action, or an error.
pub(crate) type Outcome = Result<Option<ServerAction>, MessageCode>;

/// The object's one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Firmware {
    pub(crate) state: State,
    pub(crate) result: UpdateResult,
    /// Bytes of the package in the delta area, in the states 2 and 3.
    pub(crate) package: usize,
    pub(crate) defects: Defects,
}

impl Firmware {
    pub(crate) fn new(defects: Defects) -> Self {
        Self {
            state: State::Idle,
            result: UpdateResult::Initial,
            package: 0,
            defects,
        }
    }

    /// A text was written to `/5/0/1`.
    pub(crate) fn write_uri(&mut self, text: &str, busy: bool) -> Outcome {
        if text.is_empty() {
            return self.reset();
        }
        if text.len() > URI_MAX {
            return Err(MessageCode::BAD_REQUEST);
        }
        if self.state != State::Idle {
            return Err(MessageCode::METHOD_NOT_ALLOWED);
        }
        if busy {
            return Err(MessageCode::UNAVAILABLE);
        }
        match Uri::parse(text) {
            Ok(uri) => {
                self.state = State::Downloading;
                self.start();
                Ok(Some(ServerAction::Download(uri)))
            }
            Err(UriError::Scheme) => {
                self.result = UpdateResult::UnsupportedProtocol;
                Ok(None)
            }
            Err(UriError::Invalid) => {
                self.result = UpdateResult::InvalidUri;
                Ok(None)
            }
        }
    }

    /// Bytes were written to `/5/0/0`. Nothing, or a zero, resets; a package by push is not taken (AN §4 knows pull alone).
    pub(crate) fn write_package(&mut self, bytes: &[u8]) -> Outcome {
        match bytes {
            [] | [0] => self.reset(),
            _ => Err(MessageCode::METHOD_NOT_ALLOWED),
        }
    }

    /// `/5/0/2` was executed.
    pub(crate) fn execute(&mut self, busy: bool) -> Outcome {
        let anyway = self.defects.has(Defect::ExecutesInAnyState) && self.state != State::Updating;
        if self.state != State::Downloaded && !anyway {
            return Err(MessageCode::METHOD_NOT_ALLOWED);
        }
        if busy && !anyway {
            return Err(MessageCode::UNAVAILABLE);
        }
        self.state = State::Updating;
        self.start();
        Ok(Some(ServerAction::Update(self.package)))
    }

    fn reset(&mut self) -> Outcome {
        if self.state == State::Updating {
            return Err(MessageCode::METHOD_NOT_ALLOWED);
        }
        let cancel = (self.state == State::Downloading).then_some(ServerAction::Cancel);
        self.forget_package();
        self.result = UpdateResult::Initial;
        Ok(cancel)
    }

    /// "The result is set to 0 when a download or an update starts" (OMA5).
    fn start(&mut self) {
        if !self.defects.has(Defect::ResultNotReset) {
            self.result = UpdateResult::Initial;
        }
    }

    pub(crate) fn downloaded(&mut self, package: usize) {
        self.state = State::Downloaded;
        self.package = package;
    }

    pub(crate) fn download_failed(&mut self, result: UpdateResult) {
        self.forget_package();
        self.result = result;
    }

    /// The package is about to be overwritten.
    pub(crate) fn forget_package(&mut self) {
        self.state = State::Idle;
        self.package = 0;
    }

    /// The object after a boot; `info` is the result of the bootloader.
    ///
    /// A download does not survive: 4, connection lost (assumed: there is no resume over CoAP, and no time to save it
    /// when the supply goes). A package that the bootloader finds damaged is 5 in state 0, any other failure 8 in state 2
    /// (OMA5: "the state returns at Downloaded", but for a failed integrity check).
    pub(crate) fn boots(&mut self, info: UpdateInfo) {
        match (self.state, info) {
            (State::Downloading, _) => self.download_failed(UpdateResult::ConnectionLost),
            (State::Updating, _) if self.defects.has(Defect::StuckAtUpdating) => {}
            (State::Updating, UpdateInfo::Over(UpdateCode::Success)) => {
                self.forget_package();
                self.result = UpdateResult::Success;
            }
            (State::Updating, UpdateInfo::Over(UpdateCode::Invalid)) => {
                self.download_failed(UpdateResult::Integrity);
            }
            (State::Updating, _) => {
                self.state = State::Downloaded;
                self.result = UpdateResult::UpdateFailed;
            }
            (State::Idle | State::Downloaded, _) => {}
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.state.raw(), self.result.raw()];
        bytes.extend_from_slice(&(self.package as u32).to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8], defects: Defects) -> Option<Self> {
        let [state, result, package @ ..] = bytes else {
            return None;
        };
        Some(Self {
            state: State::from_raw(*state)?,
            result: UpdateResult::from_raw(*result),
            package: u32::from_le_bytes(package.try_into().ok()?) as usize,
            defects,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const URI: &str = "coap://127.0.0.1/p";

    fn in_state(state: State) -> Firmware {
        Firmware {
            state,
            package: 9,
            ..Firmware::new(Defects::default())
        }
    }

    fn numbers(firmware: &Firmware) -> [u8; 2] {
        [firmware.state.raw(), firmware.result.raw()]
    }

    #[test]
    fn a_good_update() {
        let mut firmware = Firmware::new(Defects::default());
        firmware.result = UpdateResult::Success;
        let ordered = firmware.write_uri(URI, false);
        assert!(matches!(ordered, Ok(Some(ServerAction::Download(_)))));
        assert_eq!(numbers(&firmware), [1, 0]);
        firmware.downloaded(70);
        assert_eq!(numbers(&firmware), [2, 0]);
        assert_eq!(firmware.execute(false), Ok(Some(ServerAction::Update(70))));
        assert_eq!(numbers(&firmware), [3, 0]);
        let mut firmware = Firmware::decode(&firmware.encode(), Defects::default()).expect("its own bytes");
        firmware.boots(UpdateInfo::Over(UpdateCode::Success));
        assert_eq!(numbers(&firmware), [0, 1]);
    }

    #[rstest]
    #[case(State::Idle, URI, MessageCode::UNAVAILABLE)]
    #[case(State::Downloading, URI, MessageCode::METHOD_NOT_ALLOWED)]
    #[case(State::Downloaded, URI, MessageCode::METHOD_NOT_ALLOWED)]
    #[case(State::Updating, URI, MessageCode::METHOD_NOT_ALLOWED)]
    #[case(State::Updating, "", MessageCode::METHOD_NOT_ALLOWED)]
    fn refused(#[case] state: State, #[case] uri: &str, #[case] code: MessageCode) {
        assert_eq!(in_state(state).write_uri(uri, true), Err(code));
    }

    #[rstest]
    #[case("http://host/a", 9)]
    #[case("nonsense", 7)]
    #[case("", 0)]
    fn results_without_a_download(#[case] uri: &str, #[case] result: u8) {
        let mut firmware = in_state(State::Idle);
        firmware.result = UpdateResult::Success;
        assert_eq!(firmware.write_uri(uri, false), Ok(None));
        assert_eq!(numbers(&firmware), [0, result]);
    }

    #[rstest]
    #[case(State::Idle, UpdateInfo::Over(UpdateCode::Success), [0, 0])]
    #[case(State::Downloading, UpdateInfo::Idle, [0, 4])]
    #[case(State::Downloaded, UpdateInfo::Idle, [2, 0])]
    #[case(State::Updating, UpdateInfo::Over(UpdateCode::Success), [0, 1])]
    #[case(State::Updating, UpdateInfo::Over(UpdateCode::Invalid), [0, 5])]
    #[case(State::Updating, UpdateInfo::Over(UpdateCode::Mismatch), [2, 8])]
    #[case(State::Updating, UpdateInfo::Over(UpdateCode::Unknown), [2, 8])]
    #[case(State::Updating, UpdateInfo::Idle, [2, 8])]
    fn boots(#[case] state: State, #[case] info: UpdateInfo, #[case] after: [u8; 2]) {
        let mut firmware = in_state(state);
        firmware.boots(info);
        assert_eq!(numbers(&firmware), after);
    }

    #[rstest]
    fn executable_in_state_2_alone(#[values(State::Idle, State::Downloading, State::Updating)] state: State) {
        assert_eq!(
            in_state(state).execute(false),
            Err(MessageCode::METHOD_NOT_ALLOWED)
        );
    }

    #[test]
    fn an_empty_uri_cancels() {
        let mut firmware = in_state(State::Downloading);
        assert_eq!(firmware.write_uri("", true), Ok(Some(ServerAction::Cancel)));
        assert_eq!(firmware.state, State::Idle);
        assert_eq!(
            firmware.write_package(&[1, 2]),
            Err(MessageCode::METHOD_NOT_ALLOWED)
        );
    }
}
