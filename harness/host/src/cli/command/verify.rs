//! `verify`: whether a run folder or a bundle is as it was made.

use crate::exit::{CommandError, ExitCode};
use crate::terminal::print;
use dfota_record::evidence::public_key::PublicKey;
use dfota_record::rejudge::DerivedCount;
use dfota_record::verify::{Verified, verify};
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;

/// Check a run folder or a bundle, offline: digests, the journal's chain, reports, signature
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// A run folder, or an `evidence.tar.zst`
    #[arg(value_name = "RUN_DIR_OR_BUNDLE")]
    path: PathBuf,
    /// Require a signature by this public key
    #[arg(long, value_name = "PUB")]
    key: Option<PathBuf>,
    /// Require a signature
    #[arg(long)]
    require_signature: bool,
    /// Show the result as JSON
    #[arg(long)]
    json: bool,
}

/// 0: untouched, and signed if that was asked for; 1: touched, incomplete, or not signed so.
pub fn main(args: &VerifyArgs) -> Result<ExitCode, CommandError> {
    let key = args
        .key
        .as_deref()
        .map(PublicKey::read)
        .transpose()
        .map_err(CommandError::usage)?;
    let verified = verify(&args.path, key.as_ref()).map_err(CommandError::usage)?;
    let refused = refusal(args, &verified);
    print(&if args.json {
        as_json(&verified, refused.as_deref())
    } else {
        as_text(args, &verified, refused.as_deref())
    });
    Ok(if is_whole(&verified) && refused.is_none() {
        ExitCode::Success
    } else {
        ExitCode::Failed
    })
}

/// Whether it is there as it was made, with its evidence.
fn is_whole(verified: &Verified) -> bool {
    verified.touched.is_empty() && verified.incomplete.is_none()
}

/// What was required and is not there, in a folder that is as it was made.
fn refusal(args: &VerifyArgs, verified: &Verified) -> Option<String> {
    let asked = args.require_signature || args.key.is_some();
    match &verified.signed_by {
        _ if !is_whole(verified) => None,
        None if asked => Some("expected a signature, found none".into()),
        Some(id) if args.key.is_some() && !verified.is_wanted_key => Some(format!(
            "expected a signature by the key of `--key`, found key id {id}"
        )),
        _ => None,
    }
}

fn as_text(args: &VerifyArgs, verified: &Verified, refused: Option<&str>) -> String {
    let mut text = String::new();
    if let Some(run) = &verified.run {
        let _ = writeln!(text, "run {}", run.escape_debug());
    }
    for note in &verified.notes {
        let _ = writeln!(text, "note: {note}");
    }
    if let Some((first, rest)) = verified.touched.split_first() {
        let _ = writeln!(text, "TOUCHED: {first}");
        for more in rest.iter().take(20) {
            let _ = writeln!(text, "  also: {more}");
        }
        return text;
    }
    if let Some(what) = &verified.incomplete {
        let _ = writeln!(text, "INCOMPLETE: {what}");
        return text;
    }
    if let Some(refused) = refused {
        let _ = writeln!(text, "REFUSED: {refused}");
    }
    let _ = writeln!(
        text,
        "untouched: {} files by their digests, {} lines of the journal by their chain{}{}",
        verified.files,
        verified.lines,
        match verified.verdicts {
            Some(DerivedCount { all: 1, equal: 1 }) => {
                "; 1 of 1 verdict derived again from its events".to_owned()
            }
            Some(DerivedCount { all, equal }) => {
                format!("; {equal} of {all} verdicts derived again from its events")
            }
            None => String::new(),
        },
        if verified.reports_compared {
            "; the reports match the journal"
        } else {
            ""
        }
    );
    text += &signature(args, verified);
    text
}

/// By whom it is signed, and when.
fn signature(args: &VerifyArgs, verified: &Verified) -> String {
    let by = match (&verified.signed_by, &args.key) {
        (None, _) => "NOT SIGNED: all of it may have been forged".to_owned(),
        (Some(id), Some(key)) if verified.is_wanted_key => {
            format!("SIGNED by `{}`, key id {id}", key.display())
        }
        (Some(id), _) => {
            format!("SIGNED by the key stored with it, key id {id}: `--key PUB` checks whose key it is")
        }
    };
    let when = match &verified.time_stamp {
        None => "not time-stamped: the signing time comes from the signer's own clock".to_owned(),
        Some(stamp) => format!(
            "time-stamped {} by {}, policy {}, serial {}; NOT CHECKED: the authority's own signature and certificate (`openssl ts -verify` does, see docs/evidence.md)",
            stamp.time, stamp.by, stamp.policy, stamp.serial
        ),
    };
    format!("{by}\n{when}\n")
}

fn as_json(verified: &Verified, refused: Option<&str>) -> String {
    let stamp = verified.time_stamp.as_ref().map(|stamp| {
        json!({
            "time": stamp.time, "by": stamp.by, "policy": stamp.policy, "serial": stamp.serial,
            "authority_checked": false,
        })
    });
    let value = json!({
        "ok": is_whole(verified) && refused.is_none(),
        "run": verified.run,
        "touched": verified.touched,
        "incomplete": verified.incomplete,
        "refused": refused,
        "notes": verified.notes,
        "files": verified.files,
        "lines": verified.lines,
        "masked_from": verified.masked_from,
        "verdicts": verified.verdicts.map(|count| json!({"recorded": count.all, "derived": count.equal})),
        "reports_are_what_the_journal_gives": verified.reports_compared,
        "signed": verified.signed_by.is_some(),
        "key_id": verified.signed_by,
        "key_is_the_wanted_one": verified.is_wanted_key,
        "time_stamp": stamp,
    });
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}
