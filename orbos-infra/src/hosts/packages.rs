//! Packages of the operating system, from the internet or from a bundle.

use std::{collections::BTreeSet, fmt::Write as _, fs::File, io::Read as _, path::Path};

use orbos_ssh::{Shell, quote};
use orbos_state::{Error, Result};

use super::script::{STATE, check_word, locked, run, run_with};
use crate::{
    bundle::{Bundle, BundleEntry},
    providers::failure,
};

/// Functions of the scripts below. Everything that apt asks is answered, and what others write is kept.
const APT: &str = "export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt() {
  status=0
  said=$(apt-get -y -q --no-install-recommends -o DPkg::Lock::Timeout=30 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \"$@\" 2>&1 9>&-) || status=$?
  case $said in *'Could not get lock'*|*'Unable to acquire the dpkg frontend lock'*|*'Unable to lock'*)
    echo 'the package manager is locked by somebody else' >&2; exit 76 ;;
  esac
  return $status
}
fail() { echo \"$said\" | grep -v '^[A-Z][a-z]* \\?.*\\.\\.\\.$' | tail -n 12 >&2; exit 1; }
# What was interrupted is finished first.
[ -z \"$(ls -A /var/lib/dpkg/updates)\" ] || dpkg --configure -a >&2
";

/// Installs packages from where the machine is set up to get them.
pub(super) async fn install(shell: &dyn Shell, packages: &BTreeSet<String>) -> Result<()> {
    packages.iter().try_for_each(|it| check_word("package", it))?;
    let what = format!("installing {}", joined(packages));
    run(shell, &what, &locked(&what, &install_script(packages))).await?;
    Ok(())
}

/// The lists of packages are only fetched if it does not work without.
pub(super) fn install_script(packages: &BTreeSet<String>) -> String {
    format!(
        "{APT}apt install -- {names} || {{ apt update || fail; apt install -- {names} || fail; }}\n",
        names = words(packages)
    )
}

/// Installs packages from a bundle and from nowhere else; only those that are missing are uploaded.
pub(super) async fn install_from(
    shell: &dyn Shell,
    packages: &BTreeSet<String>,
    bundle: &Bundle,
) -> Result<()> {
    packages.iter().try_for_each(|it| check_word("package", it))?;
    let what = format!("installing {}", joined(packages));
    let os = run(shell, &what, ". /etc/os-release; echo \"$ID-${VERSION_ID:-}\"\n").await?.stdout_text();
    let offered = bundle.packages(&os);
    if offered.is_empty() {
        let others: Vec<_> = bundle.systems().into_iter().collect();
        return Err(Error::unsupported(
            what,
            format!("the bundle has no packages for {os}, only for {}", others.join(", ")),
        ));
    }
    let index = index_key(&offered);
    let resolve = locked(&what, &resolve_script(packages, &index));
    let output =
        shell.run(&format!("export LC_ALL=C\nset -eu\n{resolve}")).await.map_err(|it| failure(&*what, it))?;
    let wanted = if output.status == NO_INDEX {
        let heads = heads(bundle, &offered)?;
        run_with(shell, &what, &locked(&what, &index_script(&offered, &index)), &heads).await?;
        run(shell, &what, &resolve).await?
    } else {
        output.checked(&what).map_err(|it| failure(&*what, it))?
    };
    let missing = missing(&wanted.stdout_text(), &offered)?;
    for entry in &missing {
        let to = format!("{STATE}/packages/{}", file_name(entry));
        shell.upload(&bundle.checked(entry)?, &to, 0o644).await.map_err(|it| failure(&*what, it))?;
    }
    let list: String = missing.iter().map(|it| format!("{}  {}\n", it.sha256, file_name(it))).collect();
    run_with(shell, &what, &locked(&what, &offline_script(packages)), list.as_bytes()).await?;
    Ok(())
}

const NO_INDEX: i32 = 90;

/// Changes with every package that the bundle has for the system.
fn index_key(offered: &[&BundleEntry]) -> String {
    let hashes: Vec<_> = offered.iter().map(|it| it.sha256.as_str()).collect();
    crate::plan::fingerprint(&hashes.join("\n"))
}

/// Options with which apt knows our folder only, and leaves its own lists alone.
fn options() -> String {
    format!(
        "-o Dir::Etc::sourcelist={STATE}/packages/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists={STATE}/packages/lists \
         -o Dir::Cache={STATE}/packages/cache -o APT::Sandbox::User=root"
    )
}

/// Prints what would be installed.
pub(super) fn resolve_script(packages: &BTreeSet<String>, index: &str) -> String {
    format!(
        "{APT}[ \"$(cat {STATE}/packages/index 2>/dev/null)\" = {index} ] || exit {NO_INDEX}
apt {options} -s install -- {names} || fail
echo \"$said\" | grep '^Inst ' || true
",
        options = options(),
        names = words(packages)
    )
}

/// Makes a list of all packages from the first bytes of each, in which they say what they need.
fn index_script(offered: &[&BundleEntry], index: &str) -> String {
    let mut script = format!(
        "{APT}rm -rf {STATE}/packages
mkdir -p {STATE}/packages/lists/partial {STATE}/packages/cache/archives/partial
cd {STATE}/packages
head=$(mktemp)
trap 'rm -f \"$head\"' EXIT
entry() {{
  head -c \"$1\" > \"$head\"
  dpkg-deb -f \"$head\"
  printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' \"$2\" \"$3\" \"$4\"
}}
{{
"
    );
    for entry in offered {
        let (name, size, sha256) = (file_name(entry), entry.size, &entry.sha256);
        let _ = writeln!(script, "entry {} {} {size} {sha256}", size.min(HEAD), quote(&name));
    }
    let _ = write!(
        script,
        "}} > Packages
echo 'deb [trusted=yes] file:{STATE}/packages ./' > sources.list
apt {} update || fail
echo {index} > index
",
        options()
    );
    script
}

/// A package's control data comes first; it is never longer than this, in bytes.
const HEAD: u64 = 64 << 10;

fn heads(bundle: &Bundle, offered: &[&BundleEntry]) -> Result<Vec<u8>> {
    let mut heads = Vec::new();
    for entry in offered {
        let path = bundle.checked(entry)?;
        let mut read = |path: &Path| File::open(path)?.take(HEAD).read_to_end(&mut heads);
        read(&path).map_err(|it| {
            Error::failed(format!("reading {}", path.display()), "a package cannot be read").because(it)
        })?;
    }
    Ok(heads)
}

/// The files of the packages in lines `Inst NAME [OLD] (VERSION …)`.
fn missing<'a>(said: &str, offered: &[&'a BundleEntry]) -> Result<Vec<&'a BundleEntry>> {
    let entry = |line: &str| {
        let name = line.strip_prefix("Inst ")?.split(' ').next()?;
        let name = name.split(':').next()?;
        let version = line.split_once('(')?.1.split(' ').next()?;
        offered.iter().find(|it| it.name == name && it.version == version).copied()
    };
    let found = |line: &str| {
        entry(line)
            .ok_or_else(|| Error::failed("installing packages", format!("`{line}` is not in the bundle")))
    };
    said.lines().map(found).collect()
}

/// Verifies what arrived, installs, and leaves the files no longer there than needed.
pub(super) fn offline_script(packages: &BTreeSet<String>) -> String {
    format!(
        "{APT}cd {STATE}/packages
trap 'rm -f {STATE}/packages/*.deb' EXIT
while read -r wanted file; do
  seen=$(sha256sum < \"$file\" | cut -d ' ' -f 1)
  if [ \"$seen\" != \"$wanted\" ]; then echo \"$file hashes to $seen, but has to hash to $wanted\" >&2; exit 1; fi
done
apt {options} install -- {names} || fail
",
        options = options(),
        names = words(packages)
    )
}

/// A name without the characters that apt would take for something else.
fn file_name(entry: &BundleEntry) -> String {
    format!("{}_{}.deb", entry.name, &entry.sha256[..16])
}

fn words(packages: &BTreeSet<String>) -> String {
    packages.iter().map(|it| quote(it)).collect::<Vec<_>>().join(" ")
}

fn joined(packages: &BTreeSet<String>) -> String {
    packages.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
