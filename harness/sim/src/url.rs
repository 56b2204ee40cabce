//! The URL of an order to update (AN §2.2.1), as strictly as the note has it.

use crate::decimal::positive;
use bc66_spec::qfotadl::{PORT_DEFAULT, SCHEME, URL_MAX};

/// An `HTTP://` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    /// As it was ordered.
    pub(crate) text: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Path and query, with the slash.
    pub(crate) path: String,
}

impl Url {
    /// Reads the parameter of `AT+QFOTADL`, quoted or not; `None` if the module refuses it.
    pub(crate) fn parse(parameter: &str) -> Option<Self> {
        let text = match parameter.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"')?,
            None => parameter,
        };
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        let (scheme, rest) = text.split_at_checked(SCHEME.len())?;
        if text.len() > URL_MAX || !printable || !scheme.eq_ignore_ascii_case(SCHEME) {
            return None;
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, positive(port)?),
            None => (authority, PORT_DEFAULT),
        };
        let slash = if path.starts_with('/') { "" } else { "/" };
        is_host(host).then(|| Self {
            text: text.to_owned(),
            host: host.to_owned(),
            port,
            path: format!("{slash}{path}"),
        })
    }
}

/// A name, or an IPv4 address.
pub(crate) fn is_host(text: &str) -> bool {
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    !text.is_empty() && text.bytes().all(is_sound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("\"http://www.quectel.com:100/update.bin\"", Some(("www.quectel.com", 100, "/update.bin")))]
    #[case("HTTP://10.0.0.1/a/b?c=d", Some(("10.0.0.1", 80, "/a/b?c=d")))]
    #[case("http://host", Some(("host", 80, "/")))]
    #[case("\"http://host?x\"", Some(("host", 80, "/?x")))]
    #[case("https://host/a", None)]
    #[case("\"http://host/a", None)]
    #[case("http://host/a\"", None)]
    #[case("http:///a", None)]
    #[case("http://host:0/a", None)]
    #[case("http://host:65536/a", None)]
    #[case("http://host:+80/a", None)]
    #[case("http://ho st/a", None)]
    #[case("http://user@host/a", None)]
    #[case("ftp://host/a", None)]
    #[case("1", None)]
    #[case("", None)]
    fn parsing(#[case] text: &str, #[case] expected: Option<(&str, u16, &str)>) {
        let url = Url::parse(text);
        let parts = |url: &Url| (url.host.clone(), url.port, url.path.clone());
        let expected = expected.map(|(host, port, path)| (host.to_owned(), port, path.to_owned()));
        assert_eq!(url.as_ref().map(parts), expected);
    }

    #[test]
    fn length() {
        let url = |len: usize| format!("\"http://h/{}\"", "x".repeat(len - 9));
        assert!(Url::parse(&url(255)).is_some());
        assert!(Url::parse(&url(256)).is_none());
    }
}
