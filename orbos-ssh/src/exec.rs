use std::{io, path::PathBuf, time::Duration};

use tokio::{
    fs::File,
    io::AsyncReadExt as _,
    task::coop::consume_budget,
    time::{Instant, sleep_until},
};

use crate::{
    Error, Output, Sink, Source,
    channel::{Channel, Parts},
    session::{Session, Unfinished, cause, within},
    wire::{Wire, WouldBlock as _},
};

/// How much of a file is sent at a time.
const CHUNK: usize = 64 * 1024;
/// How much output is taken at a time; every command that runs has such a buffer, and many run at once.
pub(crate) const OUTPUT: usize = 4 * 1024;

/// How often both outputs are looked at in one try. Looking at one may receive what is for the other, or the end of both,
/// and then the socket has nothing more to say.
const LOOKS: usize = 8;

/// What a command gets as its standard input.
pub(crate) enum Input<'a> {
    Bytes(&'a [u8]),
    File(&'a mut File, PathBuf),
}

/// How long a command may take.
pub(crate) enum Patience {
    /// This long altogether.
    Total(Duration),
    /// As long as bytes move, with no longer pause than this.
    Stall(Duration),
}

/// Takes a command's output, at its own pace.
pub(crate) enum Taker<'a> {
    Output(&'a mut Output),
    Sink(&'a mut (dyn Sink + Send)),
    File(&'a mut File, PathBuf, &'a mut Output),
}

/// Runs one command on a channel, to its end.
pub(crate) async fn exec(
    session: &Session,
    mut channel: Channel,
    command: &str,
    input: Input<'_>,
    taker: Taker<'_>,
    patience: Patience,
) -> Result<Output, Error> {
    let wire = channel.wire();
    let unfinished = Unfinished::new(&wire);
    let mut run = Run { session, channel: &mut channel, wire: &wire, taker, moved: Instant::now() };
    let result = match patience {
        Patience::Total(after) => {
            let what = || format!("a command on {}", session.target().address);
            within(after, what, run.whole(command, input, None)).await?
        }
        Patience::Stall(after) => run.whole(command, input, Some(after)).await,
    };
    if result.is_ok() {
        unfinished.finish();
    }
    result
}

struct Run<'a, 't> {
    session: &'a Session,
    channel: &'a mut Channel,
    wire: &'a Wire,
    taker: Taker<'t>,
    moved: Instant,
}

/// How bytes move between us and what runs on a channel.
pub(crate) struct Moves<'a> {
    pub(crate) session: &'a Session,
    pub(crate) wire: &'a Wire,
    /// Since when nothing moved, and how long that may last.
    pub(crate) stall: Option<(Instant, Duration)>,
}

pub(crate) enum Step {
    Wrote(usize),
    /// The command does not read any more.
    Deaf,
    Read(Source, usize),
    End,
}

impl Moves<'_> {
    /// Moves some bytes in one direction, whichever can.
    pub(crate) async fn step(
        &self,
        parts: &mut Parts,
        pending: &[u8],
        buffer: &mut [u8],
    ) -> Result<Step, Error> {
        let (session, wire) = (self.session, self.wire);
        let moving = wire.drive(|| attempt(parts, wire, pending, buffer));
        // Both go on while the other one waits, since each may hold up the other.
        tokio::select! {
            biased;
            step = moving => step.map_err(|error| session.closed("running a command", error.into())),
            error = session.watch() => Err(error),
            error = self.stalled() => Err(error),
        }
    }

    async fn stalled(&self) -> Error {
        let Some((moved, after)) = self.stall else { return std::future::pending().await };
        sleep_until(moved + after).await;
        let what = format!("the next bytes of a file, with {}", self.session.target().address);
        Error::Timeout { what, after }
    }
}

impl Run<'_, '_> {
    async fn whole(
        &mut self,
        command: &str,
        input: Input<'_>,
        stall: Option<Duration>,
    ) -> Result<Output, Error> {
        let address = self.session.target().address;
        let starting = self.channel.parts().channel.exec(command);
        within(self.session.timeouts().open, || format!("starting a command on {address}"), starting)
            .await?
            .map_err(|error| self.session.closed("starting a command", cause(error).into()))?;
        self.moved = Instant::now();
        self.copy(input, stall).await?;
        if let Taker::Sink(sink) = &mut self.taker {
            sink.end();
        }
        within(
            self.session.timeouts().open,
            || format!("the end of a command on {address}"),
            self.channel.status(),
        )
        .await?
        .map_err(|error| self.session.closed("reading a command's status", cause(error).into()))
    }

