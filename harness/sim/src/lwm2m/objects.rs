//! The objects 1, 3 and 5, one instance each, as small as OMA allows (TS10 annex E).

use super::firmware::{Firmware, Outcome, ServerAction};
use super::path::Path;
use super::tlv::{self, TlvKind};
use crate::coap::MessageCode;
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
pub(crate) const BINDING: &str = "U";
/// The same in queue mode (TS10 §5.3.1.1).
pub(crate) const BINDING_QUEUE: &str = "UQ";

/// The resources of an object, if there is one with this id.
fn resources(object: u16) -> Option<&'static [u16]> {
    Some(match object {
        object::SERVER => &[SHORT_SERVER_ID, LIFETIME, STORING, SERVER_BINDING, UPDATE_TRIGGER],
        object::DEVICE => &[
            device::MANUFACTURER,
            device::MODEL,
            device::SERIAL,
            device::FIRMWARE_VERSION,
            device::REBOOT,
            device::ERROR_CODE,
            device::BINDING,
        ],
        object::FIRMWARE_UPDATE => &[
            PACKAGE,
            PACKAGE_URI,
            UPDATE,
            STATE,
            UPDATE_RESULT,
            PROTOCOL_SUPPORT,
            DELIVERY_METHOD,
        ],
        _ => return None,
    })
}

enum Value {
    Text(String),
    Integer(i64),
    /// A multiple resource with one instance, 0.
    Multiple(i64),
}

/// The value of a path in one content format.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Representation {
    pub(crate) format: u16,
    pub(crate) payload: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Objects {
    /// `/1/0/1`, in seconds.
    pub(crate) lifetime: u32,
    /// `/3/0/1`.
    pub(crate) model: String,
    /// `/3/0/2`.
    pub(crate) serial: String,
    pub(crate) firmware: Firmware,
    /// Another update or download is under way.
    pub(crate) busy: bool,
    /// `/1/0/7` and `/3/0/16`.
    pub(crate) binding: &'static str,
}

impl Objects {
    /// The payload of a registration.
    pub(crate) fn links() -> String {
        let objects = [object::SERVER, object::DEVICE, object::FIRMWARE_UPDATE];
        objects.map(|object| format!("</{object}/0>")).join(",")
    }

    /// The links below `path`, in reply to a discovery (TS10 §5.4.2).
    pub(crate) fn discover(path: Path) -> Result<String, MessageCode> {
        let resources = Self::known(path)?;
        let object = match path {
            Path::Resource(object, _, id) => return Ok(format!("</{object}/0/{id}>")),
            Path::Object(object) | Path::Instance(object, _) => object,
        };
        let whole = matches!(path, Path::Object(_)).then(|| format!("</{object}>"));
        let below = resources.iter().map(|id| format!("</{object}/0/{id}>"));
        let links: Vec<String> = whole
            .into_iter()
            .chain([format!("</{object}/0>")])
            .chain(below)
            .collect();
        Ok(links.join(","))
    }

