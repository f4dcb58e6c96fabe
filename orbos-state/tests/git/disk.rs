//! A bare repository on this disk.

use orbos_state::{Author, Edit, Error, Repository, Revision, testing::repository_suite};

use crate::fixture::Bare;

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_on_disk_keeps_the_contract() {
    let bare = Bare::new();
    repository_suite(&bare.on_disk()).await;
    bare.git(&["fsck", "--strict"]);
}

#[tokio::test]
async fn the_first_commit_makes_the_branch_that_head_names() {
    let bare = Bare::with_branch("trunk");
    let repository = bare.on_disk();
    assert!(repository.snapshot().await.expect("it is empty").revision.is_empty());
    assert_eq!(repository.last_known().await.expect("it is empty").map(|it| it.paths().count()), Some(0));

    let edit = Edit::new("begin")
        .body("With a body.")
        .write("a.yml", "a: 1\n")
        .author(Author::new("Ada", "ada@example.com"));
    let revision = repository.commit(&Revision::new(""), &edit).await.expect("it can be committed to");

    let shown = bare.git(&["log", "--format=%H|%an <%ae>|%cn|%B", "trunk"]);
    assert_eq!(shown.trim(), format!("{revision}|Ada <ada@example.com>|Ada|begin\n\nWith a body."));
}

#[tokio::test]
async fn what_is_no_repository_is_said_so() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let path = folder.path().join("nothing.git");
    let repository =
        orbos_state::GitRepository::open(path.to_str().expect("plain"), "unused").expect("a path");
    let error = repository.snapshot().await.expect_err("there is none");
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    assert!(error.to_string().ends_with("there is none; make one with `git init --bare`"), "{error}");
}

#[tokio::test]
async fn paths_that_lead_out_are_refused() {
    let bare = Bare::new();
    let repository = bare.on_disk();
    for path in ["../a", "/a", "a/.git/config", "a//b", "", ".GIT/x", "a\0b", "a\\b"] {
        let edit = Edit::new("odd").write(path, "");
        let error = repository.commit(&Revision::new(""), &edit).await.expect_err(path);
        assert!(matches!(error, Error::Invalid { .. }), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn a_file_of_100_mb_is_refused_without_being_read() {
    let bare = Bare::new();
    let big = bare.folder.path().join("big");
    let file = std::fs::File::create(&big).expect("a file");
    file.set_len(100 << 20).expect("a sparse file");
    let blob = bare.git(&["hash-object", "-w", "--path=x", big.to_str().expect("plain")]);
    let index = format!("100644,{},orbiter.yml", blob.trim());
    bare.git(&["update-index", "--add", "--cacheinfo", &index]);
    let tree = bare.git(&["write-tree"]);
    let commit = bare.git(&["commit-tree", "-m", "big", tree.trim()]);
    bare.git(&["update-ref", "refs/heads/main", commit.trim()]);

    let files = bare.on_disk().snapshot().await.expect("the repository can be read");
    assert!(files.contains("orbiter.yml") && files.text("orbiter.yml").is_none());
    let wrong = files.source("orbiter.yml").expect_err("it is too large");
    assert_eq!(wrong.summary(), "the file has 104857600 bytes, but may have 4194304 at orbiter.yml:1:1");
}

#[tokio::test]
async fn files_keep_what_git_knows_of_them() {
    let bare = Bare::new();
    let repository = bare.on_disk();
    let edit = Edit::new("one").write("run.sh", "#!/bin/sh\n").write("a/b/c.yml", "c: 1\n");
    let base = repository.commit(&Revision::new(""), &edit).await.expect("first");
    bare.git(&["read-tree", "main"]);
    bare.git(&[
        "update-index",
        "--cacheinfo",
        &format!("100755,{},run.sh", bare.git(&["rev-parse", "main:run.sh"]).trim()),
    ]);
    let tree = bare.git(&["write-tree"]);
    let commit = bare.git(&["commit-tree", "-m", "executable", "-p", base.as_str(), tree.trim()]);
    bare.git(&["update-ref", "refs/heads/main", commit.trim()]);

    let base = Revision::new(commit.trim());
    let edit = Edit::new("two").write("run.sh", "#!/bin/sh\ntrue\n").remove("a/b/c.yml");
    repository.commit(&base, &edit).await.expect("second");
    assert!(bare.git(&["ls-tree", "-r", "main"]).starts_with("100755 "));
    assert_eq!(bare.git(&["ls-tree", "-r", "--name-only", "main"]), "run.sh\n");
    bare.git(&["fsck", "--strict"]);
}
