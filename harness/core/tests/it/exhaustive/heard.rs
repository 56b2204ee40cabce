//! What the table asks of a trace: a handful of facts, each one bit, so that a row can name several at once.

use super::trace::{Armed, Became, Expectation, Symbol, Trace};

/// Some values of one fact.
pub(crate) type Bits = u8;

/// Whatever it is.
pub(crate) const ANY: Bits = 0xff;

/// What runs.
pub(crate) const SOURCE: Bits = 1;
pub(crate) const TARGET: Bits = 2;
pub(crate) const OTHER: Bits = 4;
pub(crate) const DEAD: Bits = 8;

/// What was expected.
pub(crate) const SUCCESS: Bits = 1;
/// A refusal with another code than END has in the traces.
pub(crate) const REFUSAL_255: Bits = 2;
/// A refusal with the code that END has in the traces.
pub(crate) const REFUSAL_502: Bits = 4;
pub(crate) const REFUSAL: Bits = REFUSAL_255 | REFUSAL_502;

/// Where the last cut or glitch landed, by what had been heard of the whole update before it.
pub(crate) const UNCUT: Bits = 1;
/// Neither UPDATING nor END.
pub(crate) const ORDERED: Bits = 2;
/// The same, but UPDATING may have been lost before a cut.
pub(crate) const ORDERED_PERHAPS: Bits = 4;
/// UPDATING and no END,0; also where an earlier one landed between UPDATING and END.
pub(crate) const UPDATING: Bits = 8;
/// The same, but END may have been lost before each such cut, and nothing of the update came after it.
pub(crate) const UPDATING_PERHAPS: Bits = 16;
/// END,0.
pub(crate) const ENDED_WELL: Bits = 32;
/// END with an error alone, and none landed between UPDATING and END.
pub(crate) const ENDED_BADLY: Bits = 64;

/// What the last of them was.
pub(crate) const NONE: Bits = 1;
pub(crate) const CUT: Bits = 2;
pub(crate) const GLITCH: Bits = 4;

/// What was heard of the update since then (since the order, where there was none), END aside.
pub(crate) const NOTHING: Bits = 1;
/// The same, but it may have been lost.
pub(crate) const NOTHING_HEARD: Bits = 2;
/// START or UPDATING.
pub(crate) const SOMETHING: Bits = 4;

/// The codes of all ENDs.
pub(crate) const NO_END: Bits = 1;
pub(crate) const ZERO: Bits = 2;
pub(crate) const ERROR: Bits = 4;
pub(crate) const BOTH: Bits = 8;

/// Which wait ran out.
pub(crate) const NO_WAIT: Bits = 1;
/// For any sign of an update, after the order.
pub(crate) const IDLE: Bits = 2;
/// For START, UPDATING or RDY, after the supply had returned.
pub(crate) const SILENT: Bits = 4;
/// For END, and UPDATING was the last line.
pub(crate) const STANDING: Bits = 8;
/// For END, and something else was the last line.
pub(crate) const BEGUN: Bits = 16;
/// Like `SILENT`, but the application was up when a glitch came: a module that rode through it has nothing to say.
pub(crate) const RODE: Bits = 32;

/// Where the port was lost.
pub(crate) const NO_GAP: Bits = 1;
/// START or UPDATING came after it, at any time: an END that is missing was not lost in it.
pub(crate) const CLEARED: Bits = 2;
/// Since the last cut, and neither START nor UPDATING came after it.
pub(crate) const TAIL: Bits = 4;
/// Before the last cut, and neither START nor UPDATING came after it.
pub(crate) const BEFORE: Bits = 8;

/// Where the plan arms its cuts.
pub(crate) const UNPLANNED: Bits = 1;
/// Before UPDATING 100 %.
pub(crate) const LOWER: Bits = 2;
/// At UPDATING 100 % or `end`.
pub(crate) const LATEST: Bits = 4;

/// For a fact that is or is not so.
pub(crate) const NO: Bits = 1;
pub(crate) const YES: Bits = 2;

/// The facts of one trace, each with exactly one bit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    pub version: Bits,
    pub expect: Bits,
    pub landed: Bits,
    pub kind: Bits,
    pub after: Bits,
    pub codes: Bits,
    pub wait: Bits,
    pub gap: Bits,
    pub plan: Bits,
    /// START or UPDATING came after an END.
    pub again: Bits,
    /// A boot came after RDY that nothing explains.
    pub reboots: Bits,
    /// A cut landed after an END although it was armed for an earlier moment.
    pub late: Bits,
}

impl Heard {
    /// The facts of a trace.
    pub(crate) fn of(trace: &Trace) -> Self {
        let symbols = &trace.symbols[..];
        let cut = symbols.iter().rposition(|symbol| symbol.supply());
        let life = &symbols[cut.map_or(0, |at| at + 1)..];
        Self {
            version: match trace.became {
                Became::Source => SOURCE,
                Became::Target => TARGET,
                Became::Other => OTHER,
                Became::Dead => DEAD,
            },
            expect: match trace.expect {
                Expectation::Success => SUCCESS,
                Expectation::Refusal255 => REFUSAL_255,
                Expectation::Refusal502 => REFUSAL_502,
            },
            landed: cut.map_or(UNCUT, |at| landed(symbols, at)),
            kind: match cut.map(|at| symbols[at]) {
                None => NONE,
                Some(Symbol::Glitch) => GLITCH,
                Some(_) => CUT,
            },
            after: after(life),
            codes: codes(symbols),
            wait: wait(symbols, cut),
            gap: gap(symbols, cut),
            plan: match trace.plan {
                None => UNPLANNED,
                Some(Armed::Before | Armed::Start | Armed::Low(_)) => LOWER,
                Some(Armed::High | Armed::End) => LATEST,
            },
            again: again(symbols),
            reboots: reboots(symbols),
            late: late(symbols, trace.plan),
        }
    }
}

