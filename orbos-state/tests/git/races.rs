//! Many writers, one branch: nobody is undone, and hardly anybody has to try twice.
//!
//! The figures are printed by `cargo test -p orbos-state --all-features --test git races -- --nocapture`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures for humans, and for the parent process"
)]

use std::{
    collections::BTreeMap,
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use orbos_state::{Edit, Error, GitRepository, Limits, Repository, Result, edit, update};

use crate::fixture::{Bare, Sshd};

const FILE: &str = "orbiter.yml";

/// Writes a field of its own into the same file, and returns how often it tried.
async fn write_one(repository: &GitRepository, writer: usize, limits: &Limits) -> Result<usize> {
    let attempts = AtomicUsize::new(0);
    update(repository, limits, |files| {
        attempts.fetch_add(1, Ordering::Relaxed);
        let field = format!("writers.w{writer}").parse().expect("a key is a path");
        let text = edit::set(files.text(FILE).unwrap_or("# ours\n"), &field, &writer.into())?;
        Ok(Some(Edit::new(format!("writer {writer}")).write(FILE, text)))
    })
    .await?;
    Ok(attempts.into_inner())
}

/// Walks the history from the first commit: every commit adds exactly the one field its subject names, and
/// takes nothing away.
fn check_history(bare: &Bare, writers: usize) {
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    for line in bare.git(&["log", "--reverse", "--format=%H %P|%s", "main"]).lines() {
        let (ids, subject) = line.split_once('|').expect("as asked for");
        assert!(ids.split_whitespace().count() <= 2, "there are no merges: {line}");
        let id = ids.split_whitespace().next().expect("as asked for");
        let now = read_fields(&bare.git(&["show", &format!("{id}:{FILE}")]));
        let writer = subject.strip_prefix("writer ").expect("only writers write");
        let mut expected = fields.clone();
        let before = expected.insert(format!("w{writer}"), writer.to_owned());
        assert_eq!(before, None, "{subject} wrote once");
        assert_eq!(now, expected, "{subject} added its field and nothing else");
        fields = now;
    }
    assert_eq!(fields.len(), writers, "every write is still there");
}

fn read_fields(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|it| it.strip_prefix("  ")?.split_once(": "));
    lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn report(what: &str, attempts: &[usize], began: Instant) {
    let average = attempts.iter().sum::<usize>() as f64 / attempts.len() as f64;
    let worst = attempts.iter().max().expect("there are writers");
    eprintln!(
        "{what}: {} writers in {:.1} s, {average:.2} attempts each, at most {worst}, 0 lost updates",
        attempts.len(),
        began.elapsed().as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_writers_of_one_process_lose_nothing() {
    let bare = Bare::new();
    let repository = bare.on_disk();
    let (began, limits) = (Instant::now(), Limits::default());
    let attempts = join_all((0..100).map(|writer| write_one(&repository, writer, &limits))).await;
    let attempts: Vec<usize> = attempts.into_iter().collect::<Result<_>>().expect("everybody gets a turn");
    check_history(&bare, 100);
    report("one process, on this disk", &attempts, began);
    assert_eq!(attempts, vec![1; 100], "they wait for each other");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_without_a_queue_lose_nothing_either() {
    let (bare, sshd) = (Bare::new(), Sshd::start());
    // Clones in folders of their own know nothing of each other, like writers on different machines.
    let repositories: Vec<GitRepository> =
        (0..4).map(|number| sshd.repository_in(&bare, &format!("clone{number}.git"))).collect();
    let began = Instant::now();
    let writers = repositories.iter().enumerate().map(|(number, repository)| async move {
        // Apart by their number instead of by chance, so that the test does the same every time.
        let limits = Limits::new(200, move |attempt| {
            Duration::from_millis(5 * number as u64 + 10 * u64::from(attempt))
        });
        let mut attempts = Vec::new();
        for round in 0..3 {
            attempts.push(write_one(repository, number * 3 + round, &limits).await?);
        }
        Ok::<_, Error>(attempts)
    });
    let attempts: Result<Vec<Vec<usize>>> = join_all(writers).await.into_iter().collect();
    let attempts = attempts.expect("everybody gets a turn").concat();
    check_history(&bare, 12);
    report("four clones over SSH, nobody waits", &attempts, began);
}

/// What a writer process does; called again by the test below.
const WRITER: &str = "ORBOS_TEST_WRITER";

#[tokio::test]
async fn writers_of_several_processes_wait_for_each_other() {
    if let Ok(task) = std::env::var(WRITER) {
        return write_as_a_process(&task).await;
    }
    let bare = Bare::new();
    let began = Instant::now();
    let spawn = |process: usize| {
        Command::new(std::env::current_exe().expect("tests run from a file"))
            .args(["--exact", "races::writers_of_several_processes_wait_for_each_other", "--nocapture"])
            .env(WRITER, format!("{process}|{}", bare.path().display()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests can be started")
    };
    let processes: Vec<Child> = (0..10).map(spawn).collect();
    let outputs: Vec<Output> =
        processes.into_iter().map(|it| it.wait_with_output().expect("it ends")).collect();
    let mut attempts = Vec::new();
    for output in outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let text = String::from_utf8(output.stdout).expect("it prints text");
        attempts.extend(text.lines().filter_map(|it| it.strip_prefix("attempts ")?.parse::<usize>().ok()));
    }
    check_history(&bare, 100);
    report("ten processes, on this disk", &attempts, began);
    assert_eq!(attempts, vec![1; 100], "they wait for each other");
}

async fn write_as_a_process(task: &str) {
    let (process, path) = task.split_once('|').expect("as the test wrote it");
    let process: usize = process.parse().expect("as the test wrote it");
    let repository = Arc::new(GitRepository::open(path, "unused").expect("a path is an address"));
    for round in 0..10 {
        let attempts =
            write_one(&repository, process * 10 + round, &Limits::default()).await.expect("its turn comes");
        println!("\nattempts {attempts}");
    }
    assert!(repository.snapshot().await.is_ok());
}
