//! A line moved by a program, so that every PDU, relay board or USB hub with a command line works.

use super::{DriverError, LineError, OutputLine};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest part of a program's standard error that is quoted.
const QUOTE: u64 = 2_000;

/// A line with one program for each direction; a pulse line has only the program that makes the whole pulse.
#[derive(Debug)]
pub struct ProgramLine {
    name: &'static str,
    on: Vec<String>,
    off: Option<Vec<String>>,
    timeout: Duration,
    mark: Option<File>,
}

impl ProgramLine {
    /// A line with a program for `on` and one for `off`.
    pub fn new(name: &'static str, on: Vec<String>, off: Vec<String>, timeout: Duration) -> Self {
        let line = Self::pulse(name, on, timeout);
        let off = Some(off);
        Self { off, ..line }
    }

    /// A pulse line: its program makes the whole pulse when the line is driven active; driving it back does nothing.
    pub fn pulse(name: &'static str, pulse: Vec<String>, timeout: Duration) -> Self {
        Self {
            name,
            on: pulse,
            off: None,
            timeout,
            mark: None,
        }
    }

    /// Has every program hold `mark`, an empty file, as its standard input: a lock on it lasts as long as one of them runs,
    /// also when this process has died.
    pub fn marked(mut self, mark: Option<File>) -> Self {
        self.mark = mark;
        self
    }

    fn stdin(&self) -> Stdio {
        let mark = self.mark.as_ref().and_then(|mark| mark.try_clone().ok());
        mark.map_or_else(Stdio::null, Stdio::from)
    }
}

/// Runs a program to its end; the error holds its own words.
pub fn run_program(argv: &[String], timeout: Duration, stdin: Stdio) -> Result<(), DriverError> {
    let [program, args @ ..] = argv else {
        return Err(DriverError::new("its command is empty"));
    };
    let mut command = Command::new(program);
    command
        .args(args)
        // Only this program needs the signing key.
        .env_remove(dfota_record::evidence::signing_key::VARIABLE)
        .stdin(stdin);
    run_to_its_end(&mut command, &argv.join(" "), timeout)
}

/// The same with a command that is ready, which is `shown` so.
pub fn run_to_its_end(command: &mut Command, shown: &str, timeout: Duration) -> Result<(), DriverError> {
    let by_path = command.get_program().to_string_lossy().contains('/');
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|why| {
            let place = match why.kind() {
                ErrorKind::NotFound if by_path => {
                    "; a program with a `/` in its name is relative to the rig file"
                }
                ErrorKind::PermissionDenied => "; is it executable? `chmod +x` makes it so",
                ErrorKind::NotFound => "; a program without a `/` in its name is looked for on the PATH",
                _ => "",
            };
            DriverError::new(format_args!("`{shown}` could not be started: {why}{place}"))
        })?;
    let stderr = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            // What does not fit is read and dropped, so that the program never blocks on a full pipe.
            let _ = stderr.by_ref().take(QUOTE).read_to_end(&mut text);
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
        }
        String::from_utf8_lossy(&text).trim().to_owned()
    });
    let status = wait(&mut child, timeout);
    let status = status.map_err(|why| DriverError::new(format_args!("`{shown}`: {why}")))?;
    let Some(status) = status else {
        let _ = child.kill();
        let _ = child.wait();
        let limit = humantime::format_duration(timeout);
        return Err(DriverError::new(format_args!(
            "`{shown}` did not end within {limit}"
        )));
    };
    if status.success() {
        return Ok(());
    }
    let said = reader.join().unwrap_or_default();
    let said = if said.is_empty() {
        "it said nothing".into()
    } else {
        format!("it said: {said}")
    };
    Err(DriverError::new(format_args!(
        "`{shown}` ended with {status}; {said}"
    )))
}

impl OutputLine for ProgramLine {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        let argv = match (&self.off, active) {
            (_, true) => &self.on,
            (Some(off), false) => off,
            (None, false) => return Ok(()),
        };
        let run = run_program(argv, self.timeout, self.stdin());
        run.map_err(|why| LineError::new(self.name, active, why))
    }
}

/// Waits for the end of a child. There is no wait with a limit in the standard library: ask, ever less often.
fn wait(child: &mut Child, timeout: Duration) -> std::io::Result<Option<std::process::ExitStatus>> {
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(String::from).to_vec()
    }

    fn switch(script: &str, timeout: Duration) -> String {
        let mut line = ProgramLine::new("power", sh(script), sh("true"), timeout);
        line.set(false).expect("`true` succeeds");
        line.set(true)
            .map_or_else(|error| error.to_string(), |()| "done".into())
    }

    #[test]
    fn success_failure_and_time_out() {
        let long = Duration::from_secs(10);
        assert_eq!(switch("exit 0", long), "done");
        assert_eq!(
            switch("echo no relay >&2; exit 3", long),
            "power could not be switched on: `sh -c echo no relay >&2; exit 3` ended with exit status: 3; it said: no relay"
        );
        assert_eq!(
            switch("exec sleep 60", Duration::from_millis(50)),
            "power could not be switched on: `sh -c exec sleep 60` did not end within 50ms"
        );
        // A talkative program does not block.
        assert_eq!(switch("head -c 1000000 /dev/zero >&2", long), "done");
    }

    #[test]
    fn a_program_that_is_not_there() {
        let mut line = ProgramLine::pulse("reset", vec!["/nowhere/relay".into()], Duration::from_secs(1));
        let error = line.set(true).expect_err("there is no such program").to_string();
        assert!(
            error.starts_with("reset could not be switched on: `/nowhere/relay` could not be started:"),
            "{error}"
        );
        line.set(false).expect("the pulse was all of it");
    }
}
