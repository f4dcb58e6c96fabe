//! Calls the scripts in `scripts/`, where everything is done.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::Error;

/// Where running labs are registered, as `scripts/env.sh` has it.
pub(crate) const RUN: &str = "/run/orbos-lab";

/// What is built stays here: `ORBOS_LAB_CACHE`, or `orbos-lab` in the user's cache folder.
pub(crate) fn cache() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("ORBOS_LAB_CACHE").unwrap_or_else(|| {
        let home = set("HOME").unwrap_or_else(|| "/root".into());
        set("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache")).join("orbos-lab")
    })
}

/// A script as a command; `lab` is the one it is about.
pub(crate) fn script(name: &str, lab: &str) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name));
    command.env("LAB_NAME", lab).stdin(Stdio::null());
    command
}

/// Runs a command to its end and returns what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String, Error> {
    let output = command.output().map_err(Error::io(command.get_program()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Error::Script { script: written(command), status: output.status, said: last_lines(&output.stderr) })
}

/// The first line of a small file.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let contents = fs::read_to_string(path).map_err(Error::io(path))?;
    Ok(contents.lines().next().unwrap_or_default().to_owned())
}

fn written(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args()).map(|it| it.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}

/// Enough of a log to see the reason, not the fifteen minutes before it.
fn last_lines(log: &[u8]) -> String {
    let log = String::from_utf8_lossy(log);
    let lines: Vec<&str> = log.trim_end().lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
