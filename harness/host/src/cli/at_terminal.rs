//! The AT terminal of `console`: what is typed goes to the module; lines that begin with `:` control the rig.
//!
//! A person types when the module is ready for it. Lines out of a pipe come all at once, so they are paced: the terminal
//! waits for the boot, and then for the result of each command before it sends the next.

use crate::device::dut::dialogue::COMMAND;
use crate::device::dut::{Dut, Stop};
use dfota_core::event::Event;
use dfota_core::reply::PendingCommand;
use std::str::FromStr;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long a boot is waited for before the next line of a pipe is sent.
const BOOT: Duration = Duration::from_secs(30);
/// How often to process what the module sends while nothing is typed, in real time. The screen shows it at once.
const TICK: Duration = Duration::from_millis(20);

/// What the lines that begin with `:` do, for `:help` and for `--help`.
pub const HELP: &str = "\
:power on     supply the module, and press PWRKEY where the rig has it
:power off    take the supply away, and listen whether it is gone
:power cycle  both, with the rig's discharge in between
:reset        pulse RESET
:pwrkey       pulse PWRKEY
:wait T       listen for T of the module's time, for example `:wait 30s`
:help         show this
:quit         leave with the rig in its safe state, as do the end of input, Ctrl-C and SIGTERM";

/// A line that begins with `:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TerminalCommand {
    On,
    Off,
    Cycle,
    Reset,
    Pwrkey,
    Wait(Duration),
    Help,
    Quit,
}

impl FromStr for TerminalCommand {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Ok(match words.as_slice() {
            [":power", "on"] => Self::On,
            [":power", "off"] => Self::Off,
            [":power", "cycle"] => Self::Cycle,
            [":reset"] => Self::Reset,
            [":pwrkey"] => Self::Pwrkey,
            [":wait", time] => {
                let time = humantime::parse_duration(time);
                Self::Wait(time.map_err(|why| format!("`{line}`: {why}; expected a time such as `30s`"))?)
            }
            [":help"] => Self::Help,
            [":quit"] => Self::Quit,
            _ => {
                return Err(format!(
                    "unknown `{}`; `:help` lists the commands",
                    line.trim_end()
                ));
            }
        })
    }
}

#[derive(Debug)]
pub struct AtTerminal<'a> {
    module: &'a mut Dut,
    paced: bool,
}

impl<'a> AtTerminal<'a> {
    /// A terminal on a module; `paced` where lines come out of a pipe.
    pub fn new(module: &'a mut Dut, paced: bool) -> Self {
        Self { module, paced }
    }

    /// Boots the module and passes on what is `typed` until `:quit` or the end of it. An error is an interrupt.
    ///
    /// The supply is switched off first: a module that `power RIG on` has left on would not boot, and may sleep.
    pub fn run(mut self, typed: &Receiver<String>) -> Result<(), Stop> {
        self.obey(TerminalCommand::Cycle)?;
        loop {
            match typed.recv_timeout(TICK) {
                Ok(line) => {
                    if !self.take(&line)? {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.attempt(Self::listen)?;
        }
        // What the module has sent until now is shown before its supply is switched off.
        self.attempt(|terminal| terminal.module.drain().map(drop))
    }

    /// Takes one line; false when it was the last.
    fn take(&mut self, line: &str) -> Result<bool, Stop> {
        if !line.starts_with(':') {
            self.attempt(|terminal| terminal.say(line))?;
            return Ok(true);
        }
        match line.parse() {
            Ok(TerminalCommand::Quit) => return Ok(false),
            Ok(order) => self.obey(order)?,
            Err(why) => self.note(why),
        }
        Ok(true)
    }

    fn obey(&mut self, order: TerminalCommand) -> Result<(), Stop> {
        self.attempt(|terminal| {
            match order {
                TerminalCommand::On => terminal.module.power_on()?,
                TerminalCommand::Off => terminal.module.power_off()?,
                TerminalCommand::Cycle => terminal.module.cycle()?,
                TerminalCommand::Reset => terminal.module.reset()?,
                TerminalCommand::Pwrkey => terminal.module.pwrkey()?,
                TerminalCommand::Wait(time) => terminal.module.pause(time)?,
                TerminalCommand::Help => HELP.lines().for_each(|line| terminal.note(line)),
                TerminalCommand::Quit => {}
            }
            match order {
                TerminalCommand::On | TerminalCommand::Cycle | TerminalCommand::Reset if terminal.paced => {
                    terminal.boot()
                }
                _ => Ok(()),
            }
        })
    }

    /// Waits until the module has booted and answers: the first command after a boot may be lost (AL).
    fn boot(&mut self) -> Result<(), Stop> {
        if !self.module.boot(BOOT)? {
            self.note(format!("no RDY within {} s", BOOT.as_secs()));
        } else if !self.module.sync(BOOT)? {
            self.note(format!("no OK to `AT` within {} s", BOOT.as_secs()));
        }
        Ok(())
    }

    fn say(&mut self, line: &str) -> Result<(), Stop> {
        if !self.module.is_powered() {
            self.note(format!("not sent, the module has no supply: `{line}`"));
            return Ok(());
        }
        self.module.send(line)?;
        if !self.paced || line.trim().is_empty() {
            return Ok(());
        }
        if self.module.answer(&PendingCommand::new(line), COMMAND)?.is_none() {
            self.note(format!("no result within {} s: `{line}`", COMMAND.as_secs()));
        }
        Ok(())
    }

    fn listen(&mut self) -> Result<(), Stop> {
        while self.module.next(Instant::now())?.is_some() {}
        Ok(())
    }

    /// Does something that may fail. The terminal stays open, for finding out why; only an interrupt ends it.
    fn attempt(&mut self, what: impl FnOnce(&mut Self) -> Result<(), Stop>) -> Result<(), Stop> {
        match what(self) {
            Err(Stop::Rule(rule, sentence)) => {
                self.note(format!("{rule}: {sentence}"));
                Ok(())
            }
            result => result,
        }
    }

    fn note(&self, text: impl Into<String>) {
        self.module.journal.post(Event::Note { text: text.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(":power on", Ok(TerminalCommand::On))]
    #[case(":power  cycle ", Ok(TerminalCommand::Cycle))]
    #[case(":wait 1m 30s", Err("unknown `:wait 1m 30s`; `:help` lists the commands"))]
    #[case(":wait 1m30s", Ok(TerminalCommand::Wait(Duration::from_secs(90))))]
    #[case(
        ":wait long",
        Err("`:wait long`: expected number at 0; expected a time such as `30s`")
    )]
    #[case(":power", Err("unknown `:power`; `:help` lists the commands"))]
    #[case(":", Err("unknown `:`; `:help` lists the commands"))]
    fn orders(#[case] line: &str, #[case] expected: Result<TerminalCommand, &str>) {
        assert_eq!(line.parse(), expected.map_err(str::to_owned));
    }
}
