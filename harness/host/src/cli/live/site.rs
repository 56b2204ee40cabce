//! What a server of pages has: the page of one run, or those of a lab.

use super::answer::{Asked, from_board};
use super::board::Board;
use super::body::LiveBody;
use dfota_core::event::Record;
use dfota_record::live::LiveRun;
use hyper::Response;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Records that are taken at once; between, readers are served.
pub(super) const AT_ONCE: usize = 2_000;

/// The pages of a server.
pub(super) trait Site {
    /// Takes what has come, in part; whether there is more.
    fn take(&mut self) -> bool;
    /// A turn is over: tells the readers what has changed.
    fn tell(&mut self);
    /// The last word.
    fn end(&mut self, said: &str);
    /// Whether what a path gives is known by now. Asked again until it is.
    fn is_ready(&mut self, path: &str) -> bool;
    /// What a path gives.
    fn answer(&mut self, path: &str, asked: &Asked<'_>) -> Response<LiveBody>;
}

/// A record on its way to the page.
#[derive(Debug)]
pub(super) struct LiveMessage {
    pub(super) rig: Option<Arc<str>>,
    pub(super) record: Record,
}

/// The page of one run.
pub(super) struct RunSite {
    board: Board<LiveRun>,
    inbox: Receiver<LiveMessage>,
}

impl RunSite {
    pub(super) fn new(masked: bool, inbox: Receiver<LiveMessage>) -> Self {
        Self {
            board: Board::new(LiveRun::new(masked)),
            inbox,
        }
    }
}

impl Site for RunSite {
    fn take(&mut self) -> bool {
        for (count, message) in self.inbox.try_iter().enumerate() {
            self.board.view.on(message.rig.as_deref(), &message.record);
            if count + 1 == AT_ONCE {
                return true;
            }
        }
        false
    }

    fn tell(&mut self) {
        self.board.tell();
    }

    fn end(&mut self, said: &str) {
        self.board.end(said);
    }

    fn is_ready(&mut self, _path: &str) -> bool {
        true
    }

    fn answer(&mut self, path: &str, asked: &Asked<'_>) -> Response<LiveBody> {
        from_board(path, &mut self.board, asked)
    }
}
