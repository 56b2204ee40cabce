//! The test report of a run folder: its contents, masked on request, and with the feature `pdf` the typeset file.

use dfota_record::day::Day;
use dfota_record::evidence::maker::{self, MakeError};
use dfota_record::journal;
use dfota_record::report::test_report::{JournalFacts, TestReport, TooEarly};
use dfota_record::report::{ReportError, Run};
use std::path::Path;

/// Name of the test report in a run folder.
pub const FILE: &str = "report.pdf";

/// A test report that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TestReportError {
    /// The journal, or the file.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The journal, as it is given away.
    #[error(transparent)]
    Journal(#[from] MakeError),
    /// The day of issue.
    #[error(transparent)]
    Day(#[from] TooEarly),
    #[cfg(feature = "pdf")]
    #[error(transparent)]
    Pdf(#[from] dfota_pdf::PdfError),
    #[cfg(feature = "pdf")]
    #[error("the contents of the test report could not be written as JSON: {0}")]
    Data(#[from] serde_json::Error),
}

/// The contents of the test report of a run folder, from its journal alone, `masked` if the run or the caller says so.
pub fn contents(folder: &Path, masked: bool, issued: Option<Day>) -> Result<TestReport, TestReportError> {
    let records = journal::read(folder, masked).map_err(ReportError::from)?;
    let run = Run::new(&records).map_err(|why| ReportError::Run {
        path: folder.to_owned(),
        why,
    })?;
    // The report names the file that its reader gets.
    let file = journal::masked::name(run.started.masked);
    let given_away = maker::journal(folder, run.started.masked)?;
    let journal = JournalFacts {
        file,
        sha256: given_away.sha256,
        records: records.len(),
    };
    Ok(TestReport::new(&run, &records, journal, issued)?)
}

/// Typesets the test report of a run folder; gives its path.
#[cfg(feature = "pdf")]
pub fn make(folder: &Path, masked: bool, issued: Option<Day>) -> Result<std::path::PathBuf, TestReportError> {
    let certificate = contents(folder, masked, issued)?;
    let pdf = dfota_pdf::typeset(serde_json::to_value(&certificate)?, &certificate.run)?;
    let path = folder.join(FILE);
    dfota_record::run_folder::replace(&path, &pdf)?;
    Ok(path)
}
