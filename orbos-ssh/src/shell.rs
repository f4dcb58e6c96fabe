use std::{fmt, path::Path};

use async_trait::async_trait;

use crate::{Error, Terminal};

/// A shell on one machine.
///
/// Commands and files are the machine's root's, unless its
/// [`Target`](crate::Target) says otherwise. Paths on the machine are absolute.
///
/// # Examples
///
/// ```
/// use orbos_ssh::{Error, Shell};
///
/// async fn kernel(shell: &dyn Shell) -> Result<String, Error> {
///     Ok(shell.run("uname -r").await?.checked("reading the kernel's version")?.stdout_text())
/// }
/// ```
#[async_trait]
pub trait Shell: fmt::Debug + Send + Sync {
    /// Runs a command and returns what it said, with empty standard input.
    ///
    /// The text is what one would give to `sh -c`. A status other than 0 is an
    /// output, not an error.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from being run to its end; then it is not
    /// known how far it came, unless the variant says so.
    async fn run(&self, command: &str) -> Result<Output, Error>;

    /// Runs a script that only looks, again and again.
    ///
    /// Like [`run`](Shell::run), but a process may stay on the machine for the next look and have the script already, since
    /// starting a shell costs a machine more than most looks do. Every look is a subshell of it, so that nothing of one is
    /// left in the next. One look at a time; what ends the process, or a connection that broke, makes it run a second time.
    /// The process ends with the connection.
    ///
    /// The default implementation is `run`.
    ///
    /// # Errors
    ///
    /// As for [`run`](Shell::run).
    async fn look(&self, script: &str) -> Result<Output, Error> {
        self.run(script).await
    }

    /// Runs a command with `stdin` as its standard input.
    ///
    /// A command that ends without reading its input is no error.
    ///
    /// # Errors
    ///
    /// As for [`run`](Shell::run).
    async fn run_with_input(&self, command: &str, stdin: &[u8]) -> Result<Output, Error>;

    /// Runs a command and hands over what it says while it runs.
    ///
    /// The returned output has the status only; its texts are empty.
    ///
    /// # Errors
    ///
    /// As for [`run`](Shell::run).
    async fn stream(&self, command: &str, sink: &mut (dyn Sink + Send)) -> Result<Output, Error>;

    /// Runs a command on a terminal of its own, or a login shell without one, for a human.
    ///
    /// Takes as long as it takes: [`Timeouts::command`](crate::Timeouts::command) does not count, only
    /// silence of the machine does. The returned output has the status only.
    ///
    /// # Errors
    ///
    /// As for [`run`](Shell::run); [`NoTerminal`](Error::NoTerminal) from shells that have none, which is
    /// what the default implementation says.
    async fn terminal(&self, command: Option<&str>, terminal: Terminal<'_>) -> Result<Output, Error> {
        let _ = (command, terminal);
        Err(Error::NoTerminal)
    }

    /// Reads a file; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// [`Remote`](Error::Remote) if it is there but cannot be read, as a
    /// directory.
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Replaces a file as a whole, or creates it, with these permission bits.
    ///
    /// The contents go to a new file beside it which is renamed at the end, so
    /// that nobody sees half a file and a broken connection changes nothing.
    /// The file belongs to root, missing directories are made (0755).
    ///
    /// # Errors
    ///
    /// [`NoSpace`](Error::NoSpace) if the disk is full, [`Remote`](Error::Remote)
    /// for anything else the machine objects to.
    async fn write(&self, path: &str, contents: &[u8], mode: u32) -> Result<(), Error>;

    /// Copies a local file to the machine, with these permission bits.
    ///
    /// Like [`write`](Shell::write), but never has the whole file in memory.
    ///
    /// # Errors
    ///
    /// [`Local`](Error::Local) if the local file cannot be read, else as for
    /// `write`.
    async fn upload(&self, from: &Path, to: &str, mode: u32) -> Result<(), Error>;

    /// Copies a file of the machine to a local one, which is replaced as a whole.
    ///
    /// Never has the whole file in memory. The local directory must exist.
    ///
    /// # Errors
    ///
    /// [`Remote`](Error::Remote) if the file is not there or cannot be read,
    /// [`Local`](Error::Local) if the local one cannot be written.
    async fn download(&self, from: &str, to: &Path) -> Result<(), Error>;
}

