//! `run --resume`: what a run was started with, by its journal, and whether it can go on.

use super::RunArgs;
use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::exit::CommandError;
use crate::plan::Planned;
use crate::program;
use dfota_core::event::fleet::FleetEvent;
use dfota_core::event::{Event, FileFacts, Record, RunStarted};
use dfota_record::digest::sha256_hex;
use dfota_record::journal::reopened::ReopenedJournal;
use dfota_record::journal::{self, PARENT_FILE, merge};
use dfota_record::retention::hold;
use dfota_record::run_folder::BUNDLE;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// What may be typed beside `--resume`, by the names of the fields: what is about this program, and not about the run.
const BESIDE: [&str; 16] = [
    "resume",
    "worker",
    "live",
    "max_time",
    "json",
    "pack",
    "sign",
    "on_end",
    "metrics",
    "state_dir",
    "rig_silence",
    "verbose",
    "lab",
    "lab_nkey",
    "lab_ca",
    "lease",
];

/// A run that can be resumed.
#[derive(Debug)]
pub(super) struct RecordedRun {
    pub(super) folder: PathBuf,
    pub(super) started: RunStarted,
    pub(super) journal: ReopenedJournal,
    /// Keeps other programs from the run, as long as this one has it.
    held: std::io::Result<Option<File>>,
}

impl RecordedRun {
    /// The run in this folder, which nobody else has.
    pub(super) fn open(folder: &Path) -> Result<Self, CommandError> {
        let shown = folder.display();
        if !merge::is_fleet(folder) {
            return Err(CommandError::usage(no_fleet(folder)));
        }
        let held = hold(folder);
        if let Ok(None) = held {
            return Err(CommandError::error(format!(
                "`{shown}` is in use: the run goes on, or another program reads it; wait until that has ended"
            )));
        }
        let journal = ReopenedJournal::open(&folder.join(PARENT_FILE)).map_err(CommandError::usage)?;
        let started = match journal.records().first().map(|record| &record.event) {
            Some(Event::RunStarted(started)) => (**started).clone(),
            _ => return Err(no_start(folder)),
        };
        let run = Self {
            folder: folder.to_owned(),
            started,
            journal,
            held,
        };
        run.is_open().map_err(CommandError::usage)?;
        Ok(run)
    }

    /// Why there is nothing to resume, if there is not.
    fn is_open(&self) -> Result<(), String> {
        let shown = self.folder.display();
        let exit = self.events().find_map(|event| match event {
            Event::RunEnded { exit, .. } => Some(exit),
            _ => None,
        });
        if let Some(exit) = exit {
            return Err(format!(
                "`{shown}` is over: it ended with exit code {exit}; `dfota-hil report {shown}` makes its reports again"
            ));
        }
        let queued: BTreeSet<(&str, &str)> = self
            .fleet()
            .filter_map(|event| match event {
                FleetEvent::Queued { suite, cases, .. } => Some((suite, cases)),
                _ => None,
            })
            .flat_map(|(suite, cases)| cases.iter().map(move |case| (suite.as_str(), case.as_str())))
            .collect();
        let missing = self.planned().any(|planned| {
            let case = &planned.case;
            let is_run = planned.skip.is_none() && !is_of_the_run(&planned);
            is_run && !queued.contains(&(case.suite.as_str(), case.id.as_str()))
        });
        if queued.is_empty() || missing {
            return Err(format!(
                "`{shown}` ended before its plan was written down, and nothing was run: start the run again"
            ));
        }
        Ok(())
    }

    /// Its journal, to go on with, and what keeps others from it.
    pub(super) fn into_journal(self) -> (ReopenedJournal, std::io::Result<Option<File>>) {
        (self.journal, self.held)
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.journal.records().iter().map(|record| &record.event)
    }

    /// What its queue wrote down.
    pub(super) fn fleet(&self) -> impl Iterator<Item = &FleetEvent> {
        self.events().filter_map(|event| match event {
            Event::Fleet(event) => Some(event),
            _ => None,
        })
    }

    /// The cases that it planned, in their order.
    pub(super) fn planned(&self) -> impl Iterator<Item = Planned> {
        self.events().filter_map(|event| match event {
            Event::CasePlanned { case, skip } => Some(Planned {
                skip: skip.clone(),
                ..Planned::bare((**case).clone())
            }),
            _ => None,
        })
    }

