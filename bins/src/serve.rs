//! `/metrics`, `/healthz` and `/readyz` over HTTP/1.1, and nothing else.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// An operator that runs for ever, as others see it.
pub trait Watched: Send + Sync + 'static {
    /// Its metrics in the text format of Prometheus.
    fn metrics(&self) -> String;
    /// Whether it should not be started anew.
    fn healthy(&self) -> bool;
    /// Whether it has ended a round that worked.
    fn ready(&self) -> bool;
    /// From now on no stage begins any more.
    fn stop(&self);
}

/// How long a client may take to ask.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers for an operator until the task is aborted.
///
/// # Errors
///
/// If the address cannot be listened on.
pub async fn serve(address: SocketAddr, watch: Arc<impl Watched>) -> Result<JoinHandle<()>> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    Ok(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answered = tokio::time::timeout(PATIENCE, answer(stream, watch.as_ref())).await;
            if let Ok(Err(error)) = answered {
                tracing::debug!(%error, "a client went away");
            }
        }
    }))
}

async fn answer(mut stream: TcpStream, watch: &impl Watched) -> std::io::Result<()> {
    let mut request = String::new();
    let mut reader = BufReader::new(&mut stream);
    reader.read_line(&mut request).await?;
    let (status, body) = match request.split_whitespace().nth(1) {
        Some("/metrics") => ("200 OK", watch.metrics()),
        Some("/healthz" | "/health") if watch.healthy() => ("200 OK", "OK\n".into()),
        Some("/healthz" | "/health") => {
            ("503 Service Unavailable", "the newest round failed or is long ago\n".into())
        }
        Some("/readyz") if watch.ready() => ("200 OK", "OK\n".into()),
        Some("/readyz") => ("503 Service Unavailable", "no round has worked yet\n".into()),
        _ => ("404 Not Found", "there are /metrics, /healthz and /readyz\n".into()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await
}
