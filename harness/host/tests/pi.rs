//! The program on a Raspberry Pi 3B that QEMU emulates, with the simulated module outside of it: its UART is a USB adapter of
//! the Pi, its supply, RESET and PWRKEY follow the levels of the Pi's pins, its network is the Pi's. See `docs/emulated-pi.md`.
//!
//! `just pi` prepares the parts and runs these tests; without the parts they cannot run.

#[path = "cli/junit.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line")]
mod junit;
#[path = "cli/lab.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line")]
mod lab;
#[path = "cli/process.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the command line"
)]
mod process;
#[path = "cli/sim.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line")]
mod sim;

#[path = "pi/board.rs"]
mod board;
#[path = "pi/drivers.rs"]
mod drivers;
#[path = "pi/figures.rs"]
mod figures;
#[path = "pi/guest.rs"]
mod guest;
#[path = "pi/killed.rs"]
mod killed;
#[path = "pi/module_line.rs"]
mod module_line;
#[path = "pi/monitor.rs"]
mod monitor;
#[path = "pi/pins.rs"]
mod pins;
#[path = "pi/pl061.rs"]
mod pl061;
#[path = "pi/qemu.rs"]
mod qemu;
#[path = "pi/qtest.rs"]
mod qtest;
#[path = "pi/sense.rs"]
mod sense;
#[path = "pi/smoke.rs"]
mod smoke;
