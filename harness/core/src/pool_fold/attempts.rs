//! Attempts at cuts, until it is known what they did.
//!
//! A good cut counts only when its module has taken the next delta: before that, nobody knows whether the image is what its version
//! says. So a cut is open from the moment at which it was armed until it is tallied. If its rig stops before, it stays open; the
//! module has to be heard again, and to take a delta. A module that only says its version may be corrupt.

use crate::cut::Cut;
use crate::event::CaseEnded;
use crate::outcome::Outcome;
use crate::update::Phase;
use crate::verdict::Verdict;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

/// A case, in its suite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CutName {
    pub(super) suite: String,
    pub(super) case: String,
}

impl CutName {
    pub(super) fn new(suite: &str, case: &str) -> Self {
        Self {
            suite: suite.into(),
            case: case.into(),
        }
    }
}

/// An attempt at a cut on a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttemptOn {
    pub(super) cut: CutName,
    /// As [`super::module_key`] has it; empty where nobody knows.
    pub(super) module: String,
}

/// What can still show that the module lived through an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// It has to be heard again, and to take a delta.
    Unheard,
    /// It was heard, and has to take a delta.
    Heard,
    /// Nothing: its image was replaced.
    Gone,
    /// Nothing: what its rig wrote down is missing, and with it whether the image was replaced.
    Hidden,
}

#[derive(Debug, Clone)]
struct OpenAttempt {
    on: AttemptOn,
    proof: Proof,
    /// An earlier run has left it open.
    is_earlier: bool,
}

/// How far the cut of the present case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not armed, or known.
    Idle,
    Armed,
    Made,
}

#[derive(Debug, Clone)]
struct Present {
    cut: CutName,
    progress: Progress,
}

/// The attempts of a run on several rigs. Those of a part end with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    open: Vec<OpenAttempt>,
    /// Those that earlier runs left open.
    earlier: Vec<AttemptOn>,
    /// Those that are bricks although they have no verdict.
    bricks: Vec<AttemptOn>,
    /// The case that is run by the part that speaks.
    present: Option<Present>,
    /// Cuts of the part that passed, until the next delta shows what they left.
    unproven: Vec<CutName>,
    /// How often each cut was armed, by the records of a part.
    armed: BTreeMap<(usize, CutName), u32>,
    /// Parts of whose journal something is missing.
    unread: BTreeSet<usize>,
    /// The cut that was ordered last for a case.
    orders: BTreeMap<CutName, Cut>,
    /// The present case, or a verdict about an earlier one, says why the module has to be reflashed.
    explained: bool,
}

impl Attempts {
    /// Bricks without a verdict.
    pub(super) fn bricks(&self) -> impl Iterator<Item = &AttemptOn> {
        self.bricks.iter()
    }

    /// Every attempt of which nobody knows what it did; `module` is the one that the part that speaks has.
    pub(super) fn open(&self, module: Option<&str>) -> Vec<AttemptOn> {
        let mut now = self.clone();
        now.end_part(module);
        now.open.into_iter().map(|open| open.on).collect()
    }

    /// Those of them that this run has left open.
    pub(super) fn left_open(&self) -> impl Iterator<Item = &AttemptOn> {
        let own = self.open.iter().filter(|open| !open.is_earlier);
        own.map(|open| &open.on)
    }

    /// Those of earlier runs that are open no more, and were no bricks.
    pub(super) fn closed_earlier(&self) -> impl Iterator<Item = &AttemptOn> {
        let is_open = |on: &AttemptOn| self.open.iter().any(|open| open.on == *on);
        let known = self.earlier.iter();
        known.filter(move |on| !is_open(on) && !self.bricks.contains(on))
    }

    /// The cut that was ordered last for the case.
    pub(super) fn order(&self, cut: &CutName) -> Option<&Cut> {
        self.orders.get(cut)
    }

    /// The part, or what is known of its journal, is over.
    pub(super) fn end_part(&mut self, module: Option<&str>) {
        let module = module.unwrap_or_default();
        for cut in core::mem::take(&mut self.unproven) {
            self.leave(cut, module, Proof::Heard);
        }
        self.end_present(module);
        self.explained = false;
    }

