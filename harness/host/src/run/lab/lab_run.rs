//! A run in a lab, on the side of the program that started it: its rigs, its files, and its orders to the agents.

use super::SOURCES;
use super::board::{Job, JobNote, LabRunState, RigCard, RigOrder, RunCard, RunOrder, WaitCard};
use super::files::RunFiles;
use super::journal_mirror::JournalMirror;
use super::rig_watch::RigWatch;
use super::server::{LabError, LabServer};
use super::subjects;
use crate::run::fleet::wire::WorkerBatch;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the run says what it wants, and looks at its rigs.
const BEAT: Duration = Duration::from_secs(1);

/// What a run of a lab needs to know of itself.
pub struct LabRunPlan {
    pub name: String,
    pub priority: u8,
    /// The flags that a worker is started with, behind suites and rig.
    pub flags: Vec<String>,
    pub files: RunFiles,
}

/// A run of a lab that goes on. Dropped, it no longer says that it lives.
pub struct LabRun {
    pub lab: Arc<LabServer>,
    plan: LabRunPlan,
    rigs: Arc<RigWatch>,
    shared: Arc<Shared>,
    beating: Mutex<Option<JoinHandle<()>>>,
}

/// What the beating thread and the workers share.
struct Shared {
    /// What is wanted of each rig.
    orders: Mutex<BTreeMap<String, RigOrder>>,
    /// Rigs that are waited for.
    waits: Mutex<BTreeSet<String>>,
    /// Rigs that more urgent runs wait for, each with one of these runs.
    urgent: Mutex<BTreeMap<String, String>>,
    /// When the server answered last.
    contact: Mutex<Instant>,
    /// The journal of the run.
    mirror: Mutex<Option<JournalMirror>>,
    is_cancelled: AtomicBool,
    is_over: AtomicBool,
}

