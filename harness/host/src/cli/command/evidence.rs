//! `evidence`: a time stamp for a signed run, carried to an authority and back by hand.

use crate::exit::{CommandError, ExitCode};
use crate::terminal::print;
use dfota_record::evidence::envelope::Envelope;
use dfota_record::evidence::maker::{EvidenceOptions, make};
use dfota_record::evidence::pack;
use dfota_record::evidence::{ENVELOPE, REQUEST, time_stamp};
use dfota_record::rejudge;
use dfota_record::report::Run;
use dfota_record::run_folder::replace;
use dfota_record::verify::verify;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Time stamps for signed evidence.
#[derive(Debug, clap::Subcommand)]
pub enum EvidenceCommand {
    /// Write a request (RFC 3161) for the signature of a run to its `evidence.tsq`
    TimestampRequest {
        /// The run folder
        #[arg(value_name = "RUN_DIR")]
        run: PathBuf,
    },
    /// Check the authority's answer to that request and put it into the evidence
    TimestampAttach {
        /// The run folder
        #[arg(value_name = "RUN_DIR")]
        run: PathBuf,
        /// The answer (DER)
        #[arg(value_name = "FILE.tsr")]
        answer: PathBuf,
    },
}

pub fn main(command: &EvidenceCommand) -> Result<ExitCode, CommandError> {
    match command {
        EvidenceCommand::TimestampRequest { run } => request(run),
        EvidenceCommand::TimestampAttach { run, answer } => attach(run, answer),
    }
}

/// The signature of a run that is as it was made.
fn signature(run: &Path) -> Result<Vec<u8>, CommandError> {
    let verified = verify(run, None).map_err(CommandError::usage)?;
    if let Some(first) = verified.touched.first().or(verified.incomplete.as_ref()) {
        let message = format!("`{}` is not as it was made: {first}", run.display());
        return Err(CommandError::new(ExitCode::Failed, message));
    }
    let envelope = std::fs::read(run.join(ENVELOPE)).ok();
    let signature = envelope.and_then(|bytes| Envelope::read(&bytes).ok()?.signature());
    signature.ok_or_else(|| {
        CommandError::usage(format!(
            "`{}` is not signed, and a time stamp covers the signature: sign it first with `dfota-hil report --sign KEY {}`",
            run.display(),
            run.display()
        ))
    })
}

fn request(run: &Path) -> Result<ExitCode, CommandError> {
    let request = time_stamp::request(&signature(run)?).map_err(CommandError::error)?;
    let path = run.join(REQUEST);
    replace(&path, &request).map_err(CommandError::usage)?;
    print(&format!(
        "{}\nnext: curl -H 'Content-Type: application/timestamp-query' --data-binary @{REQUEST} -o FILE.tsr URL\nthen: dfota-hil evidence timestamp-attach {} FILE.tsr\n",
        path.display(),
        run.display()
    ));
    Ok(ExitCode::Success)
}

fn attach(run: &Path, answer: &Path) -> Result<ExitCode, CommandError> {
    let signature = signature(run)?;
    let path = run.join(REQUEST);
    let request = std::fs::read(&path).map_err(|why| {
        CommandError::usage(format!(
            "request `{}`: {why}; `dfota-hil evidence timestamp-request` writes it, and the answer must belong to that request",
            path.display()
        ))
    })?;
    let named =
        |why: &dyn std::fmt::Display| CommandError::usage(format!("answer `{}`: {why}", answer.display()));
    let mut bytes = Vec::new();
    File::open(answer)
        .and_then(|file| file.take(time_stamp::LONGEST).read_to_end(&mut bytes))
        .map_err(|why| named(&why))?;
    let stamp = time_stamp::answered(&request, &bytes, &signature).map_err(|why| named(&why))?;
    let masked = run.join(dfota_record::journal::masked::FILE).exists();
    let records = dfota_record::journal::read(run, masked).map_err(CommandError::usage)?;
    let mut journal = Run::new(&records).map_err(CommandError::usage)?;
    journal.derived = rejudge::records(&records).ok().map(|rejudged| rejudged.counts());
    let wanted = EvidenceOptions {
        key: None,
        time_stamp: Some(bytes),
    };
    pack::unpack(run).map_err(CommandError::error)?;
    make(run, &journal, &wanted).map_err(CommandError::error)?;
    // The answer holds what the request held.
    let _ = std::fs::remove_file(path);
    print(&format!(
        "time-stamped {} by {}, policy {}; the authority's own signature was not checked\n",
        stamp.time, stamp.by, stamp.policy
    ));
    Ok(ExitCode::Success)
}
