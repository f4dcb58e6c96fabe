use std::io::Read as _;

use crate::{Error, Output, Shell, Source, quote};

/// Checks that a shell keeps the promises of [`Shell`].
///
/// Works in a new directory below `/tmp` on the machine and removes it.
///
/// # Panics
///
/// If a promise is broken.
pub async fn shell_suite(shell: &dyn Shell) {
    let made = shell.run("mktemp -d /tmp/orbos-suite.XXXXXX").await.expect("the machine answers");
    let directory = made.checked("making a directory").expect("there is a /tmp").stdout_text();
    commands(shell).await;
    looks(shell).await;
    input(shell).await;
    streams(shell).await;
    files(shell, &directory).await;
    copies(shell, &directory).await;
    let removed = shell.run(&format!("rm -r {}", quote(&directory))).await.expect("the machine answers");
    assert!(removed.success(), "{removed:?}");
}

async fn commands(shell: &dyn Shell) {
    let output = shell.run("echo out; echo err >&2; exit 3").await.expect("a status is no error");
    let expected = Output { status: 3, stdout: b"out\n".into(), stderr: b"err\n".into(), signal: None };
    assert_eq!(output, expected);
    let quoted =
        shell.run(r#"x='a "b"'; printf '%s' "$x" | tr a-z A-Z; echo "it's $((1+1))""#).await.expect("runs");
    assert_eq!(String::from_utf8_lossy(&quoted.stdout), "A \"B\"it's 2\n");
    let lines = shell.run("printf 'one\n'\nprintf 'two\n'").await.expect("runs");
    assert_eq!(lines.stdout_text(), "one\ntwo");
    let bytes = shell.run(r"printf '\000\377\n'").await.expect("runs");
    assert_eq!(bytes.stdout, [0, 255, b'\n']);
    let killed = shell.run("kill -9 $$").await.expect("a signal is no error");
    assert!(!killed.success());
    assert_eq!(killed.status, 137);
    let missing = shell.run("no-such-command-anywhere").await.expect("a missing command is no error");
    assert_eq!(missing.status, 127);
    let empty = shell.run("cat").await.expect("the input is empty");
    assert!(empty.success() && empty.stdout.is_empty());
}

async fn looks(shell: &dyn Shell) {
    let script = "echo out; echo err >&2; left=over; cd /tmp; exit 3";
    for _ in 0..3 {
        let output = shell.look(script).await.expect("a status is no error");
        let expected = Output { status: 3, stdout: b"out\n".into(), stderr: b"err\n".into(), signal: None };
        assert_eq!(output, expected);
    }
    let clean = shell.look("printf '%s' \"$left$-\"; cat").await.expect("runs");
    assert!(!clean.stdout_text().contains("over"), "{clean:?}");
    for script in ["printf one", "printf 'one\ntwo'", "printf '\\000\\377\n\n'", "true"] {
        let (once, again) = (shell.run(script).await.expect("runs"), shell.look(script).await.expect("runs"));
        assert_eq!(again, once, "{script}");
    }
    let unreadable = shell.look("echo 'half").await.expect("a script nobody can read is no error");
    assert!(!unreadable.success() && unreadable.stdout.is_empty(), "{unreadable:?}");
    let here = shell.look("cat <<E\nit's $((1+1))\nE\n# done").await.expect("runs");
    assert_eq!(here.stdout, b"it's 2\n");
    let killed = shell.look("kill -9 $$").await.expect("a signal is no error");
    assert_eq!(killed.status, 137);
    let loud = shell.look("seq 1 200000; head -c 4194304 /dev/zero >&2; echo quiet").await.expect("runs");
    assert!(
        loud.stdout.ends_with(b"200000\nquiet\n") && loud.stderr.len() == 4_194_304,
        "{}",
        loud.stderr.len()
    );
}

async fn input(shell: &dyn Shell) {
    let input: Vec<u8> = (0..3_000_000_u32).map(|it| (it % 251) as u8).collect();
    let echoed = shell.run_with_input("cat", &input).await.expect("runs");
    assert!(echoed.stdout == input, "{} of {} bytes came back", echoed.stdout.len(), input.len());
    let deaf =
        shell.run_with_input("exec <&-; echo done", &input).await.expect("a command may ignore its input");
    assert_eq!(deaf.stdout_text(), "done");
    let loud = shell.run("head -c 4194304 /dev/zero >&2; echo quiet").await.expect("runs");
    assert_eq!((loud.stdout_text().as_str(), loud.stderr.len()), ("quiet", 4_194_304));
}

async fn streams(shell: &dyn Shell) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut sink = |source: Source, bytes: &[u8]| match source {
        Source::Stdout => stdout.extend_from_slice(bytes),
        Source::Stderr => stderr.extend_from_slice(bytes),
    };
    let end = shell.stream("seq 1 20000; echo bad >&2; exit 7", &mut sink).await.expect("runs");
    assert_eq!(end, Output { status: 7, ..Output::default() });
    let expected: String = (1..=20000).map(|it| format!("{it}\n")).collect();
    assert_eq!(String::from_utf8_lossy(&stdout), expected);
    assert_eq!(stderr, b"bad\n");
}

