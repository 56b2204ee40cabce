//! Time-outs: the rule that applies when a wait reached its limit.

use crate::cut::CutKind;
use crate::event::watched::TimedOut;
use crate::observation::{IdentityReply, LimitOver, Observation};
use crate::update::Life;
use crate::verdict::{Rule, Verdict};
use alloc::format;
use alloc::string::ToString;

impl Observation {
    /// The rule for the wait that reached its limit, if that is a fault.
    pub(super) fn stalled(&self) -> Option<Verdict> {
        let over = self.limit_over?;
        match over.limit {
            TimedOut::Update => (!self.was_up(&over)).then(|| self.update_stalled(over.life)),
            TimedOut::Resume if self.never_left() => Some(self.not_cut()),
            TimedOut::Resume => (!self.was_up(&over) && !self.was_at_rest()).then(|| {
                let sentence = format!(
                    "{} neither START, UPDATING nor RDY came within the limit `resume` after the supply had returned",
                    self.after()
                );
                Verdict::by(Rule::ResumeTimeout, sentence)
            }),
            TimedOut::Download => Some(self.download_stalled()),
        }
    }

    /// No END could come any more: the application had come up, or answered as soon as it was asked.
    fn was_up(&self, over: &LimitOver) -> bool {
        let answered = self.answers.readings.first().is_some_and(|reading| {
            reading.life == over.life
                && reading.id > over.id
                && !matches!(reading.said, IdentityReply::Nothing(_))
        });
        over.ready || answered
    }

    /// The last cut was a glitch, and the module was at nothing: one that rode through it has nothing to say.
    fn was_at_rest(&self) -> bool {
        let last = self.cut_lives().next_back();
        last.is_some_and(|life| life.glitch && !life.is_booting() && (life.ready || !life.ends.is_empty()))
    }

    /// Nothing but UPDATING had been heard when the wait for END ran out, nor came anything more than that afterwards.
    pub(super) fn stuck_at_the_end(&self) -> bool {
        let stands = |life: &Life| !life.ready && life.ends.is_empty();
        self.limit_over.is_some_and(|over| over.limit == TimedOut::Update)
            && self.lives_after().all(stands)
            && self.lives_after().any(Life::updates)
    }

    fn update_stalled(&self, life: usize) -> Verdict {
        let until = self.update.lives().iter().take(life + 1);
        let at = until.rev().find_map(|life| life.updating);
        let at = at.map_or("START".to_string(), |at| format!("UPDATING {}", at.last));
        let sentence = format!(
            "{} the module stood at {at} and reported no END within the limit `update`",
            self.after()
        );
        Verdict::by(Rule::UpdateStalled, sentence)
    }

    fn download_stalled(&self) -> Verdict {
        let requests = self.fetches.requests;
        if let Some(state) = self.object.state.filter(|_| requests == 0) {
            let sentence = format!(
                "nothing was downloaded within the limit `download`: the module is registered over LwM2M, and its state `/5/0/3` is {state}"
            );
            return Verdict::by(Rule::ObjectState, sentence);
        }
        let (rule, seen) = match requests {
            0 => (Rule::ServerNotReached, "no request".to_string()),
            1 => (Rule::DownloadStalled, "one request".to_string()),
            many => (Rule::DownloadStalled, format!("{many} requests")),
        };
        let sentence =
            format!("the download did not end within the limit `download`; the server had seen {seen}");
        Verdict::by(rule, sentence)
    }

    /// It answers although it has not booted since the cut, not even when its supply was taken once more: then it never
    /// was without one.
    fn never_left(&self) -> bool {
        let silent =
            |life: &Life| life.boots.roms == 0 && !life.ready && !life.updates() && life.ends.is_empty();
        self.cuts_made() > 0 && self.version().is_some() && self.lives_after().all(silent)
    }

    fn not_cut(&self) -> Verdict {
        let (rule, line) = match &self.case().cut {
            Some(plan) if plan.kind == CutKind::Reset => (Rule::LineFailed, "reset"),
            _ => (Rule::PowerNotCut, "power"),
        };
        let sentence = format!(
            "{} the module answers, but neither the boot ROM nor RDY came, also after a further power cycle: it kept running; check that the line `{line}` reaches it, and that nothing else feeds it",
            self.after()
        );
        Verdict::by(rule, sentence)
    }
}
