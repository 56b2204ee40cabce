//! The statement in a DSSE envelope (secure-systems-lab/dsse, v1.0.2), and that in a Sigstore bundle (v0.3).
//!
//! What is signed is the encoding of the payload's type and bytes before the payload is looked into; the key's name in an
//! envelope is a hint and trusted for nothing.

use super::public_key::PublicKey;
use super::signing_key::SigningKey;
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Type of the payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// Media type of the Sigstore bundle.
pub const SIGSTORE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// An envelope with one signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    payload: String,
    payload_type: String,
    signatures: [Signature; 1],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    keyid: String,
    sig: String,
}

/// An envelope that this program did not write.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error("expected a DSSE envelope with exactly one signature: {0}")]
    Json(#[from] serde_json::Error),
    #[error("payload type `{}`, expected `{PAYLOAD_TYPE}`", seen.escape_default())]
    PayloadType { seen: String },
}

/// The bytes that are signed for a payload (DSSE: "PAE").
pub fn signed_bytes(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    pub fn sign(payload: &[u8], key: &SigningKey) -> Self {
        let sig = key.sign(&signed_bytes(payload));
        Self {
            payload: Base64::encode_string(payload),
            payload_type: PAYLOAD_TYPE.into(),
            signatures: [Signature {
                keyid: key.public().id(),
                sig: Base64::encode_string(&sig),
            }],
        }
    }

    /// Reads one that this program wrote.
    pub fn read(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope: Self = serde_json::from_slice(bytes)?;
        if envelope.payload_type == PAYLOAD_TYPE {
            Ok(envelope)
        } else {
            let seen = envelope.payload_type;
            Err(EnvelopeError::PayloadType { seen })
        }
    }

    pub fn text(&self) -> String {
        line(serde_json::to_string(self))
    }

    pub fn payload(&self) -> Option<Vec<u8>> {
        Base64::decode_vec(&self.payload).ok()
    }

    /// The signature's bytes; a time stamp is over them.
    pub fn signature(&self) -> Option<Vec<u8>> {
        Base64::decode_vec(&self.signatures[0].sig).ok()
    }

    /// Which key it names.
    pub fn key_id(&self) -> &str {
        &self.signatures[0].keyid
    }

    /// Whether this key signed it.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let parts = self.payload().zip(self.signature());
        parts.is_some_and(|(payload, signature)| key.signed(&signed_bytes(&payload), &signature))
    }

    /// The Sigstore bundle's text; `time_stamp` is an answer of an RFC 3161 authority, in DER.
    pub fn sigstore(&self, time_stamp: Option<&[u8]>) -> String {
        let mut material = json!({ "publicKey": { "hint": self.key_id() }, "tlogEntries": [] });
        if let Some(answer) = time_stamp {
            let answer = Base64::encode_string(answer);
            material["timestampVerificationData"] =
                json!({ "rfc3161Timestamps": [{ "signedTimestamp": answer }] });
        }
        line(serde_json::to_string(&json!({
            "mediaType": SIGSTORE_TYPE,
            "verificationMaterial": material,
            "dsseEnvelope": self,
        })))
    }
}

/// The time stamp in a Sigstore bundle, in DER; `None` where there is none that could be read.
pub fn time_stamp_of(sigstore: &[u8]) -> Option<Vec<u8>> {
    let value: serde_json::Value = serde_json::from_slice(sigstore).ok()?;
    let stamps = &value["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"];
    Base64::decode_vec(stamps[0]["signedTimestamp"].as_str()?).ok()
}

fn line(text: serde_json::Result<String>) -> String {
    let mut text = text.unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_that_are_signed() {
        assert_eq!(
            signed_bytes(b"hello world"),
            b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"
        );
    }
}
