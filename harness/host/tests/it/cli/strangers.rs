//! Programs that others wrote agree: PyPI's `securesystemslib` about the envelope, `openssl` about the raw signature, by the
//! recipe of `docs/evidence.md`. Where one is missing, its test is skipped and says so.

use crate::lab::Lab;
use std::path::Path;
use std::process::{Command, Output};

const SECURESYSTEMSLIB: &str = "
import json, sys
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
envelope = Envelope.from_dict(json.load(open(sys.argv[1])))
key_id = next(iter(envelope.signatures))
public = load_pem_public_key(open(sys.argv[2], 'rb').read())
key = SSlibKey.from_crypto(public, keyid=key_id)
accepted = envelope.verify([key], 1)
assert list(accepted) == [key_id], accepted
statement = json.loads(envelope.payload)
assert statement['_type'] == 'https://in-toto.io/Statement/v1', statement
print(statement['predicate']['result'])
";

fn works(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .output()
        .is_ok_and(|output| output.status.success())
}

/// A signed run.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite("cases:\n  - name: clean\n    update: {package: a-to-b, via: http}\n");
    lab.run(&["keygen", "--out", "lab.pem"]).ends(0);
    lab.run(&lab.arguments(&["--sign", "lab.pem"])).ends(0);
    lab
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn securesystemslib_accepts_the_envelope() {
    if !works("python3", &["-c", "import securesystemslib.dsse, cryptography"]) {
        return eprintln!(
            "skipped: the Python packages `securesystemslib` and `cryptography` are not installed"
        );
    }
    let lab = lab();
    let verify = || {
        let mut command = Command::new("python3");
        command.args(["-c", SECURESYSTEMSLIB, "out/evidence.dsse.json", "lab.pub.pem"]);
        command.current_dir(lab.path("")).output().expect("python3")
    };
    let output = verify();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(text(&output), "PASSED\n");
    // It does look: another statement in the same envelope is refused.
    let envelope = lab.read("out/evidence.dsse.json");
    lab.write(
        "out/evidence.dsse.json",
        envelope.replacen("\"payload\":\"e", "\"payload\":\"f", 1),
    );
    assert!(!verify().status.success());
}

/// The commands of the documentation, as they stand there.
fn recipe(title: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/evidence.md");
    let page = std::fs::read_to_string(path).expect("docs/evidence.md");
    let (_, after) = page
        .split_once(title)
        .unwrap_or_else(|| panic!("no `{title}` in docs/evidence.md"));
    let (_, block) = after.split_once("```sh\n").expect("a block of commands");
    block.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn openssl_verifies_the_signature_by_the_recipe() {
    if !works("openssl", &["version"]) {
        return eprintln!("skipped: `openssl` is not installed");
    }
    let lab = lab();
    let recipe = recipe("### With openssl");
    let verify = || {
        let mut command = Command::new("sh");
        command.args(["-eu", "-c", &recipe]).current_dir(lab.path("out"));
        command.output().expect("sh")
    };
    std::fs::copy(lab.path("lab.pub.pem"), lab.path("out/lab.pub.pem")).expect("the public key");
    let output = verify();
    assert!(output.status.success(), "{}", text(&output));
    assert!(
        text(&output).contains("Signature Verified Successfully"),
        "{}",
        text(&output)
    );
    let statement = lab.read("out/evidence.intoto.json");
    lab.write("out/evidence.intoto.json", statement.replace("PASSED", "passed"));
    assert!(!verify().status.success(), "it does look");
}
