//! The typesetter's surroundings: one template, one file of data, the fonts it brings along. No disk, no network, no clock.

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

/// A report that could not be set.
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
    typst_pdf::pdf(&set(data)?, &options).map_err(|errors| told(&errors))
}

fn set(data: Value) -> Result<PagedDocument, PdfError> {
    let sheet = Sheet::new(data)?;
    let document = typst::compile::<PagedDocument>(&sheet).output;
    document.map_err(|errors| told(&errors))
}

fn told(errors: &[SourceDiagnostic]) -> PdfError {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    PdfError(messages.join("; "))
}

struct Sheet {
    standard: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    template: Source,
    data: (FileId, Bytes),
}

impl Sheet {
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
            data: (file("/report.json")?, Bytes::from_string(data.to_string())),
            fonts,
        })
    }
}

fn file(path: &str) -> Result<FileId, PdfError> {
    let path = VirtualPath::new(path).map_err(|why| PdfError(format!("{why:?}")))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl World for Sheet {
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
        match id == self.template.id() {
            true => Ok(self.template.clone()),
            false => Err(absent(id)),
        }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        match id == self.data.0 {
            true => Ok(self.data.1.clone()),
            false => Err(absent(id)),
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
