//! Power and sleep. Sleep itself is not simulated: its settings are taken and shown again.

use super::basic::number;
use super::{AtError, Form, Lines, Reply};
use crate::app::{After, App};
use bc66_spec::cme::{BAD_PARAMETER, NOT_SUPPORTED};

pub(super) fn sleep(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::one("+QSCLK: (0-2)"),
        Form::Read => Lines::one(format!("+QSCLK: {}", app.modem.sleep)),
        Form::Write(value) => {
            app.modem.sleep = number(value, 0..=2)?;
            Lines::none()
        }
        Form::Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+CPSMS`: timers may follow the mode.
pub(super) fn saving(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::one("+CPSMS: (0-2),,,(\"00000000\"-\"11111111\"),(\"00000000\"-\"11111111\")"),
        Form::Read => Lines::one(format!(
            "+CPSMS: {},,,\"01000001\",\"00100011\"",
            app.modem.power_saving
        )),
        Form::Write(value) => {
            let mode = value.split(',').next().unwrap_or_default();
            app.modem.power_saving = number(mode, 0..=2)?;
            Lines::none()
        }
        Form::Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

pub(super) fn events(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::one("+QNBIOTEVENT: (0,1),(1)"),
        Form::Read => Lines::one(format!("+QNBIOTEVENT: {}", app.modem.events)),
        Form::Write("0" | "0,1") => {
            app.modem.events = 0;
            Lines::none()
        }
        Form::Write("1,1") => {
            app.modem.events = 1;
            Lines::none()
        }
        Form::Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        Form::Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+QPOWD`: 0 normal, 2 forced (FW), 1 in drivers (GK).
pub(super) fn down(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::one("+QPOWD: (0,2)"),
        Form::Write("0" | "1" | "2") => {
            app.after.push(After::PowerDown);
            Lines::none()
        }
        Form::Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+QRST`: reboots right after `OK` (FW, AT660).
pub(super) fn reset(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::one("+QRST: (1)"),
        Form::Write("1") => {
            app.after.push(After::Reboot);
            Lines::none()
        }
        Form::Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}
