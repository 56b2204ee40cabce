//! RFC 3161: a request for a time stamp, for a laboratory without Internet to carry to an authority, and its answer.
//!
//! The imprint is the SHA-256 of the signature's bytes, as a Sigstore bundle has it; the signature is over everything else.
//! What is checked: that the answer was granted, that it is for this signature and this request, and that its signed
//! attributes are those of its contents. The authority's own signature and certificate are *not* checked here: for that one
//! needs to trust the authority first, and `openssl ts -verify` does it (`docs/evidence.md`).

use crate::digest::hex;
use der::asn1::{Any, AnyRef, Int, ObjectIdentifier, OctetString};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};
use dfota_core::escape::readable as readable_bytes;
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256, Sha384, Sha512};
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use x509_cert::Certificate;

/// Longest answer that is read, in bytes; they have a few thousand, with certificates.
pub const LONGEST: u64 = 1 << 20;

const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
/// RFC 5652 §5.1.
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// RFC 3161 §2.4.2.
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// RFC 5652 §11.2.
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct Algorithm {
    oid: ObjectIdentifier,
    #[asn1(optional = "true")]
    parameters: Option<Any>,
}

/// RFC 3161 §2.4.1, `MessageImprint`.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct Imprint {
    algorithm: Algorithm,
    digest: OctetString,
}

/// RFC 3161 §2.4.1, `TimeStampReq`, without what is never asked for.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct StampRequest {
    version: u8,
    imprint: Imprint,
    nonce: Int,
    cert_req: bool,
}

/// What is read of a token (RFC 5652 §5.1, §5.3).
struct StampToken<'a> {
    info: &'a [u8],
    certificates: Vec<AnyRef<'a>>,
    /// The signer's digest algorithm and its signed attributes.
    digest: ObjectIdentifier,
    attributes: Vec<AnyRef<'a>>,
}

/// What an authority said about a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeStamp {
    /// When, in UTC, to the second: `2026-11-22T14:30:05Z`.
    pub time: String,
    /// Its name: the subject of its certificate, or `an authority that does not name itself`.
    pub by: String,
    /// The policy by which it was given.
    pub policy: String,
    /// The number that the authority gave it, in hex.
    pub serial: String,
    nonce: Option<Int>,
}

/// A time stamp that could not be requested, or an answer that does not fit.
#[derive(Debug, thiserror::Error)]
pub enum TimeStampError {
    #[error("cannot get random numbers from the system: {0}")]
    NoRandom(rustix::io::Errno),
    #[error("the request is damaged: {0}")]
    Request(der::Error),
    #[error(
        "the nonce of the answer is not that of the request: it answers another one; attach the answer to the newest request"
    )]
    Nonce,
    #[error("expected an RFC 3161 time stamp response in DER: {0}")]
    Response(der::Error),
    #[error("expected an RFC 3161 time stamp response of a status and a token, found {0} parts")]
    Parts(usize),
    #[error("the answer has no status")]
    NoStatus,
    #[error("the authority refused, with status {status}: {text}")]
    Refused { status: u8, text: String },
    #[error("the request was granted, but the answer has no time stamp in it")]
    NoToken,
    #[error("digest `{0}`, expected one of SHA-2")]
    Digest(ObjectIdentifier),
    #[error("the digest that the authority signed does not match the time stamp: the time stamp was changed")]
    Changed,
    #[error("a damaged time stamp: {0}")]
    Contents(der::Error),
    #[error("a damaged time stamp: expected at least five values in it, found {0}")]
    Incomplete(usize),
    #[error("it belongs to another signature")]
    OtherSignature,
    #[error("its time is invalid: expected one as in `20261122143005Z`")]
    Time,
}

/// A request for this signature, in DER, with a nonce of its own.
pub fn request(signature: &[u8]) -> Result<Vec<u8>, TimeStampError> {
    let mut nonce = [0; 8];
    getrandom(&mut nonce, GetRandomFlags::empty()).map_err(TimeStampError::NoRandom)?;
    // Positive, and of the same length each time.
    nonce[0] = nonce[0] & 0x3f | 0x40;
    let encode = || {
        StampRequest {
            version: 1,
            imprint: Imprint {
                algorithm: Algorithm {
                    oid: SHA_256,
                    parameters: Some(Any::null()),
                },
                digest: OctetString::new(Sha256::digest(signature).to_vec())?,
            },
            nonce: Int::new(&nonce)?,
            cert_req: true,
        }
        .to_der()
    };
    encode().map_err(TimeStampError::Request)
}

