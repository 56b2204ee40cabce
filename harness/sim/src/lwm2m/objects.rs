//! What the server sees: the objects 1, 3 and 5, one instance each, as small as OMA allows (TS10 annex E).

use super::firmware::{ServerAction, Firmware};
use super::path::Path;
use super::tlv::{self, TlvKind};
use crate::coap::CoapCode;
use bc66_spec::lwm2m::firmware::{
    DELIVERY_METHOD, DELIVERY_PULL, PACKAGE, PACKAGE_URI, PROTOCOL_COAP, PROTOCOL_SUPPORT, STATE, UPDATE,
    UPDATE_RESULT,
};
use bc66_spec::lwm2m::format::{OPAQUE, TEXT, TLV, TLV_OLD};
use bc66_spec::lwm2m::{device, object};

/// Object 1: short server id, lifetime, notification storing, binding, registration update trigger (TS10 E.2).
const SHORT_SERVER_ID: u16 = 0;
const LIFETIME: u16 = 1;
const STORING: u16 = 6;
const SERVER_BINDING: u16 = 7;
const UPDATE_TRIGGER: u16 = 8;

/// `/3/0/3`: the firmware's own name for itself, which is not the revision of `ATI` (FW).
const INNER_VERSION: &str = "geneva-mp3-nb.V1.4.0";
/// `/3/0/0`. Assumed.
const MANUFACTURER: &str = "Quectel";
/// UDP without queue mode. Assumed; the note's registration names none (AN §6.3.1).
pub const BINDING: &str = "U";
/// The same in queue mode (TS10 §5.3.1.1).
pub const BINDING_QUEUE: &str = "UQ";

/// Objects and all their resources.
const CATALOGUE: [(u16, &[u16]); 3] = [
    (
        object::SERVER,
        &[SHORT_SERVER_ID, LIFETIME, STORING, SERVER_BINDING, UPDATE_TRIGGER],
    ),
    (
        object::DEVICE,
        &[
            device::MANUFACTURER,
            device::MODEL,
            device::SERIAL,
            device::FIRMWARE_VERSION,
            device::REBOOT,
            device::ERROR_CODE,
            device::BINDING,
        ],
    ),
    (
        object::FIRMWARE_UPDATE,
        &[
            PACKAGE,
            PACKAGE_URI,
            UPDATE,
            STATE,
            UPDATE_RESULT,
            PROTOCOL_SUPPORT,
            DELIVERY_METHOD,
        ],
    ),
];

enum Value {
    Text(String),
    Integer(i64),
    Integers(Vec<(u16, i64)>),
}

#[derive(Debug)]
pub struct Objects {
    /// `/1/0/1`, in seconds.
    pub lifetime: u32,
    /// `/3/0/1`.
    pub model: String,
    /// `/3/0/2`.
    pub serial: String,
    pub firmware: Firmware,
    /// An update that was ordered otherwise, or its download, is under way.
    pub busy: bool,
    /// `/1/0/7` and `/3/0/16`.
    pub binding: &'static str,
}

impl Objects {
    /// What a client names when it registers.
    pub fn links() -> String {
        CATALOGUE.map(|(object, _)| format!("</{object}/0>")).join(",")
    }

    /// The links below `path`, in reply to a discovery (TS10 §5.4.2).
    pub fn discover(path: Path) -> Result<String, CoapCode> {
        let resources = Self::known(path)?;
        let below = |object: u16| resources.iter().map(move |id| format!("</{object}/0/{id}>"));
        let links: Vec<String> = match path {
            Path::Object(object) => [format!("</{object}>"), format!("</{object}/0>")]
                .into_iter()
                .chain(below(object))
                .collect(),
            Path::Instance(object, _) => [format!("</{object}/0>")]
                .into_iter()
                .chain(below(object))
                .collect(),
            Path::Resource(..) => vec![format!("<{path}>")],
        };
        Ok(links.join(","))
    }

