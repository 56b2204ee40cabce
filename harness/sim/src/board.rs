//! The board under the module: supply, RESET and PWRKEY, and the process that they start and kill.
//!
//! Lines may be moved from any thread. The thread that moves a line kills the module itself, at once; one supervisor
//! thread starts it, because a module dies with the thread that started it (`PR_SET_PDEATHSIG` counts threads).

use crate::clock::ModuleClock;
use crate::factory::Factory;
use crate::flash;
use crate::life::{ARGV0, RUNNING};
use crate::pty::Pty;
use crate::settings::Settings;
use bc66_spec::timing::{PWRKEY_LOW_MIN, RESET_LOW_MIN};
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Real time between two looks at what a host sends to a module that is off.
const DISCARD_EVERY: Duration = Duration::from_millis(10);

/// A board with one module on it.
#[derive(Debug)]
pub(crate) struct Board {
    pty: Pty,
    settings: Settings,
    factory: Factory,
    clock: ModuleClock,
    tied: bool,
    lines: Mutex<BoardLines>,
    changed: Condvar,
}

#[derive(Debug)]
struct BoardLines {
    power: bool,
    /// Since when the supply is off.
    off: Option<Instant>,
    /// For how long it was off before it came, in the module's time; nothing once RESET was released after that.
    was_off: Option<Duration>,
    /// Since when RESET is asserted.
    reset: Option<Instant>,
    /// Since when PWRKEY is pressed, unless that press has started a module already.
    pressed: Option<Instant>,
    pwrkey: bool,
    module: ModuleState,
    /// When the module last went on or off, which VDD_EXT shows.
    vdd_ext: Instant,
    starts: u64,
}

#[derive(Debug)]
enum ModuleState {
    Off,
    Held,
    /// The supervisor is to start it.
    Starting,
    Running(Child),
}

/// What the lines are and what the module does, for the control protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoardState {
    pub(crate) power: bool,
    pub(crate) reset: bool,
    pub(crate) pwrkey: bool,
    /// `off`, `held` or `running`.
    pub(crate) module: &'static str,
    /// When VDD_EXT, the module's own 1.8 V, last went up or down. It is up unless the module is off.
    pub(crate) vdd_ext_since: Instant,
}

impl Board {
    /// A board without supply. A `tied` PWRKEY starts the module as soon as there is one.
    pub(crate) fn new(
        pty: Pty,
        settings: Settings,
        factory: Factory,
        clock: ModuleClock,
        tied: bool,
    ) -> io::Result<Arc<Self>> {
        let lines = BoardLines {
            power: false,
            off: None,
            was_off: None,
            reset: None,
            pressed: None,
            pwrkey: false,
            module: ModuleState::Off,
            vdd_ext: Instant::now(),
            starts: 0,
        };
        let board = Arc::new(Self {
            pty,
            settings,
            factory,
            clock,
            tied,
            lines: Mutex::new(lines),
            changed: Condvar::new(),
        });
        let supervisor = Arc::clone(&board);
        thread::Builder::new()
            .name("supervisor".into())
            .spawn(move || supervisor.supervise())?;
        Ok(board)
    }

    /// Switches the supply. Off: returns when the module is dead and reaped.
    pub(crate) fn power(&self, on: bool) {
        let mut lines = self.lock();
        if on == lines.power {
            return;
        }
        lines.power = on;
        if !on {
            lines.off = Some(Instant::now());
            lines.end_module(ModuleState::Off);
            return;
        }
        let off = lines.off.take().map(|off| off.elapsed());
        lines.was_off = off.map(|real| self.clock.module(real));
        lines.pressed = lines.pwrkey.then(Instant::now);
        if self.tied {
            self.start(lines);
        } else {
            self.changed.notify_all();
        }
    }

