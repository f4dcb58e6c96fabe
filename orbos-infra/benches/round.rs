//! Whole rounds of ORBITER over real SSH servers: `lab/benches/round.sh` and `lab/benches/ansible.sh` start them.
//!
//! Everything but the clustered software is ORBITER's own: the desired file in a repository, StaticProvider, SSH, the looks
//! at machines, the planner, the current file. The clustered software says that every machine is a settled member and wants
//! ten files on each. There is no systemd on these machines, so the firewall is put there as ORBITER would leave it.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for humans who measure")]

#[path = "round/orb.rs"]
mod orb;
#[path = "round/software.rs"]
mod software;
#[path = "round/wire.rs"]
mod wire;

use std::time::{Duration, Instant};

use orbos_infra::Orbiter;
use orbos_state::{MemoryRepository, Repository, run_once};

/// The files that each machine shall have.
pub const FILES: usize = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let [key, rest @ ..] = &words[..] else {
        println!("usage: round KEY [MACHINES] [ROUNDS]; start machines with lab/benches/sshd.sh first");
        return;
    };
    let numbers: Vec<usize> = rest.iter().filter_map(|it| it.parse().ok()).collect();
    let machines = numbers.first().copied().unwrap_or(100);
    let rounds = numbers.get(1).copied().unwrap_or(20);
    let key = std::fs::read_to_string(key).expect("the key is readable");

    let bench = orb::Bench::new(&key, machines);
    bench.put_firewalls().await;
    println!("{machines} machines, {FILES} files each; load {}", load());

    let repository = MemoryRepository::new([("orbiter.yml", bench.desired())]);
    let orbiter = bench.orbiter(&repository);
    let first = measured(&orbiter, &repository).await;
    first.print("first: connects, looks, writes all files", machines);
    let second = measured(&orbiter, &repository).await;
    second.print("second: looks, nothing to do", machines);
    assert_eq!((second.changes, second.waiting), (0, 0), "settled after one round");

    // A file that was just written would be read again.
    tokio::time::sleep(Duration::from_secs(3)).await;
    // Another process would have to connect again.
    let orbiter = bench.orbiter(&repository);
    let anew = measured(&orbiter, &repository).await;
    anew.print("anew: connects, looks, nothing to do", machines);
    assert_eq!((anew.changes, anew.waiting), (0, 0), "still settled");

    let before = repository.snapshot().await.unwrap().revision;
    let mut settled = Vec::new();
    for _ in 0..rounds {
        settled.push(measured(&orbiter, &repository).await);
    }
    assert!(settled.iter().all(|it| it.changes == 0 && it.waiting == 0), "nothing to do in any round");
    assert_eq!(repository.snapshot().await.unwrap().revision, before, "no commit");
    settled.sort_by_key(|it| it.took);
    let commands: usize = settled.iter().map(|it| it.commands).sum();
    let processor: Duration = settled.iter().map(|it| it.processor).sum();
    let theirs: Option<Duration> = settled.iter().map(|it| it.theirs).sum();
    let all = u32::try_from(rounds * machines).unwrap_or(u32::MAX);
    println!(
        "{rounds} rounds with nothing to do: best {:.2?}, median {:.2?}, worst {:.2?}; {} command(s) per machine and round; \
         own processor time {:.2?} per machine and round, {:.3?} per machine and file; {}; load {}",
        settled[0].took,
        settled[settled.len() / 2].took,
        settled[settled.len() - 1].took,
        commands as f64 / f64::from(all),
        processor / all,
        processor / all / u32::try_from(FILES).unwrap(),
        servers(theirs, all),
        load(),
    );
    println!("{}", memory());
}

/// What one round took.
struct Measured {
    took: Duration,
    processor: Duration,
    /// The servers' processor time, with all that they started; `None`: nobody says.
    theirs: Option<Duration>,
    commands: usize,
    changes: usize,
    waiting: usize,
}

impl Measured {
    fn print(&self, what: &str, machines: usize) {
        let each = self.processor / u32::try_from(machines).unwrap();
        println!(
            "{what}: {:.2?}, {} changes, {} commands; own processor time {:.0?}, {each:.2?} per machine, \
             {:.3?} per machine and file; {}",
            self.took,
            self.changes,
            self.commands,
            self.processor,
            each / u32::try_from(FILES).unwrap(),
            servers(self.theirs, u32::try_from(machines).unwrap()),
        );
    }
}

async fn measured(orbiter: &Orbiter, repository: &MemoryRepository) -> Measured {
    let (begin, before, commands) = (Instant::now(), processor_time(), wire::commands());
    let theirs = servers_time();
    let report = run_once(orbiter, repository, &()).await.expect("a round ends");
    if let Some((change, error)) = report.round.failures().next() {
        panic!("{change}: {}", error.chain());
    }
    Measured {
        took: begin.elapsed(),
        processor: processor_time() - before,
        theirs: theirs.and_then(|it| servers_time()?.checked_sub(it)),
        commands: wire::commands() - commands,
        changes: report.round.plan.changes().count(),
        waiting: report.round.plan.waiting().len(),
    }
}

/// User and system time of this process with all its threads, to 10 ms.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_ascii_whitespace();
    Duration::from_millis(fields.skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum::<u64>() * 10)
}

/// User and system time of all servers and of what they started, from the file of their cgroup.
fn servers_time() -> Option<Duration> {
    let text = std::fs::read_to_string(std::env::var_os("BENCH_USED")?).ok()?;
    Some(Duration::from_nanos(text.trim().parse().ok()?))
}

fn servers(time: Option<Duration>, all: u32) -> String {
    time.map_or_else(
        || "servers' processor time unknown".to_owned(),
        |it| format!("servers' processor time {:.2?} per machine and round", it / all),
    )
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let lines = status.lines().filter(|it| it.starts_with("VmRSS") || it.starts_with("VmHWM"));
    lines.map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap().split(' ').next().unwrap().to_owned()
}