    /// The resources of the object that `path` leads into; an error if it leads nowhere.
    fn known(path: Path) -> Result<&'static [u16], CoapCode> {
        let (object, instance, resource) = match path {
            Path::Object(object) => (object, 0, None),
            Path::Instance(object, instance) => (object, instance, None),
            Path::Resource(object, instance, resource) => (object, instance, Some(resource)),
        };
        let found = CATALOGUE.iter().find(|(known, _)| *known == object);
        let (_, resources) = found.filter(|_| instance == 0).ok_or(CoapCode::NOT_FOUND)?;
        match resource {
            Some(resource) if !resources.contains(&resource) => Err(CoapCode::NOT_FOUND),
            _ => Ok(resources),
        }
    }

    /// Reads `path` in the format that was asked for, or in its own: text for a single value, TLV for several.
    pub fn read(&self, path: Path, accept: Option<u16>) -> Result<(u16, Vec<u8>), CoapCode> {
        let resources = Self::known(path)?;
        let mut bytes = Vec::new();
        match path {
            Path::Resource(object, _, resource) => {
                let value = self.value(object, resource).ok_or(CoapCode::METHOD_NOT_ALLOWED)?;
                let several = matches!(value, Value::Integers(_));
                match accept.unwrap_or(if several { TLV } else { TEXT }) {
                    TEXT if !several => return Ok((TEXT, text_of(value))),
                    TLV | TLV_OLD => write_value(&mut bytes, resource, value),
                    _ => return Err(CoapCode::NOT_ACCEPTABLE),
                }
            }
            Path::Instance(object, _) | Path::Object(object) => {
                if !matches!(accept, None | Some(TLV | TLV_OLD)) {
                    return Err(CoapCode::NOT_ACCEPTABLE);
                }
                for resource in resources {
                    if let Some(value) = self.value(object, *resource) {
                        write_value(&mut bytes, *resource, value);
                    }
                }
                if matches!(path, Path::Object(_)) {
                    let instance = std::mem::take(&mut bytes);
                    tlv::write(&mut bytes, TlvKind::Instance, 0, &instance);
                }
            }
        }
        Ok((accept.unwrap_or(TLV), bytes))
    }

    fn value(&self, object: u16, resource: u16) -> Option<Value> {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let integer = |number: i64| Some(Value::Integer(number));
        match (object, resource) {
            (object::SERVER, SHORT_SERVER_ID | STORING) => integer(1),
            (object::SERVER, LIFETIME) => integer(self.lifetime.into()),
            (object::SERVER, SERVER_BINDING) | (object::DEVICE, device::BINDING) => text(self.binding),
            (object::DEVICE, device::MANUFACTURER) => text(MANUFACTURER),
            (object::DEVICE, device::MODEL) => text(&self.model),
            (object::DEVICE, device::SERIAL) => text(&self.serial),
            (object::DEVICE, device::FIRMWARE_VERSION) => text(INNER_VERSION),
            (object::DEVICE, device::ERROR_CODE) => Some(Value::Integers(vec![(0, 0)])),
            (object::FIRMWARE_UPDATE, STATE) => integer(self.firmware.state.raw().into()),
            (object::FIRMWARE_UPDATE, UPDATE_RESULT) => integer(self.firmware.result.raw().into()),
            (object::FIRMWARE_UPDATE, PROTOCOL_SUPPORT) => {
                Some(Value::Integers(vec![(0, PROTOCOL_COAP.into())]))
            }
            (object::FIRMWARE_UPDATE, DELIVERY_METHOD) => integer(DELIVERY_PULL.into()),
            _ => None,
        }
    }

    /// Writes `payload` to a resource, or TLV to an instance.
    pub fn write(&mut self, path: Path, format: Option<u16>, payload: &[u8]) -> Result<Option<ServerAction>, CoapCode> {
        Self::known(path)?;
        let in_tlv = matches!(format, Some(TLV | TLV_OLD));
        match path {
            Path::Object(_) => Err(CoapCode::METHOD_NOT_ALLOWED),
            Path::Resource(object, _, resource) if !in_tlv => match format {
                None | Some(TEXT | OPAQUE) => self.write_resource(object, resource, payload, false),
                Some(_) => Err(CoapCode::UNSUPPORTED_FORMAT),
            },
            Path::Instance(..) if !in_tlv => Err(CoapCode::UNSUPPORTED_FORMAT),
            Path::Resource(object, _, resource) => {
                match tlv::read(payload).ok_or(CoapCode::BAD_REQUEST)?.as_slice() {
                    [entry] if entry.kind == TlvKind::Resource && entry.id == resource => {
                        self.write_resource(object, resource, &entry.value, true)
                    }
                    _ => Err(CoapCode::BAD_REQUEST),
                }
            }
            Path::Instance(object, _) => self.write_instance(object, payload),
        }
    }

    fn write_instance(&mut self, object: u16, payload: &[u8]) -> Result<Option<ServerAction>, CoapCode> {
        let mut entries = tlv::read(payload).ok_or(CoapCode::BAD_REQUEST)?;
        if let [instance] = entries.as_slice()
            && instance.kind == TlvKind::Instance
        {
            entries = tlv::read(&instance.value).ok_or(CoapCode::BAD_REQUEST)?;
        }
        let mut action = None;
        for entry in entries {
            if entry.kind != TlvKind::Resource {
                return Err(CoapCode::BAD_REQUEST);
            }
            Self::known(Path::Resource(object, 0, entry.id))?;
            action = self
                .write_resource(object, entry.id, &entry.value, true)?
                .or(action);
        }
        Ok(action)
    }

    fn write_resource(
        &mut self,
        object: u16,
        resource: u16,
        bytes: &[u8],
        in_tlv: bool,
    ) -> Result<Option<ServerAction>, CoapCode> {
        match (object, resource) {
            (object::SERVER, LIFETIME) => {
                let number = if in_tlv {
                    tlv::integer_of(bytes)
                } else {
                    std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok())
                };
                let lifetime = number.and_then(|number| u32::try_from(number).ok());
                self.lifetime = lifetime
                    .filter(|lifetime| *lifetime > 0)
                    .ok_or(CoapCode::BAD_REQUEST)?;
                Ok(Some(ServerAction::UpdateRegistration))
            }
            (object::FIRMWARE_UPDATE, PACKAGE) => self.firmware.write_package(bytes),
            (object::FIRMWARE_UPDATE, PACKAGE_URI) => {
                let text = std::str::from_utf8(bytes).map_err(|_| CoapCode::BAD_REQUEST)?;
                self.firmware.write_uri(text, self.busy)
            }
            _ => Err(CoapCode::METHOD_NOT_ALLOWED),
        }
    }

    /// Executes a resource; arguments are not looked at.
    pub fn execute(&mut self, path: Path) -> Result<Option<ServerAction>, CoapCode> {
        Self::known(path)?;
        match path {
            Path::Resource(object::SERVER, _, UPDATE_TRIGGER) => Ok(Some(ServerAction::UpdateRegistration)),
            Path::Resource(object::DEVICE, _, device::REBOOT) => Ok(Some(ServerAction::Reboot)),
            Path::Resource(object::FIRMWARE_UPDATE, _, UPDATE) => self.firmware.execute(self.busy),
            _ => Err(CoapCode::METHOD_NOT_ALLOWED),
        }
    }
}

