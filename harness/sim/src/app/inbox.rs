//! The application's inputs: bytes of the host, and events of the threads beside it.

use crate::download::DownloadEvent;
use crate::lwm2m::LinkEvent;
use crate::pull::PullError;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// What the application reacts to. Downloads and links are counted in each boot.
#[derive(Debug)]
pub(crate) enum ApplicationInput {
    Bytes(Vec<u8>),
    Http {
        number: u64,
        event: DownloadEvent,
    },
    Coap {
        number: u64,
        /// Its bytes, or why there is none.
        package: Result<usize, PullError>,
    },
    Link {
        number: u64,
        event: LinkEvent,
    },
}

pub(crate) struct Inbox {
    sender: Sender<ApplicationInput>,
    inputs: Receiver<ApplicationInput>,
    /// Comes before what is in the channel; never bytes.
    early: VecDeque<ApplicationInput>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        let (sender, inputs) = channel();
        Self {
            sender,
            inputs,
            early: VecDeque::new(),
        }
    }

    /// For a thread beside the application.
    pub(crate) fn sender(&self) -> Sender<ApplicationInput> {
        self.sender.clone()
    }

    /// The next input, or `None` when `until` has come first.
    pub(super) fn next(&mut self, until: Option<Instant>) -> Option<ApplicationInput> {
        self.early.pop_front().or_else(|| match until {
            Some(until) => {
                let wait = until.saturating_duration_since(Instant::now());
                self.inputs.recv_timeout(wait).ok()
            }
            None => self.inputs.recv().ok(),
        })
    }

    pub(super) fn push(&mut self, input: ApplicationInput) {
        self.early.push_back(input);
    }

    /// Takes the bytes that the host has sent so far.
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        self.take_bytes_while(|inputs| inputs.try_recv().ok())
    }

    /// Takes bytes until nothing has come for so much real time.
    pub(super) fn take_bytes_until_quiet(&mut self, quiet: Duration) -> Vec<u8> {
        self.take_bytes_while(|inputs| inputs.recv_timeout(quiet).ok())
    }

    fn take_bytes_while(
        &mut self,
        next: impl Fn(&Receiver<ApplicationInput>) -> Option<ApplicationInput>,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(input) = next(&self.inputs) {
            match input {
                ApplicationInput::Bytes(more) => bytes.extend_from_slice(&more),
                other => self.early.push_back(other),
            }
        }
        bytes
    }
}
