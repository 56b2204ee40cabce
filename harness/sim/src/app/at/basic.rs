//! Identity and the AT interface itself.

use super::CommandForm::{Execute, Read, Test, Write};
use super::{AtError, AtReply, CommandForm, ReplyLines};
use crate::app::{AUTOMATIC, AfterReply, App};
use crate::decimal::decimal;
use crate::dialect::Dialect;
use crate::image;
use crate::nvdm;
use bc66_spec::cme::{BAD_PARAMETER, NOT_SUPPORTED};
use bc66_spec::module::{ATI_VENDOR, REVISION};
use bc66_spec::timing::{BAUD_DEFAULT, BAUD_RATES};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The revision of the image in the flash: the version that the module really has.
fn revision_line(app: &App) -> Result<String, AtError> {
    let version = image::version(&*app.flash.lock(), &App::LAYOUT)?;
    let version = version.map(|version| version.to_string());
    Ok(format!("{REVISION} {}", version.unwrap_or_default()))
}

pub(super) fn identification(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Execute("" | "0") => {
            let revision = revision_line(app)?;
            ReplyLines::many(&[ATI_VENDOR, app.settings.module.ati_model(), &revision])
        }
        _ => Err(AtError::Plain),
    }
}

pub(super) fn revision(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::none(),
        Execute("") => ReplyLines::one(revision_line(app)?),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+CGSN`: without a parameter the serial number, with 1 the IMEI (3GPP TS 27.007 §5.4).
pub(super) fn serial_number(app: &mut App, form: CommandForm<'_>) -> AtReply {
    let imei = nvdm::imei(&*app.flash.lock())?;
    match form {
        Test => ReplyLines::one("+CGSN: (0-3)"),
        Execute("") | Write("0") => ReplyLines::one(format!("MPY18A{}", &imei[imei.len() - 9..])),
        Write("1") => ReplyLines::one(format!("+CGSN: {imei}")),
        Write("2") => ReplyLines::one(format!("+CGSN: {}01", &imei[..imei.len() - 1])),
        Write("3") => ReplyLines::one("+CGSN: 01"),
        Write(_) => Err(AtError::Cme(BAD_PARAMETER)),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

pub(super) fn echo(app: &mut App, form: CommandForm<'_>) -> AtReply {
    app.at.profile.echo = match form {
        Execute("" | "0") => false,
        Execute("1") => true,
        _ => return Err(AtError::Plain),
    };
    ReplyLines::none()
}

pub(super) fn save(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Execute("" | "0") => {
            app.at.profile.save(&mut *app.flash.lock())?;
            ReplyLines::none()
        }
        _ => Err(AtError::Plain),
    }
}

pub(super) fn error_form(app: &mut App, form: CommandForm<'_>) -> AtReply {
    stored_number(form, "+CMEE", 0..=2, &mut app.at.profile.error_form)
}

/// A command that stores one number, and shows it.
pub(super) fn stored_number(
    form: CommandForm<'_>,
    name: &str,
    range: RangeInclusive<u8>,
    stored: &mut u8,
) -> AtReply {
    match form {
        Test => ReplyLines::one(format!("{name}: ({}-{})", range.start(), range.end())),
        Read => ReplyLines::one(format!("{name}: {stored}")),
        Write(value) => {
            *stored = number(value, range)?;
            ReplyLines::none()
        }
        Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// `AT+IPR`: the new rate counts after the `OK`.
pub(super) fn baud_rate(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => {
            let rates: Vec<String> = rates(app).iter().map(u32::to_string).collect();
            ReplyLines::one(format!("+IPR: ({})", rates.join(",")))
        }
        Read => ReplyLines::one(format!("+IPR: {}", app.at.profile.baud)),
        Write(value) => {
            let baud = number(value, 0..=BAUD_DEFAULT)?;
            if !rates(app).contains(&baud) {
                return Err(AtError::Cme(BAD_PARAMETER));
            }
            app.at.profile.baud = baud;
            app.at.after.push(AfterReply::SetBaud);
            ReplyLines::none()
        }
        Execute(_) => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// What `AT+IPR` takes.
fn rates(app: &App) -> Vec<u32> {
    let automatic = app.settings.dialects.has(Dialect::Autobaud).then_some(AUTOMATIC);
    automatic.into_iter().chain(BAUD_RATES).collect()
}

/// `AT+IFC`: the firmware knows the command, the module has no pins for it (FW, HW26).
pub(super) fn flow_control(_: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::one("+IFC: (0-2),(0-2)"),
        Read => ReplyLines::one("+IFC: 0,0"),
        Write("0,0") => ReplyLines::none(),
        _ => Err(AtError::Cme(NOT_SUPPORTED)),
    }
}

/// A decimal parameter inside its range, or the error for one that is not.
pub(super) fn number<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>) -> Result<T, AtError> {
    decimal(text)
        .filter(|value| range.contains(value))
        .ok_or(AtError::Cme(BAD_PARAMETER))
}
