//! Sessions with a real OpenSSH server on loopback.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::{join_all, try_join_all};
use orbos_ssh::{
    Connect, Error, HostKeys, KnownHosts, Lines, PrivateKey, Secret, Source, SshConnect, Timeouts,
    testing::{KeyKind, Sshd, SshdOptions, generate_key, shell_suite},
};

fn connector() -> SshConnect {
    SshConnect::new(Arc::new(KnownHosts::new()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_shell_passes_the_suite_on_one_connection() {
    let sshd = Sshd::start();
    let shell = connector().connect(&sshd.target(), &sshd.key()).await.unwrap();
    shell_suite(&*shell).await;
    assert_eq!(sshd.connections(), 1);
}

#[tokio::test]
async fn a_real_shell_passes_the_suite_on_one_thread() {
    let sshd = Sshd::start();
    let shell = connector().connect(&sshd.target(), &sshd.key()).await.unwrap();
    shell_suite(&*shell).await;
}

#[tokio::test]
async fn every_kind_of_key_logs_in_from_memory() {
    for kind in [KeyKind::Ed25519, KeyKind::Ecdsa, KeyKind::Rsa] {
        let sshd =
            Sshd::with(&SshdOptions { login_key: kind, host_keys: vec![kind], ..SshdOptions::default() });
        let shell = connector().connect(&sshd.target(), &sshd.key()).await.unwrap();
        assert_eq!(shell.run("echo in").await.unwrap().stdout_text(), "in", "{kind:?}");
    }
}

#[tokio::test]
async fn an_encrypted_key_logs_in_with_its_passphrase_only() {
    let sshd = Sshd::start();
    let path = sshd.directory().join("login");
    let keygen = std::process::Command::new("ssh-keygen")
        .args(["-q", "-p", "-N", "open sesame", "-f"])
        .arg(&path)
        .output();
    assert!(keygen.unwrap().status.success());
    let key = sshd.key().with_passphrase(Secret::from_text("open sesame"));
    connector().connect(&sshd.target(), &key).await.unwrap();
    let wrong = sshd.key().with_passphrase(Secret::from_text("wrong"));
    for key in [sshd.key(), wrong] {
        let error = connector().connect(&sshd.target(), &key).await.unwrap_err();
        assert!(matches!(error, Error::BadKey { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_key_nobody_knows_is_denied() {
    let sshd = Sshd::start();
    let stranger = generate_key(sshd.directory(), "stranger", KeyKind::Ed25519);
    let hosts = Arc::new(KnownHosts::new());
    let error = SshConnect::new(hosts.clone()).connect(&sshd.target(), &stranger).await.unwrap_err();
    assert!(matches!(&error, Error::Denied { address, .. } if *address == sshd.address()), "{error:?}");
    assert!(hosts.all().is_empty(), "a machine that lets nobody in is not pinned");
}

#[tokio::test]
async fn a_text_that_is_no_key_is_a_bad_key() {
    let sshd = Sshd::start();
    let texts =
        ["", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"];
    for text in texts {
        let error =
            connector().connect(&sshd.target(), &PrivateKey::new(Secret::from_text(text))).await.unwrap_err();
        assert!(matches!(error, Error::BadKey { .. }), "{text:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_changed_host_key_is_refused_with_both_fingerprints() {
    let hosts = Arc::new(KnownHosts::new());
    let first = Sshd::start();
    SshConnect::new(hosts.clone()).connect(&first.target(), &first.key()).await.unwrap();
    let host = first.target().host();
    let pinned = hosts.known(&host).unwrap();
    let port = first.address().port();
    drop(first);
    let second = Sshd::with(&SshdOptions { port: Some(port), ..SshdOptions::default() });
    let ssh = SshConnect::new(hosts.clone());
    let error = ssh.connect(&second.target(), &second.key()).await.unwrap_err();
    let Error::HostKeyChanged { pinned: was, seen, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*was, format!("ssh-ed25519 {}", pinned.fingerprint()));
    let printed = std::process::Command::new("ssh-keygen")
        .arg("-lf")
        .arg(second.directory().join("host-0.pub"))
        .output();
    let printed = String::from_utf8(printed.unwrap().stdout).unwrap();
    assert!(printed.contains(seen.trim_start_matches("ssh-ed25519 ")), "{seen} in {printed}");
    assert!(!second.log().contains("Accepted"), "nobody logged in");
    assert_eq!(hosts.known(&host), Some(pinned), "what is pinned stays");
    hosts.forget(&host);
    ssh.connect(&second.target(), &second.key()).await.unwrap();
}

#[tokio::test]
async fn a_host_with_several_keys_shows_the_pinned_one() {
    let kinds = vec![KeyKind::Ed25519, KeyKind::Ecdsa, KeyKind::Rsa];
    let sshd = Sshd::with(&SshdOptions { host_keys: kinds, ..SshdOptions::default() });
    for index in 0..3 {
        let public = std::fs::read_to_string(sshd.directory().join(format!("host-{index}.pub"))).unwrap();
        let hosts = KnownHosts::new();
        hosts.pin(&sshd.target().host(), public.parse().unwrap());
        let shell = SshConnect::new(Arc::new(hosts)).connect(&sshd.target(), &sshd.key()).await.unwrap();
        assert!(shell.run("true").await.unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_serves_all_rounds_and_many_commands_at_once() {
    let sshd = Sshd::start();
    let ssh = connector();
    for _round in 0..3 {
        let shell = ssh.connect(&sshd.target(), &sshd.key()).await.unwrap();
        let commands = (0..40).map(|number| {
            let shell = shell.clone();
            tokio::spawn(async move { shell.run(&format!("seq 1 5000; echo {number}")).await })
        });
        for (number, output) in join_all(commands).await.into_iter().enumerate() {
            let output = output.unwrap().unwrap();
            assert_eq!(output.stdout_text().lines().count(), 5001);
            assert!(output.stdout_text().ends_with(&format!("\n{number}")));
        }
    }
    assert_eq!(sshd.connections(), 1);
    assert_eq!(ssh.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_allows_fewer_commands_at_once_gets_fewer() {
    let config = vec!["MaxSessions 2".to_owned()];
    let sshd = Sshd::with(&SshdOptions { config, ..SshdOptions::default() });
    let shell = connector().connect(&sshd.target(), &sshd.key()).await.unwrap();
    let outputs = try_join_all((0..30).map(|number| {
        let shell = shell.clone();
        async move { shell.run(&format!("echo {number}")).await }
    }));
    assert_eq!(outputs.await.unwrap().len(), 30);
    assert_eq!(sshd.connections(), 1);
}

#[tokio::test]
async fn a_machine_that_allows_no_commands_refuses() {
    let config = vec!["MaxSessions 0".to_owned()];
    let sshd = Sshd::with(&SshdOptions { config, ..SshdOptions::default() });
    let shell = connector().connect(&sshd.target(), &sshd.key()).await.unwrap();
    let error = shell.run("true").await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn big_copies_and_small_commands_share_a_connection() {
    let sshd = Sshd::start();
    let shell = connector().connect(&sshd.target(), &sshd.key()).await.unwrap();
    let contents: Vec<u8> = (0..8_000_000_u32).map(|it| (it % 253) as u8).collect();
    let copies = (0..4).map(|number| {
        let (shell, contents, path) =
            (shell.clone(), &contents, sshd.directory().join(format!("copy-{number}")));
        async move {
            let path = path.to_str().unwrap();
            shell.write(path, contents, 0o600).await?;
            assert!(shell.read(path).await?.as_ref() == Some(contents));
            Ok::<_, Error>(())
        }
    });
    let commands = (0..50).map(|number| {
        let shell = shell.clone();
        async move {
            let output = shell.run(&format!("echo {number}")).await?;
            assert_eq!(output.stdout_text(), number.to_string());
            Ok::<_, Error>(())
        }
    });
    let (copied, ran) = tokio::join!(try_join_all(copies), try_join_all(commands));
    copied.unwrap();
    ran.unwrap();
    assert_eq!(sshd.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_keys_in_the_middle_of_a_copy_do_not_disturb_it() {
    let config = vec!["RekeyLimit 1M".to_owned()];
    let sshd = Sshd::with(&SshdOptions { config, ..SshdOptions::default() });
    let shell = connector().connect(&sshd.target(), &sshd.key()).await.unwrap();
    let contents: Vec<u8> = (0..10_000_000_u32).map(|it| (it % 253) as u8).collect();
    let path = sshd.directory().join("copy");
    shell.write(path.to_str().unwrap(), &contents, 0o600).await.unwrap();
    assert!(shell.read(path.to_str().unwrap()).await.unwrap() == Some(contents));
    assert_eq!(sshd.connections(), 1);
}

#[tokio::test]
async fn a_streamed_command_shows_its_lines_while_it_runs() {
    let sshd = Sshd::start();
    let shell = connector().connect(&sshd.target(), &sshd.key()).await.unwrap();
    let flag = sshd.directory().join("flag");
    // The command ends only after its first line was seen here.
    let command =
        format!("echo first; while ! [ -e {0} ]; do :; done; echo second; printf third >&2", flag.display());
    let mut seen = Vec::new();
    let mut lines = Lines::new(|source, line: &str| {
        std::fs::write(&flag, "").unwrap();
        seen.push((source, line.to_owned()));
    });
    let output = shell.stream(&command, &mut lines).await.unwrap();
    assert!(output.success() && output.stdout.is_empty());
    let expected = [(Source::Stdout, "first"), (Source::Stdout, "second"), (Source::Stderr, "third")];
    assert_eq!(seen, expected.map(|(source, line)| (source, line.to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_hosts_are_worked_on_at_once() {
    let sshds: Vec<_> = (0..50).map(|_| Sshd::start()).collect();
    let ssh = connector();
    let rounds = sshds.iter().map(|sshd| {
        let ssh = ssh.clone();
        async move {
            let shell = ssh.connect(&sshd.target(), &sshd.key()).await?;
            shell.run("sleep 1; echo done").await
        }
    });
    let outputs = try_join_all(rounds).await.unwrap();
    assert!(outputs.iter().all(|it| it.stdout_text() == "done"));
    assert_eq!(ssh.connections(), 50);
    ssh.close_idle(Duration::ZERO);
    assert_eq!(ssh.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_behind_a_jump_host_are_reached_through_it() {
    let jump = Sshd::start();
    let far: Vec<_> = (0..3).map(|_| Sshd::start()).collect();
    let hosts = Arc::new(KnownHosts::new());
    let ssh = SshConnect::new(hosts.clone());
    // One key for the jump host and the machines behind it.
    for sshd in &far {
        std::fs::copy(jump.directory().join("login.pub"), sshd.directory().join("login.pub")).unwrap();
    }
    let shells = try_join_all(far.iter().map(|sshd| {
        let (ssh, target, key) = (ssh.clone(), sshd.target().through(jump.target()), jump.key());
        async move { ssh.connect(&target, &key).await }
    }));
    let shells = shells.await.unwrap();
    try_join_all(shells.iter().map(|shell| shell.run("head -c 3000000 /dev/zero"))).await.unwrap();
    shell_suite(&*shells[0]).await;
    assert_eq!(jump.connections(), 1);
    let via = far[0].log();
    assert_eq!(far[0].connections(), 1, "{via}");
    assert_eq!(hosts.all().len(), 4, "all four host keys are checked");
    // The connection behind ends when nobody uses it any more.
    drop(shells);
    ssh.close_idle(Duration::ZERO);
    assert!(ssh.connections() <= 1);
}

#[tokio::test]
async fn a_machine_the_jump_host_cannot_reach_is_unreachable() {
    let jump = Sshd::start();
    let gone = Sshd::start().address();
    let target = orbos_ssh::Target::new(gone, "root").through(jump.target());
    let error = connector().connect(&target, &jump.key()).await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable { address, .. } if *address == gone), "{error:?}");
}

/// Puts a program named sudo first into the path of an sshd.
fn sshd_with_sudo(script: &str) -> (Sshd, tempfile::TempDir) {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().expect("there is room");
    let sudo = directory.path().join("sudo");
    std::fs::write(&sudo, script).expect("there is room");
    std::fs::set_permissions(&sudo, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    let environment = BTreeMap::from([("PATH".to_owned(), path)]);
    (Sshd::with(&SshdOptions { environment, ..SshdOptions::default() }), directory)
}

#[tokio::test]
async fn sudo_runs_the_whole_command_and_files() {
    let (sshd, _sudo) =
        sshd_with_sudo("#!/bin/sh\n[ \"$1 $2\" = '-n --' ] || exit 9\nshift 2\nAS_ROOT=yes exec \"$@\"\n");
    let target = sshd.target().with_privilege(orbos_ssh::Privilege::Sudo);
    let shell = connector().connect(&target, &sshd.key()).await.unwrap();
    let output = shell.run("echo \"it's $AS_ROOT\" | tr a-z A-Z").await.unwrap();
    assert_eq!(output.stdout_text(), "IT'S YES", "{output:?}");
    shell_suite(&*shell).await;
}

#[tokio::test]
async fn sudo_that_wants_a_password_is_its_own_error() {
    let (sshd, _sudo) = sshd_with_sudo("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n");
    let target = sshd.target().with_privilege(orbos_ssh::Privilege::Sudo);
    let shell = connector().connect(&target, &sshd.key()).await.unwrap();
    let mut sink = |_: Source, _: &[u8]| {};
    for error in [
        shell.run("true").await.unwrap_err(),
        shell.look("true").await.unwrap_err(),
        shell.write("/tmp/never", b"", 0o600).await.unwrap_err(),
        shell.stream("true", &mut sink).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::SudoPassword { .. }), "{error:?}");
        assert!(error.to_string().contains("NOPASSWD"), "{error}");
    }
}

#[tokio::test]
async fn a_full_disk_is_its_own_error_and_leaves_nothing() {
    let sshd = Sshd::start();
    let shell = connector().connect(&sshd.target(), &sshd.key()).await.unwrap();
    let small = sshd.directory().join("small");
    let mounted = shell
        .run(&format!("mkdir {0} && mount -t tmpfs -o size=64k none {0}", small.display()))
        .await
        .unwrap();
    if !mounted.success() {
        return; // Not allowed to mount here; the text is looked at in any case.
    }
    let error = shell.write(small.join("big").to_str().unwrap(), &[7; 1_000_000], 0o600).await.unwrap_err();
    let left = shell.run(&format!("ls -A {0}; umount {0}", small.display())).await.unwrap();
    assert!(matches!(error, Error::NoSpace { .. }), "{error:?}");
    assert_eq!(left.stdout_text(), "");
}

#[test]
fn defaults_are_bounded() {
    let Timeouts { connect, handshake, login, open, command, stall, keep_alive, silence } =
        Timeouts::default();
    assert!(
        [connect, handshake, login, open, stall, silence].iter().all(|it| *it <= Duration::from_secs(60))
    );
    assert!(keep_alive < silence && command <= Duration::from_secs(3600));
}