    /// The resources of the object that `path` leads into; an error if it leads nowhere.
    fn known(path: Path) -> Result<&'static [u16], MessageCode> {
        let (object, instance, resource) = match path {
            Path::Object(object) => (object, 0, None),
            Path::Instance(object, instance) => (object, instance, None),
            Path::Resource(object, instance, resource) => (object, instance, Some(resource)),
        };
        resources(object)
            .filter(|ids| instance == 0 && resource.is_none_or(|id| ids.contains(&id)))
            .ok_or(MessageCode::NOT_FOUND)
    }

    /// Reads `path` in the format that was asked for, or in its own: text for a single value, TLV for several.
    pub(crate) fn read(&self, path: Path, accept: Option<u16>) -> Result<Representation, MessageCode> {
        let resources = Self::known(path)?;
        let mut bytes = Vec::new();
        match path {
            Path::Resource(object, _, resource) => {
                let value = self
                    .value(object, resource)
                    .ok_or(MessageCode::METHOD_NOT_ALLOWED)?;
                let several = matches!(value, Value::Multiple(_));
                match accept.unwrap_or(if several { TLV } else { TEXT }) {
                    TEXT if !several => {
                        let (format, payload) = (TEXT, text_of(value));
                        return Ok(Representation { format, payload });
                    }
                    TLV | TLV_OLD => write_value(&mut bytes, resource, value),
                    _ => return Err(MessageCode::NOT_ACCEPTABLE),
                }
            }
            Path::Instance(object, _) | Path::Object(object) => {
                if !matches!(accept, None | Some(TLV | TLV_OLD)) {
                    return Err(MessageCode::NOT_ACCEPTABLE);
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
        Ok(Representation {
            format: accept.unwrap_or(TLV),
            payload: bytes,
        })
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
            (object::DEVICE, device::ERROR_CODE) => Some(Value::Multiple(0)),
            (object::FIRMWARE_UPDATE, STATE) => integer(self.firmware.state.raw().into()),
            (object::FIRMWARE_UPDATE, UPDATE_RESULT) => integer(self.firmware.result.raw().into()),
            (object::FIRMWARE_UPDATE, PROTOCOL_SUPPORT) => Some(Value::Multiple(PROTOCOL_COAP.into())),
            (object::FIRMWARE_UPDATE, DELIVERY_METHOD) => integer(DELIVERY_PULL.into()),
            _ => None,
        }
    }

    /// Writes `payload` to a resource, or TLV to an instance.
    pub(crate) fn write(&mut self, path: Path, format: Option<u16>, payload: &[u8]) -> Outcome {
        Self::known(path)?;
        let in_tlv = matches!(format, Some(TLV | TLV_OLD));
        match path {
            Path::Object(_) => Err(MessageCode::METHOD_NOT_ALLOWED),
            Path::Resource(object, _, resource) if !in_tlv => match format {
                None | Some(TEXT | OPAQUE) => self.write_resource(object, resource, payload, false),
                Some(_) => Err(MessageCode::UNSUPPORTED_FORMAT),
            },
            Path::Instance(..) if !in_tlv => Err(MessageCode::UNSUPPORTED_FORMAT),
            Path::Resource(object, _, resource) => {
                match tlv::read(payload).ok_or(MessageCode::BAD_REQUEST)?.as_slice() {
                    [entry] if entry.kind == TlvKind::Resource && entry.id == resource => {
                        self.write_resource(object, resource, &entry.value, true)
                    }
                    _ => Err(MessageCode::BAD_REQUEST),
                }
            }
            Path::Instance(object, _) => self.write_instance(object, payload),
        }
    }

    fn write_instance(&mut self, object: u16, payload: &[u8]) -> Outcome {
        let mut entries = tlv::read(payload).ok_or(MessageCode::BAD_REQUEST)?;
        if let [instance] = entries.as_slice()
            && instance.kind == TlvKind::Instance
        {
            entries = tlv::read(&instance.value).ok_or(MessageCode::BAD_REQUEST)?;
        }
        let mut action = None;
        for entry in entries {
            if entry.kind != TlvKind::Resource {
                return Err(MessageCode::BAD_REQUEST);
            }
            Self::known(Path::Resource(object, 0, entry.id))?;
            action = self
                .write_resource(object, entry.id, &entry.value, true)?
                .or(action);
        }
        Ok(action)
    }

    fn write_resource(&mut self, object: u16, resource: u16, bytes: &[u8], in_tlv: bool) -> Outcome {
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
                    .ok_or(MessageCode::BAD_REQUEST)?;
                Ok(Some(ServerAction::UpdateRegistration))
            }
            (object::FIRMWARE_UPDATE, PACKAGE) => self.firmware.write_package(bytes),
            (object::FIRMWARE_UPDATE, PACKAGE_URI) => {
                let text = std::str::from_utf8(bytes).map_err(|_| MessageCode::BAD_REQUEST)?;
                self.firmware.write_uri(text, self.busy)
            }
            _ => Err(MessageCode::METHOD_NOT_ALLOWED),
        }
    }

    /// Executes a resource; arguments are not looked at.
    pub(crate) fn execute(&mut self, path: Path) -> Outcome {
        Self::known(path)?;
        match path {
            Path::Resource(object::SERVER, _, UPDATE_TRIGGER) => Ok(Some(ServerAction::UpdateRegistration)),
            Path::Resource(object::DEVICE, _, device::REBOOT) => Ok(Some(ServerAction::Reboot)),
            Path::Resource(object::FIRMWARE_UPDATE, _, UPDATE) => self.firmware.execute(self.busy),
            _ => Err(MessageCode::METHOD_NOT_ALLOWED),
        }
    }
}

fn text_of(value: Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.into_bytes(),
        Value::Integer(number) | Value::Multiple(number) => number.to_string().into_bytes(),
    }
}

