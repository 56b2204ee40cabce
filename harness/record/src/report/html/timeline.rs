//! The timeline of a case: supply, reset, phase, percent over time, what the module and the servers said, and the cuts.

use crate::report::CaseRun;
use dfota_core::event::{Event, Line, Record};
use dfota_core::urc::{Fota, Urc};

/// A time in a case: seconds of the module's time since the case began, and the record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimelineTime {
    pub seconds: f64,
    /// Number of the record.
    pub seq: u64,
}

/// What an update does in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateStage {
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

impl UpdateStage {
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
pub struct TimelineMark {
    pub at: TimelineTime,
    pub text: String,
}

/// A line's level from a time on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineLevel {
    pub at: TimelineTime,
    pub active: bool,
}

/// The stage from a time on; `None` while there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StageChange {
    pub seconds: f64,
    pub stage: Option<UpdateStage>,
}

/// Percentages that nothing interrupts.
#[derive(Debug, Clone, PartialEq)]
pub struct PercentLine {
    pub stage: UpdateStage,
    pub points: Vec<DrawnPercent>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrawnPercent {
    pub seconds: f64,
    pub percent: f64,
}

/// Everything that the picture shows.
#[derive(Debug, Clone, Default)]
pub struct CaseTimeline {
    /// Its end, in seconds.
    pub end: f64,
    pub power: Vec<LineLevel>,
    pub reset: Vec<LineLevel>,
    pub pwrkey: Vec<LineLevel>,
    pub stages: Vec<StageChange>,
    /// Percent of transfers and of UPDATING.
    pub percents: Vec<PercentLine>,
    /// What the module said unasked, but for percentages.
    pub urcs: Vec<TimelineMark>,
    /// Requests of the module that a server answered, and what was said over LwM2M.
    pub requests: Vec<TimelineMark>,
    /// Cuts that were made.
    pub cuts: Vec<TimelineMark>,
    /// Cuts that never met their moment, where that was known.
    pub missed: Vec<TimelineMark>,
    /// The next percentage begins a line of its own: something came in between.
    interrupted: bool,
}

impl CaseTimeline {
    pub fn new(case: &CaseRun<'_>) -> Self {
        let mut timeline = Self::default();
        let Some(first) = case.records.first() else {
            return timeline;
        };
        let mut sent = 0;
        for record in case.records {
            let at = TimelineTime {
                seconds: record.module_ns.saturating_sub(first.module_ns) as f64 / 1e9,
                seq: record.seq,
            };
            timeline.end = timeline.end.max(at.seconds);
            timeline.take(case, record, at, &mut sent);
        }
        timeline
    }

