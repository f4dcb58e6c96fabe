//! Kustomizations, built by the programs that everybody has for it.

use std::{
    fs, io,
    path::Path,
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use orbos_platform::Kustomize;
use orbos_state::Snapshot;
use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take.
const LONGEST: Duration = Duration::from_secs(30);
/// What is tried, in this order.
const PROGRAMS: [(&str, &str); 2] = [("kubectl", "kustomize"), ("kustomize", "build")];

/// `kubectl kustomize` or `kustomize build`, whatever is installed.
#[derive(Debug)]
pub(crate) struct Programs;

impl Kustomize for Programs {
    fn build(&self, files: &Snapshot, folder: &str) -> Result<String, String> {
        let written = tempfile::tempdir().map_err(|error| format!("there is no room for it: {error}"))?;
        write(files, written.path()).map_err(|error| format!("there is no room for it: {error}"))?;
        for (program, verb) in PROGRAMS {
            match output(Command::new(program).arg(verb).arg(written.path().join(folder))) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{program} {verb} {folder}: {error}")),
                Ok(ran) if ran.status.success() => {
                    return String::from_utf8(ran.stdout).map_err(|_| format!("{program} printed no text"));
                }
                Ok(ran) => {
                    let said = String::from_utf8_lossy(&ran.stderr);
                    let said = said.replace(&format!("{}/", written.path().display()), "");
                    return Err(format!("{program} {verb} {folder}: {}", said.trim()));
                }
            }
        }
        Err("a kustomization needs kubectl or kustomize, and neither is installed".to_owned())
    }
}

/// What a program prints; it is ended if it takes too long, as one that waits for a server does.
fn output(command: &mut Command) -> io::Result<Output> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let process = Pid::from_child(&child);
    let (ended, answer) = mpsc::channel();
    let waiting = thread::spawn(move || drop(ended.send(child.wait_with_output())));
    let output = answer.recv_timeout(LONGEST).unwrap_or_else(|_| {
        let _ = kill_process(process, Signal::KILL);
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("it took longer than {} s", LONGEST.as_secs())))
    });
    let _ = waiting.join();
    output
}

/// Writes all files: a kustomization may name files of other folders.
fn write(files: &Snapshot, into: &Path) -> io::Result<()> {
    for path in files.paths() {
        let Some(bytes) = files.bytes(path) else { continue };
        let path = into.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}
