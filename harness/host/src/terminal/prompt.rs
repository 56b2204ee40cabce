//! Lines typed at the terminal, and questions to the user. A signal ends a question without an answer.

use crate::terminal::print;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How often to look whether a signal has come, in real time.
const TICK: Duration = Duration::from_millis(20);

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptAnswer {
    Go,
    /// `q`, or the end of input.
    Stop,
    /// SIGINT, SIGTERM or SIGHUP.
    Interrupted,
}

/// Asks at the terminal.
#[derive(Debug)]
pub struct Prompt {
    typed: Receiver<String>,
    interrupted: Arc<AtomicBool>,
}

impl Prompt {
    /// From now on the signals that end a program end a question. Fails where the system lets no program handle them.
    pub fn new() -> io::Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        Ok(Self {
            typed: typed(),
            interrupted,
        })
    }

    /// Asks for Enter. What was typed before does not count.
    pub fn ask(&self, question: &str) -> PromptAnswer {
        while self.typed.try_recv().is_ok() {}
        loop {
            match self.line(question) {
                Ok(line) if line.is_empty() => return PromptAnswer::Go,
                Ok(_) => {}
                Err(answer) => return answer,
            }
        }
    }

    /// Asks for a line and trims it; the error is why there is none.
    pub fn line(&self, question: &str) -> Result<String, PromptAnswer> {
        print(question);
        loop {
            match self.typed.recv_timeout(TICK) {
                Ok(line) if line.trim().eq_ignore_ascii_case("q") => return Err(PromptAnswer::Stop),
                Ok(line) => return Ok(line.trim().to_owned()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(PromptAnswer::Stop),
            }
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(PromptAnswer::Interrupted);
            }
        }
    }
}

/// What is typed, line by line. The thread that reads it stays behind when the program ends.
pub fn typed() -> Receiver<String> {
    let (lines, typed) = channel();
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut line = Vec::new();
        while matches!(stdin.read_until(b'\n', &mut line), Ok(n) if n > 0) {
            let text = String::from_utf8_lossy(&line);
            if lines
                .send(text.trim_end_matches(['\r', '\n']).to_owned())
                .is_err()
            {
                break;
            }
            line.clear();
        }
    });
    typed
}
