//! The socket of a connection, as the HTTP library sees it: it counts every byte that is really handed to the socket,
//! and ends the connection exactly where an answer's plan says so.

use super::package::connection_log::ConnectionLog;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

#[derive(Debug)]
pub(super) struct FaultIo {
    stream: TcpStream,
    log: Arc<ConnectionLog>,
    /// How long the peer may take no byte, in real time.
    patience: Duration,
    impatient: Option<Pin<Box<Sleep>>>,
}

impl FaultIo {
    pub(super) fn new(stream: TcpStream, log: Arc<ConnectionLog>, patience: Duration) -> Self {
        Self {
            stream,
            log,
            patience,
            impatient: None,
        }
    }

    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// An error once an answer is over that closes the connection.
    fn check_cut(&self) -> io::Result<()> {
        if self.log.is_cut() {
            Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the plan ends here",
            ))
        } else {
            Ok(())
        }
    }

    /// The peer takes nothing now: gives up once it did so for too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let patience = self.patience;
        let impatient = self
            .impatient
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(impatient.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for FaultIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.log.read(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FaultIo {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_cut()?;
        let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write_vectored(context, slices)? else {
            return self.poll_patience(context);
        };
        self.impatient = None;
        let mut left = written;
        for slice in slices {
            let part = left.min(slice.len());
            self.log.wrote(&slice[..part]);
            left -= part;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.log.settle();
        Poll::Ready(self.check_cut())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
