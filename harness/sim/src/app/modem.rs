//! The network's side of the module: registration, address, and the settings of sleep that are only kept.

use crate::random::{Random, with_check_digit};

/// Registration on the network, with the numbers of `+CEREG` (3GPP TS 27.007 §10.1.22).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NetworkRegistration {
    /// Neither registered nor searching.
    None = 0,
    /// Registered, home network.
    Home = 1,
    Searching = 2,
}

/// Area code, cell and technology of the only cell there is (a capture in the facts; 9 is NB-IoT).
const CELL: &str = "\"0002\",\"01A2D102\",9";

/// The identity of the SIM card, in the network of the note's example, 460 11. The numbers derive from the seed.
#[derive(Debug)]
pub(crate) struct SimCard {
    /// Number of the card: 20 digits (ITU-T E.118).
    pub(crate) iccid: String,
    /// Number of the subscription: 15 digits (3GPP TS 23.003 §2.2).
    pub(crate) imsi: String,
}

impl SimCard {
    fn new(seed: u64) -> Self {
        let mut random = Random::for_purpose(seed, "sim card");
        let mut digits = |count: usize| format!("{:0count$}", random.bits() % 10_u64.pow(count as u32));
        Self {
            iccid: with_check_digit(format!("898611{}", digits(13))),
            imsi: format!("46011{}", digits(10)),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Modem {
    /// `AT+CFUN`: 0 or 1, or 4 for radio off.
    pub(crate) functionality: u8,
    pub(crate) sim_card: SimCard,
    /// Has `+CPIN: READY` been printed?
    pub(crate) sim_ready: bool,
    pub(crate) registration: NetworkRegistration,
    /// Mode of `AT+CEREG`.
    pub(crate) cereg: u8,
    pub(crate) address: String,
    /// The one of 16 octets, as 3GPP TS 27.007 §10.1.23 writes it.
    pub(crate) second_address: String,
    /// Has the network assigned it yet?
    pub(crate) addressed: bool,
    /// `AT+QSCLK`, kept only: sleep is not simulated.
    pub(crate) sleep: u8,
    /// `AT+CPSMS`, kept only.
    pub(crate) power_saving: u8,
    /// `AT+QNBIOTEVENT`, kept only.
    pub(crate) events: u8,
}

impl Modem {
    /// A modem that has just been switched on; every boot gets another address.
    pub(crate) fn new(seed: u64, boot: u64) -> Self {
        let mut random = Random::for_purpose(seed.wrapping_add(boot), "address");
        let [a, b, c] = [random.below(256), random.below(256), 2 + random.below(250)];
        let interface: Vec<String> = (0..8).map(|_| random.below(256).to_string()).collect();
        Self {
            functionality: 1,
            sim_card: SimCard::new(seed),
            sim_ready: false,
            registration: NetworkRegistration::None,
            cereg: 0,
            address: format!("10.{a}.{b}.{c}"),
            second_address: format!("254.128.0.0.0.0.0.0.{}", interface.join(".")),
            addressed: false,
            sleep: 1,
            power_saving: 0,
            events: 0,
        }
    }

    pub(crate) fn is_attached(&self) -> bool {
        self.registration == NetworkRegistration::Home
    }

    /// Is it, and has an address?
    pub(crate) fn has_address(&self) -> bool {
        self.is_attached() && self.addressed
    }

    /// Changes the registration, without an address; the URC for it, if `AT+CEREG` enabled it.
    pub(crate) fn register(&mut self, registration: NetworkRegistration) -> Option<String> {
        self.addressed = false;
        let changed = self.registration != registration;
        self.registration = registration;
        (changed && self.cereg > 0).then(|| format!("+CEREG: {}{}", registration as u8, self.cell()))
    }

    /// The reply to `AT+CEREG?` after the colon.
    pub(crate) fn cereg_read(&self) -> String {
        format!("{},{}{}", self.cereg, self.registration as u8, self.cell())
    }

    fn cell(&self) -> String {
        if self.cereg >= 2 && self.is_attached() {
            format!(",{CELL}")
        } else {
            String::new()
        }
    }
}
