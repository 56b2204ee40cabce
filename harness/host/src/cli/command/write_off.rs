//! `write-off`: a cut that was lost with its rig, and that nothing will tell any more of, counts as a brick.

use super::run::SignArg;
use crate::cli::Common;
use crate::cli::console::{page, signed, whole};
use crate::config::yaml::nearest::nearest;
use crate::exit::{CommandError, ExitCode};
use crate::run::fleet::claims::{BatchesEnded, FinalVerdicts, WriteOff};
use crate::run::fleet::part::PartRead;
use crate::state::campaign_store::{CampaignEnd, CampaignStore, KeptBrick};
use crate::state::{StateDir, StateError, StateFlag, history_place};
use crate::terminal::paint::Paint;
use crate::terminal::{print, print_warning};
use dfota_clock::Clock;
use dfota_core::campaign::Tallied;
use dfota_core::pool_fold::OpenCut;
use dfota_record::count::count_of;
use dfota_record::evidence::maker::{EvidenceOptions, make_with_reports};
use dfota_record::evidence::signing_key::SigningKey;
use dfota_record::evidence::{ENVELOPE, SIGSTORE};
use dfota_record::history::{self, HistoryRun};
use dfota_record::journal::reopened::ReopenedJournal;
use dfota_record::journal::{self, Nobody, PARENT_FILE, masked, merge};
use dfota_record::report::{ReportOptions, Run, RunEnding};
use dfota_record::retention::hold;
use dfota_record::shell_word::shell_word;
use dfota_record::verify::verify;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Count a cut without a verdict, whose rig was lost, as a brick
///
/// For runs on several rigs. A cut that was ordered and has no verdict keeps the claim open until its module answers again and
/// takes a delta. If that cannot happen any more, you have to decide. The command writes the decision and the note into the
/// journal, judges the claim again, and makes the reports again; later runs of the campaign count the brick. It cannot be
/// undone. Without CASE, it lists the cuts that can be written off.
#[derive(Debug, clap::Args)]
pub struct WriteOffArgs {
    /// The run folder
    #[arg(value_name = "RUN_DIR")]
    run: PathBuf,
    /// The case, as the list has it
    #[arg(value_name = "CASE", requires = "note")]
    case: Option<String>,
    /// Who decided to write the cut off, and why
    #[arg(long, value_name = "TEXT", requires = "case", value_parser = note)]
    note: Option<String>,
    #[command(flatten)]
    sign: SignArg,
    #[command(flatten)]
    state: StateFlag,
}

/// A note that says something.
fn note(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("expected who decides it, and why"),
        said => Ok(said.to_owned()),
    }
}

/// The exit code of the run, as it is after the decision; of a list, 0.
pub fn main(args: &WriteOffArgs, common: Common) -> Result<ExitCode, CommandError> {
    let key = args.sign.load()?;
    let _held = take(&args.run)?;
    let verdicts = FinalVerdicts::read(&args.run).map_err(CommandError::usage)?;
    let decision = Decision::new(args, verdicts)?;
    let (Some(typed), Some(note)) = (&args.case, &args.note) else {
        print(&decision.list());
        return Ok(ExitCode::Success);
    };
    let off = decision.about(typed, note)?;
    if decision.is_written(&off) {
        return decision.tell_again(&off);
    }
    decision.refuse_what_is_signed(key.as_ref())?;
    decision.refuse_what_was_touched()?;
    let exit = decision.write(&off)?;
    conclude(args, key.as_ref(), Paint::new(common.color))?;
    Ok(exit)
}

/// Holds a run folder that somebody may decide about.
fn take(run: &Path) -> Result<Option<File>, CommandError> {
    let shown = run.display();
    let refused = |why: String| Err(CommandError::usage(format!("`{shown}` {why}")));
    if !journal::is_run(run) {
        return refused("is no run folder: expected one with the journal of a run".to_owned());
    }
    if !merge::is_fleet(run) && !run.join(journal::FILE).exists() {
        let word = shell_word(&shown.to_string());
        return refused(format!(
            "is packed: lay its journal out again with `dfota-hil report {word}`"
        ));
    }
    if !merge::is_fleet(run) {
        return refused(
            "is a run on one rig: only a run on several can lose a cut with its rig. On one rig, the next run makes the cut again"
                .to_owned(),
        );
    }
    match hold(run) {
        Ok(None) => refused(
            "is held by another process: the run still goes on, or another command works on it".to_owned(),
        ),
        Ok(held) => Ok(held),
        Err(why) => refused(format!("cannot be written: {why}")),
    }
}

