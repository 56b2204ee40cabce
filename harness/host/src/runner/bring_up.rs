//! What comes before a try: the module answers, runs the version that the case starts from, and is on the network.

use super::oracle::REVIVALS;
use super::{Left, Runner};
use crate::module::Stop;
use crate::prepare::Identity;
use dfota_core::case::{Case, Limits, Via};
use dfota_core::chain::chain;
use dfota_core::event::{CaseEnded, Event, When};
use dfota_core::expect::Expect;
use dfota_core::fault::Faults;
use dfota_core::function::Function;
use dfota_core::outcome::Outcome;
use dfota_core::verdict::{Finding, Rule, Verdict};
use dfota_core::version::Version;
use std::time::Duration;

/// How long registration is waited for before an update that does not need it, so that it can be missed afterwards. With
/// stored cell data it takes seconds; the first attach of a SIM may take minutes, and is not worth them here.
const BASELINE: Duration = Duration::from_secs(60);

impl Runner<'_> {
    /// Brings the module to life, to the version that the case starts from, and onto the network; gives what it can do.
    pub(super) fn prepare(&mut self, case: &Case) -> Result<Function, Stop> {
        let identity = match self.known.clone().filter(|_| self.bench.module.clean) {
            Some(known) => known,
            None => self.wake(&case.limits)?,
        };
        let mut function = self.baseline(&identity)?;
        if identity.version != case.on {
            self.bring_to(&identity.version, case)?;
        }
        if case.via != Via::Uart {
            self.module().wait_for_network(&case.limits)?;
            (function.registered, function.ip) = (Some(true), Some(true));
            self.registers = true;
        }
        Ok(function)
    }

    /// What the module can do before the update: known from the case before, if that passed, and asked for otherwise.
    fn baseline(&mut self, identity: &Identity) -> Result<Function, Stop> {
        if let Some(known) = &self.function {
            return Ok(known.clone());
        }
        // A network that never was there is not waited for again.
        let wait = if self.registers || !self.asked_for_network {
            BASELINE
        } else {
            Duration::ZERO
        };
        self.asked_for_network = true;
        let function = self.module().function(When::Before, identity, wait)?;
        self.registers |= function.registered == Some(true);
        self.function = Some(function.clone());
        Ok(function)
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

    /// Brings the module from `from` to the version of the case, by the cheapest chain, over what the suite says.
    pub(super) fn bring_to(&mut self, from: &Version, case: &Case) -> Result<(), Stop> {
        let suite = self.suites.iter().find(|suite| suite.name == case.suite);
        let via = suite.map_or(Via::Uart, |suite| suite.prepare);
        let packages: Vec<_> = suite.map_or(&[][..], |suite| &suite.packages).to_vec();
        let edges: Vec<_> = packages.iter().map(|loaded| &loaded.package).collect();
        let steps =
            chain(&edges, from, &case.on).map_err(|none| Stop::rule(Rule::NoChain, none.to_string()))?;
        for step in steps {
            let loaded = &packages[step];
            let text = format!(
                "bringing the module to {} by {} over {via}",
                loaded.package.to, loaded.package.name
            );
            self.module().journal.step(text);
            let plain = Case {
                package: loaded.package.clone(),
                via,
                on: loaded.package.from.clone(),
                faults: Faults::default(),
                cut: None,
                expect: Expect::success(),
                ..case.clone()
            };
            if via != Via::Uart {
                self.module().wait_for_network(&case.limits)?;
                self.registers = true;
            }
            let offered = self.offer(&plain, &loaded.bytes)?;
            let (judged, _) = self.try_and_judge(&plain, &loaded.bytes, &offered, None)?;
            let Some(finding) = judged.verdict.finding() else {
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
    /// has been written over it since. That case gets another verdict, or at least another outcome; this one ends without.
    pub(super) fn accuse(&mut self, finding: &Finding) -> Option<Stop> {
        let refusal = self.refused.filter(|_| !self.fresh)?;
        let Left {
            index,
            ended: last,
            said,
        } = self.last.take()?;
        let sentence = format!(
            "the next, known-good delta was refused: {}; the image that this case left was not what its version said",
            finding.sentence
        );
        let verdict = match &last.verdict {
            // What it failed for stands; the outcome is another one.
            Verdict::Fail(_) => last.verdict.clone(),
            _ => Verdict::of(Rule::ImageCorrupt, sentence),
        };
        self.spoilt = true;
        let places = [said, Some(refusal)].into_iter().flatten().map(|mark| mark.0);
        let evidence = last.evidence.iter().copied().chain(places).collect();
        let event = Event::CaseEnded(CaseEnded {
            verdict: verdict.clone(),
            outcome: Some(Outcome::SilentCorruption),
            story: format!(
                "{} · refused the next delta ({})",
                last.story,
                Outcome::SilentCorruption.words()
            ),
            evidence,
            ..last.clone()
        });
        let (suite, id) = (last.suite.clone(), last.id.clone());
        self.module().journal.post(event);
        if let Some(slot) = self.verdicts.get_mut(index) {
            *slot = verdict;
        }
        let sentence = format!("`{}` left a corrupt image: {}", last.id, finding.sentence);
        self.tally_corrupt(&suite, &id);
        Some(Stop::rule(Rule::PreparationFailed, sentence))
    }
}
