//! SSH that counts.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use orbos_ssh::{Connect, Error, Output, PrivateKey, Shell, Sink, SshConnect, Target};

static COMMANDS: AtomicUsize = AtomicUsize::new(0);

/// How many commands and transfers were asked for so far; each is one channel.
pub(crate) fn commands() -> usize {
    COMMANDS.load(Ordering::Relaxed)
}

/// Real connections, whose commands are counted.
pub(crate) struct Counted(pub(crate) SshConnect);

#[async_trait]
impl Connect for Counted {
    async fn connect(&self, target: &Target, key: &PrivateKey) -> Result<Arc<dyn Shell>, Error> {
        Ok(Arc::new(CountedShell(self.0.connect(target, key).await?)))
    }
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug)]
struct CountedShell(Arc<dyn Shell>);

impl CountedShell {
    fn counted(&self) -> &dyn Shell {
        COMMANDS.fetch_add(1, Ordering::Relaxed);
        self.0.as_ref()
    }
}

#[async_trait]
impl Shell for CountedShell {
    async fn run(&self, command: &str) -> Result<Output, Error> {
        self.counted().run(command).await
    }

    async fn look(&self, script: &str) -> Result<Output, Error> {
        self.counted().look(script).await
    }

    async fn run_with_input(&self, command: &str, stdin: &[u8]) -> Result<Output, Error> {
        self.counted().run_with_input(command, stdin).await
    }

    async fn stream(&self, command: &str, sink: &mut (dyn Sink + Send)) -> Result<Output, Error> {
        self.counted().stream(command, sink).await
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.counted().read(path).await
    }

    async fn write(&self, path: &str, contents: &[u8], mode: u32) -> Result<(), Error> {
        self.counted().write(path, contents, mode).await
    }

    async fn upload(&self, from: &Path, to: &str, mode: u32) -> Result<(), Error> {
        self.counted().upload(from, to, mode).await
    }

    async fn download(&self, from: &str, to: &Path) -> Result<(), Error> {
        self.counted().download(from, to).await
    }
}
