//! What the module's UART received in one step of a rig's self-check, as figures that distinguish wiring mistakes.
//! It only classifies what was received; [`super::mistake`] says what is wrong with the rig.

use crate::reply::Final;
use crate::urc::Urc;
use core::fmt;

/// So few bytes say nothing: the line moved when the supply did.
const EDGES: u64 = 2;
/// More strange bytes than one in so many are noise: a BC66 says nothing but printable ASCII, and a wrong rate leaves little
/// of that.
const NOISE: u64 = 8;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overheard {
    /// All bytes, line ends included.
    pub bytes: u64,
    /// Bytes that are not printable ASCII, line ends left out.
    pub strange: u64,
    /// Blocks of the boot ROM: so often the module left reset.
    pub boots: u32,
    /// Lines that only a module says: URCs, and results of commands.
    pub words: u32,
    /// Those of them that the firmware says, and not the boot ROM.
    pub firmware: u32,
    /// Lines that begin as a command does: what this machine sent, come back.
    pub echoes: u32,
}

/// What it sounds like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    Silence,
    /// The line moved, and nobody spoke.
    Edges,
    /// Commands came back, and no result.
    Echo,
    /// A module, whether or not there is noise around its words.
    Module,
    /// Bytes that are not text.
    Noise,
    /// Text, but none of a module.
    Text,
}

impl Overheard {
    /// Takes a line without its end, and what it says unasked.
    pub fn line(&mut self, text: &[u8], urc: Option<Urc>) {
        self.fragment(text);
        self.boots += u32::from(urc == Some(Urc::BootRom));
        let word = urc.is_some() || Final::parse(text).is_some();
        self.words += u32::from(word);
        let rom = matches!(urc, Some(Urc::BootRom | Urc::BootRomMore));
        self.firmware += u32::from(word && !rom);
        self.echoes += u32::from(text.trim_ascii().starts_with(b"AT"));
    }

    /// Takes bytes of a line that did not end.
    pub fn fragment(&mut self, bytes: &[u8]) {
        let strange = |byte: &&u8| !(byte.is_ascii_graphic() || byte.is_ascii_whitespace());
        self.strange += bytes.iter().filter(strange).count() as u64;
    }

    /// Takes what was overheard afterwards.
    pub fn add(&mut self, later: &Self) {
        self.bytes += later.bytes;
        self.strange += later.strange;
        self.boots += later.boots;
        self.words += later.words;
        self.firmware += later.firmware;
        self.echoes += later.echoes;
    }

    /// Whether it was the boot ROM and, but for it, silence.
    pub fn is_boot_rom_alone(&self) -> bool {
        self.sound() == Sound::Module && self.firmware == 0 && !self.is_noisy()
    }

    /// What it sounds like.
    pub fn sound(&self) -> Sound {
        match self {
            Self { bytes: 0, .. } => Sound::Silence,
            Self { words: 1.., .. } => Sound::Module,
            _ if self.strange > 0 && self.bytes <= EDGES => Sound::Edges,
            _ if self.is_noisy() => Sound::Noise,
            Self { echoes: 1.., .. } => Sound::Echo,
            _ => Sound::Text,
        }
    }

    /// Whether much of it is not text.
    pub fn is_noisy(&self) -> bool {
        self.strange * NOISE > self.bytes
    }
}

impl fmt::Display for Overheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bytes {
            0 => return f.write_str("not a byte"),
            1 => f.write_str("1 byte")?,
            bytes => write!(f, "{bytes} bytes")?,
        }
        match self.strange {
            0 => Ok(()),
            strange => write!(f, ", {strange} of them no text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use rstest::rstest;

    /// Lines with `|` between them, and their ends.
    fn heard(lines: &[u8]) -> Overheard {
        let mut heard = Overheard::default();
        for line in lines.split(|byte| *byte == b'|').filter(|line| !line.is_empty()) {
            heard.line(line, Urc::parse(line));
            heard.bytes += line.len() as u64 + 2;
        }
        heard
    }

    #[rstest]
    #[case(b"", Sound::Silence, "not a byte")]
    #[case(b"F1: 0000 0000|RDY", Sound::Module, "20 bytes")]
    #[case::echo_and_result(b"AT|OK", Sound::Module, "8 bytes")]
    #[case::echo_alone(b"AT|AT", Sound::Echo, "8 bytes")]
    #[case::noise_before_a_word(b"\xfe\xf8\x80RDY", Sound::Module, "8 bytes, 3 of them no text")]
    #[case(b"\x00\xfe\xf8\x80\xf8", Sound::Noise, "7 bytes, 5 of them no text")]
    #[case::somebody_else(b"login:", Sound::Text, "8 bytes")]
    fn sounds(#[case] lines: &[u8], #[case] sound: Sound, #[case] shown: &str) {
        let heard = heard(lines);
        assert_eq!((heard.sound(), heard.to_string().as_str()), (sound, shown));
    }

    #[rstest]
    #[case(b"F1: 0000 0000|V0: 0000 0000 [0001]|Leaving the BROM", true)]
    #[case::the_first_line_lost(b"V0: 0000 0000 [0001]|Leaving the BROM", true)]
    #[case::what_else_it_may_say(b"F1: 0000 0000|Leaving the BROM|BL_V01", true)]
    #[case::ready(b"F1: 0000 0000|Leaving the BROM|RDY", false)]
    #[case::ready_lost(b"F1: 0000 0000|Leaving the BROM|+CFUN: 1", false)]
    #[case::an_update_goes_on(b"F1: 0000 0000|+QIND: \"FOTA\",\"UPDATING\",20%,1,1", false)]
    #[case::noise_behind_it(b"F1: 0000 0000|\x00\xfe\xf8\x80\xf8", false)]
    #[case::nothing(b"", false)]
    fn the_boot_rom_and_then_silence(#[case] lines: &[u8], #[case] expected: bool) {
        assert_eq!(heard(lines).is_boot_rom_alone(), expected);
    }

    #[test]
    fn what_came_later_is_added() {
        let mut before = heard(b"F1: 0000 0000|\xfe|AT");
        before.add(&heard(b"RDY|AT"));
        assert_eq!(before, heard(b"F1: 0000 0000|\xfe|AT|RDY|AT"));
    }

    #[test]
    fn an_edge_of_the_supply_is_no_speech() {
        let mut heard = Overheard::default();
        heard.fragment(b"\x00");
        heard.bytes = 1;
        assert_eq!(
            (heard.sound(), heard.to_string().as_str()),
            (Sound::Edges, "1 byte, 1 of them no text")
        );
    }
}
