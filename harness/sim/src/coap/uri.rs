//! A `coap://` URI (RFC 7252 §6.1, §6.4).

use crate::decimal::positive;
use crate::url::is_host;
use bc66_spec::lwm2m::{PORT, URI_MAX};
use std::fmt;
use std::net::Ipv6Addr;

/// Where a package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uri {
    /// Name or address, without brackets.
    pub(crate) host: String,
    /// Port; 5683 if none is named.
    pub(crate) port: u16,
    /// Segments of the path, decoded.
    pub(crate) path: Vec<Vec<u8>>,
    /// Parameters of the query, decoded.
    pub(crate) query: Vec<Vec<u8>>,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UriError {
    #[error("the scheme is not `coap`")]
    Scheme,
    #[error("not a URI")]
    Invalid,
}

impl Uri {
    pub(crate) fn parse(text: &str) -> Result<Self, UriError> {
        let printable = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte));
        let (scheme, rest) = text.split_once("://").ok_or(UriError::Invalid)?;
        if text.len() > URI_MAX || !printable || !is_scheme(scheme) {
            return Err(UriError::Invalid);
        }
        if !scheme.eq_ignore_ascii_case("coap") {
            return Err(UriError::Scheme);
        }
        Self::behind_scheme(rest).ok_or(UriError::Invalid)
    }

    fn behind_scheme(rest: &str) -> Option<Self> {
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = rest
            .split_once('?')
            .map_or((rest, None), |(path, query)| (path, Some(query)));
        let (host, port) = split_authority(authority)?;
        let path = Some(path.strip_prefix('/').unwrap_or(path)).filter(|path| !path.is_empty());
        let decoded_all = |text: Option<&str>, separator| -> Option<Vec<_>> {
            let pieces = text.into_iter().flat_map(|text| text.split(separator));
            pieces.map(decoded).collect()
        };
        Some(Self {
            host: host.to_owned(),
            port,
            path: decoded_all(path, '/')?,
            query: decoded_all(query, '&')?,
        })
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn split_authority(authority: &str) -> Option<(&str, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let (host, port) = literal.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (Some(host).filter(|host| is_host(host))?, port)
        }
    };
    match port {
        "" => Some((host, PORT)),
        port => Some((host, positive(port.strip_prefix(':')?)?)),
    }
}

/// Decodes `%41`; `None` if no two hexadecimal digits follow the sign.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let digits = piece
            .get(..2)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    Some(bytes)
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "coap://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("coap://127.0.0.1:5700/x/p.bin", "127.0.0.1", 5700, &["x", "p.bin"], &[])]
    #[case("COAP://host/a%20b?c=d&e", "host", 5683, &["a b"], &["c=d", "e"])]
    #[case("coap://[::1]:1/", "::1", 1, &[], &[])]
    #[case("coap://host", "host", 5683, &[], &[])]
    #[case("coap://host?x", "host", 5683, &[], &["x"])]
    fn sound(
        #[case] text: &str,
        #[case] host: &str,
        #[case] port: u16,
        #[case] path: &[&str],
        #[case] query: &[&str],
    ) {
        let bytes = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let (host, path, query) = (host.to_owned(), bytes(path), bytes(query));
        let uri = Uri {
            host,
            port,
            path,
            query,
        };
        assert_eq!(Uri::parse(text), Ok(uri));
    }

    #[rstest]
    #[case("http://host/a", UriError::Scheme)]
    #[case("coaps://host/a", UriError::Scheme)]
    #[case("coap+tcp://host/a", UriError::Scheme)]
    #[case("", UriError::Invalid)]
    #[case("host/a", UriError::Invalid)]
    #[case("coap://", UriError::Invalid)]
    #[case("coap:///a", UriError::Invalid)]
    #[case("coap://ho st/a", UriError::Invalid)]
    #[case("coap://user@host/a", UriError::Invalid)]
    #[case("coap://host:0/a", UriError::Invalid)]
    #[case("coap://host:65536/a", UriError::Invalid)]
    #[case("coap://host/a#b", UriError::Invalid)]
    #[case("coap://host/%4", UriError::Invalid)]
    #[case("coap://host/%+4", UriError::Invalid)]
    #[case("coap://[::g]/a", UriError::Invalid)]
    #[case("1coap://host/a", UriError::Invalid)]
    fn refused(#[case] text: &str, #[case] error: UriError) {
        assert_eq!(Uri::parse(text), Err(error));
    }
}