async fn files(shell: &dyn Shell, directory: &str) {
    let path = format!("{directory}/new dir/it's a file");
    assert_eq!(shell.read(&path).await.expect("no file is no error"), None);
    shell.write(&path, b"one\n", 0o640).await.expect("directories are made");
    assert_eq!(shell.read(&path).await.expect("it is there").as_deref(), Some(&b"one\n"[..]));
    assert_eq!(stat(shell, &path).await, "640 0 0");
    shell.write(&path, b"", 0o755).await.expect("files are replaced");
    assert_eq!(shell.read(&path).await.expect("it is there").as_deref(), Some(&b""[..]));
    assert_eq!(stat(shell, &path).await, "755 0 0");
    let listed = shell.run(&format!("ls -A {}", quote(&format!("{directory}/new dir")))).await.expect("runs");
    assert_eq!(listed.stdout_text(), "it's a file", "nothing else is left behind");
    let error = shell.read(directory).await.expect_err("a directory is no file");
    assert!(matches!(error, Error::Remote { .. }), "{error:?}");
    let error = shell.write(directory, b"x", 0o600).await.expect_err("a directory is not replaced");
    assert!(matches!(error, Error::Remote { .. }), "{error:?}");
    let error = shell.write("relative", b"x", 0o600).await.expect_err("paths are absolute");
    assert!(matches!(error, Error::BadPath { .. }), "{error:?}");
}

async fn stat(shell: &dyn Shell, path: &str) -> String {
    shell.run(&format!("stat -c '%a %u %g' {}", quote(path))).await.expect("runs").stdout_text()
}

async fn copies(shell: &dyn Shell, directory: &str) {
    let local = tempfile::tempdir().expect("there is room for a temporary directory");
    let (from, back) = (local.path().join("from"), local.path().join("back"));
    let contents = noise(20_000_000);
    std::fs::write(&from, &contents).expect("there is room for 20 MB");
    let path = format!("{directory}/copied");
    shell.upload(&from, &path, 0o750).await.expect("it is copied");
    assert_eq!(stat(shell, &path).await, "750 0 0");
    shell.download(&path, &back).await.expect("it is copied back");
    assert!(std::fs::read(&back).expect("it is there") == contents, "not the same bytes came back");
    let nothing = local.path().join("nothing");
    let error = shell.download(&format!("{directory}/nothing"), &nothing).await.expect_err("there is none");
    assert!(matches!(error, Error::Remote { .. }), "{error:?}");
    assert_eq!(
        std::fs::read_dir(local.path()).expect("it is there").count(),
        2,
        "nothing else is left behind"
    );
    let error = shell.upload(&nothing, &path, 0o600).await.expect_err("there is none");
    assert!(matches!(error, Error::Local { .. }), "{error:?}");
}

// Bytes without any pattern, so that none can be missing or doubled unnoticed.
fn noise(length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let source = std::fs::File::open("/dev/urandom").expect("there is randomness");
    source.take(length).read_to_end(&mut bytes).expect("there is enough randomness");
    bytes
}
