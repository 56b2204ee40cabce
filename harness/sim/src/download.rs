//! A download over HTTP into the delta area, beside the application (AN §2.2.1).
//!
//! URL, total length and position are kept in the flash, a sector at a time, so that the same order continues with a Range
//! after a cut (FW: `quectel_fota_get_position`, "Range: bytes=%d-"). There is no retry of its own: any failure ends it.

use crate::clock::{ModuleClock, Pacer};
use crate::defect::{Defect, Defects};
use crate::delta_area;
use crate::dialect::{Dialect, Dialects};
use crate::durations::{DOWNLINK, DOWNLINK_PIECE};
use crate::flash::{FileFlash, FlashError, SECTOR};
use crate::http::{HttpError, Names, Patience, Response, get};
use crate::layout::FlashLayout;
use crate::nvdm::{DownloadPosition, Nvdm};
use crate::url::Url;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What a download tells the application.
#[derive(Debug)]
pub enum DownloadEvent {
    /// So many percent of the package are in the flash.
    Percent(u8),
    /// It is over: bytes of the package, or why there is none.
    Over(Result<usize, DownloadError>),
}

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server or the way to it.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Another status than 200 or 206.
    #[error("status {0}")]
    Status(u16),
    /// The answer's length is unknown, nothing, or more than the delta area holds.
    #[error("a package of {0:?} bytes does not go into the delta area")]
    Length(Option<usize>),
    /// A partial answer that is not the asked part.
    #[error("the partial answer is not the part that was asked for")]
    Range,
    #[error(transparent)]
    Flash(#[from] FlashError),
}

/// A download under way; dropping it gives it up.
#[derive(Debug)]
pub struct Download {
    cancelled: Arc<AtomicBool>,
}

impl Drop for Download {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Download {
    /// Starts downloading in a thread of its own. Once given up, it writes nothing and tells nothing any more.
    pub fn start(
        url: Url,
        flash: Arc<Mutex<FileFlash>>,
        layout: FlashLayout,
        clock: ModuleClock,
        (defects, dialects): (Defects, Dialects),
        mut tell: impl FnMut(DownloadEvent) + Send + 'static,
    ) -> std::io::Result<Self> {
        let cancelled = Arc::new(AtomicBool::new(false));
        let patience = Patience {
            clock,
            cancelled: Arc::clone(&cancelled),
        };
        thread::Builder::new().name("download".into()).spawn(move || {
            let mut transfer = HttpTransfer {
                url,
                flash,
                layout,
                patience,
                defects,
                names: if dialects.has(Dialect::ExactHeaderNames) {
                    Names::Exact
                } else {
                    Names::AnyCase
                },
                percent: 0,
            };
            let over = transfer.run(&mut tell);
            if !transfer.is_cancelled() {
                tell(DownloadEvent::Over(over));
            }
        })?;
        Ok(Self { cancelled })
    }
}

struct HttpTransfer {
    url: Url,
    flash: Arc<Mutex<FileFlash>>,
    layout: FlashLayout,
    patience: Patience,
    defects: Defects,
    names: Names,
    percent: u8,
}

impl HttpTransfer {
    fn run(&mut self, tell: &mut dyn FnMut(DownloadEvent)) -> Result<usize, DownloadError> {
        let (mut response, mut at, total) = self.open()?;
        let mut pace = Pacer::new();
        let mut piece = [0; DOWNLINK_PIECE];
        while at < total {
            let wanted = (total - at).min(piece.len());
            let (n, read) = response.read(&mut piece[..wanted]);
            pace.restart();
            pace.pass(
                self.patience
                    .clock
                    .real(DOWNLINK.mul_f64(n as f64 / DOWNLINK_PIECE as f64)),
            );
            self.store(at, &piece[..n], total)?;
            at += n;
            self.show(at, total, tell);
            read?;
        }
        Ok(total)
    }

    /// Asks for what is missing; for all of it, if the server cannot continue.
    fn open(&self) -> Result<(Response, usize, usize), DownloadError> {
        let kept = Nvdm::new(&self.layout).download(&*self.flash())?;
        let kept = kept.filter(|kept| kept.url == self.url.text && kept.position > 0);
        let mut from = kept.as_ref().map_or(0, |kept| kept.position);
        let mut response = get(&self.url, from, self.names, &self.patience)?;
        if response.status == 416 && from > 0 {
            from = 0;
            response = get(&self.url, from, self.names, &self.patience)?;
        }
        match (response.status, kept) {
            (206, Some(kept)) if from > 0 => {
                let range = response
                    .range
                    .filter(|range| (range.from, range.total) == (from, kept.total));
                if range.is_none() {
                    self.keep(None)?;
                    return Err(DownloadError::Range);
                }
                Ok((response, from, kept.total))
            }
            (200, Some(kept)) if from > 0 && self.defects.has(Defect::RangeIgnored) => {
                Ok((response, from, kept.total))
            }
            (200, _) => {
                let fits = |length: &usize| (1..=self.layout.delta.len()).contains(length);
                let total = response
                    .length
                    .filter(fits)
                    .ok_or(DownloadError::Length(response.length))?;
                self.keep(Some((total, 0)))?;
                Ok((response, 0, total))
            }
            (status, _) => Err(DownloadError::Status(status)),
        }
    }

    /// Writes a piece as it came, and keeps the position where a sector is complete.
    fn store(&self, at: usize, piece: &[u8], total: usize) -> Result<(), DownloadError> {
        let mut flash = self.flash();
        if self.is_cancelled() {
            return Err(HttpError::Cancelled.into());
        }
        delta_area::write(&mut *flash, self.layout.delta, at, piece)?;
        drop(flash);
        let position = (at + piece.len()) / SECTOR * SECTOR;
        if position > at && position < total {
            self.keep(Some((total, position)))?;
        }
        Ok(())
    }

    fn keep(&self, progress: Option<(usize, usize)>) -> Result<(), FlashError> {
        let record = progress.map(|(total, position)| DownloadPosition {
            url: self.url.text.clone(),
            total,
            position,
        });
        Nvdm::new(&self.layout).save_download(&mut *self.flash(), record.as_ref())
    }

    /// Tells a percentage once, when it is reached.
    fn show(&mut self, at: usize, total: usize, tell: &mut dyn FnMut(DownloadEvent)) {
        let percent = (at * 100 / total) as u8;
        if percent > self.percent && !self.is_cancelled() {
            self.percent = percent;
            tell(DownloadEvent::Percent(percent));
        }
    }

    fn is_cancelled(&self) -> bool {
        self.patience.cancelled.load(Ordering::Relaxed)
    }

    fn flash(&self) -> MutexGuard<'_, FileFlash> {
        self.flash.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
