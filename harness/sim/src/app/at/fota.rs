//! The two commands of an update (AN §2.2.1, §3.2). Their errors are plain, as the note has them, but for that of an order
//! without an address.

use super::CommandForm::{Test, Write};
use super::{AtError, AtReply, CommandForm, ReplyLines};
use crate::app::{AfterReply, App};
use crate::upload::UploadBlock;
use crate::url::Url;
use bc66_spec::cme::NOT_ALLOWED;
use bc66_spec::qfotadl::FROM_UART;
use bc66_spec::qfuplex::TEST_REPLY;

/// `AT+QFUPLEX`. ESC counts in data mode alone, so that it is refused here.
pub(super) fn upload(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::many(&TEST_REPLY),
        Write(parameters) => {
            let block = UploadBlock::parse(parameters).ok_or(AtError::Plain)?;
            if app.is_updating() || !app.at.upload.admits(&block, App::LAYOUT.delta.size()) {
                return Err(AtError::Plain);
            }
            ReplyLines::prompt(block)
        }
        _ => Err(AtError::Plain),
    }
}

pub(super) fn order(app: &mut App, form: CommandForm<'_>) -> AtReply {
    match form {
        Test => ReplyLines::none(),
        Write(_) if app.is_updating() => Err(AtError::Plain),
        Write(FROM_UART) => {
            let package = app.at.upload.package_len().ok_or(AtError::Plain)?;
            app.at.after.push(AfterReply::Update(package));
            ReplyLines::none()
        }
        Write(url) => {
            let url = Url::parse(url).ok_or(AtError::Plain)?;
            if app.modem.is_attached() && !app.modem.has_address() {
                return Err(AtError::Cme(NOT_ALLOWED));
            }
            app.at.after.push(AfterReply::Download(url));
            ReplyLines::none()
        }
        _ => Err(AtError::Plain),
    }
}
