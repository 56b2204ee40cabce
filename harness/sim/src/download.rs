//! A download over HTTP into the delta area, beside the application (AN §2.2.1).
//!
//! URL, total length and position are kept in the flash, a sector at a time, so that the same order continues with a Range
//! after a cut (FW: `quectel_fota_get_position`, "Range: bytes=%d-"). It never tries again: any failure ends it.

use crate::background::{Background, Cancellation};
use crate::clock::{ModuleClock, Pacer};
use crate::defect::{Defect, Defects};
use crate::delta_area;
use crate::dialect::Dialect;
use crate::durations::{DOWNLINK, DOWNLINK_PIECE};
use crate::flash::{FlashError, SECTOR, SharedFlash};
use crate::http::{ContentRange, HttpClient, HttpError, Response};
use crate::layout::{FlashLayout, Region};
use crate::nvdm::DownloadPosition;
use crate::settings::Settings;
use crate::url::Url;

const DELTA: Region = FlashLayout::BC66.delta;

/// Events of a download.
#[derive(Debug)]
pub(crate) enum DownloadEvent {
    /// So many percent of the package are in the flash.
    Percent(u8),
    /// The end: bytes of the package, or why there is none.
    Over(Result<usize, DownloadError>),
}

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("status {0}, expected 200 or 206")]
    Status(u16),
    #[error("an answer without a length, expected 1 to {max} bytes", max = DELTA.size())]
    NoLength,
    #[error("a package of {0} bytes, expected 1 to {max}", max = DELTA.size())]
    Length(usize),
    #[error("the partial answer is not the part that was asked for")]
    Range,
    #[error(transparent)]
    Flash(#[from] FlashError),
}

/// Starts downloading.
pub(crate) fn download(
    url: Url,
    flash: SharedFlash,
    clock: ModuleClock,
    settings: &Settings,
    mut tell: impl FnMut(DownloadEvent) + Send + 'static,
) -> std::io::Result<Background> {
    let defects = settings.defects;
    let exact_names = settings.dialects.has(Dialect::ExactHeaderNames);
    Background::start("download", move |cancellation| {
        let mut transfer = HttpTransfer {
            client: HttpClient {
                clock,
                cancellation: cancellation.clone(),
                exact_names,
            },
            url,
            flash,
            clock,
            cancellation,
            defects,
            percent: 0,
        };
        let over = transfer.run(&mut tell);
        if !cancellation.is_set() {
            tell(DownloadEvent::Over(over));
        }
    })
}

struct HttpTransfer<'a> {
    client: HttpClient,
    url: Url,
    flash: SharedFlash,
    clock: ModuleClock,
    cancellation: &'a Cancellation,
    defects: Defects,
    /// The percentage that was reported last.
    percent: u8,
}

/// An answer that brings the rest of the package.
struct Rest {
    response: Response,
    from: usize,
    total: usize,
}

impl HttpTransfer<'_> {
    fn run(&mut self, tell: &mut dyn FnMut(DownloadEvent)) -> Result<usize, DownloadError> {
        let Rest {
            mut response,
            from: mut at,
            total,
        } = self.open()?;
        let mut pace = Pacer::new();
        let mut piece = [0; DOWNLINK_PIECE];
        while at < total {
            let wanted = (total - at).min(piece.len());
            let mut len = 0;
            let read = response.read(&mut piece[..wanted], &mut len);
            pace.restart();
            let share = len as f64 / DOWNLINK_PIECE as f64;
            pace.pass(self.clock.real(DOWNLINK.mul_f64(share)));
            self.store(at, &piece[..len], total)?;
            at += len;
            let percent = (at * 100 / total) as u8;
            if percent > self.percent && !self.cancellation.is_set() {
                self.percent = percent;
                tell(DownloadEvent::Percent(percent));
            }
            read?;
        }
        Ok(total)
    }

    /// Asks for what is missing; for all of it, if the server cannot continue.
    fn open(&self) -> Result<Rest, DownloadError> {
        let earlier = DownloadPosition::load(&*self.flash.lock())?;
        let earlier = earlier.filter(|earlier| earlier.url == self.url.text && earlier.position > 0);
        let mut from = earlier.as_ref().map_or(0, |earlier| earlier.position);
        let mut response = self.client.get(&self.url, from)?;
        if response.status == 416 && from > 0 {
            from = 0;
            response = self.client.get(&self.url, from)?;
        }
        let total = match (response.status, earlier) {
            (206, Some(earlier)) if from > 0 => {
                let is_asked = |range: ContentRange| (range.from, range.total) == (from, earlier.total);
                if !response.range.is_some_and(is_asked) {
                    DownloadPosition::forget(&mut *self.flash.lock())?;
                    return Err(DownloadError::Range);
                }
                earlier.total
            }
            (200, Some(earlier)) if from > 0 && self.defects.has(Defect::RangeIgnored) => earlier.total,
            (200, _) => {
                let total = response.length.ok_or(DownloadError::NoLength)?;
                if !(1..=DELTA.size()).contains(&total) {
                    return Err(DownloadError::Length(total));
                }
                from = 0;
                self.keep(total, 0)?;
                total
            }
            (status, _) => return Err(DownloadError::Status(status)),
        };
        Ok(Rest {
            response,
            from,
            total,
        })
    }

    /// Writes a piece as it came, and keeps the position where a sector is complete.
    fn store(&self, at: usize, piece: &[u8], total: usize) -> Result<(), DownloadError> {
        let mut flash = self.flash.lock();
        if self.cancellation.is_set() {
            return Err(HttpError::Cancelled.into());
        }
        delta_area::write(&mut *flash, DELTA, at, piece)?;
        drop(flash);
        let position = (at + piece.len()) / SECTOR * SECTOR;
        if position > at && position < total {
            self.keep(total, position)?;
        }
        Ok(())
    }

    fn keep(&self, total: usize, position: usize) -> Result<(), FlashError> {
        let url = self.url.text.clone();
        let record = DownloadPosition { url, total, position };
        record.save(&mut *self.flash.lock())
    }
}
