//! The registration interface: register, update, de-register (LwM2M TS 1.0.2 §5.3, §8.2.3), from a request to its response.

use super::registration::Parameters;
use super::registry::{Location, RegistrationChange, Registry};
use crate::coap::{CoapCode, CoapMessage, option};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bc66_spec::lwm2m::REGISTRATION_PATH;
use core::time::Duration;

pub const PAYLOAD_MAX: usize = 8 * 1024;

/// The response to a request, and which registrations changed.
#[derive(Debug)]
pub struct RegistrationAnswer<P> {
    pub message: CoapMessage,
    pub changes: Vec<RegistrationChange<P>>,
}

impl<P> RegistrationAnswer<P> {
    fn changed(code: CoapCode, change: RegistrationChange<P>) -> Self {
        Self {
            message: CoapMessage::draft(code),
            changes: [change].into(),
        }
    }
}

/// Whether the path is one of this interface: `/rd` or below it.
pub fn is_at(path: &str) -> bool {
    let rest = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(REGISTRATION_PATH));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Handles a request at such a path, with its whole payload.
pub fn handle<P: Copy + Eq>(
    registry: &mut Registry<P>,
    peer: P,
    request: &CoapMessage,
    payload: &[u8],
    now: Duration,
) -> RegistrationAnswer<P> {
    try_handle(registry, peer, request, payload, now).unwrap_or_else(|refusal| RegistrationAnswer {
        message: refusal,
        changes: Vec::new(),
    })
}

/// The same; an error is the response that refuses the request.
fn try_handle<P: Copy + Eq>(
    registry: &mut Registry<P>,
    peer: P,
    request: &CoapMessage,
    payload: &[u8],
    now: Duration,
) -> Result<RegistrationAnswer<P>, CoapMessage> {
    let location = location(&request.path())?;
    let parameters = Parameters::read(request, payload)?;
    let (code, change) = match (request.code(), location) {
        (CoapCode::POST, None) => return register(registry, peer, parameters, now),
        (CoapCode::POST | CoapCode::PUT, Some(location)) => (
            CoapCode::CHANGED,
            registry.update(location, peer, parameters, now),
        ),
        (CoapCode::DELETE, Some(location)) => (CoapCode::DELETED, registry.deregister(location)),
        _ => {
            let why = "POST /rd registers, POST and DELETE /rd/ID update and end it";
            return Err(CoapMessage::diagnostic(CoapCode::NOT_ALLOWED, why));
        }
    };
    let change =
        change.ok_or_else(|| not_found("no client is registered at this location: register again"))?;
    Ok(RegistrationAnswer::changed(code, change))
}

/// The location that a path names; none where it is `/rd` itself.
fn location(path: &str) -> Result<Option<Location>, CoapMessage> {
    let segments: Vec<&str> = path.split('/').skip(2).collect();
    match segments[..] {
        [] => Ok(None),
        [segment] => Location::from_str_radix(segment, 16)
            .ok()
            .filter(|location| shown(*location) == segment) // `from_str_radix` takes other spellings
            .map(Some)
            .ok_or_else(|| not_found("no client is registered at this location")),
        _ => Err(not_found("there is nothing below a registration")),
    }
}

fn not_found(why: &str) -> CoapMessage {
    CoapMessage::diagnostic(CoapCode::NOT_FOUND, why)
}

fn register<P: Copy + Eq>(
    registry: &mut Registry<P>,
    peer: P,
    parameters: Parameters,
    now: Duration,
) -> Result<RegistrationAnswer<P>, CoapMessage> {
    let refuse = |code, why: &str| Err(CoapMessage::diagnostic(code, why));
    let Some(endpoint) = parameters.endpoint.clone() else {
        return refuse(CoapCode::BAD_REQUEST, "`ep` is missing");
    };
    if let Some(version) = parameters.version.as_deref().filter(|version| !is_known(version)) {
        let why = format!("LwM2M `{version}` is not supported: expected `1.0`");
        return refuse(CoapCode::PRECONDITION_FAILED, &why);
    }
    if !parameters.has_objects {
        let why = "the payload is empty: expected the client's objects, such as `</1/0>,</5/0>`";
        return refuse(CoapCode::BAD_REQUEST, why);
    }
    let added = registry.register(endpoint, peer, parameters, now);
    let message = CoapMessage::draft(CoapCode::CREATED)
        .with(option::LOCATION_PATH, REGISTRATION_PATH.as_bytes())
        .with(option::LOCATION_PATH, shown(added.location).as_bytes());
    Ok(RegistrationAnswer {
        message,
        changes: added.pushed_out.into_iter().chain([added.change]).collect(),
    })
}

