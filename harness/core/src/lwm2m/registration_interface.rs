//! The registration interface: register, update, de-register (LwM2M TS 1.0.2 §5.3, §8.2.3), from a request to its response.

use super::registration::Parameters;
use super::registry::{Change, Location, Registry};
use crate::coap::code::Code;
use crate::coap::message::Message;
use crate::coap::option;
use alloc::format;
use alloc::vec::Vec;
use bc66_spec::lwm2m::REGISTRATION_PATH;
use core::time::Duration;

/// Longest payload of a registration.
pub const PAYLOAD_MAX: usize = 8 * 1024;

/// What a request led to: its response, and what has become of registrations.
pub type Handled<P> = (Message, Vec<Change<P>>);

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
    request: &Message,
    payload: &[u8],
    now: Duration,
) -> Handled<P> {
    let path = request.path();
    let segments: Vec<&str> = path.split('/').skip(2).collect();
    let refuse = |code, why: &str| (Message::because(code, why), Vec::new());
    let location = match segments[..] {
        [] => None,
        [location] => match Location::from_str_radix(location, 16) {
            Ok(number) if shown(number) == location => Some(number),
            _ => return refuse(Code::NOT_FOUND, "nobody is registered there"),
        },
        _ => return refuse(Code::NOT_FOUND, "there is nothing below a registration"),
    };
    if !payload.is_empty() && !Parameters::is_format_known(request) {
        let why = "expected application/link-format (40)";
        return refuse(Code::UNSUPPORTED_FORMAT, why);
    }
    let parameters = match Parameters::read(request, payload) {
        Ok(parameters) => parameters,
        Err(why) => return refuse(Code::BAD_REQUEST, &why),
    };
    let gone = || refuse(Code::NOT_FOUND, "nobody is registered there: register again");
    match (request.code(), location) {
        (Code::POST, None) => register(registry, peer, parameters, now),
        (Code::POST | Code::PUT, Some(location)) => registry
            .update(location, peer, parameters, now)
            .map_or_else(gone, |change| (Message::draft(Code::CHANGED), [change].into())),
        (Code::DELETE, Some(location)) => registry
            .deregister(location)
            .map_or_else(gone, |change| (Message::draft(Code::DELETED), [change].into())),
        _ => refuse(
            Code::NOT_ALLOWED,
            "POST /rd registers, POST and DELETE /rd/ID update and end it",
        ),
    }
}

fn register<P: Copy + Eq>(
    registry: &mut Registry<P>,
    peer: P,
    parameters: Parameters,
    now: Duration,
) -> Handled<P> {
    let Some(endpoint) = parameters.endpoint.clone() else {
        return (Message::because(Code::BAD_REQUEST, "`ep` is missing"), Vec::new());
    };
    if let Some(version) = parameters.version.as_deref().filter(|version| !is_known(version)) {
        let why = format!("LwM2M `{version}` is not spoken here: expected `1.0`");
        return (Message::because(Code::PRECONDITION_FAILED, &why), Vec::new());
    }
    if parameters.objects.is_none() {
        let why = "a registration lists its objects, such as `</1/0>,</5/0>`, and the payload is empty";
        return (Message::because(Code::BAD_REQUEST, why), Vec::new());
    }
    let (location, change, pushed_out) = registry.register(endpoint, peer, parameters, now);
    let response = Message::draft(Code::CREATED)
        .with(option::LOCATION_PATH, REGISTRATION_PATH.as_bytes())
        .with(option::LOCATION_PATH, shown(location).as_bytes());
    (response, pushed_out.into_iter().chain([change]).collect())
}

/// 1.0 is spoken; a client of a later 1.x understands it.
fn is_known(version: &str) -> bool {
    version
        .strip_prefix("1.")
        .is_some_and(|minor| minor.parse::<u8>().is_ok())
}

/// The path at which this registration is updated.
pub fn path(location: Location) -> alloc::string::String {
    format!("/rd/{}", shown(location))
}

