//! One BOOM at a time works on a cluster.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use orbos_k8s::objects::{Cluster, Hold, Lease, LeaseName};
use orbos_state::Error;
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
    time::sleep,
};

/// How long somebody who does not answer any more is waited for.
const DURATION: Duration = Duration::from_secs(15);
/// How often one looks whether the lease is free.
const LOOK: Duration = Duration::from_secs(1);

/// The lease, held and renewed until it is released or lost.
#[derive(Debug)]
pub struct Held {
    cluster: Arc<Cluster>,
    lease: Arc<Mutex<Lease>>,
    lost: watch::Receiver<Option<String>>,
    renewing: JoinHandle<()>,
}

/// Takes the lease, if nobody works on the cluster. Somebody who died is waited for until that is certain.
///
/// # Errors
///
/// [`Conflict`](Error::Conflict) if somebody works on it, or what the API server reports.
pub async fn hold(cluster: &Arc<Cluster>, namespace: &str) -> Result<Held> {
    let until = Instant::now() + DURATION + 2 * LOOK;
    let mut lease = lease(namespace);
    loop {
        let holder = match try_hold(cluster, &mut lease, namespace).await? {
            Ok(until) => return Ok(Held::renewed(cluster, lease, until)),
            Err(holder) => holder,
        };
        if Instant::now() > until {
            let error = anyhow::Error::from(Error::conflict(format!("Lease {namespace}/boom")));
            return Err(error.context(format!("another BOOM is at work on this cluster: {holder}")));
        }
        sleep(LOOK).await;
    }
}

/// Takes the lease as soon as nobody works on the cluster any more.
pub async fn wait_for(cluster: &Arc<Cluster>, namespace: &str) -> Held {
    let mut lease = lease(namespace);
    let mut told = String::new();
    loop {
        match try_hold(cluster, &mut lease, namespace).await {
            Ok(Ok(until)) => return Held::renewed(cluster, lease, until),
            Ok(Err(holder)) if holder != told => {
                tracing::info!(holder, "waiting, as another BOOM is at work");
                told = holder;
            }
            Ok(Err(_)) => {}
            Err(error) => tracing::warn!(error = error.chain(), "the lease cannot be looked at"),
        }
        sleep(2 * LOOK).await;
    }
}

fn lease(namespace: &str) -> Lease {
    let name = LeaseName { namespace: namespace.to_owned(), name: "boom".to_owned() };
    Lease::new(name, Process::this().to_string(), DURATION)
}

/// Until when it is ours, or who has it.
async fn try_hold(
    cluster: &Cluster,
    lease: &mut Lease,
    namespace: &str,
) -> Result<Result<Instant, String>, Error> {
    match cluster.hold(lease).await? {
        Hold::Ours { until } => Ok(Ok(until)),
        Hold::Elsewhere { holder } => {
            if Process::parse(&holder).is_some_and(|it| it.is_dead()) {
                // Nobody can hold it under this name any more, so it can be given back under it.
                let name = LeaseName { namespace: namespace.to_owned(), name: "boom".to_owned() };
                cluster.release(&mut Lease::new(name, holder.clone(), DURATION)).await?;
            }
            Ok(Err(holder))
        }
    }
}

impl Held {
    fn renewed(cluster: &Arc<Cluster>, lease: Lease, until: Instant) -> Self {
        let (lose, lost) = watch::channel(None);
        let lease = Arc::new(Mutex::new(lease));
        let renewing = tokio::spawn(renew(Arc::clone(cluster), Arc::clone(&lease), until, lose));
        Self { cluster: Arc::clone(cluster), lease, lost, renewing }
    }

    /// Waits until it is not ours any more; says why.
    pub async fn lost(&self) -> Error {
        let mut lost = self.lost.clone();
        let why = lost.wait_for(Option::is_some).await.map(|it| it.clone().unwrap_or_default());
        match why {
            Ok(why) => Error::failed("holding the lease", why),
            Err(_) => std::future::pending().await,
        }
    }

    /// Gives it back, so that others need not wait.
    pub async fn release(self) {
        self.renewing.abort();
        let mut lease = self.lease.lock().await;
        if let Err(error) = self.cluster.release(&mut lease).await {
            tracing::warn!(error = error.chain(), "the lease was not given back");
        }
    }
}

async fn renew(
    cluster: Arc<Cluster>,
    lease: Arc<Mutex<Lease>>,
    mut until: Instant,
    lose: watch::Sender<Option<String>>,
) {
    let why = loop {
        sleep(DURATION / 3).await;
        let renewed = tokio::time::timeout_at(until.into(), async {
            let mut lease = lease.lock().await;
            cluster.hold(&mut lease).await
        });
        match renewed.await {
            Ok(Ok(Hold::Ours { until: later })) => until = later,
            Ok(Ok(Hold::Elsewhere { holder })) => break format!("{holder} has it now"),
            Ok(Err(error)) if Instant::now() < until => {
                tracing::warn!(error = error.chain(), "the lease was not renewed");
            }
            Ok(Err(error)) => break error.chain(),
            Err(_) => break "the API server does not answer".to_owned(),
        }
    };
    lose.send_replace(Some(why));
}

/// A process, told from every other one on this computer and on others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    host: String,
    /// The kernel's run and the namespace of process numbers: elsewhere the same number is another process.
    world: String,
    number: u32,
}

impl Process {
    fn this() -> Self {
        let line = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let boot: String = line("/proc/sys/kernel/random/boot_id").chars().take(8).collect();
        let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let space: String = space.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
        let host = line("/proc/sys/kernel/hostname");
        Self { host, world: format!("{boot}-{space}"), number: std::process::id() }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, '_');
        let number = parts.next()?.parse().ok()?;
        let (world, host) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        Some(Self { host, world, number })
    }

    /// Whether it certainly is not there any more; of other computers nobody knows.
    fn is_dead(&self) -> bool {
        let this = Self::this();
        // Where processes of others are hidden, none of them is known to be dead.
        let sees_all = !this.host.is_empty() && Path::new("/proc/1").exists();
        sees_all
            && self.host == this.host
            && self.world == this.world
            && !Path::new(&format!("/proc/{}", self.number)).exists()
    }
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}_{}", self.host, self.world, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_computer_is_known_to_be_dead() {
        let this = Process::this();
        assert_eq!(Process::parse(&this.to_string()).as_ref(), Some(&this));
        assert!(!this.is_dead());
        // The largest number that Linux can be told to give is 4194304.
        let dead = Process { number: 4_194_305, ..this.clone() };
        assert!(dead.is_dead());
        assert!(!Process { world: "elsewhere".to_owned(), ..dead.clone() }.is_dead());
        assert!(!Process { host: "elsewhere".to_owned(), ..dead }.is_dead());
        assert_eq!(Process::parse("somebody"), None);
    }
}
