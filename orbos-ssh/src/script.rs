//! The shell scripts that read and write files.

use crate::{Error, quote};

/// The status by which [`read`] says that there is no such file.
pub(crate) const NO_FILE: i32 = 44;

/// Returns a script that writes a file to its output.
pub(crate) fn read(path: &str) -> String {
    let path = quote(path);
    format!("[ -e {path} ] || exit {NO_FILE}; exec cat {path}")
}

/// Returns a script that makes a file of `size` bytes from its input.
///
/// The file appears at once or not at all: a broken connection looks like the
/// end of the input, so the size is checked before the file is renamed. `beside`
/// makes the temporary name differ from all others; it must not exist (`set
/// -C`), so that nobody can put a link there in a directory open to all.
pub(crate) fn write(path: &str, size: u64, mode: u32, beside: &str) -> String {
    let (directory, name) = path.rsplit_once('/').expect("the path is absolute");
    let directory = if directory.is_empty() { "/" } else { directory };
    let temporary = format!("{}/.{name}.{beside}", directory.trim_end_matches('/'));
    let (path, directory, temporary) = (quote(path), quote(directory), quote(&temporary));
    format!(
        "set -eC; LC_ALL=C; export LC_ALL; umask 022; [ -d {directory} ] || mkdir -p {directory}; \
         umask 077; trap 'exit 1' HUP INT TERM; trap 'rm -f '{quoted} EXIT; \
         cat >{temporary}; [ \"$(wc -c <{temporary})\" -eq {size} ] || {{ echo 'not all of the file arrived' >&2; exit 1; }}; \
         [ \"$(id -u)\" -ne 0 ] || chown 0:0 {temporary}; chmod {mode:o} {temporary}; mv -fT {temporary} {path}",
        quoted = quote(&temporary),
    )
}

/// Makes a name for a temporary file that no other process makes.
pub(crate) fn beside() -> String {
    format!("orbos-{:016x}", rand::random::<u64>())
}

/// Checks that a path is one a script can work with.
pub(crate) fn checked(path: &str) -> Result<&str, Error> {
    let named = path.rsplit('/').next().is_some_and(|name| !matches!(name, "" | "." | ".."));
    if path.starts_with('/') && named && !path.contains('\0') {
        Ok(path)
    } else {
        Err(Error::BadPath { path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_must_be_absolute_and_name_a_file() {
        assert!(["/a", "/a/b c", "/é"].iter().all(|it| checked(it).is_ok()));
        assert!(["", "a", "/", "/a/", "/a/..", "/a\0b", "~/a"].iter().all(|it| checked(it).is_err()));
    }
}
