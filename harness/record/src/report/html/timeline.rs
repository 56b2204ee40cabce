//! The timeline of a case: supply, reset, phase, percent over time, what the module and the servers said, and the cuts.

use crate::report::CaseRun;
use dfota_core::event::{Event, Line, Record};
use dfota_core::urc::{Fota, Urc};

/// A time in a case: seconds of the module's time since the case began, and the record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct At {
    pub seconds: f64,
    /// Number of the record.
    pub seq: u64,
}

/// What an update does in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The package is on its way into the module.
    Transfer,
    /// It is there; no UPDATING yet.
    Ordered,
    /// START or UPDATING was seen.
    Update,
    Done,
    /// There is no supply, or reset is asserted.
    Off,
}

impl Stage {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Ordered => "ordered",
            Self::Update => "updating",
            Self::Done => "END",
            Self::Off => "off",
        }
    }
}

/// Something worth a mark.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub at: At,
    pub text: String,
}

/// A line's level from a time on.
pub type Level = (At, bool);

/// Everything that the picture shows.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// Its end, in seconds.
    pub end: f64,
    pub power: Vec<Level>,
    pub reset: Vec<Level>,
    pub pwrkey: Vec<Level>,
    /// Stages, each from its time to the next one's; `None` while there is none.
    pub stages: Vec<(f64, Option<Stage>)>,
    /// Percent of transfers and of UPDATING, in stretches that nothing interrupts.
    pub percents: Vec<(Stage, Vec<(f64, f64)>)>,
    /// What the module said unasked, but for percentages.
    pub urcs: Vec<Mark>,
    /// Requests of the module that a server answered, and what was said over LwM2M.
    pub requests: Vec<Mark>,
    /// Cuts that were made.
    pub cuts: Vec<Mark>,
    /// Cuts that never met their moment, where that was known.
    pub missed: Vec<Mark>,
    /// The next percentage begins a stretch: something came in between.
    interrupted: bool,
}

impl Timeline {
    pub fn of(case: &CaseRun<'_>) -> Self {
        let mut timeline = Self::default();
        let Some(first) = case.records.first() else {
            return timeline;
        };
        let mut sent = 0;
        for record in case.records {
            let at = At {
                seconds: record.module_ns.saturating_sub(first.module_ns) as f64 / 1e9,
                seq: record.seq,
            };
            timeline.end = timeline.end.max(at.seconds);
            timeline.take(case, record, at, &mut sent);
        }
        timeline
    }

    fn take(&mut self, case: &CaseRun<'_>, record: &Record, at: At, sent: &mut u64) {
        match &record.event {
            Event::Line { line, active, .. } => self.edge(*line, *active, at),
            Event::Rx { text, .. } => {
                if let Some(urc) = Urc::parse(text.as_bytes()) {
                    self.urc(urc, text, at);
                }
            }
            Event::TxData { bytes, .. } => {
                *sent = if self.stage() == Some(Stage::Transfer) {
                    *sent + bytes
                } else {
                    *bytes
                };
                let percent = (*sent as f64 * 100.0 / case.case.package.bytes.max(1) as f64).min(100.0);
                self.percent(Stage::Transfer, percent, at);
            }
            Event::Tx { text } if text.starts_with("AT+QFOTAUP") && self.stage() == Some(Stage::Transfer) => {
                self.enter(Stage::Ordered, at);
            }
            Event::Request(request) => {
                let status = request
                    .status
                    .map_or("no answer".into(), |status| status.to_string());
                let (method, sent) = (&request.method, request.sent);
                let text = format!("{} {method}: {status}, {sent} bytes", request.server);
                self.requests.push(Mark { at, text });
            }
            Event::Lwm2m { text, .. } => {
                let text = format!("lwm2m {text}");
                self.requests.push(Mark { at, text });
            }
            Event::CutMade(made) => {
                // It is written down when the supply has been off for its time; it was made when the line was commanded.
                let since = record.mono_ns.saturating_sub(made.commanded_ns) as f64 / 1e9;
                let speed = record.module_ns as f64 / record.mono_ns.max(1) as f64;
                let at = At {
                    seconds: (at.seconds - since * speed).max(0.0),
                    ..at
                };
                let late = made.commanded_late_ns() as f64 / 1e3;
                let confirmed = made.confirmed.map_or(String::new(), |seen| {
                    let after = seen.at_ns.saturating_sub(made.commanded_ns) as f64 / 1e3;
                    format!("; the sense line showed it {after:.0} µs later")
                });
                let text = format!(
                    "cut {} at {}, {late:.0} µs after it was due{confirmed}",
                    made.cut, made.landed
                );
                self.cuts.push(Mark { at, text });
            }
            Event::CutMissed { cut } => {
                let text = format!("cut {cut} never met its moment");
                self.missed.push(Mark { at, text });
            }
            _ => {}
        }
    }

