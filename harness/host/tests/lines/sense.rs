//! The contract of the drivers of an input: what a sense line shows, and since when.
//!
//! A GPIO needs an output that is wired to it. `DFOTA_HIL_TEST_GPIOCHIP_LOOP=/dev/gpiochip0:23:24` names such an output and its
//! input, `DFOTA_HIL_TEST_RPPAL_LOOP=23:24` those of the other driver. Without them these cases say that they are skipped.

use crate::{Sim, asked};
use dfota_hil::bench::line::driven::driven;
use dfota_hil::bench::line::driven::sensed;
use dfota_hil::bench::line::sense::{Sense, SenseReading};
use dfota_hil::config::rig::{Driver, LineId};
use rstest::rstest;
use std::time::{Duration, Instant};

/// How long a move may take to come through the wire.
const WIRE: Duration = Duration::from_secs(10);
/// How long nobody looks after a move: the time of an edge must not be that of the look.
const UNSEEN: Duration = Duration::from_secs(1);
/// Between two moves that nobody looks at, so that each is an edge of its own.
const APART: Duration = Duration::from_millis(20);

/// An input, and what moves it.
struct Wired {
    /// Makes it show a supply, or none. It may take a while.
    supply: Box<dyn FnMut(bool)>,
    input: Driver,
    /// What has to live as long.
    _sim: Option<Sim>,
}

impl Wired {
    /// Two lines with a wire between them.
    fn looped(output: &Driver, input: Driver, active_high: bool) -> Self {
        let mut line = driven("power", output, Some(!active_high), None).expect("an output");
        let supply = move |on: bool| line.set(on == active_high).expect("a line that moves");
        Self {
            supply: Box::new(supply),
            input,
            _sim: None,
        }
    }

    fn open(&self) -> Box<dyn Sense> {
        sensed(&self.input).expect("an input")
    }
}

/// VDD_EXT of a simulated module, which its supply and its key switch.
fn simulated() -> Wired {
    let sim = Sim::start();
    let control = sim.control().to_owned();
    let input = Driver::Simulated { control };
    let mut lines = ["power", "pwrkey"].map(|name| driven(name, &input, None, None).expect("a line"));
    let supply = move |on| {
        for line in &mut lines {
            line.set(on).expect("a line that moves");
        }
    };
    Wired {
        supply: Box::new(supply),
        input,
        _sim: Some(sim),
    }
}

fn on_chip(active_high: bool) -> Option<Wired> {
    let named = asked("DFOTA_HIL_TEST_GPIOCHIP_LOOP", "/dev/gpiochip0:23:24")?;
    let [chip, output, input] = named.split(':').collect::<Vec<_>>()[..] else {
        panic!("`{named}`: expected CHIP:OUTPUT:INPUT")
    };
    let line = |line: &str, active_high| Driver::GpioChip {
        chip: Some(chip.into()),
        line: LineId::Offset(line.parse().expect("the number of a line")),
        active_high,
    };
    Some(Wired::looped(
        &line(output, true),
        line(input, active_high),
        active_high,
    ))
}

fn on_header(active_high: bool) -> Option<Wired> {
    let named = asked("DFOTA_HIL_TEST_RPPAL_LOOP", "23:24")?;
    let (output, input) = named.split_once(':').expect("OUTPUT:INPUT");
    let pin = |pin: &str, active_high| Driver::Rppal {
        pin: pin.parse().expect("the BCM number of a pin"),
        active_high,
    };
    Some(Wired::looped(
        &pin(output, true),
        pin(input, active_high),
        active_high,
    ))
}

