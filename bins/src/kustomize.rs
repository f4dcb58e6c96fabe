//! Kustomizations, built by the programs that everybody has for it.

use std::{fs, io, path::Path, process::Command};

use orbos_platform::Kustomize;
use orbos_state::Snapshot;

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
            match Command::new(program).arg(verb).arg(written.path().join(folder)).output() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{program} does not start: {error}")),
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
