//! The guest's shell, over the network: its init script gives one to everybody who connects.

use crate::lab::Ran;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How long a command takes that does little.
const SHORT: Duration = Duration::from_secs(30);

/// The guest.
pub(crate) struct Guest {
    port: u16,
}

impl Guest {
    /// A guest that takes commands at this port of the loopback.
    pub(crate) fn new(port: u16) -> Self {
        Self { port }
    }

    /// Runs a script that does little.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Ran {
        self.run_within(SHORT, script)
    }

    /// Runs a script. Both outputs come as one.
    #[track_caller]
    pub(crate) fn run_within(&self, limit: Duration, script: &str) -> Ran {
        let said = self.bytes(
            limit,
            &format!("(\n{script}\n) 2>&1 </dev/null\necho \"exit $?\"\n"),
        );
        let said = String::from_utf8_lossy(&said);
        let (stdout, code) = said
            .trim_end()
            .rsplit_once("exit ")
            .unwrap_or_else(|| panic!("`{script}` did not end: {said}"));
        Ran {
            code: code.parse().ok(),
            stdout: stdout.to_owned(),
            stderr: String::new(),
        }
    }

    /// Writes a file.
    #[track_caller]
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.run(&format!("cat > {path} <<'END OF FILE'\n{text}\nEND OF FILE"))
            .ends(0);
    }

    /// What a script writes to its standard output.
    #[track_caller]
    pub(crate) fn bytes(&self, limit: Duration, script: &str) -> Vec<u8> {
        let mut shell = self.shell(script);
        shell.0.shutdown(Shutdown::Write).expect("a connection");
        let deadline = Instant::now() + limit;
        let (mut said, mut part) = (Vec::new(), [0; 65536]);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = left.max(Duration::from_millis(1));
            shell.0.set_read_timeout(Some(left)).expect("a time-out");
            match shell.0.read(&mut part) {
                Ok(0) => return said,
                Ok(n) => said.extend_from_slice(&part[..n]),
                Err(why) => panic!(
                    "waited {limit:?} for the end of `{script}`: {why}; it said\n{}",
                    String::from_utf8_lossy(&said)
                ),
            }
        }
    }

    /// A shell that has been given a script, and waits for more.
    pub(crate) fn shell(&self, script: &str) -> Shell {
        let mut shell = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("QEMU forwards the port");
        shell.set_nodelay(true).expect("an option of TCP");
        shell
            .write_all(script.as_bytes())
            .expect("the guest takes a script");
        Shell(shell)
    }
}

/// A shell of the guest.
pub(crate) struct Shell(TcpStream);

impl Shell {
    /// Types a line.
    pub(crate) fn tell(&mut self, line: &str) {
        self.0.write_all(line.as_bytes()).expect("the shell is there");
        self.0.write_all(b"\n").expect("the shell is there");
    }

    /// The next line that it writes.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        self.0.set_read_timeout(Some(SHORT)).expect("a time-out");
        let mut line = String::new();
        // A buffer of one byte: nothing behind the line is taken away.
        let read = BufReader::with_capacity(1, &self.0).read_line(&mut line);
        read.unwrap_or_else(|why| panic!("waited {SHORT:?} for a line of the shell: {why}"));
        line.trim_end().to_owned()
    }
}