    fn take(&mut self, case: &CaseRun<'_>, record: &Record, at: TimelineTime, sent: &mut u64) {
        match &record.event {
            Event::Line { line, active, .. } => self.edge(*line, *active, at),
            Event::Rx { text, .. } => {
                if let Some(urc) = Urc::parse(text.as_bytes()) {
                    self.urc(urc, text, at);
                }
            }
            Event::TxData { bytes, .. } => {
                *sent = if self.stage() == Some(UpdateStage::Transfer) {
                    *sent + bytes
                } else {
                    *bytes
                };
                let percent = (*sent as f64 * 100.0 / case.case.package.bytes.max(1) as f64).min(100.0);
                self.percent(UpdateStage::Transfer, percent, at);
            }
            Event::Tx { text }
                if text.starts_with("AT+QFOTAUP") && self.stage() == Some(UpdateStage::Transfer) =>
            {
                self.enter(UpdateStage::Ordered, at);
            }
            Event::Request(request) => {
                let status = request
                    .status
                    .map_or("no answer".into(), |status| status.to_string());
                let (method, sent) = (&request.method, request.sent);
                let text = format!("{} {method}: {status}, {sent} bytes", request.server);
                self.requests.push(TimelineMark { at, text });
            }
            Event::Lwm2m { text, .. } => {
                let text = format!("lwm2m {text}");
                self.requests.push(TimelineMark { at, text });
            }
            Event::CutMade(made) => {
                // It is written down when the supply has been off for its time; it was made when the line was commanded.
                let since = record.mono_ns.saturating_sub(made.commanded_ns) as f64 / 1e9;
                let speed = record.module_ns as f64 / record.mono_ns.max(1) as f64;
                let at = TimelineTime {
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
                self.cuts.push(TimelineMark { at, text });
            }
            Event::CutMissed { cut } => {
                let text = format!("cut {cut} never met its moment");
                self.missed.push(TimelineMark { at, text });
            }
            _ => {}
        }
    }

    fn edge(&mut self, line: Line, active: bool, at: TimelineTime) {
        let levels = match line {
            Line::Power => &mut self.power,
            Line::Reset => &mut self.reset,
            Line::Pwrkey => &mut self.pwrkey,
        };
        levels.push(LineLevel { at, active });
        match (line, active) {
            (Line::Power, false) | (Line::Reset, true) => self.enter(UpdateStage::Off, at),
            (Line::Power, true) | (Line::Reset, false) => {
                self.begin_stage(None, at);
            }
            (Line::Pwrkey, _) => {}
        }
    }

    fn urc(&mut self, urc: Urc, text: &str, at: TimelineTime) {
        let Urc::Fota(fota) = urc else {
            // The block of the boot ROM is one event, not eight.
            if urc != Urc::BootRomMore {
                let text = if urc == Urc::BootRom { "boot ROM" } else { text }.to_owned();
                self.urcs.push(TimelineMark { at, text });
            }
            return;
        };
        match fota {
            Fota::Downloading(percent) => {
                return self.percent(UpdateStage::Transfer, percent.get().into(), at);
            }
            Fota::Updating { percent, .. } => {
                return self.percent(UpdateStage::Update, percent.get().into(), at);
            }
            Fota::HttpStart | Fota::CoapStart => self.enter(UpdateStage::Transfer, at),
            Fota::HttpEnd(_) | Fota::CoapEnd(_) => self.enter(UpdateStage::Ordered, at),
            Fota::Start => self.enter(UpdateStage::Update, at),
            Fota::End(_) => self.enter(UpdateStage::Done, at),
            Fota::Unknown => {}
        }
        let text = text.replace("+QIND: \"FOTA\",", "").replace('"', "");
        self.urcs.push(TimelineMark { at, text });
    }

    pub fn stage(&self) -> Option<UpdateStage> {
        self.stages.last().and_then(|last| last.stage)
    }

    fn enter(&mut self, stage: UpdateStage, at: TimelineTime) {
        if self.stage() != Some(stage) {
            self.begin_stage(Some(stage), at);
        }
    }

    fn begin_stage(&mut self, stage: Option<UpdateStage>, at: TimelineTime) {
        self.stages.push(StageChange {
            seconds: at.seconds,
            stage,
        });
        self.interrupted = true;
    }

    fn percent(&mut self, stage: UpdateStage, percent: f64, at: TimelineTime) {
        if self.stage() == Some(UpdateStage::Off) {
            let off = self.stages.last().map_or(0.0, |off| off.seconds);
            // Said before the supply went, read after: the line ends there, and nothing is drawn through the time off.
            if let Some(line) = self.percents.last_mut()
                && line.stage == stage
                && line.points.last().is_some_and(|last| last.seconds <= off)
            {
                line.points.push(DrawnPercent {
                    seconds: off,
                    percent,
                });
            }
            return;
        }
        self.enter(stage, at);
        let goes_on = !std::mem::take(&mut self.interrupted);
        self.add_percent(
            stage,
            DrawnPercent {
                seconds: at.seconds,
                percent,
            },
            goes_on,
        );
    }

    /// Adds a percentage to the last line, if it `goes_on`, or begins another one.
    pub fn add_percent(&mut self, stage: UpdateStage, point: DrawnPercent, goes_on: bool) {
        match self.percents.last_mut() {
            Some(line) if goes_on && line.stage == stage => line.points.push(point),
            _ => self.percents.push(PercentLine {
                stage,
                points: vec![point],
            }),
        }
    }

    /// What happened, in words: edges of the supply and of reset, what the module said of the update, requests, cuts.
    pub fn moments(&self) -> Vec<TimelineMark> {
        let edges = |levels: &[LineLevel], on: &str, off: &str| -> Vec<TimelineMark> {
            let mark = |level: &LineLevel| TimelineMark {
                at: level.at,
                text: if level.active { on } else { off }.to_owned(),
            };
            levels.iter().map(mark).collect()
        };
        let mut moments = edges(&self.power, "power on", "power off");
        moments.extend(edges(&self.reset, "reset", "reset released"));
        let said = ["START", "END", "RDY", "boot ROM"];
        let worth = |mark: &&TimelineMark| said.iter().any(|word| mark.text.contains(word));
        moments.extend(self.urcs.iter().filter(worth).cloned());
        moments.extend(self.requests.iter().take(20).cloned());
        moments.extend(self.cuts.iter().chain(&self.missed).cloned());
        moments.sort_by_key(|mark| mark.at.seq);
        moments
    }
}
