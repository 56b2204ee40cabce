//! The journal: one inbox for everything that happens, one thread that puts it in order, writes it down and only then
//! shows it.
//!
//! `events.jsonl` is appended to and never rewritten. Each line carries the SHA-256 of the line before, so that a change
//! of any of them shows. Lines are handed to the system whenever the inbox is empty: a killed harness loses nothing that
//! had happened before. They are on the disk within 100 ms (see [`durable`]): a machine that dies loses no more than that.

pub mod chain;
pub mod durable;
pub mod mask;
pub mod masked;
pub mod merge;
pub mod reopened;

use self::durable::{Durable, SyncedWrite};
use crate::bundle::stream;
use crate::digest::sha256_hex;
use crate::run_folder::{BUNDLE, SUMMARY};
use dfota_clock::Clock;
use dfota_core::event::watched::{Halted, Watched};
use dfota_core::event::{Event, Record};
use dfota_core::event_id::EventId;
use dfota_core::run_fold::RunFold;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcDateTime};

/// Name of the journal in a run folder.
pub const FILE: &str = "events.jsonl";

/// Name of the parent's journal in the folder of a run on several rigs. It names the journals of the parts, in `rigs/`.
pub const PARENT_FILE: &str = "run.jsonl";

/// The way into the journal. Cheap to clone; sending an event never blocks on the disk.
#[derive(Debug, Clone)]
pub struct Journal {
    clock: Clock,
    inbox: Sender<WriterMessage>,
}

/// What comes to the writer.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly everything that is sent is an event"
)]
enum WriterMessage {
    /// Something that happened, and when, in `mono_ns`.
    Event(u64, Event),
    /// A query of what the journal holds so far.
    Look(Box<dyn FnOnce(&RunFold) + Send>),
    /// Hands over what was told so far, and answers.
    Flush(SyncSender<()>),
}

impl Journal {
    /// Records an event that happened now.
    pub fn post(&self, event: Event) {
        self.post_at(Instant::now(), event);
    }

    /// Records an event with the time that was noted where it happened.
    pub fn post_at(&self, at: Instant, event: Event) {
        // No lock: the reader of the port is one of those who tell. The record's number is the writer's.
        // The writer ends after every sender; if it has ended early, its error is reported by `JournalWriter::finish`.
        let _ = self
            .inbox
            .send(WriterMessage::Event(self.clock.mono_ns_of(at), event));
    }

    /// Waits until a reader of the file sees everything that was told before the call.
    pub fn flush(&self) {
        let (answer, answered) = sync_channel(1);
        if self.inbox.send(WriterMessage::Flush(answer)).is_ok() {
            // A writer that has ended answers by its end.
            let _ = answered.recv();
        }
    }

    /// Records in words what is done now.
    pub fn step(&self, text: impl Into<String>) {
        self.post(Event::Step { text: text.into() });
    }

    /// Records what an update is judged by.
    pub fn watched(&self, watched: Watched) {
        self.post(Event::Watched(watched));
    }

    /// Records that a procedure cannot go on.
    pub fn halted(&self, halted: Halted) {
        self.post(Event::Halted(halted));
    }

    /// What the journal says, everything included that was told before the call. `None` when the writer has ended: its
    /// error is reported by [`JournalWriter::finish`].
    pub fn look<T: Send + 'static>(&self, look: impl FnOnce(&RunFold) -> T + Send + 'static) -> Option<T> {
        let (answer, answered) = sync_channel(1);
        let look = move |fold: &RunFold| {
            let _ = answer.send(look(fold));
        };
        self.inbox.send(WriterMessage::Look(Box::new(look))).ok()?;
        answered.recv().ok()
    }
}

/// Sees each record after it was written.
pub trait Observer: Send {
    fn on(&mut self, record: &Record);
}

#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Observer for Nobody {
    fn on(&mut self, _: &Record) {}
}

/// The thread that writes.
#[derive(Debug)]
pub struct JournalWriter {
    thread: JoinHandle<io::Result<()>>,
    synced: Arc<AtomicU64>,
}

impl JournalWriter {
    /// Starts a journal in `folder`. The thread ends when every [`Journal`] is gone.
    pub fn start(folder: &Path, clock: Clock, observer: Box<dyn Observer>) -> io::Result<(Journal, Self)> {
        Self::start_at(&folder.join(FILE), clock, observer)
    }

    /// The same under any name: a run on several rigs has a journal [`PARENT_FILE`] beside those of its parts.
    pub fn start_at(path: &Path, clock: Clock, observer: Box<dyn Observer>) -> io::Result<(Journal, Self)> {
        let file = File::options().append(true).create_new(true).open(path)?;
        // The file's own entry in its folder has to survive as well.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
        Self::spawn(file, clock, WrittenSoFar::default(), observer)
    }

