//! The answer to a request for a package: one block of it (RFC 7959 §2.4), and what the faults make of that. Stateless:
//! every block can be asked for at any time, in any size.

use super::place::Place;
use dfota_core::coap::{BlockError, BlockOption, BlockSize, CoapCode, CoapMessage, option};
use dfota_core::fault::CoapFaults;

/// The size of blocks where the client asks for none: fits every link without fragments.
const SIZE_DEFAULT: BlockSize = BlockSize::MEDIUM;

#[derive(Debug)]
pub(super) struct FileAnswer {
    pub(super) message: CoapMessage,
    /// The block that it holds and the offset behind its last byte, where it holds one.
    pub(super) block: Option<(BlockOption, u64)>,
    /// The faults that shaped it.
    pub(super) faults: Vec<String>,
}

impl FileAnswer {
    fn refused(code: CoapCode, why: &str) -> Self {
        Self {
            message: CoapMessage::diagnostic(code, why),
            block: None,
            faults: Vec::new(),
        }
    }
}

/// Whether the fault `stop_at` leaves this request without an answer.
pub(super) fn is_stopped(place: &Place, request: &CoapMessage, faults: &CoapFaults) -> bool {
    let offset = match request.block(option::BLOCK2) {
        Ok(Some(block)) => block.offset(),
        _ => 0,
    };
    faults
        .stop_at
        .is_some_and(|share| offset >= share.of(place.len()))
}

/// Answers a request for a package.
pub(super) fn answer(place: &Place, request: &CoapMessage, faults: &CoapFaults) -> FileAnswer {
    if request.code() != CoapCode::GET {
        return FileAnswer::refused(CoapCode::NOT_ALLOWED, "a package can only be got");
    }
    if faults.not_found {
        let mut answer = FileAnswer::refused(CoapCode::NOT_FOUND, "");
        answer.faults.push("answered 4.04".to_owned());
        return answer;
    }
    let asked = match request.block(option::BLOCK2) {
        Ok(asked) => asked,
        Err(BlockError::ReservedSize) => {
            return FileAnswer::refused(CoapCode::BAD_REQUEST, "block size 7 is reserved");
        }
        Err(BlockError::TooLong) => {
            return FileAnswer::refused(CoapCode::BAD_OPTION, "a block option has 3 bytes at most");
        }
    };
    let accept = request.uint(option::ACCEPT);
    if accept.is_some_and(|accept| accept != u32::from(bc66_spec::lwm2m::format::OPAQUE)) {
        return FileAnswer::refused(CoapCode::NOT_ACCEPTABLE, "a package is application/octet-stream");
    }
    // A tag with a later block is that of the blocks before: no question whether a copy is still good.
    let whole = asked.is_none_or(|asked| asked.number == 0);
    if whole && request.options(option::ETAG).any(|etag| etag == place.etag) {
        let message = CoapMessage::draft(CoapCode::VALID).with(option::ETAG, &place.etag);
        return FileAnswer {
            message,
            block: None,
            faults: Vec::new(),
        };
    }
    block(
        place,
        request,
        asked.unwrap_or(BlockOption::first(SIZE_DEFAULT)),
        faults,
    )
}

fn block(place: &Place, request: &CoapMessage, asked: BlockOption, faults: &CoapFaults) -> FileAnswer {
    let mut traces = Vec::new();
    let limit = faults
        .max_block
        .and_then(|bytes| BlockSize::of_bytes(bytes.into()));
    let limit = limit.unwrap_or(BlockSize::MAX);
    let Some((block, range)) = asked.at_most(limit).and_then(|block| block.of(place.len())) else {
        let why = format!("the package ends at byte {}", place.len());
        return FileAnswer::refused(CoapCode::BAD_REQUEST, &why);
    };
    if block.size < asked.size {
        traces.push(format!(
            "blocks of {} instead of {}",
            block.size.bytes(),
            asked.size.bytes()
        ));
    }
    let mut etag = place.etag;
    let changed = faults
        .change_etag_at
        .filter(|share| range.start >= share.of(place.len()));
    if let Some(share) = changed {
        etag[0] ^= 0xFF;
        traces.push(format!("changed the ETag at {share}"));
    }
    let mut message = CoapMessage::draft(CoapCode::CONTENT)
        .with(option::ETAG, &etag)
        .with_uint(option::CONTENT_FORMAT, bc66_spec::lwm2m::format::OPAQUE.into());
    let in_blocks = request.option(option::BLOCK2).is_some() || block.more;
    if in_blocks {
        message = message.with_block(option::BLOCK2, block);
    }
    if block.number == 0 || request.option(option::SIZE2).is_some() {
        message = message.with_uint(option::SIZE2, u32::try_from(place.len()).unwrap_or(u32::MAX));
    }
    let bytes = &place.package[range.start as usize..range.end as usize];
    FileAnswer {
        message: message.with_payload(bytes.to_vec()),
        block: Some((block, range.end)),
        faults: traces,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use dfota_core::percent::Percent;
    use dfota_core::seed::Seed;
    use rstest::rstest;

    fn place(len: usize) -> Place {
        let package: Bytes = (0..len).map(|at| at as u8).collect();
        Place::new("/p".into(), package, CoapFaults::default(), Seed(1))
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
        let place = place(len);
        let answer = answer(&place, &request, &CoapFaults::default());
        let code = answer.message.code();
        let shown = match answer.block {
            None => code.to_string(),
            Some((block, end)) => {
                assert_eq!(
                    answer.message.payload(),
                    &place.package[block.offset() as usize..end as usize]
                );
                assert_eq!(answer.message.option(option::ETAG), Some(&place.etag[..]));
                let option = answer.message.block(option::BLOCK2).unwrap();
                let shown = option.map_or("-".to_owned(), |option| option.to_string());
                format!("{code} {shown} {}..{end}", block.offset())
            }
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_copy_that_is_still_good_is_not_sent_again() {
        let place = place(100);
        let ask = |request: CoapMessage| answer(&place, &request, &CoapFaults::default()).message.code();
        let tagged = |request: CoapMessage| request.with(option::ETAG, &place.etag);
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

    #[test]
    fn faults_shape_the_answer_and_say_so() {
        let place = place(1000);
        let half = Percent::new(50);
        let faults = CoapFaults {
            max_block: Some(64),
            change_etag_at: half,
            stop_at: Percent::new(90),
            ..CoapFaults::default()
        };
        let early = answer(&place, &get(&[0x05]), &faults);
        assert_eq!(early.faults, ["blocks of 64 instead of 512"]);
        assert_eq!(early.message.option(option::ETAG), Some(&place.etag[..]));
        let late = answer(&place, &get(&[0x15]), &faults);
        assert_eq!(
            late.block.map(|(block, _)| block.to_string()).as_deref(),
            Some("8/1/64")
        );
        assert_ne!(late.message.option(option::ETAG), Some(&place.etag[..]));
        assert_eq!(late.faults[1], "changed the ETag at 50%");
        assert!(!is_stopped(&place, &get(&[0xD2]), &faults) && is_stopped(&place, &get(&[0xF2]), &faults));
        let gone = CoapFaults {
            not_found: true,
            ..CoapFaults::default()
        };
        assert_eq!(
            answer(&place, &get(&[]), &gone).message.code(),
            CoapCode::NOT_FOUND
        );
    }
}
