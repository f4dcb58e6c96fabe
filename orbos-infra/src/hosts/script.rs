//! Pieces of the shell scripts that run on machines, and how their failures become errors.

use orbos_ssh::{Output, Shell};
use orbos_state::{Error, Result};

use crate::providers::failure;

/// Where ORBOS remembers what it did to a machine.
pub(super) const STATE: &str = "/var/lib/orbos";
/// Held by whatever runs long; its text says what that is.
pub(super) const LOCK: &str = "/run/orbos/lock";

/// Runs a script as root; it stops at its first failing command.
pub(super) async fn run(shell: &dyn Shell, what: &str, script: &str) -> Result<Output> {
    let output = shell.run(&strict(script)).await.map_err(|it| failure(what, it))?;
    output.checked(what).map_err(|it| failure(what, it))
}

/// Like [`run`], with input.
pub(super) async fn run_with(shell: &dyn Shell, what: &str, script: &str, input: &[u8]) -> Result<Output> {
    let output = shell.run_with_input(&strict(script), input).await.map_err(|it| failure(what, it))?;
    output.checked(what).map_err(|it| failure(what, it))
}

fn strict(script: &str) -> String {
    format!(
        "set -eu\nexport LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n{script}"
    )
}

/// Makes a script hold the machine's lock, so that the next look sees what still runs.
pub(super) fn locked(what: &str, script: &str) -> String {
    let what = orbos_ssh::quote(what);
    format!(
        "mkdir -p /run/orbos
exec 9>>{LOCK}
flock -w 10 9 || {{ echo \"the machine is busy: $(cat {LOCK})\" >&2; exit 75; }}
echo {what} > {LOCK}
{script}"
    )
}

/// Adds a line to a file of lines below [`STATE`], once.
pub(super) fn remember(file: &str, line: &str) -> String {
    let line = orbos_ssh::quote(line);
    format!(
        "mkdir -p {STATE}
grep -qxF -e {line} {STATE}/{file} 2>/dev/null || printf '%s\\n' {line} >> {STATE}/{file}\n"
    )
}

/// Takes a line out of such a file.
pub(super) fn forget(file: &str, line: &str) -> String {
    let line = orbos_ssh::quote(line);
    format!(
        "if [ -e {STATE}/{file} ]; then
  {{ grep -vxF -e {line} {STATE}/{file} || [ $? = 1 ]; }} > {STATE}/{file}.new
  mv {STATE}/{file}.new {STATE}/{file}
fi\n"
    )
}

/// Refuses what cannot be a path on a machine, or cannot stand in a line of a file.
pub(super) fn check_path(path: &str) -> Result<()> {
    if path.starts_with('/') && !path.contains(|it: char| it.is_control() || it == '\\') {
        return Ok(());
    }
    Err(Error::invalid(
        format!("path {path:?}"),
        "it has to be absolute, without control characters or backslashes",
    ))
}

/// Refuses what cannot be a single word in a line of a file.
pub(super) fn check_word(what: &str, word: &str) -> Result<()> {
    if !word.is_empty()
        && !word.starts_with('-')
        && !word.contains(|it: char| it.is_control() || it.is_whitespace())
    {
        return Ok(());
    }
    Err(Error::invalid(format!("{what} {word:?}"), "it has to be one word"))
}