/// What is to be decided about a run, found out before anything is written.
struct Decision<'a> {
    args: &'a WriteOffArgs,
    verdicts: FinalVerdicts,
    ended: RunEnding,
    open: Vec<OpenCut>,
}

impl<'a> Decision<'a> {
    fn new(args: &'a WriteOffArgs, verdicts: FinalVerdicts) -> Result<Self, CommandError> {
        let Some(ended) = verdicts.ended() else {
            return Err(CommandError::usage(format!(
                "`{}` never ended: its program was killed. Bring it to its end first, with `dfota-hil run --resume {}`; then it is known which cuts have no verdict",
                args.run.display(),
                shell_word(&args.run.display().to_string())
            )));
        };
        Ok(Self {
            args,
            ended,
            open: verdicts.open_cuts(),
            verdicts,
        })
    }

    /// The open attempts, each with its rig.
    fn list(&self) -> String {
        if self.open.is_empty() {
            return "nothing to write off: every cut of a claim that was ordered has a verdict\n".to_owned();
        }
        let mut text = format!("{} without a verdict:\n", count_of(self.open.len(), "cut"));
        for cut in &self.open {
            let rig = match cut.rig() {
                "" => "an unknown rig".to_owned(),
                rig => format!("`{rig}`"),
            };
            text += &format!("  {}::{} on {rig}\n", cut.suite, cut.case);
        }
        let run = shell_word(&self.args.run.display().to_string());
        text + &format!("to count one as a brick: dfota-hil write-off {run} CASE --note WHY\n")
    }

    /// The open attempt that was typed.
    fn about(&self, typed: &str, note: &str) -> Result<WriteOff, CommandError> {
        let is_typed = |suite: &str, case: &str| typed == case || typed == format!("{suite}::{case}");
        let open: BTreeSet<(&str, &str, &str)> = self
            .open
            .iter()
            .filter(|cut| is_typed(&cut.suite, &cut.case))
            .map(|cut| (&*cut.suite, &*cut.campaign, &*cut.case))
            .collect();
        let before = self
            .verdicts
            .cases()
            .filter(|case| is_typed(&case.suite, &case.id))
            .filter(|case| self.verdicts.is_written_off(&case.suite, &case.id))
            .filter_map(|case| Some((&*case.suite, &*case.part.as_ref()?.campaign, &*case.id)));
        // What is open is meant before what is decided.
        let found = if open.is_empty() { before.collect() } else { open };
        let found: Vec<(&str, &str, &str)> = found.into_iter().collect();
        match &found[..] {
            [(suite, campaign, case)] => Ok(WriteOff {
                suite: (*suite).to_owned(),
                campaign: (*campaign).to_owned(),
                case: (*case).to_owned(),
                note: note.to_owned(),
            }),
            [] => Err(self.refused(typed, is_typed)),
            several => {
                let names: Vec<String> = several
                    .iter()
                    .map(|(suite, _, case)| format!("`{suite}::{case}`"))
                    .collect();
                Err(CommandError::usage(format!(
                    "`{typed}` is a case of several suites: write one of {}",
                    names.join(", ")
                )))
            }
        }
    }