/// Looks until the input shows this.
#[track_caller]
fn until(sense: &mut dyn Sense, supplied: bool) -> SenseReading {
    let deadline = Instant::now() + WIRE;
    loop {
        let shown = sense.look().expect("a level");
        if shown.supplied == supplied {
            return shown;
        }
        assert!(
            Instant::now() < deadline,
            "waited {WIRE:?} for an input that shows supplied={supplied}: {shown:?}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[rstest]
#[case::simulated(Some(simulated()))]
#[case::gpiochip(on_chip(true))]
#[case::gpiochip_active_low(on_chip(false))]
#[case::rppal(on_header(true))]
#[case::rppal_active_low(on_header(false))]
fn an_input_shows_its_level(#[case] wired: Option<Wired>) {
    let Some(mut wired) = wired else { return };
    let mut sense = wired.open();
    for supplied in [false, true, false, false, true, true] {
        (wired.supply)(supplied);
        until(&mut *sense, supplied);
    }
    // Whoever opens it next sees what is there, not what somebody else saw.
    drop(sense);
    let mut sense = wired.open();
    until(&mut *sense, true);
    (wired.supply)(false);
    until(&mut *sense, false);
}

/// A simulated module takes its time to start, and is asked since when it has run: `cli/sense.rs` has that.
#[rstest]
#[case::gpiochip(on_chip(true))]
#[case::gpiochip_active_low(on_chip(false))]
#[case::rppal(on_header(true))]
#[case::rppal_active_low(on_header(false))]
fn an_edge_has_its_time(#[case] wired: Option<Wired>) {
    let Some(mut wired) = wired else { return };
    let mut sense = wired.open();
    for supplied in [true, false, true, false] {
        let moved = Instant::now();
        (wired.supply)(supplied);
        std::thread::sleep(UNSEEN);
        let looked = Instant::now();
        let shown = until(&mut *sense, supplied);
        let edge = shown.since.expect("an edge");
        println!("figure: supplied={supplied} {:?} after the move", edge.at - moved);
        assert!(edge.at >= moved, "{:?} before it was moved", moved - edge.at);
        let age = looked.saturating_duration_since(edge.at);
        assert!(
            age >= UNSEEN / 2,
            "{age:?} before the look, and the move was {UNSEEN:?} before it"
        );
        // It stays that edge.
        let again = sense.look().expect("a level").since.expect("an edge");
        let apart = again.at.max(edge.at) - again.at.min(edge.at);
        assert!(apart <= edge.within + again.within, "{edge:?}, then {again:?}");
    }
}

/// Nobody looks between the moment at which a supply is switched on and the cut: the cut counts, also behind a contact that
/// bounces.
#[rstest]
#[case::gpiochip(on_chip(true), 1)]
#[case::gpiochip_active_low(on_chip(false), 1)]
#[case::gpiochip_bouncing(on_chip(true), 20)]
#[case::rppal(on_header(true), 1)]
#[case::rppal_bouncing(on_header(true), 20)]
fn the_last_of_several_edges_counts(#[case] wired: Option<Wired>, #[case] times: usize) {
    let Some(mut wired) = wired else { return };
    let mut sense = wired.open();
    let mut moved = Instant::now();
    for _ in 0..times {
        (wired.supply)(true);
        std::thread::sleep(APART);
        moved = Instant::now();
        (wired.supply)(false);
        std::thread::sleep(APART);
    }
    std::thread::sleep(UNSEEN);
    let shown = until(&mut *sense, false);
    let edge = shown.since.expect("an edge");
    assert!(edge.at >= moved, "{:?} before the last move", moved - edge.at);
}

#[rstest]
#[case::gpiochip(on_chip(true))]
#[case::gpiochip_active_low(on_chip(false))]
#[case::rppal(on_header(true))]
#[case::rppal_active_low(on_header(false))]
fn an_input_that_never_moved_has_no_edge(#[case] wired: Option<Wired>) {
    let Some(mut wired) = wired else { return };
    for supplied in [true, false] {
        (wired.supply)(supplied);
        until(&mut *wired.open(), supplied);
        let mut sense = wired.open();
        std::thread::sleep(UNSEEN);
        let still = SenseReading {
            supplied,
            since: None,
        };
        assert_eq!(sense.look(), Ok(still));
    }
}
