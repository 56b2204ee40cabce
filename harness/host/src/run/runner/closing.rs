//! The end of a batch: the image that its last case left is proven by one more known-good update, before the rig takes another
//! batch. So a case that leaves a corrupt image fails in its own batch, and no case of the next batch fails for it.

use super::module_record::ModuleContact;
use super::{RunProgress, Runner};
use crate::device::attempt::Job;
use crate::device::dut::Stop;
use dfota_core::case::Case;
use dfota_core::event::watched::Purpose;
use dfota_core::event::{CaseEnded, Event};
use dfota_core::run_fold::RunFold;
use dfota_core::transport::Via;
use dfota_core::verdict::Rule;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How often the update is tried: a disturbed line is no news of the image.
const TRIES: usize = 2;

/// What the update showed.
enum ImageProof {
    /// The module took it: the image is what its version says.
    Sound,
    /// It was refused twice, given in two ways.
    Refused,
    /// No package of the suite begins at the version that the module runs.
    NoPackage,
    /// It came to no end, for this reason.
    Open(String),
}

impl Runner<'_> {
    /// Proves the image that the last case left, with the limits of `case`. Gives why the rig cannot go on, where the image is
    /// not known to be sound, nor was replaced.
    pub fn close(&mut self, case: &Case) -> Option<String> {
        if self.progress >= RunProgress::GivenUp || self.watch.refusal().is_some() {
            return None;
        }
        let last = self
            .module()
            .journal
            .look(|fold| fold.unproven().cloned())
            .flatten()?;
        let proof = self.proof(case, &last);
        // Where the image is refuted, its case is told before anything is mended.
        self.revise_earlier();
        let why = match proof {
            _ if self.is_interrupted() => return None,
            ImageProof::Sound => return None,
            ImageProof::NoPackage => {
                let text = format!(
                    "no package of `{}` begins at the version that the module runs: nothing proves the image that `{}` left",
                    case.suite, last.id
                );
                self.module().journal.post(Event::Note { text });
                return None;
            }
            ImageProof::Refused => match self.restore() {
                Ok(()) => return None,
                Err(why) => format!("the module has had a wrong image since `{}`; {why}", last.id),
            },
            ImageProof::Open(why) => format!(
                "nothing proves the image that `{}` left: in the update after it, {why}",
                last.id
            ),
        };
        let text = why.clone();
        self.module().journal.post(Event::Note { text });
        Some(why)
    }

    fn proof(&mut self, case: &Case, last: &CaseEnded) -> ImageProof {
        let mut proof = ImageProof::Open(String::new());
        for _ in 0..TRIES {
            let text = format!("proving the image that `{}` left, by a further update", last.id);
            self.module().journal.step(text);
            let tried = catch_unwind(AssertUnwindSafe(|| self.prove_image(case)));
            let panicked = || {
                Err(Stop::rule(
                    Rule::HarnessFailed,
                    "the harness panicked; its message is in the log",
                ))
            };
            proof = match tried.unwrap_or_else(|_| panicked()) {
                Ok(proof) => proof,
                Err(Stop::Rule(rule, sentence)) => ImageProof::Open(format!("{rule}: {sentence}")),
                Err(Stop::Unbounded) => ImageProof::Open("the module never came to rest".to_owned()),
                Err(Stop::Interrupted) => {
                    self.reach(RunProgress::Interrupted);
                    ImageProof::Open("the run was interrupted".to_owned())
                }
            };
            self.end_watch();
            if self.is_interrupted() || !matches!(proof, ImageProof::Open(_)) {
                break;
            }
            self.record.not_passed();
        }
        proof
    }

    fn prove_image(&mut self, case: &Case) -> Result<ImageProof, Stop> {
        let identity = match &self.record.state {
            ModuleContact::Clean(identity) => identity.clone(),
            _ => self.wake(&case.limits)?,
        };
        let suite = self.suites.iter().find(|suite| suite.name == case.suite);
        let mut packages = suite.into_iter().flat_map(|suite| &suite.packages);
        let Some(loaded) = packages.find(|loaded| loaded.package.from == identity.version) else {
            return Ok(ImageProof::NoPackage);
        };
        let (package, bytes) = (loaded.package.clone(), loaded.bytes.clone());
        let via = suite.map_or(Via::Uart, |suite| suite.prepare);
        let plain = Case {
            package,
            via,
            ..case.clone()
        }
        .prepares();
        if via != Via::Uart {
            self.module().wait_for_network(&plain.limits)?;
        }
        let source = self.offer(&plain, &bytes)?;
        let mut updated = self.update(Job {
            purpose: Purpose::Preparation,
            case: &plain,
            package: &bytes,
            source: &source,
            before: None,
        })?;
        let is_refused = Self::is_refused(&plain, &updated);
        if is_refused {
            updated = self.give_again(&plain, &bytes)?;
        }
        if updated.runs_target {
            return Ok(ImageProof::Sound);
        }
        if is_refused && self.convicts_earlier() {
            return Ok(ImageProof::Refused);
        }
        let finding = updated.verdict.finding();
        Ok(ImageProof::Open(finding.map_or_else(
            || "the module did not come to its version".to_owned(),
            |finding| format!("{}: {}", finding.rule, finding.sentence),
        )))
    }

    fn convicts_earlier(&mut self) -> bool {
        let convicts = |fold: &RunFold| fold.caused_by().is_some();
        self.module().journal.look(convicts).unwrap_or(false)
    }
}
