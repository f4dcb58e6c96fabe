//! A round with nothing to do over many machines: one command on each.
//!
//! `cargo bench -p orbos-ssh --bench round -- 100` starts that many servers on
//! loopback and prints times and the processor time of this process.

use std::{
    fmt::Write as _,
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use orbos_ssh::{Connect, Error, KnownHosts, PrivateKey, Shell, SshConnect, testing::Sshd};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let count = std::env::args().filter_map(|it| it.parse().ok()).next().unwrap_or(20);
    let sshds: Vec<_> = (0..count).map(|_| Sshd::start()).collect();
    let ssh = SshConnect::new(Arc::new(KnownHosts::new()));
    let mut report = format!("{count} servers\n");
    let keys: Vec<_> = sshds.iter().map(Sshd::key).collect();
    let shells = measured(&mut report, "connect", count, connect(&ssh, &sshds, &keys)).await?;
    for _ in 0..5 {
        measured(&mut report, "round", count, round(&shells)).await?;
    }
    let waiting = try_join_all(shells.iter().map(|shell| shell.run("sleep 3")));
    measured(&mut report, "waiting 3 s", count, waiting).await?;
    let _ = writeln!(report, "memory: {}", memory());
    let _ = std::io::stdout().write_all(report.as_bytes());
    Ok(())
}

async fn connect(
    ssh: &SshConnect,
    sshds: &[Sshd],
    keys: &[PrivateKey],
) -> Result<Vec<Arc<dyn Shell>>, Error> {
    let each =
        sshds.iter().zip(keys).map(|(sshd, key)| async move { ssh.connect(&sshd.target(), key).await });
    try_join_all(each).await
}

async fn round(shells: &[Arc<dyn Shell>]) -> Result<(), Error> {
    try_join_all(shells.iter().map(|shell| shell.run("echo nothing to do"))).await.map(drop)
}

async fn measured<T>(report: &mut String, what: &str, count: u32, future: impl Future<Output = T>) -> T {
    let (start, before) = (Instant::now(), processor_time());
    let result = future.await;
    let (took, used) = (start.elapsed(), processor_time() - before);
    let _ = writeln!(report, "{what}: {took:.1?}, processor {used:.1?}, {:.2?} each", used / count);
    result
}

// User and system time of the process, to 10 ms.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    Duration::from_millis(fields.skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum::<u64>() * 10)
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|it| it.starts_with("VmRSS")).unwrap_or_default().to_owned()
}