    /// Moves RESET. Asserted: returns when it has been low for long enough to count, or is not low any more.
    pub(crate) fn reset(&self, asserted: bool) {
        let mut lines = self.lock();
        if asserted == lines.reset.is_some() {
            return;
        }
        if !asserted {
            lines.was_off = None;
            lines.reset = None;
            self.changed.notify_all();
            if matches!(lines.module, ModuleState::Held) {
                self.start(lines);
            }
            return;
        }
        let since = Instant::now();
        lines.reset = Some(since);
        let counts = since + self.clock.real(RESET_LOW_MIN);
        while lines.reset == Some(since) {
            let wait = counts.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                if matches!(lines.module, ModuleState::Running(_) | ModuleState::Starting) {
                    lines.end_module(ModuleState::Held);
                }
                return;
            }
            lines = self.wait(lines, wait);
        }
    }

    /// Presses or releases PWRKEY.
    pub(crate) fn pwrkey(&self, pressed: bool) {
        let mut lines = self.lock();
        if pressed == lines.pwrkey {
            return;
        }
        lines.pwrkey = pressed;
        let since = if pressed {
            lines.pressed.replace(Instant::now())
        } else {
            lines.pressed.take()
        };
        if !pressed && since.is_some_and(|since| self.key_counts(since)) && lines.may_start() {
            self.start(lines);
        } else {
            self.changed.notify_all();
        }
    }

    /// Stops the module and writes its flash as the factory does, as a flash tool would. It stays off until it is switched
    /// on again.
    pub(crate) fn reflash(&self) -> flash::Result<()> {
        let mut lines = self.lock();
        lines.end_module(ModuleState::Off);
        lines.pressed = None;
        self.factory.flash()
    }

    pub(crate) fn state(&self) -> BoardState {
        let lines = self.lock();
        BoardState {
            power: lines.power,
            reset: lines.reset.is_some(),
            pwrkey: lines.pwrkey,
            module: match lines.module {
                ModuleState::Off => "off",
                ModuleState::Held => "held",
                ModuleState::Starting | ModuleState::Running(_) => "running",
            },
            vdd_ext_since: lines.vdd_ext,
        }
    }

    /// Supply on and PWRKEY pressed for long enough, for use by hand.
    pub(crate) fn switch_on(&self) {
        self.power(true);
        let lines = self.lock();
        if lines.may_start() {
            self.start(lines);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BoardLines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change of the lines, or for the limit.
    fn wait<'a>(&self, lines: MutexGuard<'a, BoardLines>, limit: Duration) -> MutexGuard<'a, BoardLines> {
        let changed = self.changed.wait_timeout(lines, limit);
        changed.unwrap_or_else(PoisonError::into_inner).0
    }

    fn key_counts(&self, since: Instant) -> bool {
        since.elapsed() >= self.clock.real(PWRKEY_LOW_MIN)
    }

    /// Has the module started, and waits until it is; under RESET it is held instead.
    fn start(&self, mut lines: MutexGuard<'_, BoardLines>) {
        lines.pressed = None;
        if lines.reset.is_some() {
            lines.turn(ModuleState::Held);
            return;
        }
        lines.turn(ModuleState::Starting);
        self.changed.notify_all();
        while matches!(lines.module, ModuleState::Starting) {
            lines = self.wait(lines, Duration::MAX);
        }
    }

    fn supervise(self: Arc<Self>) {
        let mut lines = self.lock();
        loop {
            if matches!(lines.module, ModuleState::Starting) {
                self.spawn(&mut lines);
                self.changed.notify_all();
            }
            let pressed = lines.pressed.filter(|_| lines.may_start());
            if pressed.is_some_and(|since| self.key_counts(since)) {
                lines.pressed = None;
                let next = match lines.reset {
                    Some(_) => ModuleState::Held,
                    None => ModuleState::Starting,
                };
                lines.turn(next);
                continue;
            }
            let mut limit = Duration::MAX;
            if !matches!(lines.module, ModuleState::Running(_)) {
                self.pty.discard_input();
                let counts = pressed.map(|since| since + self.clock.real(PWRKEY_LOW_MIN));
                let key = counts.map(|counts| counts.saturating_duration_since(Instant::now()));
                limit = key.unwrap_or(DISCARD_EVERY).min(DISCARD_EVERY);
            }
            lines = self.wait(lines, limit);
        }
    }

    fn spawn(self: &Arc<Self>, lines: &mut BoardLines) {
        lines.starts += 1;
        match self.spawn_module(lines.starts, lines.was_off) {
            Ok(mut child) => {
                let stdout = child.stdout.take();
                lines.turn(ModuleState::Running(child));
                let (board, start) = (Arc::clone(self), lines.starts);
                thread::spawn(move || board.watch(stdout, start));
            }
            Err(error) => {
                eprintln!("bc66-sim: the module could not be started: {error}");
                lines.turn(ModuleState::Off);
            }
        }
    }

    /// The pty is the module's stdin, both ways; its stdout only shows when it ends.
    fn spawn_module(&self, start: u64, off: Option<Duration>) -> io::Result<Child> {
        let settings = Settings {
            boot: start * Settings::BOOTS_PER_START,
            off,
            ..self.settings.clone()
        };
        Command::new(RUNNING)
            .arg0(ARGV0)
            .args(settings.to_args())
            .stdin(self.pty.master().try_clone_to_owned()?)
            .stdout(Stdio::piped())
            .process_group(0) // Ctrl-C on the terminal is for the board
            .spawn()
    }

    /// Waits for the module of start number `start` to end by itself: switched off by `AT+QPOWD`, or crashed.
    fn watch(&self, stdout: Option<ChildStdout>, start: u64) {
        if let Some(mut stdout) = stdout {
            let _ = stdout.read_to_end(&mut Vec::new());
        }
        let mut lines = self.lock();
        if lines.starts != start {
            return;
        }
        if let ModuleState::Running(child) = &mut lines.module {
            match child.wait() {
                Ok(status) if status.success() => {}
                Ok(status) => eprintln!("bc66-sim: the module process ended with {status}"),
                Err(error) => eprintln!("bc66-sim: the module process was lost: {error}"),
            }
            lines.turn(ModuleState::Off);
            self.changed.notify_all();
        }
    }
}

impl BoardLines {
    fn may_start(&self) -> bool {
        self.power && matches!(self.module, ModuleState::Off)
    }

    /// Goes to another state; gives the one before.
    fn turn(&mut self, next: ModuleState) -> ModuleState {
        let before = std::mem::replace(&mut self.module, next);
        if matches!(before, ModuleState::Off) != matches!(self.module, ModuleState::Off) {
            self.vdd_ext = Instant::now();
        }
        before
    }

    /// Kills the module, if there is one; it is reaped when this returns.
    fn end_module(&mut self, next: ModuleState) {
        if let ModuleState::Running(mut child) = self.turn(next) {
            let killed = child.kill().and_then(|()| child.wait());
            if let Err(error) = killed {
                eprintln!("bc66-sim: the module process could not be killed: {error}");
            }
        }
    }
}
