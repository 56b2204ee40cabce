//! Tests that run the program many times have the machine for each other: a cut is aimed at milliseconds, and the other tests
//! would disturb it. Among themselves they share a number of runs, so that none waits for the last run of another. Whoever begins waits
//! until the machine has room for it.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
struct Users {
    shared: usize,
    /// Tests that run the program many times.
    many: usize,
    /// Such tests that wait for the others to end. They go first, or would never come to their turn.
    waiting: usize,
    /// Runs of the program that they have under way.
    runs: usize,
}

static USERS: Mutex<Users> = Mutex::new(Users {
    shared: 0,
    many: 0,
    waiting: 0,
    runs: 0,
});
static CHANGED: Condvar = Condvar::new();

thread_local! {
    /// Turns that this thread has. A second one must not wait for somebody who waits for the first.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

fn users() -> MutexGuard<'static, Users> {
    USERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait(users: MutexGuard<'static, Users>) -> MutexGuard<'static, Users> {
    CHANGED.wait(users).unwrap_or_else(PoisonError::into_inner)
}

/// The right to use the machine beside other tests.
#[derive(Debug)]
pub(crate) struct Turn;

impl Turn {
    pub(crate) fn shared() -> Self {
        let mut users = users();
        while HELD.get() == 0 && (users.many > 0 || users.waiting > 0) {
            users = wait(users);
        }
        users.shared += 1;
        let is_first = HELD.get() == 0;
        HELD.set(HELD.get() + 1);
        drop(users);
        if is_first {
            wait_for_room();
        }
        Self
    }

    /// The right to run the program many times.
    pub(crate) fn many() -> Many {
        let mut users = users();
        users.waiting += 1;
        while users.many == 0 && users.shared > 0 {
            users = wait(users);
        }
        users.waiting -= 1;
        users.many += 1;
        CHANGED.notify_all();
        Many
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        users().shared -= 1;
        HELD.set(HELD.get().saturating_sub(1));
        CHANGED.notify_all();
    }
}

#[derive(Debug)]
pub(crate) struct Many;

impl Many {
    /// For a thread that runs the program for this test, once there are fewer than `at_once` such runs.
    pub(crate) fn run(&self, at_once: usize) -> Run {
        let mut users = users();
        while users.runs >= at_once {
            users = wait(users);
        }
        users.runs += 1;
        HELD.set(HELD.get() + 1);
        drop(users);
        wait_for_room();
        Run
    }
}

impl Drop for Many {
    fn drop(&mut self) {
        users().many -= 1;
        CHANGED.notify_all();
    }
}

#[derive(Debug)]
pub(crate) struct Run;

impl Drop for Run {
    fn drop(&mut self) {
        users().runs -= 1;
        HELD.set(HELD.get().saturating_sub(1));
        CHANGED.notify_all();
    }
}

/// How often the machine is looked at, and how long it has to have room.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS: usize = 3;
/// A machine that somebody else keeps busy for so long has no room to wait for.
const AT_MOST: Duration = Duration::from_secs(2);
static NEXT: Mutex<()> = Mutex::new(());

/// Waits, one test after the other, until the processors keep up: what began before meets the moments that it aims at.
fn wait_for_room() {
    let _next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let until = Instant::now() + AT_MOST;
    while Instant::now() < until {
        let mut runnable = 0;
        for _ in 0..LOOKS {
            std::thread::sleep(LOOK);
            runnable += runnable_tasks();
        }
        if runnable <= cores * LOOKS {
            return;
        }
    }
}

/// Tasks of the machine that run or could, without this one (`proc_loadavg(5)`); none where that is not to be read.
fn runnable_tasks() -> usize {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let tasks = text.split_whitespace().nth(3);
    let running = tasks.and_then(|tasks| tasks.split('/').next()?.parse().ok());
    running.unwrap_or(0_usize).saturating_sub(1)
}
