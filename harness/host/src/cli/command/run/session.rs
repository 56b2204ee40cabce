//! A run as a session: what it is to do, the rig leased and the journal begun, the cases, the end. Each phase hands its result
//! to the next.

use super::run_outcome::RunOutcome;
use super::{RunArgs, begin, conclude, count_wear, observer, unwritable};
use crate::bench::lease::Lease;
use crate::check::CheckTerms;
use crate::cli::Common;
use crate::cli::live::LivePage;
use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::device::open_rig::RigHold;
use crate::exit::CommandError;
use crate::plan::Plan;
use crate::plan::earlier::Earlier;
use crate::plan::standing::Standing;
use crate::run::cut_orders::OrderKeeper;
use crate::run::runner::{BisectOptions, Campaigns, RunOptions};
use crate::run::session::{Session, SessionEnded};
use crate::state::history_place;
use crate::state::run_state::RunState;
use crate::state::wear::Counting;
use crate::state::{RigState, StateDir};
use crate::terminal::paint::Paint;
use crate::terminal::print_warning;
use dfota_clock::Clock;
use dfota_core::seed::Seed;
use dfota_core::verdict::Rule;
use dfota_core::wear::WearCount;
use dfota_record::evidence::signing_key::SigningKey;
use dfota_record::journal::{Journal, JournalWriter};
use dfota_record::retention::hold;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// What a run is to do, found out before anything is written or moved.
pub(super) struct Prepared {
    key: Option<SigningKey>,
    rig: Rig,
    suites: Vec<Suite>,
    seed: Seed,
    dir: StateDir,
    state: RigState,
    plan: Plan,
    standing: Standing,
    searches: bool,
}

impl Prepared {
    pub(super) fn new(
        args: &RunArgs,
        searches: bool,
        outcome: &mut RunOutcome,
    ) -> Result<Self, CommandError> {
        let key = args.sign.load()?;
        let (rig, suites) =
            crate::cli::command::load(&args.selection, if searches { "bisect" } else { "run" })?;
        outcome.name(&rig.name, &suites);
        let seed = args.selection.seed.map(Seed);
        let seed = seed.map_or_else(begin::draw_seed, Ok)?;
        let dir = StateDir::find(&args.selection.state)?;
        let state = dir.rig(&rig);
        let earlier = Earlier::read(&dir, &suites, std::slice::from_ref(&rig))?;
        let plan = Plan::select(&suites, &rig, &args.selection, seed, &earlier)?;
        let standing = Standing::new(&rig, &state, &plan.cases, plan.totals.updates)?;
        if let Some(refusal) = standing.refusal().filter(|_| !args.over_budget) {
            return Err(CommandError::usage(refusal));
        }
        Ok(Self {
            key,
            rig,
            suites,
            seed,
            dir,
            state,
            plan,
            standing,
            searches,
        })
    }
}

/// A run whose rig is leased and whose journal has begun.
pub(super) struct Open<'p> {
    prepared: &'p Prepared,
    lease: Option<Lease>,
    out: PathBuf,
    store: PathBuf,
    clock: Clock,
    journal: Journal,
    writer: JournalWriter,
    wear: Arc<Mutex<WearCount>>,
    campaigns: Campaigns,
    /// Until the reports are there: `prune` leaves a run alone that somebody holds.
    _held: std::io::Result<Option<File>>,
}

impl<'p> Open<'p> {
    pub(super) fn new(
        prepared: &'p Prepared,
        args: &RunArgs,
        common: Common,
        live: Option<&LivePage>,
        outcome: &mut RunOutcome,
    ) -> Result<Self, CommandError> {
        let Prepared {
            rig,
            suites,
            plan,
            searches,
            ..
        } = prepared;
        prepared.state.make()?;
        let command = if *searches { "bisect" } else { "run" };
        let mut lease = crate::cli::command::lease(rig, &args.selection.state, command)?;
        // Only a run that goes on with a campaign keeps others from it.
        let earlier = if plan.slots.is_empty() {
            Earlier::default()
        } else {
            Earlier::open(&prepared.dir, suites, std::slice::from_ref(rig))?
        };
        for warning in &plan.warnings {
            print_warning(format_args!("warning: {warning}"));
        }
        let out = begin::folder(args, &rig.name, suites)?;
        outcome.folder = Some(out.clone());
        let clock = Clock::scaled(rig.speed());
        let store = history_place::of_run(&args.selection.state, &out)?;
        let shown = observer(args, plan, suites, *searches, common);
        let begun = begin::facts(args, rig, suites, prepared.seed, &out, *searches);
        let name = begun.run.clone();
        let (observer, wear) = Counting::new(begin::with_live(shown, live));
        let observer = OrderKeeper::new(Box::new(observer), &rig.name, &name, &earlier);
        let (journal, writer) =
            JournalWriter::start(&out, clock, Box::new(observer)).map_err(|why| unwritable(&out, &why))?;
        let held = hold(&out);
        if let Some(lease) = &mut lease {
            lease.name(&name)?;
        }
        let planned = if *searches { &[][..] } else { &plan.cases[..] };
        begin::write(&journal, begun, planned, lease.as_ref(), &earlier, &store);
        Ok(Self {
            prepared,
            lease,
            out,
            store,
            clock,
            journal,
            writer,
            wear,
            campaigns: Campaigns::new(&name, earlier),
            _held: held,
        })
    }

    /// Runs the cases.
    pub(super) fn run(&mut self, args: &RunArgs, bisect: Option<BisectOptions>) -> SessionEnded {
        let Prepared {
            rig,
            suites,
            seed,
            plan,
            state,
            standing,
            ..
        } = self.prepared;
        let session = Session {
            rig,
            suites,
            cases: &plan.cases,
            slots: &plan.slots,
            options: RunOptions {
                seed: *seed,
                fail_fast: args.fail_fast,
                max_time: args.max_time,
                rerun: begin::rerun(&args.selection, *seed),
                rerun_here: begin::rerun(&args.selection, *seed),
                cut_given: args.selection.cut.is_some(),
                stop: None,
                is_batch: false,
                module_seed: *seed,
            },
            bisect,
            hold: RigHold::by_lease(self.lease.as_ref()),
            terms: CheckTerms::new(rig, &self.prepared.dir, self.out.clone()),
            found: standing.found(rig, state),
            state: RunState::new(rig, state, &self.out),
            clock: self.clock,
            journal: &self.journal,
        };
        match standing.refused() {
            Some(why) => SessionEnded {
                notes: vec![why.clone()],
                ..session.refused(Rule::RigQuarantined, &why, None)
            },
            None => session.run(std::mem::take(&mut self.campaigns)),
        }
    }

    /// Ends the journal, counts the wear, and makes the reports.
    pub(super) fn conclude(
        self,
        args: &RunArgs,
        outcome: &mut RunOutcome,
        paint: Paint,
    ) -> Result<(), CommandError> {
        drop(self.journal);
        let written = self.writer.finish();
        if self.prepared.rig.counts_wear() {
            count_wear(&self.prepared.state, &self.wear);
        }
        written.map_err(|why| unwritable(&self.out, &why))?;
        let key = self.prepared.key.as_ref();
        conclude(args, &self.out, key, &self.store, outcome, paint)
    }
}