    /// Starts the thread that appends to `file`.
    fn spawn(
        file: File,
        clock: Clock,
        so_far: WrittenSoFar,
        observer: Box<dyn Observer>,
    ) -> io::Result<(Journal, Self)> {
        let synced = Arc::<AtomicU64>::default();
        let lines = Durable::new(file, Arc::clone(&synced));
        let (inbox, events) = channel();
        let began = OffsetDateTime::now_utc() - std::time::Duration::from_nanos(clock.mono_ns());
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || write(&events, lines, clock, began, so_far, observer))?;
        Ok((Journal { clock, inbox }, Self { thread, synced }))
    }

    /// How many of the lines that this program wrote would survive a power failure now.
    pub fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// Waits for the last line.
    pub fn finish(self) -> io::Result<()> {
        self.thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the journal's thread panicked")))
    }
}

/// What a journal holds when its writer starts.
#[derive(Debug)]
struct WrittenSoFar {
    /// Number of its lines.
    seq: u64,
    /// SHA-256 of the last one, in hex; of nothing where there is none.
    prev: String,
    /// What they say.
    fold: RunFold,
}

impl Default for WrittenSoFar {
    fn default() -> Self {
        Self {
            seq: 0,
            prev: sha256_hex(&[]),
            fold: RunFold::default(),
        }
    }
}

/// Waits for the next event, and syncs to the disk what is due meanwhile. `None`: no sender is left.
fn next(
    events: &Receiver<WriterMessage>,
    lines: &mut Durable<impl SyncedWrite>,
) -> io::Result<Option<WriterMessage>> {
    while let Some(due) = lines.due() {
        match events.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(told) => return Ok(Some(told)),
            Err(RecvTimeoutError::Timeout) => lines.sync()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
    Ok(events.recv().ok())
}

fn write(
    events: &Receiver<WriterMessage>,
    mut lines: Durable<impl SyncedWrite>,
    clock: Clock,
    began: OffsetDateTime,
    so_far: WrittenSoFar,
    mut observer: Box<dyn Observer>,
) -> io::Result<()> {
    dfota_clock::priority::set_background();
    let WrittenSoFar {
        mut seq,
        mut prev,
        mut fold,
    } = so_far;
    let (mut line, mut pending) = (Vec::new(), Vec::new());
    loop {
        let told = match events.try_recv() {
            Ok(told) => told,
            Err(_) => {
                // Nothing waits: hand over what was written, then show it.
                lines.flush()?;
                pending.drain(..).for_each(|record| observer.on(&record));
                match next(events, &mut lines)? {
                    Some(told) => told,
                    None => break,
                }
            }
        };
        let (mono_ns, event) = match told {
            WriterMessage::Event(mono_ns, event) => (mono_ns, event),
            WriterMessage::Look(look) => {
                look(&fold);
                continue;
            }
            WriterMessage::Flush(answer) => {
                lines.flush()?;
                let _ = answer.send(());
                continue;
            }
        };
        fold.on(EventId(seq), &event);
        let utc = (began + std::time::Duration::from_nanos(mono_ns))
            .format(&Rfc3339)
            .unwrap_or_default();
        let record = Record {
            seq,
            mono_ns,
            module_ns: clock.module_ns(mono_ns),
            utc,
            prev,
            event,
        };
        line.clear();
        serde_json::to_writer(&mut line, &record)?;
        prev = sha256_hex(&line);
        line.push(b'\n');
        let now = Instant::now();
        lines.write(&line, now)?;
        lines.sync_if_due(now)?;
        pending.push(record);
        seq += 1;
        if pending.len() > 1_000 {
            lines.flush()?;
            pending.drain(..).for_each(|record| observer.on(&record));
        }
    }
    lines.sync()
}

/// A journal that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("`{}` could not be read: {why}; expected the journal of a run folder", path.display())]
    Io { path: PathBuf, why: io::Error },
    #[error("`{}`:{line}: expected an event of a journal: {why}", path.display())]
    Line {
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        why: serde_json::Error,
    },
    #[error("`{}` holds no event: the run was killed before it began", path.display())]
    Empty { path: PathBuf },
}

/// Reads the journal of a run folder, masked as [`each`] does. A last line that was torn by the death of the harness is
/// left out.
pub fn read(folder: &Path, masked: bool) -> Result<Vec<Record>, ReadError> {
    let mut records = Vec::new();
    each(folder, masked, |record| records.push(record))?;
    Ok(records)
}

