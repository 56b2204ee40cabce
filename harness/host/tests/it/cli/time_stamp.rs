//! A time stamp, from an authority made with `openssl ts`; skipped where `openssl` is missing.

use crate::lab::Lab;
use serde_json::Value;
use std::process::Command;

/// What an authority needs to know of itself.
const AUTHORITY: &str = "
[req]
distinguished_name = name
x509_extensions = stamps
prompt = no
[name]
CN = Lab Clock
O = Example Time
[stamps]
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
signer_cert = tsa.crt
certs = tsa.crt
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
tsa_name = yes
";

struct Authority;

impl Authority {
    /// `None`, said aloud, where there can be none.
    fn found(lab: &Lab) -> Option<Self> {
        if !Command::new("openssl")
            .arg("version")
            .output()
            .is_ok_and(|output| output.status.success())
        {
            eprintln!("skipped: `openssl` is not installed");
            return None;
        }
        lab.write("tsa.cnf", AUTHORITY);
        openssl(
            lab,
            "req -x509 -newkey rsa:2048 -nodes -config tsa.cnf -keyout tsa.key -out tsa.crt -days 2",
        );
        Some(Self)
    }

    /// Answers a request.
    fn answer(&self, lab: &Lab, request: &str, to: &str) {
        openssl(
            lab,
            &format!("ts -reply -config tsa.cnf -queryfile {request} -out {to}"),
        );
    }
}

#[track_caller]
fn openssl(lab: &Lab, args: &str) -> String {
    let mut command = Command::new("openssl");
    let output = command
        .args(args.split(' '))
        .current_dir(lab.path(""))
        .output()
        .expect("openssl");
    assert!(
        output.status.success(),
        "openssl {args}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn lab() -> Lab {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite("cases:\n  - name: clean\n    update: {package: a-to-b, via: http}\n");
    lab.run(&["keygen", "--out", "lab.pem"]).ends(0);
    lab.run(&lab.arguments(&["--sign", "lab.pem"])).ends(0);
    lab
}

#[test]
fn requested_answered_attached() {
    let lab = lab();
    let Some(authority) = Authority::found(&lab) else {
        return;
    };
    lab.run(&["evidence", "timestamp-request", "out"]).ends(0);
    let request = openssl(&lab, "ts -query -in out/evidence.tsq -text");
    assert!(request.contains("Hash Algorithm: sha256"), "{request}");
    assert!(request.contains("Certificate required: yes"), "{request}");
    authority.answer(&lab, "out/evidence.tsq", "good.tsr");
    lab.run(&["verify", "out"]).ends(0);
    let ran = lab
        .run(&["evidence", "timestamp-attach", "out", "good.tsr"])
        .ends(0);
    assert!(ran.stdout.contains("Lab Clock"), "{}", ran.stdout);
    for path in ["out", "out/evidence.tar.zst"] {
        let ran = lab.run(&["verify", path, "--key", "lab.pub.pem"]).ends(0);
        for part in [
            "time-stamped 20",
            "CN=Lab Clock",
            "policy 1.2.3.4.1",
            "NOT CHECKED: the authority's own signature",
        ] {
            assert!(ran.stdout.contains(part), "no `{part}` in {}", ran.stdout);
        }
    }
    let ran = lab.run(&["verify", "out", "--json"]).ends(0);
    let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(json["time_stamp"]["authority_checked"], false);
    // Made again, it is still there; signed by another key, it is not: it was for the other signature.
    lab.run(&["report", "out"]).ends(0);
    lab.run(&["report", "out", "--sign", "lab.pem"]).ends(0);
    let ran = lab.run(&["verify", "out"]).ends(0);
    assert!(ran.stdout.contains("time-stamped 20"), "{}", ran.stdout);
    lab.run(&["keygen", "--out", "other.pem"]).ends(0);
    lab.run(&["report", "out", "--sign", "other.pem"]).ends(0);
    let ran = lab.run(&["verify", "out"]).ends(0);
    assert!(ran.stdout.contains("not time-stamped"), "{}", ran.stdout);
}

#[test]
fn answers_that_are_none() {
    let lab = lab();
    let Some(authority) = Authority::found(&lab) else {
        return;
    };
    let refused = |answer: &str, told: &str| {
        let before = std::fs::read(lab.path("out/evidence.tar.zst")).expect("a bundle");
        let ran = lab.run(&["evidence", "timestamp-attach", "out", answer]).ends(2);
        assert!(ran.stderr.contains(told), "{answer}: {}", ran.stderr);
        assert!(std::fs::read(lab.path("out/evidence.tar.zst")).expect("a bundle") == before);
    };
    lab.write("empty.tsr", "");
    refused("empty.tsr", "timestamp-request` writes it");
    lab.run(&["evidence", "timestamp-request", "out"]).ends(0);
    refused("empty.tsr", "expected an RFC 3161 time stamp response");
    refused("lab.pub.pem", "expected an RFC 3161 time stamp response");
    refused("nowhere.tsr", "No such file");
    // The answer to a request before this one.
    authority.answer(&lab, "out/evidence.tsq", "older.tsr");
    lab.run(&["evidence", "timestamp-request", "out"]).ends(0);
    refused("older.tsr", "the nonce of the answer");
    // For something else.
    openssl(&lab, "ts -query -data rig.yaml -sha256 -cert -out else.tsq");
    authority.answer(&lab, "else.tsq", "else.tsr");
    refused("else.tsr", "it belongs to another signature");
    // A refusal: this authority knows SHA-256 alone.
    openssl(&lab, "ts -query -data rig.yaml -sha512 -cert -out refused.tsq");
    authority.answer(&lab, "refused.tsq", "refused.tsr");
    refused("refused.tsr", "the authority refused, with status 2");
    // Damaged anywhere in what is read.
    authority.answer(&lab, "out/evidence.tsq", "good.tsr");
    let good = std::fs::read(lab.path("good.tsr")).expect("an answer");
    let mut damaged = good.clone();
    let at = good
        .windows(5)
        .position(|bytes| bytes == b"Z\x30\x03\x02\x01")
        .expect("the time");
    damaged[at - 1] ^= 1;
    lab.write("damaged.tsr", &damaged);
    refused("damaged.tsr", "the time stamp was changed");
    for at in 0..good.len() {
        lab.write("cut.tsr", &good[..at]);
        if at % 97 == 0 {
            refused("cut.tsr", "answer `cut.tsr`: ");
        }
    }
    lab.run(&["evidence", "timestamp-attach", "out", "good.tsr"])
        .ends(0);
}

#[test]
fn an_unsigned_run_has_nothing_to_stamp() {
    let lab = lab();
    std::fs::remove_dir_all(lab.path("out")).expect("a folder");
    lab.run(&lab.arguments(&[])).ends(0);
    let ran = lab.run(&["evidence", "timestamp-request", "out"]).ends(2);
    assert!(ran.stderr.contains("report --sign KEY out"), "{}", ran.stderr);
}
