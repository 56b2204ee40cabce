//! Handlers for SIGINT, SIGTERM and SIGHUP while a rig is open. The guard process ignores these signals.

use crate::bench::lines::RigLines;
use crate::bench::serial::message::BenchMessage;
use crate::exit::ExitCode;
use crate::terminal::print_warning;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Who sends the signals, and so who says that one came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signalled {
    /// Whoever started the program: it says so.
    ByUser,
    /// The parent of several workers: it has said so for all of them.
    ByParent,
}

/// The first SIGINT or SIGTERM ends the case with the rig safe and the reports written; the second ends at once, with the
/// rig safe.
pub fn install_handlers(
    runtime: &Runtime,
    inbox: Sender<BenchMessage>,
    lines: &Arc<RigLines>,
    signalled: Signalled,
) {
    let handlers = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ]
    .map(signal);
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = handlers else {
        tracing::warn!(
            "cannot install signal handlers: an interrupt ends this program at once; the guard makes a rig with wires safe"
        );
        return;
    };
    let lines = Arc::downgrade(lines);
    runtime.spawn(async move {
        let mut seen = 0;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            seen += 1;
            if seen == 1 {
                let _ = inbox.send(BenchMessage::Interrupt);
                if signalled == Signalled::ByUser {
                    print_warning(
                        "interrupted: bringing the rig to its safe state; interrupt again to stop at once",
                    );
                }
                continue;
            }
            if let Some(lines) = lines.upgrade()
                && let Err(why) = lines.safe()
            {
                print_warning(format_args!("the rig could not be made safe: {why}"));
            }
            std::process::exit(ExitCode::Interrupted.code().into());
        }
    });
}
