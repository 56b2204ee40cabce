//! Network and SIM: what the note checks before an update (AN §2.1.3, §6.1).

use super::CommandForm::{Execute, Read, Test, Write};
use super::basic::stored_number;
use super::{AtError, AtReply, CommandForm, ReplyLines};
use crate::app::{AfterReply, App};
use crate::defect::Defect;
use crate::dialect::Dialect;
use bc66_spec::cme::{BAD_PARAMETER, NOT_ALLOWED, NOT_SUPPORTED, SIM_BUSY};

/// The SIM card does not answer.
const SIM_FAILURE: u16 = 13;
/// The operator of the note's example.
const OPERATOR: &str = "\"46011\",9";

pub(super) fn signal(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::one("+CESQ: (0-63,99),(0-7,99),(255),(255),(0-34,255),(0-97,255)"),
        Execute("") if app.modem.is_attached() => ReplyLines::one("+CESQ: 47,6,255,255,0,54"),
        Execute("") => ReplyLines::one("+CESQ: 99,99,255,255,255,255"),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

pub(super) fn registration(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Read => ReplyLines::one(format!("+CEREG: {}", app.modem.cereg_read())),
        _ => stored_number(form, "+CEREG", 0..=5, &mut app.modem.cereg),
    }
}

/// `AT+CGPADDR`: there is one PDN, 1.
pub(super) fn address(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::one("+CGPADDR: (1)"),
        Execute("") | Write("1") if app.modem.is_attached() => {
            ReplyLines::one(format!("+CGPADDR: 1,{}", addresses(app)))
        }
        Execute("") | Write("1") => ReplyLines::one("+CGPADDR: 1"),
        Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

fn addresses(app: &App) -> String {
    let modem = &app.modem;
    if !modem.addressed {
        "0.0.0.0".to_owned()
    } else if app.settings.dialects.has(Dialect::TwoAddresses) {
        format!("{},{}", modem.address, modem.second_address)
    } else {
        modem.address.clone()
    }
}

/// `AT+CPIN`: the SIM asks for no PIN.
pub(super) fn sim(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::none(),
        Read if app.modem.sim_ready => ReplyLines::one("+CPIN: READY"),
        Read => Err(AtError::Cme(SIM_BUSY)),
        Write(_) => Err(AtError::Cme(NOT_ALLOWED)),
        Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+QCCID`: the number of the SIM card.
pub(super) fn card(app: &mut App, form: CommandForm<'_>) -> AtReply {
    let iccid = &app.modem.sim_card.iccid;
    of_the_sim(app, form, format!("+QCCID: {iccid}"))
}

/// `AT+CIMI`: the number of the subscription, bare (3GPP TS 27.007 §5.6).
pub(super) fn subscription(app: &mut App, form: CommandForm<'_>) -> AtReply {
    of_the_sim(app, form, app.modem.sim_card.imsi.clone())
}

/// The SIM can be read once it is ready.
fn of_the_sim(app: &App, form: CommandForm<'_>, line: String) -> AtReply {
    match form {
        Test => ReplyLines::none(),
        Execute("") if app.suffers(Defect::SimIdentityLost) => Err(AtError::Cme(SIM_FAILURE)),
        Execute("") if app.modem.sim_ready => ReplyLines::one(line),
        Execute("") => Err(AtError::Cme(SIM_BUSY)),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

pub(super) fn operator(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::one(format!("+COPS: (2,,,{OPERATOR}),,(0-2),(2)")),
        Read if app.modem.is_attached() => ReplyLines::one(format!("+COPS: 0,2,{OPERATOR}")),
        Read => ReplyLines::one("+COPS: 0"),
        Write("0") => ReplyLines::none(),
        Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+CFUN`: 0 and 4 detach, 1 attaches.
pub(super) fn functionality(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::one("+CFUN: (0,1,4,7),(0-2)"),
        Read => ReplyLines::one(format!("+CFUN: {}", app.modem.functionality)),
        Write(value) => {
            app.modem.functionality = match value.strip_suffix(",0").unwrap_or(value) {
                "0" => 0,
                "1" => 1,
                "4" => 4,
                _ => return Err(AtError::Cme(BAD_PARAMETER)),
            };
            app.at.after.push(if app.modem.functionality == 1 {
                AfterReply::Attach
            } else {
                AfterReply::Detach
            });
            ReplyLines::none()
        }
        Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}