/// Tells each record of the journal of a run folder; without IMEI, ICCID and addresses, if `masked` says so or the run was
/// made with `--mask`.
pub fn each(folder: &Path, masked: bool, tell: impl FnMut(Record)) -> Result<(), ReadError> {
    let path = folder.join(FILE);
    let lines = open(folder).map_err(|why| ReadError::Io {
        path: path.clone(),
        why,
    })?;
    each_in(lines, &path, masked, tell)
}

/// The journal of a run folder: of a run on several rigs merged from its parts, of a packed one out of its bundle.
fn open(folder: &Path) -> io::Result<Box<dyn BufRead>> {
    if merge::is_fleet(folder) {
        let merged = merge::MergedReader::open(folder)?;
        return Ok(Box::new(BufReader::with_capacity(1 << 18, merged)));
    }
    match File::open(folder.join(FILE)) {
        Ok(file) => Ok(Box::new(BufReader::with_capacity(1 << 18, file))),
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            // What is wrong with a bundle that is not there is no matter: the journal is what was looked for.
            let packed = stream::contents(&folder.join(BUNDLE), FILE).map_err(|_| why)?;
            Ok(Box::new(BufReader::with_capacity(1 << 18, packed)))
        }
        Err(why) => Err(why),
    }
}

/// Whether a folder is that of a run: it holds a journal, that of a parent too, or, packed, `run.json` and the bundle that does.
/// Links are neither.
pub fn is_run(folder: &Path) -> bool {
    let holds = |name| std::fs::symlink_metadata(folder.join(name)).is_ok_and(|file| file.is_file());
    holds(FILE) || holds(PARENT_FILE) || holds(BUNDLE) && holds(SUMMARY)
}

/// The same from the bytes of the journal at `path`.
pub fn each_in(
    mut lines: impl BufRead,
    path: &Path,
    mut masked: bool,
    mut tell: impl FnMut(Record),
) -> Result<(), ReadError> {
    let path = path.to_owned();
    let io = |why| ReadError::Io {
        path: path.clone(),
        why,
    };
    let mut line = Vec::new();
    let mut number = 0;
    while lines.read_until(b'\n', &mut line).map_err(io)? > 0 {
        if line.last() != Some(&b'\n') {
            break;
        }
        number += 1;
        let torn = |why| ReadError::Line {
            path: path.clone(),
            line: number,
            why,
        };
        let mut record = parse(&line, masked).map_err(torn)?;
        if let Event::RunStarted(started) = &record.event {
            // The first line itself is among what is masked.
            masked |= started.masked || started.masked_from.is_some();
            record = parse(&line, masked).map_err(torn)?;
        }
        if let Event::RunStarted(started) = &mut record.event {
            started.masked = masked;
        }
        tell(record);
        line.clear();
    }
    match number {
        0 => Err(ReadError::Empty { path }),
        _ => Ok(()),
    }
}

/// The same record without IMEI, IMSI, ICCID and IP addresses, as [`each`] reads it from a masked run.
pub(crate) fn masked_record(record: &Record) -> Result<Record, serde_json::Error> {
    parse(&serde_json::to_vec(record)?, true)
}

fn parse(line: &[u8], masked: bool) -> Result<Record, serde_json::Error> {
    match std::str::from_utf8(line) {
        Ok(text) if masked => serde_json::from_str(&crate::journal::mask::json(text)),
        Ok(text) => serde_json::from_str(text),
        // Says where it is no text.
        Err(_) => serde_json::from_slice(line),
    }
}

/// Records as places in the journal's file. Records are numbered from 0, lines from 1.
pub fn places(evidence: &[u64]) -> String {
    let lines: Vec<String> = evidence
        .iter()
        .map(|seq| format!("{}:{}", FILE, seq + 1))
        .collect();
    lines.join(", ")
}

/// The present time as folder names have it: `20261122T143005Z`.
pub fn stamp() -> String {
    const FORM: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");
    UtcDateTime::now().format(FORM).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody tells anything more and the journal stays open, as in a wait of minutes for a module: what was told gets
    /// to the disk all the same.
    #[test]
    fn a_quiet_journal_is_on_the_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let (journal, writer) =
            JournalWriter::start(folder.path(), Clock::system(), Box::new(Nobody)).expect("a journal");
        let mut posted = 0;
        for told in [1, 3, 4] {
            while posted < told {
                journal.step("something");
                posted += 1;
            }
            let limit = Instant::now() + std::time::Duration::from_secs(60);
            while writer.synced() < told {
                assert!(Instant::now() < limit, "waited for {told} lines on the disk");
                std::thread::yield_now();
            }
            assert_eq!(writer.synced(), told);
            let text = std::fs::read_to_string(folder.path().join(FILE)).expect("the journal");
            assert_eq!(text.lines().count() as u64, told);
        }
        drop(journal);
        writer.finish().expect("the end");
    }
}
