//! Through a real sshd.

use orbos_state::{
    Edit, Error, FileHostKeys, GitRepository, Limits, Repository, Revision, testing::repository_suite, update,
};

use crate::fixture::{Bare, Sshd};

fn write(text: &str) -> Edit {
    Edit::new("write").write("a.yml", text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_over_ssh_keeps_the_contract() {
    let (bare, sshd) = (Bare::new(), Sshd::start());
    repository_suite(&sshd.repository(&bare)).await;
    bare.git(&["fsck", "--strict"]);
}

#[tokio::test]
async fn the_default_branch_is_what_the_remotes_head_names() {
    let (bare, sshd) = (Bare::with_branch("trunk"), Sshd::start());
    let disk = bare.on_disk();
    let base = disk.commit(&Revision::new(""), &write("a: 1\n")).await.expect("first");
    bare.git(&["branch", "main", base.as_str()]);

    let repository = sshd.repository(&bare);
    assert_eq!(repository.snapshot().await.expect("it answers").text("a.yml"), Some("a: 1\n"));
    let newest = repository.commit(&base, &write("a: 2\n")).await.expect("second");
    assert_eq!(bare.git(&["rev-parse", "trunk"]).trim(), newest.as_str());
    assert_eq!(bare.git(&["rev-parse", "main"]).trim(), base.as_str());
}

#[tokio::test]
async fn two_writers_do_not_undo_each_other() {
    let (bare, sshd) = (Bare::new(), Sshd::start());
    let (one, two) = (sshd.repository_in(&bare, "one.git"), sshd.repository_in(&bare, "two.git"));
    let base = one
        .commit(&one.snapshot().await.expect("it answers").revision, &write("a: 1\n"))
        .await
        .expect("first");
    assert_eq!(two.snapshot().await.expect("it answers").revision, base);
    let newer = one.commit(&base, &write("a: 2\n")).await.expect("second");

    let late = two.commit(&base, &write("a: late\n")).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
    let files = two.snapshot().await.expect("it answers");
    assert_eq!((&files.revision, files.text("a.yml")), (&newer, Some("a: 2\n")));
}

#[tokio::test]
async fn a_branch_that_was_set_back_is_a_conflict() {
    let (bare, sshd) = (Bare::new(), Sshd::start());
    let repository = sshd.repository(&bare);
    let first = repository.snapshot().await.expect("it answers").revision;
    let first = repository.commit(&first, &write("a: 1\n")).await.expect("first");
    let second = repository.commit(&first, &write("a: 2\n")).await.expect("second");
    bare.git(&["update-ref", "refs/heads/main", first.as_str()]);

    let result = repository.commit(&second, &write("a: 3\n")).await;
    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    assert_eq!(repository.snapshot().await.expect("it answers").revision, first);
}

#[tokio::test]
async fn a_changed_host_key_is_refused_with_both_fingerprints() {
    let (bare, mut sshd) = (Bare::new(), Sshd::start());
    let known = bare.folder.path().join("known_hosts");
    let repository = || sshd.repository(&bare).with_host_keys(FileHostKeys::new(&known));
    repository().snapshot().await.expect("first contact");
    repository().snapshot().await.expect("the same key again");
    let pinned = std::fs::read_to_string(&known).expect("it was pinned");
    assert!(pinned.starts_with(&format!("[127.0.0.1]:{} ssh-ed25519 AAAA", sshd.port)), "{pinned}");
    assert_eq!(pinned.lines().count(), 1);

    let repository = repository();
    let before = sshd.fingerprint();
    sshd.change_host_key();
    sshd.restart();
    let error = repository.snapshot().await.expect_err("somebody else answers");
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&before) && text.contains(&sshd.fingerprint()), "{text}");
    assert_eq!(std::fs::read_to_string(&known).expect("it is there"), pinned);
}

#[tokio::test]
async fn keys_of_every_kind_sign_in() {
    let (bare, sshd) = (Bare::new(), Sshd::start());
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let key = sshd.another_key(kind);
        sshd.let_in(kind);
        sshd.repository(&bare).with_key(key).snapshot().await.expect(kind);
    }
}

#[tokio::test]
async fn a_key_that_is_not_known_is_said_so() {
    let (bare, sshd) = (Bare::new(), Sshd::start());
    let access = sshd.repository(&bare).with_key(sshd.another_key("ed25519")).check_access().await;
    for error in [access.read.expect_err("refused"), access.write.expect_err("refused")] {
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
        assert!(error.to_string().contains("the key is not known there"), "{error}");
    }
    let nonsense = sshd.repository(&bare).with_key(orbos_secrets::Secret::from_text("no key"));
    let error = nonsense.snapshot().await.expect_err("refused");
    assert!(matches!(error, Error::Denied { .. }), "{}", error.chain());
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_said_so() {
    let (bare, sshd) = (Bare::new(), Sshd::start());
    let url = sshd.url(&bare.folder.path().join("other.git"));
    let repository = GitRepository::open(&url, bare.folder.path().join("clone.git"))
        .expect("an address")
        .with_key(sshd.key());
    let error = repository.snapshot().await.expect_err("there is none");
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    assert!(error.to_string().contains("there is no such repository"), "{}", error.chain());
}

#[tokio::test]
async fn a_protected_branch_is_denied_in_the_servers_words() {
    let (bare, sshd) = (Bare::new(), Sshd::start());
    bare.hook("pre-receive", "#!/bin/sh\necho 'main takes merge requests only' >&2\nexit 1\n");
    let repository = sshd.repository(&bare);
    let access = repository.check_access().await;
    assert!(access.read.is_ok() && access.write.is_ok(), "{access:?}");
    let error = repository.commit(&Revision::new(""), &write("a: 1\n")).await.expect_err("the hook refuses");
    assert_eq!(
        error.to_string(),
        "writing to branch refs/heads/main was refused: the server says `pre-receive hook declined`: \
         main takes merge requests only"
    );
    assert!(matches!(error, Error::Denied { .. }));
}

#[tokio::test]
async fn while_the_remote_is_away_the_last_known_files_stay() {
    let (bare, mut sshd) = (Bare::new(), Sshd::start());
    let repository = sshd.repository(&bare);
    assert!(repository.last_known().await.expect("nothing is damaged").is_none());
    let base = repository.snapshot().await.expect("it answers").revision;
    let newest = repository.commit(&base, &write("a: 1\n")).await.expect("it answers");
    sshd.stop();

    let error = repository.snapshot().await.expect_err("nobody is there");
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    // As after a restart: nothing but the folder is left.
    let files = sshd.repository(&bare).last_known().await.expect("nothing is damaged").expect("it was seen");
    assert_eq!((&files.revision, files.text("a.yml")), (&newest, Some("a: 1\n")));

    sshd.restart();
    let revision =
        update(&repository, &Limits::default(), |_| Ok(Some(write("a: 2\n")))).await.expect("it is back");
    assert!(revision.is_some());
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let url = format!("ssh://git@127.0.0.1:{}/orb.git", silent.local_addr().expect("it is bound").port());
    let repository = GitRepository::open(&url, folder.path().join("clone.git"))
        .expect("an address")
        .with_timeout(std::time::Duration::from_millis(200));
    let error = repository.snapshot().await.expect_err("it is silent");
    assert!(error.chain().ends_with("no answer within 0.2 s"), "{}", error.chain());
    let error = repository.snapshot().await.expect_err("the first request still hangs");
    assert!(error.chain().contains("a request hangs for"), "{}", error.chain());
    // Ends the request that hangs, and with it the thread.
    drop(silent);
}
