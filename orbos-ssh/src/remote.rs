use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use tokio::fs::File;

use crate::{
    Error, Output, Shell, Sink, Terminal,
    channel::Channel,
    exec::{Input, Patience, Taker, exec},
    pool::Entry,
    privilege::Watched,
    script,
    session::Session,
    terminal,
};

/// The shell on a machine behind a pooled connection.
#[derive(Debug)]
pub(crate) struct RemoteShell {
    entry: Arc<Entry>,
}

impl RemoteShell {
    pub(crate) fn new(entry: Arc<Entry>) -> Self {
        Self { entry }
    }

    async fn collect(&self, command: &str, stdin: &[u8], patience: PatienceOf) -> Result<Output, Error> {
        let mut said = Output::default();
        let end = self.exec(command, Input::Bytes(stdin), Taker::Output(&mut said), patience).await?;
        self.judged(Output { stdout: said.stdout, stderr: said.stderr, ..end })
    }

    async fn exec(
        &self,
        command: &str,
        input: Input<'_>,
        taker: Taker<'_>,
        patience: PatienceOf,
    ) -> Result<Output, Error> {
        let (session, _fresh) = self.entry.session().await?;
        let command = session.target().privilege.wrap(command);
        match session.command_channel().await {
            Ok((_place, channel)) => run(&session, channel, &command, input, taker, patience).await,
            Err(error @ Error::Refused { .. }) => Err(error),
            // Nothing was started, so it may be tried on a new connection, once.
            Err(error) => {
                tracing::debug!(target = %session.target(), %error, "connecting again");
                session.wire().retire();
                let (session, _) = self.entry.session().await?;
                let (_place, channel) = session.command_channel().await?;
                run(&session, channel, &command, input, taker, patience).await
            }
        }
    }

    fn judged(&self, output: Output) -> Result<Output, Error> {
        let target = self.entry.target();
        if target.privilege.is_refused(&output) {
            return Err(Error::SudoPassword { user: target.user.clone(), address: target.address });
        }
        Ok(output)
    }

    async fn put(&self, to: &str, size: u64, mode: u32, input: Input<'_>) -> Result<(), Error> {
        let beside = script::beside();
        let command = script::write(script::checked(to)?, size, mode, &beside);
        let mut said = Output::default();
        let end = self.exec(&command, input, Taker::Output(&mut said), PatienceOf::Copy).await?;
        let output = self.judged(Output { stdout: said.stdout, stderr: said.stderr, ..end })?;
        if !output.success() && output.stderr_text().contains("No space left on device") {
            return Err(Error::NoSpace { path: to.to_owned() });
        }
        output.checked(format!("writing {to}")).map(drop)
    }
}

/// Which of a session's time-outs counts.
#[derive(Clone, Copy)]
enum PatienceOf {
    Command,
    Copy,
}

async fn run(
    session: &Session,
    channel: Channel,
    command: &str,
    input: Input<'_>,
    taker: Taker<'_>,
    patience: PatienceOf,
) -> Result<Output, Error> {
    let patience = match patience {
        PatienceOf::Command => Patience::Total(session.timeouts().command),
        PatienceOf::Copy => Patience::Stall(session.timeouts().stall),
    };
    exec(session, channel, command, input, taker, patience).await
}

#[async_trait]
impl Shell for RemoteShell {
    async fn run(&self, command: &str) -> Result<Output, Error> {
        self.collect(command, b"", PatienceOf::Command).await
    }

    async fn look(&self, script: &str) -> Result<Output, Error> {
        let (session, _fresh) = self.entry.session().await?;
        match session.look(script).await? {
            Some(output) => Ok(output),
            // Whatever is wrong with it, what is said without it counts.
            None => self.run(script).await,
        }
    }

    async fn run_with_input(&self, command: &str, stdin: &[u8]) -> Result<Output, Error> {
        self.collect(command, stdin, PatienceOf::Command).await
    }

    async fn stream(&self, command: &str, sink: &mut (dyn Sink + Send)) -> Result<Output, Error> {
        let mut watched = Watched::new(sink);
        let end =
            self.exec(command, Input::Bytes(b""), Taker::Sink(&mut watched), PatienceOf::Command).await?;
        let said = watched.said();
        self.judged(Output { stdout: said.stdout, stderr: said.stderr, ..end.clone() })?;
        Ok(end)
    }

    async fn terminal(&self, command: Option<&str>, terminal: Terminal<'_>) -> Result<Output, Error> {
        let Terminal { kind, size, events, sink } = terminal;
        let mut watched = Watched::new(sink);
        let command = self.entry.target().privilege.wrap_for_human(command);
        let terminal = Terminal { kind, size, events, sink: &mut watched };
        let (session, _fresh) = self.entry.session().await?;
        let end = match session.command_channel().await {
            Ok((_place, channel)) => terminal::run(&session, channel, command.as_deref(), terminal).await?,
            Err(error @ Error::Refused { .. }) => return Err(error),
            // Nothing was started, so it may be tried on a new connection, once.
            Err(_) => {
                session.wire().retire();
                let (session, _) = self.entry.session().await?;
                let (_place, channel) = session.command_channel().await?;
                terminal::run(&session, channel, command.as_deref(), terminal).await?
            }
        };
        // On a terminal sudo complains where the output goes.
        self.judged(Output { stderr: watched.said().stdout, ..end.clone() })?;
        Ok(end)
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let output = self.collect(&script::read(script::checked(path)?), b"", PatienceOf::Copy).await?;
        if output.status == script::NO_FILE && output.signal.is_none() {
            return Ok(None);
        }
        Ok(Some(output.checked(format!("reading {path}"))?.stdout))
    }

    async fn write(&self, path: &str, contents: &[u8], mode: u32) -> Result<(), Error> {
        self.put(path, contents.len() as u64, mode, Input::Bytes(contents)).await
    }

    async fn upload(&self, from: &Path, to: &str, mode: u32) -> Result<(), Error> {
        let local = |source| Error::Local { path: from.to_owned(), source };
        let mut file = File::open(from).await.map_err(local)?;
        let size = file.metadata().await.map_err(local)?.len();
        self.put(to, size, mode, Input::File(&mut file, from.to_owned())).await
    }

    async fn download(&self, from: &str, to: &Path) -> Result<(), Error> {
        let local = |source| Error::Local { path: to.to_owned(), source };
        let command = script::read(script::checked(from)?);
        let mut part = Part::beside(to);
        let mut file = File::create_new(&part.path).await.map_err(local)?;
        let mut said = Output::default();
        let taker = Taker::File(&mut file, part.path.clone(), &mut said);
        let end = self.exec(&command, Input::Bytes(b""), taker, PatienceOf::Copy).await?;
        let output = self.judged(Output { stderr: said.stderr, ..end })?;
        if output.status == script::NO_FILE {
            return Err(Error::Remote {
                what: format!("reading {from}"),
                status: 1,
                said: "no such file".into(),
            });
        }
        output.checked(format!("reading {from}"))?;
        file.sync_all().await.map_err(local)?;
        tokio::fs::rename(&part.path, to).await.map_err(local)?;
        part.keep = true;
        Ok(())
    }
}

/// A local file that is not complete yet; removed if it never gets so.
struct Part {
    path: PathBuf,
    keep: bool,
}

impl Part {
    fn beside(path: &Path) -> Self {
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".");
        name.push(script::beside());
        Self { path: path.with_file_name(name), keep: false }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
