//! The simulator's command line, for its own binary and for programs that embed it.

use crate::board::Board;
use crate::clock::ModuleClock;
use crate::coap::BlockValue;
use crate::control;
use crate::defect::Defect;
use crate::dialect::Dialect;
use crate::factory::Factory;
use crate::flash::FlashError;
use crate::layout::FlashLayout;
use crate::module::sharpen_timers;
use crate::named;
use crate::pty::Pty;
use crate::settings::{Settings, module_name, module_named};
use crate::version::FirmwareVersion;
use bc66_spec::module::Module;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use tempfile::TempDir;

/// One simulated BC66 on a pty.
///
/// Prints two lines, the pty's path and the control socket's, and runs until SIGINT or SIGTERM.
#[derive(Debug, Clone, clap::Args)]
pub struct SimulatorArgs {
    #[command(flatten)]
    module: ModuleArgs,
    #[command(flatten)]
    board: BoardArgs,
    /// End when stdin does
    #[arg(long)]
    until_eof: bool,
    /// Show the defects there are
    #[arg(long)]
    list_defects: bool,
    /// Show the dialects there are
    #[arg(long)]
    list_dialects: bool,
}

/// What the module is like.
#[derive(Debug, Clone, clap::Args)]
struct ModuleArgs {
    /// Module type: bc66 or bc66-na
    #[arg(long, default_value = "bc66", value_parser = parse_module)]
    module: Module,
    /// Version of the image put into a fresh flash [default: the module's A01]
    #[arg(long)]
    firmware: Option<FirmwareVersion>,
    /// Divides every duration of the module
    #[arg(long, default_value = "1", value_parser = parse_speed)]
    speed: f64,
    /// Something that is wrong with the module; may be repeated
    #[arg(long = "defect", value_name = "NAME", value_parser = named::parse::<Defect>)]
    defects: Vec<Defect>,
    /// Another legal way to speak; may be repeated
    #[arg(long = "dialect", value_name = "NAME", value_parser = named::parse::<Dialect>)]
    dialects: Vec<Dialect>,
    /// Every random choice derives from it
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Block size that a download over CoAP asks for: 16 to 1024
    #[arg(long, hide = true, default_value = "512", value_parser = parse_block_size)]
    coap_block: u8,
    /// The configuration of AT+QLWCONFIG survives a reboot; whether the real module keeps it is not known
    #[arg(long, hide = true)]
    lwm2m_config_kept: bool,
}

/// What is around the module.
#[derive(Debug, Clone, clap::Args)]
struct BoardArgs {
    /// Flash file; used as it is if it exists [default: a temporary one]
    #[arg(long)]
    flash: Option<PathBuf>,
    /// Control socket [default: in a temporary directory]
    #[arg(long)]
    control: Option<PathBuf>,
    /// Symbolic link to the pty
    #[arg(long)]
    pty_link: Option<PathBuf>,
    /// Start with the supply on and PWRKEY pressed, for use by hand
    #[arg(long)]
    powered: bool,
    /// PWRKEY is tied: the module boots as soon as it is supplied
    #[arg(long)]
    pwrkey_tied: bool,
}

fn parse_module(name: &str) -> Result<Module, String> {
    module_named(name).ok_or_else(|| format!("expected `{}`", Module::ALL.map(module_name).join("` or `")))
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text
        .parse()
        .ok()
        .filter(|speed| ModuleClock::new(*speed).is_some());
    speed.ok_or_else(|| "expected a positive number".to_owned())
}

/// The exponent of a block size. That the real module asks for 512 bytes is assumed.
fn parse_block_size(text: &str) -> Result<u8, String> {
    let exponent = text.parse().ok().and_then(BlockValue::exponent_of);
    exponent.ok_or_else(|| "expected 16, 32, 64, 128, 256, 512 or 1024".to_owned())
}

