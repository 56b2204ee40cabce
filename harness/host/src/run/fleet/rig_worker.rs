//! The trait `RigWorker`: runs the batches of one rig, in a process of this machine or through an agent on another one.

use super::wire::{FromWorker, ToWorker};
use std::time::Duration;

/// A worker. Dropped, it is given up; its rig is made safe.
pub trait RigWorker: Send {
    /// Why the rig cannot take a batch now, although nothing is wrong with it.
    fn why_busy(&mut self) -> Option<String> {
        None
    }

    /// Tells the worker something. One that is gone says so in [`Self::next`].
    fn tell(&mut self, message: &ToWorker);

    /// Waits for what it says next.
    fn next(&mut self, limit: Duration) -> WorkerNews;

    /// Takes its batch away from it, for good. What it wrote until then can be read in the run folder.
    fn kill(&mut self);

    /// Whether it may still make cuts after [`Self::kill`]: it is on another machine, and was not heard to end.
    fn may_go_on(&self) -> bool {
        false
    }

    /// Ends a worker that has nothing to do.
    fn end(self: Box<Self>);

    /// What interrupts it while somebody else waits for its news.
    fn interrupter(&self) -> Box<dyn InterruptWorker>;
}

/// Interrupts a worker: once, it brings its rig to its safe state and ends; twice, at once.
pub trait InterruptWorker: Send {
    fn interrupt(&self);
}

/// What a seat hears of its worker.
#[derive(Debug)]
pub enum WorkerNews {
    Said(FromWorker),
    /// Nothing within the limit: it hangs, was stopped, or its machine is far too busy.
    Silent,
    /// It ended, or cannot be understood any more.
    Gone(String),
}
