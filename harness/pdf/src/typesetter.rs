//! What the typesetter can read: one template, one file of data, and its own fonts. No disk, no network, no clock.

use crate::printable::printable;
use serde_json::Value;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

const TEMPLATE: &str = include_str!("report.typ");

/// A report that could not be typeset.
#[derive(Debug, thiserror::Error)]
#[error("the test report could not be typeset: {0}; this is a mistake in the template, not in the run")]
pub struct PdfError(String);

/// The PDF of a report. `data` is what the template names; `identity` tells this document from all others.
pub fn typeset(data: Value, identity: &str) -> Result<Vec<u8>, PdfError> {
    let standards =
        PdfStandards::new(&[PdfStandard::A_2b]).map_err(|why| PdfError(why.message().to_string()))?;
    let options = PdfOptions {
        ident: Smart::Custom(identity.to_owned()),
        creator: Smart::Custom(Some("dfota-hil".to_owned())),
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&set(data)?, &options).map_err(|errors| PdfError::new(&errors))
}

fn set(data: Value) -> Result<PagedDocument, PdfError> {
    let world = ReportWorld::new(data)?;
    let document = typst::compile::<PagedDocument>(&world).output;
    document.map_err(|errors| PdfError::new(&errors))
}

impl PdfError {
    fn new(errors: &[SourceDiagnostic]) -> Self {
        let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        Self(messages.join("; "))
    }
}

struct ReportWorld {
    standard: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    template: Source,
    data_id: FileId,
    data: Bytes,
}

impl ReportWorld {
    fn new(data: Value) -> Result<Self, PdfError> {
        let fonts: Vec<Font> = typst_assets::fonts()
            .flat_map(|bytes| Font::iter(Bytes::new(bytes)))
            .collect();
        let shown = |c: char| {
            fonts
                .iter()
                .any(|font| font.info().coverage.contains(u32::from(c)))
        };
        let data = printable(data, &shown);
        Ok(Self {
            standard: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            template: Source::new(file("/report.typ")?, TEMPLATE.to_owned()),
            data_id: file("/report.json")?,
            data: Bytes::from_string(data.to_string()),
            fonts,
        })
    }
}

fn file(path: &str) -> Result<FileId, PdfError> {
    let path = VirtualPath::new(path).map_err(|why| PdfError(format!("{why:?}")))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl World for ReportWorld {
    fn library(&self) -> &LazyHash<Library> {
        &self.standard
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.template.id() {
            Ok(self.template.clone())
        } else {
            Err(absent(id))
        }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.data_id {
            Ok(self.data.clone())
        } else {
            Err(absent(id))
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    /// Never: a report has the dates of its data.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

fn absent(id: FileId) -> FileError {
    FileError::NotFound(id.get().vpath().get_with_slash().into())
}
