//! The telnet layer of RFC 2217: escapes in both directions, and the few options that a serial port needs. No I/O.
//!
//! Written here because no maintained crate has it: `rfc2217-rs` is at its first release.

/// Interpret as command (RFC 854).
const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
/// Subnegotiation begins, and ends.
const SB: u8 = 250;
const SE: u8 = 240;

/// Bytes as they are (RFC 856).
const BINARY: u8 = 0;
/// Suppress go-ahead (RFC 858): both sides speak whenever they like.
const SGA: u8 = 3;
/// Control of the serial port (RFC 2217).
const COM_PORT: u8 = 44;
const OPTIONS: [u8; 3] = [BINARY, SGA, COM_PORT];

/// Commands of RFC 2217 to the server; its answers are 100 above.
const SET_BAUDRATE: u8 = 1;
const SET_DATASIZE: u8 = 2;
const SET_PARITY: u8 = 3;
const SET_STOPSIZE: u8 = 4;
const SERVER: u8 = 100;
const PARITY_NONE: u8 = 1;
/// Longest subnegotiation that is looked at; of a longer one the rest is dropped.
const SUB_MAX: usize = 16;

/// What a client offers and asks for when the connection begins.
pub const HELLO: [u8; 18] = [
    IAC, WILL, BINARY, IAC, DO, BINARY, IAC, WILL, SGA, IAC, DO, SGA, IAC, WILL, COM_PORT, IAC, DO, COM_PORT,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TelnetState {
    Data,
    Command,
    /// DO, DONT, WILL or WONT: the option follows.
    Option(u8),
    Sub,
    SubCommand,
}

/// The client's side of a connection.
#[derive(Debug)]
pub struct Telnet {
    state: TelnetState,
    sub: Vec<u8>,
    /// What is to be sent.
    replies: Vec<u8>,
    controls: Option<bool>,
    baud: Option<u32>,
}

impl Default for Telnet {
    fn default() -> Self {
        Self {
            state: TelnetState::Data,
            sub: Vec::with_capacity(SUB_MAX),
            replies: Vec::new(),
            controls: None,
            baud: None,
        }
    }
}

impl Telnet {
    /// Takes bytes from the server. What is data moves to the front; gives how much that is.
    pub fn decode(&mut self, bytes: &mut [u8]) -> usize {
        let mut kept = 0;
        for at in 0..bytes.len() {
            if let Some(byte) = self.push(bytes[at]) {
                bytes[kept] = byte;
                kept += 1;
            }
        }
        kept
    }

    fn push(&mut self, byte: u8) -> Option<u8> {
        let (next, data) = match (self.state, byte) {
            (TelnetState::Data, IAC) => (TelnetState::Command, None),
            (TelnetState::Data, _) => (TelnetState::Data, Some(byte)),
            (TelnetState::Command, IAC) => (TelnetState::Data, Some(IAC)),
            (TelnetState::Command, DO | DONT | WILL | WONT) => (TelnetState::Option(byte), None),
            (TelnetState::Command, SB) => {
                self.sub.clear();
                (TelnetState::Sub, None)
            }
            // Go-ahead, are-you-there and the like mean nothing to a serial port.
            (TelnetState::Command, _) => (TelnetState::Data, None),
            (TelnetState::Option(verb), option) => {
                self.negotiate(verb, option);
                (TelnetState::Data, None)
            }
            (TelnetState::Sub, IAC) => (TelnetState::SubCommand, None),
            (TelnetState::Sub, _) => {
                self.note(byte);
                (TelnetState::Sub, None)
            }
            (TelnetState::SubCommand, IAC) => {
                self.note(IAC);
                (TelnetState::Sub, None)
            }
            // SE ends it; so does whatever else a confused server sends there.
            (TelnetState::SubCommand, _) => {
                self.answered();
                (TelnetState::Data, None)
            }
        };
        self.state = next;
        data
    }

    fn note(&mut self, byte: u8) {
        if self.sub.len() < SUB_MAX {
            self.sub.push(byte);
        }
    }

    /// [`HELLO`] has offered and asked for all that is wanted, so that what agrees with it needs no answer: two sides that
    /// answer answers would never end.
    fn negotiate(&mut self, verb: u8, option: u8) {
        match (verb, option) {
            (DO | WILL, COM_PORT) => self.controls = Some(true),
            (DONT, COM_PORT) => self.controls = self.controls.or(Some(false)),
            (DO, _) if !OPTIONS.contains(&option) => self.replies.extend([IAC, WONT, option]),
            (WILL, _) if !OPTIONS.contains(&option) => self.replies.extend([IAC, DONT, option]),
            _ => {}
        }
    }

    fn answered(&mut self) {
        if let [COM_PORT, command, a, b, c, d] = self.sub[..]
            && command == SERVER + SET_BAUDRATE
        {
            self.baud = Some(u32::from_be_bytes([a, b, c, d]));
        }
    }

    /// What the server is to be told, if anything.
    pub fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.replies)
    }

    /// Whether the server lets the serial port be controlled, once it has said so.
    pub fn controls(&self) -> Option<bool> {
        self.controls
    }

    /// The speed that the server says it has set.
    pub fn baud(&self) -> Option<u32> {
        self.baud
    }
}

