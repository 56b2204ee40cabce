//! Tests that run the program many times have the machine for each other: a cut is aimed at milliseconds, and the other tests
//! would disturb it. Among themselves they share a number of runs, so that none waits for the last run of another.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

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
        HELD.set(HELD.get() + 1);
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
