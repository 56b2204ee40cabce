//! Capabilities of a module, such as SIM, registration and address: read before an update and compared after it.

use crate::version::Imei;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The capabilities of a module, as far as it is known; `None` is what was not taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capabilities {
    /// Its IMEI.
    pub imei: Option<Imei>,
    /// `AT+CPIN?` says READY.
    pub sim: Option<bool>,
    /// `AT+CFUN?` says 1, full functionality.
    pub cfun: Option<bool>,
    /// `AT+CEREG?` says 1 (home) or 5 (roaming).
    pub registered: Option<bool>,
    /// `AT+CGPADDR` tells an address.
    pub ip: Option<bool>,
    /// The SIM's number, `AT+QCCID`.
    #[serde(default)]
    pub iccid: SimNumber,
    /// The subscriber's number, `AT+CIMI`.
    #[serde(default)]
    pub imsi: SimNumber,
    /// Commands of the check to which no result code came in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
}

/// A number that the module tells of its SIM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SimNumber {
    /// It was not asked for.
    #[default]
    NotAsked,
    /// It was asked for, and none was told.
    Nothing,
    /// This one.
    Is(String),
}

impl SimNumber {
    /// How it was lost, as a part of a sentence; `command` is what asks for it.
    fn lost(&self, after: &Self, command: &str) -> Option<String> {
        match (self, after) {
            (Self::Is(_), Self::Nothing) => Some(format!("`{command}` tells no number any more")),
            (Self::Is(before), Self::Is(after)) if before != after => {
                Some(format!("`{command}` tells {after}, it was {before}"))
            }
            _ => None,
        }
    }
}

impl Capabilities {
    /// Commands that were answered before and are not `after`.
    pub fn fell_silent<'a>(&'a self, after: &'a Self) -> impl Iterator<Item = &'a str> {
        let silent = after.unanswered.iter();
        silent
            .filter(|command| !self.unanswered.contains(command))
            .map(String::as_str)
    }

    /// What was there before and is not there `after`, as a part of a sentence. What was not taken is not judged.
    pub fn lost(&self, after: &Self) -> Option<String> {
        let gone = |before: Option<bool>, after: Option<bool>| before == Some(true) && after == Some(false);
        if let Some(command) = self.fell_silent(after).next() {
            return Some(format!("`{command}` is not answered any more"));
        }
        let refused = |before: Option<bool>, after: Option<bool>| before == Some(true) && after.is_none();
        let answers = [
            ("AT+CFUN?", self.cfun, after.cfun),
            ("AT+CEREG?", self.registered, after.registered),
        ];
        if let Some((command, ..)) = answers.iter().find(|(_, before, after)| refused(*before, *after)) {
            return Some(format!("`{command}` does not tell any more what it told before"));
        }
        if gone(self.sim, after.sim) {
            return Some("`AT+CPIN?` does not say READY any more".into());
        }
        if gone(self.cfun, after.cfun) {
            return Some("`AT+CFUN?` does not say 1 any more".into());
        }
        let number = self.iccid.lost(&after.iccid, "AT+QCCID");
        if let Some(lost) = number.or_else(|| self.imsi.lost(&after.imsi, "AT+CIMI")) {
            return Some(lost);
        }
        let network = if gone(self.registered, after.registered) {
            "it does not register any more"
        } else if gone(self.ip, after.ip) {
            "it gets no address any more"
        } else {
            return None;
        };
        Some(format!(
            "{network}, neither at once nor after one more power cycle, on a network on which it had registered earlier in this run"
        ))
    }
}
