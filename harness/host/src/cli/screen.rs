//! What `console` shows of a module: its lines with times, and beside a URC what it means.
//!
//! It observes the journal, as the console of a run does: what it shows was written down before.

use crate::terminal::paint::{DIM, Paint};
use dfota_core::event::{Event, Record};
use dfota_core::urc::{Fota, Urc};
use dfota_record::journal::Observer;
use std::io::Write;

/// Width to which a line from the module is filled up before its note.
const NOTE_COLUMN: usize = 40;

#[derive(Debug)]
pub struct Screen {
    paint: Paint,
    /// Beside the result, where that is on standard output.
    aside: bool,
}

impl Screen {
    /// For the terminal this program runs in.
    pub fn new(paint: Paint) -> Self {
        Self { paint, aside: false }
    }

    /// For its standard error.
    pub fn stderr(paint: Paint) -> Self {
        Self { paint, aside: true }
    }

    fn shown(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Rx { text, partial } => {
                let note = if *partial {
                    Some("the line never ended".into())
                } else {
                    Urc::parse(text.as_bytes()).and_then(note)
                };
                match note {
                    Some(note) => {
                        let note = self.paint.styled(DIM, &format!("# {note}"));
                        format!("< {text:NOTE_COLUMN$} {note}")
                    }
                    None => format!("< {text}"),
                }
            }
            Event::Prompt => "< >".into(),
            Event::Tx { text } => format!("> {text}"),
            Event::Line { line, active, .. } => {
                let level = if *active { "on" } else { "off" };
                format!("! {} {level}", line.name())
            }
            Event::Step { text } | Event::Note { text } => format!("# {text}"),
            _ => return None,
        })
    }
}

impl Observer for Screen {
    fn on(&mut self, record: &Record) {
        if let Some(shown) = self.shown(&record.event) {
            let seconds = record.module_ns as f64 / 1e9;
            let line = format!("{seconds:>9.3} {shown}\n");
            // A closed pipe must not leave a rig unsafe.
            let _ = if self.aside {
                std::io::stderr().write_all(line.as_bytes())
            } else {
                std::io::stdout().write_all(line.as_bytes())
            };
        }
    }
}

/// What a URC means, in a few words.
pub fn note(urc: Urc) -> Option<String> {
    Some(match urc {
        Urc::Fota(fota) => update_note(fota),
        Urc::BootRom => "boot ROM: the module has just left reset".into(),
        Urc::BootRomMore => return None,
        Urc::Rdy => "the application runs".into(),
        Urc::Cfun(1) => "full functionality".into(),
        Urc::Cfun(level) => format!("functionality {level}"),
        Urc::SimReady => "the SIM is ready".into(),
        Urc::Ip => "an address was given".into(),
        Urc::LwReg(0) => "registered at the LwM2M server".into(),
        Urc::LwReg(code) => format!("not registered at the LwM2M server ({code})"),
        Urc::LwUpdate(0) => "the LwM2M server confirmed".into(),
        Urc::LwUpdate(code) => format!("the LwM2M server did not confirm ({code})"),
    })
}

fn update_note(fota: Fota) -> String {
    match fota {
        Fota::HttpStart => "the download over HTTP begins".into(),
        Fota::CoapStart => "the download over CoAP begins".into(),
        Fota::Downloading(percent) => format!("DOWNLOADING {percent}"),
        Fota::HttpEnd(code) | Fota::CoapEnd(code) => format!("download {code}"),
        Fota::Start => "the update begins".into(),
        Fota::Updating {
            percent,
            total: Some(total),
            current: Some(current),
        } => format!("UPDATING {percent} (program {current} of {total})"),
        Fota::Updating { percent, .. } => format!("UPDATING {percent}"),
        Fota::End(code) => format!("END {code}"),
        Fota::Unknown => "about the update, but nothing that the application note knows".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#"+QIND: "FOTA","UPDATING",21%,3,2"#, "UPDATING 21% (program 2 of 3)")]
    #[case(r#"+QIND: "FOTA","UPDATING",21%"#, "UPDATING 21%")]
    #[case(r#"+QIND: "FOTA","END",254"#, "END 254 (delta firmware package mismatch)")]
    #[case(r#"+QIND: "FOTA","END",0"#, "END 0 (updated successfully)")]
    #[case(r#"+QIND: "FOTA","HTTPEND",12"#, "download 12 (download failed)")]
    #[case(r#"+QIND: "FOTA","DOWNLOADING",7%"#, "DOWNLOADING 7%")]
    #[case(
        r#"+QIND: "FOTA","RESTORE",7%"#,
        "about the update, but nothing that the application note knows"
    )]
    #[case("RDY", "the application runs")]
    #[case("F1: 0000 0000", "boot ROM: the module has just left reset")]
    fn notes(#[case] line: &str, #[case] expected: &str) {
        let urc = Urc::parse(line.as_bytes()).expect("a URC");
        assert_eq!(note(urc).as_deref(), Some(expected));
    }
}