/// Data as it goes over the wire.
pub fn encode(data: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(data.len() + 8);
    for &byte in data {
        wire.push(byte);
        if byte == IAC {
            wire.push(IAC);
        }
    }
    wire
}

/// Asks for a speed, and for 8N1.
pub fn set_up(baud: u32) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut ask = |command: u8, value: &[u8]| {
        wire.extend([IAC, SB, COM_PORT, command]);
        wire.extend(encode(value));
        wire.extend([IAC, SE]);
    };
    ask(SET_BAUDRATE, &baud.to_be_bytes());
    ask(SET_DATASIZE, &[8]);
    ask(SET_PARITY, &[PARITY_NONE]);
    ask(SET_STOPSIZE, &[1]);
    wire
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(telnet: &mut Telnet, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let kept = telnet.decode(&mut bytes);
        bytes.truncate(kept);
        bytes
    }

    proptest! {
        /// In whatever pieces it arrives.
        #[test]
        fn data_round_trips(data: Vec<u8>, piece in 1_usize..20) {
            let mut telnet = Telnet::default();
            let mut heard = Vec::new();
            for piece in encode(&data).chunks(piece) {
                heard.extend(decoded(&mut telnet, piece));
            }
            prop_assert_eq!(heard, data);
            prop_assert!(telnet.take_replies().is_empty());
        }

        #[test]
        fn no_server_confuses_it(bytes: Vec<u8>) {
            let mut telnet = Telnet::default();
            let heard = decoded(&mut telnet, &bytes);
            prop_assert!(heard.len() <= bytes.len());
            // Each answer has three bytes, and takes three to be provoked.
            prop_assert!(telnet.take_replies().len() <= bytes.len());
            prop_assert!(telnet.sub.len() <= SUB_MAX);
        }

        #[test]
        fn every_speed_survives(baud: u32) {
            let wire = set_up(baud);
            let mut server = Telnet::default();
            prop_assert_eq!(decoded(&mut server, &wire), b"");
            // The server's answer is the same with another number.
            let answer: Vec<u8> = [IAC, SB, COM_PORT, SERVER + SET_BAUDRATE].into_iter()
                .chain(encode(&baud.to_be_bytes()))
                .chain([IAC, SE])
                .collect();
            let mut client = Telnet::default();
            prop_assert_eq!(decoded(&mut client, &answer), b"");
            prop_assert_eq!(client.baud(), Some(baud));
        }
    }

    #[test]
    fn what_was_not_offered_is_refused() {
        /// Echo and terminal type: what a telnet server asks a person's terminal for.
        const ECHO: u8 = 1;
        const TERMINAL: u8 = 24;
        let mut telnet = Telnet::default();
        let asked = [
            IAC, WILL, ECHO, b'a', IAC, DO, TERMINAL, IAC, DO, BINARY, b'b', IAC, WILL, SGA, IAC, DONT, ECHO,
        ];
        assert_eq!(decoded(&mut telnet, &asked), b"ab");
        assert_eq!(telnet.take_replies(), [IAC, DONT, ECHO, IAC, WONT, TERMINAL]);
        assert_eq!(telnet.controls(), None);
        decoded(&mut telnet, &[IAC, DO, COM_PORT]);
        assert_eq!(telnet.controls(), Some(true));
    }

    #[test]
    fn a_server_that_controls_nothing() {
        let mut telnet = Telnet::default();
        decoded(&mut telnet, &[IAC, DONT, COM_PORT, IAC, WONT, COM_PORT]);
        assert_eq!(telnet.controls(), Some(false));
    }
}