fn is_updating(symbol: Symbol) -> bool {
    matches!(symbol, Symbol::Low | Symbol::High)
}

fn landed(symbols: &[Symbol], last: usize) -> Bits {
    let before = &symbols[..last];
    if before.contains(&Symbol::EndOk) {
        return ENDED_WELL;
    }
    let cuts = || (0..=last).filter(|at| symbols[*at].supply());
    let mut in_updating = cuts().filter(|at| lands_in_updating(&symbols[..*at])).peekable();
    if in_updating.peek().is_some() {
        let resumed = symbols[last..].iter().any(|symbol| symbol.updates());
        let veiled = in_updating.all(|at| veiled(&symbols[..at]));
        return if veiled && !resumed {
            UPDATING_PERHAPS
        } else {
            UPDATING
        };
    }
    if before.contains(&Symbol::EndError) {
        ENDED_BADLY
    } else if cuts().any(|at| veiled(&symbols[..at])) {
        ORDERED_PERHAPS
    } else {
        ORDERED
    }
}

fn lands_in_updating(before: &[Symbol]) -> bool {
    before.iter().any(|symbol| is_updating(*symbol)) && !before.iter().any(|symbol| symbol.ends())
}

/// Whether the port was lost after the last START or UPDATING.
fn veiled(before: &[Symbol]) -> bool {
    let mut since = before.iter().rev().take_while(|symbol| !symbol.updates());
    since.any(|symbol| *symbol == Symbol::Gap)
}

/// After END nothing of the update is due, so that a gap hides none.
fn after(life: &[Symbol]) -> Bits {
    if life.iter().any(|symbol| symbol.updates()) {
        return SOMETHING;
    }
    let mut due = life.iter().take_while(|symbol| !symbol.ends());
    if due.any(|symbol| *symbol == Symbol::Gap) {
        NOTHING_HEARD
    } else {
        NOTHING
    }
}

fn codes(symbols: &[Symbol]) -> Bits {
    let zero = symbols.contains(&Symbol::EndOk);
    let error = symbols.contains(&Symbol::EndError);
    match (zero, error) {
        (false, false) => NO_END,
        (true, false) => ZERO,
        (false, true) => ERROR,
        (true, true) => BOTH,
    }
}

fn wait(symbols: &[Symbol], cut: Option<usize>) -> Bits {
    let [lines @ .., Symbol::TimeOut] = &symbols[cut.map_or(0, |at| at + 1)..] else {
        return NO_WAIT;
    };
    let last_line = lines.iter().rfind(|symbol| **symbol != Symbol::Gap);
    if last_line.is_some_and(|symbol| is_updating(*symbol)) {
        STANDING
    } else if lines.iter().any(|symbol| symbol.updates()) {
        BEGUN
    } else {
        match cut {
            None => IDLE,
            Some(at) if symbols[at] == Symbol::Glitch && up(&symbols[..at]) => RODE,
            Some(_) => SILENT,
        }
    }
}

/// Whether the application was up at the end: it says RDY, and then END.
fn up(before: &[Symbol]) -> bool {
    let last = before.iter().rfind(|symbol| **symbol != Symbol::Gap);
    last.is_some_and(|symbol| *symbol == Symbol::Rdy || symbol.ends())
}

fn gap(symbols: &[Symbol], cut: Option<usize>) -> Bits {
    let Some(at) = symbols.iter().position(|symbol| *symbol == Symbol::Gap) else {
        return NO_GAP;
    };
    if symbols[at..].iter().any(|symbol| symbol.updates()) {
        CLEARED
    } else if cut.is_some_and(|cut| at < cut) {
        BEFORE
    } else {
        TAIL
    }
}

fn again(symbols: &[Symbol]) -> Bits {
    let end = symbols.iter().position(|symbol| symbol.ends());
    match end {
        Some(at) if symbols[at..].iter().any(|symbol| symbol.updates()) => YES,
        _ => NO,
    }
}

/// A boot, after RDY, beyond those that are explained: an order and START explain two (into the update and out of it),
/// UPDATING and the supply one each. A glitch may have been ridden through and takes nothing away. A gap may have
/// hidden START; not after END, where START would be no better.
fn reboots(symbols: &[Symbol]) -> Bits {
    let (mut explained, mut up, mut booting, mut ended) = (2_u8, false, false, false);
    for symbol in symbols {
        let boots = *symbol == Symbol::BootRom || (*symbol == Symbol::Rdy && !booting);
        if boots && explained == 0 && up {
            return YES;
        }
        if boots {
            explained = explained.saturating_sub(1);
        }
        match symbol {
            Symbol::BootRom => booting = true,
            Symbol::Rdy => (booting, up) = (false, true),
            Symbol::Start => (explained, up, booting) = (2, false, false),
            Symbol::Low | Symbol::High | Symbol::Cut => (explained, up, booting) = (1, false, false),
            Symbol::Glitch => (explained, up, booting) = (explained + 1, false, false),
            Symbol::Gap if !ended => explained = 2,
            Symbol::EndOk | Symbol::EndError => ended = true,
            Symbol::Gap | Symbol::TimeOut => {}
        }
    }
    NO
}

fn late(symbols: &[Symbol], plan: Option<Armed>) -> Bits {
    let end = symbols.iter().position(|symbol| symbol.ends());
    let cut = symbols.iter().rposition(|symbol| symbol.supply());
    match (end, cut) {
        (Some(end), Some(cut)) if end < cut && plan != Some(Armed::End) => YES,
        _ => NO,
    }
}
