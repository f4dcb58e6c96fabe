//! Files and services.

use orbos_ssh::{Shell, quote};
use orbos_state::Result;

use super::{
    observe::files,
    script::{STATE, check_path, check_word, forget, locked, remember, run, run_with},
};
use crate::host::{FileGoal, ServiceGoal};

/// Replaces a file in one step. It is remembered first, so that it is never there without us knowing.
pub(super) async fn write(shell: &dyn Shell, path: &str, file: &FileGoal) -> Result<()> {
    check_path(path)?;
    let script = write_script(path, file);
    run_with(shell, &format!("writing {path}"), &script, file.contents.as_bytes()).await?;
    Ok(())
}

pub(super) fn write_script(path: &str, file: &FileGoal) -> String {
    let FileGoal { contents, mode } = file;
    let folder = path.rsplit_once('/').map_or("/", |it| if it.0.is_empty() { "/" } else { it.0 });
    format!(
        "{remember}mkdir -p {folder}
new={new}
trap 'rm -f -- \"$new\"' EXIT
(umask 077; cat > \"$new\")
[ \"$(stat -c %s \"$new\")\" = {size} ] || {{ echo 'the file did not arrive completely' >&2; exit 1; }}
chown 0:0 \"$new\"
chmod {mode:o} \"$new\"
sync -d \"$new\"
mv -T -- \"$new\" {path}
",
        remember = remember("managed", &format!("file {path}")),
        folder = quote(folder),
        new = quote(&format!("{path}.orbos")),
        size = contents.len(),
        path = quote(path),
    )
}

/// Takes a file away, if it is one of ours.
pub(super) async fn delete(shell: &dyn Shell, path: &str) -> Result<()> {
    check_path(path)?;
    run(shell, &format!("deleting {path}"), &delete_script(path)).await?;
    Ok(())
}

pub(super) fn delete_script(path: &str) -> String {
    let reload = if path.starts_with("/etc/systemd/") { "  systemctl daemon-reload\n" } else { "" };
    format!(
        "path={path}
ours() {{
  grep -qxF -e \"file $path\" {managed} 2>/dev/null && return
  [ -e {artifacts} ] && path=$path awk '{PATH_ONLY} $0 == ENVIRON[\"path\"] {{ found = 1 }} END {{ exit !found }}' {artifacts}
}}
if ours; then
  rm -f -- \"$path\"
{reload}fi
{forget}{forget_artifact}",
        path = quote(path),
        managed = files::MANAGED,
        artifacts = files::ARTIFACTS,
        forget = forget("managed", &format!("file {path}")),
        forget_artifact = forget_artifact(path),
    )
}

/// Leaves the last field of a line in the list of verified artifacts.
const PATH_ONLY: &str = "{ line = $0; for (i = 0; i < 6; i++) sub(/^[^ ]+ /, \"\") }";

/// Takes a path out of the list of verified artifacts.
pub(super) fn forget_artifact(path: &str) -> String {
    format!(
        "if [ -e {file} ]; then
  path={path} awk '{PATH_ONLY} $0 != ENVIRON[\"path\"] {{ print line }}' {file} > {file}.new
  mv {file}.new {file}
fi
",
        file = files::ARTIFACTS,
        path = quote(path)
    )
}

/// Enables a service and lets it read its files.
pub(super) async fn enable(shell: &dyn Shell, service: &str, goal: &ServiceGoal) -> Result<()> {
    check_word("service", service)?;
    goal.reads.iter().try_for_each(|it| check_path(it))?;
    let what = format!("enabling {service}");
    run(shell, &what, &locked(&what, &enable_script(service, goal))).await?;
    Ok(())
}

/// How long a service may take to become active, in tenths of a second.
const PATIENCE: u32 = 600;

pub(super) fn enable_script(service: &str, goal: &ServiceGoal) -> String {
    let ServiceGoal { reads, reload, only_enabled } = goal;
    let remember = remember("managed", &format!("service {service}"));
    let reads: Vec<_> = reads.iter().map(|it| quote(it)).collect();
    let name = quote(service);
    let mut script = format!(
        "{remember}name={name}
property() {{ systemctl show --timestamp=us+utc --value -p \"$1\" -- \"$name\"; }}
outdated=$(property NeedDaemonReload)
if [ \"$outdated\" = yes ] || [ \"$(property LoadState)\" = not-found ]; then systemctl daemon-reload; fi
case $(property UnitFileState) in
  enabled|static|alias|generated|indirect) ;;
  *) systemctl -q enable -- \"$name\" ;;
esac
"
    );
    if *only_enabled {
        return script;
    }
    let (since, verb) = if *reload {
        ("ExecMainStartTimestamp StateChangeTimestamp", "reload-or-restart")
    } else {
        ("ExecMainStartTimestamp", "restart")
    };
    script.push_str(&format!(
        "fail() {{
  echo \"$name $1\" >&2
  journalctl -q --no-pager -n 20 -o cat -u \"$name\" >&2 || true
  exit 1
}}
# Nanoseconds since 1970.
since=0
for it in {since}; do
  at=$(property $it)
  [ -z \"$at\" ] || at=$(date -d \"$at\" +%s%N)
  [ \"${{at:-0}}\" -le \"$since\" ] || since=$at
done
newer=
for it in {reads}; do
  [ ! -e \"$it\" ] || [ \"$(stat -L -c %.9Y -- \"$it\" | tr -d .)\" -le \"$since\" ] || newer=yes
done
case $(property ActiveState) in
  active|reloading)
    if [ \"$outdated\" = yes ]; then systemctl restart -- \"$name\" || fail 'does not start'
    elif [ -n \"$newer\" ]; then systemctl {verb} -- \"$name\" || fail 'does not take its new files'; fi ;;
  *)
    systemctl reset-failed -- \"$name\" 2>/dev/null || true
    systemctl restart -- \"$name\" || fail 'does not start' ;;
esac
steady=0
for try in $(seq {PATIENCE}); do
  case $(property ActiveState) in
    active)
      # What is called active as soon as its process exists may still end at once.
      case $(property Type) in simple|exec|idle) [ $steady -ge 5 ] && exit 0; steady=$((steady + 1)) ;; *) exit 0 ;; esac ;;
    failed|inactive) fail 'ended' ;;
    *) steady=0 ;;
  esac
  sleep 0.1
done
fail 'does not become active'
",
        reads = reads.join(" "),
    ));
    script
}

/// Stops and disables a service, if it is one of ours.
pub(super) async fn disable(shell: &dyn Shell, service: &str) -> Result<()> {
    check_word("service", service)?;
    let what = format!("disabling {service}");
    run(shell, &what, &locked(&what, &disable_script(service))).await?;
    Ok(())
}

pub(super) fn disable_script(service: &str) -> String {
    let line = format!("service {service}");
    format!(
        "if grep -qxF -e {quoted} {STATE}/managed 2>/dev/null && [ \"$(systemctl show --value -p LoadState -- {name})\" != not-found ]; then
  systemctl -q disable --now -- {name}
fi
{forget}",
        quoted = quote(&line),
        name = quote(service),
        forget = forget("managed", &line),
    )
}
