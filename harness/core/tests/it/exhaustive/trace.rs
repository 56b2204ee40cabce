//! One update as it can look from outside, cut down to what the judgement may depend on.
//!
//! A trace begins where nothing can be said against the module yet:
//!
//! - UART: the package is uploaded, the order is given and answered `OK`.
//! - HTTP: order, HTTPSTART, DOWNLOADING 1 %, DOWNLOADING 100 %, HTTPEND,0.
//! - CoAP: order, COAPSTART, COAPEND,0. State and result of the object are not read back.
//!
//! The servers were asked for the package once and for nothing after it. Each `Cut` was proven: the module was silent
//! after the discharge time. After the last symbol the module is asked what it became, over an open port, and again
//! after one more power cycle, with the same answer; IMEI and functions are what they were. That power cycle, and the
//! one that comes before the questions where a limit ran out, are the harness's own: they are no part of the trace. The
//! further boot on which a late END could have come has been made.

use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use dfota_core::transport::Via;
use std::fmt;

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Symbol {
    /// `START`.
    Start,
    /// `UPDATING` at 20 to 45 %, rising within a life.
    Low,
    /// `UPDATING` at 100 %.
    High,
    /// `END,0`.
    EndOk,
    /// `END,502`.
    EndError,
    /// The boot ROM's block, whole.
    BootRom,
    /// `RDY`.
    Rdy,
    /// The supply went, for longer than the discharge time, and came back.
    Cut,
    /// The supply went for less than the discharge time and came back.
    Glitch,
    /// The port was lost and came back. What the module said in between was not heard.
    Gap,
    /// The wait that was running when the trace ended ran out. Only ever the last symbol.
    TimeOut,
}

impl Symbol {
    /// All that can stand anywhere.
    pub(crate) const ALL: [Self; 10] = [
        Self::Start,
        Self::Low,
        Self::High,
        Self::EndOk,
        Self::EndError,
        Self::BootRom,
        Self::Rdy,
        Self::Cut,
        Self::Glitch,
        Self::Gap,
    ];

    /// As traces are written.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Low => "LOW",
            Self::High => "HIGH",
            Self::EndOk => "END0",
            Self::EndError => "END502",
            Self::BootRom => "BROM",
            Self::Rdy => "RDY",
            Self::Cut => "CUT",
            Self::Glitch => "GLITCH",
            Self::Gap => "GAP",
            Self::TimeOut => "TIMEOUT",
        }
    }

    fn parse(word: &str) -> Self {
        let mut all = Self::ALL.into_iter().chain([Self::TimeOut]);
        match all.find(|symbol| symbol.word() == word) {
            Some(symbol) => symbol,
            None => panic!("`{word}` is not a symbol of a trace"),
        }
    }

    /// START or UPDATING.
    pub(crate) const fn updates(self) -> bool {
        matches!(self, Self::Start | Self::Low | Self::High)
    }

    /// END with any code.
    pub(crate) const fn ends(self) -> bool {
        matches!(self, Self::EndOk | Self::EndError)
    }

    /// The supply went and came back.
    pub(crate) const fn supply(self) -> bool {
        matches!(self, Self::Cut | Self::Glitch)
    }
}

/// What was read back, or that nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Became {
    /// The package's source.
    Source,
    /// The package's target.
    Target,
    /// A third version.
    Other,
    /// No answer, nor after the power cycles and the reset.
    Dead,
}

impl Became {
    /// All.
    pub(crate) const ALL: [Self; 4] = [Self::Source, Self::Target, Self::Other, Self::Dead];
}

/// What the case expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Expectation {
    /// No `expect`: code 0 and the target.
    Success,
    /// `expect: {update: 255, version: unchanged}`: a code that no trace contains.
    Refusal255,
    /// `expect: {update: 502, version: unchanged}`: the code that the traces contain.
    Refusal502,
}

impl Expectation {
    /// All.
    pub(crate) const ALL: [Self; 3] = [Self::Success, Self::Refusal255, Self::Refusal502];

    /// The code of END that is expected.
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Success => 0,
            Self::Refusal255 => 255,
            Self::Refusal502 => 502,
        }
    }
}

