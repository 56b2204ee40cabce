//! Lines that reach the disk in time: a power failure of this machine loses at most the last 100 ms.
//!
//! It belongs to the thread that writes the journal. No sender of an event waits for a disk, least of all the reader of
//! the port.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How much of a run a power failure may take, in real time.
pub const LOST_AT_MOST: Duration = Duration::from_millis(100);
/// From the first line that is not on the disk until it is ordered there. The other half is the disk's.
pub const ORDERED_AFTER: Duration = Duration::from_millis(50);

/// Where lines go, and what makes them stay.
pub trait SyncedWrite: Write {
    /// Returns when everything that was written would survive a power failure.
    fn sync(&mut self) -> io::Result<()>;
}

impl SyncedWrite for File {
    fn sync(&mut self) -> io::Result<()> {
        match self.sync_data() {
            // Some network and user-space file systems know no such order: nothing more can be done there.
            Err(why)
                if matches!(
                    why.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            done => done,
        }
    }
}

/// A file of lines that are on the disk in time.
#[derive(Debug)]
pub struct Durable<S: SyncedWrite> {
    file: BufWriter<S>,
    /// When the first line was written that is not on the disk yet.
    waiting_since: Option<Instant>,
    written: u64,
    synced: Arc<AtomicU64>,
}

impl<S: SyncedWrite> Durable<S> {
    /// A file without lines; `synced` counts those that are on the disk.
    pub fn new(store: S, synced: Arc<AtomicU64>) -> Self {
        Self {
            file: BufWriter::with_capacity(1 << 16, store),
            waiting_since: None,
            written: 0,
            synced,
        }
    }

    /// Takes a line at `now`.
    pub fn write(&mut self, line: &[u8], now: Instant) -> io::Result<()> {
        self.file.write_all(line)?;
        self.written += 1;
        self.waiting_since.get_or_insert(now);
        Ok(())
    }

    /// Hands everything to the system: the death of this process loses nothing of it.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// When it has to be ordered to the disk; never, as long as all of it is there.
    pub fn due(&self) -> Option<Instant> {
        self.waiting_since.map(|since| since + ORDERED_AFTER)
    }

    /// Orders it to the disk if that is due at `now`.
    pub fn sync_if_due(&mut self, now: Instant) -> io::Result<()> {
        match self.due() {
            Some(due) if now >= due => self.sync(),
            _ => Ok(()),
        }
    }

    /// Orders it to the disk and waits until it is there.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_mut().sync()?;
        self.waiting_since = None;
        self.synced.store(self.written, Ordering::Release);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers in which order it was written to and synced.
    #[derive(Default)]
    struct Ledger {
        bytes: usize,
        safe: usize,
        syncs: u32,
    }

    impl Write for Ledger {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.bytes += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl SyncedWrite for Ledger {
        fn sync(&mut self) -> io::Result<()> {
            (self.safe, self.syncs) = (self.bytes, self.syncs + 1);
            Ok(())
        }
    }

    #[test]
    fn no_line_waits_longer_than_half_the_time() {
        let began = Instant::now();
        let mut lines = Durable::new(Ledger::default(), Arc::default());
        assert_eq!(lines.due(), None, "nothing was written");
        let mut waiting: Option<Duration> = None;
        // Lines in all kinds of rhythm, for a minute.
        let mut at = Duration::ZERO;
        for n in 0..20_000_u64 {
            at += Duration::from_micros(n * 7919 % 6000);
            let now = began + at;
            lines.write(b"line\n", now).expect("memory");
            waiting.get_or_insert(at);
            lines.sync_if_due(now).expect("memory");
            let store = lines.file.get_ref();
            if store.safe == 5 * (n as usize + 1) {
                waiting = None;
            }
            let waited = at - waiting.unwrap_or(at);
            assert!(waited < ORDERED_AFTER, "line {n} waited {waited:?}");
            assert_eq!(lines.due(), waiting.map(|since| began + since + ORDERED_AFTER));
        }
        let syncs = lines.file.get_ref().syncs;
        assert!(syncs > 100, "{syncs} syncs");
        assert!(
            Duration::from_millis(50) * syncs <= at,
            "{syncs} syncs in {at:?}: not one for each line"
        );
    }

    #[test]
    fn synced_is_what_the_store_was_told_to_keep() {
        let synced = Arc::<AtomicU64>::default();
        let mut lines = Durable::new(Ledger::default(), Arc::clone(&synced));
        let now = Instant::now();
        lines.write(b"one\n", now).expect("memory");
        lines.flush().expect("memory");
        assert_eq!(
            synced.load(Ordering::Acquire),
            0,
            "with the system, not on the disk"
        );
        lines.sync().expect("memory");
        assert_eq!(synced.load(Ordering::Acquire), 1);
        assert_eq!((lines.file.get_ref().safe, lines.due()), (4, None));
    }

    #[test]
    fn a_disk_that_fails_is_told() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        impl SyncedWrite for Broken {
            fn sync(&mut self) -> io::Result<()> {
                Err(io::Error::other("medium error"))
            }
        }
        let synced = Arc::<AtomicU64>::default();
        let mut lines = Durable::new(Broken, Arc::clone(&synced));
        lines.write(b"one\n", Instant::now()).expect("memory");
        assert!(lines.sync().is_err());
        assert_eq!(synced.load(Ordering::Acquire), 0);
    }
}
