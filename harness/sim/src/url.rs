//! The URL of an order to update (AN §2.2.1), as strictly as the note has it.

use bc66_spec::qfotadl::{PORT_DEFAULT, SCHEME, URL_MAX};

/// An `HTTP://` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// As it was ordered.
    pub text: String,
    /// Address or domain name.
    pub host: String,
    /// Port; 80 if none is named.
    pub port: u16,
    /// Path and query, with the slash.
    pub path: String,
}

impl Url {
    /// Reads the parameter of `AT+QFOTADL`, quoted or not; `None` if the module refuses it.
    pub fn parse(parameter: &str) -> Option<Self> {
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
        let (host, port) = authority
            .split_once(':')
            .map_or((authority, None), |(host, port)| (host, Some(port)));
        let port = port.map_or(Some(PORT_DEFAULT), decimal_port)?;
        let sound = !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        let slash = if path.starts_with('/') { "" } else { "/" };
        sound.then(|| Self {
            text: text.to_owned(),
            host: host.to_owned(),
            port,
            path: format!("{slash}{path}"),
        })
    }
}

/// 1 to 65535, digits only.
fn decimal_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
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
        assert_eq!(
            url.as_ref()
                .map(|url| (url.host.as_str(), url.port, url.path.as_str())),
            expected
        );
    }

    #[test]
    fn length() {
        let url = |len: usize| format!("\"http://h/{}\"", "x".repeat(len - 9));
        assert!(Url::parse(&url(255)).is_some());
        assert!(Url::parse(&url(256)).is_none());
    }
}
