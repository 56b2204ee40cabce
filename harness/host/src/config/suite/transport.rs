//! Checks that keys and moments of a case fit its transport.

use crate::config::yaml::literal::InvalidValue;
use crate::config::yaml::reader::ValueReader;
use crate::config::yaml::tree::KeyPlace;
use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use dfota_core::sweep::Span;
use dfota_core::transport::Via;

/// The first percentage in the vendor's examples (AN §2.1.4, §3.1.2).
const FIRST_UPDATING: u8 = 20;

/// The value of `via`.
#[derive(Debug, Clone, Copy)]
pub struct Transport {
    /// `None` where it is wrong: then nothing is held against it.
    pub via: Option<Via>,
    /// Where it stands.
    pub at: KeyPlace,
}

impl Transport {
    /// Notes a key that means nothing if the case is via one of `vias`.
    pub fn refuses(&self, reader: &mut ValueReader<'_>, key: Option<KeyPlace>, vias: &[Via], why: &str) {
        if let (Some(key), Some(via)) = (key, self.via.filter(|via| vias.contains(via))) {
            let why = InvalidValue::new(format!("has no meaning in a case via `{via}`: {why}"));
            reader.key_mistake(key, why.label(format!("not via `{via}`")).because(self.at));
        }
    }

    /// Checks that the transport has this moment at all.
    pub fn check_moment(&self, reader: &mut ValueReader<'_>, at: KeyPlace, moment: Moment) {
        let Some(via) = self.via else {
            return;
        };
        if !moment.comes_via(via) {
            let help = match moment {
                Moment::HttpStart => "a download over HTTP alone has it",
                Moment::CoapStart => "a download over CoAP alone has it",
                Moment::Downloading(_) => "what is uploaded is not downloaded; see `upload block N`",
                _ => "what is downloaded is not uploaded; see `downloading N%`",
            };
            let why = InvalidValue::new(format!("`{moment}` never comes in a case via `{via}`"));
            let why = why.label(format!("not via `{via}`")).help(help);
            reader.mistake(at, why.because(self.at));
        }
        if let Moment::Updating(percent) = moment
            && percent.get() < FIRST_UPDATING
        {
            let what = format!(
                "a cut at `{moment}`: UPDATING starts at {FIRST_UPDATING}% in the vendor's examples, so this one \
                 falls on the first percentage there is"
            );
            reader.warn(at, &what);
        }
    }

    /// Checks both ends of a window.
    pub fn check_span(&self, reader: &mut ValueReader<'_>, at: KeyPlace, span: Span) {
        self.check_moment(reader, at, span.from());
        self.check_moment(reader, at, span.to());
    }

    /// From the first byte of the transfer to END.
    pub fn everything(via: Via) -> Option<Span> {
        let first = match via {
            Via::Http => Moment::HttpStart,
            Via::Coap => Moment::CoapStart,
            Via::Uart => Moment::UploadBlock(0),
        };
        Span::new(first, Moment::End)
    }

    /// The update itself. Over CoAP the note shows no START (AN §6.3.5).
    pub fn updating(via: Via) -> Option<Span> {
        let first = match via {
            Via::Http | Via::Uart => Moment::Start,
            Via::Coap => Moment::Updating(Percent::ZERO),
        };
        Span::new(first, Moment::End)
    }
}
