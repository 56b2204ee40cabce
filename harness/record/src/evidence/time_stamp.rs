//! RFC 3161: a request for a time stamp, for a laboratory without Internet to carry to an authority, and its answer.
//!
//! The imprint is the SHA-256 of the signature's bytes, as a Sigstore bundle has it; the signature is over everything else.
//! What is looked at: that the answer was granted, that it is for this signature and this request, and that its signed
//! attributes are those of its contents. The authority's own signature and certificate are *not* checked here: for that one
//! needs to trust the authority first, and `openssl ts -verify` does it (`docs/evidence.md`).

use crate::digest::hex;
use der::asn1::{Any, AnyRef, Int, ObjectIdentifier, OctetString};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};
use dfota_core::escape::readable as readable_bytes;
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256, Sha384, Sha512};
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
struct Request {
    version: u8,
    imprint: Imprint,
    nonce: Int,
    cert_req: bool,
}

/// What is read of a token (RFC 5652 §5.1, §5.3).
struct Token<'a> {
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

/// A request for this signature, in DER, with a nonce of its own.
pub fn request(signature: &[u8]) -> Result<Vec<u8>, String> {
    let mut nonce = [0; 8];
    getrandom(&mut nonce, GetRandomFlags::empty())
        .map_err(|why| format!("the system gives no random numbers: {why}"))?;
    // Positive, and of the same length each time.
    nonce[0] = nonce[0] & 0x3f | 0x40;
    let encode = || {
        Request {
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
    encode().map_err(|why: der::Error| why.to_string())
}

/// Whether a request is one for this signature.
pub fn is_request_for(request: &[u8], signature: &[u8]) -> bool {
    Request::from_der(request)
        .is_ok_and(|request| request.imprint.digest.as_bytes() == Sha256::digest(signature).as_slice())
}

/// Checks an answer against the request that it is for.
pub fn answered(request: &[u8], answer: &[u8], signature: &[u8]) -> Result<TimeStamp, String> {
    let stamp = read(answer, signature)?;
    let request = Request::from_der(request).map_err(|why| format!("the request is damaged: {why}"))?;
    if stamp.nonce.as_ref() == Some(&request.nonce) {
        Ok(stamp)
    } else {
        Err(
        "the answer has another nonce than the request: it is the answer to another one; attach the answer to the newest request"
            .into(),
    )
    }
}

/// Reads an answer and checks what can be checked without trusting anybody.
pub fn read(answer: &[u8], signature: &[u8]) -> Result<TimeStamp, String> {
    let damaged = |why: der::Error| format!("no RFC 3161 time stamp response in DER: {why}");
    let response = inside(answer, Tag::Sequence).map_err(damaged)?;
    let (status, token) = match response[..] {
        [status] => (status, None),
        [status, token] => (status, Some(token)),
        _ => return Err("no RFC 3161 time stamp response: it has not one status and one token".into()),
    };
    granted(status)?;
    let token = token.ok_or("the answer was granted and has no time stamp in it")?;
    let token = opened(token).map_err(damaged)?;
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
fn opened(token: AnyRef<'_>) -> der::Result<Token<'_>> {
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
    Ok(Token {
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

/// RFC 3161 §2.4.2: 0 granted, 1 granted with modifications; whatever else is a refusal.
fn granted(status: AnyRef<'_>) -> Result<(), String> {
    let number = items(status)
        .ok()
        .and_then(|items| items.first()?.decode_as::<u8>().ok());
    match number {
        Some(0 | 1) => Ok(()),
        Some(number) => {
            let words = readable(status.value()).join(" ");
            Err(format!("the authority refused, with status {number}: {words}"))
        }
        None => Err("the answer has no status".into()),
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
fn attributes_fit(token: &Token<'_>) -> Result<(), String> {
    let digest = match token.digest {
        SHA_256 => Sha256::digest(token.info).to_vec(),
        SHA_384 => Sha384::digest(token.info).to_vec(),
        SHA_512 => Sha512::digest(token.info).to_vec(),
        other => return Err(format!("digest `{other}`, expected one of SHA-2")),
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
        _ => Err("the digest that the authority signed is not that of the time in it: it was changed".into()),
    }
}

/// RFC 3161 §2.4.2, `TSTInfo`: version, policy, imprint, serial number, time, and optional things of which the nonce is read.
fn contents(info: &[u8], signature: &[u8]) -> Result<TimeStamp, String> {
    let damaged = |why: der::Error| format!("a damaged time stamp: {why}");
    let parts = inside(info, Tag::Sequence).map_err(damaged)?;
    let [_version, policy, imprint, serial, time, more @ ..] = &parts[..] else {
        return Err("a damaged time stamp: something is missing in it".into());
    };
    let policy: ObjectIdentifier = policy.decode_as().map_err(damaged)?;
    let imprint: Imprint = imprint.decode_as().map_err(damaged)?;
    let nonce = more.iter().find(|item| item.tag() == Tag::Integer);
    let nonce = nonce
        .map(|item| item.decode_as::<Int>())
        .transpose()
        .map_err(damaged)?;
    if imprint.algorithm.oid != SHA_256 || imprint.digest.as_bytes() != Sha256::digest(signature).as_slice() {
        return Err("it is for something else than this signature".into());
    }
    Ok(TimeStamp {
        time: readable_time(time.value()).ok_or("a time that is none")?,
        by: "an authority that does not name itself".into(),
        policy: policy.to_string(),
        serial: hex(serial.value()),
        nonce,
    })
}

/// `20261122143005Z`, also with a fraction, as RFC 3339.
fn readable_time(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text, None), |(whole, part)| (whole, Some(part)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !fraction.is_none_or(digits) {
        return None;
    }
    let part = |from: usize, to: usize| &whole[from..to];
    let fraction = fraction.map_or(String::new(), |fraction| format!(".{fraction}"));
    Some(format!(
        "{}-{}-{}T{}:{}:{}{fraction}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    ))
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
