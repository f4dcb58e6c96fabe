//! Machines that die, hang or never answer: always an error, always in time.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::{Duration, Instant},
};

use orbos_ssh::{
    Connect, Error, KnownHosts, Output, Shell, SshConnect, Target, Timeouts,
    testing::{KeyKind, Sshd, generate_key},
};

fn hasty() -> SshConnect {
    let second = Duration::from_secs(1);
    let timeouts = Timeouts {
        connect: second,
        handshake: second,
        login: second,
        open: second,
        command: 20 * second,
        stall: 2 * second,
        keep_alive: second,
        silence: 6 * second,
    };
    SshConnect::with_timeouts(Arc::new(KnownHosts::new()), timeouts)
}

async fn connected(ssh: &SshConnect, sshd: &Sshd) -> Arc<dyn Shell> {
    ssh.connect(&sshd.target(), &sshd.key()).await.expect("sshd lets its own key in")
}

/// Runs something that must end within these seconds.
async fn within<T>(seconds: u64, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(seconds), future).await.expect("it ends in time")
}

#[tokio::test]
async fn a_listener_that_never_answers_is_a_timeout() {
    let hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let key = generate_key(directory.path(), "key", KeyKind::Ed25519);
    let target = Target::new(hole.local_addr().unwrap(), "root");
    let error = within(5, hasty().connect(&target, &key)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(error.to_string().contains("exchanging keys"), "{error}");
}

#[tokio::test]
async fn everybody_who_waits_for_a_dead_machine_waits_once() {
    let hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let key = generate_key(directory.path(), "key", KeyKind::Ed25519);
    let (ssh, target) = (hasty(), Target::new(hole.local_addr().unwrap(), "root"));
    let results = futures::future::join_all((0..20).map(|_| ssh.connect(&target, &key)));
    let results = within(5, results).await;
    assert!(results.iter().all(|it| matches!(it, Err(Error::Timeout { .. }))), "{results:?}");
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let address: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let key = generate_key(directory.path(), "key", KeyKind::Ed25519);
    let error = within(5, hasty().connect(&Target::new(address, "root"), &key)).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_an_error() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::new(server.local_addr().unwrap(), "root");
    let directory = tempfile::tempdir().unwrap();
    let key = generate_key(directory.path(), "key", KeyKind::Ed25519);
    let speak = async {
        let (mut stream, _) = server.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.0 400 Bad Request\r\n\r\n").await.unwrap();
    };
    let ssh = hasty();
    let ((), result) = within(5, async { tokio::join!(speak, ssh.connect(&target, &key)) }).await;
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Handshake { .. } | Error::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_machine_that_hangs_in_a_command_is_noticed_by_its_silence() {
    let sshd = Sshd::start();
    let shell = connected(&hasty(), &sshd).await;
    let start = Instant::now();
    let mut freeze = |_: orbos_ssh::Source, _: &[u8]| sshd.freeze();
    let error = within(15, shell.stream("echo begun; sleep 60", &mut freeze)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(start.elapsed() >= Duration::from_secs(6));
    sshd.thaw();
    assert_eq!(within(5, shell.run("echo again")).await.unwrap().stdout_text(), "again");
}

#[tokio::test]
async fn a_machine_that_hangs_between_rounds_is_noticed_in_the_next_one() {
    let sshd = Sshd::start();
    let shell = connected(&hasty(), &sshd).await;
    sshd.freeze();
    // Once to notice that the connection is dead, once to see that a new one is no better.
    let error = within(5, shell.run("true")).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    sshd.thaw();
    assert!(within(5, shell.run("true")).await.unwrap().success());
}

#[tokio::test]
async fn a_machine_that_hangs_between_looks_is_noticed_in_the_next_one() {
    let sshd = Sshd::start();
    let shell = connected(&hasty(), &sshd).await;
    assert!(shell.look("true").await.unwrap().success());
    sshd.freeze();
    // Once in the shell that stays, once to see that a new connection is no better.
    let error = within(15, shell.look("true")).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    sshd.thaw();
    assert!(within(5, shell.look("true")).await.unwrap().success());
}

#[tokio::test]
async fn a_quiet_command_on_a_living_machine_is_waited_for() {
    let sshd = Sshd::start();
    let shell = connected(&hasty(), &sshd).await;
    // Longer than the silence that would be taken for death.
    let output = within(20, shell.run("sleep 9; echo done")).await.unwrap();
    assert_eq!(output, Output::ok("done\n"));
    assert_eq!(sshd.connections(), 1);
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_a_timeout() {
    let sshd = Sshd::start();
    let timeouts = Timeouts { command: Duration::from_secs(1), ..Timeouts::default() };
    let ssh = SshConnect::with_timeouts(Arc::new(KnownHosts::new()), timeouts);
    let shell = connected(&ssh, &sshd).await;
    let error = within(5, shell.run("sleep 60")).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { after, .. } if after == Duration::from_secs(1)), "{error:?}");
    assert_eq!(within(5, shell.run("echo next")).await.unwrap().stdout_text(), "next");
}

#[tokio::test]
async fn a_machine_that_hangs_in_a_copy_is_a_timeout() {
    let sshd = Sshd::start();
    let shell = connected(&hasty(), &sshd).await;
    let path = sshd.directory().join("fifo");
    // Nobody ever writes to it, so that reading does not proceed.
    let made = shell.run(&format!("mkfifo {}", path.display())).await.unwrap();
    assert!(made.success());
    let error = within(10, shell.read(path.to_str().unwrap())).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_in_a_command_is_closed_and_not_repeated() {
    let sshd = Sshd::start();
    let shell = connected(&hasty(), &sshd).await;
    let count = sshd.directory().join("count");
    let mut cut = |_: orbos_ssh::Source, _: &[u8]| sshd.drop_connections();
    let command = format!("echo run >>{}; echo begun; sleep 60", count.display());
    let error = within(10, shell.stream(&command, &mut cut)).await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(count).unwrap(), "run\n");
}

#[tokio::test]
async fn a_broken_connection_never_leaves_half_a_file() {
    let sshd = Sshd::start();
    let shell = connected(&hasty(), &sshd).await;
    let path = sshd.directory().join("place/file");
    shell.write(path.to_str().unwrap(), b"before", 0o600).await.unwrap();
    let contents = vec![1; 60_000_000];
    let writing = shell.write(path.to_str().unwrap(), &contents, 0o600);
    let cutting = async {
        // Until the first bytes are there.
        let begun = || std::fs::read_dir(path.parent().unwrap()).unwrap().count() > 1;
        while !begun() {
            tokio::task::yield_now().await;
        }
        sshd.drop_connections();
    };
    let (written, ()) = within(20, async { tokio::join!(writing, cutting) }).await;
    assert!(matches!(written, Err(Error::Closed { .. })), "{written:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
}

#[tokio::test]
async fn a_dead_connection_is_replaced_without_anybody_noticing() {
    let sshd = Sshd::start();
    let ssh = hasty();
    let shell = connected(&ssh, &sshd).await;
    for round in 1..=3 {
        assert_eq!(within(10, shell.run("echo on")).await.unwrap().stdout_text(), "on");
        assert_eq!(sshd.connections(), round);
        sshd.drop_connections();
    }
    assert_eq!(ssh.connections(), 1);
}

#[tokio::test]
async fn a_machine_that_is_set_up_again_is_refused_on_a_dead_connection_too() {
    let sshd = Sshd::start();
    let ssh = hasty();
    let shell = connected(&ssh, &sshd).await;
    let port = sshd.address().port();
    drop(sshd);
    let error = within(10, shell.run("true")).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let _new = Sshd::with(&orbos_ssh::testing::SshdOptions { port: Some(port), ..Default::default() });
    let error = within(10, shell.run("true")).await.unwrap_err();
    assert!(matches!(error, Error::HostKeyChanged { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giving_up_a_copy_does_not_hang_the_others_on_the_connection() {
    let sshd = Sshd::start();
    let ssh = SshConnect::new(Arc::new(KnownHosts::new()));
    let shell = connected(&ssh, &sshd).await;
    let contents = vec![5; 30_000_000];
    for round in 0..8 {
        let path = sshd.directory().join(format!("given-up-{round}"));
        let copy = shell.write(path.to_str().unwrap(), &contents, 0o600);
        let copy = tokio::time::timeout(Duration::from_millis(20 + 7 * round), copy);
        let others = futures::future::join_all((0..5).map(|_| shell.run("seq 1 2000; sleep 0.1")));
        let (copied, others) = within(20, async { tokio::join!(copy, others) }).await;
        // They may end with the connection, but they end.
        assert!(others.iter().all(|it| matches!(it, Ok(_) | Err(Error::Closed { .. }))), "{others:?}");
        // Either nothing of it is there, or all had arrived when it was given up.
        let length = std::fs::metadata(&path).map_or(0, |it| it.len());
        assert!(length == 30_000_000 || (length == 0 && copied.is_err()), "{length} {copied:?}");
    }
    assert!(within(5, shell.run("true")).await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_may_be_given_up_at_any_moment() {
    let sshd = Sshd::start();
    let shell = connected(&hasty(), &sshd).await;
    for moment in 0..12 {
        let patience = Duration::from_millis(moment * moment);
        let _ = tokio::time::timeout(patience, shell.run("seq 1 100000; sleep 0.2")).await;
        assert_eq!(
            within(10, shell.run("echo fine")).await.unwrap().stdout_text(),
            "fine",
            "after {patience:?}"
        );
    }
}
