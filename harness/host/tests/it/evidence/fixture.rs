//! A small run folder, written by the journal and the makers of the reports, without any module.

use dfota_clock::Clock;
use dfota_core::case::{Case, Package};
use dfota_core::event::{CaseEnded, Event, FileFacts, RigFacts, RunStarted};
use dfota_core::transport::Via;
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::evidence::maker::{EvidenceOptions, MakeError, make_with_reports};
use dfota_record::evidence::signing_key::SigningKey;
use dfota_record::journal::{Journal, JournalWriter, Nobody};
use dfota_record::report::ReportOptions;
use dfota_record::verify::{Verified, verify};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) const JOURNAL: &str = "events.jsonl";
pub(crate) const BUNDLE: &str = "evidence.tar.zst";

/// A run folder.
pub(crate) struct Folder {
    folder: TempDir,
}

impl Folder {
    /// An unsigned one.
    pub(crate) fn unsigned() -> Self {
        Self::of(None, &["clean", "cut"])
    }

    pub(crate) fn signed() -> Self {
        Self::of(Some(&SigningKey::draw().expect("a key")), &["clean", "cut"])
    }

    /// A masked and signed one.
    pub(crate) fn masked() -> Self {
        let key = SigningKey::draw().expect("a key");
        let folder = Self::of(None, &["clean", "cut"]);
        folder.report_as(Some(&key), true).expect("evidence");
        folder
    }

    pub(crate) fn of(key: Option<&SigningKey>, ids: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let run = folder.path().join("run");
        std::fs::create_dir(&run).expect("a folder");
        let (journal, writer) =
            JournalWriter::start(&run, Clock::system(), Box::new(Nobody)).expect("a journal");
        tell(&journal, ids);
        drop(journal);
        writer.finish().expect("the journal");
        let folder = Self { folder };
        folder.report(key).expect("evidence");
        folder
    }

    /// What `report` does.
    pub(crate) fn report(&self, key: Option<&SigningKey>) -> Result<(), MakeError> {
        self.report_as(key, false)
    }

    fn report_as(&self, key: Option<&SigningKey>, masked: bool) -> Result<(), MakeError> {
        let asked = ReportOptions {
            masked,
            ..ReportOptions::default()
        };
        let wanted = EvidenceOptions {
            key,
            time_stamp: None,
        };
        let folder = self.run();
        let ((), made) = make_with_reports(&folder, &asked, &wanted, |_| ()).expect("reports");
        made
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.run().join(name)
    }

    /// A place beside the run.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        put(&self.path(name), bytes);
    }

    /// What was touched, the first thing.
    pub(crate) fn touched(&self) -> Option<String> {
        look(&self.run()).touched.into_iter().next()
    }
}

/// Writes a file anew: a file that is emptied and written again would be brought to the disk each time.
pub(crate) fn put(path: &Path, bytes: &[u8]) {
    let _ = std::fs::remove_file(path);
    std::fs::write(path, bytes).expect("a file");
}

/// Looks at a folder or bundle.
pub(crate) fn look(path: &Path) -> Verified {
    verify(path, None).expect("a run folder or a bundle")
}

fn tell(journal: &Journal, ids: &[&str]) {
    let facts = |name: &str| FileFacts {
        name: name.into(),
        path: format!("{name}.yaml"),
        sha256: "00".repeat(32),
        text: format!("{name}: text\n"),
    };
    journal.post(Event::RunStarted(Box::new(RunStarted {
        // What these verdicts rest on is not in it, as in the journals of older programs.
        schema: 1,
        run: "run".into(),
        tool: env!("CARGO_PKG_VERSION").into(),
        rig: RigFacts {
            file: facts("rig"),
            module: "bc66".into(),
            simulated: true,
            speed: 1.0,
            ..RigFacts::default()
        },
        suites: vec![facts("suite")],
        packages: vec![package()],
        out: "run".into(),
        folder: "/run".into(),
        ..RunStarted::default()
    })));
    for id in ids {
        journal.post(Event::CasePlanned {
            case: Box::new(case(id)),
            skip: None,
        });
    }
    for id in ids {
        journal.post(Event::CaseStarted {
            id: (*id).into(),
            suite: "suite".into(),
        });
        for percent in [20, 37, 64, 100] {
            let text = format!("+QIND: \"FOTA\",\"UPDATING\",{percent}%,1,1");
            journal.post(Event::Rx { text, partial: false });
        }
        let verdict = match *id {
            "clean" => Verdict::Pass,
            _ => Verdict::by(Rule::NoResume, "it forgot".into()),
        };
        journal.post(Event::CaseEnded(CaseEnded {
            verdict,
            tries: 1,
            ..CaseEnded::untried(&case(id), Verdict::Pass)
        }));
    }
    journal.post(Event::RunEnded {
        exit: 1,
        interrupted: false,
        safe: true,
    });
}

fn package() -> Package {
    Package {
        name: "a-to-b".into(),
        from: "A".parse().expect("a version"),
        to: "B".parse().expect("a version"),
        bytes: 1,
        sha256: "11".repeat(32),
    }
}

fn case(id: &str) -> Case {
    Case::plain(id, "suite", package(), Via::Uart)
}
