//! Every trace up to a stated length.

use super::trace::{Became, Expectation, Symbol, Trace, waits};
use dfota_core::transport::Via;

/// Longest sequences over all symbols.
const ALL_SYMBOLS: usize = 4;
/// Longest sequences over the symbols that tell most.
const FEW_SYMBOLS: usize = 6;
/// Longest sequences that are tried over each transport; longer ones go over the UART.
const ALL_TRANSPORTS: usize = 3;
/// Most cuts and glitches in a trace.
const SUPPLIES: usize = 2;
/// Most gaps in a trace.
const GAPS: usize = 1;

/// One of each kind of thing that can be heard, done or lost.
const FEW: [Symbol; 6] = [
    Symbol::Low,
    Symbol::EndOk,
    Symbol::EndError,
    Symbol::Rdy,
    Symbol::Cut,
    Symbol::Gap,
];

/// Calls `visit` with each trace, once.
pub(crate) fn every(visit: &mut impl FnMut(&Trace)) {
    let mut symbols = Vec::new();
    grow(&mut symbols, &Symbol::ALL, ALL_SYMBOLS, &mut |symbols| {
        every_reading(symbols, visit);
    });
    grow(&mut symbols, &FEW, FEW_SYMBOLS, &mut |symbols| {
        if symbols.len() > ALL_SYMBOLS {
            every_reading(symbols, visit);
        }
    });
}

/// Calls `visit` with these symbols and with all that can follow them up to a length.
fn grow(symbols: &mut Vec<Symbol>, alphabet: &[Symbol], longest: usize, visit: &mut impl FnMut(&[Symbol])) {
    visit(symbols);
    if symbols.len() == longest {
        return;
    }
    let supplies = symbols.iter().filter(|symbol| symbol.supply()).count();
    let gaps = symbols.iter().filter(|symbol| **symbol == Symbol::Gap).count();
    for next in alphabet {
        let full = (next.supply() && supplies == SUPPLIES) || (*next == Symbol::Gap && gaps == GAPS);
        if !full {
            symbols.push(*next);
            grow(symbols, alphabet, longest, visit);
            symbols.pop();
        }
    }
}

/// What can be read back. What a dead or a wrong module said before matters little: long sequences leave it out.
fn readings(symbols: &[Symbol]) -> &'static [Became] {
    if symbols.len() <= ALL_SYMBOLS {
        &Became::ALL
    } else {
        &[Became::Source, Became::Target]
    }
}

/// These symbols, also with a limit that runs out at their end, with all that can be read back and expected.
fn every_reading(symbols: &[Symbol], visit: &mut impl FnMut(&Trace)) {
    let transports = if symbols.len() <= ALL_TRANSPORTS {
        &Via::ALL[..]
    } else {
        &[Via::Uart]
    };
    let mut sequences = vec![symbols.to_vec()];
    if waits(symbols) {
        sequences.push([symbols, &[Symbol::TimeOut]].concat());
    }
    for sequence in sequences {
        for via in transports {
            for became in readings(symbols) {
                for expect in Expectation::ALL {
                    every_plan(Trace::new(*via, sequence.clone(), *became, expect), visit);
                }
            }
        }
    }
}

/// A cut may have been armed for anything that came before the first one: it is delayed. Where sequences are long, only
/// what came last is tried.
fn every_plan(mut trace: Trace, visit: &mut impl FnMut(&Trace)) {
    let first = trace.symbols.iter().position(|symbol| symbol.supply());
    let Some(first) = first.filter(|_| trace.symbols.len() <= ALL_SYMBOLS) else {
        visit(&trace);
        return;
    };
    let mut tried = Vec::new();
    for before in 0..=first {
        let armed = Trace::new(
            trace.via,
            [&trace.symbols[..before], &[Symbol::Cut]].concat(),
            trace.became,
            trace.expect,
        );
        if !tried.contains(&armed.plan) {
            tried.push(armed.plan);
            trace.plan = armed.plan;
            visit(&trace);
        }
    }
}
