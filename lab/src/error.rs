use std::{io, path::PathBuf, process::ExitStatus};

/// Why the lab could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A script of the lab failed; what it said is part of the message.
    #[error("{script} ({status}): {said}")]
    Script {
        /// The script with its arguments.
        script: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to standard error.
        said: String,
    },
    /// A file of the lab could not be used, or a program not be started.
    #[error("{}", path.display())]
    Io {
        /// The file or program.
        path: PathBuf,
        /// What the operating system says about it.
        source: io::Error,
    },
    /// A file of the lab does not hold what it should.
    #[error("{} should hold {expected}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was expected there.
        expected: &'static str,
    },
}

impl Error {
    /// Adds the path to what the operating system said; for `map_err`.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, source }
    }
}