fn shown(location: Location) -> alloc::string::String {
    format!("{location:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rstest::rstest;

    const OBJECTS: &[u8] = b"</1/0>,</5/0>";

    fn post(path: &str, queries: &[&str]) -> Message {
        let draft = Message::request(Code::POST, path);
        queries.iter().fold(draft, |draft, query| {
            draft.with(option::URI_QUERY, query.as_bytes())
        })
    }

    fn handle(registry: &mut Registry<u8>, peer: u8, request: &Message, payload: &[u8]) -> Handled<u8> {
        super::handle(registry, peer, request, payload, Duration::ZERO)
    }

    #[test]
    fn a_registration_from_its_beginning_to_its_end() {
        let mut registry = Registry::new(Seed(1));
        let request = post(
            "rd",
            &["ep=867725030029312", "lt=50", "lwm2m=1.0", "b=UQ", "sms=0123"],
        );
        let (created, changes) = handle(&mut registry, 1, &request, b"</1/0>,</3/0>,</5/0>");
        assert_eq!((created.code(), changes.len()), (Code::CREATED, 1));
        let registration = registry.find("867725030029312").unwrap();
        assert_eq!(registration.lifetime, Duration::from_secs(50));
        assert_eq!(
            (registration.binding.as_str(), registration.sms.as_deref()),
            ("UQ", Some("0123"))
        );
        assert_eq!(registration.objects.len(), 3);
        let place: Vec<&[u8]> = created.options(option::LOCATION_PATH).collect();
        let place = core::str::from_utf8(place[1]).unwrap();
        let place = format!("rd/{place}");
        let (changed, _) = handle(&mut registry, 2, &post(&place, &["lt=60"]), b"");
        assert_eq!(changed.code(), Code::CHANGED);
        let registration = registry.find("867725030029312").unwrap();
        assert_eq!(
            (
                registration.lifetime.as_secs(),
                registration.peer,
                registration.objects.len()
            ),
            (60, 2, 3)
        );
        let (deleted, changes) = handle(&mut registry, 2, &Message::request(Code::DELETE, &place), b"");
        assert_eq!(deleted.code(), Code::DELETED);
        assert!(matches!(changes[..], [Change::Deregistered(_)]));
        let (again, _) = handle(&mut registry, 2, &Message::request(Code::DELETE, &place), b"");
        assert_eq!(again.code(), Code::NOT_FOUND);
    }

    #[rstest]
    #[case(post("rd", &["lt=50"]), Code::BAD_REQUEST)]
    #[case(post("rd", &["ep="]), Code::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lt=0"]), Code::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lt=-1"]), Code::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lt=99999999999"]), Code::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lwm2m=2.0"]), Code::PRECONDITION_FAILED)]
    #[case(post("rd", &["ep=a", "lwm2m=1.1"]), Code::CREATED)]
    #[case(post("rd", &["ep=a"]), Code::CREATED)]
    #[case(post("rd", &["ep=a", "ep=a"]), Code::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lt=50", "lt=60"]), Code::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "b=U", "b=UQ"]), Code::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "lwm2m=1.0", "lwm2m=1.0"]), Code::BAD_REQUEST)]
    #[case(post("rd", &["ep=a", "more", "more"]), Code::CREATED)]
    #[case(post("rd/0badcafe", &[]), Code::NOT_FOUND)]
    #[case(post("rd/+badcafe", &[]), Code::NOT_FOUND)]
    #[case(post("rd/x", &[]), Code::NOT_FOUND)]
    #[case(post("rd/a/b", &[]), Code::NOT_FOUND)]
    #[case(Message::request(Code::GET, "rd"), Code::NOT_ALLOWED)]
    #[case(Message::request(Code::DELETE, "rd"), Code::NOT_ALLOWED)]
    #[case(Message::draft(Code::POST).with(option::URI_PATH, b"rd").with(option::URI_QUERY, b"ep=\xFF"), Code::BAD_REQUEST)]
    fn answers(#[case] request: Message, #[case] code: Code) {
        let mut registry = Registry::new(Seed(1));
        assert_eq!(handle(&mut registry, 1, &request, OBJECTS).0.code(), code);
        assert_eq!(registry.len(), usize::from(code == Code::CREATED));
    }

    #[rstest]
    #[case::empty(None, b"", Code::BAD_REQUEST)]
    #[case::random(None, b"\xDE\xAD\x00\x1B[2J", Code::BAD_REQUEST)]
    #[case::no_objects(Some(40), b"</sensors/temp>,</x>", Code::BAD_REQUEST)]
    #[case::text(Some(0), OBJECTS, Code::UNSUPPORTED_FORMAT)]
    #[case::tlv(Some(11_542), OBJECTS, Code::UNSUPPORTED_FORMAT)]
    #[case::too_long_a_number(Some(0x40_0000 | 40), OBJECTS, Code::UNSUPPORTED_FORMAT)]
    #[case::links(Some(40), OBJECTS, Code::CREATED)]
    #[case::unnamed(None, OBJECTS, Code::CREATED)]
    fn bodies(#[case] format: Option<u32>, #[case] payload: &[u8], #[case] code: Code) {
        let mut registry = Registry::new(Seed(1));
        let draft = post("rd", &["ep=a"]);
        let request = format.into_iter().fold(draft, |draft, format| {
            draft.with_uint(option::CONTENT_FORMAT, format)
        });
        assert_eq!(handle(&mut registry, 1, &request, payload).0.code(), code);
        assert_eq!(registry.len(), usize::from(code == Code::CREATED));
    }

    #[rstest]
    #[case(b"\xFFrandom", Some(40), Code::BAD_REQUEST)]
    #[case(OBJECTS, Some(60), Code::UNSUPPORTED_FORMAT)]
    #[case(b"", None, Code::CHANGED)]
    fn bodies_of_an_update(#[case] payload: &[u8], #[case] format: Option<u32>, #[case] code: Code) {
        let mut registry = Registry::new(Seed(1));
        let (created, _) = handle(&mut registry, 1, &post("rd", &["ep=a"]), OBJECTS);
        let place = created.options(option::LOCATION_PATH).last().unwrap().to_vec();
        let place = alloc::string::String::from_utf8(place).unwrap();
        let draft = post(&format!("rd/{place}"), &[]);
        let request = format.into_iter().fold(draft, |draft, format| {
            draft.with_uint(option::CONTENT_FORMAT, format)
        });
        assert_eq!(handle(&mut registry, 1, &request, payload).0.code(), code);
        assert_eq!(registry.find("a").unwrap().objects.len(), 2, "as registered");
    }

    #[test]
    fn paths() {
        for (path, at) in [
            ("/rd", true),
            ("/rd/a", true),
            ("/rdx", false),
            ("/", false),
            ("/x/rd", false),
        ] {
            assert_eq!(is_at(path), at, "{path}");
        }
    }
}
