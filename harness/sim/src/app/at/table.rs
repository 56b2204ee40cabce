//! The commands: name and handler. To add one, write its handler and its line.

use super::{AtReply, CommandForm, basic, fota, lwm2m, network, power};
use crate::app::App;
use bc66_spec::command;
use bc66_spec::lwm2m::command as lwm2m_command;

type Handler = fn(&mut App, CommandForm<'_>) -> AtReply;

pub(super) fn find(name: &str) -> Option<Handler> {
    Some(match name {
        command::ATI => basic::identification,
        "E" => basic::echo,
        "&W" => basic::save,
        command::CGMR => basic::revision,
        command::CGSN => basic::serial_number,
        command::CMEE => basic::error_form,
        command::IPR => basic::baud_rate,
        command::CESQ => network::signal,
        command::CEREG => network::registration,
        command::CGPADDR => network::address,
        command::CPIN => network::sim,
        "+QCCID" => network::card,
        "+CIMI" => network::subscription,
        command::COPS => network::operator,
        command::CFUN => network::functionality,
        command::QSCLK => power::sleep,
        command::CPSMS => power::saving,
        command::QNBIOTEVENT => power::events,
        command::QPOWD => power::down,
        command::QRST => power::reset,
        command::QFUPLEX => fota::upload,
        command::QFOTADL => fota::order,
        lwm2m_command::QLWCONFIG => lwm2m::configure,
        lwm2m_command::QLWREG => lwm2m::register,
        lwm2m_command::QLWUPDATE => lwm2m::update,
        lwm2m_command::QLWDEREG => lwm2m::deregister,
        lwm2m_command::QLWSTATUS => lwm2m::status,
        "+IFC" => basic::flow_control,
        _ => return None,
    })
}
