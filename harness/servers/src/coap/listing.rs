//! `/.well-known/core` (RFC 6690): what a stranger who looks around is told. Packages are not listed.

use bc66_spec::lwm2m::format::LINK;
use dfota_core::coap::{BlockError, BlockOption, BlockSize, CoapCode, CoapMessage, option};

pub(super) const PATH: &str = "/.well-known/core";

const LINKS: &str = "</rd>;rt=\"core.rd\"";

/// Answers a request for it.
pub(super) fn answer(request: &CoapMessage) -> CoapMessage {
    if request.code() != CoapCode::GET {
        return CoapMessage::diagnostic(CoapCode::NOT_ALLOWED, "this can only be got");
    }
    if request
        .uint(option::ACCEPT)
        .is_some_and(|accept| accept != u32::from(LINK))
    {
        return CoapMessage::diagnostic(CoapCode::NOT_ACCEPTABLE, "this is application/link-format (40)");
    }
    let asked = match request.block(option::BLOCK2) {
        Ok(asked) => asked,
        Err(BlockError::ReservedSize) => {
            return CoapMessage::diagnostic(CoapCode::BAD_REQUEST, "block size 7 is reserved");
        }
        Err(BlockError::TooLong) => {
            return CoapMessage::diagnostic(CoapCode::BAD_OPTION, "a block option has 3 bytes at most");
        }
    };
    let wanted = asked.unwrap_or(BlockOption::first(BlockSize::MEDIUM));
    let Some((block, range)) = wanted.of(LINKS.len() as u64) else {
        let why = format!("this ends at byte {}", LINKS.len());
        return CoapMessage::diagnostic(CoapCode::BAD_REQUEST, &why);
    };
    let part = &LINKS.as_bytes()[range.start as usize..range.end as usize];
    let answer = CoapMessage::draft(CoapCode::CONTENT)
        .with_uint(option::CONTENT_FORMAT, LINK.into())
        .with_payload(part.to_vec());
    match asked {
        Some(_) => answer.with_block(option::BLOCK2, block),
        None => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn get() -> CoapMessage {
        CoapMessage::request(CoapCode::GET, ".well-known/core")
    }

    #[rstest]
    #[case(get(), "2.05 - </rd>;rt=\"core.rd\"")]
    #[case(get().with_uint(option::ACCEPT, 40), "2.05 - </rd>;rt=\"core.rd\"")]
    #[case(get().with_uint(option::ACCEPT, 0), "4.06 - ")]
    #[case(get().with(option::BLOCK2, &[]), "2.05 0/1/16 </rd>;rt=\"core.r")]
    #[case(get().with(option::BLOCK2, &[0x10]), "2.05 1/0/16 d\"")]
    #[case(get().with(option::BLOCK2, &[0x02]), "2.05 0/0/64 </rd>;rt=\"core.rd\"")]
    #[case(get().with(option::BLOCK2, &[0x20]), "4.00 - ")]
    #[case(get().with(option::BLOCK2, &[0x07]), "4.00 - ")]
    #[case(CoapMessage::request(CoapCode::PUT, ".well-known/core"), "4.05 - ")]
    #[case(CoapMessage::request(CoapCode::POST, ".well-known/core"), "4.05 - ")]
    #[case(CoapMessage::request(CoapCode::DELETE, ".well-known/core"), "4.05 - ")]
    fn answers(#[case] request: CoapMessage, #[case] expected: &str) {
        let answer = answer(&request);
        let block = answer.block(option::BLOCK2).expect("a sound block");
        let block = block.map_or("-".to_owned(), |block| block.to_string());
        let text = if answer.code().is_success() {
            String::from_utf8_lossy(answer.payload()).into_owned()
        } else {
            String::new()
        };
        assert_eq!(format!("{} {block} {text}", answer.code()), expected);
    }
}
