//! The shell that stays on a machine between looks, with a real OpenSSH server.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::{join_all, try_join_all};
use orbos_ssh::{
    Connect, Error, KnownHosts, Output, Shell, SshConnect, Timeouts,
    testing::{Sshd, SshdOptions},
};

async fn connected(sshd: &Sshd, timeouts: Timeouts) -> Arc<dyn Shell> {
    let ssh = SshConnect::with_timeouts(Arc::new(KnownHosts::new()), timeouts);
    ssh.connect(&sshd.target(), &sshd.key()).await.expect("sshd lets its own key in")
}

/// The number of the process that ran it.
async fn pid(shell: &dyn Shell) -> u32 {
    let said = shell.look("echo $$").await.expect("the machine answers").stdout_text();
    said.parse().expect("a number")
}

#[tokio::test]
async fn one_process_serves_all_looks_whatever_their_script() {
    let sshd = Sshd::start();
    let shell = connected(&sshd, Timeouts::default()).await;
    let first = pid(&*shell).await;
    for number in 0..20 {
        let output = shell.look(&format!("echo {number}; exit {number}")).await.unwrap();
        assert_eq!((output.stdout_text(), output.status), (number.to_string(), number));
        assert_eq!(pid(&*shell).await, first);
    }
    let two = connected(&sshd, Timeouts::default()).await;
    assert_ne!(pid(&*two).await, first, "every connection has its own");
}

#[tokio::test]
async fn one_that_is_gone_is_not_noticed() {
    let sshd = Sshd::start();
    let shell = connected(&sshd, Timeouts::default()).await;
    for _ in 0..3 {
        let before = pid(&*shell).await;
        // It waits for nothing, so it may be killed at any moment.
        assert!(shell.run(&format!("kill -9 {before}")).await.unwrap().success());
        assert_eq!(shell.look("echo on").await.unwrap().stdout_text(), "on");
        assert_ne!(pid(&*shell).await, before);
    }
    sshd.drop_connections();
    assert_eq!(shell.look("echo on").await.unwrap().stdout_text(), "on");
    assert_eq!(sshd.connections(), 2);
}

#[tokio::test]
async fn commands_go_on_beside_it_and_looks_wait_for_each_other() {
    let sshd = Sshd::start();
    let shell = connected(&sshd, Timeouts::default()).await;
    pid(&*shell).await;
    let looks = join_all((0..5).map(|it| {
        let shell = shell.clone();
        async move { shell.look(&format!("sleep 0.1; echo {it}")).await.unwrap().stdout_text() }
    }));
    let commands = try_join_all((0..30).map(|_| shell.run("sleep 0.05; echo done")));
    let (looks, commands) = tokio::join!(looks, commands);
    assert_eq!(looks, ["0", "1", "2", "3", "4"]);
    assert_eq!(commands.unwrap().len(), 30);
    assert_eq!(sshd.connections(), 1);
}

#[tokio::test]
async fn a_machine_that_allows_one_command_at_once_is_looked_at_too() {
    for allowed in [1, 2] {
        let config = vec![format!("MaxSessions {allowed}")];
        let sshd = Sshd::with(&SshdOptions { config, ..SshdOptions::default() });
        let shell = connected(&sshd, Timeouts::default()).await;
        for _ in 0..3 {
            assert_eq!(shell.look("echo seen").await.unwrap().stdout_text(), "seen", "{allowed}");
            assert_eq!(shell.run("echo done").await.unwrap().stdout_text(), "done", "{allowed}");
        }
    }
}

#[tokio::test]
async fn a_look_that_takes_too_long_is_a_timeout_and_not_repeated() {
    let sshd = Sshd::start();
    let shell = connected(&sshd, Timeouts { command: Duration::from_secs(1), ..Timeouts::default() }).await;
    let begin = Instant::now();
    let error = shell.look("sleep 60").await.unwrap_err();
    assert!(matches!(error, Error::Timeout { after, .. } if after == Duration::from_secs(1)), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(2), "once");
    assert_eq!(shell.look("echo next").await.unwrap().stdout_text(), "next");
}

#[tokio::test]
async fn what_others_say_is_no_part_of_a_look() {
    let home = tempfile::tempdir().unwrap();
    // The login shell reads it, if it is bash.
    std::fs::write(home.path().join(".bashrc"), "echo welcome; echo beware >&2\n").unwrap();
    let environment = BTreeMap::from([("HOME".to_owned(), home.path().display().to_string())]);
    let sshd = Sshd::with(&SshdOptions { environment, ..SshdOptions::default() });
    let shell = connected(&sshd, Timeouts::default()).await;
    assert_eq!(shell.look("echo seen").await.unwrap(), Output::ok("seen\n"));
    // What a script left behind says before the next look begins.
    let said = home.path().join("said");
    let late = format!("(sleep 0.2; echo late; : >{}) & echo now", said.display());
    assert_eq!(shell.look(&late).await.unwrap(), Output::ok("now\n"));
    while !said.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(shell.look("echo seen").await.unwrap(), Output::ok("seen\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_may_be_given_up_at_any_moment() {
    let sshd = Sshd::start();
    let shell = connected(&sshd, Timeouts::default()).await;
    for moment in 0..12 {
        let patience = Duration::from_millis(moment * moment);
        let _ = tokio::time::timeout(patience, shell.look("seq 1 100000; sleep 0.2")).await;
        let next = shell.look(&format!("echo {moment}")).await.unwrap();
        assert_eq!(next.stdout_text(), moment.to_string(), "after {patience:?}");
    }
}