    fn edge(&mut self, line: Line, active: bool, at: At) {
        let levels = match line {
            Line::Power => &mut self.power,
            Line::Reset => &mut self.reset,
            Line::Pwrkey => &mut self.pwrkey,
        };
        levels.push((at, active));
        match (line, active) {
            (Line::Power, false) | (Line::Reset, true) => self.enter(Stage::Off, at),
            (Line::Power, true) | (Line::Reset, false) => {
                self.stages.push((at.seconds, None));
                self.interrupted = true;
            }
            (Line::Pwrkey, _) => {}
        }
    }

    fn urc(&mut self, urc: Urc, text: &str, at: At) {
        let Urc::Fota(fota) = urc else {
            // The block of the boot ROM is one event, not eight.
            if urc != Urc::BootRomMore {
                let text = if urc == Urc::BootRom { "boot ROM" } else { text }.to_owned();
                self.urcs.push(Mark { at, text });
            }
            return;
        };
        match fota {
            Fota::Downloading(percent) => return self.percent(Stage::Transfer, percent.get().into(), at),
            Fota::Updating { percent, .. } => return self.percent(Stage::Update, percent.get().into(), at),
            Fota::HttpStart | Fota::CoapStart => self.enter(Stage::Transfer, at),
            Fota::HttpEnd(_) | Fota::CoapEnd(_) => self.enter(Stage::Ordered, at),
            Fota::Start => self.enter(Stage::Update, at),
            Fota::End(_) => self.enter(Stage::Done, at),
            Fota::Unknown => {}
        }
        let text = text.replace("+QIND: \"FOTA\",", "").replace('"', "");
        self.urcs.push(Mark { at, text });
    }

    fn stage(&self) -> Option<Stage> {
        self.stages.last().and_then(|(_, stage)| *stage)
    }

    fn enter(&mut self, stage: Stage, at: At) {
        if self.stage() != Some(stage) {
            self.stages.push((at.seconds, Some(stage)));
            self.interrupted = true;
        }
    }

    fn percent(&mut self, stage: Stage, percent: f64, at: At) {
        if let Some((off, Some(Stage::Off))) = self.stages.last().copied() {
            // Said before the supply went, read after: the stretch ends there, and nothing is drawn through the time off.
            if let Some((same, points)) = self.percents.last_mut()
                && *same == stage
                && points.last().is_some_and(|(last, _)| *last <= off)
            {
                points.push((off, percent));
            }
            return;
        }
        self.enter(stage, at);
        let goes_on = !std::mem::take(&mut self.interrupted);
        let point = (at.seconds, percent);
        match self.percents.last_mut() {
            Some((same, points)) if goes_on && *same == stage => points.push(point),
            _ => self.percents.push((stage, vec![point])),
        }
    }

    /// What happened, in words: edges of the supply and of reset, what the module said of the update, requests, cuts.
    pub fn moments(&self) -> Vec<Mark> {
        let edges = |levels: &[Level], on: &str, off: &str| -> Vec<Mark> {
            let mark = |(at, active): &Level| Mark {
                at: *at,
                text: if *active { on } else { off }.to_owned(),
            };
            levels.iter().map(mark).collect()
        };
        let mut moments = edges(&self.power, "power on", "power off");
        moments.extend(edges(&self.reset, "reset", "reset released"));
        let said = ["START", "END", "RDY", "boot ROM"];
        let worth = |mark: &&Mark| said.iter().any(|word| mark.text.contains(word));
        moments.extend(self.urcs.iter().filter(worth).cloned());
        moments.extend(self.requests.iter().take(20).cloned());
        moments.extend(self.cuts.iter().chain(&self.missed).cloned());
        moments.sort_by_key(|mark| mark.at.seq);
        moments
    }
}
