//! What comes before a try: the module answers, runs the version that the case starts from, and is on the network.

use super::Runner;
use super::oracle::REVIVALS;
use crate::module::Stop;
use crate::offered::Offered;
use crate::prepare::Identity;
use dfota_core::case::{Case, Limits, Via};
use dfota_core::chain::chain;
use dfota_core::event::{CaseEnded, Event};
use dfota_core::expect::Expect;
use dfota_core::fault::Faults;
use dfota_core::verdict::{Finding, Rule, Verdict};
use dfota_core::version::Version;

impl Runner<'_> {
    /// Brings the module to life, to the version that the case starts from, and onto the network.
    pub(super) fn prepare(&mut self, case: &Case) -> Result<(), Stop> {
        let identity = match self.known.clone().filter(|_| self.bench.module.clean) {
            Some(known) => known,
            None => self.wake(&case.limits)?,
        };
        if identity.version != case.on {
            self.bring_to(&identity.version, case)?;
        }
        if case.via != Via::Uart {
            self.module().wait_for_network(&case.limits)?;
        }
        Ok(())
    }

    /// From an unknown state to a module that answers.
    pub(super) fn wake(&mut self, limits: &Limits) -> Result<Identity, Stop> {
        self.module().cycle()?;
        self.module().boot(limits.boot)?;
        let identity = self.identify(limits)?;
        let Some(identity) = identity else {
            let rdy = if self.module().awake.ready {
                "RDY came"
            } else {
                "no RDY came"
            };
            let sentence = format!(
                "the module does not answer: {rdy}, `AT` got no OK after {REVIVALS} further power cycles; check supply, PWRKEY, TX and RX"
            );
            return Err(Stop::rule(Rule::NoModule, sentence));
        };
        let awake = self.module().awake;
        if !awake.ready && !awake.boot_rom {
            let sentence = "`AT` is answered although no boot was seen after the supply had been off: the line does not remove the module's power, or another path feeds it";
            return Err(Stop::rule(Rule::PowerNotCut, sentence));
        }
        if identity.model != self.model {
            let sentence = format!(
                "ATI says `{}`, the rig file names a module that says `{}`",
                identity.model, self.model
            );
            return Err(Stop::rule(Rule::WrongModule, sentence));
        }
        self.known = Some(identity.clone());
        Ok(identity)
    }

    /// Brings the module from `from` to the version of the case, over the UART.
    pub(super) fn bring_to(&mut self, from: &Version, case: &Case) -> Result<(), Stop> {
        let suite = self.suites.iter().find(|suite| suite.name == case.suite);
        let packages: Vec<_> = suite.map_or(&[][..], |suite| &suite.packages).to_vec();
        let edges: Vec<_> = packages
            .iter()
            .map(|loaded| (&loaded.package.from, &loaded.package.to))
            .collect();
        let Some(steps) = chain(&edges, from, &case.on) else {
            let known: Vec<String> = edges.iter().map(|(from, to)| format!("{from} → {to}")).collect();
            let known = known.join(", ");
            let sentence = format!(
                "the module runs {from} and the case needs {}: no chain of packages leads there; known are {known}",
                case.on
            );
            return Err(Stop::rule(Rule::NoChain, sentence));
        };
        for step in steps {
            let loaded = &packages[step];
            let text = format!(
                "bringing the module to {} by {} over uart",
                loaded.package.to, loaded.package.name
            );
            self.module().journal.step(text);
            let plain = Case {
                package: loaded.package.clone(),
                via: Via::Uart,
                on: loaded.package.from.clone(),
                faults: Faults::default(),
                cut: None,
                expect: Expect::success(),
                ..case.clone()
            };
            let (verdict, ..) = self.try_and_judge(&plain, &loaded.bytes, &Offered::Uart, None)?;
            let Some(finding) = verdict.finding() else {
                self.fresh = true;
                continue;
            };
            if self
                .known
                .as_ref()
                .is_none_or(|known| known.version != plain.package.to)
            {
                return Err(self.preparation_failed(finding));
            }
            // The version is what the case needs; what was odd on the way there is not its business.
            let text = format!(
                "while the case was prepared: {}: {}",
                finding.rule, finding.sentence
            );
            self.module().journal.post(Event::Note { text });
        }
        Ok(())
    }

    pub(super) fn preparation_failed(&mut self, finding: &Finding) -> Stop {
        let (rule, seen) = (finding.rule, &finding.sentence);
        self.accuse(finding).unwrap_or_else(|| {
            let sentence = format!("the update that was to prepare the case failed: {rule}: {seen}");
            Stop::rule(Rule::PreparationFailed, sentence)
        })
    }

    /// A known-good delta that the module refuses accuses the image that an earlier case left behind, as long as nothing
    /// has been written over it since. The case before gets another verdict; this one ends without.
    pub(super) fn accuse(&mut self, finding: &Finding) -> Option<Stop> {
        let last = self
            .last
            .as_ref()
            .filter(|last| self.refused && !self.fresh && last.verdict == Verdict::Pass)?;
        let sentence = format!(
            "the next, known-good delta was refused: {}; the image that this case left was not what its version said",
            finding.sentence
        );
        let verdict = Verdict::of(Rule::ImageCorrupt, sentence);
        let event = Event::CaseEnded(CaseEnded {
            verdict: verdict.clone(),
            ..last.clone()
        });
        let sentence = format!("`{}` left a corrupt image: {}", last.id, finding.sentence);
        self.module().journal.post(event);
        let mut before = self.verdicts.iter_mut().rev();
        if let Some(slot) = before.find(|verdict| **verdict == Verdict::Pass) {
            *slot = verdict;
        }
        Some(Stop::rule(Rule::PreparationFailed, sentence))
    }
}
