//! `/.well-known/core` (RFC 6690): what a client sees that looks for resources. Packages are not listed.

use bc66_spec::lwm2m::format::LINK;
use dfota_core::coap::{BlockOption, BlockSize, CoapCode, CoapMessage, option};

pub(super) const PATH: &str = "/.well-known/core";

const LINKS: &str = "</rd>;rt=\"core.rd\"";

pub(super) fn answer(request: &CoapMessage) -> CoapMessage {
    try_answer(request).unwrap_or_else(|refusal| refusal)
}

/// The same; an error is the refusal.
fn try_answer(request: &CoapMessage) -> Result<CoapMessage, CoapMessage> {
    let refuse = |code, why: &str| Err(CoapMessage::diagnostic(code, why));
    if request.code() != CoapCode::GET {
        return refuse(CoapCode::NOT_ALLOWED, "this can only be read: expected GET");
    }
    let accept = request.uint(option::ACCEPT);
    if accept.is_some_and(|accept| accept != u32::from(LINK)) {
        return refuse(CoapCode::NOT_ACCEPTABLE, "this is application/link-format (40)");
    }
    let requested = request.block(option::BLOCK2)?;
    let wanted = requested.unwrap_or(BlockOption::new(0, BlockSize::MEDIUM));
    let Some(block) = wanted.within(LINKS.len() as u64) else {
        return refuse(
            CoapCode::BAD_REQUEST,
            &format!("this ends at byte {}", LINKS.len()),
        );
    };
    let answer = CoapMessage::draft(CoapCode::CONTENT)
        .with_uint(option::CONTENT_FORMAT, LINK.into())
        .with_payload(block.slice(LINKS.as_bytes()).to_vec());
    Ok(match requested {
        Some(_) => answer.with_block(option::BLOCK2, block),
        None => answer,
    })
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
