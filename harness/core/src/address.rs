//! Parses the addresses that a module reports, in every form of 3GPP TS 27.007 and of the firmware.
//!
//! | form | example |
//! |---|---|
//! | IPv4, four octets | `10.64.77.88` |
//! | IPv6, sixteen decimal octets (TS 27.007, `+CGPADDR`) | `254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.66` |
//! | IPv6 with colons (TS 27.007, `+CGPIAF`) | `2001:db8::42` |
//! | its lower half alone, four groups (FW) | `fe80:0:0:42` |
//!
//! With quotes or without. An address of zeros is none: a PDN without an address is shown that way.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One address, unspecified or not; `None` where the text is in no form of an address.
pub fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let text = text.strip_prefix('"').unwrap_or(text);
    let text = text.strip_suffix('"').unwrap_or(text).trim();
    if text.contains(':') {
        return text.parse().ok().or_else(|| lower_half(text)).map(IpAddr::V6);
    }
    let mut octets = [0; 16];
    let mut count = 0;
    for part in text.split('.') {
        *octets.get_mut(count)? = octet(part)?;
        count += 1;
    }
    match count {
        4 => Some(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).into()),
        16 => Some(Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

/// A decimal number from 0 to 255, and nothing else.
fn octet(part: &str) -> Option<u8> {
    let fits = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| part.parse().ok()).flatten()
}

fn lower_half(text: &str) -> Option<Ipv6Addr> {
    let mut groups = [0; 8];
    let mut count = 4;
    for part in text.split(':') {
        let fits = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        *groups.get_mut(count)? = fits.then(|| u16::from_str_radix(part, 16).ok()).flatten()?;
        count += 1;
    }
    (count == 8).then(|| groups.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use rstest::rstest;

    #[rstest]
    #[case("10.64.77.88", Some("10.64.77.88"))]
    #[case("\"10.64.77.88\"", Some("10.64.77.88"))]
    #[case("010.064.077.088", Some("10.64.77.88"))]
    #[case("0.0.0.0", Some("0.0.0.0"))]
    #[case("254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.66", Some("fe80::42"))]
    #[case("\"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.66\"", Some("2001:db8::42"))]
    #[case("0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0", Some("::"))]
    #[case("2001:db8::42", Some("2001:db8::42"))]
    #[case("2001:DB8:0:0:0:0:0:42", Some("2001:db8::42"))]
    #[case("::", Some("::"))]
    #[case("0:0:0:0:0:0:0:0", Some("::"))]
    #[case("::ffff:10.0.0.1", Some("::ffff:10.0.0.1"))]
    #[case("fe80:0:0:42", Some("::fe80:0:0:42"))]
    #[case("0:0:0:0", Some("::"))]
    #[case("", None)]
    #[case("\"\"", None)]
    #[case("\"", None)]
    #[case("1", None)]
    #[case("10.64.77", None)]
    #[case("10.64.77.88.9", None)]
    #[case("10.64.77.256", None)]
    #[case("10.64.77.+8", None)]
    #[case("10.64..88", None)]
    #[case("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17", None)]
    #[case("fe80:0:0", None)]
    #[case("fe80:0:0:+42", None)]
    #[case("1:2:3:4:5:6:7:8:9", None)]
    #[case("lab.example.com", None)]
    fn forms(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(
            parse(text).map(|address| address.to_string()).as_deref(),
            expected
        );
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(text: alloc::string::String) {
            let _ = parse(&text);
        }

        #[test]
        fn sixteen_octets_are_the_address_of_colons(octets: [u8; 16]) {
            let dotted: Vec<_> = octets.iter().map(ToString::to_string).collect();
            let colons = Ipv6Addr::from(octets).to_string();
            proptest::prop_assert_eq!(parse(&dotted.join(".")), parse(&colons));
        }
    }
}
