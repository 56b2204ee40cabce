//! LwM2M as the update over CoAP needs it (AN §4, §6.3): the firmware update object, the registration, the AT commands.
//!
//! **TS10** is OMA's *Lightweight Machine to Machine Technical Specification* 1.0.2 (2018-02-09); **OMA5** are the versions
//! of object 5 in OMA's registry (`5-1_0.xml`, `5-1_1.xml`); **IANA** is the registry of CoAP content formats.

use crate::codes::codes;
use core::fmt;

/// The enabler version that a client of LwM2M 1.0 states as `lwm2m` when it registers (TS10 §5.3.1).
pub const VERSION: &str = "1.0";
/// UDP port of CoAP without DTLS (RFC 7252 §6.1; AN §6.3.1).
pub const PORT: u16 = 5683;
/// Scheme of a package's URI (AN §6.3.2 note: the module downloads "via CoAP"; RFC 7252 §6.1).
pub const SCHEME: &str = "coap://";
/// Longest Package URI in bytes (OMA5, resource 1: "0-255 bytes").
pub const URI_MAX: usize = 255;
/// Path of the registration interface (TS10 §5.3.1, §8.2.3).
pub const REGISTRATION_PATH: &str = "rd";
/// Lifetime in seconds where a registration has none (TS10 §5.3.1).
pub const LIFETIME_DEFAULT_S: u32 = 86_400;
/// Lifetime in seconds of the note's example, shorter than an update (AN §6.3.1).
pub const LIFETIME_EXAMPLE_S: u32 = 50;

/// Ids of objects (TS10 annex E).
pub mod object {
    /// LwM2M Server (TS10 E.2).
    pub const SERVER: u16 = 1;
    /// Device (TS10 E.4).
    pub const DEVICE: u16 = 3;
    /// Firmware Update (TS10 E.6; AN §6.3.2).
    pub const FIRMWARE_UPDATE: u16 = 5;
}

/// Ids of the firmware update object's resources (TS10 E.6, OMA5).
pub mod firmware {
    /// Package: opaque, write. Push.
    pub const PACKAGE: u16 = 0;
    /// Package URI: string, write (readable from 1.1 on). Pull (AN §6.3.2).
    pub const PACKAGE_URI: u16 = 1;
    /// Update: execute, legal in state 2 alone (AN §6.3.4).
    pub const UPDATE: u16 = 2;
    /// State: integer 0 to 3, read (AN §6.3.2).
    pub const STATE: u16 = 3;
    /// Update Result: integer, read (AN §6.3.2).
    pub const UPDATE_RESULT: u16 = 5;
    /// Firmware Update Protocol Support: integer, multiple, read.
    pub const PROTOCOL_SUPPORT: u16 = 8;
    /// Firmware Update Delivery Method: integer, read.
    pub const DELIVERY_METHOD: u16 = 9;
    /// `/5/0/8`: CoAP, also what holds where the resource is missing.
    pub const PROTOCOL_COAP: u8 = 0;
    /// `/5/0/9`: pull only.
    pub const DELIVERY_PULL: u8 = 0;
}

/// Ids of the device object's resources (TS10 E.4).
pub mod device {
    /// Manufacturer: string, read.
    pub const MANUFACTURER: u16 = 0;
    /// Model Number: string, read.
    pub const MODEL: u16 = 1;
    /// Serial Number: string, read.
    pub const SERIAL: u16 = 2;
    /// Firmware Version: string, read. What this firmware puts there need not be the revision of `ATI` (FW).
    pub const FIRMWARE_VERSION: u16 = 3;
    /// Reboot: execute.
    pub const REBOOT: u16 = 4;
    /// Error Code: integer, multiple, read.
    pub const ERROR_CODE: u16 = 11;
    /// Supported Binding and Modes: string, read.
    pub const BINDING: u16 = 16;
}

/// `/5/0/3` (TS10 E.6; AN §6.3.2 to §6.3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// 0: before a download and after an update.
    Idle,
    /// 1: the package is on its way.
    Downloading,
    /// 2: the package is there and sound.
    Downloaded,
    /// 3: the update runs.
    Updating,
}

impl State {
    /// All, by their numbers.
    pub const ALL: [Self; 4] = [Self::Idle, Self::Downloading, Self::Downloaded, Self::Updating];

    /// The state with this number, if there is one.
    pub fn from_raw(raw: u8) -> Option<Self> {
        Self::ALL.get(usize::from(raw)).copied()
    }

    /// The number on the wire.
    pub const fn raw(self) -> u8 {
        self as u8
    }

    /// Its name in the specification.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Downloading => "Downloading",
            Self::Downloaded => "Downloaded",
            Self::Updating => "Updating",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.raw(), self.name())
    }
}

