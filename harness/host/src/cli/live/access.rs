//! Who may read the page.
//!
//! On loopback: every program of this machine. A request has to name this machine as its host, because another site can point a
//! name of its own at this machine (DNS rebinding). On any other address: only a reader with the token.

use super::address::reachable;
use hyper::header::{AUTHORIZATION, COOKIE, HOST, HeaderMap};
use hyper::{Request, StatusCode};
use std::fmt::Write;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// Bytes of a token: 128 bits.
const TOKEN: usize = 16;

#[derive(Debug)]
pub(super) struct Access {
    bound: SocketAddr,
    token: Option<String>,
}

/// A request that is not answered with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) why: &'static str,
}

/// A request that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Admitted {
    /// What keeps the token for the next request.
    pub(super) cookie: Option<String>,
}

impl Access {
    pub(super) fn new(bound: SocketAddr) -> io::Result<Self> {
        let token = if bound.ip().is_loopback() {
            None
        } else {
            Some(draw()?)
        };
        Ok(Self { bound, token })
    }

    pub(super) fn url(&self) -> String {
        let addr = reachable(self.bound);
        match &self.token {
            Some(token) => format!("http://{addr}/?token={token}"),
            None => format!("http://{addr}/"),
        }
    }

    pub(super) fn admit<B>(&self, request: &Request<B>) -> Result<Admitted, Refused> {
        match &self.token {
            None => {
                let host = host(request).ok_or(Refused {
                    status: StatusCode::BAD_REQUEST,
                    why: "expected one `Host` header",
                })?;
                is_this_machine(&host)
                    .then_some(Admitted { cookie: None })
                    .ok_or(Refused {
                        status: StatusCode::MISDIRECTED_REQUEST,
                        why: "this page is for this machine alone: ask for `localhost` or `127.0.0.1`",
                    })
            }
            Some(token) => self.with_token(request, token),
        }
    }

    fn with_token<B>(&self, request: &Request<B>, token: &str) -> Result<Admitted, Refused> {
        let name = self.cookie_name();
        if cookies(request.headers(), &name).any(|value| is_same(value, token))
            || bearer(request.headers()).is_some_and(|value| is_same(value, token))
        {
            return Ok(Admitted { cookie: None });
        }
        let query = request.uri().query().unwrap_or_default();
        let mut pairs = query.split('&').filter_map(|pair| pair.strip_prefix("token="));
        if pairs.any(|value| is_same(value, token)) {
            let cookie = format!("{name}={token}; HttpOnly; SameSite=Strict; Path=/");
            return Ok(Admitted { cookie: Some(cookie) });
        }
        Err(Refused {
            status: StatusCode::UNAUTHORIZED,
            why: "the token is missing or wrong: open the address that was printed when the page began, with its `?token=`",
        })
    }

    /// Cookies are shared by the ports of a host: that of one page must not replace another's.
    fn cookie_name(&self) -> String {
        format!("dfota-hil-{}", self.bound.port())
    }
}

fn draw() -> io::Result<String> {
    let mut bytes = [0; TOKEN];
    let drawn = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    if drawn != bytes.len() {
        return Err(io::Error::other(format!(
            "the system gave {drawn} of {TOKEN} random bytes for the token"
        )));
    }
    let mut token = String::new();
    for byte in bytes {
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

/// The host that a request names; nothing where it names none, or several.
fn host<B>(request: &Request<B>) -> Option<String> {
    let mut named = request.headers().get_all(HOST).iter();
    let (first, second) = (named.next()?.to_str().ok()?, named.next());
    if second.is_some() || request.uri().host().is_some_and(|other| !is_this_machine(other)) {
        return None;
    }
    Some(first.to_owned())
}

/// Whether a host, with a port or without, is this machine by a name that nobody else can give away.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    let ip: Result<IpAddr, _> = name.parse();
    name.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

fn cookies<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs.filter_map(move |pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Compares in a time that does not tell where two texts differ.
fn is_same(given: &str, token: &str) -> bool {
    let differ = given.bytes().zip(token.bytes()).fold(0, |differ, (one, other)| {
        std::hint::black_box(differ | (one ^ other))
    });
    given.len() == token.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("localhost", true)]
    #[case("LOCALHOST:8090", true)]
    #[case("127.0.0.1:8090", true)]
    #[case("127.1.2.3", true)]
    #[case("[::1]:8090", true)]
    #[case("[::1]", true)]
    // An address of IPv6 stands in brackets there.
    #[case("::1", false)]
    #[case("", false)]
    #[case(":8090", false)]
    #[case("localhost.evil.example", false)]
    #[case("evil.example:8090", false)]
    #[case("127.0.0.1.evil.example", false)]
    #[case("192.168.1.7:8090", false)]
    #[case("localhost:8090:1", false)]
    fn hosts(#[case] host: &str, #[case] is: bool) {
        assert_eq!(is_this_machine(host), is);
    }

    fn ask(headers: &[(&str, &str)], uri: &str) -> Request<()> {
        let request = Request::builder().uri(uri);
        let with = |request: hyper::http::request::Builder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        headers.iter().fold(request, with).body(()).expect("a request")
    }

    #[test]
    fn a_token_opens_it_in_three_ways() {
        let access = Access::new("0.0.0.0:8090".parse().expect("an address")).expect("a token");
        let token = access.token.clone().expect("a token");
        assert_eq!(token.len(), 2 * TOKEN);
        let other = "0".repeat(token.len());
        let opens = |headers: &[(&str, &str)], uri: &str| access.admit(&ask(headers, uri));
        let first = opens(&[], &format!("/?token={token}")).expect("admitted");
        let cookie = first.cookie.expect("a cookie");
        assert!(
            cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"),
            "{cookie}"
        );
        let kept = cookie.split(';').next().expect("a pair");
        assert_eq!(
            opens(&[("cookie", &format!("a=b; {kept}"))], "/"),
            Ok(Admitted { cookie: None })
        );
        assert!(opens(&[("authorization", &format!("Bearer {token}"))], "/").is_ok());
        for (headers, uri) in [
            (vec![], "/".to_owned()),
            (vec![], format!("/?token={other}")),
            (vec![], format!("/?token={}", &token[1..])),
            (vec![], "/?token=".to_owned()),
            (vec![("cookie", kept.replace("8090", "8091"))], "/".to_owned()),
            (vec![("authorization", format!("Basic {token}"))], "/".to_owned()),
        ] {
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let refused = opens(&headers, &uri).expect_err("refused");
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{headers:?} {uri}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let access = Access::new("127.0.0.1:0".parse().expect("an address")).expect("no token");
        let refused =
            |headers: &[(&str, &str)], uri: &str| access.admit(&ask(headers, uri)).map_err(|why| why.status);
        assert!(refused(&[("host", "localhost")], "/").is_ok());
        for (headers, uri) in [
            (&[][..], "/"),
            (&[("host", "localhost"), ("host", "evil.example")], "/"),
            (&[("host", "localhost")], "http://evil.example/"),
        ] {
            assert_eq!(
                refused(headers, uri),
                Err(StatusCode::BAD_REQUEST),
                "{headers:?} {uri}"
            );
        }
        assert_eq!(
            refused(&[("host", "evil.example")], "/"),
            Err(StatusCode::MISDIRECTED_REQUEST)
        );
    }
}
