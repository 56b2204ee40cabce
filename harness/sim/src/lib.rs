//! A simulated BC66: a module that can lose its power at any instruction.
//!
//! It uses the vendor's facts (`bc66-spec`) and nothing of the harness that tests it. Two processes:
//!
//! - the **board** (`board`) owns what remains when a module loses its supply: the pty's master side, the flash file, the
//!   lines for supply, RESET and PWRKEY, and the control socket that moves them (`control`);
//! - the **module** (`module`) is a child process. Power off is `SIGKILL`: nothing more is executed, nothing more is sent,
//!   and the write under way stays torn. It reboots by executing itself again, so that no state in memory survives.
//!
//! Inside the module: the mask ROM's banner, the [`bootloader`], which patches in place, and the application (`app`, with its
//! AT commands in `app::at`). Underneath: the [`flash`] and its map ([`layout`]), the `record_log` of small values, the UART at
//! the pace of the wire (`uart`) and at a wrong rate (`line_noise`), the module's time (`clock`, [`durations`]). Images
//! ([`image`](mod@image)) and packages ([`package`]) are synthetic; the deltas are real. The network: `http` and `download`,
//! [`coap`] and `pull`, and the `lwm2m` client with its firmware update object. [`defect`] names what may be wrong with a
//! module, [`dialect`] the other ways in which a sound one may speak.
//!
//! Where to change what: an AT command → a line in `app::at::table`; what the module prints → `phrase`; how long something
//! takes → [`durations`]; a new defect → [`defect`]; a new way to speak → [`dialect`].
//!
//! Every program that links this crate calls [`run_module_if_asked`] before anything else.

mod app;
mod background;
mod board;
pub mod bootloader;
mod brick;
pub mod cli;
mod clock;
pub mod coap;
mod control;
mod decimal;
pub mod defect;
pub mod delta_area;
pub mod dialect;
mod download;
pub mod durations;
mod factory;
pub mod flash;
mod http;
pub mod image;
pub mod layout;
mod life;
mod line_noise;
mod lwm2m;
mod module;
mod named;
mod nvdm;
pub mod package;
mod phrase;
mod pty;
mod pull;
pub mod random;
mod record_log;
mod reporter;
mod settings;
mod uart;
mod udp;
pub mod update_info;
mod upload;
mod url;
pub mod version;

pub use module::run_module_if_asked;
