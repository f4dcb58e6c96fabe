//! All drivers of an orb as one [`Reconciler`].

mod world;

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Instant};

use async_trait::async_trait;
use futures::future::join_all;
use orbos_secrets::Secret;
use orbos_state::{Error, Plan, Reconciler, Result};

use crate::{
    cluster::{ClusterId, ClusteredSoftware},
    host::{HostChange, HostGoal, HostSeen},
    machine::{Inventory, Machine, MachineId, ProviderId},
    orb::{OrbChange, OrbGoal, OrbObserved, Request, RequestChange},
    plan::{self, look_goals},
    provider::Provider,
};
use world::OrbWorld;

/// The target of the `tracing` events about the single steps of a change on a machine, at level debug.
///
/// `begun` has the fields `machine`, `step` (for humans), `number` and `of` (how many steps the change has);
/// `done` also has `took` in seconds and `worked`. For whoever shows progress.
pub const STEP: &str = "orbos::step";

/// Every driver of an orb, together.
///
/// It has no goal of its own: the goal is a value, made of what the drivers ask for.
#[derive(Debug)]
pub struct Orb {
    /// Where machines come from.
    pub providers: BTreeMap<ProviderId, Box<dyn Provider>>,
    /// What runs on them.
    pub clusters: BTreeMap<ClusterId, Box<dyn ClusteredSoftware>>,
    /// How operating systems are looked at and changed.
    pub hosts: Arc<dyn Hosts>,
    /// How the repository is written to.
    pub requests: Arc<dyn Requests>,
}

/// How a machine's operating system is looked at and changed.
#[async_trait]
pub trait Hosts: Debug + Send + Sync + 'static {
    /// Looks at a machine, at what the goal mentions; changes nothing.
    ///
    /// # Errors
    ///
    /// If the machine does not answer; never a half-empty look instead.
    async fn observe(&self, provider: &dyn Provider, machine: &Machine, goal: &HostGoal) -> Result<HostSeen>;

    /// Carries out one step. Twice is the same as once.
    ///
    /// # Errors
    ///
    /// If it did not happen, or if that is not known.
    async fn apply(&self, provider: &dyn Provider, machine: &Machine, change: &HostChange) -> Result<()>;
}

/// What an orb writes into its own desired file.
#[async_trait]
pub trait Requests: Debug + Send + Sync + 'static {
    /// Makes a missing secret.
    ///
    /// # Errors
    ///
    /// If it was not stored.
    async fn generate(&self, path: &str) -> Result<()>;

    /// Stores what gives access to a cluster.
    ///
    /// # Errors
    ///
    /// If it was not stored.
    async fn store(&self, cluster: &ClusterId, secret: &Secret) -> Result<()>;

    /// Takes away what gave access to a cluster.
    ///
    /// # Errors
    ///
    /// If it was not taken away.
    async fn discard(&self, cluster: &ClusterId) -> Result<()>;

    /// Takes a request away that was carried out.
    ///
    /// # Errors
    ///
    /// If it was not taken away.
    async fn consume(&self, machine: &MachineId, request: Request) -> Result<()>;
}

impl Orb {
    /// What all drivers ask for together.
    pub fn goal(&self, purpose: crate::orb::Purpose, missing_secrets: Vec<String>) -> OrbGoal {
        OrbGoal {
            purpose,
            missing_secrets,
            providers: self.providers.iter().map(|(id, it)| (id.clone(), it.goal())).collect(),
            clusters: self.clusters.iter().map(|(id, it)| (id.clone(), it.goal())).collect(),
        }
    }

    /// The provider of a machine.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the orb has no such provider.
    pub fn provider(&self, id: &str) -> Result<&dyn Provider> {
        let provider = self.providers.get(id).map(Box::as_ref);
        provider.ok_or_else(|| Error::invalid(format!("provider {id}"), "the orb has no such provider"))
    }

    async fn observe_providers(&self, observed: &mut OrbObserved) {
        let looks = self.providers.iter().map(async |(id, provider)| (id, provider.observe().await));
        for (id, look) in join_all(looks).await {
            match look {
                Ok(inventory) => drop(observed.providers.insert(id.clone(), inventory)),
                Err(error) => drop(observed.unseen.insert(format!("provider {id}"), error.chain())),
            }
        }
    }