    /// Whether the end of the run was being written: what it came to stands already.
    pub(super) fn has_concluded(&self) -> bool {
        self.events().any(|event| matches!(event, Event::CaseEnded(_)))
    }

    /// The rigs, by the files that were recorded.
    #[cfg(feature = "lab")]
    pub(super) fn rigs(&self) -> &[dfota_core::event::RigFacts] {
        &self.started.rigs
    }

    /// Whether everything that the run was started with is the same now.
    pub(super) fn is_unchanged(&self, rigs: &[Rig], suites: &[Suite]) -> Result<(), CommandError> {
        let started = &self.started;
        let rig_files: Vec<&FileFacts> = started.rigs.iter().map(|facts| &facts.file).collect();
        let suite_files: Vec<&FileFacts> = started.suites.iter().collect();
        let rigs: Vec<FileNow<'_>> = rigs
            .iter()
            .map(|rig| FileNow::new("rig", &rig.name, &rig.file, &rig.text))
            .collect();
        let suites_now: Vec<FileNow<'_>> = suites
            .iter()
            .map(|suite| FileNow::new("suite", &suite.name, &suite.file, &suite.text))
            .collect();
        let packages = suites.iter().flat_map(|suite| &suite.packages);
        let packages_now: Vec<FileNow<'_>> = packages
            .map(|loaded| FileNow {
                kind: "package",
                name: &loaded.package.name,
                shown: loaded.package.name.clone(),
                sha256: loaded.package.sha256.clone(),
            })
            .collect();
        same(&rig_files, &rigs)
            .and_then(|()| same(&suite_files, &suites_now))
            .and_then(|()| same_digests(&started.packages, &packages_now))
            .and_then(|()| same_program(started))
            .map_err(CommandError::usage)
    }
}

/// A case that no batch has: each rig calibrates for itself, and the run judges its claims.
fn is_of_the_run(planned: &Planned) -> bool {
    use dfota_core::campaign::Role;
    let role = planned.case.part.as_ref().map(|part| &part.role);
    matches!(role, Some(Role::Calibration | Role::Claim(_)))
}

/// Why a folder is not that of a run on several rigs.
fn no_fleet(folder: &Path) -> String {
    let shown = folder.display();
    if !journal::is_run(folder) {
        return format!(
            "`{shown}` is no run folder: expected `{PARENT_FILE}` of a run on several rigs in it"
        );
    }
    if !folder.join(journal::FILE).exists() && folder.join(BUNDLE).exists() {
        return format!("`{shown}` is packed: a packed run is not resumed");
    }
    format!(
        "`{shown}` is a run on one rig, and `--resume` is for runs on several: start it again, with another `--out`;          a campaign goes on where it was, and `dfota-hil report {shown}` makes the reports of what is there"
    )
}

fn no_start(folder: &Path) -> CommandError {
    CommandError::usage(format!(
        "`{}`:1: expected the beginning of a run (`run-started`)",
        folder.join(PARENT_FILE).display()
    ))
}

/// A file as it is now.
struct FileNow<'f> {
    kind: &'static str,
    name: &'f str,
    shown: String,
    sha256: String,
}

impl<'f> FileNow<'f> {
    fn new(kind: &'static str, name: &'f str, path: &Path, text: &str) -> Self {
        Self {
            kind,
            name,
            shown: path.display().to_string(),
            sha256: sha256_hex(text.as_bytes()),
        }
    }

    fn is(&self, name: &str, sha256: &str) -> Result<(), String> {
        let Self { kind, shown, .. } = self;
        if self.name != name {
            return Err(format!(
                "the {kind} `{shown}` is named `{}` now, and was `{name}` when the run was started: {BACK}",
                self.name
            ));
        }
        if self.sha256 != sha256 {
            return Err(format!(
                "the {kind} `{shown}` was changed: its SHA-256 was {sha256} when the run was started, and is {} now: {BACK}",
                self.sha256
            ));
        }
        Ok(())
    }
}

/// What to do about something that was changed.
const BACK: &str = "put it back, or start another run";

