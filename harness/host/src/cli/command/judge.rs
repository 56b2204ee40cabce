//! `judge`: verdicts again, from the journal of a run; and what is in any serial log.

mod as_json;
mod as_text;
mod runs;

use crate::cli::Common;
use crate::exit::{CommandError, ExitCode};
use crate::terminal::paint::Paint;
use crate::terminal::print;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use dfota_core::log::fold::LogContext;
use dfota_core::log::format::LogFormat;
use dfota_core::log::reader::LogReader;
use dfota_core::transport::Via;
use dfota_core::version::Version;
use dfota_record::log::opened::Log;
use dfota_record::log::page::Page;
use dfota_record::log::read;
use dfota_record::log::summary::LogTally;
use std::path::{Path, PathBuf};

/// The page's name in `--out`.
const PAGE: &str = "log.html";

/// Derive the verdicts of runs again, or analyse any serial log
///
/// With run folders, every verdict is derived again from the journal alone and compared with the one that was recorded. Exit
/// code 0: all are the same; 1: some differ; 2: something cannot be read.
///
/// With `--log`, a captured serial log is read, whatever program wrote it: which updates are in it, how they went, what in
/// them is illegal, and what a log cannot tell. Nothing in a log is ever called a pass. Exit code 0: nothing illegal was seen;
/// 1: something was; 2: it cannot be read; 3: there is no update in it.
#[derive(Debug, clap::Args)]
pub struct JudgeArgs {
    /// Run folders
    #[arg(
        value_name = "RUN_DIR",
        required_unless_present = "log",
        conflicts_with = "log"
    )]
    runs: Vec<PathBuf>,
    /// A captured serial log; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// With `--log`: the version that ran before, where the log does not name it
    #[arg(long, value_name = "VERSION", requires = "log", conflicts_with = "runs")]
    from: Option<Version>,
    /// With `--log`: the version that the package leads to
    #[arg(long, value_name = "VERSION", requires = "log", conflicts_with = "runs")]
    to: Option<Version>,
    /// With `--log`: how updates were ordered, if the log does not show the order
    #[arg(long, value_parser = words(&VIAS).try_map(via), requires = "log", conflicts_with = "runs")]
    via: Option<Via>,
    /// With `--log`: the format of the log
    #[arg(long, value_parser = words(&FORMATS).map(GivenFormat::named), default_value = "auto", requires = "log", conflicts_with = "runs")]
    format: GivenFormat,
    /// With `--log`: write a page with timelines to this file
    #[arg(long, value_name = "FILE", requires = "log", conflicts_with = "runs")]
    html: Option<PathBuf>,
    /// With `--log`: write the page into this folder, as `log.html`
    #[arg(long, value_name = "DIR", requires = "log", conflicts_with_all = ["runs", "html"])]
    out: Option<PathBuf>,
    /// With run folders: make the reports with these verdicts, in `judged-again` beside the old ones
    #[arg(long, conflicts_with = "log")]
    write: bool,
    /// Show JSON in place of lines
    #[arg(long)]
    json: bool,
}

/// How a package gets into a module.
const VIAS: [(&str, &str); 3] = [
    ("http", "`AT+QFOTADL` with a URL"),
    ("uart", "`AT+QFUPLEX`, then `AT+QFOTADL=1`"),
    ("coap", "LwM2M"),
];
/// How a log is written.
const FORMATS: [(&str, &str); 8] = [
    ("auto", "Find out by its first lines"),
    ("plain", "What the module said and nothing else: `cat`, PuTTY"),
    ("minicom", "`[2026-11-22 14:30:05] `"),
    (
        "teraterm",
        "`[2026-11-22 14:30:05.123] `, `[Sun Nov 22 14:30:05.123 2026] `",
    ),
    (
        "picocom",
        "`[14:30:05.123] `, `[ 1.234567] `: picocom with `ts`, grabserial, tio, Arduino",
    ),
    ("screen", "With control sequences and without time stamps"),
    ("labgrid", "Its console log file or its StepLogger"),
    (
        "qcom",
        "`[2026-11-22_14:30:05:123]`, `[14:30:05.123] RX: `: Quectel's QCOM and others",
    ),
];

/// The words that a flag takes, and what they mean.
fn words(words: &'static [(&str, &str)]) -> PossibleValuesParser {
    let value = |(word, help): &(&'static str, &'static str)| PossibleValue::new(*word).help(*help);
    PossibleValuesParser::new(words.iter().map(value))
}

/// The format of `--format`; none for `auto`.
#[derive(Debug, Clone, Copy)]
struct GivenFormat(Option<LogFormat>);

impl GivenFormat {
    fn named(word: String) -> Self {
        Self(LogFormat::ALL.into_iter().find(|format| format.name() == word))
    }
}

fn via(word: String) -> Result<Via, &'static str> {
    let via = Via::ALL.into_iter().find(|via| via.name() == word);
    via.ok_or("expected `http`, `uart` or `coap`")
}

pub fn main(args: &JudgeArgs, common: Common) -> Result<ExitCode, CommandError> {
    match &args.log {
        Some(log) => judge_log(log, args, common),
        None => runs::judge(&args.runs, args.write, args.json),
    }
}

fn judge_log(path: &Path, args: &JudgeArgs, common: Common) -> Result<ExitCode, CommandError> {
    let mut log = Log::open(path, args.format.0).map_err(CommandError::usage)?;
    let told = LogContext {
        from: args.from.clone(),
        to: args.to.clone(),
        via: args.via,
    };
    let mut reader = LogReader::new(log.format, log.counted, told);
    let paint = Paint::new(common.color);
    let to = page_path(path, args)?;
    let (mut tally, mut page) = (LogTally::default(), Page::default());
    print(&if args.json {
        as_json::head(&log)
    } else {
        as_text::head(&log, paint)
    });
    read(&mut log, &mut reader, |update| {
        print(&if args.json {
            as_json::update(&update, tally.all() == 0)
        } else {
            as_text::update(&update, paint)
        });
        tally.take(&update);
        if to.is_some() {
            page.take(&update);
        }
    })
    .map_err(CommandError::usage)?;
    print(&if args.json {
        as_json::tail(&reader, &tally)
    } else {
        as_text::tail(&reader, &tally, paint)
    });
    if let Some(to) = to {
        std::fs::write(&to, page.finish(&log, &reader, &tally)).map_err(|why| unwritable(&to, &why))?;
        if !args.json {
            print(&format!("{:12} {}\n", "", to.display()));
        }
    }
    Ok(tally.exit())
}

/// Where the page goes; never over the log itself.
fn page_path(log: &Path, args: &JudgeArgs) -> Result<Option<PathBuf>, CommandError> {
    let page = match (&args.out, &args.html) {
        (Some(folder), _) => {
            std::fs::create_dir_all(folder).map_err(|why| unwritable(folder, &why))?;
            Some(folder.join(PAGE))
        }
        (None, html) => html.clone(),
    };
    if let Some(page) = &page
        && let (Ok(one), Ok(other)) = (page.canonicalize(), log.canonicalize())
        && one == other
    {
        return Err(CommandError::usage(format!(
            "the page would be written over the log `{}`: give `--html` another name",
            log.display()
        )));
    }
    Ok(page)
}

fn unwritable(path: &Path, why: &std::io::Error) -> CommandError {
    CommandError::usage(format!("cannot write `{}`: {why}", path.display()))
}
