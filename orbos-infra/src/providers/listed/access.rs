//! Who gets in on a machine: the user's `authorized_keys`.

use std::sync::Arc;

use orbos_ssh::{Error, Shell, quote};

/// How many seconds a key on trial is accepted: should nobody come back to decide, all is as before.
const TRIAL: u32 = 120;

/// Makes a key the only one that gets in as a user.
///
/// The key is first accepted beside the others and for two minutes only. It is taken over if a new connection
/// with it can act as root, and over that connection; if not, everything is put back. So a machine never lets
/// nobody in, whatever breaks in between; at worst both keys get in until the trial is over.
pub(super) async fn swap<F, C>(old: &dyn Shell, user: &str, key: &str, fresh: F) -> Result<(), Error>
where
    F: Fn() -> C,
    C: Future<Output = Result<Arc<dyn Shell>, Error>>,
{
    let before = read(old, user).await?;
    write(old, user, &on_trial(&before.keys, &before.until, key)).await?;
    let done = settle(user, key, &fresh).await;
    if done.is_err()
        && let Err(error) = write(old, user, &before.keys).await
    {
        tracing::warn!(%user, %error, "the keys could not be put back; the one on trial expires");
    }
    done
}

/// Takes a key on trial over, and checks that it still gets in then.
async fn settle<F, C>(user: &str, key: &str, fresh: &F) -> Result<(), Error>
where
    F: Fn() -> C,
    C: Future<Output = Result<Arc<dyn Shell>, Error>>,
{
    let new = fresh().await?;
    write(&*new, user, &format!("{key}\n")).await?;
    fresh().await?.run("true").await?.checked("running a command").map(drop)
}

struct Before {
    /// When a key on trial has to expire, as `authorized_keys` wants it.
    until: String,
    keys: String,
}

/// The keys that get in, with one more that does for a while.
fn on_trial(keys: &str, until: &str, key: &str) -> String {
    let others = keys.lines().filter(|it| !(it.starts_with("expiry-time=") && it.ends_with(key)));
    let trial = format!("expiry-time=\"{until}\" {key}");
    others.chain([trial.as_str()]).flat_map(|it| [it, "\n"]).collect()
}

async fn read(shell: &dyn Shell, user: &str) -> Result<Before, Error> {
    let output = shell.run(&reading(user)).await?.checked("reading authorized_keys")?;
    // Not `stdout_text`, which takes the last line breaks away.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (until, keys) = text.split_once('\n').unwrap_or((&text, ""));
    Ok(Before { until: until.to_owned(), keys: keys.to_owned() })
}

async fn write(shell: &dyn Shell, user: &str, keys: &str) -> Result<(), Error> {
    let script = writing(user, keys.len());
    shell.run_with_input(&script, keys.as_bytes()).await?.checked("writing authorized_keys").map(drop)
}

/// Where a user's keys are, as the machine says.
fn place(user: &str) -> String {
    let user = quote(user);
    format!(
        r#"set -eu; LC_ALL=C; export LC_ALL; umask 077; user={user}
entry=$(getent passwd "$user" || grep "^$user:" /etc/passwd) || {{ echo "there is no user $user" >&2; exit 1; }}
directory=$(printf '%s\n' "$entry" | cut -d: -f6)/.ssh; file=$directory/authorized_keys
"#
    )
}

/// Prints when a trial ends, then the keys.
fn reading(user: &str) -> String {
    let place = place(user);
    format!(
        r#"{place}date -d "@$(($(date +%s) + {TRIAL}))" +%Y%m%d%H%M%S
[ ! -e "$file" ] || cat "$file"
"#
    )
}

/// Replaces the keys as a whole by what comes from the input.
///
/// A broken connection looks like the end of the input, so its size is checked first.
fn writing(user: &str, size: usize) -> String {
    let place = place(user);
    format!(
        r#"{place}own() {{ chown "$user:$(id -g "$user")" "$1"; }}
[ -d "$directory" ] || {{ mkdir -p "$directory"; own "$directory"; }}
temporary=$(mktemp "$directory/.authorized_keys.XXXXXX"); trap 'rm -f "$temporary"' EXIT; trap 'exit 1' HUP INT TERM
cat >"$temporary"
[ "$(wc -c <"$temporary")" -eq {size} ] || {{ echo 'not all of it arrived' >&2; exit 1; }}
own "$temporary"; chmod 600 "$temporary"; sync; mv -f "$temporary" "$file"
! command -v restorecon >/dev/null || restorecon "$directory" "$file"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_on_trial_comes_beside_the_others_once() {
        let keys = "ssh-ed25519 AAAA old";
        let trial = on_trial(keys, "20300101000000", "ssh-ed25519 BBBB new");
        assert_eq!(trial, "ssh-ed25519 AAAA old\nexpiry-time=\"20300101000000\" ssh-ed25519 BBBB new\n");
        let again = on_trial(&trial, "20300101000200", "ssh-ed25519 BBBB new");
        assert_eq!(again, trial.replace("0000\"", "0200\""));
    }
}