fn write_value(into: &mut Vec<u8>, resource: u16, value: Value) {
    match value {
        Value::Text(text) => tlv::write(into, TlvKind::Resource, resource, text.as_bytes()),
        Value::Integer(number) => tlv::write(into, TlvKind::Resource, resource, &tlv::integer(number)),
        Value::Multiple(number) => {
            let mut instances = Vec::new();
            tlv::write(
                &mut instances,
                TlvKind::ResourceInstance,
                0,
                &tlv::integer(number),
            );
            tlv::write(into, TlvKind::Multiple, resource, &instances);
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

    fn path(text: &str) -> Path {
        let segments: Vec<&str> = text.split('/').skip(1).collect();
        Path::from_segments(&segments).expect("a path")
    }

    fn shown(outcome: Outcome) -> String {
        let action = |action: Option<ServerAction>| action.map(|action| format!("{action:?}"));
        outcome.map_or_else(|code| code.to_string(), |done| action(done).unwrap_or_default())
    }

    const OBJECT_5: &[u8] = b"\x08\x00\x0e\xc1\x03\x00\xc1\x05\x00\x83\x08\x41\x00\x00\xc1\x09\x00";

    #[rstest]
    #[case("/5/0/3", None, TEXT, b"0")]
    #[case("/5/0/3", Some(TLV), TLV, b"\xc1\x03\x00")]
    #[case("/5/0/3", Some(TLV_OLD), TLV_OLD, b"\xc1\x03\x00")]
    #[case("/5/0/8", None, TLV, b"\x83\x08\x41\x00\x00")]
    #[case("/5/0", None, TLV, &OBJECT_5[3..])]
    #[case("/5", None, TLV, OBJECT_5)]
    #[case("/3/0/3", None, TEXT, b"geneva-mp3-nb.V1.4.0")]
    #[case("/1/0/1", Some(TLV), TLV, b"\xc1\x01\x32")]
    fn reads(#[case] text: &str, #[case] accept: Option<u16>, #[case] format: u16, #[case] payload: &[u8]) {
        let payload = payload.to_vec();
        let expected = Representation { format, payload };
        assert_eq!(objects().read(path(text), accept), Ok(expected));
    }

    #[rstest]
    #[case("/5/0/8", Some(TEXT), "4.06")]
    #[case("/5/0/3", Some(60), "4.06")]
    #[case("/5/0", Some(TEXT), "4.06")]
    #[case("/5/0/1", None, "4.05")]
    #[case("/5/0/4", None, "4.04")]
    #[case("/5/1/3", None, "4.04")]
    #[case("/0", None, "4.04")]
    fn does_not_read(#[case] text: &str, #[case] accept: Option<u16>, #[case] code: &str) {
        let refused = objects().read(path(text), accept);
        assert_eq!(refused.expect_err("refused").to_string(), code);
    }

    #[rstest]
    #[case("/5/0/1", None, b"", "")]
    #[case("/5/0/0", Some(OPAQUE), b"\0", "")]
    #[case("/1/0/1", Some(TEXT), b"60", "UpdateRegistration")]
    #[case("/1/0/1", Some(TLV), b"\xc1\x01\x3c", "UpdateRegistration")]
    #[case("/1/0", Some(TLV), b"\xc1\x01\x3c", "UpdateRegistration")]
    #[case("/1/0/1", Some(TEXT), b"no", "4.00")]
    #[case("/1/0/1", Some(TLV), b"\xc1\x02\x3c", "4.00")]
    #[case("/1/0/1", Some(TLV), b"\xc1", "4.00")]
    #[case("/5/0/1", Some(60), b"x", "4.15")]
    #[case("/5/0/1", None, b"\xff", "4.00")]
    #[case("/5/0", None, b"x", "4.15")]
    #[case("/5/0/3", None, b"1", "4.05")]
    #[case("/9/0/3", None, b"1", "4.04")]
    #[case("/5", Some(TLV), b"", "4.05")]
    fn writes(
        #[case] text: &str,
        #[case] format: Option<u16>,
        #[case] payload: &[u8],
        #[case] outcome: &str,
    ) {
        assert_eq!(shown(objects().write(path(text), format, payload)), outcome);
    }

    #[rstest]
    #[case("/3/0/4", "Reboot")]
    #[case("/5/0/2", "4.05")]
    #[case("/5/0/3", "4.05")]
    #[case("/5/0/77", "4.04")]
    fn executes(#[case] text: &str, #[case] outcome: &str) {
        assert_eq!(shown(objects().execute(path(text))), outcome);
    }

    #[test]
    fn links_and_discovery() {
        assert_eq!(Objects::links(), "</1/0>,</3/0>,</5/0>");
        let links = |text| Objects::discover(path(text)).unwrap_or_else(|code| code.to_string());
        let resources = "</5>,</5/0>,</5/0/0>,</5/0/1>,</5/0/2>,</5/0/3>,</5/0/5>,</5/0/8>,</5/0/9>";
        assert_eq!(["/5", "/5/0/3", "/4"].map(links), [resources, "</5/0/3>", "4.04"]);
    }
}