/// Why the simulator cannot run.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error("`{0}` is not a firmware of the module `{name}`", name = module_name(*.1))]
    Firmware(FirmwareVersion, Module),
    #[error("flash file `{path}`: {error}", path = .0.display(), error = .1)]
    Flash(PathBuf, FlashError),
    #[error("flash file `{path}`: {seen} bytes, expected {expected}", path = .0.display(), seen = .1, expected = FlashLayout::BC66.size())]
    FlashSize(PathBuf, usize),
    #[error("{what} `{path}`: {error}", path = .path.display())]
    Path {
        what: &'static str,
        path: PathBuf,
        error: io::Error,
    },
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Runs the board until it is told to end.
pub fn main(args: SimulatorArgs) -> ExitCode {
    let defects = args.list_defects.then(named::listing::<Defect>);
    let dialects = args.list_dialects.then(named::listing::<Dialect>);
    if args.list_defects || args.list_dialects {
        for list in defects.into_iter().chain(dialects) {
            // The reader may have gone already, as behind `| head -1`.
            let _ = write!(io::stdout(), "{list}");
        }
        return ExitCode::SUCCESS;
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &SimulatorArgs) -> Result<(), CliError> {
    let (end, ended) = channel();
    watch_for_end(args.until_eof, &end)?;
    sharpen_timers()?;
    let temporary = TempDir::with_prefix("bc66-sim-")?;
    let SimulatorArgs {
        module,
        board: around,
        ..
    } = args;
    let path_or = |path: &Option<PathBuf>, name: &str| path.clone().unwrap_or(temporary.path().join(name));
    let factory = factory(module, path_or(&around.flash, "flash"))?;
    prepare_flash(&factory)?;
    let pty = Pty::open()?;
    let path = pty.path().to_owned();
    let link = around.pty_link.as_deref().map(|link| PtyLink::new(&path, link));
    let link = link.transpose()?;

    let clock = ModuleClock::new(module.speed).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let settings = settings(module, &factory.flash);
    let board = Board::new(pty, settings, factory, clock, around.pwrkey_tied)?;
    let socket = path_or(&around.control, "control");
    control::serve(Arc::clone(&board), &socket).map_err(|error| CliError::Path {
        what: "control socket",
        path: socket.clone(),
        error,
    })?;
    if around.powered {
        board.switch_on();
    }
    let mut stdout = io::stdout().lock();
    let announced = writeln!(stdout, "pty {}\ncontrol {}", path.display(), socket.display())
        .and_then(|()| stdout.flush());
    if announced.is_ok() {
        let _ = ended.recv();
    }
    board.power(false);
    drop(link);
    if around.control.is_some() {
        let _ = fs::remove_file(&socket);
    }
    Ok(())
}

fn settings(args: &ModuleArgs, flash: &Path) -> Settings {
    Settings {
        module: args.module,
        speed: args.speed,
        seed: args.seed,
        boot: 0,
        board: std::process::id(),
        off: None,
        defects: args.defects.iter().copied().collect(),
        dialects: args.dialects.iter().copied().collect(),
        coap_exponent: args.coap_block,
        lwm2m_config_kept: args.lwm2m_config_kept,
        flash: flash.to_owned(),
    }
}

/// Signals, and the end of stdin if asked for, end the simulator.
fn watch_for_end(until_eof: bool, end: &Sender<()>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let by_signal = end.clone();
    thread::spawn(move || {
        for _ in signals.forever() {
            let _ = by_signal.send(());
        }
    });
    if until_eof {
        let by_eof = end.clone();
        thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            while matches!(stdin.read(&mut [0; 256]), Ok(n) if n > 0) {}
            let _ = by_eof.send(());
        });
    }
    Ok(())
}

/// The factory of the module that the command line names.
fn factory(args: &ModuleArgs, flash: PathBuf) -> Result<Factory, CliError> {
    let version = args.firmware.clone();
    let version = version.unwrap_or_else(|| FirmwareVersion::first(args.module));
    if version.module() != args.module {
        return Err(CliError::Firmware(version, args.module));
    }
    Ok(Factory {
        version,
        seed: args.seed,
        flash,
    })
}

/// Has the factory make a flash where there is none; an existing file is left as it is.
fn prepare_flash(factory: &Factory) -> Result<(), CliError> {
    let path = &factory.flash;
    let Ok(metadata) = fs::metadata(path) else {
        let failed = |error| CliError::Flash(path.to_owned(), error);
        return factory.flash().map_err(failed);
    };
    let seen = metadata.len() as usize;
    if metadata.is_file() && seen == FlashLayout::BC66.size() {
        Ok(())
    } else {
        Err(CliError::FlashSize(path.to_owned(), seen))
    }
}

/// A symbolic link that the simulator removes when it ends.
struct PtyLink(PathBuf);

impl PtyLink {
    fn new(target: &Path, link: &Path) -> Result<Self, CliError> {
        let failed = |error| CliError::Path {
            what: "link to the pty",
            path: link.to_owned(),
            error,
        };
        if fs::symlink_metadata(link).is_ok_and(|metadata| metadata.is_symlink()) {
            fs::remove_file(link).map_err(failed)?;
        }
        symlink(target, link).map_err(failed)?;
        Ok(Self(link.to_owned()))
    }
}

impl Drop for PtyLink {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
