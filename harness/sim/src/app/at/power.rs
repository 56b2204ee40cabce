//! Power and sleep. Sleep itself is not simulated: its settings are taken and shown again.

use super::basic::number;
use super::{AtError, CommandForm, ReplyLines, AtReply};
use crate::app::{AfterReply, App};
use bc66_spec::cme::{BAD_PARAMETER, NOT_SUPPORTED};

pub(super) fn sleep(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        CommandForm::Test => ReplyLines::one("+QSCLK: (0-2)"),
        CommandForm::Read => ReplyLines::one(format!("+QSCLK: {}", app.modem.sleep)),
        CommandForm::Write(value) => {
            app.modem.sleep = number(value, 0..=2)?;
            ReplyLines::none()
        }
        CommandForm::Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+CPSMS`: timers may follow the mode.
pub(super) fn saving(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        CommandForm::Test => ReplyLines::one("+CPSMS: (0-2),,,(\"00000000\"-\"11111111\"),(\"00000000\"-\"11111111\")"),
        CommandForm::Read => ReplyLines::one(format!(
            "+CPSMS: {},,,\"01000001\",\"00100011\"",
            app.modem.power_saving
        )),
        CommandForm::Write(value) => {
            let mode = value.split(',').next().unwrap_or_default();
            app.modem.power_saving = number(mode, 0..=2)?;
            ReplyLines::none()
        }
        CommandForm::Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

pub(super) fn events(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        CommandForm::Test => ReplyLines::one("+QNBIOTEVENT: (0,1),(1)"),
        CommandForm::Read => ReplyLines::one(format!("+QNBIOTEVENT: {}", app.modem.events)),
        CommandForm::Write("0" | "0,1") => {
            app.modem.events = 0;
            ReplyLines::none()
        }
        CommandForm::Write("1,1") => {
            app.modem.events = 1;
            ReplyLines::none()
        }
        CommandForm::Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        CommandForm::Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+QPOWD`: 0 normal, 2 forced (FW), 1 in drivers (GK).
pub(super) fn down(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        CommandForm::Test => ReplyLines::one("+QPOWD: (0,2)"),
        CommandForm::Write("0" | "1" | "2") => {
            app.after.push(AfterReply::PowerDown);
            ReplyLines::none()
        }
        CommandForm::Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+QRST`: reboots right after `OK` (FW, AT660).
pub(super) fn reset(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        CommandForm::Test => ReplyLines::one("+QRST: (1)"),
        CommandForm::Write("1") => {
            app.after.push(AfterReply::Reboot);
            ReplyLines::none()
        }
        CommandForm::Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}