/// Checks an answer against the request that it is for.
pub fn answered(request: &[u8], answer: &[u8], signature: &[u8]) -> Result<TimeStamp, TimeStampError> {
    let stamp = read(answer, signature)?;
    let request = StampRequest::from_der(request).map_err(TimeStampError::Request)?;
    if stamp.nonce.as_ref() == Some(&request.nonce) {
        Ok(stamp)
    } else {
        Err(TimeStampError::Nonce)
    }
}

/// Reads an answer and checks what can be checked without trusting anybody.
pub fn read(answer: &[u8], signature: &[u8]) -> Result<TimeStamp, TimeStampError> {
    let response = inside(answer, Tag::Sequence).map_err(TimeStampError::Response)?;
    let (status, token) = match response[..] {
        [status] => (status, None),
        [status, token] => (status, Some(token)),
        _ => return Err(TimeStampError::Parts(response.len())),
    };
    granted(status)?;
    let token = token.ok_or(TimeStampError::NoToken)?;
    let token = opened(token).map_err(TimeStampError::Response)?;
    attributes_fit(&token)?;
    let mut stamp = contents(token.info, signature)?;
    if let Some(name) = name_of(&token.certificates) {
        stamp.by = name;
    }
    Ok(stamp)
}

/// The values inside of one that is constructed and has to have this tag.
fn inside(bytes: &[u8], tag: Tag) -> der::Result<Vec<AnyRef<'_>>> {
    let outer = AnyRef::from_der(bytes)?;
    outer.tag().assert_eq(tag)?;
    items(outer)
}

fn items(outer: AnyRef<'_>) -> der::Result<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(outer.value())?;
    let mut items = Vec::new();
    while !reader.is_finished() {
        items.push(reader.decode()?);
    }
    Ok(items)
}

fn is_tagged(item: &AnyRef<'_>, number: u32) -> bool {
    matches!(item.tag(), Tag::ContextSpecific { number: found, .. } if found.value() == number)
}

fn unexpected(tag: Tag) -> der::Error {
    tag.value_error().into()
}

/// Goes through the signed data of a token.
fn opened(token: AnyRef<'_>) -> der::Result<StampToken<'_>> {
    let [kind, content] = items(token)?[..] else {
        return Err(unexpected(token.tag()));
    };
    if kind.decode_as::<ObjectIdentifier>()? != SIGNED_DATA {
        return Err(unexpected(kind.tag()));
    }
    let [signed] = items(content)?[..] else {
        return Err(unexpected(content.tag()));
    };
    let parts = items(signed)?;
    let [_version, _digests, contents, optional @ .., signers] = &parts[..] else {
        return Err(unexpected(signed.tag()));
    };
    let certificates = optional.iter().find(|item| is_tagged(item, 0));
    let [signer] = items(*signers)?[..] else {
        return Err(unexpected(signers.tag()));
    };
    let (digest, attributes) = of_signer(signer)?;
    Ok(StampToken {
        info: info_of(*contents)?,
        certificates: certificates.map_or(Ok(Vec::new()), |item| items(*item))?,
        digest,
        attributes,
    })
}

fn info_of(contents: AnyRef<'_>) -> der::Result<&[u8]> {
    let [kind, content] = items(contents)?[..] else {
        return Err(unexpected(contents.tag()));
    };
    if kind.decode_as::<ObjectIdentifier>()? != TST_INFO {
        return Err(unexpected(kind.tag()));
    }
    let [octets] = items(content)?[..] else {
        return Err(unexpected(content.tag()));
    };
    octets.tag().assert_eq(Tag::OctetString)?;
    Ok(octets.value())
}

fn of_signer(signer: AnyRef<'_>) -> der::Result<(ObjectIdentifier, Vec<AnyRef<'_>>)> {
    let parts = items(signer)?;
    let [_version, _id, digest, attributes, ..] = &parts[..] else {
        return Err(unexpected(signer.tag()));
    };
    let attributes = if is_tagged(attributes, 0) {
        items(*attributes)?
    } else {
        Vec::new()
    };
    Ok((digest.decode_as::<Algorithm>()?.oid, attributes))
}

/// RFC 3161 §2.4.2: 0 granted, 1 granted with modifications; anything else is a refusal.
fn granted(status: AnyRef<'_>) -> Result<(), TimeStampError> {
    let number = items(status)
        .ok()
        .and_then(|items| items.first()?.decode_as::<u8>().ok());
    match number {
        Some(0 | 1) => Ok(()),
        Some(number) => Err(TimeStampError::Refused {
            status: number,
            text: readable(status.value()).join(" "),
        }),
        None => Err(TimeStampError::NoStatus),
    }
}

/// Runs of letters in a status: its free text.
fn readable(bytes: &[u8]) -> Vec<String> {
    let runs = bytes.split(|byte| !(byte.is_ascii_graphic() || *byte == b' '));
    runs.filter(|run| run.len() > 4)
        .map(|run| String::from_utf8_lossy(run).into_owned())
        .collect()
}

/// The signature of the authority is over the attributes; these hold the digest of the contents.
fn attributes_fit(token: &StampToken<'_>) -> Result<(), TimeStampError> {
    let digest = match token.digest {
        SHA_256 => Sha256::digest(token.info).to_vec(),
        SHA_384 => Sha384::digest(token.info).to_vec(),
        SHA_512 => Sha512::digest(token.info).to_vec(),
        other => return Err(TimeStampError::Digest(other)),
    };
    let said = |attribute: &AnyRef<'_>| {
        let [kind, values] = items(*attribute).ok()?[..] else {
            return None;
        };
        let kind: ObjectIdentifier = kind.decode_as().ok()?;
        let value = *items(values).ok()?.first()?;
        (kind == MESSAGE_DIGEST).then(|| value.value().to_vec())
    };
    match token.attributes.iter().find_map(said) {
        Some(said) if said == digest => Ok(()),
        _ => Err(TimeStampError::Changed),
    }
}

