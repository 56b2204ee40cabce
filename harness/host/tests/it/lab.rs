//! A laboratory for one test: a folder with the repository's rigs and suites in it, from which the program is run.

use crate::process::Running;
use crate::turn::Turn;
use serde_json::Value;
use std::fs::File;
use std::io::{Read as _, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_dfota-hil");
/// Real time that anything may take before a test gives up.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// What a suite of a test begins with.
const PACKAGES: &str = "\
packages:
  a-to-b: {file: suites/packages/a-to-b.delta, from: BC66NBR01A01, to: BC66NBR01A02}
  b-to-a: {file: suites/packages/b-to-a.delta, from: BC66NBR01A02, to: BC66NBR01A01}
";

/// The folder.
pub(crate) struct Lab {
    folder: TempDir,
    _turn: Option<Turn>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Checks the exit code; a mismatch shows everything.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "\nstdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// Checks that standard output has this in it.
    #[track_caller]
    pub(crate) fn says(&self, what: &str) -> &Self {
        assert!(self.stdout.contains(what), "no `{what}` in:\n{}", self.stdout);
        self
    }

    /// Checks that standard error has this in it.
    #[track_caller]
    pub(crate) fn complains(&self, what: &str) -> &Self {
        assert!(self.stderr.contains(what), "no `{what}` in:\n{}", self.stderr);
        self
    }
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(Some(Turn::shared()))
    }

    /// One that several tests use and that lasts until the last of them has ended: nobody waits for it.
    pub(crate) fn lasting() -> Self {
        Self::with(None)
    }

    fn with(turn: Option<Turn>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for name in ["rigs", "suites"] {
            let target = root
                .join(name)
                .canonicalize()
                .expect("a folder of the repository");
            std::os::unix::fs::symlink(target, folder.path().join(name)).expect("a link");
        }
        std::fs::create_dir(folder.path().join("tmp")).expect("a folder");
        Self { folder, _turn: turn }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("`{}`: {why}", path.display()))
    }

    /// Writes `rig.yaml`: a simulated module.
    pub(crate) fn rig(&self, speed: u32, defects: &str) {
        let text = format!(
            "rig: lab\nmodule: bc66\nsimulated: {{firmware: BC66NBR01A01, speed: {speed}, defects: [{defects}]}}\n"
        );
        self.write("rig.yaml", text);
    }

    /// Writes `suite.yaml`; `rest` is what follows the packages.
    pub(crate) fn suite(&self, rest: &str) {
        self.write("suite.yaml", format!("suite: lab\n{PACKAGES}{rest}"));
    }

    /// The same with packages for a rehearsal, which a rig with wires takes.
    pub(crate) fn rehearsal(&self, rest: &str) {
        for name in ["a-to-b.delta", "b-to-a.delta"] {
            let package = std::fs::read(self.path("suites/packages").join(name)).expect("a package");
            self.write(name, bc66_sim::package::for_rehearsal(package));
        }
        let packages = PACKAGES.replace("suites/packages/", "");
        self.write("suite.yaml", format!("suite: lab\n{packages}{rest}"));
    }

    /// A command with these arguments, in this folder. Its temporary files are in `tmp`, its state in
    /// `state`.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.command_of(PROGRAM);
        command.args(args);
        command
    }

    /// The same with another program.
    pub(crate) fn command_of(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env_remove("DFOTA_HIL_RIG")
            .env_remove("DFOTA_HIL_STATE_DIR")
            .env_remove("DFOTA_HIL_OUT")
            .env_remove("RUST_LOG")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.start(args).end()
    }

    /// The same with something on its standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        self.write("input", input);
        let input = File::open(self.path("input")).expect("the file just written");
        Running::start(self.command(args).stdin(input)).end()
    }

    /// Starts the program.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::start(&mut self.command(args))
    }

    /// `suite.yaml` on `rig.yaml`, to the run folder `out`.
    pub(crate) fn arguments<'a>(&self, more: &[&'a str]) -> Vec<&'a str> {
        [
            &[
                "run",
                "suite.yaml",
                "--rig",
                "rig.yaml",
                "--out",
                "out",
                "--seed",
                "7",
            ],
            more,
        ]
        .concat()
    }

    /// The events of a run folder so far, without a last line that is being written.
    pub(crate) fn events(&self, out: &str) -> Vec<Value> {
        self.records(&format!("{out}/events.jsonl"))
    }

    /// The same of any journal.
    pub(crate) fn records(&self, journal: &str) -> Vec<Value> {
        let mut read = Read::default();
        read.on(&self.path(journal));
        read.events
    }

    /// Waits for an event of the run in `out`.
    #[track_caller]
    pub(crate) fn await_event(&self, out: &str, awaited: &str, is: impl Fn(&Value) -> bool) {
        self.await_record(&format!("{out}/events.jsonl"), awaited, is);
    }

    /// Waits for an event of this journal, and gives the first.
    #[track_caller]
    pub(crate) fn await_record(&self, journal: &str, awaited: &str, is: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + LIMIT;
        let path = self.path(journal);
        let mut read = Read::default();
        let mut looked = 0;
        loop {
            read.on(&path);
            if let Some(event) = read.events[looked..].iter().find(|event| is(event)) {
                return event.clone();
            }
            looked = read.events.len();
            assert!(
                Instant::now() < deadline,
                "waited {LIMIT:?} for {awaited}; the last event is {:?}",
                read.events.last()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How the run in `out` ended: exit code, interrupted, safe.
    #[track_caller]
    pub(crate) fn ended(&self, out: &str) -> (u64, bool, bool) {
        let events = self.events(out);
        let last = events.last().expect("a journal has events");
        assert_eq!(last["event"], "run-ended", "{last}");
        (
            last["exit"].as_u64().expect("a number"),
            last["interrupted"] == true,
            last["safe"] == true,
        )
    }

    /// The cases in `run.json`.
    pub(crate) fn cases(&self, out: &str) -> Vec<Value> {
        let run: Value = serde_json::from_str(&self.read(&format!("{out}/run.json"))).expect("JSON");
        run["cases"].as_array().expect("a list").clone()
    }

    /// Verdict, rule and id of each case, out of `run.json`.
    pub(crate) fn verdicts(&self, out: &str) -> Vec<String> {
        let cases = self.cases(out);
        let text = |case: &Value, key: &str| case[key].as_str().unwrap_or("-").to_owned();
        cases
            .iter()
            .map(|case| ["id", "verdict", "rule"].map(|key| text(case, key)).join(" "))
            .collect()
    }

    /// Checks that one case ended so: its id, verdict and rule.
    #[track_caller]
    pub(crate) fn has_verdict(&self, out: &str, wanted: &str) {
        let verdicts = self.verdicts(out);
        let found = verdicts.iter().any(|verdict| verdict == wanted);
        assert!(found, "no `{wanted}` in {verdicts:#?}");
    }

    /// A file out of the state of the one rig that has it.
    pub(crate) fn rig_state(&self, file: &str) -> Option<Value> {
        const RIGS: &str = "state/dfota-hil/rigs";
        let rigs = self.names(RIGS);
        let paths = rigs.iter().map(|rig| format!("{RIGS}/{rig}/{file}"));
        let there: Vec<String> = paths.filter(|path| self.path(path).exists()).collect();
        assert!(there.len() < 2, "more than one rig: {there:?}");
        let path = there.first()?;
        Some(serde_json::from_str(&self.read(path)).expect("JSON"))
    }

    /// Names of the run folders under `reports`, and of what is left in `tmp`.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder))
            .into_iter()
            .flatten()
            .flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// A journal as far as it was read. Whoever waits for an event reads on: to read all of it anew each time would take the time from
/// the run that is waited for.
#[derive(Default)]
struct Read {
    until: u64,
    events: Vec<Value>,
}

impl Read {
    /// Reads the lines that are complete by now.
    fn on(&mut self, journal: &Path) {
        let Ok(mut file) = File::open(journal) else { return };
        file.seek(SeekFrom::Start(self.until)).expect("a file");
        let mut text = Vec::new();
        file.read_to_end(&mut text).expect("a file");
        let complete = text.split_inclusive(|&byte| byte == b'\n');
        for line in complete.filter(|line| line.ends_with(b"\n")) {
            self.until += line.len() as u64;
            self.events.push(serde_json::from_slice(line).expect("an event"));
        }
    }
}

/// A test that failed leaves its folder, to look at.
impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the folder is kept: {}", self.folder.path().display());
            self.folder.disable_cleanup(true);
        }
    }
}

/// An event that a line from the module has `part` in it.
pub(crate) fn heard(part: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["event"] == "rx" && event["text"].as_str().is_some_and(|text| text.contains(part))
}

/// Text without what differs from run to run: seconds in brackets, and percentages, which a busy machine shifts.
pub(crate) fn steady(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let line = match (line.find('['), line.find("s]")) {
            (Some(open), Some(close)) if line[open + 1..close].trim().parse::<f64>().is_ok() => {
                format!("{}[TIME{}", &line[..open], &line[close + 1..])
            }
            _ => line.to_owned(),
        };
        let mut digits = String::new();
        for c in line.chars() {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            out.push_str(if c == '%' && !digits.is_empty() {
                "N"
            } else {
                &digits
            });
            digits.clear();
            out.push(c);
        }
        out.push_str(&digits);
    }
    out
}
