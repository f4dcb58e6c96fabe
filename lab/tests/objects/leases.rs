//! Of several programs one works.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::site::Site;
use orbos_k8s::objects::{Cluster, Hold, Lease, LeaseName};
use orbos_lab::Api;
use tokio::{task::JoinSet, time::sleep};

const DURATION: Duration = Duration::from_secs(3);

fn lease(holder: &str) -> Lease {
    let name = LeaseName { namespace: "leases-system".into(), name: "boom".into() };
    Lease::new(name, holder, DURATION)
}

/// When somebody worked: from when it was told so, until the lease would have ended.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(String, Instant, Instant)>>>);

impl Log {
    fn note(&self, holder: &str, hold: &Hold) {
        if let Hold::Ours { until } = hold {
            self.0.lock().unwrap().push((holder.to_owned(), Instant::now(), *until));
        }
    }

    fn assert_one_at_a_time(&self) {
        let all = self.0.lock().unwrap();
        for (holder, from, until) in all.iter() {
            for (other, begin, end) in all.iter().filter(|it| it.0 != *holder) {
                assert!(from >= end || begin >= until, "{holder} and {other} work at the same time");
            }
        }
    }
}

/// Takes part until it is killed.
async fn take_part(cluster: Cluster, holder: String, log: Log) {
    let mut lease = lease(&holder);
    loop {
        log.note(&holder, &cluster.hold(&mut lease).await.unwrap());
        sleep(DURATION / 6).await;
    }
}

pub(crate) async fn of_several_holders_one_works_and_another_one_goes_on(api: &Api) {
    let log = Log::default();
    // All at once, and the namespace is not there yet.
    let mut first = JoinSet::new();
    for number in 0..8 {
        let cluster = Site::new(api, "leases").await.cluster;
        first.spawn(async move { cluster.hold(&mut lease(&format!("racer-{number}"))).await.unwrap() });
    }
    let first: Vec<_> = first.join_all().await;
    let ours: Vec<_> = first.iter().filter(|it| it.is_ours()).collect();
    assert_eq!(ours.len(), 1, "{first:?}");
    let Some(Hold::Ours { until }) = ours.first() else { unreachable!("it is ours") };
    let until = *until;

    // It does nothing more, as if it were killed; of two that wait, one goes on.
    let mut others = JoinSet::new();
    for holder in ["one", "two"] {
        let cluster = Site::new(api, "leases").await.cluster;
        others.spawn(take_part(cluster, holder.to_owned(), log.clone()));
    }
    let begin = Instant::now();
    while log.0.lock().unwrap().is_empty() {
        assert!(begin.elapsed() < DURATION * 4, "nobody takes the lease of a holder that died");
        sleep(Duration::from_millis(20)).await;
    }
    let (winner, taken) = {
        let log = log.0.lock().unwrap();
        (log[0].0.clone(), log[0].1)
    };
    assert!(taken >= until, "it was taken while it was still held");
    println!("a lease of {DURATION:?} was taken {:?} after its end", taken - until);
    sleep(DURATION * 2).await;
    log.assert_one_at_a_time();
    assert!(log.0.lock().unwrap().iter().all(|it| it.0 == winner), "who holds it keeps it");
    others.shutdown().await;

    // Given back, it is taken at once; by one that does not hold it, it is not given back.
    let site = Site::new(api, "leases").await;
    let (mut winner, mut next) = (lease(&winner), lease("next"));
    assert!(site.cluster.hold(&mut winner).await.unwrap().is_ours(), "the same program goes on");
    site.cluster.release(&mut next).await.unwrap();
    assert!(!site.cluster.hold(&mut next).await.unwrap().is_ours());
    site.cluster.release(&mut winner).await.unwrap();
    assert!(site.cluster.hold(&mut next).await.unwrap().is_ours());
    let holder = site.field(&["-n", "leases-system", "lease", "boom"], ".spec.holderIdentity");
    assert_eq!(holder, "next");
    let changes = site.field(&["-n", "leases-system", "lease", "boom"], ".spec.leaseTransitions");
    assert_eq!(changes, "2");
}
