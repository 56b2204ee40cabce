//! Waits for something to read, with a limit.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Waits until there is something to read, or the other side has ended. Without a limit, for as long as it takes.
pub(super) fn is_readable(descriptor: &impl AsFd, limit: Option<Duration>) -> bool {
    let until = limit.map(|limit| Instant::now() + limit);
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut [PollFd::new(descriptor, PollFlags::IN)], left.as_ref()) {
            Err(Errno::INTR) => {}
            ready => return !matches!(ready, Ok(0)),
        }
    }
}
