//! Priorities of threads, for a machine with fewer cores than threads.

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use std::fmt;

/// Puts the calling thread behind the reader, which cuts: journal and servers may be late.
pub fn set_background() {
    /// Five steps of niceness are about a third of the share.
    const NICE: i32 = 5;
    // A refusal changes nothing but latency, which is measured and in the journal.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
}

/// What the system refuses to the thread that cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriorityRefused {
    real_time: Option<Errno>,
    memory: Option<Errno>,
}

impl fmt::Display for PriorityRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cuts may come late on a busy machine: the thread that cuts got")?;
        if let Some(why) = self.real_time {
            write!(
                f,
                " no real-time scheduling ({}; `LimitRTPRIO=1` in a systemd unit, `rtprio 1` in limits.conf, or `setcap cap_sys_nice+ep` on the program)",
                io(why)
            )?;
        }
        if self.real_time.is_some() && self.memory.is_some() {
            f.write_str(" and")?;
        }
        if let Some(why) = self.memory {
            write!(
                f,
                " no locked memory ({}; `LimitMEMLOCK=infinity`, or `memlock unlimited`)",
                io(why)
            )?;
        }
        Ok(())
    }
}

fn io(why: Errno) -> String {
    std::io::Error::from(why).kind().to_string()
}

/// Puts the calling thread before every other: real-time scheduling (SCHED_FIFO), and no page of the program that has to
/// be fetched from a disk first. The thread must wait in the kernel whenever it has nothing to do.
pub fn set_real_time() -> Result<(), PriorityRefused> {
    // Only what is mapped now: with `MlockAllFlags::FUTURE`, a later allocation would fail at the limit.
    let refused = PriorityRefused {
        real_time: real_time().err(),
        memory: mlockall(MlockAllFlags::CURRENT).err(),
    };
    match refused {
        PriorityRefused {
            real_time: None,
            memory: None,
        } => Ok(()),
        refused => Err(refused),
    }
}

/// SCHED_FIFO for the calling thread alone: programs and threads that it starts begin as ordinary ones.
#[allow(unsafe_code, reason = "no safe crate offers SCHED_RESET_ON_FORK")]
fn real_time() -> Result<(), Errno> {
    // The lowest real-time priority is above every ordinary thread, and below those of the kernel's interrupts.
    // SAFETY: all zero is a valid `sched_param`, whatever further fields a C library gives it.
    let mut param: libc::sched_param = unsafe { std::mem::zeroed() };
    param.sched_priority = 1;
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: 0 is the calling thread, and `param` lives until the call returns.
    if unsafe { libc::sched_setscheduler(0, policy, &param) } == 0 {
        return Ok(());
    }
    Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::PERM))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        Some(Errno::PERM),
        None,
        "got no real-time scheduling (permission denied; `LimitRTPRIO=1` in a systemd unit, `rtprio 1` in limits.conf, or `setcap cap_sys_nice+ep` on the program)"
    )]
    #[case(
        None,
        Some(Errno::NOMEM),
        "got no locked memory (out of memory; `LimitMEMLOCK=infinity`, or `memlock unlimited`)"
    )]
    #[case(
        Some(Errno::PERM),
        Some(Errno::PERM),
        "on the program) and no locked memory (permission denied; `LimitMEMLOCK=infinity`, or `memlock unlimited`)"
    )]
    fn a_refusal_says_what_to_do(
        #[case] real_time: Option<Errno>,
        #[case] memory: Option<Errno>,
        #[case] end: &str,
    ) {
        let said = PriorityRefused { real_time, memory }.to_string();
        assert!(said.ends_with(end), "{said}");
        assert!(
            said.starts_with("cuts may come late on a busy machine: "),
            "{said}"
        );
    }

    /// The policy of a thread and of one that it starts, out of `/proc`.
    #[test]
    fn what_it_starts_is_ordinary() {
        let policy = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("a thread");
            let fields = stat.rsplit_once(')').expect("a name").1;
            // Field 41 of proc(5), counted from the third, which follows the name.
            fields.split_whitespace().nth(41 - 3).map(str::to_owned)
        };
        let seen = std::thread::spawn(move || {
            let first = set_real_time();
            let own = policy();
            (first, own, std::thread::spawn(policy).join().expect("a thread"))
        });
        let (first, own, started) = seen.join().expect("a thread");
        assert_eq!(started.as_deref(), Some("0"), "SCHED_OTHER");
        match first.map_err(|refused| refused.real_time) {
            Err(Some(_)) => println!("skipped in part: this user may not have real-time scheduling"),
            _ => assert_eq!(own.as_deref(), Some("1"), "SCHED_FIFO"),
        }
    }
}