/// The moment at which the plan arms every cut of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Armed {
    /// The last moment before START: half of the only block over UART, `downloading 100%` otherwise.
    Before,
    /// `start`.
    Start,
    /// `updating N%`, with the percentage that was heard last before the first cut.
    Low(u8),
    /// `updating 100%`.
    High,
    /// `end`.
    End,
}

/// Which limit ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Limit {
    /// `resume`: nothing came after the supply had returned.
    Resume,
    /// `update`: no END came.
    Update,
}

/// A symbol with what a journal would need beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// `START`.
    Start,
    /// `UPDATING` at this percentage.
    Updating(u8),
    /// `END` with this code.
    End(u32),
    /// The boot ROM's block.
    BootRom,
    /// `RDY`.
    Rdy,
    /// Supply off, proven, and on.
    Cut,
    /// Supply off for less than the discharge time, and on.
    Glitch,
    /// Port lost and back.
    Gap,
    /// This limit ran out.
    TimeOut(Limit),
}

/// All that the judge is given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Trace {
    /// How the package got into the module.
    pub via: Via,
    /// Where the plan arms its cuts, as many as the trace has; no cut is planned where there is none. The first of them may
    /// have landed later than armed.
    pub plan: Option<Armed>,
    /// What happened, in order.
    pub symbols: Vec<Symbol>,
    /// What was read back.
    pub became: Became,
    /// What the case expects.
    pub expect: Expectation,
}

impl Trace {
    /// A trace whose cuts were armed where the first of them landed.
    pub(crate) fn new(via: Via, symbols: Vec<Symbol>, became: Became, expect: Expectation) -> Self {
        let plan = plan_of(&symbols);
        Self {
            via,
            plan,
            symbols,
            became,
            expect,
        }
    }

    /// From words, as `Display` writes them.
    pub(crate) fn parse(words: &str, became: Became, expect: Expectation) -> Self {
        let symbols = words.split_whitespace().map(Symbol::parse).collect();
        Self::new(Via::Uart, symbols, became, expect)
    }

    /// How many cuts and glitches the plan has.
    pub(crate) fn cuts(&self) -> usize {
        self.symbols.iter().filter(|symbol| symbol.supply()).count()
    }

    /// The symbols with percentages, codes and the limit that ran out.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut lows = 0;
        self.symbols
            .iter()
            .enumerate()
            .map(|(at, symbol)| {
                if symbol.supply() {
                    lows = 0;
                }
                match symbol {
                    Symbol::Start => Step::Start,
                    Symbol::Low => {
                        lows += 1;
                        Step::Updating(low_percent(lows))
                    }
                    Symbol::High => Step::Updating(100),
                    Symbol::EndOk => Step::End(0),
                    Symbol::EndError => Step::End(502),
                    Symbol::BootRom => Step::BootRom,
                    Symbol::Rdy => Step::Rdy,
                    Symbol::Cut => Step::Cut,
                    Symbol::Glitch => Step::Glitch,
                    Symbol::Gap => Step::Gap,
                    Symbol::TimeOut => Step::TimeOut(limit_of(&self.symbols[..at])),
                }
            })
            .collect()
    }

    /// `cut.at` of the plan, where it has one.
    pub(crate) fn moment(&self) -> Option<Moment> {
        Some(match self.plan? {
            Armed::Before if self.via == Via::Uart => Moment::UploadBlock(0),
            Armed::Before => Moment::Downloading(Percent::FULL),
            Armed::Start => Moment::Start,
            Armed::Low(percent) => Moment::Updating(Percent::new(percent).expect("45 at most")),
            Armed::High => Moment::Updating(Percent::FULL),
            Armed::End => Moment::End,
        })
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.via)?;
        for symbol in &self.symbols {
            write!(f, " {}", symbol.word())?;
        }
        write!(f, " → {:?}, END,{} expected", self.became, self.expect.code())?;
        match self.plan {
            Some(armed) => write!(f, ", cut armed at {armed:?}"),
            None => Ok(()),
        }
    }
}

