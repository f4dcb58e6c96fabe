//! What implementors run against their own (feature `testing`).

use futures::future::join_all;

use crate::{Edit, Error, Limits, Repository, Revision, Snapshot, edit, update};

/// Where the suite writes; nothing else in the repository is touched.
const FOLDER: &str = "orbos-suite";

/// Writers that go at the same time.
const WRITERS: usize = 20;

/// Checks that a repository keeps the contract of [`Repository`]. Leaves a folder `orbos-suite` behind.
///
/// # Panics
///
/// If the contract is broken; the message says which part.
pub async fn repository_suite(repository: &dyn Repository) {
    let base = reading_changes_nothing(repository).await;
    let first = commits_are_seen(repository, &base).await;
    nothing_to_change_is_no_commit(repository, &first).await;
    a_lost_race_is_a_conflict(repository, &base, &first).await;
    files_go_away(repository, &first).await;
    nobody_undoes_anybody(repository).await;
}

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

async fn snapshot(repository: &dyn Repository) -> Snapshot {
    repository.snapshot().await.expect("a repository can be read")
}

async fn reading_changes_nothing(repository: &dyn Repository) -> Revision {
    let (one, two) = (snapshot(repository).await, snapshot(repository).await);
    assert_eq!(one, two, "reading twice gives the same");
    one.revision
}

async fn commits_are_seen(repository: &dyn Repository, base: &Revision) -> Revision {
    let before = snapshot(repository).await;
    let edit = Edit::new("suite: two files")
        .body("The second line of the message.")
        .write(path("a.yml"), "a: 1\n")
        .write(path("deep/er/b.yml"), "ü: \"日本\"\n");
    let first = repository.commit(base, &edit).await.expect("the newest revision can be committed on");
    assert_ne!(first, *base, "a commit has a revision of its own");
    let files = snapshot(repository).await;
    assert_eq!(files.revision, first, "the commit is the newest revision");
    assert_eq!(files.text(&path("a.yml")), Some("a: 1\n"), "what was committed is read");
    assert_eq!(files.text(&path("deep/er/b.yml")), Some("ü: \"日本\"\n"), "in folders, too");
    for other in before.paths().filter(|it| !it.starts_with(FOLDER)) {
        assert_eq!(files.bytes(other), before.bytes(other), "other files stay as they are");
    }
    first
}

async fn nothing_to_change_is_no_commit(repository: &dyn Repository, newest: &Revision) {
    let same = Edit::new("suite: the same").write(path("a.yml"), "a: 1\n").remove(path("never.yml"));
    let again = repository.commit(newest, &same).await.expect("nothing to change is no error");
    assert_eq!(again, *newest, "nothing to change is no commit");
    assert_eq!(snapshot(repository).await.revision, *newest, "nothing to change is no commit");
}

async fn a_lost_race_is_a_conflict(repository: &dyn Repository, old: &Revision, newest: &Revision) {
    let late = Edit::new("suite: late").write(path("a.yml"), "a: late\n");
    let result = repository.commit(old, &late).await;
    assert!(matches!(result, Err(Error::Conflict { .. })), "on an old revision it is a conflict: {result:?}");
    let files = snapshot(repository).await;
    assert_eq!(files.revision, *newest, "a conflict changes nothing");
    assert_eq!(files.text(&path("a.yml")), Some("a: 1\n"), "a conflict changes nothing");
}

async fn files_go_away(repository: &dyn Repository, newest: &Revision) {
    let edit = Edit::new("suite: remove").remove(path("deep/er/b.yml"));
    repository.commit(newest, &edit).await.expect("files can be removed");
    let files = snapshot(repository).await;
    assert!(!files.contains(&path("deep/er/b.yml")), "what was removed is gone");
    assert!(files.contains(&path("a.yml")), "what was not removed is there");
}

async fn nobody_undoes_anybody(repository: &dyn Repository) {
    let shared = path("shared.yml");
    let writers = (0..WRITERS).map(|number| {
        let shared = shared.clone();
        async move {
            let limits = Limits { attempts: 1000, ..Limits::default() };
            update(repository, &limits, |files| {
                let text = files.text(&shared).unwrap_or_default();
                let field = format!("writer{number}").parse().expect("a key is a path");
                let text = edit::set(text, &field, &number.into())?;
                Ok(Some(Edit::new(format!("suite: writer {number}")).write(&shared, text)))
            })
            .await
        }
    });
    for result in join_all(writers).await {
        assert!(matches!(result, Ok(Some(_))), "every writer gets its turn: {result:?}");
    }
    let files = snapshot(repository).await;
    let text = files.text(&shared).expect("it was written");
    for number in 0..WRITERS {
        assert!(text.contains(&format!("writer{number}: {number}\n")), "writer {number} was undone:\n{text}");
    }
}