    async fn observe_hosts(&self, goal: &OrbGoal, observed: &mut OrbObserved) {
        let goals = look_goals(goal, observed);
        let nothing = HostGoal::default();
        let candidates = observed.providers.values().flat_map(|it| plan::candidates(goal, it));
        let looks = observed.machines().chain(candidates).filter(|it| it.address.is_some());
        let looks = looks.map(async |machine| {
            let look = async {
                let wanted = goals.get(&machine.id.pool).unwrap_or(&nothing);
                self.hosts.observe(self.provider(&machine.id.pool.provider)?, machine, wanted).await
            };
            (machine.id.clone(), look.await)
        });
        for (id, look) in join_all(looks).await {
            match look {
                Ok(seen) if observed.machine(&id).is_none() => drop(observed.candidates.insert(id, seen)),
                Ok(seen) => drop(observed.hosts.insert(id, seen)),
                Err(error) => drop(observed.unseen.insert(format!("machine {id}"), error.chain())),
            }
        }
    }

    async fn observe_clusters(&self, goal: &OrbGoal, observed: &mut OrbObserved) {
        for (id, cluster) in &self.clusters {
            let look = cluster.observe(&OrbWorld::new(self, goal, observed)).await;
            match look {
                Ok(membership) => drop(observed.clusters.insert(id.clone(), membership)),
                Err(error) => drop(observed.unseen.insert(format!("cluster {id}"), error.chain())),
            }
        }
    }

    async fn request(&self, observed: &OrbObserved, change: &RequestChange) -> Result<()> {
        match change {
            RequestChange::Generate { path } => self.requests.generate(path).await,
            RequestChange::Store { cluster } => {
                let software = self.cluster(cluster)?;
                let goal = self.goal(crate::orb::Purpose::Run, Vec::new());
                match software.credentials(&OrbWorld::new(self, &goal, observed)).await? {
                    Some(secret) => self.requests.store(cluster, &secret).await,
                    None => Ok(()),
                }
            }
            RequestChange::Discard { cluster } => self.requests.discard(cluster).await,
            RequestChange::Consume { machine, request } => self.requests.consume(machine, *request).await,
        }
    }

    async fn change_host(
        &self,
        observed: &OrbObserved,
        machine: &MachineId,
        changes: &[HostChange],
    ) -> Result<()> {
        let unknown = || Error::conflict(format!("machine {machine}"));
        let machine = observed.machine(machine).ok_or_else(unknown)?;
        let provider = self.provider(&machine.id.pool.provider)?;
        for (change, number) in changes.iter().zip(1_usize..) {
            let (id, of) = (&machine.id, changes.len());
            tracing::debug!(target: STEP, machine = %id, step = %change, number, of, "begun");
            let begin = Instant::now();
            let result = self.hosts.apply(provider, machine, change).await;
            let (took, worked) = (begin.elapsed().as_secs_f64(), result.is_ok());
            tracing::debug!(target: STEP, machine = %id, step = %change, number, of, took, worked, "done");
            result?;
        }
        Ok(())
    }

    fn cluster(&self, id: &str) -> Result<&dyn ClusteredSoftware> {
        let cluster = self.clusters.get(id).map(Box::as_ref);
        cluster.ok_or_else(|| Error::invalid(format!("cluster {id}"), "the orb has no such cluster"))
    }
}

#[async_trait]
impl Reconciler for Orb {
    type Goal = OrbGoal;
    type Observed = OrbObserved;
    type Change = OrbChange;

    /// Never fails: what does not answer is listed as unseen.
    async fn observe(&self, goal: &OrbGoal) -> Result<OrbObserved> {
        let mut observed = OrbObserved::default();
        self.observe_providers(&mut observed).await;
        self.observe_hosts(goal, &mut observed).await;
        self.observe_clusters(goal, &mut observed).await;
        Ok(observed)
    }

    fn plan(goal: &OrbGoal, observed: &OrbObserved) -> Plan<OrbChange> {
        plan::plan(goal, observed)
    }

    async fn apply(&self, observed: &OrbObserved, change: &OrbChange) -> Result<()> {
        match change {
            OrbChange::Request(change) => self.request(observed, change).await,
            OrbChange::Provider { provider, change } => self.provider(provider)?.apply(change).await,
            OrbChange::Host { machine, changes } => self.change_host(observed, machine, changes).await,
            OrbChange::Member { cluster, change } => {
                let goal = self.goal(crate::orb::Purpose::Run, Vec::new());
                self.cluster(cluster)?.apply(change, &OrbWorld::new(self, &goal, observed)).await
            }
        }
    }
}

/// All machines that were seen, of every provider.
fn all_machines(observed: &OrbObserved) -> Inventory {
    let mut all = Inventory::default();
    observed.providers.values().for_each(|it| all.extend(it));
    all
}
