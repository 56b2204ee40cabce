//! Reads what makes a campaign of a case: `sweep` and `claim`.

use crate::config::suite::case_file::CaseFile;
use crate::config::suite::suite_keys::{ClaimKeys, SweepKeys};
use crate::config::suite::suite_literals::ClaimWindow;
use crate::config::suite::transport::Transport;
use crate::config::suite::{ClaimCuts, SuiteCampaign};
use crate::config::yaml::literal::InvalidValue;
use dfota_core::claim::Claim;
use dfota_core::cut::CutKind;
use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use dfota_core::rate::Rate;
use dfota_core::sweep::{Over, Spacing, Span, Sweep};
use dfota_core::transport::Via;

/// Cuts in a block that an uncut control run closes, where the suite does not say.
const BLOCK: u32 = 50;
/// Percent between two cuts, where the suite does not say.
const STEP: u8 = 10;
/// How sure one wants to be, where the suite does not say: 95 %.
const CONFIDENCE: u32 = 950_000;
/// Most cuts that a claim may need: at one a minute, four months.
const MAX_CUTS: u32 = 200_000;

impl CaseFile<'_, '_> {
    /// The campaign that is made of the case.
    pub(super) fn campaign(&mut self) -> Option<SuiteCampaign> {
        let keys = self.keys;
        if keys.sweep.is_none() && keys.claim.is_none() {
            return None;
        }
        let cut = keys.cut.as_ref().map(|part| part.at);
        let expect = keys.expect.as_ref().map(|part| part.at);
        let faults = keys.faults.as_ref().map(|part| part.at);
        for (key, why) in [
            (cut, "a campaign makes its own cuts"),
            (expect, "every update of a campaign has to succeed"),
            (faults, "a campaign allows no faults besides its cuts"),
        ] {
            if let Some(key) = key {
                let why = InvalidValue::new(format!("does not go with `sweep` and `claim`: {why}"));
                self.reader.key_mistake(key, why.label("not in a campaign"));
            }
        }
        let via = self.transport.via?;
        let block = keys
            .sweep
            .as_ref()
            .and_then(|keys| self.reader.option(&keys.block));
        Some(SuiteCampaign {
            sweep: keys.sweep.as_ref().map(|keys| self.sweep(keys)),
            claim: keys.claim.as_ref().and_then(|keys| self.claim(keys, via)),
            block: block.unwrap_or(BLOCK),
        })
    }

    fn sweep(&mut self, keys: &SweepKeys) -> Sweep {
        let over = self.over(keys);
        if let (Some(step), Some(cuts)) = (&keys.step, &keys.cuts) {
            let why = "does not go with `step`: `step` is a spacing, `cuts` a number";
            self.reader
                .key_mistake(cuts.at, InvalidValue::new(why).because(step.at));
        }
        let reader = &mut self.reader;
        let step = reader.option(&keys.step).or(Percent::new(STEP));
        let cuts = reader.option(&keys.cuts);
        let kinds = keys.kind.as_ref().map(|kinds| reader.list(&kinds.0));
        let offs = keys.off.as_ref().map(|offs| reader.list(&offs.0));
        Sweep {
            over,
            spacing: cuts.map_or(Spacing::Step(step.unwrap_or(Percent::FULL)), Spacing::Cuts),
            jitter: reader.option(&keys.after).unwrap_or_default(),
            kinds: kinds.unwrap_or(vec![CutKind::Power]),
            offs: offs.map_or(vec![None], |offs| offs.into_iter().map(Some).collect()),
            depth: reader.option(&keys.depth).unwrap_or(1),
            order: reader.option(&keys.order).unwrap_or_default(),
        }
    }

    fn over(&mut self, keys: &SweepKeys) -> Vec<Over> {
        let Some(over) = &keys.over else {
            let updating = Percent::new(20).map(Moment::Updating);
            let all = updating.and_then(|from| Span::new(from, Moment::Updating(Percent::FULL)));
            return all.map(Over::Span).into_iter().chain([Over::WeakSpots]).collect();
        };
        let mut all = Vec::new();
        for raw in &over.0 {
            let over = self.reader.read(raw);
            match over {
                Some(Over::Moment(moment)) => self.transport.check_moment(self.reader, raw.at, moment),
                Some(Over::Span(span)) => self.transport.check_span(self.reader, raw.at, span),
                Some(Over::WeakSpots) | None => {}
            }
            all.extend(over);
        }
        all
    }

    fn claim(&mut self, keys: &ClaimKeys, via: Via) -> Option<ClaimCuts> {
        let below = self.reader.read(&keys.brick_rate_below);
        let confidence = self.reader.option(&keys.confidence);
        let bricks = self.reader.option(&keys.bricks);
        let kind = self.reader.option(&keys.kind);
        let off = self.reader.option(&keys.off);
        let over = match (self.reader.option(&keys.over), &keys.over) {
            (Some(ClaimWindow::Span(span)), Some(raw)) => {
                self.transport.check_span(self.reader, raw.at, span);
                span
            }
            (Some(ClaimWindow::All), _) => Transport::everything(via)?,
            _ => Transport::updating(via)?,
        };
        let claim = Claim {
            brick_rate_below: below?,
            confidence: confidence.or(Rate::per_million(CONFIDENCE))?,
            bricks: bricks.unwrap_or(0),
            over,
        };
        let cuts = claim.cuts();
        if cuts > MAX_CUTS {
            let why = format!(
                "fewer than {} at {} confidence takes {cuts} cuts; more than {MAX_CUTS} are not planned",
                claim.brick_rate_below, claim.confidence
            );
            self.reader.mistake(keys.brick_rate_below.at, why);
            return None;
        }
        Some(ClaimCuts {
            claim,
            kind: kind.unwrap_or_default(),
            off,
        })
    }
}