    /// The part is not over.
    pub(super) fn go_on(&mut self) {
        self.present = None;
        self.unproven.clear();
    }

    fn end_present(&mut self, module: &str) {
        if let Some(present) = self.present.take()
            && present.progress != Progress::Idle
        {
            self.leave(present.cut, module, Proof::Unheard);
        }
    }

    /// Nobody knows what the cut did to the module.
    fn leave(&mut self, cut: CutName, module: &str, proof: Proof) {
        let module = module.into();
        let on = AttemptOn { cut, module };
        let is_hidden = |open: &OpenAttempt| open.on == on && open.proof == Proof::Hidden;
        let proof = if self.open.iter().any(is_hidden) {
            Proof::Hidden
        } else {
            proof
        };
        self.open.retain(|open| open.on != on);
        let is_earlier = false;
        self.open.push(OpenAttempt {
            on,
            proof,
            is_earlier,
        });
    }

    /// An attempt of which this journal says no more than that it was lost.
    pub(super) fn lost(&mut self, part: usize, cut: CutName, module: &str) {
        let proof = self.proof_after(part);
        self.leave(cut, module, proof);
    }

    /// An earlier run lost it, and nobody has heard of its module since.
    pub(super) fn lost_earlier(&mut self, cut: CutName, order: Option<&Cut>, module: &str) {
        if let Some(order) = order {
            self.orders.insert(cut.clone(), order.clone());
        }
        self.leave(cut, module, Proof::Unheard);
        if let Some(open) = self.open.last_mut() {
            open.is_earlier = true;
            self.earlier.push(open.on.clone());
        }
    }

    /// An earlier run says that it bricked the module.
    pub(super) fn bricked_earlier(&mut self, cut: &CutName, module: &str) {
        self.open
            .retain(|open| open.on.cut != *cut || open.on.module != module);
    }

    /// The parent was told that a cut was armed. The records of the part say so as well, and what became of it, if they are there.
    pub(super) fn ordered(&mut self, part: usize, cut: CutName, order: &Cut, module: &str) {
        self.orders.insert(cut.clone(), order.clone());
        match self.armed.get_mut(&(part, cut.clone())) {
            Some(armed) if *armed > 0 => *armed -= 1,
            _ => {
                let proof = self.proof_after(part);
                self.leave(cut, module, proof);
            }
        }
    }

    fn proof_after(&self, part: usize) -> Proof {
        if self.unread.contains(&part) {
            Proof::Hidden
        } else {
            Proof::Unheard
        }
    }

    /// Something of the part's journal is missing: what its module did later does not show what it did meanwhile.
    pub(super) fn unread(&mut self, part: usize, module: &str) {
        self.unread.insert(part);
        for open in self.open.iter_mut().filter(|open| open.on.module == module) {
            open.proof = Proof::Hidden;
        }
    }

    pub(super) fn started(&mut self, cut: CutName, module: &str) {
        self.end_present(module);
        self.explained = false;
        let progress = Progress::Idle;
        self.present = Some(Present { cut, progress });
    }

    pub(super) fn armed(&mut self, part: usize, order: &Cut) {
        if let Some(present) = &mut self.present {
            self.orders.insert(present.cut.clone(), order.clone());
            present.progress = Progress::Armed;
            *self.armed.entry((part, present.cut.clone())).or_default() += 1;
        }
    }

    pub(super) fn missed(&mut self) {
        if let Some(present) = &mut self.present
            && present.progress == Progress::Armed
        {
            present.progress = Progress::Idle;
        }
    }

    /// The cut was made, when the update stood there.
    pub(super) fn made(&mut self, landed: Phase, module: &str) {
        if let Some(present) = &mut self.present {
            present.progress = Progress::Made;
        }
        if matches!(landed, Phase::Updating { .. } | Phase::Ended { code: 0 }) {
            self.unproven.clear();
            self.took_a_delta(module);
        }
    }

    /// The update of the present case itself began.
    pub(super) fn updated(&mut self) {
        self.explained = true;
    }