fn same(was: &[&FileFacts], is: &[FileNow<'_>]) -> Result<(), String> {
    // As many as were recorded: they were loaded by the names in the record.
    was.iter()
        .zip(is)
        .try_for_each(|(was, is)| is.is(&was.name, &was.sha256))
}

fn same_digests(was: &[dfota_core::case::Package], is: &[FileNow<'_>]) -> Result<(), String> {
    let mut same = was.iter().zip(is);
    same.try_for_each(|(was, is)| is.is(&was.name, &was.sha256))
}

fn same_program(started: &RunStarted) -> Result<(), String> {
    let Some(was) = &started.program_sha256 else {
        return Ok(());
    };
    let is = program::digest().map_err(|why| format!("the running program cannot be read: {why}"))?;
    if *was == is {
        return Ok(());
    }
    let version = env!("CARGO_PKG_VERSION");
    Err(format!(
        "this program (version {version}, SHA-256 {is}) is another one than the run was started with (version {}, SHA-256 {was}): \
         resume it with that one, or start another run",
        started.tool
    ))
}

/// Whether nothing was typed beside `--resume` that is about the run.
pub(super) fn typed() -> Result<(), CommandError> {
    let typed = crate::cli::typed_behind_run();
    let of_the_run = |id: &str| !BESIDE.contains(&id) && id != "color";
    match typed.iter().find(|argument| of_the_run(&argument.id)) {
        None => Ok(()),
        Some(argument) => Err(CommandError::usage(format!(
            "`{}` cannot be given with `--resume`: a run goes on as it was started; give `--live`, `--max-time`, `--json`, `--pack`, \
             `--sign`, `--on-end`, `--metrics` and `--state-dir` anew, as you need them",
            argument.shown
        ))),
    }
}

/// The arguments that the run in this folder was started with, and what was `given` anew.
pub(super) fn arguments(given: &RunArgs, folder: &Path) -> Result<RunArgs, CommandError> {
    let started = first_line(folder)?;
    let was = crate::cli::run_of(&started.args);
    let mut args = was.map_err(|why| {
        let words = started.args.join(" ");
        CommandError::usage(format!(
            "the run was started with `{words}`, which this program does not accept: {why}"
        ))
    })?;
    let typed = crate::cli::typed_behind_run();
    let is_given = |id: &str| typed.iter().any(|argument| argument.id == id);
    // Which files these were is recorded: a pattern or a variable may give others by now.
    let path = |file: &FileFacts| PathBuf::from(&file.path);
    args.selection.suites = started.suites.iter().map(path).collect();
    args.selection.rigs = started.rigs.iter().map(|rig| path(&rig.file)).collect();
    args.selection.seed = Some(started.seed);
    #[cfg(feature = "lab")]
    if given.lab.is_given() {
        args.lab = given.lab.clone();
    }
    if !args.is_in_lab() {
        are_here(&args, &started)?;
    }
    if is_given("state_dir") {
        args.selection.state = given.selection.state.clone();
    }
    if is_given("sign") {
        args.sign = given.sign.clone();
    }
    if is_given("on_end") {
        args.hooks.on_end.clone_from(&given.hooks.on_end);
    }
    if is_given("metrics") {
        args.hooks.metrics.clone_from(&given.hooks.metrics);
    }
    if is_given("rig_silence") {
        args.fleet.rig_silence = given.fleet.rig_silence;
    }
    args.out = Some(folder.to_owned());
    args.resume = Some(folder.to_owned());
    args.live = given.live;
    args.max_time = given.max_time;
    args.json = given.json;
    args.pack |= given.pack;
    Ok(args)
}

/// Whether the files of the run are found from this folder.
fn are_here(args: &RunArgs, started: &RunStarted) -> Result<(), CommandError> {
    let mut files = args.selection.suites.iter().chain(&args.selection.rigs);
    let Some(missing) = files.find(|file| !file.exists()) else {
        return Ok(());
    };
    let out = Path::new(&started.out);
    let began = Path::new(&started.folder)
        .ancestors()
        .nth(out.components().count());
    let there = match began.filter(|_| out.is_relative() && missing.is_relative()) {
        Some(began) => format!("; the run was started in `{}`: resume it there", began.display()),
        None => String::new(),
    };
    Err(CommandError::usage(format!(
        "`{}` is not there: the run was started with it{there}",
        missing.display()
    )))
}

/// What the journal of the run begins with.
fn first_line(folder: &Path) -> Result<RunStarted, CommandError> {
    let path = folder.join(PARENT_FILE);
    let mut line = String::new();
    File::open(&path)
        .and_then(|file| BufReader::new(file).read_line(&mut line))
        .map_err(|why| CommandError::usage(format!("`{}` could not be read: {why}", path.display())))?;
    match serde_json::from_str::<Record>(&line).map(|record| record.event) {
        Ok(Event::RunStarted(started)) => Ok(*started),
        _ => Err(no_start(folder)),
    }
}