fn text_of(value: Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.into_bytes(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Integers(_) => Vec::new(),
    }
}

fn write_value(into: &mut Vec<u8>, resource: u16, value: Value) {
    match value {
        Value::Text(text) => tlv::write(into, TlvKind::Resource, resource, text.as_bytes()),
        Value::Integer(number) => tlv::write(into, TlvKind::Resource, resource, &tlv::integer(number)),
        Value::Integers(numbers) => {
            let mut row = Vec::new();
            for (id, number) in numbers {
                tlv::write(&mut row, TlvKind::ResourceInstance, id, &tlv::integer(number));
            }
            tlv::write(into, TlvKind::Multiple, resource, &row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defect::Defects;
    use rstest::rstest;

    fn objects() -> Objects {
        Objects {
            lifetime: 50,
            model: "BC66".to_owned(),
            serial: "867725030000001".to_owned(),
            firmware: Firmware::new(Defects::default()),
            busy: false,
            binding: BINDING,
        }
    }

    #[rstest]
    #[case(Path::Resource(5, 0, 3), None, Ok((TEXT, &b"0"[..])))]
    #[case(Path::Resource(5, 0, 3), Some(TLV), Ok((TLV, &b"\xc1\x03\x00"[..])))]
    #[case(Path::Resource(5, 0, 3), Some(TLV_OLD), Ok((TLV_OLD, &b"\xc1\x03\x00"[..])))]
    #[case(Path::Resource(5, 0, 8), None, Ok((TLV, &b"\x83\x08\x41\x00\x00"[..])))]
    #[case(Path::Resource(5, 0, 8), Some(TEXT), Err(CoapCode::NOT_ACCEPTABLE))]
    #[case(Path::Resource(5, 0, 3), Some(60), Err(CoapCode::NOT_ACCEPTABLE))]
    #[case(Path::Instance(5, 0), None, Ok((TLV, &b"\xc1\x03\x00\xc1\x05\x00\x83\x08\x41\x00\x00\xc1\x09\x00"[..])))]
    #[case(
        Path::Object(5),
        None,
        Ok((TLV, &b"\x08\x00\x0e\xc1\x03\x00\xc1\x05\x00\x83\x08\x41\x00\x00\xc1\x09\x00"[..]))
    )]
    #[case(Path::Instance(5, 0), Some(TEXT), Err(CoapCode::NOT_ACCEPTABLE))]
    #[case(Path::Resource(5, 0, 1), None, Err(CoapCode::METHOD_NOT_ALLOWED))]
    #[case(Path::Resource(5, 0, 4), None, Err(CoapCode::NOT_FOUND))]
    #[case(Path::Resource(5, 1, 3), None, Err(CoapCode::NOT_FOUND))]
    #[case(Path::Object(0), None, Err(CoapCode::NOT_FOUND))]
    #[case(Path::Resource(3, 0, 3), None, Ok((TEXT, &b"geneva-mp3-nb.V1.4.0"[..])))]
    #[case(Path::Resource(1, 0, 1), Some(TLV), Ok((TLV, &b"\xc1\x01\x32"[..])))]
    fn reads(#[case] path: Path, #[case] accept: Option<u16>, #[case] expected: Result<(u16, &[u8]), CoapCode>) {
        let expected = expected.map(|(format, bytes)| (format, bytes.to_vec()));
        assert_eq!(objects().read(path, accept), expected);
    }

    #[rstest]
    #[case(Path::Resource(5, 0, 1), None, b"", Ok(None))]
    #[case(Path::Resource(5, 0, 0), Some(OPAQUE), b"\0", Ok(None))]
    #[case(
        Path::Resource(1, 0, 1),
        Some(TEXT),
        b"60",
        Ok(Some(ServerAction::UpdateRegistration))
    )]
    #[case(
        Path::Resource(1, 0, 1),
        Some(TLV),
        b"\xc1\x01\x3c",
        Ok(Some(ServerAction::UpdateRegistration))
    )]
    #[case(
        Path::Instance(1, 0),
        Some(TLV),
        b"\xc1\x01\x3c",
        Ok(Some(ServerAction::UpdateRegistration))
    )]
    #[case(Path::Resource(1, 0, 1), Some(TEXT), b"no", Err(CoapCode::BAD_REQUEST))]
    #[case(Path::Resource(1, 0, 1), Some(TLV), b"\xc1\x02\x3c", Err(CoapCode::BAD_REQUEST))]
    #[case(Path::Resource(1, 0, 1), Some(TLV), b"\xc1", Err(CoapCode::BAD_REQUEST))]
    #[case(Path::Resource(5, 0, 1), Some(60), b"x", Err(CoapCode::UNSUPPORTED_FORMAT))]
    #[case(Path::Resource(5, 0, 1), None, b"\xff", Err(CoapCode::BAD_REQUEST))]
    #[case(Path::Instance(5, 0), None, b"x", Err(CoapCode::UNSUPPORTED_FORMAT))]
    #[case(Path::Resource(5, 0, 3), None, b"1", Err(CoapCode::METHOD_NOT_ALLOWED))]
    #[case(Path::Resource(9, 0, 3), None, b"1", Err(CoapCode::NOT_FOUND))]
    #[case(Path::Object(5), Some(TLV), b"", Err(CoapCode::METHOD_NOT_ALLOWED))]
    fn writes(
        #[case] path: Path,
        #[case] format: Option<u16>,
        #[case] payload: &[u8],
        #[case] expected: Result<Option<ServerAction>, CoapCode>,
    ) {
        assert_eq!(objects().write(path, format, payload), expected);
    }

    #[test]
    fn links_and_discovery() {
        assert_eq!(Objects::links(), "</1/0>,</3/0>,</5/0>");
        assert_eq!(
            Objects::discover(Path::Object(5)).as_deref(),
            Ok("</5>,</5/0>,</5/0/0>,</5/0/1>,</5/0/2>,</5/0/3>,</5/0/5>,</5/0/8>,</5/0/9>")
        );
        assert_eq!(
            Objects::discover(Path::Resource(5, 0, 3)).as_deref(),
            Ok("</5/0/3>")
        );
        assert_eq!(Objects::discover(Path::Object(4)), Err(CoapCode::NOT_FOUND));
    }

    #[test]
    fn executes() {
        let mut objects = objects();
        assert_eq!(objects.execute(Path::Resource(3, 0, 4)), Ok(Some(ServerAction::Reboot)));
        assert_eq!(
            objects.execute(Path::Resource(5, 0, 2)),
            Err(CoapCode::METHOD_NOT_ALLOWED)
        );
        assert_eq!(
            objects.execute(Path::Resource(5, 0, 3)),
            Err(CoapCode::METHOD_NOT_ALLOWED)
        );
        assert_eq!(objects.execute(Path::Resource(5, 0, 77)), Err(CoapCode::NOT_FOUND));
    }
}
