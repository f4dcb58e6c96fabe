use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{Error, Output, Shell, Sink, Source};

/// A shell without a machine: it answers from a script and remembers what it
/// was asked.
///
/// Files are kept: what was written can be read. A command without an answer
/// ends with status 127, unless [`lenient`](ScriptedShell::lenient).
///
/// # Examples
///
/// ```
/// use orbos_ssh::{Output, Shell, testing::ScriptedShell};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let shell = ScriptedShell::new().on("uname -r", Output::ok("6.1.0\n")).with_file("/etc/hostname", "web1\n");
/// assert_eq!(shell.run("uname -r").await?.stdout_text(), "6.1.0");
/// shell.write("/etc/motd", b"hello\n", 0o644).await?;
/// assert_eq!(shell.transcript(), "$ uname -r\n> /etc/motd 0644\n| hello\n");
/// # Ok::<(), orbos_ssh::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct ScriptedShell {
    answers: Mutex<Vec<(Pattern, VecDeque<Output>)>>,
    files: Mutex<BTreeMap<String, (Vec<u8>, u32)>>,
    calls: Mutex<Vec<Call>>,
    lenient: bool,
}

#[derive(Debug, PartialEq)]
enum Pattern {
    Whole(String),
    Start(String),
}

/// One thing a [`ScriptedShell`] was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A command was run.
    Run {
        /// The command.
        command: String,
        /// Its input.
        stdin: Vec<u8>,
    },
    /// A file was read, also by a download.
    Read {
        /// Its path on the machine.
        path: String,
    },
    /// A file was written.
    Write {
        /// Its path on the machine.
        path: String,
        /// What it contains now.
        contents: Vec<u8>,
        /// Its permission bits.
        mode: u32,
    },
    /// A local file was uploaded.
    Upload {
        /// The local file.
        from: PathBuf,
        /// The path on the machine.
        to: String,
        /// Its permission bits.
        mode: u32,
    },
}

impl ScriptedShell {
    /// Starts with an empty script and no files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers commands that are not in the script with success and no output.
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// Answers a command. Several answers to one command come in turn, the
    /// last one for ever.
    #[must_use]
    pub fn on(self, command: impl Into<String>, answer: Output) -> Self {
        self.add(Pattern::Whole(command.into()), answer)
    }

    /// Answers commands that begin so and have no answer of their own.
    #[must_use]
    pub fn on_prefix(self, start: impl Into<String>, answer: Output) -> Self {
        self.add(Pattern::Start(start.into()), answer)
    }

    /// Adds a file that is there from the start.
    #[must_use]
    pub fn with_file(self, path: impl Into<String>, contents: impl Into<Vec<u8>>) -> Self {
        lock(&self.files).insert(path.into(), (contents.into(), 0o644));
        self
    }

    /// Returns everything that was asked, in order.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// Returns the commands that were run, in order.
    pub fn commands(&self) -> Vec<String> {
        let commands = self.calls().into_iter().filter_map(|call| match call {
            Call::Run { command, .. } => Some(command),
            _ => None,
        });
        commands.collect()
    }

    /// Returns a file's contents; `None` if it is not there.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        lock(&self.files).get(path).map(|(contents, _)| contents.clone())
    }

    /// Returns everything that was asked as text, for snapshots: `$ command`,
    /// `< file read`, `> file written`, `^ file uploaded`, and `| ` before
    /// every line that went there.
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        for call in self.calls() {
            let (line, body) = match call {
                Call::Run { command, stdin } => (format!("$ {command}"), stdin),
                Call::Read { path } => (format!("< {path}"), Vec::new()),
                Call::Write { path, contents, mode } => (format!("> {path} {mode:04o}"), contents),
                Call::Upload { from, to, mode } => {
                    (format!("^ {to} {mode:04o} from {}", from.display()), Vec::new())
                }
            };
            let _ = writeln!(text, "{line}");
            for line in String::from_utf8_lossy(&body).lines() {
                let _ = writeln!(text, "| {line}");
            }
        }
        text
    }

    fn add(self, pattern: Pattern, answer: Output) -> Self {
        let mut answers = lock(&self.answers);
        match answers.iter_mut().find(|(it, _)| *it == pattern) {
            Some((_, queue)) => queue.push_back(answer),
            None => answers.push((pattern, [answer].into())),
        }
        drop(answers);
        self
    }

    fn answer(&self, command: &str) -> Output {
        let mut answers = lock(&self.answers);
        let whole =
            answers.iter().position(|(it, _)| matches!(it, Pattern::Whole(whole) if whole == command));
        let start = || {
            answers.iter().position(
                |(it, _)| matches!(it, Pattern::Start(start) if command.starts_with(start.as_str())),
            )
        };
        match whole.or_else(start) {
            Some(index) => {
                let queue = &mut answers[index].1;
                let next = if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() };
                next.expect("a pattern is added with an answer")
            }
            None if self.lenient => Output::default(),
            None => Output::failed(127, format!("not in the script: {command}\n")),
        }
    }

    fn called(&self, call: Call) {
        lock(&self.calls).push(call);
    }
}

#[async_trait]
impl Shell for ScriptedShell {
    async fn run(&self, command: &str) -> Result<Output, Error> {
        self.run_with_input(command, b"").await
    }

    async fn run_with_input(&self, command: &str, stdin: &[u8]) -> Result<Output, Error> {
        self.called(Call::Run { command: command.to_owned(), stdin: stdin.to_owned() });
        Ok(self.answer(command))
    }

    async fn stream(&self, command: &str, sink: &mut (dyn Sink + Send)) -> Result<Output, Error> {
        let output = self.run(command).await?;
        sink.take(Source::Stdout, &output.stdout);
        sink.take(Source::Stderr, &output.stderr);
        sink.end();
        Ok(Output { stdout: Vec::new(), stderr: Vec::new(), ..output })
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.called(Call::Read { path: path.to_owned() });
        Ok(self.file(path))
    }

    async fn write(&self, path: &str, contents: &[u8], mode: u32) -> Result<(), Error> {
        let (path, contents) = (path.to_owned(), contents.to_owned());
        lock(&self.files).insert(path.clone(), (contents.clone(), mode));
        self.called(Call::Write { path, contents, mode });
        Ok(())
    }

    async fn upload(&self, from: &Path, to: &str, mode: u32) -> Result<(), Error> {
        let contents =
            std::fs::read(from).map_err(|source| Error::Local { path: from.to_owned(), source })?;
        lock(&self.files).insert(to.to_owned(), (contents, mode));
        self.called(Call::Upload { from: from.to_owned(), to: to.to_owned(), mode });
        Ok(())
    }

    async fn download(&self, from: &str, to: &Path) -> Result<(), Error> {
        let contents = self.read(from).await?.ok_or_else(|| Error::Remote {
            what: format!("reading {from}"),
            status: 1,
            said: "no such file".into(),
        })?;
        std::fs::write(to, contents).map_err(|source| Error::Local { path: to.to_owned(), source })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
