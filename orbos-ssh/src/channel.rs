use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use async_ssh2_lite::{AsyncChannel, AsyncStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Output, Source, wire::Wire};

/// One channel of a session; everything on it waits by [`Wire::drive`].
pub(crate) struct Channel {
    // Always there until it is dropped.
    parts: Option<Parts>,
    wire: Wire,
}

pub(crate) struct Parts {
    pub(crate) channel: AsyncChannel<Wire>,
    stdout: AsyncStream<Wire>,
    stderr: AsyncStream<Wire>,
}

impl Channel {
    pub(crate) fn new(channel: AsyncChannel<Wire>, wire: Wire) -> Self {
        let (stdout, stderr) = (channel.stream(0), channel.stderr());
        Self { parts: Some(Parts { channel, stdout, stderr }), wire }
    }

    pub(crate) fn wire(&self) -> Wire {
        self.wire.clone()
    }

    pub(crate) fn parts(&mut self) -> &mut Parts {
        self.parts.as_mut().expect("only taken when dropped")
    }

    /// How what ran on it ended, once all its output is read.
    pub(crate) async fn status(&mut self) -> Result<Output, async_ssh2_lite::Error> {
        let channel = &mut self.parts().channel;
        channel.wait_close().await?;
        let signal = channel.exit_signal().await?.exit_signal;
        let status = match &signal {
            Some(signal) => number(signal).map_or(255, |it| 128 + it),
            None => channel.exit_status()?,
        };
        Ok(Output { status, signal, ..Output::default() })
    }

    /// Returns a second hold on the channel's main stream, for two directions at once.
    pub(crate) fn split(&mut self) -> (Side, Side) {
        let wire = self.wire.clone();
        let parts = self.parts();
        let side = |stream| Side { stream: Some(stream), wire: wire.clone() };
        (side(parts.channel.stream(0)), side(parts.channel.stream(0)))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        // ssh2 frees a channel without the session's lock.
        let parts = self.parts.take();
        self.wire.alone(|| drop(parts));
    }
}

impl Parts {
    /// Writes what fits; `WouldBlock` if nothing does.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        try_write(&mut self.stdout, bytes)
    }

    /// Whether bytes or the end were received and not read yet. Asks only libssh2, not the socket.
    pub(crate) fn holds_more(&self) -> bool {
        self.channel.read_window().available > 0 || self.channel.eof()
    }

    /// Reads what is there; 0 at the end, `WouldBlock` if there may come more.
    pub(crate) fn try_read(&mut self, source: Source, buffer: &mut [u8]) -> io::Result<usize> {
        match source {
            Source::Stdout => try_read(&mut self.stdout, buffer),
            Source::Stderr => try_read(&mut self.stderr, buffer),
        }
    }
}

/// One hold on a channel's main stream.
pub(crate) struct Side {
    stream: Option<AsyncStream<Wire>>,
    wire: Wire,
}

impl Side {
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stream = self.stream.as_mut().expect("only taken when dropped");
        self.wire.drive(|| try_read(stream, buffer)).await
    }

    pub(crate) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.as_mut().expect("only taken when dropped");
        while !bytes.is_empty() {
            let written = self.wire.drive(|| try_write(stream, bytes)).await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let stream = self.stream.take();
        self.wire.alone(|| drop(stream));
    }
}

fn try_write(stream: &mut AsyncStream<Wire>, bytes: &[u8]) -> io::Result<usize> {
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(stream).poll_write(&mut context, bytes) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

fn try_read(stream: &mut AsyncStream<Wire>, buffer: &mut [u8]) -> io::Result<usize> {
    let mut context = Context::from_waker(Waker::noop());
    let mut buffer = ReadBuf::new(buffer);
    match Pin::new(stream).poll_read(&mut context, &mut buffer) {
        Poll::Ready(result) => result.map(|()| buffer.filled().len()),
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

// Signals of RFC 4254 6.10, with the numbers all Unix systems agree on.
fn number(signal: &str) -> Option<i32> {
    let numbers = [
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("ILL", 4),
        ("ABRT", 6),
        ("FPE", 8),
        ("KILL", 9),
        ("SEGV", 11),
        ("PIPE", 13),
        ("ALRM", 14),
        ("TERM", 15),
    ];
    numbers.into_iter().find(|(name, _)| *name == signal).map(|(_, number)| number)
}
