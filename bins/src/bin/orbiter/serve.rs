//! `/metrics` and `/healthz` over HTTP/1.1, and nothing else.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::watch::Watch;

/// How long a client may take to ask.
const PATIENCE: Duration = Duration::from_secs(5);

/// Listens until the task is aborted.
pub(crate) async fn start(address: SocketAddr, watch: Arc<Watch>) -> Result<JoinHandle<()>> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    Ok(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answered = tokio::time::timeout(PATIENCE, answer(stream, &watch)).await;
            if let Ok(Err(error)) = answered {
                tracing::debug!(%error, "a client went away");
            }
        }
    }))
}

async fn answer(mut stream: TcpStream, watch: &Watch) -> std::io::Result<()> {
    let mut request = String::new();
    let mut reader = BufReader::new(&mut stream);
    reader.read_line(&mut request).await?;
    let (status, body) = match request.split_whitespace().nth(1) {
        Some("/metrics") => ("200 OK", watch.metrics()),
        Some("/healthz" | "/health") if watch.healthy() => ("200 OK", "OK\n".into()),
        Some("/healthz" | "/health") => {
            ("503 Service Unavailable", "the newest round failed or is long ago\n".into())
        }
        _ => ("404 Not Found", "there are /metrics and /healthz\n".into()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await
}
