//! `report.pdf`: the test report of a run, typeset. Only with the feature `pdf`.

use super::certificate::{Certificate, TooEarly};
use super::{ReportError, Run, replace};
use crate::day::Day;
use crate::digest::sha256_hex;
use std::path::{Path, PathBuf};

/// Name of the test report in a run folder.
pub const FILE: &str = "report.pdf";

/// A test report that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The journal, or the file.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The day of issue.
    #[error(transparent)]
    Day(#[from] TooEarly),
    /// The typesetter.
    #[error(transparent)]
    Pdf(#[from] dfota_pdf::PdfError),
    /// The data.
    #[error("what stands in the test report could not be written as JSON: {0}")]
    Data(#[from] serde_json::Error),
}

/// Typesets the test report of a run folder, from its journal alone; gives its path.
pub fn make(folder: &Path, issued: Option<Day>) -> Result<PathBuf, PaperError> {
    let records = crate::journal::read(folder).map_err(ReportError::from)?;
    let run = Run::new(&records).map_err(|why| ReportError::Run {
        path: folder.to_owned(),
        why,
    })?;
    let path = folder.join(crate::journal::FILE);
    let journal = std::fs::read(&path).map_err(|why| crate::journal::ReadError::Io { path, why });
    let digest = sha256_hex(&journal.map_err(ReportError::from)?);
    let certificate = Certificate::of(&run, &records, digest, issued)?;
    let pdf = dfota_pdf::typeset(serde_json::to_value(&certificate)?, &certificate.run)?;
    let path = folder.join(FILE);
    replace(&path, &pdf)?;
    Ok(path)
}
