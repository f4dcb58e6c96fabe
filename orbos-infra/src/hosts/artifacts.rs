//! Files of which every byte is known beforehand.

use std::path::PathBuf;

use orbos_ssh::{Shell, quote};
use orbos_state::Result;

use super::{
    HostContext,
    observe::files,
    script::{check_path, check_word, locked, run},
    services::forget_artifact,
};
use crate::{
    host::{Artifact, Origin},
    providers::failure,
};

/// Brings an artifact to a path. What does not have the right hash never gets there.
pub(super) async fn fetch(
    shell: &dyn Shell,
    path: &str,
    artifact: &Artifact,
    context: &HostContext<'_>,
) -> Result<()> {
    check_path(path)?;
    let Artifact { name, version, origin, mode } = artifact;
    check_word("artifact", name)?;
    check_word("version", version)?;
    let what = format!("fetching {name} {version}");
    let new = format!("{path}.orbos");
    match origin {
        Origin::Bundle { path: local, sha256 } => {
            let there = run(shell, &what, &present_script(path, sha256)).await?.stdout_text() == "yes";
            let from = if there {
                path.to_owned()
            } else {
                upload(shell, &what, local, context, &new, *mode).await?;
                new
            };
            run(shell, &what, &keep_script(path, &from, sha256, artifact)).await?;
        }
        Origin::Url { url, checksum_url } => {
            let script = format!(
                "{}{}",
                download_script(&new, url, checksum_url),
                keep_script(path, &new, "$wanted", artifact)
            );
            run(shell, &what, &locked(&what, &script)).await?;
        }
    }
    Ok(())
}

async fn upload(
    shell: &dyn Shell,
    what: &str,
    local: &str,
    context: &HostContext<'_>,
    to: &str,
    mode: u32,
) -> Result<()> {
    let folder = context.bundle.as_ref().map(|it| it.folder().to_owned()).unwrap_or_default();
    let local: PathBuf = folder.join(local);
    shell.upload(&local, to, mode).await.map_err(|it| failure(what, it))
}

fn present_script(path: &str, sha256: &str) -> String {
    let path = quote(path);
    format!("if echo '{sha256}  -' | sha256sum -c --status < {path} 2>/dev/null; then echo yes; fi\n")
}

/// Puts a file that has arrived into its place and remembers it as verified; what is wrong is thrown away.
///
/// `sha256` is text of the script, which may be a variable.
pub(super) fn keep_script(path: &str, from: &str, sha256: &str, artifact: &Artifact) -> String {
    let Artifact { name, version, origin: _, mode } = artifact;
    let throw = if path == from { "" } else { "rm -f -- \"$from\"; " };
    let place = if path == from { "" } else { "sync -d \"$from\"\nmv -T -- \"$from\" \"$path\"\n" };
    format!(
        "from={from}
path={quoted}
wanted={sha256}
seen=$(sha256sum < \"$from\" | cut -d ' ' -f 1)
if [ \"$seen\" != \"$wanted\" ]; then {throw}echo \"it hashes to $seen, but has to hash to $wanted\" >&2; exit 1; fi
chown 0:0 -- \"$from\"
chmod {mode:o} -- \"$from\"
{place}mkdir -p /var/lib/orbos
{forget}echo \"$wanted {mode:o} $(stat -L -c '%s %.9Z' -- \"$path\") {name} {version} $path\" >> {stamps}
",
        from = quote(from),
        quoted = quote(path),
        forget = forget_artifact(path),
        stamps = files::ARTIFACTS,
    )
}

/// The machine downloads by itself; both programs may be missing on a bare system, but rarely both are.
pub(super) fn download_script(to: &str, url: &str, checksum_url: &str) -> String {
    format!(
        "to={to}
mkdir -p -- \"${{to%/*}}\"
get() {{
  if command -v curl >/dev/null; then curl -fsSL --retry 3 --connect-timeout 10 -- \"$1\"
  elif command -v wget >/dev/null; then wget -q -O - --tries=3 --timeout=30 -- \"$1\"
  else echo 'neither curl nor wget is there' >&2; return 1; fi
}}
wanted=$(get {checksum_url} | head -c 64 | tr A-F a-f)
case $wanted in *[!0-9a-f]*|'') wanted= ;; esac
if [ ${{#wanted}} != 64 ]; then echo \"there is no checksum at \"{checksum_url} >&2; exit 1; fi
if ! get {url} > \"$to\"; then rm -f -- \"$to\"; echo \"nothing could be downloaded from \"{url} >&2; exit 1; fi
",
        to = quote(to),
        url = quote(url),
        checksum_url = quote(checksum_url),
    )
}

/// Loads a container image into the runtime.
pub(super) async fn image(
    shell: &dyn Shell,
    reference: &str,
    artifact: &Artifact,
    context: &HostContext<'_>,
) -> Result<()> {
    check_word("image", reference)?;
    let what = format!("loading the image {reference}");
    let there =
        format!("ctr -n k8s.io images ls -q name=={} | grep -q . && echo yes || true\n", quote(reference));
    if run(shell, &what, &there).await?.stdout_text() == "yes" {
        return Ok(());
    }
    let file = "/var/lib/orbos/image.tar";
    let script = match &artifact.origin {
        Origin::Bundle { path, sha256 } => {
            upload(shell, &what, path, context, file, 0o600).await?;
            format!("wanted={sha256}\n")
        }
        Origin::Url { url, checksum_url } => download_script(file, url, checksum_url),
    };
    let script = format!("{script}{}", import_script(file, reference));
    run(shell, &what, &locked(&what, &script)).await?;
    Ok(())
}

pub(super) fn import_script(file: &str, reference: &str) -> String {
    format!(
        "trap 'rm -f {file}' EXIT
seen=$(sha256sum < {file} | cut -d ' ' -f 1)
if [ \"$seen\" != \"$wanted\" ]; then echo \"it hashes to $seen, but has to hash to $wanted\" >&2; exit 1; fi
said=$(ctr -n k8s.io images import {file} 2>&1) || {{ echo \"$said\" >&2; exit 1; }}
if ! ctr -n k8s.io images ls -q name=={reference} | grep -q .; then echo \"the archive has other images: $said\" >&2; exit 1; fi
",
        reference = quote(reference)
    )
}
