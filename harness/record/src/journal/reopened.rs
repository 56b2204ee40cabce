//! A journal that is continued: by a run that goes on after its program was killed, or by somebody who adds a decision.
//!
//! Chain and numbers go on as if one program had written all of it. Its time goes on as well: from the last line, by what the
//! clock of the machine says has passed since. Where that clock went backwards, no time has passed.
//!
//! A journal has one writer: whoever opens one here holds its folder ([`crate::retention::hold`]) until it is written.

use super::chain::{self, Chain, Touched};
use super::{Journal, JournalWriter, Observer, ReadError, WrittenSoFar};
use dfota_clock::Clock;
use dfota_core::event::Record;
use dfota_core::event_id::EventId;
use dfota_core::run_fold::RunFold;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A journal that cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("`{}`: {touched}: a journal that was changed is not continued", path.display())]
    Touched { path: PathBuf, touched: Touched },
}

/// A journal as it was left. Nothing is written before [`Self::go_on`].
#[derive(Debug)]
pub struct ReopenedJournal {
    path: PathBuf,
    chain: Chain,
    /// Length of the whole lines, in bytes.
    len: u64,
    records: Vec<Record>,
}

impl ReopenedJournal {
    /// Reads the journal at `path` and checks its chain. Its records are not masked.
    pub fn open(path: &Path) -> Result<Self, ReopenError> {
        let io = |why| {
            let path = path.to_owned();
            ReadError::Io { path, why }
        };
        let mut opened = Self {
            path: path.to_owned(),
            chain: Chain::empty(),
            len: 0,
            records: Vec::new(),
        };
        let mut lines = BufReader::with_capacity(1 << 18, File::open(path).map_err(io)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(io)? > 0 {
            if line.pop() != Some(b'\n') {
                opened.chain.torn = line.len() + 1;
                break;
            }
            opened.take(&line)?;
            line.clear();
        }
        if opened.records.is_empty() {
            let path = path.to_owned();
            return Err(ReadError::Empty { path }.into());
        }
        Ok(opened)
    }

    fn take(&mut self, line: &[u8]) -> Result<(), ReopenError> {
        if !self.chain.take(line) {
            return Err(self.touched());
        }
        let record = serde_json::from_slice(line).map_err(|why| ReadError::Line {
            path: self.path.clone(),
            line: self.records.len() + 1,
            why,
        })?;
        self.records.push(record);
        self.len += line.len() as u64 + 1;
        Ok(())
    }

    /// The line at which the chain breaks.
    fn touched(&self) -> ReopenError {
        let path = self.path.clone();
        match chain::follow_file(&path) {
            Err(why) => ReadError::Io { path, why }.into(),
            Ok(followed) => {
                let broken = Touched::Changed(self.chain.lines + 1);
                let touched = followed.err().unwrap_or(broken);
                ReopenError::Touched { path, touched }
            }
        }
    }

    /// What it holds.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Number of its whole lines.
    pub fn lines(&self) -> u64 {
        self.chain.lines
    }

    /// SHA-256 of the last of them, in hex.
    pub fn head(&self) -> &str {
        &self.chain.head
    }

    /// Bytes of a last line that was torn by the death of its writer. [`Self::go_on`] cuts it off.
    pub fn torn(&self) -> usize {
        self.chain.torn
    }

    /// Cuts off a torn last line and continues the journal. `observer` sees what is new. The clock goes on from the last line.
    pub fn go_on(self, clock: Clock, observer: Box<dyn Observer>) -> io::Result<(Journal, JournalWriter)> {
        let file = File::options().append(true).open(&self.path)?;
        let expected = self.len + self.chain.torn as u64;
        let len = file.metadata()?.len();
        if len != expected {
            let why =
                format!("expected {expected} bytes, found {len}: another program writes to this journal");
            return Err(io::Error::other(why));
        }
        if self.chain.torn > 0 {
            file.set_len(self.len)?;
            file.sync_all()?;
        }
        let began = self.records.last().map_or(0, time_after);
        let mut fold = RunFold::default();
        for record in &self.records {
            fold.on(EventId(record.seq), &record.event);
        }
        let so_far = WrittenSoFar {
            seq: self.chain.lines,
            prev: self.chain.head,
            fold,
        };
        JournalWriter::spawn(file, clock.continued_at(began), so_far, observer)
    }
}

/// What a clock that showed `mono_ns` at this record shows now, in nanoseconds.
fn time_after(last: &Record) -> u64 {
    let utc = OffsetDateTime::parse(&last.utc, &Rfc3339);
    let passed = utc.map_or(0, |utc| (OffsetDateTime::now_utc() - utc).whole_nanoseconds());
    let passed = u64::try_from(passed.max(0)).unwrap_or(u64::MAX);
    last.mono_ns.saturating_add(passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{self, FILE, Nobody};
    use dfota_core::event::Event;
    use std::sync::mpsc::{Sender, channel};

    fn text(line: &Record) -> &str {
        match &line.event {
            Event::Step { text } => text,
            other => panic!("a step, not {other:?}"),
        }
    }

    fn begin(folder: &Path, steps: &[&str]) -> PathBuf {
        let started = JournalWriter::start(folder, Clock::system(), Box::new(Nobody));
        let (journal, writer) = started.expect("a journal");
        steps.iter().for_each(|step| journal.step(*step));
        drop(journal);
        writer.finish().expect("the end");
        folder.join(FILE)
    }

    fn go_on(path: &Path, step: &str) {
        let opened = ReopenedJournal::open(path).expect("a whole chain");
        let went_on = opened.go_on(Clock::system(), Box::new(Nobody));
        let (journal, writer) = went_on.expect("it goes on");
        journal.step(step);
        drop(journal);
        writer.finish().expect("the end");
    }

    #[test]
    fn a_continued_journal_reads_as_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = begin(folder.path(), &["one", "two"]);
        go_on(&path, "three");
        go_on(&path, "four");
        let chain = chain::follow_file(&path).expect("it is there").expect("whole");
        assert_eq!((chain.lines, chain.torn), (4, 0));
        let records = journal::read(folder.path(), false).expect("records");
        let texts: Vec<&str> = records.iter().map(text).collect();
        assert_eq!(texts, ["one", "two", "three", "four"]);
        assert!(records.is_sorted_by_key(|record| record.mono_ns), "{records:#?}");
        assert!(records.is_sorted_by(|a, b| a.utc <= b.utc), "{records:#?}");
    }

    /// A writer can die at any byte of its last line.
    #[test]
    fn a_torn_last_line_is_cut_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = begin(folder.path(), &["one", "two", "torn"]);
        let whole = std::fs::read(&path).expect("the journal");
        let last = whole[..whole.len() - 1]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .expect("lines")
            + 1;
        for len in last..whole.len() {
            std::fs::write(&path, &whole[..len]).expect("room for it");
            let opened = ReopenedJournal::open(&path).expect("a whole chain");
            assert_eq!((opened.torn(), opened.records().len()), (len - last, 2));
            go_on(&path, "three");
            let chain = chain::follow_file(&path).expect("it is there").expect("whole");
            assert_eq!((chain.lines, chain.torn), (3, 0), "torn after {len} bytes");
            let records = journal::read(folder.path(), false).expect("records");
            assert_eq!(text(&records[2]), "three");
        }
    }

