//! What libgit2 says, and what that means.

use git2::{ErrorClass, ErrorCode};

use super::{Address, conflict};
use crate::Error;

/// What happened while talking to a remote, said by its callbacks.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// Why a callback gave up; more exact than what libgit2 makes of it.
    pub(super) reason: Option<Error>,
    /// The server's words for a human.
    pub(super) words: String,
    /// Why the server did not move the branch.
    pub(super) refusal: Option<String>,
}

/// For errors while talking to the remote.
pub(super) fn remote(error: git2::Error, address: &Address, talk: &mut Talk) -> Error {
    if let Some(reason) = talk.reason.take() {
        return reason;
    }
    let what = format!("the repository {address}");
    let text = error.message().to_lowercase();
    match (error.code(), error.class()) {
        (ErrorCode::NotFastForward | ErrorCode::Modified | ErrorCode::Locked, _) => conflict(),
        (ErrorCode::Auth, _) => {
            Error::denied(format!("signing in at {what}"), "add the public half of the repokey to it")
                .because(error)
        }
        _ if text.contains("private key") => {
            let why = "the repokey is no private key in PEM or OpenSSH form without passphrase";
            Error::denied(format!("signing in at {what}"), why).because(error)
        }
        _ if text.contains("not found")
            || text.contains("does not appear to be")
            || text.contains("no such") =>
        {
            let why = "there is no such repository, or the key may not see it; check the address";
            Error::denied(what, why).because(error)
        }
        _ if ["permission", "denied", "read-only", "not allowed", "forbidden"]
            .iter()
            .any(|it| text.contains(it)) =>
        {
            Error::denied(what, "the key may not do this; give it write access").because(error)
        }
        (ErrorCode::Eof, _) | (_, ErrorClass::Ssh) if text.contains("eof") || text.contains("early") => {
            let why = "the server ended the connection; check the address, and what the key may do";
            Error::failed(what, why).because(error)
        }
        (_, ErrorClass::Net | ErrorClass::Os | ErrorClass::Ssh) => Error::unreachable(what).because(error),
        _ => Error::failed(what, "git gave up").because(error),
    }
}

/// For a push that arrived, but did not move the branch.
pub(super) fn refused(refusal: &str, branch: &str, words: &str) -> Error {
    // What receive-pack says if somebody else moved the branch after it told us where it was.
    const RACES: [&str; 7] = [
        "cannot lock ref",
        "failed to lock",
        "failed to update ref",
        "failed to write",
        "non-fast-forward",
        "fetch first",
        "already exists",
    ];
    if RACES.iter().any(|it| refusal.contains(it)) {
        return conflict();
    }
    let words: Vec<&str> = words.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
    let why = match words.as_slice() {
        [] => format!("the server says `{refusal}`"),
        words => format!("the server says `{refusal}`: {}", words.join(" ")),
    };
    Error::denied(format!("writing to branch {branch}"), why)
}

/// For errors with a repository on this disk.
pub(super) fn disk(error: git2::Error, path: &std::path::Path) -> Error {
    let what = format!("the repository in {}", path.display());
    match error.code() {
        ErrorCode::Modified | ErrorCode::Locked | ErrorCode::Exists => conflict(),
        ErrorCode::NotFound => {
            Error::denied(what, "there is none; make one with `git init --bare`").because(error)
        }
        ErrorCode::Owner => Error::denied(what, "it belongs to another user").because(error),
        _ if error.class() == ErrorClass::Os => {
            Error::failed(what, "the disk does not cooperate").because(error)
        }
        _ => Error::failed(what, "git gave up").because(error),
    }
}