/// What a command said and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The exit status; 128 plus the signal's number if a signal ended it, or
    /// 255 for a signal without a number known here.
    pub status: i32,
    /// The signal that ended the command, without `SIG`, as `KILL`.
    pub signal: Option<String>,
    /// Everything it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// Everything it wrote to its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Makes the output of a command that went well.
    #[must_use]
    pub fn ok(stdout: impl Into<Vec<u8>>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }

    /// Makes the output of a command that ended with `status`.
    #[must_use]
    pub fn failed(status: i32, stderr: impl Into<Vec<u8>>) -> Self {
        Self { status, stderr: stderr.into(), ..Self::default() }
    }

    /// Tells whether the command ended by itself with status 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status == 0 && self.signal.is_none()
    }

    /// Returns the standard output as text, without white space at its end.
    ///
    /// Bytes that are no UTF-8 become replacement characters.
    #[must_use]
    pub fn stdout_text(&self) -> String {
        text(&self.stdout)
    }

    /// Returns the standard error as text, without white space at its end.
    #[must_use]
    pub fn stderr_text(&self) -> String {
        text(&self.stderr)
    }

    /// Returns the output if the command went well, else an error that says
    /// what it was for.
    ///
    /// # Errors
    ///
    /// [`Remote`](Error::Remote) with the status and the end of what the
    /// command wrote to its standard error, or to its output if that is empty.
    pub fn checked(self, what: impl Into<String>) -> Result<Self, Error> {
        if self.success() { Ok(self) } else { Err(Error::remote(what.into(), &self)) }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

/// Which of a command's two outputs something was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// Takes what a command says while it runs.
///
/// Every closure `FnMut(Source, &[u8])` is one; [`Lines`] makes lines of it.
pub trait Sink {
    /// Takes the next bytes, which may end anywhere, in the middle of a
    /// character too. Called on the task that runs the command: must not block.
    fn take(&mut self, source: Source, bytes: &[u8]);

    /// Is called once after the last bytes.
    fn end(&mut self) {}
}

impl<F: FnMut(Source, &[u8])> Sink for F {
    fn take(&mut self, source: Source, bytes: &[u8]) {
        self(source, bytes);
    }
}

/// A [`Sink`] that calls a closure for every whole line.
///
/// Lines come without their end; a last line without an end comes too. Lines
/// longer than 64 KiB come in pieces.
///
/// # Examples
///
/// ```
/// use orbos_ssh::{Lines, Sink, Source};
///
/// let mut seen = Vec::new();
/// let mut lines = Lines::new(|source, line: &str| seen.push((source, line.to_owned())));
/// lines.take(Source::Stdout, b"one\r\ntw");
/// lines.take(Source::Stdout, b"o");
/// lines.end();
/// assert_eq!(seen, [(Source::Stdout, "one".into()), (Source::Stdout, "two".into())]);
/// ```
#[derive(Debug)]
pub struct Lines<F> {
    each: F,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

const LONGEST_LINE: usize = 64 * 1024;

impl<F: FnMut(Source, &str)> Lines<F> {
    /// Makes a sink that hands every line to `each`.
    pub fn new(each: F) -> Self {
        Self { each, stdout: Vec::new(), stderr: Vec::new() }
    }
}

impl<F: FnMut(Source, &str)> Sink for Lines<F> {
    fn take(&mut self, source: Source, bytes: &[u8]) {
        let rest = match source {
            Source::Stdout => &mut self.stdout,
            Source::Stderr => &mut self.stderr,
        };
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            rest.extend_from_slice(piece);
            if rest.ends_with(b"\n") || rest.len() > LONGEST_LINE {
                let line = String::from_utf8_lossy(rest);
                (self.each)(source, line.trim_end_matches(['\n', '\r']));
                rest.clear();
            }
        }
    }

    fn end(&mut self) {
        for (source, rest) in [(Source::Stdout, &mut self.stdout), (Source::Stderr, &mut self.stderr)] {
            if !rest.is_empty() {
                (self.each)(source, &String::from_utf8_lossy(rest));
                rest.clear();
            }
        }
    }
}
