//! Where a repository is.

use std::{fmt, path::PathBuf};

use crate::{Error, Result};

/// The port of SSH.
const PORT: u16 = 22;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Disk(PathBuf),
    Ssh { user: String, host: String, port: u16, path: String },
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self> {
        if let Some(path) = url.strip_prefix("file://") {
            return Ok(Self::Disk(PathBuf::from(path)));
        }
        if let Some(rest) = url.strip_prefix("ssh://") {
            return Self::parse_ssh(rest).ok_or_else(|| invalid(url));
        }
        if let Some((scheme, _)) = url.split_once("://") {
            let why = "use git@host:path, ssh://git@host:port/path, or a path on this disk";
            return Err(Error::unsupported(format!("the repository's address with `{scheme}://`"), why));
        }
        match url.split_once(':') {
            Some((place, path)) if !place.contains('/') => {
                Self::parse_short(place, path).ok_or_else(|| invalid(url))
            }
            _ if url.is_empty() => Err(invalid(url)),
            _ => Ok(Self::Disk(PathBuf::from(url))),
        }
    }

    fn parse_ssh(rest: &str) -> Option<Self> {
        let (place, path) = rest.split_once('/')?;
        let (user, place) = place.rsplit_once('@').unwrap_or(("git", place));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (place, PORT),
        };
        Self::ssh(user, host, port, &format!("/{path}"))
    }

    fn parse_short(place: &str, path: &str) -> Option<Self> {
        let (user, host) = place.rsplit_once('@').unwrap_or(("git", place));
        Self::ssh(user, host, PORT, path)
    }

    fn ssh(user: &str, host: &str, port: u16, path: &str) -> Option<Self> {
        let bad = user.is_empty() || host.is_empty() || path.trim_matches('/').is_empty();
        let odd = [user, host, path].iter().any(|it| it.starts_with('-') || it.chars().any(char::is_control));
        let (user, host, path) = (user.to_owned(), host.to_owned(), path.to_owned());
        (!bad && !odd).then_some(Self::Ssh { user, host, port, path })
    }

    /// As host keys are remembered: with the port, if it is not the usual one.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Disk(_) => String::new(),
            Self::Ssh { host, port: PORT, .. } => host.clone(),
            Self::Ssh { host, port, .. } => format!("[{}]:{port}", host.trim_matches(['[', ']'])),
        }
    }
}

fn invalid(url: &str) -> Error {
    Error::invalid(
        format!("the repository's address `{url}`"),
        "write git@host:path, ssh://git@host:port/path, or a path on this disk",
    )
}

/// As libgit2 wants it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(path) => write!(f, "{}", path.display()),
            Self::Ssh { user, host, port: PORT, path } if !path.starts_with('/') => {
                write!(f, "{user}@{host}:{path}")
            }
            Self::Ssh { user, host, port, path } => write!(f, "ssh://{user}@{host}:{port}{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        for (url, host, again) in [
            ("git@github.com:me/orb.git", "github.com", "git@github.com:me/orb.git"),
            ("github.com:me/orb.git", "github.com", "git@github.com:me/orb.git"),
            ("ssh://git@host:2222/me/orb.git", "[host]:2222", "ssh://git@host:2222/me/orb.git"),
            ("ssh://host/orb", "host", "ssh://git@host:22/orb"),
            ("ssh://me@[::1]:2222/orb", "[::1]:2222", "ssh://me@[::1]:2222/orb"),
            ("file:///srv/orb.git", "", "/srv/orb.git"),
            ("/srv/orb.git", "", "/srv/orb.git"),
            ("./with:colon", "", "./with:colon"),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!((address.host().as_str(), address.to_string().as_str()), (host, again), "{url}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "https://github.com/me/orb.git",
            "ssh://host",
            "ssh://host:x/orb",
            "host:",
            "git@-oProxy=x:orb",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }
}
