//! Drivers over a modelled world instead of real machines.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use orbos_secrets::Secret;
use orbos_ssh::Shell;
use orbos_state::{Error, Result};

use crate::{
    ClusterGoal, ClusterId, ClusteredSoftware, Connection, HostChange, HostGoal, HostSeen, Hosts, Inventory,
    Machine, MachineId, MemberChange, Membership, Model, Orb, OrbChange, OrbGoal, OrbObserved, Provider,
    ProviderChange, ProviderGoal, ProviderId, Request, RequestChange, Requests, World, bare_host,
};

/// A modelled world that drivers share; says of itself that it is simulated.
///
/// Every change can be made to fail beforehand, before or after it took effect.
#[derive(Clone, Debug)]
pub struct SimWorld(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    model: Model,
    failures: Vec<(String, Fails)>,
    silent: BTreeMap<String, String>,
}

/// When a planned failure strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    /// Nothing has happened.
    Before,
    /// It has happened, but nobody heard of it.
    After,
}

impl SimWorld {
    /// A world that is as the model says.
    pub fn new(model: Model) -> Self {
        Self(Arc::new(Mutex::new(State { model, failures: Vec::new(), silent: BTreeMap::new() })))
    }

    /// All drivers of this world as one orb.
    pub fn orb(&self) -> Orb {
        let goal = self.goal();
        let provider = |id: &ProviderId| SimProvider { world: self.clone(), id: id.clone() };
        let cluster = |id: &ClusterId| SimCluster { world: self.clone(), id: id.clone() };
        Orb {
            providers: goal
                .providers
                .keys()
                .map(|it| (it.clone(), Box::new(provider(it)) as Box<dyn Provider>))
                .collect(),
            clusters: goal
                .clusters
                .keys()
                .map(|it| (it.clone(), Box::new(cluster(it)) as Box<dyn ClusteredSoftware>))
                .collect(),
            hosts: Arc::new(self.clone()),
            requests: Arc::new(self.clone()),
        }
    }

    /// What should be true now.
    pub fn goal(&self) -> OrbGoal {
        self.state().model.goal.clone()
    }

    /// What is true now.
    pub fn model(&self) -> Model {
        self.state().model.clone()
    }

    /// Changes the world behind everybody's back.
    pub fn change(&self, change: impl FnOnce(&mut Model)) {
        change(&mut self.state().model);
    }

    /// Makes the next change fail whose text begins like this.
    pub fn fail(&self, begins: impl Into<String>, fails: Fails) {
        self.state().failures.push((begins.into(), fails));
    }

    /// Makes `provider X`, `machine X` or `cluster X` not answer until it is taken back.
    pub fn silence(&self, subject: impl Into<String>, reason: impl Into<String>) {
        self.state().silent.insert(subject.into(), reason.into());
    }

    /// Takes [`silence`](Self::silence) back.
    pub fn answer(&self, subject: &str) {
        self.state().silent.remove(subject);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the world")
    }

    fn ask<T>(&self, subject: &str, answer: impl FnOnce(&Model) -> Option<T>) -> Result<T> {
        let state = self.state();
        if let Some(reason) = state.silent.get(subject) {
            return Err(Error::failed(subject.to_string(), reason.clone()));
        }
        answer(&state.model).ok_or_else(|| Error::unreachable(subject.to_string()))
    }

    fn apply(&self, change: &OrbChange) -> Result<()> {
        let mut state = self.state();
        let text = change.to_string();
        let planned = state.failures.iter().position(|(begins, _)| text.starts_with(begins.as_str()));
        let fails = planned.map(|it| state.failures.remove(it).1);
        if fails != Some(Fails::Before) {
            state.model.apply(change);
        }
        if fails.is_some() { Err(Error::failed(text, "this failure was planned")) } else { Ok(()) }
    }
}

/// A provider of a [`SimWorld`].
#[derive(Debug)]
pub struct SimProvider {
    world: SimWorld,
    id: ProviderId,
}

#[async_trait]
impl Provider for SimProvider {
    fn goal(&self) -> ProviderGoal {
        self.world.goal().providers.remove(&self.id).expect("the world was asked for its providers")
    }

    async fn observe(&self) -> Result<Inventory> {
        self.world.ask(&format!("provider {}", self.id), |it| it.observed.providers.get(&self.id).cloned())
    }

    async fn apply(&self, change: &ProviderChange) -> Result<()> {
        self.world.apply(&OrbChange::Provider { provider: self.id.clone(), change: change.clone() })
    }

    async fn shell(&self, machine: &Machine, _: Connection) -> Result<Arc<dyn Shell>> {
        Err(Error::unsupported(format!("a shell on {}", machine.id), "the machine is simulated"))
    }
}

/// A cluster of a [`SimWorld`].
#[derive(Debug)]
pub struct SimCluster {
    world: SimWorld,
    id: ClusterId,
}

#[async_trait]
impl ClusteredSoftware for SimCluster {
    fn goal(&self) -> ClusterGoal {
        self.world.goal().clusters.remove(&self.id).expect("the world was asked for its clusters")
    }

    async fn observe(&self, _: &dyn World) -> Result<Membership> {
        self.world.ask(&format!("cluster {}", self.id), |it| it.observed.clusters.get(&self.id).cloned())
    }

    async fn apply(&self, change: &MemberChange, _: &dyn World) -> Result<()> {
        self.world.apply(&OrbChange::Member { cluster: self.id.clone(), change: change.clone() })
    }

    async fn credentials(&self, _: &dyn World) -> Result<Option<Secret>> {
        Ok(Some(Secret::from_text("simulated")))
    }
}

#[async_trait]
impl Hosts for SimWorld {
    async fn observe(&self, _: &dyn Provider, machine: &Machine, _: &HostGoal) -> Result<HostSeen> {
        self.ask(&format!("machine {}", machine.id), |it| {
            let OrbObserved { hosts, candidates, .. } = &it.observed;
            let seen = hosts.get(&machine.id).or_else(|| candidates.get(&machine.id)).cloned();
            seen.or_else(|| it.observed.machine(&machine.id).is_none().then(|| bare_host(&machine.id)))
        })
    }

    async fn apply(&self, _: &dyn Provider, machine: &Machine, change: &HostChange) -> Result<()> {
        SimWorld::apply(self, &OrbChange::Host { machine: machine.id.clone(), changes: vec![change.clone()] })
    }
}

#[async_trait]
impl Requests for SimWorld {
    async fn generate(&self, path: &str) -> Result<()> {
        SimWorld::apply(self, &OrbChange::Request(RequestChange::Generate { path: path.into() }))
    }

    async fn store(&self, cluster: &ClusterId, _: &Secret) -> Result<()> {
        SimWorld::apply(self, &OrbChange::Request(RequestChange::Store { cluster: cluster.clone() }))
    }

    async fn discard(&self, cluster: &ClusterId) -> Result<()> {
        SimWorld::apply(self, &OrbChange::Request(RequestChange::Discard { cluster: cluster.clone() }))
    }

    async fn consume(&self, machine: &MachineId, request: Request) -> Result<()> {
        SimWorld::apply(
            self,
            &OrbChange::Request(RequestChange::Consume { machine: machine.clone(), request }),
        )
    }
}