codes! {
    /// `/5/0/5` (TS10 E.6 for 0 to 9; OMA5 1.1 for 10 and 11). 0 is also set when a download or an update begins.
    UpdateResult: u8 {
        Initial = 0, "initial value";
        Success = 1, "updated successfully";
        NoFlash = 2, "not enough flash memory";
        NoRam = 3, "out of RAM";
        ConnectionLost = 4, "connection lost";
        Integrity = 5, "integrity check failure";
        UnsupportedPackage = 6, "unsupported package type";
        InvalidUri = 7, "invalid URI";
        UpdateFailed = 8, "update failed";
        UnsupportedProtocol = 9, "unsupported protocol";
        Cancelled = 10, "cancelled";
        Deferred = 11, "deferred";
    }
}

impl fmt::Display for UpdateResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.raw(), self.name())
    }
}

/// Content formats (TS10 §6.4; IANA).
pub mod format {
    /// `text/plain;charset=utf-8`.
    pub const TEXT: u16 = 0;
    /// `application/link-format`.
    pub const LINK: u16 = 40;
    /// `application/octet-stream`.
    pub const OPAQUE: u16 = 42;
    /// `application/senml+json` (LwM2M 1.1).
    pub const SENML_JSON: u16 = 110;
    /// TLV before it had a number of its own, in early clients.
    pub const TLV_OLD: u16 = 1542;
    /// JSON before it had a number of its own, in early clients.
    pub const JSON_OLD: u16 = 1543;
    /// `application/vnd.oma.lwm2m+tlv`.
    pub const TLV: u16 = 11_542;
    /// `application/vnd.oma.lwm2m+json`.
    pub const JSON: u16 = 11_543;
}

/// `<security>` of `AT+QLWCONFIG` and of `/0/x/2` (FW; AN §6.3.1; TS10 E.1).
pub mod security {
    /// Pre-shared key.
    pub const PSK: u8 = 0;
    /// None.
    pub const NO_SEC: u8 = 3;
}

/// The AT commands of the LwM2M client, without `AT` (AN §4.3, §6.3; FW).
pub mod command {
    /// Configures the server: `<bs>,<host>,<port>,<endpoint>,<lifetime>,<security>[,<psk id>,<psk>]` (AN §6.3.1; FW).
    pub const QLWCONFIG: &str = "+QLWCONFIG";
    /// Sends a registration (AN §6.3.1).
    pub const QLWREG: &str = "+QLWREG";
    /// Updates the registration: `0,<lifetime>` or `1,<binding>` (AN §6.3.1; FW).
    pub const QLWUPDATE: &str = "+QLWUPDATE";
    /// Sends a de-registration (FW).
    pub const QLWDEREG: &str = "+QLWDEREG";
    /// Asks for the registration's state (FW).
    pub const QLWSTATUS: &str = "+QLWSTATUS";

    /// `<bs>` of `AT+QLWCONFIG`: the server is no bootstrap server (AN §6.3.1).
    pub const NO_BOOTSTRAP: u8 = 0;
    /// First parameter of `AT+QLWUPDATE`: the lifetime (AN §6.3.1).
    pub const UPDATE_LIFETIME: u8 = 0;
    /// First parameter of `AT+QLWUPDATE`: the binding (FW).
    pub const UPDATE_BINDING: u8 = 1;
}

/// What the LwM2M commands report, behind `OK` or before it (AN §6.3.1; FW).
pub mod reply {
    /// The registration's result: `+QLWREG: 0`; firmware also writes it without the blank (FW).
    pub const QLWREG: &str = "+QLWREG:";
    /// Two of them: `+QLWUPDATE: <message id>`, and `+QLWUPDATE: 0,<message id>` when the server has confirmed (AN §6.3.1).
    pub const QLWUPDATE: &str = "+QLWUPDATE:";
    /// The de-registration's result (FW).
    pub const QLWDEREG: &str = "+QLWDEREG:";
    /// The registration's state: `+QLWSTATUS: n` (FW).
    pub const QLWSTATUS: &str = "+QLWSTATUS:";
    /// What happens on the LwM2M side (FW).
    pub const QLWURC: &str = "+QLWURC:";
    /// The number that means success in the first three (AN §6.3.1).
    pub const SUCCESS: u8 = 0;
    /// How firmware A06 reports a registration, behind `+QLWURC:` (AL).
    pub const REGISTERED_A06: &str = "reg,0";
}

/// `n` of `+QLWSTATUS: n` (FW).
pub mod status {
    /// Not registered.
    pub const NOT_REGISTERED: u8 = 0;
    /// Registering.
    pub const REGISTERING: u8 = 1;
    /// Registered.
    pub const REGISTERED: u8 = 2;
}
