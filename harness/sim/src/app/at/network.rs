//! Network and SIM: what the note checks before an update (AN §2.1.3, §6.1).

use super::basic::number;
use super::{AtError, Form, Lines, Reply};
use crate::app::{After, App};
use crate::defect::Defect;
use crate::dialect::Dialect;
use bc66_spec::cme::{BAD_PARAMETER, NOT_ALLOWED, NOT_SUPPORTED, SIM_BUSY};

/// The SIM card does not answer.
const SIM_FAILURE: u16 = 13;
/// The operator of the note's example.
const OPERATOR: &str = "\"46011\",9";

pub(super) fn signal(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::one("+CESQ: (0-63,99),(0-7,99),(255),(255),(0-34,255),(0-97,255)"),
        Form::Execute("") if app.modem.is_attached() => Lines::one("+CESQ: 47,6,255,255,0,54"),
        Form::Execute("") => Lines::one("+CESQ: 99,99,255,255,255,255"),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

pub(super) fn registration(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::one("+CEREG: (0-5)"),
        Form::Read => Lines::one(format!("+CEREG: {}", app.modem.cereg_read())),
        Form::Write(value) => {
            app.modem.cereg = number(value, 0..=5)?;
            Lines::none()
        }
        Form::Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+CGPADDR`: there is one PDN, 1.
pub(super) fn address(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::one("+CGPADDR: (1)"),
        Form::Execute("") | Form::Write("1") if app.modem.is_attached() => {
            Lines::one(format!("+CGPADDR: 1,{}", addresses(app)))
        }
        Form::Execute("") | Form::Write("1") => Lines::one("+CGPADDR: 1"),
        Form::Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
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
pub(super) fn sim(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::none(),
        Form::Read if app.modem.sim_ready => Lines::one("+CPIN: READY"),
        Form::Read => Err(AtError::Cme(SIM_BUSY)),
        Form::Write(_) => Err(AtError::Cme(NOT_ALLOWED)),
        Form::Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+QCCID`: the number of the SIM card.
pub(super) fn card(app: &mut App, form: Form<'_>) -> Reply {
    let iccid = &app.modem.sim_card.iccid;
    of_the_sim(app, form, format!("+QCCID: {iccid}"))
}

/// `AT+CIMI`: the number of the subscription, bare (3GPP TS 27.007 §5.6).
pub(super) fn subscription(app: &mut App, form: Form<'_>) -> Reply {
    of_the_sim(app, form, app.modem.sim_card.imsi.clone())
}

/// What stands on the SIM can be read once that is ready.
fn of_the_sim(app: &App, form: Form<'_>, line: String) -> Reply {
    match form {
        Form::Test => Lines::none(),
        Form::Execute("") if app.suffers(Defect::SimIdentityLost) => Err(AtError::Cme(SIM_FAILURE)),
        Form::Execute("") if app.modem.sim_ready => Lines::one(line),
        Form::Execute("") => Err(AtError::Cme(SIM_BUSY)),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

pub(super) fn operator(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::one(format!("+COPS: (2,,,{OPERATOR}),,(0-2),(2)")),
        Form::Read if app.modem.is_attached() => Lines::one(format!("+COPS: 0,2,{OPERATOR}")),
        Form::Read => Lines::one("+COPS: 0"),
        Form::Write("0") => Lines::none(),
        Form::Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        Form::Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+CFUN`: 0 and 4 detach, 1 attaches.
pub(super) fn function(app: &mut App, form: Form<'_>) -> Reply {
    match form {
        Form::Test => Lines::one("+CFUN: (0,1,4,7),(0-2)"),
        Form::Read => Lines::one(format!("+CFUN: {}", app.modem.function)),
        Form::Write(value) => {
            app.modem.function = match value.strip_suffix(",0").unwrap_or(value) {
                "0" => 0,
                "1" => 1,
                "4" => 4,
                _ => return Err(AtError::Cme(BAD_PARAMETER)),
            };
            app.after.push(if app.modem.function == 1 {
                After::Attach
            } else {
                After::Detach
            });
            Lines::none()
        }
        Form::Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}
