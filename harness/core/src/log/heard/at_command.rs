//! AT commands in a log: which of them orders an update, and whether the log shows commands at all.

use super::{LineMeaning, digits};
use crate::transport::Via;
use bc66_spec::{command, qfotadl};

/// What begins with `A`. `alone`: no word stands before it; without a `+`, it would not be told from words.
pub(super) fn read(rest: &[u8], alone: bool) -> Option<LineMeaning<'_>> {
    // It repeats the command before, which may have been an order.
    if alone && rest == b"A/" {
        return Some(LineMeaning::Torn);
    }
    let (head, rest) = rest.split_at_checked(2)?;
    head.eq_ignore_ascii_case(b"AT").then_some(())?;
    if torn(rest) {
        return Some(LineMeaning::Torn);
    }
    // Several commands may stand in a line, each but the first without its `AT`.
    let mut parts = rest.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    if let Some(heard) = parts.find_map(|part| one(part, alone)) {
        return Some(heard);
    }
    match rest.first() {
        Some(b'+') => Some(LineMeaning::Command),
        _ if !alone => None,
        None | Some(b'&') => Some(LineMeaning::Command),
        // `ATI`; but not `Attach`.
        Some(first) => (rest.len() <= 2 && first.is_ascii_alphabetic()).then_some(LineMeaning::Command),
    }
}

/// A command that matters here.
fn one(part: &[u8], alone: bool) -> Option<LineMeaning<'_>> {
    let value = |name: &str| {
        let (head, rest) = part.split_at_checked(name.len())?;
        let is = head.eq_ignore_ascii_case(name.as_bytes());
        let value = rest.trim_ascii_start().strip_prefix(b"=");
        value.filter(|_| is).map(<[u8]>::trim_ascii)
    };
    if let Some(value) = value(command::QFOTADL) {
        return Some(order(value));
    }
    if let Some(value) = value(command::QFUPLEX) {
        let block = value.split(|byte| *byte == b',').nth(1);
        return block
            .and_then(|block| digits(block.trim_ascii()))
            .map(LineMeaning::Block);
    }
    if value(command::QRST).is_some() {
        return Some(LineMeaning::Reboot);
    }
    match part {
        [b'E' | b'e', b'1', ..] if alone => Some(LineMeaning::EchoOn),
        [b'E' | b'e', b'0', ..] | [b'E' | b'e'] if alone => Some(LineMeaning::EchoOff),
        _ => None,
    }
}

fn order<'a>(value: &[u8]) -> LineMeaning<'a> {
    let is_url = value.iter().any(|byte| matches!(byte, b'/' | b'.' | b'"'));
    match value {
        _ if value == qfotadl::FROM_UART.as_bytes() => LineMeaning::Order(Via::Uart),
        _ if is_url => LineMeaning::Order(Via::Http),
        _ => LineMeaning::Command,
    }
}

/// The beginning of an order, of which the rest is lost: a URC came into its echo.
fn torn(rest: &[u8]) -> bool {
    let start = command::QFOTADL.as_bytes().get(..rest.len());
    rest.len() >= 2 && start.is_some_and(|start| start.eq_ignore_ascii_case(rest))
}
