//! The outcome of a run for other programs: the user's (`--on-end`), and Prometheus (`--metrics`).

use super::RunArgs;
use crate::bench::line::command::run_to_its_end;
use crate::config::suite::Suite;
use crate::exit::{CommandError, ExitCode};
use crate::terminal::print_warning;
use dfota_record::evidence::signing_key;
use dfota_record::report::Run;
use dfota_record::run_folder::replace;
use std::fmt::Write;
use std::path::{PathBuf, absolute};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest run of the program, in real time.
const LIMIT: Duration = Duration::from_secs(30);
/// The verdicts, in a word, and what the program's variables call them.
const VERDICTS: [(&str, &str); 6] = [
    ("pass", "PASSED"),
    ("fail", "FAILED"),
    ("error", "ERRORS"),
    ("inconclusive", "INCONCLUSIVE"),
    ("skip", "SKIPPED"),
    ("not-reached", "NOT_REACHED"),
];

/// The outcome of a run, as far as it got.
#[derive(Debug, Default, PartialEq)]
pub(super) struct RunOutcome {
    /// The rig's name; the file's, until it is known.
    pub rig: String,
    /// The suites' names, with commas between them.
    pub suites: String,
    /// The run folder; none where nothing was powered.
    pub folder: Option<PathBuf>,
    simulated: bool,
    /// Cases by verdict, in the order of [`VERDICTS`].
    cases: [usize; VERDICTS.len()],
    flaky: usize,
    bricks: usize,
    seconds: f64,
}

/// What is done when a run has ended.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct EndHooks {
    /// Run this command with `sh` at the end, also after exit code 2, for mail and chat; DFOTA_HIL_RUN_EXIT, _FOLDER, _RIG,
    /// _SUITES, _SIMULATED, _SECONDS, _CASES, _PASSED, _FLAKY, _FAILED, _BRICKS, _ERRORS, _INCONCLUSIVE, _SKIPPED and
    /// _NOT_REACHED say the result. It has 30 s and does not change the exit code
    #[arg(long, value_name = "CMD")]
    pub(super) on_end: Option<String>,
    /// At the end, write exit code and counts to this file as well, for Prometheus (the textfile collector of a node exporter)
    #[arg(long, value_name = "FILE")]
    pub(super) metrics: Option<PathBuf>,
}

impl EndHooks {
    /// Runs them. A hook that fails is a warning, and changes nothing about the run.
    pub(super) fn run(&self, outcome: &RunOutcome, result: &Result<ExitCode, CommandError>) {
        let exit = result.as_ref().map_or_else(|error| error.code, |exit| *exit);
        if let Some(path) = &self.metrics
            && let Err(why) = replace(path, outcome.metrics(exit, SystemTime::now()).as_bytes())
        {
            print_warning(format_args!("warning: no metrics: {why}"));
        }
        if let Some(command) = &self.on_end {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", command])
                // Only this program needs the signing key.
                .env_remove(signing_key::VARIABLE)
                .envs(outcome.variables(exit))
                .stdin(Stdio::null());
            if let Err(why) = run_to_its_end(&mut shell, command, LIMIT) {
                print_warning(format_args!("warning: `--on-end`: {why}"));
            }
        }
    }
}

