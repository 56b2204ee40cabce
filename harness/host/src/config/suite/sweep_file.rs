//! Reads what makes a campaign of a case: `sweep` and `claim`.

use crate::config::suite::Campaign;
use crate::config::suite::case_file::CaseFile;
use crate::config::suite::suite_keys::{CaseKeys, ClaimKeys, SweepKeys};
use crate::config::suite::suite_literals::{Bricks, Count, Cuts, Depth, Window};
use crate::config::yaml::literal::Mistake;
use crate::config::yaml::node_path::NodePath;
use dfota_core::claim::Claim;
use dfota_core::cut::CutKind;
use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use dfota_core::rate::Rate;
use dfota_core::sweep::{Jitter, Over, Spacing, Span, Sweep};
use dfota_core::transport::Via;
use std::time::Duration;

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
    pub(super) fn campaign(&mut self, keys: &CaseKeys, via: Option<Via>) -> Option<Campaign> {
        if keys.sweep.is_none() && keys.claim.is_none() {
            return None;
        }
        let of_their_own = [
            ("cut", keys.cut.is_some(), "a campaign makes its own cuts"),
            (
                "expect",
                keys.expect.is_some(),
                "every update of a campaign has to succeed",
            ),
            (
                "faults",
                keys.faults.is_some(),
                "nothing but the cuts may go wrong in a campaign",
            ),
        ];
        for (key, there, why) in of_their_own {
            if there {
                let mistake = Mistake::new(format!("does not go with `sweep` and `claim`: {why}"));
                self.reader
                    .key_mistake(&self.at.key(key), mistake.label("not in a campaign"));
            }
        }
        let via = via?;
        let sweep = keys.sweep.as_ref().map(|keys| self.sweep(keys, via));
        let claim = keys.claim.as_ref().map(|keys| self.claim(keys, via));
        let block = keys.sweep.as_ref().and_then(|keys| keys.block.as_ref());
        let block = self.reader.read_option(&self.at.key("sweep").key("block"), block);
        Some(Campaign {
            sweep: sweep.flatten(),
            claim: claim.flatten(),
            block: block.map_or(BLOCK, |Count(block)| block),
        })
    }

    fn sweep(&mut self, keys: &SweepKeys, via: Via) -> Option<Sweep> {
        let at = self.at.key("sweep");
        let over = self.over(&at.key("over"), keys, via);
        let step = self.reader.read_option(&at.key("step"), keys.step.as_ref());
        let cuts = self.reader.read_option(&at.key("cuts"), keys.cuts.as_ref());
        if keys.step.is_some() && keys.cuts.is_some() {
            let why = "does not go with `step`: one says how dense, the other how many";
            self.reader
                .key_mistake(&at.key("cuts"), Mistake::new(why).because(at.key("step")));
        }
        if step == Some(Percent::ZERO) {
            self.reader
                .mistake(&at.key("step"), Mistake::new("a step of nothing never arrives"));
        }
        let after = self.reader.read_option(&at.key("after"), keys.after.as_ref());
        let kinds = self.reader.read_one_or_more(&at.key("kind"), keys.kind.as_ref());
        let offs = self.offs(&at.key("off"), keys);
        let depth = self.reader.read_option(&at.key("depth"), keys.depth.as_ref());
        let order = self.reader.read_option(&at.key("order"), keys.order.as_ref());
        let step = step.or(Percent::new(STEP)).unwrap_or(Percent::FULL);
        Some(Sweep {
            over,
            spacing: cuts.map_or(Spacing::Step(step), |Cuts(cuts)| Spacing::Cuts(cuts)),
            jitter: after.map_or(Jitter::default(), |after| Jitter {
                min: after.min,
                max: after.max,
            }),
            kinds: kinds.map_or(vec![CutKind::Power], |kinds| {
                kinds.into_iter().map(|(_, kind)| kind).collect()
            }),
            offs,
            depth: depth.map_or(1, |Depth(depth)| depth),
            order: order.unwrap_or_default(),
        })
    }

    fn over(&mut self, at: &NodePath, keys: &SweepKeys, via: Via) -> Vec<Over> {
        let Some(over) = self.reader.read_one_or_more(at, keys.over.as_ref()) else {
            let updating = Percent::new(20).map(Moment::Updating);
            let all = updating.and_then(|from| Span::new(from, Moment::Updating(Percent::FULL)));
            return all.map(Over::Span).into_iter().chain([Over::WeakSpots]).collect();
        };
        for (at, over) in &over {
            match over {
                Over::Moment(moment) => self.moment(at, *moment, Some(via)),
                Over::Span(span) => self.span(at, *span, via),
                Over::WeakSpots => {}
            }
        }
        over.into_iter().map(|(_, over)| over).collect()
    }

    fn offs(&mut self, at: &NodePath, keys: &SweepKeys) -> Vec<Option<Duration>> {
        let Some(offs) = self.reader.read_one_or_more(at, keys.off.as_ref()) else {
            return vec![None];
        };
        for (at, off) in &offs {
            self.some_length(at, *off);
        }
        offs.into_iter().map(|(_, off)| Some(off)).collect()
    }

    fn some_length(&mut self, at: &NodePath, off: Duration) {
        if off.is_zero() {
            self.reader
                .mistake(at, Mistake::new("a cut of no length is none"));
        }
    }

    fn span(&mut self, at: &NodePath, span: Span, via: Via) {
        self.moment(at, span.from(), Some(via));
        self.moment(at, span.to(), Some(via));
    }

    fn claim(&mut self, keys: &ClaimKeys, via: Via) -> Option<(Claim, CutKind, Option<Duration>)> {
        let at = self.at.key("claim");
        let below = self
            .reader
            .read(&at.key("brick_rate_below"), &keys.brick_rate_below);
        let confidence = self
            .reader
            .read_option(&at.key("confidence"), keys.confidence.as_ref());
        let bricks = self.reader.read_option(&at.key("bricks"), keys.bricks.as_ref());
        let over = self.reader.read_option(&at.key("over"), keys.over.as_ref());
        let kind = self.reader.read_option(&at.key("kind"), keys.kind.as_ref());
        let off = self.reader.read_option(&at.key("off"), keys.off.as_ref());
        if let Some(off) = off {
            self.some_length(&at.key("off"), off);
        }
        let over = match over {
            Some(Window::Span(span)) => {
                self.span(&at.key("over"), span, via);
                span
            }
            Some(Window::All) => everything(via)?,
            None => updating(via)?,
        };
        let claim = Claim {
            brick_rate_below: below?,
            confidence: confidence.or(Rate::per_million(CONFIDENCE))?,
            bricks: bricks.map_or(0, |Bricks(bricks)| bricks),
            over,
        };
        let cuts = claim.cuts();
        if cuts > MAX_CUTS {
            let why = format!(
                "fewer than {} at {} confidence takes {cuts} cuts; more than {MAX_CUTS} are not planned",
                claim.brick_rate_below, claim.confidence
            );
            self.reader
                .mistake(&at.key("brick_rate_below"), Mistake::new(why));
            return None;
        }
        Some((claim, kind.unwrap_or_default(), off))
    }
}

/// From the first byte of the transfer to END.
fn everything(via: Via) -> Option<Span> {
    let first = match via {
        Via::Http => Moment::HttpStart,
        Via::Coap => Moment::CoapStart,
        Via::Uart => Moment::UploadBlock(0),
    };
    Span::new(first, Moment::End)
}

/// The update itself. Over CoAP the note shows no START (AN §6.3.5).
fn updating(via: Via) -> Option<Span> {
    let first = match via {
        Via::Http | Via::Uart => Moment::Start,
        Via::Coap => Moment::Updating(Percent::ZERO),
    };
    Span::new(first, Moment::End)
}
