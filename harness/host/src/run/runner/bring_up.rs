//! What comes before a try: the module answers, runs the version that the case starts from, and is on the network.

use super::Runner;
use super::module_record::{ModuleContact, NetworkSeen};
use super::oracle::REVIVALS;
use crate::device::attempt::Job;
use crate::device::dut::Stop;
use crate::device::identity::ModuleIdentity;
use bytes::Bytes;
use dfota_core::capabilities::Capabilities;
use dfota_core::case::{Case, Limits};
use dfota_core::chain::chain;
use dfota_core::event::watched::Purpose;
use dfota_core::event::{CapabilityTime, Event};
use dfota_core::transport::Via;
use dfota_core::verdict::Rule;
use dfota_core::version::Version;
use std::time::Duration;

/// How long registration is waited for before an update that does not need it: only what was there before can be missed
/// afterwards. With stored cell data it takes seconds; the minutes of a SIM's first attach are not spent here.
const BASELINE: Duration = Duration::from_secs(60);

impl Runner<'_> {
    /// Wakes the module and brings it to the version that the case starts from, and onto the network; gives what it can do.
    /// Nothing when no update brought it to that version: the journal says why.
    pub(super) fn prepare(&mut self, case: &Case) -> Result<Option<Capabilities>, Stop> {
        let identity = match &self.record.state {
            ModuleContact::Clean(identity) => identity.clone(),
            _ => self.wake(&case.limits)?,
        };
        let mut capabilities = self.baseline(&identity)?;
        if identity.version != case.on && !self.bring_to(&identity.version, case)? {
            return Ok(None);
        }
        if case.via != Via::Uart {
            self.wait_for_network(&case.limits)?;
            (capabilities.registered, capabilities.ip) = (Some(true), Some(true));
        }
        Ok(Some(capabilities))
    }

    fn wait_for_network(&mut self, limits: &Limits) -> Result<(), Stop> {
        self.module().wait_for_network(limits)?;
        self.record.network = NetworkSeen::Registers;
        Ok(())
    }

    /// What the module can do before the update: known from the case before, if that passed, and asked for otherwise.
    fn baseline(&mut self, identity: &ModuleIdentity) -> Result<Capabilities, Stop> {
        if let Some(known) = &self.record.capabilities {
            return Ok(known.clone());
        }
        let wait = match self.record.network {
            NetworkSeen::Missing => Duration::ZERO,
            NetworkSeen::NotAsked | NetworkSeen::Registers => BASELINE,
        };
        if self.record.network == NetworkSeen::NotAsked {
            self.record.network = NetworkSeen::Missing;
        }
        let capabilities = self
            .module()
            .capabilities(CapabilityTime::Before, identity, wait)?;
        self.record.saw_network(capabilities.registered == Some(true));
        self.record.capabilities = Some(capabilities.clone());
        Ok(capabilities)
    }

    /// From an unknown state to a module that answers.
    pub(super) fn wake(&mut self, limits: &Limits) -> Result<ModuleIdentity, Stop> {
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
        if !awake.ready && !awake.boot_rom && !awake.missed {
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
        self.record.state = ModuleContact::Awake(identity.clone());
        Ok(identity)
    }

    /// Brings the module from `from` to the version of the case, by the cheapest chain, over what the suite says; whether it
    /// got there.
    fn bring_to(&mut self, from: &Version, case: &Case) -> Result<bool, Stop> {
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
                ..case.clone()
            };
            if !self.prepare_by(&plain.prepares(), &loaded.bytes)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One update that prepares a case; whether its version runs now.
    fn prepare_by(&mut self, plain: &Case, package: &Bytes) -> Result<bool, Stop> {
        if plain.via != Via::Uart {
            self.wait_for_network(&plain.limits)?;
        }
        let source = self.offer(plain, package)?;
        let mut updated = self.update(Job {
            purpose: Purpose::Preparation,
            case: plain,
            package,
            source: &source,
            before: None,
        })?;
        if Self::is_refused(plain, &updated) {
            updated = self.give_again(plain, package)?;
        }
        if !updated.runs_target {
            return Ok(false);
        }
        if let Some(finding) = updated.verdict.finding() {
            // The case needs the version; what else was found on the way there is no finding of it.
            let text = format!(
                "while the case was prepared: {}: {}",
                finding.rule, finding.sentence
            );
            self.module().journal.post(Event::Note { text });
        }
        Ok(true)
    }
}