    /// Why what was typed cannot be written off.
    fn refused(&self, typed: &str, is_typed: impl Fn(&str, &str) -> bool) -> CommandError {
        let known = self.verdicts.cases().find(|case| is_typed(&case.suite, &case.id));
        let why = match known {
            Some(case) => {
                let verdict = self.verdicts.verdict(&case.suite, &case.id);
                let verdict = verdict.map_or("not-reached", |verdict| verdict.name());
                format!(
                    "has the verdict `{verdict}`: only a cut of a claim that has no verdict can be written off"
                )
            }
            None => {
                let names: Vec<String> = self
                    .open
                    .iter()
                    .map(|cut| format!("{}::{}", cut.suite, cut.case))
                    .collect();
                let ids = self.open.iter().map(|cut| cut.case.as_str());
                match nearest(typed, ids.chain(names.iter().map(String::as_str))) {
                    Some(meant) => format!("is not a case of this run: did you mean `{meant}`?"),
                    None => "is not a case of this run".to_owned(),
                }
            }
        };
        CommandError::usage(format!("`{typed}` {why}\n{}", self.list()))
    }

    /// Whether the case counts as a brick already, and nothing is left to be judged.
    fn is_written(&self, off: &WriteOff) -> bool {
        let is_open = self
            .open
            .iter()
            .any(|cut| cut.suite == off.suite && cut.case == off.case);
        !is_open && !self.verdicts.is_interrupted_write_off()
    }

    /// Nothing is decided twice; later runs may not have been told.
    fn tell_again(&self, off: &WriteOff) -> Result<ExitCode, CommandError> {
        let is_told = self.tell_later_runs(off)?.contains(&KeptBrick::Kept);
        let is_ended = self.end_campaign(off)?;
        if is_told || is_ended {
            print("it was written off before; later runs of the campaign are told now\n");
            return Ok(ExitCode::Success);
        }
        Err(CommandError::usage(format!(
            "`{}::{}` counts as a brick already: it was written off, or its module had to be reflashed\n{}",
            off.suite,
            off.case,
            self.list()
        )))
    }

    /// A signature is for the reports as they are.
    fn refuse_what_is_signed(&self, key: Option<&SigningKey>) -> Result<(), CommandError> {
        let run = &self.args.run;
        let is = |name: &str| std::fs::symlink_metadata(run.join(name)).is_ok();
        if key.is_none() && (is(ENVELOPE) || is(SIGSTORE)) {
            return Err(CommandError::usage(format!(
                "`{}` is signed, and the write-off changes the journal and the reports: give `--sign KEY` to sign them again",
                run.display()
            )));
        }
        Ok(())
    }

    /// New evidence of a folder that somebody changed would hide that.
    fn refuse_what_was_touched(&self) -> Result<(), CommandError> {
        if self.verdicts.is_interrupted_write_off() {
            // The reports are older than the journal. Its chain is checked when it is continued.
            return Ok(());
        }
        let run = &self.args.run;
        let verified = verify(run, None).map_err(CommandError::usage)?;
        match verified.touched.first().or(verified.incomplete.as_ref()) {
            None => Ok(()),
            Some(first) => Err(CommandError::usage(format!(
                "`{}` is not as it was made: {first}; nothing was written (`dfota-hil verify {}` says more)",
                run.display(),
                shell_word(&run.display().to_string())
            ))),
        }
    }

    /// Tells later runs, and writes the decision into the journal. In this order: what was interrupted can be done again.
    fn write(mut self, off: &WriteOff) -> Result<ExitCode, CommandError> {
        let kept = self.tell_later_runs(off)?;
        if kept.is_empty() || kept.contains(&KeptBrick::NowhereOpen) {
            print_warning(format_args!(
                "warning: no open campaign in `{}` has this cut, so no later run counts it. If the run used another state folder, run this command again with `--state-dir`",
                StateDir::find(&self.args.state)?.campaigns().display()
            ));
        }
        let run = &self.args.run;
        let journal = ReopenedJournal::open(&run.join(PARENT_FILE)).map_err(CommandError::usage)?;
        let unwritten = |why: std::io::Error| {
            CommandError::error(format!(
                "`{}` cannot be written: {why}",
                run.join(PARENT_FILE).display()
            ))
        };
        let (journal, writer) = journal
            .go_on(Clock::system(), Box::new(Nobody))
            .map_err(unwritten)?;
        let ended = BatchesEnded {
            interrupted: self.ended.interrupted,
            paused: true,
            safe: self.ended.safe,
            has_failed: has_failed(run)?,
            abandoned: Vec::new(),
        };
        let exit = self.verdicts.write_off(&journal, off, &ended);
        drop(journal);
        writer.finish().map_err(unwritten)?;
        if let Err(why) = self.end_campaign(off) {
            print_warning(format_args!("warning: {why}"));
        }
        Ok(exit)
    }

