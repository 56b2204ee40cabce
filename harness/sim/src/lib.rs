//! A simulated BC66: a module that can lose its power at any instruction.
//!
//! It knows what the vendor's documents say (`bc66-spec`) and nothing of the harness that tests it. Two processes:
//!
//! - the **board** ([`board`]) owns what stays when a module loses its supply: the pty's master side, the flash file, the
//!   lines for supply, RESET and PWRKEY, and the control socket that moves them ([`control`]);
//! - the **module** ([`module`]) is a child process. Power off is `SIGKILL`: nothing more is executed, nothing more is sent,
//!   and the write under way stays torn. It reboots by executing itself again, so that no state in memory survives.
//!
//! Inside the module: the mask ROM's banner, the [`bootloader`], which patches in place, and the application
//! ([`app`], [`app::at`]). Underneath: [`flash`], its map ([`layout`]), the [`record_log`] of small values, the UART's pace
//! ([`uart`]) and what it is at another rate ([`line_noise`]), the module's time ([`clock`], [`durations`]). Images ([`image`](mod@image)) and packages ([`package`]) are synthetic;
//! the deltas are real. The network's side: [`http`] and [`download`], [`coap`] and [`pull`], and the [`lwm2m`] client
//! with its firmware update object. What may be wrong with a module is named in [`defect`], in what other ways a sound one may
//! speak in [`dialect`].
//!
//! Where to change what: an AT command → a row in [`app::at`]; what the module prints → [`phrase`]; how long something
//! takes → [`durations`]; a new defect → [`defect`]; a new way to speak → [`dialect`].
//!
//! Every program that links this crate calls [`run_module_if_asked`] before anything else.

pub mod app;
pub mod board;
pub mod bootloader;
pub mod brick;
pub mod cli;
pub mod clock;
pub mod coap;
pub mod control;
pub mod defect;
pub mod delta_area;
pub mod dialect;
pub mod download;
pub mod durations;
pub mod factory;
pub mod flash;
pub mod http;
pub mod image;
pub mod layout;
mod life;
pub mod line_noise;
pub mod lwm2m;
pub mod module;
pub mod named;
pub mod nvdm;
pub mod package;
pub mod phrase;
pub mod pty;
pub mod pull;
pub mod random;
pub mod record_log;
pub mod reporter;
pub mod settings;
pub mod uart;
pub mod udp;
pub mod update_info;
pub mod upload;
pub mod url;
pub mod version;

pub use module::run_module_if_asked;