impl Shared {
    fn orders(&self) -> MutexGuard<'_, BTreeMap<String, RigOrder>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn contact(&self) -> MutexGuard<'_, Instant> {
        self.contact.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waits(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn urgent(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.urgent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mirror(&self) -> MutexGuard<'_, Option<JournalMirror>> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LabRun {
    /// A run on these rigs of the lab.
    pub fn start(lab: Arc<LabServer>, plan: LabRunPlan, rigs: &[String]) -> Self {
        let orders = rigs
            .iter()
            .map(|rig| (rig.clone(), RigOrder::default()))
            .collect();
        let shared = Arc::new(Shared {
            orders: Mutex::new(orders),
            waits: Mutex::default(),
            urgent: Mutex::default(),
            contact: Mutex::new(Instant::now()),
            mirror: Mutex::new(None),
            is_cancelled: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let beating = {
            let (lab, shared, run) = (Arc::clone(&lab), Arc::clone(&shared), plan.name.clone());
            let priority = plan.priority;
            let beat = move || beat(&lab, &shared, &run, priority);
            std::thread::Builder::new()
                .name("lab-run".into())
                .spawn(beat)
                .ok()
        };
        Self {
            rigs: RigWatch::start(&lab),
            lab,
            plan,
            shared,
            beating: Mutex::new(beating),
        }
    }

    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The journal of the run goes to the lab from now on.
    pub fn mirror(&self, path: PathBuf) {
        *self.shared.mirror() = Some(JournalMirror::of_run(&self.plan.name, path));
    }

    /// Whether somebody asked for the end of the run.
    pub fn is_cancelled(&self) -> bool {
        self.shared.is_cancelled.load(Ordering::Relaxed)
    }

    /// Waits for a rig, or no longer.
    pub fn wait_for(&self, rig: &str, waits: bool) {
        if waits {
            self.shared.waits().insert(rig.to_owned());
        } else {
            self.shared.waits().remove(rig);
        }
    }

    /// The run that waits for a rig and is more urgent than this one, if there is one.
    pub fn more_urgent(&self, rig: &str) -> Option<String> {
        self.shared.urgent().get(rig).cloned()
    }

    /// What a rig does, if its agent lives.
    pub fn rig(&self, rig: &str) -> Option<RigCard> {
        self.rigs.card(rig)
    }

    /// Wants at least this of a rig.
    pub fn order(&self, rig: &str, order: RunOrder) {
        let mut orders = self.shared.orders();
        let wanted = orders.entry(rig.to_owned()).or_default();
        wanted.order = wanted.order.max(order);
        let wanted = wanted.clone();
        drop(orders);
        tell(&self.lab, &self.plan.name, rig, &wanted);
    }

    /// What is wanted of a rig.
    pub fn ordered(&self, rig: &str) -> RunOrder {
        let orders = self.shared.orders();
        orders.get(rig).map_or(RunOrder::GoOn, |wanted| wanted.order)
    }

    /// The rig may begin the batch in this folder; nothing: it may begin none any more.
    pub fn grant(&self, rig: &str, folder: Option<&str>) {
        let mut orders = self.shared.orders();
        let wanted = orders.entry(rig.to_owned()).or_default();
        wanted.batch = folder.map(str::to_owned);
        let wanted = wanted.clone();
        drop(orders);
        tell(&self.lab, &self.plan.name, rig, &wanted);
    }

    /// Whether the server answers. A run that hears nothing cannot say that its rigs are silent.
    pub fn is_in_contact(&self) -> bool {
        self.shared.contact().elapsed() < self.lab.lease / 4
    }

    /// Queues a batch for a rig.
    pub fn queue(&self, rig: &str, batch: &WorkerBatch, digest: &str) -> Result<(), LabError> {
        // The run's own journal first: whoever collects the run has to know that the rig may have the batch.
        if let Some(mirror) = &mut *self.shared.mirror() {
            mirror.catch_up(&self.lab)?;
        }
        self.shared.orders().insert(rig.to_owned(), RigOrder::default());
        let LabRunPlan {
            name, flags, files, ..
        } = &self.plan;
        let job = Job {
            run: name.clone(),
            batch: batch.clone(),
            suites: files.suites.clone(),
            flags: flags.clone(),
            files: files.files.clone(),
            digest: digest.to_owned(),
            sources: SOURCES.to_owned(),
        };
        let note = JobNote {
            run: name.clone(),
            folder: batch.taken.folder.clone(),
            object: format!("jobs/{name}/{}", batch.taken.folder),
        };
        let bytes = serde_json::to_vec(&job).unwrap_or_default();
        self.lab.put_object(&note.object, &bytes)?;
        let subject = self.subject(rig, &batch.taken.folder);
        let id = subject.clone();
        self.lab
            .store(subject, id, serde_json::to_vec(&note).unwrap_or_default())
    }

    fn subject(&self, rig: &str, folder: &str) -> String {
        let LabRunPlan { name, priority, .. } = &self.plan;
        subjects::job(*priority, rig, name, folder)
    }

    /// Takes a batch back that a rig has not begun, or will never end.
    pub fn withdraw(&self, rig: &str, folder: &str) {
        if let Err(why) = self.lab.withdraw_jobs(&self.subject(rig, folder)) {
            tracing::warn!("{why}");
        }
    }

    /// The run is over.
    pub fn end(&self, state: LabRunState) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let beating = self.beating.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(beating) = beating {
            beating.thread().unpark();
            let _ = beating.join();
        }
        if let Some(mirror) = &mut *self.shared.mirror()
            && let Err(why) = mirror.catch_up(&self.lab)
        {
            tracing::warn!("{why}");
        }
        self.lab.remove_waits(&self.plan.name);
        if let Err(why) = self.lab.withdraw_jobs(&subjects::jobs_of_run(&self.plan.name)) {
            tracing::warn!("{why}");
        }
        let ended = self
            .lab
            .run(&self.plan.name)
            .ok()
            .flatten()
            .map(|card| RunCard { state, ..card });
        if let Some(card) = ended
            && let Err(why) = self.lab.put_run(&card)
        {
            tracing::warn!("{why}");
        }
    }
}

impl Drop for LabRun {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }
}

/// Tells the agent of a rig what the run wants of it.
pub fn tell(lab: &LabServer, run: &str, rig: &str, order: &RigOrder) {
    lab.tell(
        subjects::orders(run, rig),
        serde_json::to_vec(order).unwrap_or_default(),
    );
}

/// Tells the other runs what this one waits for, and looks what more urgent ones wait for.
fn compare(lab: &LabServer, shared: &Shared, run: &str, priority: u8) {
    let rigs = shared.waits().clone();
    let card = WaitCard {
        run: run.to_owned(),
        priority,
        rigs,
    };
    if let Err(why) = lab.put_waits(&card) {
        tracing::warn!("{why}");
    }
    if let Ok(cards) = lab.waits() {
        let urgent = cards.into_iter().filter(|card| card.priority < priority);
        let rigs = urgent.flat_map(|card| card.rigs.into_iter().map(move |rig| (rig, card.run.clone())));
        *shared.urgent() = rigs.collect();
    }
}

fn beat(lab: &LabServer, shared: &Shared, run: &str, priority: u8) {
    while !shared.is_over.load(Ordering::Relaxed) {
        let orders = shared.orders().clone();
        for (rig, order) in &orders {
            tell(lab, run, rig, order);
        }
        compare(lab, shared, run, priority);
        if let Ok(card) = lab.run(run) {
            *shared.contact() = Instant::now();
            let is_cancelled = card.is_some_and(|card| card.state == LabRunState::Cancelled);
            shared.is_cancelled.fetch_or(is_cancelled, Ordering::Relaxed);
        }
        if let Some(mirror) = &mut *shared.mirror()
            && let Err(why) = mirror.catch_up(lab)
        {
            tracing::warn!("{why}");
        }
        std::thread::park_timeout(BEAT);
    }
}
