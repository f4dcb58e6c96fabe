//! What an API server says when it does not do what was asked for, and what helps.

use std::{fmt, time::Duration};

use kube::core::Status;
use orbos_state::Error;

use super::super::ObjectRef;

/// What an API server, or the way to it, answered instead of what was asked for.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It answered.
    Status(Box<Status>),
    /// It did not.
    Silent(String),
}

impl Refused {
    /// The HTTP status; 0: nobody answered.
    pub(crate) fn code(&self) -> u16 {
        match self {
            Self::Status(status) => status.code,
            Self::Silent(_) => 0,
        }
    }

    /// Whether the same request may be answered otherwise in a moment.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Silent(_) => true,
            // Two who write at the same time; but not two who want different things.
            Self::Status(it) if it.code == 409 => {
                let conflict = |it: &Status| {
                    it.details.iter().flat_map(|it| &it.causes).any(|it| it.reason == "FieldManagerConflict")
                };
                ["Conflict", "AlreadyExists"].contains(&it.reason.as_str())
                    && !conflict(it)
                    && !it.message.contains("UID")
            }
            Self::Status(it) => matches!(it.code, 429 | 500 | 502..=504),
        }
    }

    /// Whether the server does not know the address, rather than the object or its namespace.
    pub(super) fn unserved(&self) -> bool {
        let unnamed = |it: &Status| it.details.as_ref().is_none_or(|it| it.name.is_empty());
        matches!(self, Self::Status(it) if it.code == 404 && unnamed(it))
    }

    pub(super) fn pause(&self) -> Duration {
        match self {
            Self::Status(it) => {
                let seconds = it.details.as_ref().map_or(0, |it| it.retry_after_seconds);
                Duration::from_secs(seconds.into())
            }
            Self::Silent(_) => Duration::ZERO,
        }
    }

    /// What it means for something that was tried; what a Secret holds is not repeated.
    pub(crate) fn into_error(self, what: String, object: Option<&ObjectRef>) -> Error {
        let secret = object.is_some_and(ObjectRef::is_secret);
        match self {
            Self::Silent(why) => Error::unreachable("the API server").because(why),
            Self::Status(status) => {
                let why = if secret { status.reason.clone() } else { status.message.clone() };
                let terminating = status.message.contains("is being terminated");
                match status.code {
                    401 | 403 if !terminating => Error::denied(what, why),
                    400 | 413 | 415 | 422 => Error::invalid(what, why),
                    409 => Error::conflict(format!("{what}: {why}")),
                    _ => Error::failed(what, why),
                }
            }
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{} {}", status.code, status.reason),
            Self::Silent(why) => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::GroupKind, *};

    #[test]
    fn errors_are_told_apart_by_what_helps() {
        use orbos_state::Advice;
        let refused = |code, reason: &str, message: &str| {
            Refused::Status(Status::failure(message, reason).with_code(code).boxed())
        };
        for (code, reason, passes, advice) in [
            (429, "TooManyRequests", true, Advice::RetryLater),
            (500, "InternalError", true, Advice::RetryLater),
            (409, "Conflict", true, Advice::PlanAgain),
            (403, "Forbidden", false, Advice::AskHuman),
            (422, "Invalid", false, Advice::AskHuman),
            (404, "NotFound", false, Advice::RetryLater),
        ] {
            let it = refused(code, reason, "");
            assert_eq!(it.passes(), passes, "{code}");
            assert_eq!(it.into_error("a".into(), None).advice(), advice, "{code}");
        }
        let going = refused(403, "Forbidden", "namespace a is being terminated");
        assert_eq!(going.into_error("a".into(), None).advice(), Advice::RetryLater);
    }

    #[test]
    fn what_a_secret_holds_is_in_no_error() {
        let status = Status::failure("cannot read hunter2", "BadRequest").with_code(400).boxed();
        let secret = ObjectRef::new(&GroupKind::new("", "Secret"), Some("a"), "b");
        let error = Refused::Status(status).into_error("applying".into(), Some(&secret));
        assert_eq!(error.chain(), "applying is invalid: BadRequest");
    }
}
