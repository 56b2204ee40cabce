//! What a client registers: its objects and instances, in link format (RFC 6690; LwM2M TS 1.0.2 §5.3.1).

use alloc::string::String;
use alloc::vec::Vec;

/// Whether a registration lists an object or an instance of one. What is no object of LwM2M is passed over, and attributes
/// other than the alternate path's are not looked at.
pub(super) fn lists_an_object(payload: &[u8]) -> bool {
    let text = String::from_utf8_lossy(payload);
    let links: Vec<(&str, &str)> = split(&text, ',').filter_map(target).collect();
    let root = links.iter().find(|(_, attributes)| is_root(attributes));
    let root = root.map_or("", |(target, _)| target.trim_end_matches('/'));
    let mut paths = links.iter().filter_map(|(target, _)| target.strip_prefix(root));
    paths.any(is_object)
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

/// One or two numbers: the object, and its instance.
fn is_object(path: &str) -> bool {
    let ids: Vec<&str> = path.trim_matches('/').split('/').collect();
    ids.len() <= 2 && ids.iter().all(|id| id.parse::<u16>().is_ok())
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

    #[rstest]
    // TS 1.0.2 §5.3.1.
    #[case("</1>, </1/0>,</2/0>, </3/0>,</4/0>", true)]
    #[case("</lwm2m>;rt=\"oma.lwm2m\", </lwm2m/1/0>,</lwm2m/1/1>,</lwm2m/5/0>", true)]
    // What clients send.
    #[case(
        "</>;rt=\"oma.lwm2m\";ct=\"60 110 112 11542 11543\",</1>;ver=1.1,</1/0>,</3/0>,</5>;ver=1.1,</5/0>",
        true
    )]
    #[case("</>;rt=\"oma.lwm2m\";ct=11543,</3/0>,</5/0>", true)]
    // What they should not.
    #[case("", false)]
    #[case("</5/0/3>,</x>,</70000>,<5/0>,5/0,</5/0", true)]
    #[case("</5/0/3>,</x>,</70000>,5/0,</5/0", false)]
    #[case("</a,b>,</5/0>;title=\"a,b<c>\"", true)]
    #[case("</a,b>,</x>;title=\"a,</5/0>\"", false)]
    #[case("</lwm2m>;rt=\"oma.lwm2m\",</1/0>", false)]
    fn links(#[case] payload: &str, #[case] expected: bool) {
        assert_eq!(lists_an_object(payload.as_bytes()), expected);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(bytes: Vec<u8>) {
            lists_an_object(&bytes);
        }

        #[test]
        fn what_looks_like_links_too(text in "[</>0-9;,\"rt=oma.lwm2m]{0,80}") {
            lists_an_object(text.as_bytes());
        }
    }
}
