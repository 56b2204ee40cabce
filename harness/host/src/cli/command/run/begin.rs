//! The beginning of a run: its seed, its folder, and what its journal says before the first case. Opens no rig.

use super::RunArgs;
use crate::bench::lease::Lease;
use crate::cli::live::{LiveError, LiveObserver, LivePage};
use crate::config::rig::{Rig, module_word};
use crate::config::suite::Suite;
use crate::exit::CommandError;
use crate::plan::Planned;
use crate::plan::earlier::Earlier;
use crate::plan::flags::SelectionFlags;
use crate::program;
use crate::terminal::print_warning;
use bc66_sim::package::PackagePurpose;
use dfota_core::case::Case;
use dfota_core::event::{Event, FileFacts, Record, RigFacts, RunStarted, SCHEMA};
use dfota_core::seed::Seed;
use dfota_record::digest::sha256_hex;
use dfota_record::history;
use dfota_record::history::run::RigIdentity;
use dfota_record::journal::{Journal, Observer, stamp};
use dfota_record::shell_word::shell_word;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Writes down what is known before the first case: the run, its cases, who had the rig before, and the results of earlier runs.
pub(super) fn write(
    journal: &Journal,
    begun: RunStarted,
    planned: &[Planned],
    lease: Option<&Lease>,
    earlier: &Earlier,
    store: &Path,
) {
    let rig = RigIdentity {
        name: begun.rig.file.name.clone(),
        module: begun.rig.module.clone(),
        simulated: begun.rig.simulated,
    }
    .in_order();
    journal.post(Event::RunStarted(Box::new(begun)));
    for Planned { case, skip, .. } in planned {
        journal.post(Event::CasePlanned {
            case: Box::new(case.clone()),
            skip: skip.clone(),
        });
    }
    if let Some(text) = lease.and_then(Lease::taken_over) {
        let text = text.to_owned();
        journal.post(Event::Note { text });
    }
    for ended in earlier.ended() {
        let text = ended.to_string();
        journal.post(Event::Note { text });
    }
    for anew in earlier.anew() {
        let text = anew.to_string();
        journal.post(Event::Note { text });
    }
    for cut in earlier.cuts() {
        journal.post(Event::Tallied(cut.clone()));
    }
    trend(store, &rig, planned, journal);
}

/// A seed for a run that was given none.
pub(super) fn draw_seed() -> Result<Seed, CommandError> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|why| CommandError::error(format!("cannot get random numbers from the system: {why}")))?;
    // Short enough to be typed again.
    Ok(Seed(u64::from_ne_bytes(bytes) >> 32))
}

/// Makes the run's folder. One that holds a journal already is refused; a default name gets a number instead.
pub(super) fn folder(args: &RunArgs, rig: &str, suites: &[Suite]) -> Result<PathBuf, CommandError> {
    let legal = |c: char| c.is_alphanumeric() || "._-".contains(c);
    let slug = |name: &str| -> String { name.replace(|c| !legal(c), "-") };
    let suites: Vec<String> = suites.iter().map(|suite| slug(&suite.name)).collect();
    let suites = if suites.len() > 3 {
        format!("{}-suites", suites.len())
    } else {
        suites.join("-")
    };
    let wanted = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("reports/{}-{}-{suites}", stamp(), slug(rig))));
    for attempt in 1.. {
        let out = match (attempt, &args.out) {
            (1, _) => wanted.clone(),
            (_, Some(_)) => break,
            (n, None) => PathBuf::from(format!("{}-{n}", wanted.display())),
        };
        if dfota_record::journal::is_run(&out) {
            continue;
        }
        std::fs::create_dir_all(&out)
            .map_err(|why| CommandError::usage(format!("run folder `{}`: {why}", out.display())))?;
        return Ok(out);
    }
    let out = wanted.display();
    Err(CommandError::usage(format!(
        "run folder `{out}` holds a run already: a journal is never written twice; choose another with `--out` or DFOTA_HIL_OUT"
    )))
}

