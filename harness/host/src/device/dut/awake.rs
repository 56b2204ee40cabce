//! What the module has said since its supply came.

use dfota_core::urc::Urc;
use std::time::Instant;

/// What the module has said since its supply came, or since its boot ROM spoke.
#[derive(Debug, Default, Clone, Copy)]
pub struct Awake {
    /// When the first of it was read.
    pub first: Option<Instant>,
    pub boot_rom: bool,
    /// When its block began; unknown where the first line was lost.
    pub boot_rom_at: Option<Instant>,
    /// Something else spoke unasked.
    pub firmware: bool,
    /// The port was away meanwhile: what was said then was not heard.
    pub missed: bool,
    /// When the port was there again.
    pub back_at: Option<Instant>,
    /// RDY came; since an update was ordered, where one was.
    pub ready: bool,
    pub ready_at: Option<Instant>,
    /// `+CPIN: READY`: an END comes before it.
    pub sim_ready: bool,
    /// When `+IP:` came.
    pub ip_at: Option<Instant>,
    pub lwm2m: Lwm2mResults,
}

/// Results of commands to the LwM2M client, which come as URCs.
#[derive(Debug, Default, Clone, Copy)]
pub struct Lwm2mResults {
    pub registration: Option<u32>,
    pub lifetime: Option<u32>,
}

impl Awake {
    /// Takes what the module said unasked.
    pub(super) fn take(&mut self, urc: Urc, at: Instant) {
        let first = Some(self.first.unwrap_or(at));
        self.first = first;
        self.firmware |= !matches!(urc, Urc::BootRom | Urc::BootRomMore);
        match urc {
            // A boot: what was said before it says nothing of the module as it is now.
            Urc::BootRom => {
                *self = Self {
                    boot_rom: true,
                    boot_rom_at: Some(at),
                    first,
                    ..Self::default()
                }
            }
            // The first line may be lost in the edge of the supply.
            Urc::BootRomMore => self.boot_rom = true,
            Urc::Rdy => (self.ready, self.ready_at) = (true, Some(at)),
            Urc::SimReady => self.sim_ready = true,
            Urc::Ip => self.ip_at = Some(at),
            Urc::LwReg(result) => self.lwm2m.registration = Some(result),
            Urc::LwUpdate(result) => self.lwm2m.lifetime = Some(result),
            Urc::Cfun(_) | Urc::Fota(_) => {}
        }
    }
}
