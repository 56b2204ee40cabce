//! The answer to a request for a package: one block of it (RFC 7959 §2.4), and what the faults make of that. Stateless:
//! every block can be asked for at any time, in any size.

use super::package::CoapPackage;
use super::package::downloads::ServedBlock;
use bc66_spec::lwm2m::format::OPAQUE;
use dfota_core::coap::{BlockOption, BlockSize, CoapCode, CoapMessage, option};
use dfota_core::fault::CoapFaults;
use dfota_core::percent::Percent;

/// The size of blocks where the client asks for none: fits every link without fragments.
const SIZE_DEFAULT: BlockSize = BlockSize::MEDIUM;

#[derive(Debug)]
pub(super) struct FileAnswer {
    pub(super) message: CoapMessage,
    /// The block that it holds, where it holds one.
    pub(super) served: Option<ServedBlock>,
    /// The faults that shaped it.
    pub(super) faults: Vec<String>,
}

impl From<CoapMessage> for FileAnswer {
    /// An answer without a block.
    fn from(message: CoapMessage) -> Self {
        Self {
            message,
            served: None,
            faults: Vec::new(),
        }
    }
}

/// The share from which on the fault `stop_at` leaves requests without an answer, where this is such a request.
pub(super) fn stopped_at(
    package: &CoapPackage,
    request: &CoapMessage,
    faults: &CoapFaults,
) -> Option<Percent> {
    let offset = match request.block(option::BLOCK2) {
        Ok(Some(block)) => block.offset(),
        _ => 0,
    };
    faults.stop_at.filter(|share| offset >= share.of(package.len()))
}

pub(super) fn answer(package: &CoapPackage, request: &CoapMessage, faults: &CoapFaults) -> FileAnswer {
    try_answer(package, request, faults).unwrap_or_else(FileAnswer::from)
}

/// The same; an error is the refusal.
fn try_answer(
    package: &CoapPackage,
    request: &CoapMessage,
    faults: &CoapFaults,
) -> Result<FileAnswer, CoapMessage> {
    let refuse = |code, why| Err(CoapMessage::diagnostic(code, why));
    if request.code() != CoapCode::GET {
        return refuse(CoapCode::NOT_ALLOWED, "a package can only be read: expected GET");
    }
    if faults.not_found {
        return Ok(FileAnswer {
            faults: vec!["answered 4.04".to_owned()],
            ..CoapMessage::draft(CoapCode::NOT_FOUND).into()
        });
    }
    let requested = request.block(option::BLOCK2)?;
    let accept = request.uint(option::ACCEPT);
    if accept.is_some_and(|accept| accept != u32::from(OPAQUE)) {
        return refuse(
            CoapCode::NOT_ACCEPTABLE,
            "a package is application/octet-stream (42)",
        );
    }
    // With a later block, the tag is that of the blocks before and asks for no validation.
    let first = requested.is_none_or(|requested| requested.number == 0);
    let etag = &package.protocol.etag;
    if first && request.options(option::ETAG).any(|tag| tag == etag) {
        let valid = CoapMessage::draft(CoapCode::VALID).with(option::ETAG, etag);
        return Ok(valid.into());
    }
    block(
        package,
        request,
        requested.unwrap_or(BlockOption::new(0, SIZE_DEFAULT)),
        faults,
    )
}

