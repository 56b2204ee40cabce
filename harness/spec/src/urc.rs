//! Unsolicited result codes of the update (AN §5).

/// What every update URC begins with (AN §5).
pub const QIND: &str = "+QIND:";
/// The first field of every update URC, quoted on the wire (AN §5).
pub const FOTA: &str = "FOTA";
/// Third field of `UPDATING`: the number of programs to be updated is "currently always 1" (AN §5.7).
pub const TOTAL_NUM: u8 = 1;
/// Fourth field of `UPDATING`: the program being updated is "currently always 1" (AN §5.7).
pub const CURRENT_BIN: u8 = 1;
/// The first percentage the vendor's examples of `UPDATING` show (AN §2.2.1 note 1, §6.1, §6.2, §6.3.5).
pub const UPDATING_FIRST_PERCENT: u8 = 20;

/// The second field of an update URC: which moment of the update it reports (AN §5.1 to §5.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FotaUrc {
    /// The download over HTTP starts (AN §5.1).
    HttpStart,
    /// Progress of the download in percent (AN §5.2).
    Downloading,
    /// Result of the HTTP download: a download error code (AN §5.3).
    HttpEnd,
    /// The download over CoAP starts (AN §5.4).
    CoapStart,
    /// Result of the CoAP download: a download error code (AN §5.5).
    CoapEnd,
    /// The update starts (AN §5.6).
    Start,
    /// Progress of the update in percent, number of programs, current program (AN §5.7).
    Updating,
    /// Result of the update: an update error code (AN §5.8).
    End,
}

impl FotaUrc {
    /// Every URC of AN §5, in the order of its sections.
    pub const ALL: [Self; 8] = [
        Self::HttpStart,
        Self::Downloading,
        Self::HttpEnd,
        Self::CoapStart,
        Self::CoapEnd,
        Self::Start,
        Self::Updating,
        Self::End,
    ];

    /// The word between the quotes.
    pub const fn token(self) -> &'static str {
        match self {
            Self::HttpStart => "HTTPSTART",
            Self::Downloading => "DOWNLOADING",
            Self::HttpEnd => "HTTPEND",
            Self::CoapStart => "COAPSTART",
            Self::CoapEnd => "COAPEND",
            Self::Start => "START",
            Self::Updating => "UPDATING",
            Self::End => "END",
        }
    }

    /// The URC with this word between its quotes; blanks must be gone already.
    pub fn from_token(token: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|urc| urc.token().as_bytes() == token)
    }
}
