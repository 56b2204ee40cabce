//! A simulated module, as a process of its own: this program again, as `dfota-hil sim`.
//!
//! The harness knows its pty and its control socket, nothing else. The process ends when its standard input does, so it
//! cannot outlive the harness, however that ends.

use crate::config::rig::{Rig, Simulated, module_word};
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct SimProcess {
    child: Child,
    pub pty: PathBuf,
    /// The socket of its lines.
    pub control: PathBuf,
}

/// A simulator that did not start.
#[derive(Debug, thiserror::Error)]
#[error("the simulated module did not start: {0}")]
pub struct StartError(String);

impl SimProcess {
    /// Starts the module of a simulated rig.
    pub fn start(program: &Path, rig: &Rig, simulated: &Simulated, seed: u64) -> Result<Self, StartError> {
        let mut command = Command::new(program);
        command.env_remove(dfota_record::evidence::signing_key::VARIABLE);
        command.arg0(crate::program::NAME);
        command.args(["sim", "--until-eof", "--module", module_word(rig.module)]);
        command.args([
            "--firmware",
            simulated.firmware.as_str(),
            "--speed",
            &simulated.speed.to_string(),
        ]);
        command.args(["--seed", &simulated.seed.unwrap_or(seed).to_string()]);
        for defect in &simulated.defects {
            command.args(["--defect", defect]);
        }
        for dialect in &simulated.dialects {
            command.args(["--dialect", dialect]);
        }
        // It ends with its input; a Ctrl-C at the terminal is for the harness, which brings the rig to its safe state first.
        command.process_group(0);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|why| StartError(format!("`{}`: {why}", program.display())))?;
        match announced(&mut child) {
            Ok((pty, control)) => {
                pass_on_stderr(&mut child);
                Ok(Self { child, pty, control })
            }
            Err(why) => {
                let _ = child.kill();
                let said = child
                    .wait_with_output()
                    .map(|out| String::from_utf8_lossy(&out.stderr).trim().to_owned());
                let said = said.unwrap_or_default();
                Err(StartError(if said.is_empty() { why.to_string() } else { said }))
            }
        }
    }
}

/// The two lines it prints when it is ready.
fn announced(child: &mut Child) -> io::Result<(PathBuf, PathBuf)> {
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("it has no standard output"))?;
    let mut lines = BufReader::new(stdout);
    let mut expect = |name: &str| -> io::Result<PathBuf> {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let path = line
            .trim_end()
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(' '));
        path.map(PathBuf::from).ok_or_else(|| {
            io::Error::other(format!(
                "it printed `{}`, expected `{name} PATH`",
                line.trim_end()
            ))
        })
    };
    Ok((expect("pty")?, expect("control")?))
}

fn pass_on_stderr(child: &mut Child) {
    if let Some(stderr) = child.stderr.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                tracing::warn!(target: "sim", "{line}");
            }
        });
    }
}

impl Drop for SimProcess {
    fn drop(&mut self) {
        const ENDS_BY_ITSELF: Duration = Duration::from_secs(5);
        drop(self.child.stdin.take());
        let deadline = Instant::now() + ENDS_BY_ITSELF;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
