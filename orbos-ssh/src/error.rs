use std::{fmt, io, net::SocketAddr, path::PathBuf, time::Duration};

use crate::Output;

/// Why something on a remote machine did not work.
///
/// A message says what was tried; the cause is the error's source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing answers at the address, or it refuses connections.
    #[error("connecting to {address}")]
    Unreachable {
        /// The address that was tried.
        address: SocketAddr,
        /// What the operating system, or the jump host, says about it.
        source: io::Error,
    },
    /// Something took longer than its [`Timeouts`](crate::Timeouts) allow.
    #[error("{what} took longer than {after:?}")]
    Timeout {
        /// What was waited for, and from whom.
        what: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The machine answers, but no SSH session came of it.
    #[error("opening an SSH session with {address}")]
    Handshake {
        /// The machine's address.
        address: SocketAddr,
        /// What went wrong.
        source: Cause,
    },
    /// The machine has another host key than the one that was pinned.
    ///
    /// It was set up again, it is another machine, or somebody is in between.
    /// Nothing was sent to it. A human who knows it to be right forgets the pinned key.
    #[error("host key of {host} changed: pinned is {pinned}, but it shows {seen}")]
    HostKeyChanged {
        /// The name the key is pinned under.
        host: String,
        /// Algorithm and SHA256 fingerprint of the pinned key.
        pinned: String,
        /// Algorithm and SHA256 fingerprint of the key it shows now.
        seen: String,
    },
    /// The machine does not let this user in with this key.
    #[error("{address} denies access to user {user} with this key")]
    Denied {
        /// The user that was tried.
        user: String,
        /// The machine's address.
        address: SocketAddr,
    },
    /// The private key cannot be used.
    #[error("using the private key: {why}")]
    BadKey {
        /// What is wrong with it.
        why: String,
    },
    /// The user is in, but may not use sudo without a password.
    #[error(
        "sudo on {address} wants a password from user {user}; \
         allow it with `{user} ALL=(ALL) NOPASSWD:ALL` in /etc/sudoers.d"
    )]
    SudoPassword {
        /// The user.
        user: String,
        /// The machine's address.
        address: SocketAddr,
    },
    /// The machine ended the connection, or it broke.
    #[error("connection to {address} closed while {what}")]
    Closed {
        /// The machine's address.
        address: SocketAddr,
        /// What was going on.
        what: String,
        /// What went wrong.
        source: Cause,
    },
    /// The machine is connected, but refused to open another channel.
    #[error("{address} refuses {what}")]
    Refused {
        /// The machine's address.
        address: SocketAddr,
        /// What was asked for.
        what: String,
        /// What it says.
        source: Cause,
    },
    /// The machine's disk has no space left for a file.
    #[error("writing {path}: no space left on the machine's disk")]
    NoSpace {
        /// The file on the machine.
        path: String,
    },
    /// A command on the machine failed.
    #[error("{what} failed with {status}{}", Tail(said))]
    Remote {
        /// What the command was for.
        what: String,
        /// Its exit status; 128 and more for signals.
        status: i32,
        /// The end of what it said, at most 2000 characters.
        said: String,
    },
    /// This kind of shell cannot run a program on a terminal.
    #[error("there are no terminals on this machine")]
    NoTerminal,
    /// A path that is not absolute, or has a character no path can have.
    #[error("{path:?} is no absolute path on the machine")]
    BadPath {
        /// The path.
        path: String,
    },
    /// A file on this side cannot be read or written.
    #[error("using the local file {}", path.display())]
    Local {
        /// The file on this side.
        path: PathBuf,
        /// What the operating system says about it.
        source: io::Error,
    },
}

/// The cause of an [`Error`], from a layer below.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

struct Tail<'a>(&'a str);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

const LONGEST_TAIL: usize = 2000;

impl Error {
    /// Returns the same error once more, for somebody else who waited for it
    /// to work; causes are kept as text.
    pub(crate) fn again(&self) -> Self {
        let text = |cause: &Cause| Cause::from(cause.to_string());
        match self {
            Self::Unreachable { address, source } => {
                let source = io::Error::new(source.kind(), source.to_string());
                Self::Unreachable { address: *address, source }
            }
            Self::Timeout { what, after } => Self::Timeout { what: what.clone(), after: *after },
            Self::Handshake { address, source } => {
                Self::Handshake { address: *address, source: text(source) }
            }
            Self::HostKeyChanged { host, pinned, seen } => {
                Self::HostKeyChanged { host: host.clone(), pinned: pinned.clone(), seen: seen.clone() }
            }
            Self::Denied { user, address } => Self::Denied { user: user.clone(), address: *address },
            Self::BadKey { why } => Self::BadKey { why: why.clone() },
            Self::SudoPassword { user, address } => {
                Self::SudoPassword { user: user.clone(), address: *address }
            }
            Self::Closed { address, what, source } => {
                Self::Closed { address: *address, what: what.clone(), source: text(source) }
            }
            Self::Refused { address, what, source } => {
                Self::Refused { address: *address, what: what.clone(), source: text(source) }
            }
            Self::NoSpace { path } => Self::NoSpace { path: path.clone() },
            Self::Remote { what, status, said } => {
                Self::Remote { what: what.clone(), status: *status, said: said.clone() }
            }
            Self::NoTerminal => Self::NoTerminal,
            Self::BadPath { path } => Self::BadPath { path: path.clone() },
            Self::Local { path, source } => {
                let source = io::Error::new(source.kind(), source.to_string());
                Self::Local { path: path.clone(), source }
            }
        }
    }

    pub(crate) fn remote(what: String, output: &Output) -> Self {
        let said = match output.stderr_text() {
            text if text.is_empty() => output.stdout_text(),
            text => text,
        };
        let skip = said.chars().count().saturating_sub(LONGEST_TAIL);
        Self::Remote { what, status: output.status, said: said.chars().skip(skip).collect() }
    }
}