    /// Ends the campaign where the decision decided its claim: the next run begins another one, as after any run that decides it.
    fn end_campaign(&self, off: &WriteOff) -> Result<bool, StateError> {
        let Some(verdict) = self.verdicts.claim_end(&off.suite, &off.campaign) else {
            return Ok(false);
        };
        let end = CampaignEnd {
            run: self.verdicts.run().to_owned(),
            verdict: verdict.to_owned(),
        };
        let dir = StateDir::find(&self.args.state)?;
        CampaignStore::end_decided(&dir, &off.suite, &off.campaign, &end)
    }

    fn tell_later_runs(&self, off: &WriteOff) -> Result<Vec<KeptBrick>, CommandError> {
        let is_it = |suite: &str, case: &str| suite == off.suite && case == off.case;
        let open = self.open.iter().filter(|cut| is_it(&cut.suite, &cut.case));
        let before = self.verdicts.left_over().into_iter();
        let before = before.filter(|cut| cut.brick && is_it(&cut.suite, &cut.case));
        let bricks: Vec<Tallied> = open
            .map(OpenCut::as_brick)
            .chain(before)
            .map(|brick| Tallied {
                run: Some(self.verdicts.run().to_owned()),
                ..brick
            })
            .collect();
        let dir = StateDir::find(&self.args.state)?;
        Ok(CampaignStore::keep_bricks(&dir, self.verdicts.runs(), &bricks)?)
    }
}

/// Whether a rig did not pass its check after cases that passed.
fn has_failed(run: &Path) -> Result<bool, CommandError> {
    let parts = merge::parts(run, false).map_err(CommandError::usage)?;
    let failed = |folder: &str| PartRead::from_folder(&run.join(folder)).has_failed_afterwards();
    Ok(parts.iter().any(|part| failed(&part.taken.folder)))
}

/// Makes what rests on the journal again: the reports, the evidence, and the run in the history.
fn conclude(args: &WriteOffArgs, key: Option<&SigningKey>, paint: Paint) -> Result<(), CommandError> {
    let run = &args.run;
    let asked = ReportOptions {
        // Reports that were masked stay so.
        masked: run.join(masked::FILE).exists(),
        ..ReportOptions::default()
    };
    make_pdf_again(run, asked.masked)?;
    let wanted = EvidenceOptions {
        key,
        time_stamp: None,
    };
    let show = |run: &Run<'_>| (whole(run, paint), HistoryRun::from_run(run));
    let ((shown, entry), made) =
        make_with_reports(run, &asked, &wanted, show).map_err(CommandError::error)?;
    let store = history_place::of_run(&args.state, run)?;
    // A run that is in no history is not put into one.
    if let Some(entry) = entry.filter(|_| store.exists())
        && let Err(why) = history::record(&store, &entry, run)
    {
        print_warning(format_args!(
            "note: the history has the run as it was before: {why}"
        ));
    }
    print(&(shown + &page(run)));
    made.map_err(CommandError::error)?;
    if key.is_some() {
        print(&signed(run));
    }
    Ok(())
}

/// The test report, where there is one, says what was known before.
fn make_pdf_again(run: &Path, masked: bool) -> Result<(), CommandError> {
    let pdf = run.join(super::report::test_report::FILE);
    if !pdf.exists() {
        return Ok(());
    }
    #[cfg(feature = "pdf")]
    {
        super::report::test_report::make(run, masked, None)
            .map(drop)
            .map_err(CommandError::error)
    }
    #[cfg(not(feature = "pdf"))]
    {
        let _ = masked;
        std::fs::remove_file(&pdf).map_err(CommandError::error)?;
        print_warning(format_args!(
            "warning: `{}` was out of date and was removed: make it again with `report --pdf`, in a program with the feature `pdf`",
            pdf.display()
        ));
        Ok(())
    }
}
