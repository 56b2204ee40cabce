//! The supply: it is gone when it is switched off, and what it is given to boots.

use super::{RigCheck, Step};
use crate::module::{Module, Stop};
use dfota_core::case::Via;
use dfota_core::duration::Short;
use dfota_core::event::Line;
use dfota_core::rig_check::Probe;
use dfota_core::update::Update;
use std::time::{Duration, Instant};

/// How long an answer to `AT` is waited for while the module has no supply: what the application note allows a command.
const ASK: Duration = bc66_wire::timing::MAX_RESPONSE;
/// The same for this machine's scheduler, in real time.
const ASK_GRACE: Duration = Duration::from_millis(10);
/// How often it is asked: the first `AT` may do no more than wake a module that sleeps (AL).
const ASKED: u32 = 3;

pub(super) const NOT_CUT: &str = "check that the line switches VBAT and `active` is right, that neither USB nor the level shifter of the UART feeds the module, and that `discharge` is long enough for the rail";
const NO_BOOT: &str = "check supply and `active`, PWRKEY (tied down, or a `pwrkey` in the rig file), TX and RX crossed, and the `port`";

impl RigCheck<'_> {
    /// Power removes power, brings it back, and what comes up answers with its name. `twice` where the module may have been
    /// without supply before, so that its first silence proves nothing.
    pub(super) fn boots_and_answers(&mut self, twice: bool) -> Step<bool> {
        let Some(mut proof) = self.silence()? else {
            return Ok(false);
        };
        if twice {
            if self.boot(None)?.is_none() {
                return Ok(false);
            }
            match self.silence()? {
                Some(again) => proof = again,
                None => return Ok(false),
            }
        }
        let Some(booted) = self.boot(Some(&proof))? else {
            return Ok(false);
        };
        self.ok(Probe::Power, proof);
        self.ok(Probe::Boot, booted);
        self.identify()
    }

    /// Takes the supply away and asks into the silence: a module that idles is as silent as one without supply.
    fn silence(&mut self) -> Step<Option<String>> {
        let result = self.silent();
        match self.stopped(Probe::Power, result)? {
            Some(Ok(seen)) => Ok(Some(seen)),
            Some(Err(seen)) => {
                self.fail(Probe::Power, seen, NOT_CUT);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn silent(&mut self) -> Result<Result<String, String>, Stop> {
        let module = &mut self.bench.module;
        let began = Instant::now();
        module.set(Line::Power, false)?;
        self.moves.push((began.elapsed(), Duration::ZERO));
        module.discharged(Instant::now())?;
        let before = module.drain()?;
        let mut bytes = 0;
        for _ in 0..ASKED {
            module.send("AT")?;
            let until = Instant::now() + module.clock.real(ASK) + ASK_GRACE;
            module.pause_until(until)?;
            bytes = module.drain()? - before;
            if bytes > 0 {
                break;
            }
        }
        let discharge = Short(module.timing().discharge);
        Ok(match bytes {
            0 => Ok(format!(
                "silent after the discharge of {discharge}, `AT` unanswered"
            )),
            bytes => Err(format!(
                "{bytes} bytes came on an `AT` that was sent after the supply was off and the discharge of {discharge} over: the module still runs"
            )),
        })
    }

    /// Gives the supply back and waits for the banner of a boot. `proof` is what is known of the line when the module is
    /// what does not boot.
    fn boot(&mut self, proof: Option<&str>) -> Step<Option<String>> {
        let result = self.supplied();
        let Some((bytes, ready)) = self.stopped(Probe::Boot, result)? else {
            return Ok(None);
        };
        let (awake, since) = (self.module().awake, self.module().since);
        if awake.ready {
            let after = |at: Instant| {
                let took = self
                    .bench
                    .module
                    .clock
                    .module_time(at.saturating_duration_since(since));
                Short(Duration::from_millis(took.as_millis() as u64))
            };
            let first = after(awake.first.unwrap_or(since));
            return Ok(Some(format!(
                "first word {first} after the supply, RDY {}",
                after(ready)
            )));
        }
        if self.at_fault {
            self.proven(proof);
            let limit = Short(self.limits.boot);
            self.skip(
                Probe::Boot,
                format!("no RDY within {limit} of the supply, which is the finding of an earlier case"),
            );
            return Ok(None);
        }
        let result = self.module().sync(Duration::from_secs(3));
        let answers = self.stopped(Probe::Boot, result)?.unwrap_or_default();
        let limit = Short(self.limits.boot);
        if !answers {
            self.proven(proof);
        }
        match (answers, awake.boot_rom, bytes) {
            (true, false, _) => self.fail(
                Probe::Power,
                "`AT` is answered although no boot was seen after the supply had been off: it was never gone",
                NOT_CUT,
            ),
            (true, true, _) => self.fail(
                Probe::Boot,
                format!("the boot ROM spoke and `AT` is answered, but no RDY came within {limit}"),
                "the firmware is another one, or the line drops bytes: see the dialogue with `-v`",
            ),
            (false, _, 0) => self.fail(Probe::Boot, format!("not a byte within {limit} of the supply"), NO_BOOT),
            (false, ..) => self.fail(
                Probe::Boot,
                format!("{bytes} bytes, but no RDY within {limit} of the supply, and no answer to `AT`"),
                "check `baud` and the module's, and that RX and TX have a common ground; a module in the middle of an update says UPDATING and takes longer",
            ),
        }
        Ok(None)
    }

    fn proven(&mut self, proof: Option<&str>) {
        if let Some(proof) = proof {
            self.ok(Probe::Power, proof);
        }
    }

    /// Supply, and RDY within the limit; an update that was under way is let to its end. Gives the bytes that
    /// came, and when the waiting was over.
    fn supplied(&mut self) -> Result<(u64, Instant), Stop> {
        let (limits, at_fault) = (self.limits, self.at_fault);
        let module = &mut self.bench.module;
        let before = module.drain()?;
        module.update = Some(Update::new(Via::Uart));
        let began = Instant::now();
        module.power_on()?;
        if let Some(moved) = self.moves.last_mut() {
            moved.1 = module.since - began;
        }
        let resumes = |module: &Module| {
            module
                .update
                .as_ref()
                .is_some_and(|update| update.life().updates())
        };
        if !module.boot(limits.boot)? && resumes(module) && !at_fault {
            module
                .journal
                .step("an interrupted update goes on: it is let to its end");
            module.boot(limits.update)?;
        }
        let ready = Instant::now();
        module.update = None;
        Ok((module.drain()? - before, ready))
    }
}