    async fn copy(&mut self, input: Input<'_>, stall: Option<Duration>) -> Result<(), Error> {
        let mut feed = Feed::new(input);
        let mut buffer = vec![0; OUTPUT];
        loop {
            feed.fill().await?;
            if feed.is_at_end() {
                let eof = self.channel.parts().channel.send_eof();
                let what = || format!("ending the input of a command on {}", self.session.target().address);
                // It may have ended meanwhile; if it is the connection that is gone, reading says so.
                let _ = within(self.session.timeouts().open, what, eof).await?;
                feed.close();
            }
            let moves =
                Moves { session: self.session, wire: self.wire, stall: stall.map(|it| (self.moved, it)) };
            match moves.step(self.channel.parts(), feed.pending(), &mut buffer).await? {
                Step::Wrote(count) => feed.advance(count),
                Step::Deaf => feed.close(),
                Step::Read(source, count) => self.take(source, &buffer[..count]).await?,
                Step::End => return Ok(()),
            }
            self.moved = Instant::now();
            // A fast copy may never have to wait; the thread is not its own.
            consume_budget().await;
        }
    }

    async fn take(&mut self, source: Source, bytes: &[u8]) -> Result<(), Error> {
        match (&mut self.taker, source) {
            (Taker::Output(output), Source::Stdout) => output.stdout.extend_from_slice(bytes),
            (Taker::Output(output) | Taker::File(_, _, output), Source::Stderr) => {
                output.stderr.extend_from_slice(bytes);
            }
            (Taker::Sink(sink), source) => sink.take(source, bytes),
            (Taker::File(file, path, _), Source::Stdout) => tokio::io::AsyncWriteExt::write_all(file, bytes)
                .await
                .map_err(|source| Error::Local { path: path.clone(), source })?,
        }
        Ok(())
    }
}

fn attempt(parts: &mut Parts, wire: &Wire, pending: &[u8], buffer: &mut [u8]) -> io::Result<Step> {
    if !pending.is_empty() {
        match parts.try_write(pending) {
            Ok(count) => return Ok(Step::Wrote(count)),
            // Half a packet is sent; libssh2 wants this very call again.
            Err(error) if error.would_block() && wire.is_sending() => return Err(error),
            Err(error) if error.would_block() => {}
            // If it is the connection that is gone, reading says so.
            Err(_) => return Ok(Step::Deaf),
        }
    }
    for _ in 0..LOOKS {
        let mut ended = 0;
        for source in [Source::Stdout, Source::Stderr] {
            match parts.try_read(source, buffer) {
                Ok(0) => ended += 1,
                Ok(count) => return Ok(Step::Read(source, count)),
                Err(error) if error.would_block() && !wire.is_sending() => {}
                Err(error) => return Err(error),
            }
        }
        if ended == 2 {
            return Ok(Step::End);
        }
        if !parts.holds_more() {
            break;
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

/// The rest of a command's input.
struct Feed<'a> {
    input: Input<'a>,
    chunk: Vec<u8>,
    start: usize,
    end: bool,
    open: bool,
}

impl<'a> Feed<'a> {
    fn new(input: Input<'a>) -> Self {
        Self { input, chunk: Vec::new(), start: 0, end: false, open: true }
    }

    async fn fill(&mut self) -> Result<(), Error> {
        if !self.pending().is_empty() || self.end {
            return Ok(());
        }
        match &mut self.input {
            Input::Bytes(_) => self.end = true,
            Input::File(file, path) => {
                self.chunk.resize(CHUNK, 0);
                let count = file.read(&mut self.chunk).await;
                let count = count.map_err(|source| Error::Local { path: path.clone(), source })?;
                self.chunk.truncate(count);
                self.start = 0;
                self.end = count == 0;
            }
        }
        Ok(())
    }

    fn pending(&self) -> &[u8] {
        match (&self.input, self.open) {
            (_, false) => &[],
            (Input::Bytes(bytes), true) => &bytes[self.start..],
            (Input::File(..), true) => &self.chunk[self.start..],
        }
    }

    fn advance(&mut self, count: usize) {
        self.start += count;
    }

    fn is_at_end(&self) -> bool {
        self.open && self.end
    }

    fn close(&mut self) {
        self.open = false;
        self.end = true;
    }
}
