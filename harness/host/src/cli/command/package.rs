//! `package`: digest and size of any package, and deltas for the simulated module.

use crate::exit::{CommandError, ExitCode};
use crate::terminal::print;
use dfota_record::digest::sha256_hex;
use std::path::PathBuf;

/// Look at packages, and pack deltas for the simulated module.
#[derive(Debug, clap::Subcommand)]
pub enum PackageCommand {
    /// Show digest and size of any package, and the header of a delta for the simulated module
    Inspect {
        /// The package
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Pack the delta between two versions of the simulated module's firmware
    Pack {
        /// Version that it updates from, for example BC66NBR01A01
        #[arg(long)]
        from: bc66_sim::version::FirmwareVersion,
        /// Version that it updates to
        #[arg(long)]
        to: bc66_sim::version::FirmwareVersion,
        /// File to write
        #[arg(short, long)]
        out: PathBuf,
        /// For a rehearsal on a bench with wires, with `dfota-hil sim` in place of the module. Reports then say that the
        /// module was simulated
        #[arg(long)]
        rehearsal: bool,
    },
}

pub fn main(command: PackageCommand) -> Result<ExitCode, CommandError> {
    match command {
        PackageCommand::Inspect { file, json } => {
            let bytes = std::fs::read(&file)
                .map_err(|why| CommandError::usage(format!("package `{}`: {why}", file.display())))?;
            let (sha256, len) = (sha256_hex(&bytes), bytes.len());
            let delta = bc66_sim::package::inspect(&bytes);
            if json {
                let simulated = delta.map(|delta| {
                    serde_json::json!({ "from": delta.from.as_str(), "to": delta.to.as_str(), "chunks": delta.chunks.len() })
                });
                let seen = serde_json::json!({
                    "file": file.display().to_string(),
                    "bytes": len,
                    "sha256": sha256,
                    "simulated": simulated,
                });
                print(&format!("{seen}\n"));
            } else {
                let about = match delta {
                    Some(delta) => {
                        let (from, to, chunks) = (delta.from.as_str(), delta.to.as_str(), delta.chunks.len());
                        format!("a delta for the simulated module: {from} to {to} in {chunks} chunks")
                    }
                    None => "no delta for the simulated module: opaque".to_owned(),
                };
                print(&format!(
                    "{} {len} bytes sha256 {sha256}\n{about}\n",
                    file.display()
                ));
            }
        }
        PackageCommand::Pack {
            from,
            to,
            out,
            rehearsal,
        } => {
            let mut package = bc66_sim::package::pack(&from, &to).map_err(CommandError::usage)?;
            if rehearsal {
                package = bc66_sim::package::for_rehearsal(package);
            }
            std::fs::write(&out, &package)
                .map_err(|why| CommandError::usage(format!("package `{}`: {why}", out.display())))?;
            let digest = sha256_hex(&package);
            print(&format!(
                "{} {} bytes sha256 {digest}\n",
                out.display(),
                package.len()
            ));
        }
    }
    Ok(ExitCode::Success)
}
