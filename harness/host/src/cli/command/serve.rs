//! `serve`: the package servers alone, for work by hand; and with `--drive` one firmware update over LwM2M.
//!
//! stdout has one line a package and nothing else, so that scripts can read it; everything that happens is on stderr.

use crate::cli::live::address::reachable;
use crate::exit::{CommandError, ExitCode};
use bc66_spec::lwm2m::PORT;
use bytes::Bytes;
use dfota_clock::Clock;
use dfota_core::fault::{CoapFaults, HttpFaults};
use dfota_core::lwm2m::{UpdateEnding, UpdateOptions};
use dfota_core::seed::Seed;
use dfota_record::digest::sha256_hex;
use dfota_servers::OfferPath;
use dfota_servers::coap::{CoapEvent, CoapOffer, CoapServer};
use dfota_servers::http::{HttpOffer, HttpServer};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Serve packages over HTTP and CoAP, with a LwM2M server beside them.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Packages; each is served under its file's name
    #[arg(required = true, value_name = "PACKAGE")]
    packages: Vec<PathBuf>,
    /// Where to listen for HTTP; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)))]
    http: SocketAddr,
    /// Where to listen for CoAP, LwM2M included
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)))]
    coap: SocketAddr,
    /// Update the firmware of this LwM2M client with the one package as soon as it registers, and end: 0 with state 0 and
    /// result 1; 1 with another result, or when it refused a request; 3 when no result is known: it never registered, it
    /// stopped answering, the time of `--wait` is over, or the servers could not be started
    #[arg(long, value_name = "ENDPOINT")]
    drive: Option<String>,
    /// How long to wait for the end of `--drive`
    #[arg(long, value_name = "T", default_value = "1h", value_parser = humantime::parse_duration, requires = "drive")]
    wait: Duration,
}

/// Serves until it is interrupted, or until the driven update is over.
pub fn main(args: &ServeArgs) -> Result<ExitCode, CommandError> {
    if args.drive.is_some() && args.packages.len() > 1 {
        let count = args.packages.len();
        return Err(CommandError::usage(format!(
            "`--drive` takes one package, found {count}"
        )));
    }
    let packages = args
        .packages
        .iter()
        .map(|path| read(path))
        .collect::<Result<Vec<_>, _>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|why| CommandError::error(format!("no runtime for the servers: {why}")))?;
    runtime.block_on(serve(args, packages))
}

/// A package and the name it is served under.
struct ServedPackage {
    name: String,
    bytes: Bytes,
}

fn read(path: &Path) -> Result<ServedPackage, CommandError> {
    let bytes = std::fs::read(path)
        .map_err(|why| CommandError::usage(format!("package `{}`: {why}", path.display())))?;
    let name = path
        .file_name()
        .map_or_else(|| "package".into(), |name| name.to_string_lossy());
    Ok(ServedPackage {
        name: name.into_owned(),
        bytes: bytes.into(),
    })
}

async fn serve(args: &ServeArgs, packages: Vec<ServedPackage>) -> Result<ExitCode, CommandError> {
    let clock = Clock::system();
    let http = HttpServer::bind(args.http, clock, |request| say(&CoapEvent::Request(request)))
        .map_err(CommandError::error)?;
    let (endings, ended) = unbounded_channel();
    let driven = args.drive.clone();
    let seed = Seed(u64::from(std::process::id()));
    let coap = CoapServer::bind(args.coap, clock, seed, move |event| {
        tell(event, driven.as_deref(), &endings);
    })
    .map_err(CommandError::error)?;
    let mut offers = Vec::new();
    for package in packages {
        offers.push(offer(&http, &coap, package)?);
    }
    if let (Some(endpoint), Some((_, file))) = (&args.drive, offers.first()) {
        coap.drive(endpoint, UpdateOptions::new(file.url().to_owned()));
        eprintln!(
            "waiting for `{endpoint}` to register at coap://{}",
            reachable(coap.addr())
        );
    }
    let code = wait(args, ended).await;
    drop(offers); // downloads under way are reported
    code
}

/// Offers a package on both servers, and prints its line.
fn offer(
    http: &HttpServer,
    coap: &CoapServer,
    package: ServedPackage,
) -> Result<(HttpOffer, CoapOffer), CommandError> {
    let ServedPackage { name, bytes } = package;
    let path = path_of(&name);
    let line = format!(
        "{} {} {}",
        path.trim_start_matches('/'),
        bytes.len(),
        sha256_hex(&bytes)
    );
    let base = format!("http://{}", reachable(http.addr()));
    let page = http
        .offer(
            &base,
            OfferPath::Exact(&path),
            bytes.clone(),
            HttpFaults::default(),
        )
        .map_err(CommandError::usage)?;
    let base = format!("coap://{}", reachable(coap.addr()));
    let file = coap
        .offer(
            &base,
            OfferPath::Exact(&path),
            bytes,
            CoapFaults::default(),
            Seed(0),
        )
        .map_err(CommandError::usage)?;
    // A closed pipe ends nothing: the servers go on.
    let _ = writeln!(std::io::stdout(), "{line} {} {}", page.url(), file.url());
    Ok((page, file))
}

/// The path of a name, without what URLs would have to escape.
fn path_of(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let plain: String = name.trim_start_matches('.').chars().map(plain).collect();
    format!("/{}", if plain.is_empty() { "package" } else { &plain })
}

fn say(event: &CoapEvent) {
    // A closed pipe ends nothing.
    let _ = writeln!(std::io::stderr(), "{event}");
}

fn tell(event: CoapEvent, driven: Option<&str>, endings: &UnboundedSender<UpdateEnding>) {
    // Progress block by block would bury the rest; the end of the download is shown.
    if !matches!(event, CoapEvent::Acknowledged { .. }) {
        say(&event);
    }
    if let CoapEvent::Ended { endpoint, ending } = event
        && driven == Some(endpoint.as_str())
    {
        let _ = endings.send(ending);
    }
}

/// Until the driven update is over, or a signal comes.
async fn wait(
    args: &ServeArgs,
    mut ended: UnboundedReceiver<UpdateEnding>,
) -> Result<ExitCode, CommandError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::error)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CommandError::error)?;
    let late = async {
        match args.drive {
            Some(_) => tokio::time::sleep(args.wait).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        Some(ending) = ended.recv() => Ok(exit_code(&ending)),
        () = late => {
            let waited = humantime::format_duration(args.wait);
            eprintln!("no result within {waited}");
            Ok(ExitCode::Error)
        }
        _ = terminate.recv() => Ok(interrupted(args)),
        _ = interrupt.recv() => Ok(interrupted(args)),
    }
}

/// A server ends by being interrupted; an update that is cut short has no result.
fn interrupted(args: &ServeArgs) -> ExitCode {
    if args.drive.is_some() {
        ExitCode::Interrupted
    } else {
        ExitCode::Success
    }
}

fn exit_code(ending: &UpdateEnding) -> ExitCode {
    match ending {
        ending if ending.is_success() => ExitCode::Success,
        UpdateEnding::Rests(..) | UpdateEnding::Refused(..) => ExitCode::Failed,
        UpdateEnding::Unanswered(_) => ExitCode::Error,
    }
}
