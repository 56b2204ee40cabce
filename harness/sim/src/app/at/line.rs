//! Splits a line into its commands: basic ones stand side by side, extended ones are separated by `;` (ITU-T V.250 §5.2).

use super::CommandForm;

/// One command of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    /// Name in upper case, without `AT`.
    pub(crate) name: String,
    pub(crate) form: CommandForm<'a>,
}

/// The commands after `AT`; `None` if the line is malformed.
pub(super) fn split(mut rest: &str) -> Option<Vec<Call<'_>>> {
    let mut calls = Vec::new();
    rest = rest.trim();
    while !rest.is_empty() {
        let (call, behind) = if rest.starts_with('+') {
            extended(rest)?
        } else {
            basic(rest)?
        };
        calls.push(call);
        rest = behind;
    }
    Some(calls)
}

fn extended(text: &str) -> Option<(Call<'_>, &str)> {
    let (command, rest) = match semicolon(text) {
        Some(at) => (&text[..at], text[at + 1..].trim_start()),
        None => (text, ""),
    };
    let command = command.trim_end();
    let name_len = command.find(['=', '?']).unwrap_or(command.len());
    let (name, tail) = command.split_at(name_len);
    let form = match tail {
        "" => CommandForm::Execute(""),
        "?" => CommandForm::Read,
        "=?" => CommandForm::Test,
        _ => CommandForm::Write(tail.strip_prefix('=')?),
    };
    Some((
        Call {
            name: name.to_ascii_uppercase(),
            form,
        },
        rest,
    ))
}

/// The first `;` outside quotes.
fn semicolon(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b';' && !quoted
    })
}

/// A letter, with or without `&` before it and a number after it.
fn basic(text: &str) -> Option<(Call<'_>, &str)> {
    let letter_at = usize::from(text.starts_with('&'));
    let name = text
        .get(..=letter_at)
        .filter(|name| name.as_bytes()[letter_at].is_ascii_alphabetic())?;
    let digits = text[name.len()..].bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text[name.len()..].split_at(digits);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(';').unwrap_or(rest).trim_start();
    Some((
        Call {
            name: name.to_ascii_uppercase(),
            form: CommandForm::Execute(number),
        },
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", &[])]
    #[case("I", &[("I", CommandForm::Execute(""))])]
    #[case("e0&w", &[("E", CommandForm::Execute("0")), ("&W", CommandForm::Execute(""))])]
    #[case("E0;+CMEE=1", &[("E", CommandForm::Execute("0")), ("+CMEE", CommandForm::Write("1"))])]
    #[case("+cesq;+CEREG?;+CPIN?", &[("+CESQ", CommandForm::Execute("")), ("+CEREG", CommandForm::Read), ("+CPIN", CommandForm::Read)])]
    #[case("+QFOTADL=?", &[("+QFOTADL", CommandForm::Test)])]
    #[case("+QFOTADL=\"http://h/a;b?c=d\";+CSQ", &[("+QFOTADL", CommandForm::Write("\"http://h/a;b?c=d\"")), ("+CSQ", CommandForm::Execute(""))])]
    fn lines(#[case] line: &str, #[case] expected: &[(&str, CommandForm<'_>)]) {
        let calls = split(line).expect("well-formed");
        let seen: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.form)).collect();
        assert_eq!(seen, expected);
    }

    #[rstest]
    #[case("&")]
    #[case("=1")]
    #[case("+CPIN?1")]
    #[case("E0#")]
    fn malformed(#[case] line: &str) {
        assert_eq!(split(line), None);
    }
}