/// What the journal begins with.
pub(super) fn facts(
    args: &RunArgs,
    rig: &Rig,
    suites: &[Suite],
    seed: Seed,
    out: &Path,
    searches: bool,
) -> RunStarted {
    let file = |name: &str, path: &Path, text: &str| FileFacts {
        name: name.to_owned(),
        path: path.display().to_string(),
        sha256: sha256_hex(text.as_bytes()),
        text: text.to_owned(),
    };
    let mut rig_file = file(&rig.name, &rig.file, &rig.text);
    if let Some(pin) = &rig.network.pin {
        // The digest is that of the file; its PIN stays in it.
        rig_file.text = rig_file.text.replace(pin, "****");
    }
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    RunStarted {
        schema: SCHEMA,
        run: absolute
            .file_name()
            .map_or(String::new(), |name| name.to_string_lossy().into_owned()),
        tool: env!("CARGO_PKG_VERSION").into(),
        commit: option_env!("DFOTA_HIL_COMMIT").map(String::from),
        program_sha256: program::digest().ok(),
        args: std::env::args().skip(1).collect(),
        seed: seed.0,
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        rig: RigFacts {
            file: rig_file,
            module: module_word(rig.module).into(),
            simulated: says_simulated(rig, suites),
            speed: rig.speed(),
            discharge_ns: rig.discharge().as_nanos() as u64,
            latency_ns: rig.latency().map(|latency| latency.as_nanos() as u64),
            lab: rig.lab.report.clone().map(Box::new),
        },
        rigs: Vec::new(),
        suites: suites
            .iter()
            .map(|suite| file(&suite.name, &suite.file, &suite.text))
            .collect(),
        packages: suites
            .iter()
            .flat_map(|suite| suite.packages.iter().map(|loaded| loaded.package.clone()))
            .collect(),
        cut: args.selection.cut.clone().filter(|_| !searches),
        attachments: args.junit.attachments.into(),
        junit_profile: args.junit.junit_profile.into(),
        masked: args.mask,
        masked_from: None,
        out: out.display().to_string(),
        folder: absolute.display().to_string(),
    }
}

/// The command that runs the same again, up to its filter.
pub(super) fn rerun(selection: &SelectionFlags, seed: Seed) -> String {
    let word = |path: &PathBuf| shell_word(&path.display().to_string());
    let suites: Vec<String> = selection.suites.iter().map(word).collect();
    // A case that is run several times has its number in its id.
    let repeat = match selection.repeat {
        1 => String::new(),
        times => format!(" --repeat {times}"),
    };
    format!(
        "dfota-hil run {} {} --seed {}{repeat}{}",
        suites.join(" "),
        selection.rig_words(),
        seed.0,
        selection.state.words()
    )
}

/// Whether reports say that the module was simulated: packages of a rehearsal tell that also of a rig with wires.
fn says_simulated(rig: &Rig, suites: &[Suite]) -> bool {
    let rehearsal = suites.iter().any(|suite| suite.is_for(PackagePurpose::Rehearsal));
    rehearsal || matches!(rig.link, crate::config::rig::Link::Simulated(_))
}

/// Writes down the results of earlier runs. A history that cannot be read does not stop a run.
fn trend(store: &Path, rig: &RigIdentity, planned: &[Planned], journal: &Journal) {
    let cases: Vec<&Case> = planned.iter().map(|planned| &planned.case).collect();
    match history::trend::read(store, rig, &cases) {
        Ok(None) => {}
        Ok(Some(trend)) => journal.post(Event::Trend(trend)),
        Err(why) => {
            let text = format!("no trends: {why}");
            journal.post(Event::Note { text });
        }
    }
}

/// Starts the page of the run, and says where it is.
pub(super) fn live(addr: SocketAddr, masked: bool) -> Result<LivePage, LiveError> {
    let page = LivePage::start(addr, masked)?;
    print_warning(format_args!("live: {}", page.url()));
    Ok(page)
}

/// What is shown of a run, and its page beside it.
pub(super) fn with_live(shown: Box<dyn Observer>, live: Option<&LivePage>) -> Box<dyn Observer> {
    match live {
        Some(page) => Box::new(ShownTwice {
            shown,
            page: page.observer(None),
        }),
        None => shown,
    }
}

/// Console and page.
struct ShownTwice {
    shown: Box<dyn Observer>,
    page: LiveObserver,
}

impl Observer for ShownTwice {
    fn on(&mut self, record: &Record) {
        self.page.on(record);
        self.shown.on(record);
    }
}