impl RunOutcome {
    /// What is known before any file was read.
    pub(super) fn new(args: &RunArgs) -> Self {
        let stem = |path: &PathBuf| {
            path.file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        let stems = |paths: &[PathBuf]| paths.iter().map(stem).collect::<Vec<_>>().join(",");
        Self {
            rig: stems(&args.selection.rigs),
            suites: stems(&args.selection.suites),
            ..Self::default()
        }
    }

    /// Takes the names that the files give.
    pub(super) fn name(&mut self, rig: &str, suites: &[Suite]) {
        let suites: Vec<&str> = suites.iter().map(|suite| suite.name.as_str()).collect();
        (self.rig, self.suites) = (rig.to_owned(), suites.join(","));
    }

    /// Takes what the journal of the run says.
    pub(super) fn take(&mut self, run: &Run<'_>) {
        let started = run.started;
        self.simulated = started.rig.simulated;
        self.cases = VERDICTS.map(|(verdict, _)| run.count(|is| is.name() == verdict));
        (self.flaky, self.bricks) = (run.flaky(), run.bricks());
        self.seconds = run.took_ns as f64 / 1e9;
    }

    fn variables(&self, exit: ExitCode) -> Vec<(String, String)> {
        let folder = self.folder.as_deref().map_or(String::new(), |folder| {
            let absolute = absolute(folder).unwrap_or_else(|_| folder.to_owned());
            absolute.display().to_string()
        });
        let mut all = vec![
            ("EXIT", exit.code().to_string()),
            ("FOLDER", folder),
            ("RIG", self.rig.clone()),
            ("SUITES", self.suites.clone()),
            ("SIMULATED", u8::from(self.simulated).to_string()),
            ("CASES", self.cases.iter().sum::<usize>().to_string()),
            ("FLAKY", self.flaky.to_string()),
            ("BRICKS", self.bricks.to_string()),
            ("SECONDS", format!("{:.0}", self.seconds)),
        ];
        let counts = VERDICTS.iter().zip(self.cases);
        all.extend(counts.map(|((_, name), count)| (*name, count.to_string())));
        let prefixed = |(name, value)| (format!("DFOTA_HIL_RUN_{name}"), value);
        all.into_iter().map(prefixed).collect()
    }

    /// In the text format of Prometheus, as the textfile collector of a node exporter reads it.
    fn metrics(&self, exit: ExitCode, now: SystemTime) -> String {
        let who = format!(
            "rig=\"{}\",suites=\"{}\"",
            escaped(&self.rig),
            escaped(&self.suites)
        );
        let mut text = String::new();
        let mut gauge = |name: &str, help: &str, values: &[(String, f64)]| {
            let _ = writeln!(
                text,
                "# HELP dfota_hil_run_{name} {help}\n# TYPE dfota_hil_run_{name} gauge"
            );
            for (labels, value) in values {
                let _ = writeln!(text, "dfota_hil_run_{name}{{{who}{labels}}} {value}");
            }
        };
        let one = |value: f64| [(String::new(), value)];
        let ended = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let exit_code = "Exit code of the last run: 0 passed, 1 the module is at fault, 2 usage, 3 error of rig, network, server or harness, 130 interrupted.";
        gauge("exit_code", exit_code, &one(exit.code().into()));
        gauge(
            "end_timestamp_seconds",
            "When the last run ended.",
            &one(ended as f64),
        );
        if self.folder.is_none() {
            // Nothing was run: there is nothing to count.
            return text;
        }
        let cases = VERDICTS.iter().zip(self.cases);
        let cases: Vec<(String, f64)> = cases
            .map(|((verdict, _), count)| (format!(",verdict=\"{verdict}\""), count as f64))
            .collect();
        gauge("cases", "Cases of the last run by verdict.", &cases);
        for (name, help, value) in [
            (
                "flaky_cases",
                "Cases of the last run that passed after a retry.",
                self.flaky as f64,
            ),
            (
                "bricks",
                "Cases of the last run that ended with a brick.",
                self.bricks as f64,
            ),
            (
                "duration_seconds",
                "Real time that the last run took.",
                self.seconds,
            ),
            (
                "simulated",
                "1 where the module of the last run was simulated.",
                u8::from(self.simulated).into(),
            ),
        ] {
            gauge(name, help, &one(value));
        }
        text
    }
}

/// The value of a label.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_format_of_prometheus() {
        let outcome = RunOutcome {
            rig: "a \"b\" \\c".into(),
            suites: "s,t".into(),
            folder: Some("out".into()),
            cases: [5, 1, 0, 0, 2, 0],
            flaky: 1,
            bricks: 1,
            seconds: 14.085,
            simulated: true,
        };
        let text = outcome.metrics(ExitCode::Failed, UNIX_EPOCH + Duration::from_secs(1_764_000_000));
        let who = r#"rig="a \"b\" \\c",suites="s,t""#;
        for line in [
            format!("dfota_hil_run_exit_code{{{who}}} 1"),
            format!("dfota_hil_run_end_timestamp_seconds{{{who}}} 1764000000"),
            format!("dfota_hil_run_cases{{{who},verdict=\"pass\"}} 5"),
            format!("dfota_hil_run_cases{{{who},verdict=\"not-reached\"}} 0"),
            format!("dfota_hil_run_duration_seconds{{{who}}} 14.085"),
            "# TYPE dfota_hil_run_bricks gauge".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "no `{line}` in:\n{text}");
        }
        assert!(text.ends_with('\n'));
        let nothing_run = RunOutcome {
            folder: None,
            ..outcome
        };
        assert_eq!(
            nothing_run
                .metrics(ExitCode::Usage, UNIX_EPOCH)
                .matches("# TYPE")
                .count(),
            2
        );
    }
}
