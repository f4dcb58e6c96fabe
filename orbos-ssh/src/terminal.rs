use std::fmt;

use tokio::sync::mpsc;

use crate::{
    Error, Output, Sink, Source,
    channel::{Channel, Side},
    session::{Session, Unfinished, cause, within},
};

/// A terminal of a human, for [`Shell::terminal`](crate::Shell::terminal).
pub struct Terminal<'a> {
    /// What kind of terminal it is, as in `TERM`, like `xterm-256color`.
    pub kind: String,
    /// How large it is at the beginning.
    pub size: TerminalSize,
    /// What the human does. Once the other end is dropped nothing is typed any more; the program goes on.
    pub events: mpsc::Receiver<TerminalEvent>,
    /// Where the program's output goes: all of it as [`Source::Stdout`], as terminals have only one.
    pub sink: &'a mut (dyn Sink + Send),
}

impl fmt::Debug for Terminal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").field("kind", &self.kind).field("size", &self.size).finish_non_exhaustive()
    }
}

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// What a human does at a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalEvent {
    /// Types; a terminal in raw mode hands over every key, Ctrl-C too, as bytes.
    Typed(Vec<u8>),
    /// Makes the window larger or smaller.
    Resized(TerminalSize),
}

/// Runs a command, or a login shell without one, on a terminal of its own, to its end.
pub(crate) async fn run(
    session: &Session,
    mut channel: Channel,
    command: Option<&str>,
    terminal: Terminal<'_>,
) -> Result<Output, Error> {
    let wire = channel.wire();
    let unfinished = Unfinished::new(&wire);
    let Terminal { kind, size, events, sink } = terminal;
    start(session, &mut channel, command, &kind, size).await?;
    let (from, to) = channel.split();
    let carried = tokio::select! {
        biased;
        carried = down(from, sink) => carried.map_err(|error| session.closed("using a terminal", error.into())),
        error = session.watch() => Err(error),
        // Never ends by itself. Given up in the middle of a packet it ends the connection, but then the
        // program has ended with keys that nobody read.
        never = up(events, to, &mut channel) => match never {},
    };
    carried?;
    let address = session.target().address;
    let status =
        within(session.timeouts().open, || format!("the end of a program on {address}"), channel.status());
    let output =
        status.await?.map_err(|error| session.closed("reading a program's status", cause(error).into()))?;
    unfinished.finish();
    Ok(output)
}

async fn start(
    session: &Session,
    channel: &mut Channel,
    command: Option<&str>,
    kind: &str,
    TerminalSize { columns, rows }: TerminalSize,
) -> Result<(), Error> {
    let address = session.target().address;
    let starting = async {
        let channel = &mut channel.parts().channel;
        channel.request_pty(kind, None, Some((columns.into(), rows.into(), 0, 0))).await?;
        match command {
            Some(command) => channel.exec(command).await,
            None => channel.shell().await,
        }
    };
    within(session.timeouts().open, || format!("opening a terminal on {address}"), starting)
        .await?
        .map_err(|error| session.closed("opening a terminal", cause(error).into()))
}

async fn down(mut from: Side, sink: &mut (dyn Sink + Send)) -> std::io::Result<()> {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        match from.read(&mut buffer).await? {
            0 => break,
            count => sink.take(Source::Stdout, &buffer[..count]),
        }
    }
    sink.end();
    Ok(())
}

/// Errors are left to whoever reads, who is told why.
async fn up(
    mut events: mpsc::Receiver<TerminalEvent>,
    mut to: Side,
    channel: &mut Channel,
) -> std::convert::Infallible {
    while let Some(event) = events.recv().await {
        match event {
            TerminalEvent::Typed(bytes) => {
                if to.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            TerminalEvent::Resized(TerminalSize { columns, rows }) => {
                let resized =
                    channel.parts().channel.request_pty_size(columns.into(), rows.into(), None, None).await;
                if let Err(error) = resized {
                    tracing::debug!(%error, "the machine was not told the new size");
                }
            }
        }
    }
    std::future::pending().await
}
