//! Which thread goes first when there are more of them than cores.

/// Lets the calling thread stand back behind the reader, which cuts. Journal and servers have time; the cut has none.
pub fn stand_back() {
    /// Five steps of niceness are about a third of the share.
    const NICE: i32 = 5;
    // A system that refuses leaves everything as it was: the measured latency stands in the journal either way.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
}
