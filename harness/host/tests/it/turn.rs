//! Tests that run the program many times at once have the machine to themselves: a cut is aimed at milliseconds, and the other
//! tests would disturb it.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
struct Users {
    shared: usize,
    alone: bool,
    /// Who wants to be alone goes first, or would never come to its turn.
    waiting: usize,
}

static USERS: Mutex<Users> = Mutex::new(Users {
    shared: 0,
    alone: false,
    waiting: 0,
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
        while HELD.get() == 0 && (users.alone || users.waiting > 0) {
            users = wait(users);
        }
        users.shared += 1;
        HELD.set(HELD.get() + 1);
        Self
    }

    /// The right to use it without other tests.
    pub(crate) fn alone() -> Alone {
        let mut users = users();
        users.waiting += 1;
        while users.alone || users.shared > 0 {
            users = wait(users);
        }
        users.waiting -= 1;
        users.alone = true;
        Alone
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
pub(crate) struct Alone;

impl Alone {
    /// For a thread that works for the test that is alone.
    pub(crate) fn part(&self) -> Turn {
        users().shared += 1;
        HELD.set(HELD.get() + 1);
        Turn
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        users().alone = false;
        CHANGED.notify_all();
    }
}
