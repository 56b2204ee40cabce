//! What a client registers: its objects and instances, in link format (RFC 6690; LwM2M TS 1.0.2 §5.3.1).

use alloc::string::String;
use alloc::vec::Vec;

/// As many links of one registration are kept.
const LINKS_MAX: usize = 128;

/// An object or an instance of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectLink {
    pub object: u16,
    /// Its instance, where there is one.
    pub instance: Option<u16>,
}

/// The objects that a registration lists. Parsing never fails: what is no object of LwM2M is left out, and attributes
/// other than the alternate path's are not looked at.
pub(super) fn parse(payload: &[u8]) -> Vec<ObjectLink> {
    let text = String::from_utf8_lossy(payload);
    let links: Vec<(&str, &str)> = split(&text, ',').filter_map(target).collect();
    let root = links.iter().find(|(_, attributes)| is_root(attributes));
    let root = root.map_or("", |(target, _)| target.trim_end_matches('/'));
    let objects = links
        .iter()
        .filter_map(|(target, _)| object(target.strip_prefix(root)?));
    objects.take(LINKS_MAX).collect()
}

/// The target between `<` and `>`, and the attributes behind it.
fn target(link: &str) -> Option<(&str, &str)> {
    link.trim().strip_prefix('<')?.split_once('>')
}

/// The alternate path is the one with `rt="oma.lwm2m"` (TS 1.0.2 §5.3.1).
fn is_root(attributes: &str) -> bool {
    split(attributes, ';').any(|attribute| {
        let attribute = attribute.trim();
        attribute == "rt=\"oma.lwm2m\"" || attribute == "rt=oma.lwm2m"
    })
}

fn object(path: &str) -> Option<ObjectLink> {
    let mut ids = path.trim_matches('/').split('/').map(str::parse::<u16>);
    let object = ids.next()?.ok()?;
    let instance = ids.next().transpose().ok()?;
    ids.next().is_none().then_some(ObjectLink { object, instance })
}

/// Parts between separators that stand neither in quotes nor in angle brackets.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut bracketed) = (false, false);
    text.split(move |c: char| {
        match c {
            '"' => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            _ => {}
        }
        c == separator && !quoted && !bracketed
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn shown(links: &[ObjectLink]) -> String {
        let shown = links.iter().map(|link| match link.instance {
            Some(instance) => alloc::format!("{}/{instance}", link.object),
            None => alloc::format!("{}", link.object),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[rstest]
    // TS 1.0.2 §5.3.1.
    #[case("</1>, </1/0>,</2/0>, </3/0>,</4/0>", "1 1/0 2/0 3/0 4/0")]
    #[case(
        "</lwm2m>;rt=\"oma.lwm2m\", </lwm2m/1/0>,</lwm2m/1/1>,</lwm2m/5/0>",
        "1/0 1/1 5/0"
    )]
    // What clients send.
    #[case(
        "</>;rt=\"oma.lwm2m\";ct=\"60 110 112 11542 11543\",</1>;ver=1.1,</1/0>,</3/0>,</5>;ver=1.1,</5/0>",
        "1 1/0 3/0 5 5/0"
    )]
    #[case("</>;rt=\"oma.lwm2m\";ct=11543,</3/0>,</5/0>", "3/0 5/0")]
    // What they should not.
    #[case("", "")]
    #[case("</5/0/3>,</x>,</70000>,<5/0>,5/0,</5/0", "5/0")]
    #[case("</a,b>,</5/0>;title=\"a,b<c>\"", "5/0")]
    fn links(#[case] payload: &str, #[case] expected: &str) {
        assert_eq!(shown(&parse(payload.as_bytes())), expected);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(bytes: Vec<u8>) {
            proptest::prop_assert!(parse(&bytes).len() <= LINKS_MAX);
        }

        #[test]
        fn what_looks_like_links_too(text in "[</>0-9;,\"rt=oma.lwm2m]{0,80}") {
            parse(text.as_bytes());
        }
    }
}