    #[test]
    fn what_was_there_is_not_shown_again() {
        struct Tell(Sender<u64>);
        impl Observer for Tell {
            fn on(&mut self, record: &Record) {
                let _ = self.0.send(record.seq);
            }
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = begin(folder.path(), &["one"]);
        let opened = ReopenedJournal::open(&path).expect("a whole chain");
        let (shown, seen) = channel();
        let went_on = opened.go_on(Clock::system(), Box::new(Tell(shown)));
        let (journal, writer) = went_on.expect("it goes on");
        journal.step("two");
        drop(journal);
        writer.finish().expect("the end");
        assert_eq!(
            seen.iter().collect::<Vec<u64>>(),
            [1],
            "what was there is not shown again"
        );
    }

    /// The machine was off: its clock starts anew with the program, the journal's time does not.
    #[test]
    fn time_goes_on_from_the_last_line() {
        let hour = 3_600_000_000_000;
        let at = |utc: OffsetDateTime| Record {
            seq: 0,
            mono_ns: 5 * hour,
            module_ns: 5 * hour,
            utc: utc.format(&Rfc3339).expect("a time"),
            prev: String::new(),
            event: Event::Step { text: String::new() },
        };
        let now = OffsetDateTime::now_utc();
        let later = time_after(&at(now - time::Duration::HOUR));
        assert!((6 * hour..7 * hour).contains(&later), "an hour passed: {later}");
        let backwards = time_after(&at(now + time::Duration::HOUR));
        assert_eq!(
            backwards,
            5 * hour,
            "a clock that was set back takes no time away"
        );
        let unreadable = Record {
            utc: "no time".to_owned(),
            ..at(now)
        };
        assert_eq!(time_after(&unreadable), 5 * hour);
        let clock = Clock::system().continued_at(later);
        assert!(clock.mono_ns() >= later);
        assert!(clock.instant_of(clock.mono_ns()) <= std::time::Instant::now());
    }

    #[test]
    fn a_journal_that_was_changed_is_not_continued() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = begin(folder.path(), &["one", "two", "three"]);
        let was = std::fs::read_to_string(&path).expect("the journal");
        std::fs::write(&path, was.replace("one", "two")).expect("room for it");
        let refused = ReopenedJournal::open(&path)
            .expect_err("a broken chain")
            .to_string();
        assert!(refused.contains("line 1 was changed"), "{refused}");
        std::fs::write(&path, "").expect("room for it");
        let refused = ReopenedJournal::open(&path).expect_err("nothing").to_string();
        assert!(refused.contains("holds no event"), "{refused}");
        assert!(ReopenedJournal::open(&folder.path().join("other")).is_err());
    }

    /// Somebody else wrote between the reading and the writing.
    #[test]
    fn a_journal_with_two_writers_is_not_continued() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = begin(folder.path(), &["one"]);
        let opened = ReopenedJournal::open(&path).expect("a whole chain");
        go_on(&path, "two");
        let refused = opened
            .go_on(Clock::system(), Box::new(Nobody))
            .expect_err("two writers");
        assert!(
            refused.to_string().contains("another program writes"),
            "{refused}"
        );
        assert_eq!(journal::read(folder.path(), false).expect("records").len(), 2);
    }
}
