use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    time::timeout,
};

use crate::{
    Error,
    channel::{Channel, Side},
    session::Session,
    wire::Wire,
};

/// Connects to another machine through one that is logged in.
///
/// The task that carries the bytes ends with the returned wire, or with the
/// channel, whichever is first.
pub(crate) async fn tunnel(jump: Arc<Session>, to: SocketAddr) -> Result<Wire, Error> {
    let channel = jump.tunnel_channel(to).await.map_err(|error| match error {
        Error::Refused { source, .. } => Error::Unreachable { address: to, source: io::Error::other(source) },
        other => other,
    })?;
    let (near, far) = UnixStream::pair().map_err(|source| Error::Unreachable { address: to, source })?;
    tokio::spawn(carry(jump, channel, far));
    Ok(Wire::local(near))
}

async fn carry(jump: Arc<Session>, mut channel: Channel, local: UnixStream) {
    let (from_jump, to_jump) = channel.split();
    let (from_local, to_local) = local.into_split();
    let ended = tokio::select! {
        ended = down(from_jump, to_local) => ended,
        ended = up(from_local, to_jump) => ended,
    };
    tracing::debug!(?ended, "tunnel ended");
    // Best effort: who is told no goodbye notices by its own time-outs.
    let _ = timeout(jump.timeouts().open, channel.parts().channel.close()).await;
}

async fn down(mut from: Side, mut to: tokio::net::unix::OwnedWriteHalf) -> io::Result<()> {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        match from.read(&mut buffer).await? {
            0 => return Ok(()),
            count => to.write_all(&buffer[..count]).await?,
        }
    }
}

async fn up(mut from: tokio::net::unix::OwnedReadHalf, mut to: Side) -> io::Result<()> {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        match from.read(&mut buffer).await? {
            0 => return Ok(()),
            count => to.write_all(&buffer[..count]).await?,
        }
    }
}