/// 1.0 is supported; a client of a later 1.x understands it.
fn is_known(version: &str) -> bool {
    version
        .strip_prefix("1.")
        .is_some_and(|minor| minor.parse::<u8>().is_ok())
}

/// The path at which this endpoint's registration is updated.
pub fn path<P: Copy + Eq>(registry: &Registry<P>, endpoint: &str) -> Option<String> {
    let location = registry.location(endpoint)?;
    Some(format!("/{REGISTRATION_PATH}/{}", shown(location)))
}

fn shown(location: Location) -> String {
    format!("{location:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lwm2m::registry::GoneWhy;
    use crate::seed::Seed;
    use rstest::rstest;

    const OBJECTS: &[u8] = b"</1/0>,</5/0>";

    fn post(path: &str, queries: &[&str]) -> CoapMessage {
        let draft = CoapMessage::request(CoapCode::POST, path);
        queries.iter().fold(draft, |draft, query| {
            draft.with(option::URI_QUERY, query.as_bytes())
        })
    }

    fn with_format(draft: CoapMessage, format: Option<u32>) -> CoapMessage {
        match format {
            Some(format) => draft.with_uint(option::CONTENT_FORMAT, format),
            None => draft,
        }
    }

    fn handle(
        registry: &mut Registry<u8>,
        peer: u8,
        request: &CoapMessage,
        payload: &[u8],
    ) -> RegistrationAnswer<u8> {
        super::handle(registry, peer, request, payload, Duration::ZERO)
    }

    /// Registers; gives the path of the registration.
    fn register(registry: &mut Registry<u8>, queries: &[&str]) -> String {
        let created = handle(registry, 1, &post("rd", queries), OBJECTS);
        assert_eq!(
            (created.message.code(), created.changes.len()),
            (CoapCode::CREATED, 1)
        );
        let path: Vec<&[u8]> = created.message.options(option::LOCATION_PATH).collect();
        String::from_utf8(path.join(&b'/')).expect("a path")
    }

    #[test]
    fn a_registration_from_its_beginning_to_its_end() {
        let mut registry = Registry::new(Seed(1));
        let queries = ["ep=867725030029312", "lt=50", "lwm2m=1.0", "b=UQ", "sms=0123"];
        let path = register(&mut registry, &queries);
        let registration = registry.find("867725030029312").unwrap();
        assert_eq!(registration.lifetime, Duration::from_secs(50));
        assert_eq!(registration.binding, "UQ");
        let changed = handle(&mut registry, 2, &post(&path, &["lt=60"]), b"");
        assert_eq!(changed.message.code(), CoapCode::CHANGED);
        let registration = registry.find("867725030029312").unwrap();
        assert_eq!((registration.lifetime.as_secs(), registration.peer), (60, 2));
        let delete = CoapMessage::request(CoapCode::DELETE, &path);
        let deleted = handle(&mut registry, 2, &delete, b"");
        assert_eq!(deleted.message.code(), CoapCode::DELETED);
        let why = GoneWhy::Deregistered;
        assert!(matches!(deleted.changes[..], [RegistrationChange::Gone { why: of, .. }] if of == why));
        let again = handle(&mut registry, 2, &delete, b"");
        assert_eq!(again.message.code(), CoapCode::NOT_FOUND);
    }

    #[rstest]
    #[case(post("rd", &["lt=50"]), CoapCode::BAD_REQUEST)]
    #[case(post("rd", &["ep="]), CoapCode::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lt=0"]), CoapCode::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lt=-1"]), CoapCode::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lt=99999999999"]), CoapCode::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lwm2m=2.0"]), CoapCode::PRECONDITION_FAILED)]
    #[case(post("rd", &["ep=a", "lwm2m=1.1"]), CoapCode::CREATED)]
    #[case(post("rd", &["ep=a"]), CoapCode::CREATED)]
    #[case(post("rd", &["ep=a", "ep=a"]), CoapCode::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lt=50", "lt=60"]), CoapCode::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "b=U", "b=UQ"]), CoapCode::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lwm2m=1.0", "lwm2m=1.0"]), CoapCode::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "sms=1", "sms=1"]), CoapCode::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "more", "more"]), CoapCode::CREATED)]
    #[case(post("rd/0badcafe", &[]), CoapCode::NOT_FOUND)]
    #[case(post("rd/+badcafe", &[]), CoapCode::NOT_FOUND)]
    #[case(post("rd/x", &[]), CoapCode::NOT_FOUND)]
    #[case(post("rd/a/b", &[]), CoapCode::NOT_FOUND)]
    #[case(CoapMessage::request(CoapCode::GET, "rd"), CoapCode::NOT_ALLOWED)]
    #[case(CoapMessage::request(CoapCode::DELETE, "rd"), CoapCode::NOT_ALLOWED)]
    #[case(post("rd", &[]).with(option::URI_QUERY, b"ep=\xFF"), CoapCode::BAD_REQUEST)]
    fn answers(#[case] request: CoapMessage, #[case] code: CoapCode) {
        let mut registry = Registry::new(Seed(1));
        let answer = handle(&mut registry, 1, &request, OBJECTS);
        assert_eq!(answer.message.code(), code);
        assert_eq!(registry.count(), usize::from(code == CoapCode::CREATED));
    }

    #[rstest]
    #[case::empty(None, b"", CoapCode::BAD_REQUEST)]
    #[case::random(None, b"\xDE\xAD\x00\x1B[2J", CoapCode::BAD_REQUEST)]
    #[case::no_objects(Some(40), b"</sensors/temp>,</x>", CoapCode::BAD_REQUEST)]
    #[case::text(Some(0), OBJECTS, CoapCode::UNSUPPORTED_FORMAT)]
    #[case::tlv(Some(11_542), OBJECTS, CoapCode::UNSUPPORTED_FORMAT)]
    #[case::too_long_a_number(Some(0x40_0000 | 40), OBJECTS, CoapCode::UNSUPPORTED_FORMAT)]
    #[case::links(Some(40), OBJECTS, CoapCode::CREATED)]
    #[case::unnamed(None, OBJECTS, CoapCode::CREATED)]
    fn bodies(#[case] format: Option<u32>, #[case] payload: &[u8], #[case] code: CoapCode) {
        let mut registry = Registry::new(Seed(1));
        let request = with_format(post("rd", &["ep=a"]), format);
        let answer = handle(&mut registry, 1, &request, payload);
        assert_eq!(answer.message.code(), code);
        assert_eq!(registry.count(), usize::from(code == CoapCode::CREATED));
    }

    #[rstest]
    #[case(b"\xFFrandom", Some(40), CoapCode::BAD_REQUEST)]
    #[case(OBJECTS, Some(60), CoapCode::UNSUPPORTED_FORMAT)]
    #[case(b"", None, CoapCode::CHANGED)]
    fn bodies_of_an_update(#[case] payload: &[u8], #[case] format: Option<u32>, #[case] code: CoapCode) {
        let mut registry = Registry::new(Seed(1));
        let path = register(&mut registry, &["ep=a"]);
        let request = with_format(post(&path, &[]), format);
        let answer = handle(&mut registry, 1, &request, payload);
        assert_eq!(answer.message.code(), code);
    }

    #[rstest]
    #[case("/rd", true)]
    #[case("/rd/a", true)]
    #[case("/rdx", false)]
    #[case("/", false)]
    #[case("/x/rd", false)]
    fn paths(#[case] path: &str, #[case] at: bool) {
        assert_eq!(is_at(path), at);
    }
}
