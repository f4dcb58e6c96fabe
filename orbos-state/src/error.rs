//! What can go wrong in a round, grouped by what helps.

use std::error::Error as StdError;

/// Result of everything that takes part in a round.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause below a message, if another layer reported one.
pub type Cause = Box<dyn StdError + Send + Sync + 'static>;

/// What a round can meet.
///
/// The message says what this layer tried; what the layer below said is [`source`](StdError::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something a human wrote cannot be used.
    #[error("{what} is invalid: {why}")]
    Invalid {
        /// The field by its path in the file, or the file.
        what: String,
        /// What would be valid.
        why: String,
        /// The layer below.
        source: Option<Cause>,
    },
    /// Something is well formed, but this program cannot do it.
    #[error("{what} is not supported: {why}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// What would be supported.
        why: String,
    },
    /// Access was refused.
    #[error("{what} was refused: {why}")]
    Denied {
        /// What was tried.
        what: String,
        /// How to get access.
        why: String,
        /// The layer below.
        source: Option<Cause>,
    },
    /// Somebody else was faster; the world is not what the decision was based on.
    #[error("{what} has changed meanwhile")]
    Conflict {
        /// What was to be changed.
        what: String,
    },
    /// Nobody answered, or not in time.
    #[error("{what} cannot be reached")]
    Unreachable {
        /// Who was asked.
        what: String,
        /// The layer below.
        source: Option<Cause>,
    },
    /// It was tried, and it did not work.
    #[error("{what}: {why}")]
    Failed {
        /// What was tried.
        what: String,
        /// What came back.
        why: String,
        /// The layer below.
        source: Option<Cause>,
    },
}

/// What the reader of an error can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Advice {
    /// Look again and plan again, at once.
    PlanAgain,
    /// Try later; it may pass.
    RetryLater,
    /// Only a human can help; trying again does not.
    AskHuman,
}

impl Error {
    /// Something a human wrote cannot be used.
    pub fn invalid(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), why: why.into(), source: None }
    }

    /// Something is well formed, but cannot be done.
    pub fn unsupported(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into(), why: why.into() }
    }

    /// Access was refused.
    pub fn denied(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Denied { what: what.into(), why: why.into(), source: None }
    }

    /// Somebody else was faster.
    pub fn conflict(what: impl Into<String>) -> Self {
        Self::Conflict { what: what.into() }
    }

    /// Nobody answered.
    pub fn unreachable(what: impl Into<String>) -> Self {
        Self::Unreachable { what: what.into(), source: None }
    }

    /// It was tried, and it did not work.
    pub fn failed(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Failed { what: what.into(), why: why.into(), source: None }
    }

    /// Adds what the layer below said; an error without room for it stays as it is.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        match &mut self {
            Self::Invalid { source, .. }
            | Self::Denied { source, .. }
            | Self::Unreachable { source, .. }
            | Self::Failed { source, .. } => *source = Some(cause.into()),
            Self::Unsupported { .. } | Self::Conflict { .. } => {}
        }
        self
    }

    /// Says what helps.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Invalid { .. } | Self::Unsupported { .. } | Self::Denied { .. } => Advice::AskHuman,
            Self::Conflict { .. } => Advice::PlanAgain,
            Self::Unreachable { .. } | Self::Failed { .. } => Advice::RetryLater,
        }
    }

    /// The message and every cause below it, joined by `: `; for logs and current files.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_names_every_layer_once() {
        let error = Error::unreachable("machine a").because(Error::failed("connecting", "no route to host"));
        assert_eq!(error.chain(), "machine a cannot be reached: connecting: no route to host");
    }

    #[test]
    fn advice_follows_what_helps() {
        assert_eq!(Error::conflict("orbiter.yml").advice(), Advice::PlanAgain);
        assert_eq!(Error::denied("push", "add the key").advice(), Advice::AskHuman);
        assert_eq!(Error::failed("apt-get", "locked").advice(), Advice::RetryLater);
    }
}
