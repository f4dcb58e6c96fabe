use std::{
    io,
    net::Shutdown,
    os::fd::{AsRawFd, RawFd},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{Interest, Ready},
    net::{TcpStream, UnixStream},
};

/// A TCP connection, or this side's end of a tunnel.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Local(UnixStream),
}

impl Socket {
    pub(super) fn tcp(stream: TcpStream) -> Self {
        // Best effort: a system that knows no such option still has our own time-outs.
        let _ = stream.set_nodelay(true);
        let probe =
            TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
        let _ = SockRef::from(&stream).set_tcp_keepalive(&probe);
        Self::Tcp(stream)
    }

    pub(super) fn shut(&self) {
        // It may be shut already.
        let _ = match self {
            Self::Tcp(stream) => SockRef::from(stream).shutdown(Shutdown::Both),
            Self::Local(stream) => SockRef::from(stream).shutdown(Shutdown::Both),
        };
    }

    pub(super) fn try_io(
        &self,
        interest: Interest,
        call: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.try_io(interest, call),
            Self::Local(stream) => stream.try_io(interest, call),
        }
    }

    /// Acknowledges at once what comes next. sshd sends small packets one by
    /// one and waits for it, which would cost 40 ms after each login.
    pub(super) fn answer_at_once(&self) {
        #[cfg(target_os = "linux")]
        if let Self::Tcp(stream) = self {
            let _ = stream.set_quickack(true);
        }
    }

    pub(super) async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match self {
            Self::Tcp(stream) => stream.ready(interest).await,
            Self::Local(stream) => stream.ready(interest).await,
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Local(stream) => stream.as_raw_fd(),
        }
    }
}