fn block(
    package: &CoapPackage,
    request: &CoapMessage,
    requested: BlockOption,
    faults: &CoapFaults,
) -> Result<FileAnswer, CoapMessage> {
    let mut traces = Vec::new();
    let limit = faults
        .max_block
        .and_then(|bytes| BlockSize::from_bytes(bytes.into()));
    let smaller = requested.at_most(limit.unwrap_or(BlockSize::MAX));
    let Some(block) = smaller.and_then(|block| block.within(package.len())) else {
        let why = format!("the package ends at byte {}", package.len());
        return Err(CoapMessage::diagnostic(CoapCode::BAD_REQUEST, &why));
    };
    if block.size < requested.size {
        traces.push(format!(
            "blocks of {} instead of {}",
            block.size.bytes(),
            requested.size.bytes()
        ));
    }
    let mut etag = package.protocol.etag;
    let changed = faults.change_etag_at;
    if let Some(share) = changed.filter(|share| block.offset() >= share.of(package.len())) {
        etag[0] ^= 0xFF;
        traces.push(format!("changed the ETag at {share}"));
    }
    let mut message = CoapMessage::draft(CoapCode::CONTENT)
        .with(option::ETAG, &etag)
        .with_uint(option::CONTENT_FORMAT, OPAQUE.into());
    if request.option(option::BLOCK2).is_some() || block.more {
        message = message.with_block(option::BLOCK2, block);
    }
    if block.number == 0 || request.option(option::SIZE2).is_some() {
        message = message.with_uint(option::SIZE2, u32::try_from(package.len()).unwrap_or(u32::MAX));
    }
    let bytes = block.slice(&package.bytes);
    let end = block.offset() + bytes.len() as u64;
    Ok(FileAnswer {
        message: message.with_payload(bytes.to_vec()),
        served: Some(ServedBlock { block, end }),
        faults: traces,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coap::package::Coap;
    use bytes::Bytes;
    use dfota_core::seed::Seed;
    use rstest::rstest;
    use std::sync::Arc;

    fn package(len: usize) -> CoapPackage {
        let bytes: Bytes = (0..len).map(|at| at as u8).collect();
        let protocol = Coap::new(&bytes, Seed(1), Arc::new(|_| {}));
        CoapPackage::new("/p".into(), bytes, CoapFaults::default(), protocol)
    }

    fn get(block: &[u8]) -> CoapMessage {
        CoapMessage::request(CoapCode::GET, "p").with(option::BLOCK2, block)
    }

    #[rstest]
    #[case(100, get(&[0x02]), "2.05 0/1/64 0..64")]
    #[case(100, get(&[0x12]), "2.05 1/0/64 64..100")]
    #[case(128, get(&[0x12]), "2.05 1/0/64 64..128")]
    #[case(128, get(&[0x1A]), "2.05 1/0/64 64..128")]
    #[case(100, get(&[0x22]), "4.00")]
    #[case(128, get(&[0x22]), "4.00")]
    #[case(100, get(&[0xFF, 0xFF, 0xF6]), "4.00")]
    #[case(100, get(&[0x07]), "4.00")]
    #[case(0, get(&[0x02]), "2.05 0/0/64 0..0")]
    #[case(0, get(&[0x12]), "4.00")]
    #[case(100, CoapMessage::request(CoapCode::GET, "p"), "2.05 - 0..100")]
    #[case(1000, CoapMessage::request(CoapCode::GET, "p"), "2.05 0/1/512 0..512")]
    #[case(100, get(&[]).with_uint(option::ACCEPT, 42), "2.05 0/1/16 0..16")]
    #[case(100, get(&[]).with_uint(option::ACCEPT, 0), "4.06")]
    #[case(100, CoapMessage::request(CoapCode::PUT, "p"), "4.05")]
    fn answers(#[case] len: usize, #[case] request: CoapMessage, #[case] expected: &str) {
        let package = package(len);
        let answer = answer(&package, &request, &CoapFaults::default());
        let code = answer.message.code();
        let shown = match answer.served {
            None => code.to_string(),
            Some(ServedBlock { block, end }) => {
                assert_eq!(
                    answer.message.payload(),
                    &package.bytes[block.offset() as usize..end as usize]
                );
                assert_eq!(
                    answer.message.option(option::ETAG),
                    Some(&package.protocol.etag[..])
                );
                let option = answer.message.block(option::BLOCK2).unwrap();
                let shown = option.map_or("-".to_owned(), |option| option.to_string());
                format!("{code} {shown} {}..{end}", block.offset())
            }
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_copy_that_is_still_good_is_not_sent_again() {
        let package = package(100);
        let ask = |request: CoapMessage| answer(&package, &request, &CoapFaults::default()).message.code();
        let tagged = |request: CoapMessage| request.with(option::ETAG, &package.protocol.etag);
        assert_eq!(
            ask(tagged(CoapMessage::request(CoapCode::GET, "p"))),
            CoapCode::VALID
        );
        assert_eq!(ask(tagged(get(&[0x10]))), CoapCode::CONTENT, "a later block");
        assert_eq!(
            ask(CoapMessage::request(CoapCode::GET, "p").with(option::ETAG, b"other")),
            CoapCode::CONTENT
        );
    }
}
