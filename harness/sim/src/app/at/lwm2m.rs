//! The LwM2M client's commands (AN §4.3, §6.3.1; FW). Their errors are the firmware's misspelt ones, whatever `AT+CMEE` says
//! (FW has no other form; that it counts for 0 and 2 too is assumed).

use super::CommandForm::{Execute, Read, Test, Write};
use super::{AtError, AtReply, CommandForm, ReplyLines};
use crate::app::App;
use crate::decimal::{decimal, positive};
use crate::lwm2m::{ServerConfig, UpdatedParameter};
use bc66_spec::cme::{BAD_PARAMETER, NOT_SUPPORTED};
use bc66_spec::lwm2m::command::{QLWCONFIG, UPDATE_BINDING, UPDATE_LIFETIME};
use bc66_spec::lwm2m::reply;

/// `AT+QLWCONFIG`. The reply to the test is assumed; that to the read has neither a blank nor quotes around the host (FW).
pub(super) fn configure(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::one(format!(
            "{QLWCONFIG}: (0,1),<server>,(1-65535),<endpoint>,(1-4294967295),(0,3)[,<psk_id>,<psk>]"
        )),
        Read => match &app.lwm2m.config {
            Some(config) => ReplyLines::one(format!("{QLWCONFIG}:{}", config.shown())),
            None => ReplyLines::none(),
        },
        Write(parameters) => {
            let config = ServerConfig::parse(parameters).map_err(AtError::Cmee)?;
            app.lwm2m_configure(config)?;
            ReplyLines::none()
        }
        Execute(_) => Err(AtError::Cmee(NOT_SUPPORTED)),
    }
}

pub(super) fn register(app: &mut App, form: CommandForm<'_>) -> AtReply {
    execute_only(form, || app.lwm2m_register())
}

pub(super) fn deregister(app: &mut App, form: CommandForm<'_>) -> AtReply {
    execute_only(form, || app.lwm2m_deregister())
}

fn execute_only(form: CommandForm<'_>, execute: impl FnOnce() -> Result<(), u16>) -> AtReply {
    match form {
        Test => {}
        Execute("") => execute().map_err(AtError::Cmee)?,
        _ => return Err(AtError::Cmee(NOT_SUPPORTED)),
    }
    ReplyLines::none()
}

/// `AT+QLWUPDATE`: the message id comes before `OK` (AN §6.3.1).
pub(super) fn update(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::one(format!("{} (0,1),<value>", reply::QLWUPDATE)),
        Write(parameters) => {
            let change = change(parameters, app.lwm2m.objects.binding).ok_or(AtError::Cmee(BAD_PARAMETER))?;
            let id = app.lwm2m_update(change).map_err(AtError::Cmee)?;
            ReplyLines::one(format!("{} {id}", reply::QLWUPDATE))
        }
        _ => Err(AtError::Cmee(NOT_SUPPORTED)),
    }
}

/// `0,<lifetime>` or `1,<binding>`.
fn change(parameters: &str, binding: &'static str) -> Option<UpdatedParameter> {
    let (kind, value) = parameters.split_once(',')?;
    let value = value.trim().trim_matches('"');
    match decimal(kind.trim())? {
        UPDATE_LIFETIME => positive(value).map(UpdatedParameter::Lifetime),
        UPDATE_BINDING => (value == binding).then_some(UpdatedParameter::Binding(binding)),
        _ => None,
    }
}

pub(super) fn status(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::none(),
        Read => ReplyLines::one(format!(
            "{} {}",
            reply::QLWSTATUS,
            app.lwm2m.client.status.number()
        )),
        _ => Err(AtError::Cmee(NOT_SUPPORTED)),
    }
}
