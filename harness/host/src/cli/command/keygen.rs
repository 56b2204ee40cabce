//! `keygen`: a key pair for signing evidence.

use crate::exit::{CommandError, ExitCode};
use crate::terminal::print;
use dfota_record::evidence::signing_key::{SigningKey, write_new};
use std::path::PathBuf;

/// Make a key pair for signing evidence: a private key (mode 0600) and its public half beside it
#[derive(Debug, clap::Args)]
pub struct KeygenArgs {
    /// The private key; the public one gets the same name with `.pub.pem`. Neither is ever overwritten
    #[arg(long, value_name = "FILE", default_value = "dfota-hil.pem")]
    out: PathBuf,
}

pub fn main(args: &KeygenArgs) -> Result<ExitCode, CommandError> {
    let public = args.out.with_extension("pub.pem");
    if public.exists() {
        return Err(CommandError::usage(format!(
            "`{}` is there already: a key is never overwritten; choose another `--out`",
            public.display()
        )));
    }
    let key = SigningKey::draw().map_err(CommandError::error)?;
    key.write(&args.out).map_err(CommandError::usage)?;
    write_new(&public, 0o644, key.public().pem().as_bytes()).map_err(CommandError::usage)?;
    print(&format!(
        "private key: {}\npublic key:  {}\nkey id:      {}\n",
        args.out.display(),
        public.display(),
        key.public().id()
    ));
    Ok(ExitCode::Success)
}
