//! Power and sleep. Sleep itself is not simulated: its settings are taken and shown again.

use super::CommandForm::{Execute, Read, Test, Write};
use super::basic::{number, stored_number};
use super::{AtError, AtReply, CommandForm, ReplyLines};
use crate::app::{AfterReply, App};
use bc66_spec::cme::{BAD_PARAMETER, NOT_SUPPORTED};

pub(super) fn sleep(app: &mut App, form: CommandForm<'_>) -> AtReply {
    stored_number(form, "+QSCLK", 0..=2, &mut app.modem.sleep)
}

/// `AT+CPSMS`: timers may follow the mode.
pub(super) fn saving(app: &mut App, form: CommandForm<'_>) -> AtReply {
    let mode = &mut app.modem.power_saving;
    match form {
        Test => ReplyLines::one("+CPSMS: (0-2),,,(\"00000000\"-\"11111111\"),(\"00000000\"-\"11111111\")"),
        Read => ReplyLines::one(format!("+CPSMS: {mode},,,\"01000001\",\"00100011\"")),
        Write(value) => {
            *mode = number(value.split(',').next().unwrap_or_default(), 0..=2)?;
            ReplyLines::none()
        }
        Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

pub(super) fn events(app: &mut App, form: CommandForm<'_>) -> AtReply {
    app.modem.events = match form {
        Test => return ReplyLines::one("+QNBIOTEVENT: (0,1),(1)"),
        Read => return ReplyLines::one(format!("+QNBIOTEVENT: {}", app.modem.events)),
        Write("0" | "0,1") => 0,
        Write("1,1") => 1,
        Write(_) => return Err(AtError::Cme(BAD_PARAMETER)),
        Execute(_) => return Err(AtError::Cme(NOT_SUPPORTED)),
    };
    ReplyLines::none()
}

/// `AT+QPOWD`: 0 normal, 2 forced (FW), 1 in drivers (GK).
pub(super) fn down(app: &mut App, form: CommandForm<'_>) -> AtReply {
    ends_boot(
        app,
        form,
        "+QPOWD: (0,2)",
        &["0", "1", "2"],
        AfterReply::PowerDown,
    )
}

/// `AT+QRST`: reboots right after `OK` (FW, AT660).
pub(super) fn reset(app: &mut App, form: CommandForm<'_>) -> AtReply {
    ends_boot(app, form, "+QRST: (1)", &["1"], AfterReply::Reboot)
}

fn ends_boot(
    app: &mut App,
    form: CommandForm<'_>,
    test: &str,
    values: &[&str],
    after: AfterReply,
) -> AtReply {
    match form {
        Test => ReplyLines::one(test),
        Write(value) if values.contains(&value) => {
            app.at.after.push(after);
            ReplyLines::none()
        }
        Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}