/// RFC 3161 §2.4.2, `TSTInfo`: version, policy, imprint, serial number, time, and optional things of which the nonce is read.
fn contents(info: &[u8], signature: &[u8]) -> Result<TimeStamp, TimeStampError> {
    let damaged = TimeStampError::Contents;
    let parts = inside(info, Tag::Sequence).map_err(damaged)?;
    let [_version, policy, imprint, serial, time, more @ ..] = &parts[..] else {
        return Err(TimeStampError::Incomplete(parts.len()));
    };
    let policy: ObjectIdentifier = policy.decode_as().map_err(damaged)?;
    let imprint: Imprint = imprint.decode_as().map_err(damaged)?;
    let nonce = more.iter().find(|item| item.tag() == Tag::Integer);
    let nonce = nonce
        .map(|item| item.decode_as::<Int>())
        .transpose()
        .map_err(damaged)?;
    if imprint.algorithm.oid != SHA_256 || imprint.digest.as_bytes() != Sha256::digest(signature).as_slice() {
        return Err(TimeStampError::OtherSignature);
    }
    Ok(TimeStamp {
        time: readable_time(time.value()).ok_or(TimeStampError::Time)?,
        by: "an authority that does not name itself".into(),
        policy: policy.to_string(),
        serial: hex(serial.value()),
        nonce,
    })
}

/// `20261122143005Z`, also with a fraction, as RFC 3339.
fn readable_time(bytes: &[u8]) -> Option<String> {
    const FORM: &[BorrowedFormatItem<'_>] =
        format_description!("[year][month][day][hour][minute][second][optional [.[subsecond]]]Z");
    let text = std::str::from_utf8(bytes).ok()?;
    let time = PrimitiveDateTime::parse(text, FORM).ok()?;
    time.assume_utc().format(&Rfc3339).ok()
}

/// The subject of the first certificate that is none of an authority over others.
fn name_of(certificates: &[AnyRef<'_>]) -> Option<String> {
    let read = certificates
        .iter()
        .filter_map(|any| Certificate::from_der(&any.to_der().ok()?).ok());
    let read: Vec<Certificate> = read.collect();
    let issues = |one: &Certificate| {
        let subject = one.tbs_certificate().subject();
        read.iter()
            .any(|other| other != one && other.tbs_certificate().issuer() == subject)
    };
    let signer = read.iter().find(|one| !issues(one)).or(read.first())?;
    Some(readable_bytes(
        signer.tbs_certificate().subject().to_string().as_bytes(),
    ))
}