    /// The cut is tallied.
    pub(super) fn tallied(&mut self, cut: &CutName, what: TallyKind, module: &str) {
        self.unproven.retain(|unproven| unproven != cut);
        if let Some(present) = self.present.as_mut().filter(|present| present.cut == *cut) {
            present.progress = Progress::Idle;
        }
        match what {
            TallyKind::Unjudged => self.leave(cut.clone(), module, Proof::Unheard),
            TallyKind::Proven => self.took_a_delta(module),
            TallyKind::Brick => self.explained = true,
            TallyKind::Other => {}
        }
    }

    /// A try of the present case ended, and another one follows.
    pub(super) fn try_ended(&mut self, outcome: Option<Outcome>, module: &str) {
        let Some(present) = &mut self.present else { return };
        let before = core::mem::replace(&mut present.progress, Progress::Idle);
        if before != Progress::Idle && outcome.is_none() {
            let cut = present.cut.clone();
            self.leave(cut, module, Proof::Unheard);
        }
    }

    pub(super) fn ended(&mut self, ended: &CaseEnded, module: &str) {
        if ended.verdict == Verdict::Pass
            && matches!(ended.outcome, Some(Outcome::New | Outcome::NewAfterResume))
        {
            self.took_a_delta(module);
        }
        let is_present = |present: &mut Present| present.cut == CutName::new(&ended.suite, &ended.id);
        let Some(Present { cut, progress }) = self.present.take_if(is_present) else {
            return;
        };
        match (progress, &ended.verdict) {
            (Progress::Idle, _) => {}
            (Progress::Made, Verdict::Pass) => self.unproven.push(cut),
            // The module was asked, and no part of this is a verdict about the cut.
            (Progress::Armed | Progress::Made, _) if ended.outcome.is_some() => {}
            (Progress::Armed | Progress::Made, _) => self.leave(cut, module, Proof::Unheard),
        }
    }

    /// The module said who it is.
    pub(super) fn heard(&mut self, module: &str) {
        for open in self.open.iter_mut().filter(|open| open.on.module == module) {
            if open.proof == Proof::Unheard {
                open.proof = Proof::Heard;
            }
        }
    }

    /// The module took a delta: what it ran was what its version said.
    fn took_a_delta(&mut self, module: &str) {
        self.open
            .retain(|open| open.on.module != module || open.proof != Proof::Heard);
    }

    /// The module had to be reflashed. Unless a verdict says why, the last attempt of which nothing was known bricked it. What
    /// the attempts before it did will not be known any more.
    pub(super) fn reflashed(&mut self, module: &str, is_this: impl Fn(&str) -> bool) {
        for cut in core::mem::take(&mut self.unproven) {
            self.leave(cut, module, Proof::Heard);
        }
        let last = self
            .open
            .iter()
            .rposition(|open| is_this(&open.on.module) && !matches!(open.proof, Proof::Gone | Proof::Hidden));
        if let Some(last) = last.filter(|_| !self.explained) {
            self.bricks.push(self.open.remove(last).on);
        }
        let of_this = |open: &&mut OpenAttempt| is_this(&open.on.module) && open.proof != Proof::Hidden;
        for open in self.open.iter_mut().filter(of_this) {
            open.proof = Proof::Gone;
        }
        self.explained = true;
    }

    /// Somebody counts the case as a brick, whatever is not known of it.
    pub(super) fn write_off(&mut self, cut: &CutName) {
        let (off, open): (Vec<OpenAttempt>, Vec<OpenAttempt>) =
            self.open.drain(..).partition(|open| open.on.cut == *cut);
        self.open = open;
        self.bricks.extend(off.into_iter().map(|open| open.on));
        if !self.bricks.iter().any(|brick| brick.cut == *cut) {
            self.bricks.push(AttemptOn {
                cut: cut.clone(),
                module: String::new(),
            });
        }
    }
}

/// What a tally says of the attempts before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TallyKind {
    /// The cut was made, and the module was not asked what it became.
    Unjudged,
    /// It was good, and the module took the next delta.
    Proven,
    /// It bricked the module.
    Brick,
    /// It failed, or landed elsewhere.
    Other,
}
