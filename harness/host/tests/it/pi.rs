//! The program on a Raspberry Pi 3B that QEMU emulates, with the simulated module outside of it: its UART is a USB adapter of
//! the Pi, its supply, RESET and PWRKEY follow the levels of the Pi's pins, its network is the Pi's. See `docs/emulated-pi.md`.
//!
//! `just pi` prepares the parts and runs these tests; without the parts they cannot run.

#[cfg(feature = "lab")]
mod agent;
mod board;
mod drivers;
mod figures;
mod guest;
mod killed;
mod module_line;
mod monitor;
mod pins;
mod pl061;
mod qemu;
mod qtest;
mod sense;
mod smoke;