/// Where the first cut landed, by what was heard before it: that is where the plan arms them all.
fn plan_of(symbols: &[Symbol]) -> Option<Armed> {
    let first = symbols.iter().position(|symbol| symbol.supply())?;
    let before = &symbols[..first];
    if before.iter().any(|symbol| symbol.ends()) {
        return Some(Armed::End);
    }
    let lows = before.iter().filter(|symbol| **symbol == Symbol::Low).count();
    let last = before.iter().rfind(|symbol| symbol.updates());
    Some(match last {
        Some(Symbol::Start) => Armed::Start,
        Some(Symbol::Low) => Armed::Low(low_percent(lows)),
        Some(_) => Armed::High,
        None => Armed::Before,
    })
}

/// The `n`-th low percentage (from 1) of a life.
fn low_percent(n: usize) -> u8 {
    [20, 25, 30, 35, 40][..].get(n - 1).copied().unwrap_or(45)
}

/// The limit of the wait that runs at the end of these symbols.
fn limit_of(symbols: &[Symbol]) -> Limit {
    let life = symbols
        .iter()
        .rposition(|symbol| symbol.supply())
        .map_or(0, |at| at + 1);
    let cut = life > 0;
    if cut && !symbols[life..].iter().any(|symbol| symbol.updates()) {
        Limit::Resume
    } else {
        Limit::Update
    }
}

/// Whether an observer would still be waiting at the end of these symbols, so that a limit can run out: no END since the
/// supply returned, and no RDY since the last START, UPDATING or return of the supply.
pub(crate) fn waits(symbols: &[Symbol]) -> bool {
    for symbol in symbols.iter().rev() {
        match symbol {
            Symbol::Rdy | Symbol::EndOk | Symbol::EndError | Symbol::TimeOut => return false,
            Symbol::Cut | Symbol::Glitch => return true,
            // What the wait is for begins here; an END before it, in the same life, ended an earlier wait.
            Symbol::Start | Symbol::Low | Symbol::High => return !ended_in_this_life(symbols),
            Symbol::BootRom | Symbol::Gap => {}
        }
    }
    true
}

fn ended_in_this_life(symbols: &[Symbol]) -> bool {
    let mut life = symbols.iter().rev().take_while(|symbol| !symbol.supply());
    life.any(|symbol| symbol.ends())
}

mod tests {
    use super::*;

    #[test]
    fn steps_carry_what_a_journal_needs() {
        let trace = Trace::parse(
            "START LOW LOW CUT LOW HIGH TIMEOUT",
            Became::Source,
            Expectation::Success,
        );
        let steps = [
            Step::Start,
            Step::Updating(20),
            Step::Updating(25),
            Step::Cut,
            Step::Updating(20),
            Step::Updating(100),
            Step::TimeOut(Limit::Update),
        ];
        assert_eq!(trace.steps(), steps);
        assert_eq!(trace.moment(), Some(Moment::Updating(Percent::new(25).unwrap())));
        assert_eq!(trace.cuts(), 1);
        let silent = Trace::parse("LOW CUT BROM TIMEOUT", Became::Source, Expectation::Success);
        assert_eq!(silent.steps().last(), Some(&Step::TimeOut(Limit::Resume)));
        let never = Trace::parse("TIMEOUT", Became::Source, Expectation::Success);
        assert_eq!(never.steps(), [Step::TimeOut(Limit::Update)]);
        assert_eq!(never.moment(), None);
    }

    #[test]
    fn a_limit_runs_out_only_where_something_is_waited_for() {
        let waiting = |words: &str| waits(&Trace::parse(words, Became::Dead, Expectation::Success).symbols);
        for words in [
            "",
            "BROM",
            "START",
            "RDY LOW BROM",
            "END0 CUT",
            "LOW RDY GLITCH GAP",
        ] {
            assert!(waiting(words), "{words}");
        }
        for words in [
            "RDY",
            "LOW BROM RDY",
            "END0",
            "END0 LOW",
            "CUT RDY",
            "CUT RDY GAP",
            "LOW END502 BROM",
        ] {
            assert!(!waiting(words), "{words}");
        }
    }
}
